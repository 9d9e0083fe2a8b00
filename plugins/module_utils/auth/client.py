# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that sends a request: what is sent again, how long that may take, what a reply is. Private to this collection."""

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
from .exchange import QUOTABLE, exchange, written
from .proxy import proxy_for, proxy_of
from .transport import Connections
from .trouble import PROXY_WANTS, Failed

if t.TYPE_CHECKING:
    from .option import Options
    from .proxy import Proxy

EXCERPT = 200
# Refused before the system could act on them, so that even a login or a change may be sent again.
NOT_TAKEN = (429, 503)
TRANSIENT = (429, 502, 503, 504)
# What is wrong with the task itself is found before a try is made.
OF_THE_TASK = (errors.CONFIGURATION, errors.INVALID_REQUEST)


@dataclass(frozen=True)
class Request:
    """A request; `repeatable` says that the system may get it twice without harm, `once` that what it holds must not be sent twice."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    query: t.Any = field(default=None, repr=False)
    json: t.Any = field(default=None, repr=False)
    form: t.Any = field(default=None, repr=False)
    repeatable: bool = False
    once: bool = False


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


def is_local(host: str) -> bool:
    """Whether a host is this machine itself, judged by its name alone."""
    return re.fullmatch(r"localhost|::1|127(\.[0-9]{1,3}){3}", host) is not None


def is_loopback(url: str) -> bool:
    """Whether an address leads to this machine itself."""
    return is_local(urlsplit(url).hostname or "")


def check_scheme(url: str, options: Options) -> None:
    """Refuse plain http, except to this machine itself."""
    if urlsplit(url).scheme == "https" or options.get("allow_http") or is_loopback(url):
        return
    raise AuthError(errors.CONFIGURATION, "plain http would send secrets in clear text and is refused; use https, or set allow_http if that is what you want")


def pause(budget: Budget, tries: int, asked: float | None) -> bool:
    """Wait before the next try: as long as the server asks, else with full jitter. `False` where the budget does not allow it."""
    return budget.sleep(random.uniform(0, 0.5 * 2**tries) if asked is None else asked)


class Client:
    """Sends requests over kept-alive connections, for one task. Safe to use from several threads."""

    def __init__(self, options: Options, timeout: float, *, environ: t.Mapping[str, str] | None = None, budget: Budget | None = None) -> None:
        self.options = options
        self.timeout = float(options.get("timeout") or timeout)
        self.retries = int(options.get("retries", 3))
        self.budget = budget or Budget(float(options.get("max_wait", 60.0)))
        # The time of day of the last reply, by the server's clock (RFC 9110) and by ours.
        self._told: tuple[str, float] = ("", 0.0)
        self._environ = os.environ if environ is None else environ
        self._connections = Connections(options)
        self._lock = threading.Lock()
        self._proxies: dict[str, Proxy | None] = {}

    def _proxy(self, url: str) -> Proxy | None:
        """The proxy for an address, worked out once for each host."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            if origin not in self._proxies:
                found = proxy_for(url, self.options, self._environ)
                self._proxies[origin] = proxy_of(found) if found else None
            proxy = self._proxies[origin]
        if proxy and parts.scheme == "http" and not self.options.get("allow_http") and not is_local(proxy.host):
            raise AuthError(errors.CONFIGURATION, "plain http through a proxy would send secrets in clear text and is refused; use https, or set no_proxy")
        return proxy

    @property
    def clock_offset(self) -> float | None:
        """How far the server's clock is ahead of ours, in seconds; `None` where no reply has told."""
        date, ours = self._told
        theirs = http_date(date)
        # The header has whole seconds, cut off: half a second is the best guess.
        return None if theirs is None else theirs + 0.5 - ours

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
                if (request.repeatable or not failure.taken) and not last and pause(self.budget, tries, None):
                    continue
                failure.error.tries = tries
                raise failure.error from None
            except AuthError as error:
                error.tries = tries - 1 if error.kind in OF_THE_TASK else tries
                raise
            may_repeat = not request.once and (reply.status in NOT_TAKEN or (request.repeatable and reply.status in TRANSIENT))
            if may_repeat and not last and pause(self.budget, tries, wait_asked(reply.status, reply.headers, time.time())):
                continue
            return reply

    def _once(self, request: Request, tries: int) -> Reply:
        message, proxy = written(request), self._proxy(request.url)
        started = time.time()
        connection = self._connections.take(request.url, proxy, self.timeout)
        try:
            head, body = exchange(connection, request.method, message, self.timeout)
        except BaseException:
            connection.close()
            raise
        if head.lasting:
            self._connections.keep(connection)
        else:
            connection.close()
        reply = Reply(head.status, head.headers, body, _cookies(head.cookies), tries)
        # The clocks are compared halfway between request and reply.
        self._told = (reply.headers.get("Date", ""), (started + time.time()) / 2)
        if reply.status == 407:
            raise reply.failed(AuthError(errors.NETWORK, PROXY_WANTS))
        if 300 <= reply.status < 400:
            raise _redirected(request.url, reply)
        return reply


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


def _cookies(fields: t.Iterable[str]) -> dict[str, str]:
    """What the reply sets, by name (RFC 6265, 5.2); nobody sends it back."""
    pairs = [field.partition(";")[0].partition("=") for field in fields]
    return {name.strip(): value.strip().strip('"') for name, _sign, value in pairs}
