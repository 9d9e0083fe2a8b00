# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures of connections in words that a search engine finds: what failed, where, and whether the server may have the request."""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
import typing as t
import zlib

from .. import errors
from ..errors import ApiError
from .adapter import DEADLINE_FACTOR, DeadlineExceeded, ReplyTooLarge
from .messages import CHECK_ADDRESS, TRANSIENT

try:
    from requests import RequestException
    from requests import exceptions as requests_errors
    from urllib3 import exceptions as urllib3_errors
except ImportError:
    # session.py reports it; ansible-test imports every file without the libraries.
    _LIBRARY_FAILURES: tuple[type[Exception], ...] = ()
    _LIBRARY_INVALID: tuple[type[Exception], ...] = ()
else:
    _LIBRARY_FAILURES = (RequestException, urllib3_errors.HTTPError)
    _LIBRARY_INVALID = (requests_errors.InvalidProxyURL, requests_errors.InvalidURL, requests_errors.InvalidSchema, urllib3_errors.LocationValueError)

if t.TYPE_CHECKING:
    from .adapter import Progress
    from .proxies import Proxy

# What requests, urllib3 and the standard library raise while they send a request or read a reply.
FAILURES: tuple[type[Exception], ...] = (*_LIBRARY_FAILURES, http.client.HTTPException, OSError, ValueError, EOFError, zlib.error)
# What they raise for an address that no connection can be opened to, such as one with an empty label.
INVALID_ADDRESS: tuple[type[Exception], ...] = (*_LIBRARY_INVALID, UnicodeError)
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
_CHECK_HOST = "check the host, the port and any firewall"
_CHECK_NAME = "check the name and the name servers"
_CHECK_SERVICE = "check that the service is up"
_CHECK_CLIENT_CERT = "check client_cert and client_key"
_TRUST_CA = "set ca_path (APIAUTH_CA_PATH in the environment) to the CA of the service"
# Verification errors of OpenSSL by their numbers, see https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/
_CERTIFICATE_HINTS = {
    9: "check this machine's clock",
    10: "renew the certificate on the server, and check this machine's clock",
    18: "set ca_path (APIAUTH_CA_PATH in the environment) to the certificate, or give the server one that a trusted CA signed",
    19: _TRUST_CA,
    20: _TRUST_CA,
    21: _TRUST_CA,
    62: "the certificate is for another host name; correct api_url, or give the server a certificate with this name",
    64: "the certificate is for another address; correct api_url, or give the server a certificate with this address",
}


class RequestFailed(Exception):
    """A try without a complete response; `transient`: another try may succeed."""

    def __init__(self, error: ApiError, transient: bool) -> None:
        super().__init__()
        self.error = error
        self.transient = transient


class Route(t.NamedTuple):
    """Where a request goes: `host` is host and port as messages name them, `timeout` is in seconds."""

    host: str
    proxy: Proxy | None
    timeout: float
    progress: Progress

    @property
    def peer(self) -> str:
        """Whom the connection is opened to."""
        return f"the proxy {self.proxy.description}" if self.proxy else self.host


def explain_no_response(failure: BaseException, route: Route) -> RequestFailed:
    """Return the error for a request without a response."""
    causes = list(_causes(failure))
    if route.progress.sent:
        return _explain_no_reply(causes, route)
    if route.proxy is not None:
        refusal = next(filter(None, (_TUNNEL.search(str(cause)) for cause in causes)), None)
        if refusal:
            return explain_proxy_status(int(refusal.group(1)), route)
    return _explain_no_connection(causes, route)


def _explain_no_connection(causes: list[BaseException], route: Route) -> RequestFailed:
    """Return the error for a connection that could not be opened; the server has received nothing."""
    through_tunnel = route.progress.tunnel_requested and route.proxy is not None
    # urllib3 1.26 has a type of its own for a certificate with another name.
    tls = _first(causes, ssl.SSLError) or next((cause for cause in causes if type(cause).__name__ == "CertificateError"), None)
    # Newer Pythons have no type of their own for a timeout of a handshake.
    if tls is not None and not isinstance(tls, socket.timeout) and "timed out" not in str(tls):
        error = explain_tls(tls, route.host if through_tunnel else route.peer, sent=False)
        if route.proxy is not None and not through_tunnel and "certificate verify failed" in error.problem:
            error = error.replace(hint="check the certificate of the proxy, and that its CA is among those in ca_path")
        return RequestFailed(error, transient=False)
    if _first(causes, (socket.timeout, urllib3_errors.ConnectTimeoutError, urllib3_errors.ReadTimeoutError)) is not None and not _refused(causes):
        via = f"{route.host} through {route.peer}" if through_tunnel else route.peer
        return _not_sent(f"connection to {via} timed out after {route.timeout:g} seconds", f"{_CHECK_HOST}, or raise timeout")
    if route.proxy is not None and route.proxy.scheme.startswith("socks"):
        return _explain_socks(causes, route)
    unresolved = _first(causes, socket.gaierror)
    if unresolved is not None:
        host = f"the host name of {route.peer}" if route.proxy else f"the host name {route.host.rpartition(':')[0]}"
        return _not_sent(f"{host} cannot be resolved: {unresolved.strerror}", _CHECK_NAME)
    if through_tunnel and _first(causes, http.client.HTTPException):
        return _not_sent(f"{route.peer} sent no valid reply to a CONNECT request for {route.host}", "check that it is an HTTP proxy")
    reason = _system_reason(causes)
    to = f"{route.host} through {route.peer}" if through_tunnel else route.peer
    return _not_sent(f"cannot connect to {to}{f': {reason}' if reason else ''}", _CHECK_HOST)


def _explain_socks(causes: list[BaseException], route: Route) -> RequestFailed:
    # PySocks wraps what happened. It is optional, so its exceptions are known by their names.
    raised = [cause for cause in causes if type(cause).__module__ == "socks"]
    name = type(raised[-1]).__name__ if raised else ""
    if name == "SOCKS5AuthError":
        return RequestFailed(_proxy_authentication(route.peer, ""), transient=False)
    # It resolves the name of the proxy before it does anything of its own.
    at_proxy = name in ("", "ProxyConnectionError")
    unresolved = _first(causes, socket.gaierror)
    if unresolved is not None and not at_proxy:
        hint = "check the name, or use socks5h or socks4a, with which the proxy resolves it"
        return _not_sent(f"the host name {route.host.rpartition(':')[0]} cannot be resolved: {unresolved.strerror}", hint)
    if unresolved is not None:
        return _not_sent(f"the host name of {route.peer} cannot be resolved: {unresolved.strerror}", _CHECK_NAME)
    reason = _system_reason(causes) or (re.sub("^0x[0-9a-f]+: ", "", str(raised[-1])) if raised and not at_proxy else "")
    to = route.peer if at_proxy else f"{route.host} through {route.peer}"
    return _not_sent(f"cannot connect to {to}{f': {reason}' if reason else ''}", _CHECK_HOST)


def explain_proxy_status(status: int, route: Route) -> RequestFailed:
    """Return the error for a proxy that answered with this status instead of passing the request on.

    A proxy that refused is not asked again, because a wrong password could lock an account.
    """
    if status == 407:
        return RequestFailed(_proxy_authentication(route.peer if route.proxy else "a proxy on the way", " (407)"), transient=False)
    refused = 400 <= status < 500 and status != 429
    verb, hint = ("refused", "allow it there") if refused else ("could not open", "check the proxy")
    hint = f"{hint}, or {route.proxy.way_around}" if route.proxy else hint
    problem = f"{route.peer} {verb} a connection to {route.host} (HTTP {status})"
    return RequestFailed(ApiError(errors.NETWORK, problem, hint), transient=not refused)


def _proxy_authentication(proxy: str, status: str) -> ApiError:
    problem = f"proxy authentication failed{status}: {proxy} requires a user name and a password, or rejected those that it was given"
    return ApiError(errors.NETWORK, problem, "give both in the address of the proxy, before the host name")


def _explain_no_reply(causes: list[BaseException], route: Route) -> RequestFailed:
    """Return the error for a request that was sent, of which the server may have received some or all."""
    tls = _first(causes, ssl.SSLError)
    if tls is not None and not isinstance(tls, (ssl.SSLEOFError, ssl.SSLZeroReturnError, socket.timeout)):
        return RequestFailed(explain_tls(tls, route.host, sent=True), transient=False)
    if _first(causes, DeadlineExceeded):
        problem = f"the head of the reply from {route.host} was not complete after {DEADLINE_FACTOR * route.timeout:g} seconds"
        return RequestFailed(ApiError(errors.NETWORK, problem, f"raise timeout, or {_CHECK_SERVICE}", sent=True), transient=False)
    if _first(causes, (socket.timeout, urllib3_errors.ReadTimeoutError)) is not None:
        return _no_reply(f"no reply from {route.host} within {route.timeout:g} seconds (read timeout)", f"raise timeout, or {_CHECK_SERVICE}")
    if _first(causes, ReplyTooLarge):
        return reply_too_large(None)
    invalid = _first(causes, (http.client.HTTPException, urllib3_errors.InvalidHeader))
    if invalid is not None and not _first(causes, http.client.RemoteDisconnected):
        return RequestFailed(ApiError(errors.PROTOCOL, f"invalid HTTP response from {route.host}", _invalid_hint(causes), sent=True), transient=True)
    reason = "Connection reset by peer" if _first(causes, (ConnectionResetError, BrokenPipeError)) else "Remote end closed connection without response"
    return _no_reply(f"{route.host} closed the connection without a reply ({reason})", f"{_CHECK_SERVICE} and whether it requires a client certificate")


def _invalid_hint(causes: list[BaseException]) -> str:
    # A TLS server answers plain text with an alert, whose first bytes are these.
    talks_tls = any(isinstance(cause, http.client.BadStatusLine) and str(cause).strip("'").startswith(("\\x15\\x03", "\x15\x03")) for cause in causes)
    return "the server speaks TLS on this port, so use https in api_url" if talks_tls else CHECK_ADDRESS


def explain_incomplete(failure: BaseException, status: int, excerpt: str, timeout: float) -> RequestFailed:
    """Return the error for a reply whose body did not arrive completely. `excerpt` is the cleaned beginning of it."""
    causes = list(_causes(failure))
    if _first(causes, ReplyTooLarge):
        return reply_too_large(status)
    if _first(causes, DeadlineExceeded):
        problem = f"the reply (HTTP {status}) was not complete after {DEADLINE_FACTOR * timeout:g} seconds"
        return _invalid_body(problem, "ask for less at a time, or raise timeout", status)
    if _first(causes, zlib.error):
        return _invalid_body(f"the reply (HTTP {status}) is not compressed with gzip, although it says so", CHECK_ADDRESS, status)
    # The status has arrived. A refusal stays one, and a rejected login that is sent again counts towards a lock-out.
    transient = status < 400 or status in TRANSIENT
    if _first(causes, (socket.timeout, urllib3_errors.ReadTimeoutError)):
        problem = f"the reply (HTTP {status}) stopped for more than {timeout:g} seconds (read timeout)"
        return RequestFailed(ApiError(errors.NETWORK, problem, f"raise timeout, or {_CHECK_SERVICE}", status=status, sent=True), transient=transient)
    problem = f"the reply (HTTP {status}) is incomplete: the connection was closed too early" + (f" ({excerpt})" if excerpt else "")
    return RequestFailed(ApiError(errors.PROTOCOL, problem, f"try again, or {_CHECK_SERVICE}", status=status, sent=True), transient=transient)


def reply_too_large(status: int | None) -> RequestFailed:
    """Return the error for a reply with more bytes than are accepted; `status` is `None` if they came before its head was complete."""
    reply = "the reply" if status is None else f"the reply (HTTP {status})"
    return _invalid_body(f"{reply} is larger than 64 MiB", "ask for less at a time", status)


def unexpected_encoding(status: int) -> RequestFailed:
    """Return the error for a reply that is compressed in a way that was not asked for."""
    return _invalid_body(f"the reply (HTTP {status}) is compressed in a way that was not asked for (Content-Encoding)", CHECK_ADDRESS, status)


def explain_tls(failure: BaseException, host: str, *, sent: bool) -> ApiError:
    """Return the error for TLS, with OpenSSL's own reason."""
    if isinstance(failure, ssl.SSLCertVerificationError) or not isinstance(failure, ssl.SSLError):
        # Without a code of OpenSSL, Python or urllib3 itself has compared the names.
        reason = getattr(failure, "verify_message", "") or f"hostname mismatch, {failure}"
        hint = _CERTIFICATE_HINTS.get(getattr(failure, "verify_code", 62), "give the server a certificate without this fault")
        return ApiError(errors.TLS, f"certificate verify failed for {host}: {reason}", hint, sent=sent)
    reason = (getattr(failure, "reason", None) or "").replace("_", " ").lower() or re.sub(r"\s*\(_ssl\.c:\d+\)", "", str(failure.args[-1]))
    if "alert" in reason and any(word in reason for word in ("certificate", "unknown ca", "decrypt error", "access denied")):
        return ApiError(errors.TLS, f"{host} requires a client certificate, or rejected the one that it was given ({reason})", _CHECK_CLIENT_CERT, sent=sent)
    if any(word in reason for word in ("wrong version number", "record layer failure", "http request", "unknown protocol")):
        hint = "check that api_url names a port that speaks TLS, and any proxy on the way"
    else:
        hint = f"{CHECK_ADDRESS}, and whether the server requires a client certificate"
    return ApiError(errors.TLS, f"TLS handshake with {host} failed: {reason}", hint, sent=sent)


def _not_sent(problem: str, hint: str) -> RequestFailed:
    return RequestFailed(ApiError(errors.NETWORK, problem, hint), transient=True)


def _no_reply(problem: str, hint: str) -> RequestFailed:
    return RequestFailed(ApiError(errors.NETWORK, problem, hint, sent=True), transient=True)


def _invalid_body(problem: str, hint: str, status: int | None) -> RequestFailed:
    return RequestFailed(ApiError(errors.PROTOCOL, problem, hint, status=status, sent=True), transient=False)


def _causes(failure: BaseException | None) -> t.Iterator[BaseException]:
    """Return an exception and everything that it wraps: requests and urllib3 keep what happened in arguments, `reason`, causes and contexts."""
    waiting, seen = [failure], set()
    while waiting:
        found = waiting.pop(0)
        if isinstance(found, BaseException) and id(found) not in seen:
            seen.add(id(found))
            yield found
            waiting += [*found.args, getattr(found, "reason", None), getattr(found, "original_error", None), found.__cause__, found.__context__]


def _first(causes: list[BaseException], kinds: t.Any) -> t.Any:
    return next((cause for cause in causes if isinstance(cause, kinds)), None)


def _refused(causes: list[BaseException]) -> bool:
    # In urllib3 1.26, a refused connection is a kind of connect timeout.
    return bool(_first(causes, (urllib3_errors.NewConnectionError, ConnectionError)))


def _system_reason(causes: list[BaseException]) -> str:
    """Return the operating system's words for what happened, such as `Connection refused`."""
    numbers = (cause.errno for cause in causes if isinstance(cause, OSError) and not isinstance(cause, (ssl.SSLError, socket.gaierror)))
    return next((os.strerror(number) for number in numbers if isinstance(number, int)), "")
