# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep secrets out of what is shown: mask them in texts that quote a server, and tell which replies hold one."""

from __future__ import annotations

import base64
import json
import operator
import re
import threading
import typing as t
from functools import partial
from urllib.parse import quote as quote_url

from .secret_names import is_secret_name
from .secret_search import (
    Path,
    Span,
    collect,
    find_jwts,
    find_labelled,
    find_private_keys,
    find_url_secrets,
    has_nested,
    parse_nested,
)

__all__ = ["MASK", "Redactor", "encodings", "is_secret_name", "secret_in_reply", "secrets_sent"]

MASK = "********"
# Shorter secrets would be found by chance.
_SHORTEST = 4
# The same for a part of base64.
_SHORTEST_CORE = 8
# JSON texts within JSON texts.
_DEEPEST = 4
_UNRESERVED = re.compile("[A-Za-z0-9_.~-]+")
_PERCENT = re.compile("%[0-9A-F]{2}")
_UNICODE_ESCAPE = re.compile(r"\\(u[0-9a-f]{4}|.)")
_URL_SAFE = str.maketrans("+/", "-_")
_URL_QUOTED = str.maketrans({"+": "%2B", "/": "%2F", "=": "%3D"})
# How the special characters of HTML are written: & < > are the same everywhere, the two quotes are not.
_HTML = tuple(
    str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': double, "'": single})
    for double, single in (
        ("&quot;", "&#x27;"),  # https://docs.python.org/3/library/html.html#html.escape
        ("&quot;", "&#039;"),  # https://www.php.net/manual/en/function.htmlspecialchars.php
        ("&quot;", "&#39;"),  # https://metacpan.org/pod/HTML::Entities, https://expressjs.com (escape-html)
        ("&#34;", "&#39;"),  # https://markupsafe.palletsprojects.com (Flask), https://pkg.go.dev/html#EscapeString
    )
)
# https://pkg.go.dev/encoding/json#Marshal
_GO_JSON = {ord(character): f"\\u{ord(character):04x}" for character in "&<>\u2028\u2029"}
# https://learn.microsoft.com/dotnet/standard/serialization/system-text-json/character-encoding
_NET_JSON = {ord(character): f"\\u{ord(character):04X}" for character in "&<>'+`"}
_SHOWN_NAME = re.compile(r"(?=[^\d]*(?:\d[^\d]*){0,4}\Z)[\w-]{1,40}")


def encodings(secret: str) -> frozenset[str]:
    """Return every form in which a server may send a secret back: raw, in JSON, HTML, a URL, a program's text, or base64."""
    found = {secret, *_base64_forms(secret)}
    if not _UNRESERVED.fullmatch(secret):
        found |= _text_forms(secret)
    return frozenset(filter(None, found))


def _text_forms(secret: str) -> set[str]:
    """Return what the encodings that leave letters and digits as they are make of a secret."""
    # https://docs.python.org/3/library/json.html, with and without ensure_ascii (VSS; Perl's JSON::XS writes as without).
    ascii_json, unicode_json = json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]
    json_forms = {ascii_json, unicode_json, unicode_json.translate(_GO_JSON)}
    # https://www.php.net/manual/en/function.json-encode.php escapes the slash (RackCorp).
    json_forms |= {ascii_json.replace("/", "\\/"), unicode_json.replace("/", "\\/")}
    json_forms.add(_UNICODE_ESCAPE.sub(_upper_escape, ascii_json.replace('\\"', "\\u0022").translate(_NET_JSON)))
    # JSON text in a member of JSON, such as the `data` of RackCorp's rctransaction.get; and a program's representation of a text.
    forms = {secret, secret.replace("\\", "\\\\"), secret.replace("'", "\\'"), *json_forms, *(json.dumps(form)[1:-1] for form in json_forms)}
    forms |= {json.dumps(form)[1:-1].replace("/", "\\/") for form in json_forms}
    forms |= {secret.translate(table) for table in _HTML}
    forms.add(secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
    for raw in _byte_forms(secret):
        for safe in ("", "/"):
            # https://url.spec.whatwg.org/#application/x-www-form-urlencoded writes a plus for a blank.
            text = quote_url(raw, safe=safe)
            # cPanel writes its escapes in lower case: https://api.docs.cpanel.net/openapi/whm/operation/create_user_session/
            forms |= {text, text.replace("%20", "+"), _PERCENT.sub(lambda escape: escape.group().lower(), text)}
    return forms


def _upper_escape(escape: re.Match[str]) -> str:
    # A backslash that is itself escaped begins no number.
    text = escape.group(1)
    return f"\\{text[0]}{text[1:].upper()}"


def _byte_forms(secret: str) -> t.Iterator[bytes]:
    """Yield the bytes of a secret: in UTF-8, and in Latin-1 if that is possible; undecodable bytes of the environment as they were."""
    try:
        yield secret.encode("utf-8", "surrogateescape")
    except UnicodeError:
        # Half of a pair of surrogates.
        yield secret.encode("utf-8", "surrogatepass")
    if not secret.isascii():
        try:
            yield secret.encode("latin-1")
        except UnicodeError:
            return


def _base64_forms(secret: str) -> set[str]:
    """Return the base64 of a secret alone, and what its base64 within a longer text always has."""
    forms = set(_base64_cores(secret))
    for raw in _byte_forms(secret):
        for text in (base64.b64encode(raw).decode("ascii"), base64.urlsafe_b64encode(raw).decode("ascii")):
            forms |= {text, text.rstrip("="), text.translate(_URL_QUOTED)}
    return forms


def _base64_cores(secret: str) -> t.Iterator[str]:
    """Yield what stays the same in the base64 of a longer text, where the secret begins at one of three offsets: without the characters at both ends."""
    for raw in _byte_forms(secret):
        for offset in (0, 1, 2):
            begin, end = -(-offset * 4 // 3), (offset + len(raw)) * 8 // 6
            if end - begin >= _SHORTEST_CORE:
                core = base64.b64encode(b"\0" * offset + raw).decode("ascii")[begin:end]
                yield core
                if "/" in core or "+" in core:
                    # The alphabet for URLs, and in a URL; PHP escapes the slash in JSON, .NET the plus.
                    yield from (core.translate(_URL_SAFE), core.translate(_URL_QUOTED), core.replace("/", "\\/"), core.replace("+", "\\u002B"))


class _Needles:
    """What to look for to know whether a text holds a secret. Most texts hold none, so what is rarely needed is made when it is."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        # No encoding but base64 changes this part, so without it only base64 can be in a text.
        self._run = max(_UNRESERVED.findall(secret), key=len, default="")
        # Whoever is too short for a core in base64 is searched for as a whole.
        self._base64 = tuple(_base64_cores(secret)) if len(secret) > _SHORTEST_CORE else tuple(_base64_forms(secret))
        self._plain: set[str] | None = {secret} if self._run == secret else None

    def found_in(self, text: str) -> bool:
        if any(form in text for form in self._base64):
            return True
        if self._run not in text:
            return False
        if self._plain is None:
            self._plain = _text_forms(self._secret)
        return any(form in text for form in self._plain)


class Redactor:
    """The secrets of one task. It may be used by several threads, and shows nothing of them when it is printed."""

    def __init__(self, secrets: t.Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._secrets: tuple[str, ...] = ()
        # Made when they are first needed. They live no longer than the task.
        self._encodings: dict[str, frozenset[str]] = {}
        self._needles: dict[str, _Needles] = {}
        self.add(*secrets)

    def __repr__(self) -> str:
        return "<Redactor>"

    def __reduce__(self) -> t.NoReturn:
        raise TypeError("a Redactor holds secrets and cannot be stored")

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets, in the order in which they were added."""
        return self._secrets

    def add(self, *secrets: str | None) -> None:
        """Add secrets; empty ones are ignored."""
        with self._lock:
            self._secrets = tuple(dict.fromkeys((*self._secrets, *(secret for secret in secrets if secret))))

    def clean(self, text: str) -> str:
        """Return a text in which a mask replaces every secret: the known ones in every encoding, JWTs, private keys, and what is secret by its name."""
        return self._mask(text, [*self._known(text), *_unknown(text)])

    def quote(self, text: str, max_length: int) -> str:
        """Return the beginning of a server's text in one line, for a message: cleaned, printable, at most `max_length` characters."""
        words = " ".join(self.clean(text).split())
        shown = "".join(character if character.isprintable() else "?" for character in words)
        return shown if len(shown) <= max_length else shown[: max_length - 1] + "\u2026"

    def finds(self, text: str) -> bool:
        """Return whether a text holds one of the secrets in any encoding; those of less than four characters are not searched for."""
        for secret in self._secrets:
            if len(secret) >= _SHORTEST:
                needles = self._needles.get(secret)
                if needles is None:
                    needles = self._needles[secret] = _Needles(secret)
                if needles.found_in(text):
                    return True
        return False

    def _known(self, text: str) -> t.Iterator[Span]:
        """Find the known secrets."""
        for secret in self._secrets:
            forms = self._encodings.get(secret)
            if forms is None:
                forms = self._encodings[secret] = encodings(secret)
            for form in forms:
                if form in text:
                    # A very short secret would mask half of a sentence: only where it is a word.
                    pattern = re.escape(form) if len(form) >= _SHORTEST else rf"(?<!\w){re.escape(form)}(?!\w)"
                    yield from (match.span() for match in re.finditer(pattern, text))

    @staticmethod
    def _mask(text: str, spans: list[Span]) -> str:
        parts: list[str] = []
        position = -1
        for begin, end in sorted(spans):
            if begin > position:
                # Secrets that overlap or touch become one mask, so that nothing of the longer one is left.
                parts += (text[max(position, 0) : begin], MASK)
            position = max(position, end)
        return "".join([*parts, text[max(position, 0) :]])


def _unknown(text: str) -> t.Iterator[Span]:
    """Find secrets that nobody knew before."""
    yield from find_private_keys(text)
    yield from find_jwts(text)
    yield from find_url_secrets(text)
    data = parse_nested(text)
    # What cannot be read as JSON may be JSON that was cut off: there, a passphrase looks like a sentence.
    yield from ((begin, end) for _name, begin, end in find_labelled(text, cut_off=data is None))
    if data is not None:
        for value in _secret_values(data, _DEEPEST):
            for form in encodings(value):
                if form in text:
                    # A short one only where it is the whole text of a member.
                    pattern = re.escape(form) if len(form) >= _SHORTEST else f'(?<="){re.escape(form)}(?=")'
                    yield from (match.span() for match in re.finditer(pattern, text))


def _secret_values(data: t.Any, depth: int, *, numbers: bool = False) -> set[str]:
    """Return the values that have secret names in decoded data, and in JSON and other texts within it."""
    texts = collect(data, numbers=numbers)
    found = {value for _path, value in texts.secrets}
    joined = "\0" + "\0".join(texts.values)
    found.update(joined[begin:end] for _name, begin, end in find_labelled(joined))
    if depth and has_nested(joined):
        for text in texts.values:
            nested = parse_nested(text)
            if nested is not None:
                found |= _secret_values(nested, depth - 1, numbers=numbers)
    return found


def secrets_sent(*parts: t.Any) -> set[str]:
    """Return the values that a call sends under secret names, in its parameters, query and body, and in JSON text within them.

    A server may quote them in its reply or its refusal, so they belong to the secrets of the task. Values of less than four characters are left out.
    """
    return {value for part in parts for value in _secret_values(part, _DEEPEST, numbers=True) if len(value) >= _SHORTEST}


def secret_in_reply(body: t.Any, redactor: Redactor) -> str:
    """Return a few words that say which secret a decoded reply holds, and where; an empty text if it holds none.

    A secret is a private key, a JWT, one of the redactor's secrets in any encoding, the value of a member that is secret by its name, and what a text
    within the reply (JSON, or a log) calls one. The words hold no secret.
    """
    return redactor.clean(_describe(body, redactor, _DEEPEST))


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
