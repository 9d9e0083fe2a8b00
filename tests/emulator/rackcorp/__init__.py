# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RackCorp: ``json.php`` with commands, REST paths, five ways to authenticate, errors as HTTP 200."""

from __future__ import annotations

from .api import Rackcorp

__all__ = ["Rackcorp"]
