# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests and responses as data.

Every worker loads this file for a cached token, so it imports nothing but light parts of the standard library.
"""

from __future__ import annotations

import json
import re
import time
import typing as t
from contextlib import suppress

from .. import errors
from ..errors import ApiError

if t.TYPE_CHECKING:
    from ..redact import Redactor

# Statuses that may carry Retry-After.
TRANSIENT = (429, 502, 503, 504)
_YEAR_10000 = 253_402_300_800
# Characters of a body, of a server's words within a sentence, of its code and of its message.
EXCERPT = 200
SERVER_TEXT = 400
CODE = 200
MESSAGE = 2000
CHECK_ADDRESS = "check api_url and any proxy on the way"


class Request(t.NamedTuple):
    """A request. `query` and `form` are dictionaries or lists of pairs; `json` is any value but `None`.

    `repeatable`: the system may receive it twice without harm. `single_use`: it holds something that must not be sent twice,
    such as a one-time code.
    """

    method: str
    url: str
    headers: t.Mapping[str, str] = {}
    query: t.Any = None
    json: t.Any = None
    form: t.Any = None
    repeatable: bool = False
    single_use: bool = False

    def __repr__(self) -> str:
        return f"Request({self.method!r}, {self.url.partition('?')[0]!r})"


class Headers(t.Mapping[str, str]):
    """Header fields by name in any case. Values of a field that was sent several times are joined by commas."""

    def __init__(self, fields: t.Iterable[tuple[str, str]] = ()) -> None:
        self._fields: dict[str, str] = {}
        for name, value in fields:
            known = self._fields.get(name.lower())
            self._fields[name.lower()] = value if known is None else f"{known}, {value}"

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __repr__(self) -> str:
        return f"Headers({', '.join(self._fields)})"


class Response:
    """A response whose body has arrived completely.

    `headers` is a `Headers`, `cookies` maps names to values, `tries` is the number of requests that were sent, `target` names the system
    and its host, `url` is the address that was asked, without its query. Texts for errors are cleaned by `redactor`.
    """

    def __init__(
        self,
        status: int,
        headers: t.Mapping[str, str],
        body: bytes,
        *,
        cookies: t.Mapping[str, str],
        tries: int,
        target: str,
        redactor: Redactor,
        url: str = "",
    ) -> None:
        self.status = status
        self.headers = headers if isinstance(headers, Headers) else Headers(headers.items())
        self.body = body
        self.cookies = cookies
        self.tries = tries
        self.target = target
        self.redactor = redactor
        self.url = url

    def __repr__(self) -> str:
        return f"Response(status={self.status}, tries={self.tries})"

    @property
    def media_type(self) -> str:
        """The media type in lower case, such as `application/json`; empty if the server did not name it."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def text(self) -> str:
        """Return the body as text in the charset that the response names, else UTF-8. What cannot be decoded is replaced."""
        try:
            text = self.body.decode(self._charset() or "utf-8", "replace")
        except (LookupError, ValueError):
            # Python does not know the charset.
            text = self.body.decode("utf-8", "replace")
        return text[1:] if text.startswith("\ufeff") else text

    def json(self) -> t.Any:
        """Return the body as JSON. Raises a protocol error if it is not strict JSON (RFC 8259)."""
        charset = self._charset()
        content: str | bytes = self.body
        if charset:
            # Where it is unknown or wrong, the standard library finds out which UTF it is, with or without a byte order mark.
            with suppress(LookupError, ValueError):
                content = self.body.decode(charset).lstrip("\ufeff")
        try:
            return json.loads(content, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise self.invalid_body() from None

    def excerpt(self) -> str:
        """Return the beginning of the body for a message: without secrets, in one line of at most 200 characters."""
        return self.redactor.quote(self.text(), EXCERPT)

    def error(
        self,
        kind: str,
        problem: str,
        hint: str = "",
        *,
        code: str | None = None,
        message: str | None = None,
        token_refused: bool = False,
        server_text: str = "",
    ) -> ApiError:
        """Return the complete error for this response.

        `server_text` is quoted in parentheses after the problem. It, `code` and `message` are the server's own words and are cleaned here.
        """
        quoted = self.redactor.quote(server_text, SERVER_TEXT) if server_text else ""
        return ApiError(
            kind,
            f"{problem} ({quoted})" if quoted else problem,
            hint,
            target=self.target,
            status=self.status,
            code=None if code is None else self.redactor.quote(code, CODE),
            message=None if message is None else self.redactor.quote(message, MESSAGE),
            retry_after=retry_after_seconds(self.status, self.headers, time.time()),
            token_refused=token_refused,
            sent=True,
            tries=self.tries,
        )

    def invalid_body(self, expected: str = "JSON") -> ApiError:
        """Return the protocol error for a body that is not what the system's documentation promises."""
        described = f"HTTP {self.status}, {self.media_type}" if self.media_type else f"HTTP {self.status}"
        excerpt = self.excerpt()
        fault = f"is not {expected} ({excerpt})" if excerpt else "is empty"
        return self.error(errors.PROTOCOL, f"the reply ({self.redactor.quote(described, EXCERPT)}) {fault}", self.advice_about_address())

    def advice_about_address(self) -> str:
        """Return what to do if somebody else than the system has answered, with the address that was asked."""
        return f"check api_url and any proxy on the way, for {self.redactor.quote(self.url, EXCERPT)}" if self.url else CHECK_ADDRESS

    def _charset(self) -> str:
        """Return the charset that the response names; empty if there is none or if it is UTF-8, which is the default."""
        found = re.search(r"""charset\s*=\s*["']?([^\s;"']+)""", self.headers.get("Content-Type", ""), re.IGNORECASE)
        charset = found.group(1).lower() if found else ""
        return "" if charset in ("utf-8", "utf8") else charset


def _refuse_constant(name: str) -> t.NoReturn:
    """Refuse NaN and Infinity, which Python's parser accepts and JSON does not have."""
    raise ValueError(name)


def retry_after_seconds(status: int, headers: t.Mapping[str, str], now: float) -> float | None:
    """Return for how many seconds the server wants to be left alone, or `None` if it does not say.

    This is Retry-After in seconds or as a date (RFC 9110, 10.2.3), and on 429 X-RateLimit-Reset, which some systems send in epoch seconds
    and some in seconds from now; others send it with every response, so it does not count for other statuses. Dates are compared with the
    server's own Date, so its clock may be wrong. `now` is in epoch seconds and stands in for a missing Date. `headers` is a `Headers`.
    """
    if status not in TRANSIENT:
        return None
    server_date = parse_http_date(headers.get("Date", ""))
    server_now = now if server_date is None else server_date
    asked = headers.get("Retry-After", "").strip()
    seconds = _parse_seconds(asked)
    if seconds is not None:
        return seconds
    date = parse_http_date(asked)
    if date is not None:
        return max(0.0, date - server_now)
    reset = _parse_seconds(headers.get("X-RateLimit-Reset", "").strip()) if status == 429 else None
    # A number this small is no date of this century.
    return reset if reset is None or reset < 1_000_000_000 else max(0.0, reset - server_now)


def _parse_seconds(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text) else None


def parse_http_date(text: str) -> float | None:
    """Return a date of HTTP in epoch seconds, or `None` if it is none, or none that a clock can show: logins are computed from it.

    All three forms are accepted, and each means GMT: IMF-fixdate, RFC 850 and asctime, see
    https://www.rfc-editor.org/rfc/rfc9110.html#section-5.6.7
    """
    if not text:
        return None
    # Imported here because a cached token needs neither: together they take 4 ms to load. A request has loaded both already.
    from datetime import datetime, timezone
    from email.utils import parsedate_tz

    try:
        parts = parsedate_tz(text)
        if parts is None:
            return None
        seconds = datetime(*parts[:6], tzinfo=timezone.utc).timestamp() - (parts[9] or 0)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return seconds if 0 <= seconds < _YEAR_10000 else None
