# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netography (Vectra) Fusion: a signed request token is exchanged for a bearer token; ``{"meta", "data"}`` envelopes."""

from __future__ import annotations

from .api import Netography

__all__ = ["Netography"]
