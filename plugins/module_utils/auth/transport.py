# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections: TLS settings, the way through a proxy, and what is kept alive. Private to this collection.

On Python's own `http.client`: it needs nothing on managed hosts, and costs a worker half of what the libraries above it cost.
"""

from __future__ import annotations

import os
import select
import ssl
import threading
import typing as t
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from . import errors
from .errors import AuthError
from .trouble import unconnected

if t.TYPE_CHECKING:
    from .option import Options
    from .proxy import Proxy

# No certificate is below it, so a context that looks there trusts nobody.
_NOBODY = os.devnull

_system_context: ssl.SSLContext | None = None
_spare_context: ssl.SSLContext | None = None


def system_context() -> ssl.SSLContext:
    """The context with the system's CAs, built once a process: it costs more than a whole task."""
    global _system_context
    if _system_context is None:
        _system_context = ssl.create_default_context()
    return _system_context


def warm_up() -> None:
    """What a process builds for its forks: the system's context, and one that still trusts nobody for a CA of the user's."""
    global _spare_context
    system_context()
    _spare_context = ssl.create_default_context(capath=_NOBODY)


def _empty_context() -> ssl.SSLContext:
    """The spare one goes to whom asks first: what is loaded into a context stays there."""
    global _spare_context
    spare, _spare_context = _spare_context, None
    return ssl.create_default_context(capath=_NOBODY) if spare is None else spare


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
            context = _empty_context()
            context.load_verify_locations(**{"capath" if os.path.isdir(ca_path) else "cafile": ca_path})
        else:
            context = ssl.create_default_context()
        if cert:
            used = "client_cert and client_key"
            # An empty password: OpenSSL would otherwise ask for it at the terminal.
            context.load_cert_chain(cert, key or None, password="")
    except (OSError, ValueError):
        raise AuthError(errors.CONFIGURATION, f"{used}: the file cannot be read or holds no usable PEM data") from None
    return context


class Connection(t.NamedTuple):
    """One connection to `origin` (scheme and authority), through `proxy` if there is one."""

    origin: str
    proxy: Proxy | None
    http: HTTPConnection


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
            kept.http.sock.settimeout(timeout)
            return kept
        context = self._tls() if parts.scheme == "https" else None
        try:
            return Connection(origin, proxy, _opened(parts.hostname or "", parts.port, context, proxy, timeout))
        except (OSError, HTTPException, ValueError) as failure:
            raise unconnected(failure, timeout, proxy is not None) from None

    def keep(self, connection: Connection) -> None:
        """Take a connection back whose reply was read to its end."""
        if connection.http.sock is not None:
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
            if not _readable(found.http):
                return found
            found.http.close()

    def _tls(self) -> ssl.SSLContext:
        with self._lock:
            if self._context is None:
                self._context = tls_context(self._options)
            return self._context


def _opened(host: str, port: int | None, context: ssl.SSLContext | None, proxy: Proxy | None, timeout: float) -> HTTPConnection:
    to_host, to_port = (host, port) if proxy is None else (proxy.host, proxy.port)
    if context is None:
        made = HTTPConnection(to_host, to_port, timeout=timeout)
    else:
        made = HTTPSConnection(to_host, to_port, timeout=timeout, context=context)
        if proxy is not None:
            made.set_tunnel(host, port or 443, proxy.headers())
    try:
        made.connect()
    except BaseException:
        made.close()
        raise
    return made


def _readable(http: HTTPConnection) -> bool:
    """Whether there is something to read where nothing was asked for: the end, mostly."""
    waiting = select.poll()
    waiting.register(http.sock, select.POLLIN)
    return bool(waiting.poll(0))
