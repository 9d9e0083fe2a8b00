# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One page of a WHM list, and its filters (https://api.docs.cpanel.net/whm/introduction)."""

from __future__ import annotations

from collections.abc import Callable

from ..served import Json, integer
from .params import Params, last_of

FILTERS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda value, expected: expected in value,
    "begins": lambda value, expected: value.startswith(expected),
    "eq": lambda value, expected: value == expected,
    "==": lambda value, expected: value == expected,
    "lt": lambda value, expected: integer(value, 0) < integer(expected, 0),
    "gt": lambda value, expected: integer(value, 0) > integer(expected, 0),
}


def _list_of(data: Json | None) -> str | None:
    return next((key for key, value in (data or {}).items() if isinstance(value, list)), None)


def filtered(data: Json | None, params: Params) -> Json | None:
    """Apply the first filter, ``a``, to the first list in the data."""
    key = _list_of(data)
    if data is None or key is None or last_of(params, "api.filter.enable") != "1":
        return data
    return {**data, key: [row for row in data[key] if isinstance(row, dict) and _passes(row, params)]}


def _passes(row: Json, params: Params) -> bool:
    test = FILTERS.get(last_of(params, "api.filter.a.type") or "contains", FILTERS["eq"])
    expected, column = last_of(params, "api.filter.a.arg0"), last_of(params, "api.filter.a.field")
    return any(test(str(value), expected) for key, value in row.items() if column in ("", "*", key))


def chunk(data: Json | None, params: Params) -> tuple[Json | None, Json]:
    """Return one page of the first list in the data, and ``metadata.chunk`` where it is asked for."""
    key = _list_of(data)
    if data is None or key is None or last_of(params, "api.chunk.enable") != "1":
        return data, {}
    rows, size = data[key], max(1, integer(last_of(params, "api.chunk.size"), 10))
    start = max(1, integer(last_of(params, "api.chunk.start"), 1))
    page = rows[start - 1 : start - 1 + size]
    shape = {"start": start, "current": (start - 1) // size + 1, "size": size, "chunks": -(-len(rows) // size), "records": len(rows)}
    return {**data, key: page}, {"chunk": shape} if last_of(params, "api.chunk.verbose") == "1" else {}
