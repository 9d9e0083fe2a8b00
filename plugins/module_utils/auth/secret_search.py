# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Search data and texts for secrets that nobody knew before: by the name of a member, and by the look of a value.

Every search takes time in proportion to the length of what it searches, whatever a server sends.
"""

from __future__ import annotations

import base64
import json
import re
import typing as t

from .encodings import SHORTEST, encodings
from .secret_names import MESSAGES, PLAIN, SECRET, classify, is_metadata, is_secret_name, is_secret_value, is_sentence

# The way to a member, innermost first: `((None, "data"), 3)` is data[3].
Path = t.Optional[t.Tuple[t.Any, t.Union[str, int]]]
# Where a secret begins and ends in a text.
Span = t.Tuple[int, int]

# The word that a JWT begins in, its payload, its signature, and the further parts of an encrypted one (RFC 7519, RFC 7516). The look-aheads with
# back-references are atomic groups, which Python has from 3.11 on: without them, a text of only "eyJ" would take quadratic time.
_JWT = re.compile(r"(?<![\w-])(?=([\w-]*?eyJ[\w-]{5,}))\1\.(?=([\w-]+))\2\.[\w-]*(?:\.[\w-]+)*", re.ASCII)
# RFC 7468, RFC 4880, BIND's and PuTTY's files. A key that is cut off ends where the text does.
_KEY_MARKS = ("PRIVATE KEY-----", "PRIVATE KEY BLOCK-----", "Private-key-format:", "Private-Lines:")
_KEY_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}?PRIVATE KEY(?: BLOCK)?-----")
_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,40}?PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINES = re.compile(r'(?:Private-key-format|Private-Lines):[^"<\0]*')
# The same mark in base64, which begins at one of three offsets: "PRIVATE KEY--".
_KEY_BASE64 = tuple(base64.b64encode(b"\0" * offset + b"PRIVATE KEY-----").decode()[begin : begin + 16] for offset, begin in ((0, 0), (1, 2), (2, 3)))
_BASE64 = re.compile(r"[A-Za-z0-9+/=_-]*")
_BASE64_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-"
_USERINFO = re.compile(r"""://[^\s/@:"'<>\\\0]{0,64}:([^\s/@"'<>\0]{1,256})@""")
_AUTHORIZATION = re.compile(r"""authorization["'\\\]]{0,8}[ \t]{0,8}(?:=>|[:=])[ \t"'\\]{0,8}[a-z]{2,12} +([^\s"'<>\\\0]{4,})""", re.IGNORECASE)
# The session of a cPanel user, see https://api.docs.cpanel.net/openapi/whm/operation/create_user_session/
_CPANEL_SESSION = re.compile(r"/cpsess\d{6,}|(?<=[?&]session=)[^\s&\"'<>\\\0]{8,}")

# Part of every secret name (in lower case). Where one stands in a text, what follows is looked at.
_STEMS = ("pass", "pwd", "secret", "token", "key", "credential", "jwt", "sess", "hash", "code", "rootpw", "psk")
_LABEL_END = re.compile(r"""([\w.-]{0,24}(?: ids?)?)(["'\\\]]{0,8})[ \t]{0,16}(=>|:=|[:=>])[ \t]{0,16}""", re.ASCII)
_NAME_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.- "
_OPENING_QUOTE = re.compile(r"""(\\{0,8})(["'`])""")
_IN_QUOTES = re.compile(r'[^"\\\0]*(?:\\[^\0][^"\\\0]*)*')
_TO_BLANK = re.compile(r'[^\s"<>\0]+')
_TO_AMPERSAND = re.compile(r'[^\s&"<>\0]+')
_TO_BAR = re.compile(r"[^|\r\n\0]+")
_TO_BRACKET = re.compile(r"[^\]}\0]+")
_IN_ELEMENT = re.compile(r"([^<\0]{1,400})</")
_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")

_JSON_START = re.compile(r'\0\s*[\[{"]')
# Characters of a value that are looked at to know whether it can be a secret.
_JUDGED = 1000
# JSON texts within JSON texts.
DEEPEST = 4
# What is larger is searched as text.
_LARGEST_JSON = 4 * 1024 * 1024


class Texts(t.NamedTuple):
    """All texts of decoded data: the values, the distinct names of members, and the secrets among the values with the way to them."""

    values: list[str]
    names: list[str]
    secrets: list[tuple[Path, str]]


def collect(data: t.Any, *, numbers: bool = False) -> Texts:
    """Return the texts of decoded JSON, and which of them are secret by their names.

    :param numbers: numbers count as texts too.
    """
    return _Collector(numbers).collect(data)


class _Collector:
    """A walk through decoded JSON, without recursion because a server may nest it as deeply as it likes."""

    def __init__(self, numbers: bool) -> None:
        self._numbers = numbers
        self._values: list[str] = []
        self._secrets: list[tuple[Path, str]] = []
        # What each name of a member means, and those that mean nothing special.
        self._kinds: dict[t.Any, int] = {}
        self._plain_names: set[t.Any] = set()
        # The data, the way to it, its kind, and the name that it has.
        self._todo: list[tuple[t.Any, Path, int, str]] = []

    def collect(self, data: t.Any) -> Texts:
        self._todo.append((data, None, PLAIN, ""))
        while self._todo:
            node, path, kind, parent = self._todo.pop()
            if isinstance(node, dict):
                if "value" in node:
                    _check_pair(node, path, self._secrets)
                if not self._numbers and kind == PLAIN and self._plain_names.issuperset(node):
                    self._add_plain_members(node, path)
                else:
                    self._add_members(node, path, kind, parent)
            elif isinstance(node, (list, tuple)):
                self._add_items(node, path, kind, parent)
            elif isinstance(node, str):
                self._values.append(node)
        return Texts(self._values, [name for name in self._kinds if isinstance(name, str)], self._secrets)

    def _add_plain_members(self, node: dict[t.Any, t.Any], path: Path) -> None:
        # Nearly all of a reply comes this way, so this loop does as little as it can.
        values, todo = self._values, self._todo
        for name, value in node.items():
            kind = type(value)
            if kind is str:
                values.append(value)
            elif value and (kind is dict or kind is list):
                todo.append((value, (path, name), PLAIN, name))

    def _add_members(self, node: dict[t.Any, t.Any], path: Path, kind: int, parent: str) -> None:
        for name, value in node.items():
            named = self._classify(name)
            if isinstance(value, (dict, list, tuple)):
                self._todo.append((value, (path, name), MESSAGES if kind == MESSAGES else named, name))
                continue
            text = _text_of(value, self._numbers)
            if text is None:
                continue
            self._values.append(text)
            if named == SECRET:
                if is_secret_value(name, text) and not (kind == MESSAGES and (" " in text or "://" in text)):
                    self._secrets.append(((path, name), text))
            elif kind == SECRET and not is_metadata(name) and is_secret_value(parent, text):
                self._secrets.append((path, text))

    def _add_items(self, node: t.Sequence[t.Any], path: Path, kind: int, parent: str) -> None:
        for index, value in enumerate(node):
            if isinstance(value, (dict, list, tuple)):
                # A list of dictionaries below a secret name describes secrets: VSS lists its tokens so.
                below = PLAIN if kind == SECRET and isinstance(value, dict) else kind
                self._todo.append((value, (path, index), below, parent))
                continue
            text = _text_of(value, self._numbers)
            if text is not None:
                self._values.append(text)
                if kind == SECRET and is_secret_value(parent, text):
                    self._secrets.append((path, text))

    def _classify(self, name: t.Any) -> int:
        kind = self._kinds.get(name)
        if kind is None:
            kind = self._kinds[name] = classify(str(name))
            if kind == PLAIN:
                self._plain_names.add(name)
        return kind


def _text_of(value: t.Any, numbers: bool) -> str | None:
    if isinstance(value, str):
        return value
    return repr(value) if numbers and isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _check_pair(node: dict[str, t.Any], path: Path, secrets: list[tuple[Path, str]]) -> None:
    """Add the value of `{"key": "ROOTPW", "value": "..."}`: so RackCorp writes the `extra` of a device, and others their fields."""
    value = node["value"]
    if isinstance(value, str) and value:
        for member in ("name", "key", "field", "label", "option", "parameter"):
            name = node.get(member)
            if isinstance(name, str) and is_secret_name(name) and is_secret_value(name, value):
                secrets.append(((path, "value"), value))
                return


def parse_nested(text: str) -> t.Any:
    """Return what a text that looks like JSON holds, or `None`."""
    if text.lstrip()[:1] not in ("{", "[", '"') or len(text) > _LARGEST_JSON:
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, (dict, list, str)) and data != text else None


def has_nested(joined: str) -> bool:
    """Return whether one of the texts, each of which follows a NUL, looks like JSON."""
    return _JSON_START.search(joined) is not None


def find_secrets(text: str) -> t.Iterator[Span]:
    """Find all secrets in a text that nobody knew before."""
    yield from find_private_keys(text)
    yield from find_jwts(text)
    yield from find_url_secrets(text)
    data = parse_nested(text)
    # What cannot be read as JSON may be JSON that was cut off: there, a passphrase looks like a sentence.
    yield from ((begin, end) for _name, begin, end in find_labelled(text, cut_off=data is None))
    if data is not None:
        for value in secret_values(data):
            for form in encodings(value):
                if form in text:
                    # A short one only where it is the whole text of a member.
                    pattern = re.escape(form) if len(form) >= SHORTEST else f'(?<="){re.escape(form)}(?=")'
                    yield from (match.span() for match in re.finditer(pattern, text))


def secret_values(data: t.Any, depth: int = DEEPEST, *, numbers: bool = False) -> set[str]:
    """Return the values that have secret names in decoded data, and in JSON and other texts within it."""
    texts = collect(data, numbers=numbers)
    found = {value for _path, value in texts.secrets}
    joined = "\0" + "\0".join(texts.values)
    found.update(joined[begin:end] for _name, begin, end in find_labelled(joined))
    if depth and has_nested(joined):
        for text in texts.values:
            nested = parse_nested(text)
            if nested is not None:
                found |= secret_values(nested, depth - 1, numbers=numbers)
    return found


def find_private_keys(text: str) -> t.Iterator[Span]:
    """Find private keys in their armours, and such in base64."""
    if any(mark in text for mark in _KEY_MARKS):
        spans = [*_key_blocks(text), *(match.span() for match in _KEY_LINES.finditer(text))]
        if not spans:
            # Only the end of a key, or its beginning is escaped in an unknown way.
            spans = [(0, text.rfind(mark) + len(mark)) for mark in _KEY_MARKS if mark in text]
        yield from spans
    for mark in _KEY_BASE64:
        position = text.find(mark)
        while position >= 0:
            before = text[max(0, position - 64) : position]
            match = _BASE64.match(text, position)
            end = match.end() if match else position + len(mark)
            yield position - len(before) + len(before.rstrip(_BASE64_CHARACTERS)), end
            position = text.find(mark, end)


def _key_blocks(text: str) -> t.Iterator[Span]:
    begin, ends = _KEY_BEGIN.search(text), True
    while begin is not None:
        # Where one key has no end, those after it have none either, and it is not looked for again.
        last = _KEY_END.search(text, begin.end()) if ends else None
        ends = last is not None
        end = last.end() if last else (text.find("\0", begin.end()) + 1 or len(text) + 1) - 1
        yield begin.start(), end
        begin = _KEY_BEGIN.search(text, end)


def find_jwts(text: str) -> t.Iterator[Span]:
    """Find JSON web tokens, with the word that they stand in."""
    if "eyJ" in text:
        for match in _JWT.finditer(text):
            yield match.span()


def find_url_secrets(text: str) -> t.Iterator[Span]:
    """Find passwords in URLs (`https://user:password@host`) and sessions of cPanel."""
    if "://" in text:
        for match in _USERINFO.finditer(text):
            yield match.span(1)
    if "sess" in text:
        for match in _CPANEL_SESSION.finditer(text):
            yield match.span()


def find_labelled(text: str, *, cut_off: bool = False) -> t.Iterator[tuple[str, int, int]]:
    """Find the values that a text calls secret: in JSON, logs, tables, forms, URLs, XML and headers.

    Yields the name, and where the value begins and ends.

    :param cut_off: the text may be JSON that was cut off and so cannot be parsed: rather too much of it is called secret than too little.
    """
    lower = text.lower()
    if len(lower) != len(text):
        # A few letters become two.
        lower = text.translate(_ASCII_LOWER)
    if "authorization" in lower:
        for match in _AUTHORIZATION.finditer(text):
            yield "Authorization", match.start(1), match.end(1)
    runs = _Runs(text)
    for stem in _STEMS:
        position = lower.find(stem)
        while position >= 0:
            after = position + len(stem)
            label = _LABEL_END.match(text, after)
            if label is not None:
                name, first = _name_before(text, position, label)
                if is_secret_name(name):
                    begin, end = _value_after(text, label, first, cut_off, runs)
                    if begin < end and _is_labelled_secret(name, text, begin, end, cut_off):
                        end = begin + len(text[begin:end].rstrip())
                        last = name.split()[-1]
                        yield last if is_secret_name(last) else name.strip(), begin, end
                        after = end
            position = lower.find(stem, after)


def _name_before(text: str, position: int, label: re.Match[str]) -> tuple[str, int]:
    """Return the whole name of a label, and where it begins."""
    before = text[max(0, position - 40) : position]
    first = position - len(before) + len(before.rstrip(_NAME_CHARACTERS))
    return text[first : label.end(1)], first


class _Runs:
    """Where runs of characters in a text end. Each run is walked through once, however many labels are within it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._latest: dict[re.Pattern[str], Span] = {}

    def span(self, pattern: re.Pattern[str], begin: int) -> Span:
        """Return the run that begins here; both are 0 if there is none. The pattern must be one for the characters of a run."""
        first, end = self._latest.get(pattern, (0, 0))
        if not first <= begin < end:
            match = pattern.match(self._text, begin)
            if match is None:
                return 0, 0
            end = match.end()
            self._latest[pattern] = begin, end
        return begin, end


def _value_after(text: str, label: re.Match[str], first: int, cut_off: bool, runs: _Runs) -> Span:
    """Return where the value of a label begins and ends; both are 0 if there is none."""
    begin, separator, before = label.end(), label.group(3), text[first - 1 : first]
    if separator == ">":
        element = _IN_ELEMENT.match(text, begin) if before == "<" else None
        return element.span(1) if element else (0, 0)
    if before == "|":
        # A row of a table, such as the log of createacct has.
        return runs.span(_TO_BAR, begin)
    quote = _OPENING_QUOTE.match(text, begin)
    if quote is not None:
        return quote.end(), _closing_quote(text, quote)
    if text[begin : begin + 1] in ("{", "["):
        # In JSON that can be parsed, `collect` tells the secrets among the members from the rest.
        if cut_off or (text[begin] == "[" and text[begin + 1 : begin + 2] not in ("[", "{")):
            return runs.span(_TO_BRACKET, begin + 1)
        return 0, 0
    if before in (":", "/", "@") and text[first] != " " and label.end() == label.end(3):
        # Part of an address or an ARN: arn:aws:secretsmanager:eu-west-1:1:secret:name.
        return 0, 0
    return runs.span(_TO_AMPERSAND if separator == "=" else _TO_BLANK, begin)


def _closing_quote(text: str, opening: re.Match[str]) -> int:
    """Return where a text in quotes ends; in JSON within JSON its quotes have backslashes before them."""
    begin = opening.end()
    if opening.group() == '"':
        match = _IN_QUOTES.match(text, begin)
        return match.end() if match else begin
    end = text.find(opening.group(), begin)
    while end > begin and opening.group(1) and text[end - 1] == "\\":
        end = text.find(opening.group(), end + 1)
    line = re.compile(r"[\n\0]" if opening.group(2) != '"' else r"\0").search(text, begin, end if end >= 0 else len(text))
    return line.start() if line else end if end >= 0 else len(text)


def _is_labelled_secret(name: str, text: str, begin: int, end: int, cut_off: bool) -> bool:
    # Its beginning tells, and a text may have many labels before one long value.
    value = text[begin : min(end, begin + _JUDGED)].strip()
    if text[begin - 1 : begin] in ('"', "'", "`"):
        return is_secret_value(name, value) and (cut_off or not (is_sentence(value) or "://" in value))
    words = value.strip(" .,;:!?()[]{}'`\\")
    return len(words) > 2 and is_secret_value(name, words) and not is_sentence(value)
