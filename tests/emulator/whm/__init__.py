# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cPanel and WHM: functions below ``/json-api/`` and ``/execute/``, several envelopes, and one way to say no."""

from __future__ import annotations

from .api import Whm

__all__ = ["Whm"]
