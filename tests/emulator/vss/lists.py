# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VSS's lists: filters, order and pages."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlencode

from ..served import Json, ServedRequest, integer
from .limits import VssSettings
from .times import parse_stamp

Ordered = tuple[int, float | str]


def _comparable(value: object) -> Ordered:
    """Return numbers and times as numbers, and the rest as text in lower case; a number never equals a text."""
    text = str(value)
    try:
        return 0, float(text)
    except ValueError:
        when = parse_stamp(text)
    return (1, when) if when is not None else (2, text.lower())


def _like(have: object, pattern: str) -> bool:
    return fnmatchcase(str(have).lower(), pattern.lower().replace("[", "[[]").replace("*", "[*]").replace("?", "[?]").replace("%", "*"))


OPERATORS: dict[str, Callable[[object, str], bool]] = {
    "eq": lambda have, value: str(have).lower() == value.lower() or _comparable(have) == _comparable(value),
    "ne": lambda have, value: _comparable(have) != _comparable(value),
    "lt": lambda have, value: _comparable(have) < _comparable(value),
    "le": lambda have, value: _comparable(have) <= _comparable(value),
    "gt": lambda have, value: _comparable(have) > _comparable(value),
    "ge": lambda have, value: _comparable(have) >= _comparable(value),
    "like": _like,
    "in": lambda have, value: str(have) in value.split(","),
}


def _member(row: Json, name: str) -> object:
    """Return the value of an attribute; dots lead into objects."""
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _passes(row: Json, condition: str) -> bool:
    name, operator, value = [*condition.split(",", 2), "", ""][:3]
    test = OPERATORS.get(operator)
    return test is not None and test(_member(row, name), value)


def filtered(rows: list[Json], text: str) -> list[Json]:
    """Apply ``attribute,operator,value`` conditions joined with semicolons; each of them counts."""
    conditions = [part for part in text.split(";") if part]
    return [row for row in rows if all(_passes(row, condition) for condition in conditions)]


def ordered(rows: list[Json], text: str) -> list[Json]:
    """Sort by ``attribute,asc|desc`` joined with semicolons; the first weighs most."""
    for part in reversed([part for part in text.split(";") if part]):
        rows = _by(rows, *part.partition(",")[::2])
    return rows


def _by(rows: list[Json], name: str, direction: str) -> list[Json]:
    return sorted(rows, key=lambda row: _comparable(_member(row, name)), reverse=direction == "desc")


# Lists that hold objects also without ``expand``, as the makers' own mcp-vss (PyPI) reads them.
ALWAYS_EXPANDED = ("v2/vm", "v2/network", "v2/domain", "v2/os", "v2/folder")


def page(request: ServedRequest, base: str, rows: list[Json], key: str, settings: VssSettings) -> tuple[list[Any], Json]:
    """Return the data and the meta of one page. Without ``expand`` most lists have only addresses."""
    conditions = ";".join(value for name, value in request.query if name == "filter")
    rows = ordered(filtered(rows, conditions), request.argument("sort"))
    size = min(max(1, integer(request.argument("per_page"), settings.per_page)), settings.max_per_page)
    number, last = max(1, integer(request.argument("page"), 1)), max(1, -(-len(rows) // size))
    shown = rows[(number - 1) * size : number * size]
    meta = {"count": len(shown), "pages": _pages(request, base, number, last, size, len(rows))}
    if request.argument("expand") not in ("1", "true") and request.path.strip("/") not in ALWAYS_EXPANDED:
        return [f"{base}/{row[key]}" for row in shown], meta
    return [{**row, "_links": {"self": f"{base}/{row[key]}"}} for row in shown], meta


def _pages(request: ServedRequest, base: str, number: int, last: int, size: int, total: int) -> Json:
    def url(page_number: int) -> str:
        asked = [(name, value) for name, value in request.query if name not in ("per_page", "page")]
        return f"{base}?{urlencode([*asked, ('per_page', size), ('page', page_number)])}"

    return {
        "first_url": url(1),
        "last_url": url(last),
        "next_url": url(number + 1) if number < last else None,
        "prev_url": url(number - 1) if number > 1 else None,
        "page": number,
        "pages": last,
        "per_page": size,
        "total": total,
    }
