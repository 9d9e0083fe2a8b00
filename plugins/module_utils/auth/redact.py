# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep secrets out of texts that a server may have echoed. Private to this collection."""

from __future__ import annotations

import base64
import json
import re
import typing as t
from functools import lru_cache
from itertools import product
from urllib.parse import quote

MASK = "********"
# With the word that it stands in, and the parts of an encrypted one. Each word is looked at once: a search that begins anew at every
# eyJ takes seconds for a page of them.
_JWT = re.compile(r"(?<![\w-])(?=([\w-]*?eyJ[\w-]{5,}))\1\.(?=([\w-]+))\2\.[\w-]*(?:\.[\w-]+)*")
# A member of JSON that is a secret by its name: a reply that creates a token may be cut off before it can be read.
_MEMBER = re.compile(r'("[\w-]*(?:token|jwt|secret|session_?id|password|passwd|key)"\s*:\s*")(?:[^"\\]|\\.)+', re.IGNORECASE)
# How servers write the five special characters of HTML: Python, PHP, and most template engines do it differently.
_QUOTES = (("&quot;", "&#x27;"), ("&quot;", "&#039;"), ("&#34;", "&#39;"))
_HTML = tuple(str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': double, "'": single}) for double, single in _QUOTES)
# What serializers of JSON write as \u0026 and the like, beside what they must: Go, Flask, PHP (which also escapes the slash), .NET.
_GUARDED = ("&<>", "&<>'", "&<>'\"", "&<>'\"+`")
# Fewer characters of base64 than these tell nothing and fit by chance.
_SHORTEST_CORE = 8
_UNRESERVED = re.compile("[A-Za-z0-9_.~-]+")
_ESCAPED = re.compile("%..")
# A backslash that is itself escaped begins no number.
_NUMBER = re.compile(r"\\(u[0-9a-f]{4}|.)")
_URLSAFE = str.maketrans("+/", "-_")
_QUOTED = str.maketrans({"+": "%2B", "/": "%2F", "=": "%3D"})


@lru_cache(maxsize=64)
def forms(secret: str) -> frozenset[str]:
    """Every spelling in which a secret can come back: raw, escaped for JSON, HTML or a program's text, URL-encoded, base64."""
    if _UNRESERVED.fullmatch(secret):
        # Most tokens: only base64 changes them.
        return frozenset((secret, *_in_base64(secret)))
    written = {secret, secret.replace("\\", "\\\\"), json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    # PHP escapes the slash too.
    written |= {one.replace("/", "\\/") for one in written}
    written |= {one.translate(marks) for one in written for marks in _HTML}
    found = written.union(_in_base64(secret), _guarded(secret), *map(_quoted, _raw(secret)))
    return frozenset(form for form in found if form)


def _guarded(secret: str) -> t.Iterator[str]:
    """As JSON that may stand within a page: the signs that matter there are written by their numbers, in lower or upper case."""
    for only_ascii, signs in product((True, False), _GUARDED):
        text = json.dumps(secret, ensure_ascii=only_ascii)[1:-1]
        if '"' in signs:
            text = text.replace('\\"', '"')
        lower = text.translate({ord(sign): f"\\u{ord(sign):04x}" for sign in signs})
        for spelled in (lower, _NUMBER.sub(_in_upper_case, lower)):
            yield from (spelled, spelled.replace("/", "\\/"))


def _in_upper_case(escape: re.Match[str]) -> str:
    sign = escape.group(1)
    return f"\\{sign[0]}{sign[1:].upper()}"


# Every reply is searched for the same few secrets.
@lru_cache(maxsize=64)
def _in_base64(secret: str) -> frozenset[str]:
    return frozenset(spelled for raw in _raw(secret) for encoded in _encoded(raw) for spelled in _as_json(encoded))


def _as_json(encoded: str) -> t.Iterator[str]:
    """Base64 within JSON, where PHP escapes the slash, and .NET the plus sign."""
    yield encoded
    if "/" in encoded:
        yield encoded.replace("/", "\\/")
    if "+" in encoded:
        yield from (encoded.replace("+", "\\u002B"), encoded.replace("+", "\\u002b"))


def _raw(secret: str) -> t.Iterator[bytes]:
    """Its bytes: UTF-8, and Latin-1 where that can hold it; what the environment held in neither is kept as it was."""
    if secret.isascii():
        yield secret.encode("ascii")
        return
    yield secret.encode("utf-8", "surrogatepass" if any("\ud800" <= sign < "\udc80" or "\udcff" < sign <= "\udfff" for sign in secret) else "surrogateescape")
    try:
        yield secret.encode("latin-1")
    except UnicodeError:
        return


def _quoted(raw: bytes) -> t.Iterator[str]:
    for safe in ("", "/"):
        text = quote(raw, safe=safe)
        yield from (text, text.replace("%20", "+"), _ESCAPED.sub(lambda found: found.group().lower(), text))


def _encoded(raw: bytes) -> t.Iterator[str]:
    """Base64, of the secret alone and of a longer text that holds it: there it begins at one of three offsets."""
    for offset in (0, 1, 2):
        standard = base64.b64encode(b"\0" * offset + raw).decode("ascii")
        # The characters at both ends depend on the neighbours too.
        begin, end = -(-offset * 4 // 3), (offset + len(raw)) * 8 // 6
        for text in (standard, standard.translate(_URLSAFE)):
            if offset == 0:
                yield from (text, text.rstrip("="), text.translate(_QUOTED))
            if end - begin >= _SHORTEST_CORE:
                yield text[begin:end]


def clean(text: str, secrets: t.Iterable[str]) -> str:
    """`text` with every form of every secret, every JWT, and what JSON calls a secret replaced by a mask; the longest form goes first."""
    found: set[str] = set()
    for secret in secrets:
        found |= forms(secret)
    for form in sorted(found, key=len, reverse=True):
        if form not in text:
            continue
        # A very short secret would blank half of a sentence: only where it stands as a word.
        pattern = re.escape(form) if len(form) > 3 else rf"(?<!\w){re.escape(form)}(?!\w)"
        text = re.sub(pattern, MASK, text)
    return _MEMBER.sub(rf"\g<1>{MASK}", _JWT.sub(MASK, text))


def quoted(text: str, secrets: t.Iterable[str], most: int) -> str:
    """A server's words for an error: cleaned whole, then without line breaks and control characters, at most that long."""
    words = clean(text, secrets).split()
    shown = "".join(sign if sign.isprintable() else "?" for sign in " ".join(words))
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def holds(text: str, secrets: t.Iterable[str]) -> bool:
    """Whether a text holds one of the secrets in any form."""
    searched = {secret for secret in secrets if len(secret) > 3}
    # Where a pair of name and password is, the password is too, also within base64.
    parts = [one for one in searched if len(one) > _SHORTEST_CORE]
    return any(_found(secret, text) for secret in searched if not any(part in secret and part != secret for part in parts))


def _found(secret: str, text: str) -> bool:
    """Whether a text holds a secret in any form: where what no spelling but base64 changes of it is missing, they all are."""
    unchanged = max(_UNRESERVED.findall(secret), key=len, default="")
    return any(form in text for form in (forms(secret) if unchanged in text else _in_base64(secret)))
