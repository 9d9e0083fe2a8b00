# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Values in the type of their option, whatever a playbook, a command line or an environment gave. Private to this collection."""

from __future__ import annotations

import json
import os
import re
import typing as t

from .errors import CONFIGURATION, AuthError
from .option import Option, plain

# A connection cannot wait longer; every number with a fraction is a time in seconds. Whole ones are counts, and times too.
LONGEST, MOST = 1_000_000, 1_000_000_000
# Halves of pairs, which are no characters; some of them stand for bytes that are no UTF-8, as the environment may have them.
_HALF, _HALF_OR_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]"), re.compile("[\ud800-\udfff]")


def convert(one: Option, value: t.Any) -> t.Any:
    """The value in the option's type, as plain Python. Raises a configuration error that does not quote it."""
    if one.choices and isinstance(value, bool):
        # YAML reads a bare true as a boolean.
        value = str(value).lower()
    try:
        converted = _AS_TYPE[one.type](plain(value))
        if one.positive and not converted:
            raise ValueError
        if one.elements == "str":
            converted = [_text(item) for item in converted]
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise AuthError(CONFIGURATION, f"{one.name} must be {_called(one)}") from None
    _check_bounds(one, converted)
    if one.choices:
        # Templates and command lines make "True" of a true.
        spelled = {choice.lower(): choice for choice in one.choices}.get(str(converted).lower())
        if spelled is None:
            raise AuthError(CONFIGURATION, f"{one.name} must be one of {', '.join(one.choices)}")
        return spelled
    return converted


def _check_bounds(one: Option, value: t.Any) -> None:
    """Raises a configuration error for what has the right type, but which no system can mean."""
    most = {"float": LONGEST, "int": MOST}.get(one.type)
    if most is not None and value > most:
        raise AuthError(CONFIGURATION, f"{one.name} must be at most {most}")
    half = _HALF if one.env else _HALF_OR_BYTE
    texts = value if one.elements == "str" else (value,) if one.type in ("str", "path") else ()
    if any(half.search(text) for text in texts if not text.isascii()):
        raise AuthError(CONFIGURATION, f"{one.name} holds half of a surrogate pair, which is no character; correct it")


def _called(one: Option) -> str:
    """What the values of an option are, for a person."""
    if one.elements == "str":
        return "a list of strings"
    return _CALLED[one.type].replace("of zero or more", "above zero") if one.positive else _CALLED[one.type]


def _text(value: t.Any) -> str:
    if isinstance(value, (list, dict)) or value is None:
        raise TypeError
    return str(value)


def _boolean(value: t.Any) -> bool:
    text = str(value).strip().lower()
    if text in ("1", "true", "yes", "on", "y", "t", "1.0"):
        return True
    if text in ("0", "false", "no", "off", "n", "f", "0.0"):
        return False
    raise ValueError


def _number(value: t.Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    number = float(value)
    # Neither "nan" nor "inf" is a time or a count, nor anything below zero.
    if not 0 <= number < float("inf"):
        raise ValueError
    return number


def _whole(value: t.Any) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError
    return int(number)


def _list(value: t.Any) -> list[t.Any]:
    if isinstance(value, str):
        # From a command line, where everything is text.
        text = value.strip()
        value = _structure(text) if text.startswith("[") else [part.strip() for part in text.split(",") if part.strip()]
    if not isinstance(value, list):
        raise TypeError
    return value


def _mapping(value: t.Any) -> dict[str, t.Any]:
    if isinstance(value, str):
        text = value.strip()
        value = _structure(text) if text.startswith("{") else dict(part.strip().split("=", 1) for part in text.split(","))
    if not isinstance(value, dict):
        raise TypeError
    return value


def _structure(text: str) -> t.Any:
    """Data written as JSON, or as Python writes it, which is what templates make of data in older cores."""
    try:
        return json.loads(text)
    except ValueError:
        # Imported here: nearly never needed.
        import ast

        try:
            return plain(ast.literal_eval(text))
        except (SyntaxError, MemoryError):
            raise ValueError from None


def _path(value: t.Any) -> str:
    return os.path.expanduser(os.path.expandvars(_text(value)))


_AS_TYPE: dict[str, t.Callable[[t.Any], t.Any]] = {
    "str": _text,
    "path": _path,
    "bool": _boolean,
    "float": _number,
    "int": _whole,
    "list": _list,
    "dict": _mapping,
    "raw": lambda value: value,
}
_CALLED = {
    "str": "a string",
    "path": "a path",
    "bool": "true or false",
    "float": "a number of zero or more",
    "int": "a whole number of zero or more",
    "list": "a list",
    "dict": "a dictionary",
    "raw": "a value",
}
