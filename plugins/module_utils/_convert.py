# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values in the type of their option, whatever a playbook, a command line or the environment gave.

The conversion is Ansible's own, so that an option means the same on the controller and on a managed host. Added are bounds, the checks of secrets that
must not cost a login, and messages that quote no secret.
"""

from __future__ import annotations

import ast
import datetime
import json
import re
import typing as t
from collections.abc import Mapping

from ansible.module_utils.common import validation

from .auth.errors import ApiError, configuration_error
from .auth.options import Option

# No connection waits longer than this; every number with a fraction is a time in seconds. Whole numbers are counts, and times too.
MAX_SECONDS, MAX_COUNT = 1_000_000, 1_000_000_000
# Lone surrogates are no characters; some of them stand for bytes that are not UTF-8, as the environment may hold them.
SURROGATE, SURROGATE_OR_BYTE = "[\ud800-\udc7f\udd00-\udfff]", "[\ud800-\udfff]"
# What YAML makes of a text without quotes that looks like something else.
NOT_TEXT = (((bool,), "a boolean"), ((int, float), "a number"), ((datetime.date, datetime.time), "a date"))
SHOWN = r"[\w.:/+-]{1,30}( [\w.:/+-]{1,10}){0,3}"


def convert(option: Option, value: t.Any) -> t.Any:
    """Return a value in the option's type, as plain Python. Raises a configuration error, which quotes the value unless it is secret."""
    if option.secret or option.group == "credential":
        _check_is_text(option, value)
    if option.choices and isinstance(value, bool):
        # YAML reads a bare true as a boolean.
        value = str(value).lower()
    value = untag(value)
    try:
        converted = _TYPES[option.type](value)
        if option.positive and not converted:
            raise ValueError
        if option.elements == "str":
            converted = [_text(item) for item in converted]
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise _wrong(option, _expected(option), value) from None
    _check_bounds(option, converted)
    if option.choices:
        # Templates and command lines make "True" of true.
        spellings = {choice.lower(): choice for choice in option.choices}
        if str(converted).lower() not in spellings:
            raise _wrong(option, f"one of {', '.join(option.choices)}", value)
        return spellings[str(converted).lower()]
    if isinstance(converted, str) and (option.secret or option.group):
        return _check_blanks(option, converted)
    return converted


def untag(value: t.Any) -> t.Any:
    """Return nested data as plain Python, without the marks that Ansible puts on its values."""
    if isinstance(value, str):
        # Joining makes a plain text of any subclass, and nothing of a plain one.
        return "".join((value,))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return value + 0
    # A dictionary first: to ask whether anything else is a mapping costs far more.
    if isinstance(value, (dict, Mapping)):
        return {untag(name): untag(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [untag(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    # YAML makes dates of what looks like one; a vaulted text is not a `str` before core 2.19.
    return untag(value.isoformat()) if hasattr(value, "isoformat") else untag(str(value))


# -- checks ----------------------------------------------------------------------------------------------------------


def _check_is_text(option: Option, value: t.Any) -> None:
    """Refuse what YAML read as something else: `012345` without quotes is another number, and would cost a login."""
    for types, kind in NOT_TEXT if option.type == "str" else ():
        if isinstance(value, types):
            raise configuration_error(f"{option.name} must be text, but YAML read it as {kind}", "write it in quotes")


def _check_blanks(option: Option, text: str) -> str:
    """Return a text without blanks around it, if they cannot belong to it. Raises a configuration error if they may, and for a token with its scheme."""
    stripped = text.strip()
    if stripped != text and option.secret and not option.trim:
        kind = "a line break" if text.rstrip("\r\n") != text else "a blank"
        raise configuration_error(f"{option.name} begins or ends with {kind}", "remove it; a file or a command may have added it")
    if option.secret and option.alternative in ("token", "session") and re.search("[\\s\"'`]", stripped):
        scheme = re.match(r"(bearer|basic|whm|cpanel|jwt|token)\s", stripped, re.IGNORECASE)
        what = f"begins with the scheme {scheme.group(1)}" if scheme else "contains blanks" if re.search(r"\s", stripped) else "contains quotes"
        raise configuration_error(f"{option.name} {what}", "give the token alone")
    return stripped


def _check_bounds(option: Option, value: t.Any) -> None:
    limit = {"float": MAX_SECONDS, "int": MAX_COUNT}.get(option.type)
    if limit is not None and value > limit:
        raise configuration_error(f"{option.name} must be at most {limit}", "correct it")
    surrogate = SURROGATE if option.env else SURROGATE_OR_BYTE
    texts = value if option.elements == "str" else (value,) if option.type in ("str", "path") else ()
    if any(re.search(surrogate, text) for text in texts if not text.isascii()):
        raise configuration_error(f"{option.name} contains a lone surrogate, which is not a character", "correct it")


def _wrong(option: Option, expected: str, value: t.Any) -> ApiError:
    # A few short words are a slip of typing. Anything else may be a secret that was given to the wrong option.
    is_small = isinstance(value, (int, float)) and abs(value) < MAX_COUNT
    text = str(value) if isinstance(value, str) or is_small else ""
    shown = f", and not {text!r}" if re.fullmatch(SHOWN, text) and not option.secret else ""
    return configuration_error(f"{option.name} must be {expected}{shown}")


def _expected(option: Option) -> str:
    if option.elements == "str":
        return "a list of strings"
    return _NAMES[option.type].replace("of zero or more", "above zero") if option.positive else _NAMES[option.type]


# -- types -----------------------------------------------------------------------------------------------------------


def _text(value: t.Any) -> str:
    if isinstance(value, (list, dict)) or value is None:
        raise TypeError
    return str(validation.check_type_str(value))


def _number(value: t.Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    number = float(validation.check_type_float(value))
    # Neither "nan" nor "inf" is a time or a count, nor is anything below zero.
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


def _dictionary(value: t.Any) -> dict[str, t.Any]:
    if isinstance(value, str) and value.strip().startswith("{"):
        value = _structure(value.strip())
    return dict(untag(validation.check_type_dict(value)))


def _structure(text: str) -> t.Any:
    """Return data that was written as JSON, or as Python writes it, which is what templates make of data in older cores."""
    try:
        return json.loads(text)
    except ValueError:
        try:
            return untag(ast.literal_eval(text))
        except (SyntaxError, MemoryError):
            raise ValueError from None


def _path(value: t.Any) -> str:
    return str(validation.check_type_path(_text(value)))


def _boolean(value: t.Any) -> bool:
    return bool(validation.check_type_bool(value.strip() if isinstance(value, str) else value))


_TYPES: dict[str, t.Callable[[t.Any], t.Any]] = {
    "str": _text,
    "path": _path,
    "bool": _boolean,
    "float": _number,
    "int": _whole,
    "list": _list,
    "dict": _dictionary,
    "raw": lambda value: value,
}
_NAMES = {
    "str": "a string",
    "path": "a path",
    "bool": "true or false",
    "float": "a number of zero or more",
    "int": "a whole number of zero or more",
    "list": "a list",
    "dict": "a dictionary",
    "raw": "a value",
}
