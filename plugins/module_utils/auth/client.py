# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that sends a request: TLS, proxies, retries, limits. Private to this collection."""

from __future__ import annotations

import json
import os
import random
import re
import threading
import time
import typing as t
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from . import errors
from .budget import Budget
from .errors import AuthError

try:
    import requests
    import requests.utils
    from urllib3 import exceptions as urllib3_exceptions

    from .transport import Adapter, tls_context
    from .trouble import PROXY_WANTS, Failed, cut_off, explained
except ImportError:  # pragma: no cover - told by require_requests()
    requests = None  # type: ignore[assignment]

if t.TYPE_CHECKING:
    from .option import Options

MAX_REPLY = 64 * 1024 * 1024
EXCERPT = 200
QUOTABLE = 65536
# A reply must be complete within this many times the timeout.
PATIENCE = 4
# Refused before the system could act on them, so that even a login or a change may be sent again.
NOT_TAKEN = (429, 503)
TRANSIENT = (429, 502, 503, 504)
HEADERS = {"User-Agent": "apiauth.tokens", "Accept": "application/json", "Accept-Encoding": "gzip, deflate", "Connection": "keep-alive"}


def require_requests() -> None:
    """Raises a configuration error where the library is missing."""
    if requests is None:
        raise AuthError(
            errors.CONFIGURATION, "the Python library requests is missing on the host that makes the call; install it there, or run the task on the controller"
        )


@dataclass(frozen=True)
class Request:
    """A request; `repeatable` says that the system may get it twice without harm."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    query: t.Any = field(default=None, repr=False)
    json: t.Any = field(default=None, repr=False)
    form: t.Any = field(default=None, repr=False)
    repeatable: bool = False


@dataclass(frozen=True)
class Reply:
    """A reply whose body has arrived whole; `received` is local time in epoch seconds, `tries` counts the requests it took."""

    status: int
    headers: t.Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    cookies: t.Mapping[str, str] = field(default_factory=dict, repr=False)
    tries: int = 1

    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> t.Any:
        """The body as JSON, decoded strictly. Raises a protocol error."""
        try:
            return json.loads(self.body.decode("utf-8"), parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise self.unreadable() from None

    def unreadable(self) -> AuthError:
        """The error for a body that is not what the system's documentation promises."""
        excerpt = self.excerpt()
        told = f"the reply (HTTP {self.status}) is " + ("not the JSON that was expected" if excerpt else "empty")
        return self.failed(AuthError(errors.PROTOCOL, told, said=excerpt, advice="check api_url, and any proxy on the way", most=EXCERPT))

    def excerpt(self) -> str:
        """The begin of the body, as it came: far more than is shown, so that no secret is cut before it is found."""
        return self.body[:QUOTABLE].decode("utf-8", "replace").strip()

    def failed(self, error: AuthError) -> AuthError:
        """The error, with what every failed reply tells."""
        error.status = self.status
        error.tries = self.tries
        error.sent = True
        if error.retry_after is None and self.status in TRANSIENT:
            error.retry_after = wait_asked(self.status, self.headers, time.time())
        return error


def _no_constant(name: str) -> t.Any:
    """NaN and Infinity are Python's, not JSON's."""
    raise ValueError(name)


def wait_asked(status: int, headers: t.Mapping[str, str], now: float) -> float | None:
    """Seconds that the server asks to wait: Retry-After (seconds or a date, RFC 9110), else X-RateLimit-Reset (epoch seconds).

    The latter comes with every reply of some servers, so it counts only where the limit was met.
    """
    asked = headers.get("Retry-After", "").strip()
    server_now = http_date(headers.get("Date", "")) or now
    seconds, date = _seconds(asked), http_date(asked)
    if seconds is not None:
        return seconds
    if date is not None:
        return max(0.0, date - server_now)
    reset = _seconds(headers.get("X-RateLimit-Reset", "")) if status == 429 else None
    # Far too small for an epoch: some servers send the seconds themselves.
    return reset if reset is None or reset < 1_000_000_000 else max(0.0, reset - server_now)


def _seconds(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*[0-9]{1,12}(\.[0-9]{1,9})?\s*", text) else None


def http_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def is_loopback(url: str) -> bool:
    """Whether an address leads to this machine itself, judged by its name alone."""
    return re.fullmatch(r"localhost|::1|127(\.[0-9]{1,3}){3}", urlsplit(url).hostname or "") is not None


def check_scheme(url: str, options: Options) -> None:
    """Refuse plain http, except to this machine itself."""
    if urlsplit(url).scheme == "https" or options.get("allow_http") or is_loopback(url):
        return
    raise AuthError(errors.CONFIGURATION, "plain http would send secrets in clear text and is refused; use https, or set allow_http if that is what you want")


def proxy_for(url: str, options: Options, environ: t.Mapping[str, str]) -> str | None:
    """The proxy for this address: the option, else the environment's, minding `no_proxy`."""
    if options.get("proxy"):
        return str(options["proxy"])
    scheme = urlsplit(url).scheme
    # Upper-case HTTP_PROXY is what a CGI client can set by a header ("httpoxy"), so only the lower-case one counts.
    names = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY") if scheme == "https" else ("http_proxy", "all_proxy", "ALL_PROXY")
    found = next((environ[name] for name in names if environ.get(name)), None)
    if found is None:
        return None
    exempt = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    return None if requests.utils.should_bypass_proxies(url, no_proxy=exempt) else found


class Client:
    """Sends requests over kept-alive connections, for one task. Safe to use from several threads."""

    def __init__(self, options: Options, timeout: float, *, environ: t.Mapping[str, str] | None = None, budget: Budget | None = None, pool: int = 1) -> None:
        require_requests()
        self.options = options
        self.timeout = float(options.get("timeout") or timeout)
        self.retries = int(options.get("retries", 3))
        self.budget = budget or Budget(float(options.get("max_wait", 60.0)))
        # How far the server's clock is ahead of ours, in seconds, once a reply told.
        self.clock_offset: float | None = None
        self._environ = os.environ if environ is None else environ
        self._pool = pool
        self._lock = threading.Lock()
        self._opened: Adapter | None = None
        self._proxies: dict[str, str | None] = {}

    def _adapter(self) -> Adapter:
        """The library's connections, without its session: that would add cookies and ~/.netrc as further credentials, and follow redirects."""
        with self._lock:
            if self._opened is None:
                self._opened = Adapter(tls_context(self.options), self._pool)
            return self._opened

    def _proxy(self, url: str) -> str | None:
        """The proxy for an address, worked out once for each host: that alters the process' environment for a moment."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            if origin not in self._proxies:
                self._proxies[origin] = proxy_for(url, self.options, self._environ)
            proxy = self._proxies[origin]
        if proxy and parts.scheme == "http" and not self.options.get("allow_http") and not is_loopback(proxy if "://" in proxy else f"http://{proxy}"):
            raise AuthError(errors.CONFIGURATION, "plain http through a proxy would send secrets in clear text and is refused; use https, or set no_proxy")
        return proxy

    def send(self, request: Request) -> Reply:
        """The reply to a request, whatever its status. Raises when there is none, or when it is a redirect."""
        check_scheme(request.url, self.options)
        tries = 0
        while True:
            tries += 1
            last = tries > self.retries
            try:
                reply = self._once(request, tries)
            except Failed as failure:
                if (request.repeatable or not failure.taken) and not last and self._pause(tries, None):
                    continue
                failure.error.tries = tries
                raise failure.error from None
            except AuthError as error:
                error.tries = tries
                raise
            may_repeat = reply.status in NOT_TAKEN or (request.repeatable and reply.status in TRANSIENT)
            if may_repeat and not last and self._pause(tries, wait_asked(reply.status, reply.headers, time.time())):
                continue
            return reply

    def _pause(self, tries: int, asked: float | None) -> bool:
        """Wait before the next try: as long as the server asks, else with full jitter."""
        return self.budget.sleep(random.uniform(0, 0.5 * 2**tries) if asked is None else asked)

    def _once(self, request: Request, tries: int) -> Reply:
        adapter, proxy = self._adapter(), self._proxy(request.url)
        started = time.time()
        try:
            headers = {**HEADERS, **request.headers}
            prepared = requests.Request(request.method, request.url, headers, params=request.query, json=request.json, data=request.form).prepare()
            with adapter.send(prepared, stream=True, timeout=self.timeout, proxies={"http": proxy, "https": proxy} if proxy else {}) as response:
                body = self._body(response)
                reply = Reply(response.status_code, response.headers, body, _cookies(response), tries)
        except (requests.exceptions.RequestException, urllib3_exceptions.HTTPError) as failure:
            raise explained(failure, self.timeout, proxy is not None) from None
        except (ValueError, TypeError):
            raise AuthError(
                errors.INVALID_REQUEST, "the request holds something that HTTP or JSON cannot carry; look at the token, the user name and the call's arguments"
            ) from None
        self._note_clock(reply, started)
        if reply.status == 407:
            raise reply.failed(AuthError(errors.NETWORK, PROXY_WANTS))
        if 300 <= reply.status < 400:
            raise _redirected(request.url, reply)
        return reply

    def _body(self, response: requests.Response) -> bytes:
        """The whole body, bounded in size and in time: the timeout alone counts from each piece to the next."""
        body, until = bytearray(), time.monotonic() + PATIENCE * self.timeout
        try:
            for piece in _pieces(response):
                body += piece
                if len(body) > MAX_REPLY:
                    raise _too_much(response, "is larger than 64 MiB; ask for less at a time")
                if time.monotonic() > until:
                    raise _too_much(response, f"was not complete after {PATIENCE * self.timeout:g} seconds; ask for less at a time, or raise timeout")
        except (requests.exceptions.ChunkedEncodingError, urllib3_exceptions.ProtocolError):
            raise cut_off(response.status_code, bytes(body[:QUOTABLE])) from None
        return bytes(body)

    def _note_clock(self, reply: Reply, started: float) -> None:
        date = http_date(reply.headers.get("Date", ""))
        if date is not None:
            # The header has whole seconds, cut off: half a second is the best guess.
            self.clock_offset = date + 0.5 - (started + time.time()) / 2


def _pieces(response: requests.Response) -> t.Iterator[bytes]:
    """The body as it arrives: urllib3 2 would otherwise wait for a whole piece, whatever time that takes."""
    read = getattr(response.raw, "read1", None)
    if read is None:
        yield from response.iter_content(4096)
        return
    while True:
        piece = read(65536, decode_content=True)
        if not piece:
            return
        yield piece


def _too_much(response: requests.Response, told: str) -> AuthError:
    error = AuthError(errors.PROTOCOL, f"the reply (HTTP {response.status_code}) {told}", status=response.status_code)
    error.sent = True
    return error


def _redirected(url: str, reply: Reply) -> AuthError:
    try:
        target = urlsplit(reply.headers.get("Location", ""))
        host = target.hostname
    except ValueError:
        host = None
    to = f"to {target.scheme or 'http'}://{host}" if host and host != urlsplit(url).hostname else "elsewhere on this host"
    return reply.failed(
        AuthError(errors.PROTOCOL, f"HTTP {reply.status} redirects {to}; a request with a credential follows no redirect, so set api_url to the final address")
    )


def _cookies(response: requests.Response) -> dict[str, str]:
    """What the reply sets, by name; nobody sends it back."""
    from http.cookies import CookieError, SimpleCookie

    found: dict[str, str] = {}
    if "Set-Cookie" not in response.headers:
        return found
    # One value holds them all, joined with commas, which cookies have in their dates too: urllib3 keeps them apart.
    for line in response.raw.headers.getlist("Set-Cookie"):
        try:
            found.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
        except CookieError:
            continue
    return found
