# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that sends a request: TLS, proxies, retries, limits. Private to this collection."""

from __future__ import annotations

import json
import os
import random
import ssl
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
    import requests.adapters
    import requests.utils
    from urllib3 import exceptions as urllib3_exceptions
except ImportError:  # pragma: no cover - told by require_requests()
    requests = None  # type: ignore[assignment]

if t.TYPE_CHECKING:
    from .option import Options

MAX_REPLY = 64 * 1024 * 1024
EXCERPT = 200
LOOPBACK = ("localhost", "::1")
# Refused before the system could act on them, so that even a login or a change may be sent again.
NOT_TAKEN = (429, 503)
TRANSIENT = (429, 502, 503, 504)


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
            return json.loads(self.body.decode("utf-8"))
        except ValueError:
            raise self.unreadable() from None

    def unreadable(self) -> AuthError:
        """The error for a body that is not what the system's documentation promises."""
        excerpt = " ".join(self.text()[: 4 * EXCERPT].split())[:EXCERPT]
        told = f"the reply (HTTP {self.status}) is empty" if not excerpt else f"the reply (HTTP {self.status}) is not the JSON that was expected: {excerpt!r}"
        error = AuthError(errors.PROTOCOL, f"{told}; check api_url, and any proxy on the way", status=self.status)
        return self.failed(error)

    def failed(self, error: AuthError) -> AuthError:
        """The error, with what every failed reply tells."""
        error.status = self.status
        error.tries = self.tries
        if error.retry_after is None and self.status in TRANSIENT:
            error.retry_after = wait_asked(self.headers, time.time())
        return error


def wait_asked(headers: t.Mapping[str, str], now: float) -> float | None:
    """Seconds that the server asks to wait: Retry-After (seconds or a date, RFC 9110), else X-RateLimit-Reset (epoch seconds)."""
    asked = headers.get("Retry-After", "").strip()
    server_now = http_date(headers.get("Date", "")) or now
    if asked.isdigit():
        return float(asked)
    date = http_date(asked)
    if date is not None:
        return max(0.0, date - server_now)
    reset = headers.get("X-RateLimit-Reset", "").strip()
    if reset.isdigit():
        # Far too small for an epoch: some servers send the seconds themselves.
        return max(0.0, float(reset) - server_now) if int(reset) > 1_000_000_000 else float(reset)
    return None


def http_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


_system_context: ssl.SSLContext | None = None


def system_context() -> ssl.SSLContext:
    """The context with the system's CAs, built once a process: it costs more than a whole task."""
    global _system_context
    if _system_context is None:
        _system_context = ssl.create_default_context()
    return _system_context


def tls_context(options: Options) -> ssl.SSLContext:
    """The TLS settings of the options. Raises a configuration error naming the file that cannot be used."""
    ca_path, cert, key = options.get("ca_path"), options.get("client_cert"), options.get("client_key")
    if key and not cert:
        raise AuthError(errors.CONFIGURATION, "client_key is given without client_cert; give both")
    if options.get("validate_certs", True) and not ca_path and not cert:
        return system_context()
    try:
        used = "ca_path"
        if not options.get("validate_certs", True):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif ca_path:
            context = ssl.create_default_context(**{"capath" if os.path.isdir(ca_path) else "cafile": ca_path})
        else:
            context = ssl.create_default_context()
        if cert:
            used = "client_cert and client_key"
            # An empty password: OpenSSL would otherwise ask for it at the terminal.
            context.load_cert_chain(cert, key or None, password="")
    except (OSError, ValueError):
        raise AuthError(errors.CONFIGURATION, f"{used}: the file cannot be read or holds no usable PEM data") from None
    return context


def check_scheme(url: str, options: Options) -> None:
    """Refuse plain http, except to this machine itself."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" or options.get("allow_http") or host in LOOPBACK or host.startswith("127."):
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


if requests is not None:

    class _Adapter(requests.adapters.HTTPAdapter):
        """Hands our context to every pool, and keeps requests from loading a CA bundle once more."""

        def __init__(self, context: ssl.SSLContext, pool: int) -> None:
            self._context = context
            super().__init__(pool_connections=pool, pool_maxsize=pool)

        def init_poolmanager(self, *args: t.Any, **kwargs: t.Any) -> None:
            super().init_poolmanager(*args, ssl_context=self._context, **kwargs)

        def proxy_manager_for(self, proxy: str, **kwargs: t.Any) -> t.Any:
            return super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)

        def cert_verify(self, conn: t.Any, url: str, verify: t.Any, cert: t.Any) -> None:
            """The context verifies."""

        def build_connection_pool_key_attributes(self, request: t.Any, verify: t.Any, cert: t.Any = None) -> t.Any:
            host, _pool = super().build_connection_pool_key_attributes(request, verify, cert)
            return host, {"ssl_context": self._context}


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
        self._session: requests.Session | None = None

    def _opened(self) -> requests.Session:
        if self._session is None:
            session = requests.Session()
            # Neither ~/.netrc nor cookies may add a second credential to a request.
            session.trust_env = False
            session.cookies.set_policy(_no_cookies())
            session.headers.update({"User-Agent": "apiauth.tokens", "Accept": "application/json"})
            adapter = _Adapter(tls_context(self.options), self._pool)
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            self._session = session
        return self._session

    def send(self, request: Request) -> Reply:
        """The reply to a request, whatever its status. Raises when there is none, or when it is a redirect."""
        check_scheme(request.url, self.options)
        tries = 0
        while True:
            tries += 1
            last = tries > self.retries
            try:
                reply = self._once(request, tries)
            except _Failed as failure:
                if (request.repeatable or not failure.taken) and not last and self._pause(tries, None):
                    continue
                failure.error.tries = tries
                raise failure.error from None
            may_repeat = reply.status in NOT_TAKEN or (request.repeatable and reply.status in TRANSIENT)
            if may_repeat and not last and self._pause(tries, wait_asked(reply.headers, time.time())):
                continue
            return reply

    def _pause(self, tries: int, asked: float | None) -> bool:
        """Wait before the next try: as long as the server asks, else with full jitter."""
        return self.budget.sleep(random.uniform(0, 0.5 * 2**tries) if asked is None else asked)

    def _once(self, request: Request, tries: int) -> Reply:
        session = self._opened()
        proxy = proxy_for(request.url, self.options, self._environ)
        started = time.time()
        try:
            with session.request(
                request.method,
                request.url,
                params=request.query,
                json=request.json,
                data=request.form,
                headers=request.headers,
                timeout=self.timeout,
                allow_redirects=False,
                stream=True,
                proxies={"http": proxy, "https": proxy} if proxy else None,
            ) as response:
                body = self._body(response)
                reply = Reply(response.status_code, response.headers, body, _cookies(response), tries)
        except requests.exceptions.RequestException as failure:
            raise _explained(failure, self.timeout, proxy is not None) from None
        except UnicodeError:
            raise AuthError(
                errors.INVALID_REQUEST, "a header or the address holds a character that HTTP cannot carry; look at the token and the user name"
            ) from None
        self._note_clock(reply, started)
        if 300 <= reply.status < 400:
            raise _redirected(request.url, reply)
        return reply

    @staticmethod
    def _body(response: requests.Response) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(65536):
            body += chunk
            if len(body) > MAX_REPLY:
                raise AuthError(errors.PROTOCOL, "the reply is larger than 64 MiB; ask for less at a time", status=response.status_code)
        return bytes(body)

    def _note_clock(self, reply: Reply, started: float) -> None:
        date = http_date(reply.headers.get("Date", ""))
        if date is not None:
            # The header has whole seconds, cut off: half a second is the best guess.
            self.clock_offset = date + 0.5 - (started + time.time()) / 2


class _Failed(Exception):
    """No whole reply; `taken` says that the server may have taken the request all the same."""

    def __init__(self, error: AuthError, taken: bool) -> None:
        super().__init__()
        self.error = error
        self.taken = taken


def _not_sent(text: str) -> _Failed:
    return _Failed(AuthError(errors.NETWORK, text), taken=False)


def _broken(text: str) -> _Failed:
    return _Failed(AuthError(errors.NETWORK, text), taken=True)


def _explained(failure: t.Any, timeout: float, proxied: bool) -> Exception:
    """A failure of the library as one of ours, without its text: that may quote addresses with secrets."""
    exceptions = requests.exceptions
    if isinstance(failure, exceptions.SSLError):
        return AuthError(errors.TLS, _tls_reason(failure))
    if isinstance(failure, exceptions.ProxyError):
        return _not_sent("the proxy did not let the connection through; check proxy, https_proxy and no_proxy")
    if isinstance(failure, exceptions.ConnectTimeout):
        return _not_sent(f"no connection within {timeout:g} seconds; check the host, the port and any firewall, or raise timeout")
    if isinstance(failure, exceptions.Timeout) or _caused_by(failure, urllib3_exceptions.ReadTimeoutError):
        return _broken(f"no reply within {timeout:g} seconds; raise timeout, or look whether the service is well")
    if isinstance(failure, (exceptions.InvalidURL, exceptions.InvalidSchema, exceptions.MissingSchema, exceptions.InvalidHeader, exceptions.InvalidProxyURL)):
        return AuthError(errors.CONFIGURATION, "the address, the proxy or a header is malformed; check api_url, proxy and that no secret holds a line break")
    if _caused_by(failure, urllib3_exceptions.NameResolutionError):
        return _not_sent("the host name cannot be resolved; check it, and the name servers")
    if _caused_by(failure, urllib3_exceptions.NewConnectionError):
        through = " (a proxy is set)" if proxied else ""
        return _not_sent(f"the connection was refused or the host is unreachable{through}; check the host, the port and any firewall")
    return _broken("the connection broke before the reply was complete; try again, or look whether the service is well")


def _caused_by(failure: t.Any, kind: type[BaseException]) -> bool:
    seen: set[int] = set()
    todo: list[t.Any] = [failure]
    while todo:
        one = todo.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        if isinstance(one, kind):
            return True
        seen.add(id(one))
        todo += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return False


def _tls_reason(failure: t.Any) -> str:
    text = str(failure)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        why = "does not match the host name" if "match" in text else "has expired" if "expired" in text else "is not signed by a CA that is trusted here"
        return f"the server's certificate {why}; set ca_path to the CA of the service, or correct api_url"
    if "alert" in text.lower() and "certificate" in text.lower():
        return "the server wants a client certificate, or refuses the one it got; check client_cert and client_key"
    return "the TLS handshake failed; check that api_url names a port that speaks TLS, any proxy on the way, and whether the server wants a client_cert"


def _redirected(url: str, reply: Reply) -> AuthError:
    target = urlsplit(reply.headers.get("Location", ""))
    to = f"to {target.scheme}://{target.hostname}" if target.hostname and target.hostname != urlsplit(url).hostname else "elsewhere on this host"
    return reply.failed(
        AuthError(errors.PROTOCOL, f"HTTP {reply.status} redirects {to}; a request with a credential follows no redirect, so set api_url to the final address")
    )


def _no_cookies() -> t.Any:
    from http.cookiejar import DefaultCookiePolicy

    return DefaultCookiePolicy(allowed_domains=[])


def _cookies(response: requests.Response) -> dict[str, str]:
    """What the reply sets, by name; kept from the session."""
    from http.cookies import CookieError, SimpleCookie

    found: dict[str, str] = {}
    for line in getattr(response.raw, "headers", {}).getlist("Set-Cookie") if "Set-Cookie" in response.headers else ():
        try:
            found.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
        except CookieError:
            continue
    return found
