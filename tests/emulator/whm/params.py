# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of a WHM function."""

from __future__ import annotations

import re

Params = list[tuple[str, str]]


def values_of(params: Params, name: str) -> list[str]:
    """Return the values of ``name``, ``name-0``, ``name-1``, … and repeated keys, in their order."""
    numbered = re.compile(rf"^{re.escape(name)}(-\d+)?$")
    return [value for key, value in params if numbered.match(key)]


def last_of(params: Params, name: str) -> str:
    """Return the last value, or an empty text."""
    found = values_of(params, name)
    return found[-1] if found else ""
