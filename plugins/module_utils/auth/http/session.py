# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that sends requests: one session for each task, on the library requests."""

from __future__ import annotations

import http.cookiejar
import itertools
import json
import logging
import platform
import re
import sys
import threading
import time
import traceback
import typing as t
import zlib
from urllib.parse import urlsplit

from .. import errors
from ..errors import ApiError, configuration_error
from . import retries as retry
from .messages import EXCERPT, Headers, Response, parse_http_date, retry_after_seconds
from .proxies import DEFAULT_PORTS, Proxy, find_proxy, proxy_secrets
from .retries import WaitBudget

try:
    import requests

    from .adapter import MAX_BODY, Adapter, PlainSession, Progress
    from .failures import (
        FAILURES,
        INVALID_ADDRESS,
        RequestFailed,
        Route,
        explain_incomplete,
        explain_no_response,
        explain_proxy_status,
        reply_too_large,
        unexpected_encoding,
    )
except ImportError:
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = None

if t.TYPE_CHECKING:
    from ..options import ConnectionSettings
    from ..redact import Redactor
    from .messages import Request

__all__ = ["REQUESTS_IMPORT_ERROR", "HttpSession", "is_loopback", "proxy_secrets"]

logger = logging.getLogger("apiauth.tokens")

HEADERS = {"User-Agent": "apiauth.tokens", "Accept": "application/json", "Accept-Encoding": "gzip"}
# Bytes that are read at a time.
_CHUNK = 65536
_GZIP = ("gzip", "x-gzip")
_GZIP_BEGIN = b"\x1f\x8b"
# The other codings of https://www.iana.org/assignments/http-parameters/. Other words that servers send, such as none or UTF-8, change nothing.
_CODINGS = ("aes128gcm", "br", "compress", "dcb", "dcz", "deflate", "exi", "pack200-gzip", "x-compress", "zstd")
# The standard library's parser of Set-Cookie, which accepts attributes that it does not know; not in the type stubs.
_parse_set_cookie = t.cast("t.Any", http.cookiejar).parse_ns_headers
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_METHOD = re.compile(r"[A-Za-z]+")
# RFC 9110, 5.6.2
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSENDABLE = "check the token, the user name and the arguments of the call"


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, judged by its name alone."""
    return re.fullmatch(r"localhost\.?|::1|127(\.[0-9]{1,3}){3}", host.lower()) is not None


class HttpSession:
    """Sends the requests of one task over one pool of connections. Safe to use from several threads.

    :param environ: the environment of the task, for proxies and CA files; the process' own is not read.
    :param budget: how long the task may wait for retries.
    :param target: the system and its host, for messages.
    :param redactor: cleans what messages and log lines quote.
    """

    def __init__(
        self,
        settings: ConnectionSettings,
        *,
        environ: t.Mapping[str, str],
        budget: WaitBudget,
        target: str,
        redactor: Redactor,
    ) -> None:
        if REQUESTS_IMPORT_ERROR:
            problem = f"the Python library requests is missing on {platform.node()} for {sys.executable}"
            raise configuration_error(problem, "install it there").with_target(target)
        self._settings = settings
        self._environ = environ
        self._budget = budget
        self._target = target
        self._redactor = redactor
        self._lock = threading.Lock()
        self._session: PlainSession | None = None
        self._progress = Progress()
        self._proxies: dict[str, Proxy | None] = {}
        # The server's Date in the latest response and this machine's time halfway between request and response.
        self._clocks: tuple[str, float] = ("", 0.0)

    @property
    def clock_offset(self) -> float | None:
        """How many seconds the server's clock is ahead of this machine's; `None` before the first response with a date."""
        text, ours = self._clocks
        theirs = parse_http_date(text)
        # Date has whole seconds, rounded down: half a second later is the best guess.
        return None if theirs is None else theirs + 0.5 - ours

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            if self._session is not None:
                self._session.close()

    def send(self, request: Request, *, timeout: float | None = None, retries: int | None = None) -> Response:
        """Send a request and return the response, whatever its status is.

        :param timeout: seconds for connecting and for each read, instead of the settings'.
        :param retries: the number of further tries, instead of the settings'.
        :raises ApiError: if there is no complete response, if it is a redirect, or if the request or the settings cannot be used.
        """
        try:
            prepared = _prepare(request)
            proxy = self._route(request.url)
            session = self._open()
        except ApiError as error:
            raise error.with_target(self._target) from None
        route = Route(_host_and_port(prepared.url), proxy, timeout or self._settings.timeout, self._progress)
        tries, most = 0, 1 + max(0, self._settings.retries if retries is None else retries)
        while True:
            tries += 1
            try:
                response = self._try(session, request, prepared, route, tries)
            except RequestFailed as failed:
                # What is wrong with the settings is found before a request is sent.
                counted = 0 if failed.error.kind == errors.CONFIGURATION else tries
                complete = failed.error.replace(target=self._target, tries=counted)
                may_repeat = failed.transient and retry.may_repeat_after_failure(request, complete.sent)
                if may_repeat and tries < most and self._wait(None, tries, complete.problem):
                    continue
                raise complete from None
            if tries < most and retry.may_repeat_after_status(request, response.status):
                asked = retry_after_seconds(response.status, response.headers, time.time())
                if self._wait(asked, tries, f"HTTP {response.status}"):
                    continue
            return response

    def _wait(self, asked: float | None, tries: int, reason: str) -> bool:
        """Wait before the next try, as long as the server asks for. Returns `False` if the budget does not allow it."""
        # A server that asks for no wait at all, or for a time that is over, would get all tries within milliseconds.
        seconds = asked or retry.backoff_seconds(tries)
        level = logging.INFO if seconds > retry.LONG_WAIT else logging.DEBUG
        if seconds > self._budget.left:
            self._log(level, "no retry: %s asks to wait %.1f s, and max_wait leaves %.1f s (%s)", self._target, seconds, self._budget.left, reason)
        else:
            self._log(level, "retry %d in %.1f s: %s: %s", tries, seconds, self._target, reason)
        return self._budget.sleep(seconds)

    def _open(self) -> PlainSession:
        """Return the session of requests, which is opened for the first request. Raises a configuration error."""
        with self._lock:
            if self._session is None:
                self._session = PlainSession(Adapter(self._settings, self._environ, self._progress))
            return self._session

    def _route(self, url: str) -> Proxy | None:
        """Return the proxy for an address. Raises a configuration error if secrets would travel in clear text."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._proxies:
            self._proxies[origin] = find_proxy(url, self._settings, self._environ)
        proxy = self._proxies[origin]
        if parts.scheme == "http" and not self._settings.allow_http:
            if not is_loopback(parts.hostname or ""):
                raise configuration_error("plain http would send secrets in clear text and is refused", "use https, or set allow_http if that is what you want")
            if proxy and not is_loopback(proxy.host):
                problem = f"plain http through the proxy {proxy.description} would send secrets in clear text and is refused"
                raise configuration_error(problem, f"use https, or {proxy.way_around}")
        return proxy

    def _try(self, session: PlainSession, request: Request, prepared: requests.PreparedRequest, route: Route, tries: int) -> Response:
        """Send a request once. Raises `RequestFailed`."""
        proxies = {urlsplit(request.url).scheme: route.proxy.url} if route.proxy else {}
        route.progress.reset()
        started, clock = time.time(), time.monotonic()
        try:
            received = session.send(prepared, stream=True, allow_redirects=False, timeout=route.timeout, proxies=proxies)
        except FAILURES as failure:
            raise self._explain(failure, request, route, clock) from None
        try:
            body = self._read(received, route)
        finally:
            # Returns the connection to the pool if the body was read completely; else closes it.
            received.close()
        raw_headers = received.raw.headers
        response = Response(
            received.status_code,
            Headers(raw_headers.items()),
            body,
            cookies=_cookies(raw_headers.getlist("Set-Cookie")),
            tries=tries,
            target=self._target,
            redactor=self._redactor,
            url=request.url.partition("?")[0],
        )
        self._clocks = (response.headers.get("Date", ""), (started + time.time()) / 2)
        self._log_request(request, f"HTTP {response.status}", clock)
        if response.status == 407:
            raise RequestFailed(explain_proxy_status(407, route).error.replace(status=407, sent=True), transient=False)
        if 300 <= response.status < 400 and response.status != 304:
            raise RequestFailed(_redirect_error(request.url, response), transient=False)
        return response

    def _explain(self, failure: Exception, request: Request, route: Route, clock: float) -> RequestFailed:
        if isinstance(failure, requests.exceptions.InvalidSchema) and "SOCKS" in str(failure):
            return RequestFailed(configuration_error(f"{route.peer} needs the Python library PySocks", "install it, or use an HTTP proxy"), transient=False)
        if isinstance(failure, INVALID_ADDRESS):
            return RequestFailed(configuration_error("the address or the proxy is not valid", "check api_url and proxy"), transient=False)
        explained = explain_no_response(failure, route)
        self._log_request(request, explained.error.problem, clock)
        return explained

    def _read(self, received: requests.Response, route: Route) -> bytes:
        """Return the whole body, decompressed and bounded. Raises `RequestFailed`."""
        status, raw, body = received.status_code, received.raw, bytearray()
        # urllib3 1.26 checks the length only if it is told to.
        raw.enforce_content_length = True
        codings = [word for word in re.split(r"[\s,]+", raw.headers.get("Content-Encoding", "").lower()) if word in _GZIP or word in _CODINGS]
        try:
            first = raw.read(_CHUNK)
            if first and codings and (len(codings) > 1 or codings[0] not in _GZIP):
                raise unexpected_encoding(status)
            pieces = itertools.chain((first,), iter(lambda: raw.read(_CHUNK), b""))
            for piece in _gunzip(pieces) if first and codings else pieces:
                body += piece
                if len(body) > MAX_BODY:
                    raise reply_too_large(status)
            return bytes(body)
        except RequestFailed:
            raise
        except FAILURES as failure:
            excerpt = self._redactor.quote(body.decode("utf-8", "replace"), EXCERPT)
            raise explain_incomplete(failure, status, excerpt, route.timeout) from None

    def _log_request(self, request: Request, outcome: str, clock: float) -> None:
        address = request.url.partition("?")[0]
        self._log(logging.DEBUG, "%s %s: %s, %.0f ms", request.method, address, outcome, 1000 * (time.monotonic() - clock))

    def _log(self, level: int, text: str, *values: t.Any) -> None:
        if logger.isEnabledFor(level):
            # Each value alone: together, the path /token and what follows it would look like a label with its secret.
            logger.log(level, text, *(self._redactor.clean(value) if isinstance(value, str) else value for value in values))


def _prepare(request: Request) -> requests.PreparedRequest:
    """Return the request as requests sends it. Raises an error if HTTP or JSON cannot carry it; nothing of it is quoted, because it may be secret."""
    headers = {**HEADERS, **request.headers}
    # One Accept, whatever the case of its name.
    given = {name.lower() for name in request.headers}
    headers = {name: value for name, value in headers.items() if name in request.headers or name.lower() not in given}
    _check_characters(request, headers)
    data: t.Any = None
    try:
        if request.json is not None:
            data = json.dumps(request.json, allow_nan=False).encode("utf-8")
            if "content-type" not in given:
                headers["Content-Type"] = "application/json"
        elif request.form:
            data = _pairs(request.form)
        prepared = requests.Request(request.method, request.url, headers=headers, params=_pairs(request.query), data=data).prepare()
    except requests.exceptions.InvalidHeader:
        raise ApiError(errors.INVALID_REQUEST, "a header of the request has a name or a value that HTTP does not allow", _UNSENDABLE) from None
    except (requests.exceptions.MissingSchema, requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema):
        raise configuration_error("the address is not a valid URL", "check api_url") from None
    except (ValueError, TypeError, RecursionError):
        problem = "the request holds a value that JSON or HTTP cannot carry, such as NaN"
        raise ApiError(errors.INVALID_REQUEST, problem, _UNSENDABLE) from None
    return prepared


def _check_characters(request: Request, headers: t.Mapping[str, str]) -> None:
    """Refuse control characters, which could add a header or a second request, and what is not in Latin-1. Raises an error."""
    try:
        parts = urlsplit(request.url)
        host = parts.hostname or "."
        valid = parts.scheme in DEFAULT_PORTS and host[0] not in ".*" and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or "@" in parts.netloc or _CONTROL.search(request.url):
        raise configuration_error("the address is not a valid http or https URL", "check api_url")
    if not _METHOD.fullmatch(request.method):
        raise ApiError(errors.INVALID_REQUEST, "the method is not a method of HTTP", "check method")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ApiError(errors.INVALID_REQUEST, f"{name!a} is no name of a header", _UNSENDABLE)
        if _CONTROL.search(value) or any(ord(sign) > 255 for sign in value):
            raise ApiError(errors.INVALID_REQUEST, f"the header {name} has characters that HTTP cannot carry", _UNSENDABLE)


def _gunzip(pieces: t.Iterable[bytes]) -> t.Iterator[bytes]:
    """Yield what comes out of gzip, a little at a time. What follows its last member is not read, as browsers do.

    :raises zlib.error: if it is not gzip.
    :raises EOFError: if its end is missing.
    """
    member: t.Any = zlib.decompressobj(31)
    waiting = b""
    for piece in pieces:
        waiting += piece
        while waiting and not (member.eof and len(waiting) < len(_GZIP_BEGIN)):
            if member.eof:
                if not waiting.startswith(_GZIP_BEGIN):
                    return
                member = zlib.decompressobj(31)
            yield member.decompress(waiting, _CHUNK)
            waiting = member.unused_data if member.eof else member.unconsumed_tail
    if not member.eof:
        raise EOFError


def _pairs(fields: t.Any) -> t.Any:
    """Return fields as pairs without those that have no value; booleans are spelled as in JSON."""
    if not fields:
        return None
    items = fields.items() if isinstance(fields, t.Mapping) else fields
    return [(name, _spell(value)) for name, value in items if value is not None] or None


def _spell(value: t.Any) -> t.Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return [_spell(item) for item in value if item is not None] if isinstance(value, (list, tuple)) else value


def _host_and_port(url: str | None) -> str:
    parts = urlsplit(url or "")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or DEFAULT_PORTS[parts.scheme]}"


def _cookies(fields: t.Iterable[str]) -> dict[str, str]:
    """Return the cookies of Set-Cookie fields by name. Their attributes do not matter, because no cookie is ever sent back from here."""
    pairs = (cookie[0] for cookie in _parse_set_cookie(list(fields)))
    return {name: (value or "").strip('"') for name, value in pairs}


def _redirect_error(url: str, response: Response) -> ApiError:
    try:
        location = urlsplit(response.headers.get("Location", ""))
        host = location.hostname
    except ValueError:
        host = None
    other = f"{location.scheme or urlsplit(url).scheme}://{host}" if host and host != urlsplit(url).hostname else ""
    to = f"to {response.redactor.quote(other, EXCERPT)}" if other else "to another address on this host"
    hint = "set api_url to the final address, because no redirect is followed with credentials"
    return response.error(errors.PROTOCOL, f"HTTP {response.status} redirects {to}", hint)
