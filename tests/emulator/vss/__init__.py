# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VSS (ITS Private Cloud): tokens for a password and a code, five logins per window, paged lists, asynchronous changes."""

from __future__ import annotations

from .api import Vss

__all__ = ["Vss"]
