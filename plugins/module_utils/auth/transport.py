# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections: TLS settings, the way through a proxy, and what is kept alive. Private to this collection.

On Python's own sockets and `ssl`: they need nothing on managed hosts, and a request by the library `requests` alone costs a worker more than a
whole call does here (`make bench`).
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import threading
import typing as t
from urllib.parse import urlsplit

from . import errors
from .errors import AuthError
from .http11 import NotHTTP, Stream, TooSlow, reply_head, request_bytes
from .trouble import TunnelRefused, unconnected
from .wire import DEFAULT_PORTS

if t.TYPE_CHECKING:
    from .option import Options
    from .proxy import Proxy

# No certificate is below it, so a context that looks there trusts nobody.
_NOBODY = os.devnull

# What a process has built, by the files it came from and when they were written: to build one costs more than the rest of a call.
_contexts: dict[tuple[t.Any, ...], ssl.SSLContext] = {}
_spare: list[ssl.SSLContext] = []
_kept: list[ssl.SSLContext] = []


def warm_up(options: Options) -> None:
    """Build in a process what its forks need: the context of these options, or the system's and a spare one for whom it does not do.

    Raises as `tls_context` does.
    """
    context = tls_context(options)
    known = context.get_ca_certs(binary_form=True)[:1]
    if options.get("ca_path") or options.get("client_cert") or not known:
        return
    _spare.append(ssl.create_default_context(capath=_NOBODY))
    # The first certificate that is loaded by itself makes OpenSSL look for what reads it; kept, for that is given up with the last one.
    _kept.append(ssl.create_default_context(cadata=known[0]))


def tls_context(options: t.Mapping[str, t.Any]) -> ssl.SSLContext:
    """The TLS settings of the options. Raises a configuration error naming the file that cannot be used."""
    verified, cert, key = options.get("validate_certs", True), options.get("client_cert"), options.get("client_key")
    ca_path = options.get("ca_path") if verified else None
    if key and not cert:
        raise AuthError(errors.CONFIGURATION, "client_key is given without client_cert; give both")
    made_of = (verified, *map(_written, (ca_path, cert, key)))
    if made_of not in _contexts:
        _contexts[made_of] = _built(verified, ca_path, cert, key)
    return _contexts[made_of]


def _written(path: str | None) -> tuple[str, int] | None:
    """A file, and when it was written: a certificate may be renewed during a play."""
    try:
        return (path, os.stat(path).st_mtime_ns) if path else None
    except (OSError, ValueError):
        return (str(path), 0)


def _built(verified: bool, ca_path: str | None, cert: str | None, key: str | None) -> ssl.SSLContext:
    used = "ca_path"
    try:
        if not verified:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif ca_path:
            # What is loaded into a context stays there, so a spare one is used once.
            context = _spare.pop() if _spare else ssl.create_default_context(capath=_NOBODY)
            context.load_verify_locations(**{"capath" if os.path.isdir(ca_path) else "cafile": ca_path})
        else:
            context = ssl.create_default_context()
        if cert:
            used = "client_cert and client_key"
            # An empty password: OpenSSL would otherwise ask for it at the terminal.
            context.load_cert_chain(cert, key or None, password="")
            # Some servers ask for it only when they see what is asked for.
            context.post_handshake_auth = True
    except (OSError, ValueError):
        raise AuthError(errors.CONFIGURATION, f"{used}: the file cannot be read or holds no usable PEM data") from None
    return context


class Connection(t.NamedTuple):
    """One connection to `origin` (scheme and authority), through `proxy` if there is one; `host` is the authority as HTTP carries it."""

    origin: str
    host: str
    proxy: Proxy | None
    stream: Stream

    def close(self) -> None:
        self.stream.sock.close()


class Connections:
    """The connections of one task, each for one request at a time and kept for the next. Safe to use from several threads."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None
        self._idle: list[Connection] = []

    def take(self, url: str, proxy: Proxy | None, timeout: float) -> Connection:
        """An open connection for this address; `timeout` is in seconds, for each step. Raises `Failed`, or an error of ours."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        kept = self._kept(origin)
        if kept is not None:
            kept.stream.sock.settimeout(timeout)
            return kept
        # Also for plain http: settings that cannot be used are told before anything is sent.
        context = self._tls()
        try:
            host, port = parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]
            named = parts.netloc if parts.netloc.isascii() else f"{host.encode('idna').decode('ascii')}:{port}"
            return Connection(origin, named, proxy, _opened(host, port, context if parts.scheme == "https" else None, proxy, timeout))
        except (OSError, ValueError, TunnelRefused) as failure:
            raise unconnected(failure, timeout, proxy is not None) from None

    def keep(self, connection: Connection) -> None:
        """Take a connection back whose reply was read to its end."""
        with self._lock:
            self._idle.append(connection)

    def _kept(self, origin: str) -> Connection | None:
        """One that is still alive; what its server has closed meanwhile is left to its end."""
        while True:
            with self._lock:
                found = next((one for one in self._idle if one.origin == origin), None)
                if found is None:
                    return None
                self._idle.remove(found)
            if not _readable(found.stream):
                return found
            found.close()

    def _tls(self) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:
                self._context = tls_context(self._options)
            return self._context


def _opened(host: str, port: int, context: ssl.SSLContext | None, proxy: Proxy | None, timeout: float) -> Stream:
    sock = socket.create_connection((host, port) if proxy is None else (proxy.host, proxy.port), timeout)
    try:
        # A request is written at once, so nothing is gained by holding its end back.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is None:
            return Stream(sock)
        if proxy is not None:
            _tunnel(sock, f"[{host}]:{port}" if ":" in host else f"{host}:{port}", proxy, timeout)
        return Stream(context.wrap_socket(sock, server_hostname=host))
    except BaseException:
        sock.close()
        raise


def _tunnel(sock: socket.socket, to: str, proxy: Proxy, timeout: float) -> None:
    """A way through the proxy to the host (RFC 9110, 9.3.6). Raises `TunnelRefused`."""
    stream = Stream(sock)
    stream.expect(timeout)
    try:
        sock.sendall(request_bytes("CONNECT", to, to, proxy.headers()))
        status = reply_head(stream).status
    except (ConnectionError, NotHTTP, TooSlow):
        status = 0
    # Whoever speaks before the client does is not the TLS server behind the proxy.
    if not 200 <= status < 300 or stream.rest:
        raise TunnelRefused(status)


def _readable(stream: Stream) -> bool:
    """Whether there is something to read where nothing was asked for: the end, mostly."""
    waiting = select.poll()
    waiting.register(stream.sock, select.POLLIN)
    return bool(stream.rest or waiting.poll(0))
