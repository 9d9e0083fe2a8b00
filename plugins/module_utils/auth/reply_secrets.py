# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which secrets a call sends, and which a reply holds."""

from __future__ import annotations

import operator
import re
import typing as t
from functools import partial

from .encodings import SHORTEST
from .redact import Redactor
from .secret_search import DEEPEST, Path, collect, find_jwts, find_labelled, find_private_keys, find_url_secrets, has_nested, parse_nested, secret_values

_SHOWN_NAME = re.compile(r"(?=[^\d]*(?:\d[^\d]*){0,4}\Z)[\w-]{1,40}")


def secrets_sent(*parts: t.Any) -> set[str]:
    """Return the values that a call sends under secret names, in its parameters, query and body, and in JSON text within them.

    A server may quote them in its reply or its refusal, as they are or without blanks around them, so they belong to the secrets of the task. Values of less
    than four characters are left out.
    """
    values = {value for part in parts for value in secret_values(part, numbers=True)}
    return {value for value in (*values, *(value.strip() for value in values)) if len(value) >= SHORTEST}


def secret_in_reply(body: t.Any, redactor: Redactor) -> str:
    """Return a few words that say which secret a decoded reply holds, and where; an empty text if it holds none.

    A secret is a private key, a JWT, one of the redactor's secrets in any encoding, the value of a member that is secret by its name, and what a text
    within the reply (JSON, or a log) calls one. The words hold no secret.
    """
    return redactor.clean(_describe(body, redactor, DEEPEST))


def _describe(body: t.Any, redactor: Redactor, depth: int) -> str:
    texts = collect(body, numbers=any(secret.isdigit() for secret in redactor.secrets))
    if texts.secrets:
        return f"the member {_show(min((path for path, _value in texts.secrets), key=_length))}"
    joined = "\0".join(["", *texts.values, *texts.names])
    if next(find_private_keys(joined), None):
        return f"a private key in {_locate(body, lambda text: next(find_private_keys(text), None) is not None)}"
    if next(find_jwts(joined), None):
        return f"a JWT in {_locate(body, lambda text: next(find_jwts(text), None) is not None)}"
    if redactor.finds(joined):
        return f"a secret that the call sent, in {_locate(body, redactor.finds)}"
    if next(find_url_secrets(joined), None):
        return f"a password or a session in the URL {_locate(body, lambda text: next(find_url_secrets(text), None) is not None)}"
    if depth and has_nested(joined):
        for text in texts.values:
            nested = parse_nested(text)
            words = "" if nested is None else _describe(nested, redactor, depth - 1)
            if words:
                return f"{words}, in the JSON text of {_locate(body, partial(operator.is_, text))}"
    label = next(find_labelled(joined), None)
    if label:
        where = _locate(body, lambda text: next(find_labelled(text), None) is not None)
        return f"the value of {_show_name(label[0])} in the text of {where}"
    return ""


def _locate(body: t.Any, matches: t.Callable[[str], bool]) -> str:
    """Return where the first text is that matches, or the data that has a member of such a name."""
    todo: list[tuple[t.Any, Path]] = [(body, None)]
    while todo:
        node, path = todo.pop()
        if isinstance(node, str):
            if matches(node):
                return _show(path)
        elif isinstance(node, dict):
            if any(isinstance(name, str) and matches(name) for name in node):
                return _show(path)
            todo += [(value, (path, name)) for name, value in reversed(list(node.items()))]
        elif isinstance(node, (list, tuple)):
            todo += [(value, (path, index)) for index, value in reversed(list(enumerate(node)))]
        elif node is not None and matches(repr(node)):
            return _show(path)
    return "the reply"


def _length(path: Path) -> int:
    length = 0
    while path is not None:
        path, length = path[0], length + 1
    return length


def _show(path: Path) -> str:
    """Return a path as Jinja writes it, such as data[3].value; the beginning of a very long one is left out."""
    parts: list[str] = []
    while path is not None and len(parts) < 8:
        path, part = path
        parts.append(f"[{part}]" if isinstance(part, int) else "." + _show_name(part))
    text = "".join(reversed(parts))
    return ("\u2026" + text if path is not None else text.lstrip(".")) or "the reply"


def _show_name(name: t.Any) -> str:
    """Return a member's name, unless it may be a secret itself, as where tokens are the names of members."""
    text = str(name).strip()
    return text if _SHOWN_NAME.fullmatch(text) else "\u2026"
