# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms in which a server may send a secret back: in JSON, HTML, URLs, programs' texts and base64."""

from __future__ import annotations

import base64
import json
import re
import typing as t
from urllib.parse import quote as quote_url

# Shorter secrets would be found by chance.
SHORTEST = 4
# The same for a part of base64.
_SHORTEST_CORE = 8
_UNRESERVED = "[A-Za-z0-9_.-]+"
# Signs that remain in a URL besides letters, digits, _ . - and ~, which depends on who encodes it.
_SAFE_IN_URLS = (
    "",  # https://www.php.net/manual/en/function.rawurlencode.php
    "/",  # https://docs.python.org/3/library/urllib.parse.html#urllib.parse.quote
    "*",  # https://url.spec.whatwg.org/#application-x-www-form-urlencoded-percent-encode-set, Java's URLEncoder
    "!()*",  # https://learn.microsoft.com/dotnet/api/system.net.webutility.urlencode
    "!'()*",  # https://developer.mozilla.org/docs/Web/JavaScript/Reference/Global_Objects/encodeURIComponent, Perl's URI::Escape
    "!'()*;,/?:@&=+$#",  # https://developer.mozilla.org/docs/Web/JavaScript/Reference/Global_Objects/encodeURI
)
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


def encodings(secret: str) -> frozenset[str]:
    """Return every form in which a server may send a secret back: raw, in JSON, HTML, a URL, a program's text, or base64."""
    found = {secret, *_base64_forms(secret)}
    if not re.fullmatch(_UNRESERVED, secret):
        found |= _text_forms(secret)
    return frozenset(filter(None, found))


def _text_forms(secret: str) -> set[str]:
    """Return what the encodings that leave letters and digits as they are make of a secret."""
    # https://docs.python.org/3/library/json.html, with and without ensure_ascii (VSS; Perl's JSON::XS writes as without).
    ascii_json, unicode_json = json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]
    json_forms = {ascii_json, unicode_json, unicode_json.translate(_GO_JSON)}
    # https://www.php.net/manual/en/function.json-encode.php escapes the slash (RackCorp).
    json_forms |= {ascii_json.replace("/", "\\/"), unicode_json.replace("/", "\\/")}
    json_forms.add(re.sub(r"\\(u[0-9a-f]{4}|.)", _upper_escape, ascii_json.replace('\\"', "\\u0022").translate(_NET_JSON)))
    # JSON text in a member of JSON, such as the `data` of RackCorp's rctransaction.get; and a program's representation of a text.
    forms = {secret, secret.replace("\\", "\\\\"), secret.replace("'", "\\'"), *json_forms, *(json.dumps(form)[1:-1] for form in json_forms)}
    forms |= {json.dumps(form)[1:-1].replace("/", "\\/") for form in json_forms}
    forms |= {secret.translate(table) for table in _HTML}
    forms.add(secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
    for raw in _byte_forms(secret):
        for safe in _SAFE_IN_URLS:
            encoded = quote_url(raw, safe=safe)
            # https://url.spec.whatwg.org/#application/x-www-form-urlencoded writes a plus for a blank, and encodes the tilde.
            for text in (encoded, encoded.replace("%20", "+"), encoded.replace("~", "%7E"), encoded.replace("%20", "+").replace("~", "%7E")):
                # cPanel writes its escapes in lower case: https://api.docs.cpanel.net/openapi/whm/operation/create_user_session/
                forms |= {text, re.sub("%[0-9A-F]{2}", lambda escape: escape.group().lower(), text)}
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


class Needles:
    """What to look for to know whether a text holds a secret. Most texts hold none, so what is rarely needed is made when it is."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        # No encoding but base64 changes this part, so without it only base64 can be in a text.
        self._run = max(re.findall(_UNRESERVED, secret), key=len, default="")
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
