# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transport adapter of requests that this collection uses: its TLS context, its proxies, and replies that are bounded.

Works with requests 2.25 and later, on urllib3 1.26 and 2.
"""

from __future__ import annotations

import base64
import http.client
import io
import socket
import ssl
import threading
import time
import typing as t
from http.cookiejar import DefaultCookiePolicy

from .proxies import Proxy
from .tls import tls_context

if t.TYPE_CHECKING:
    from http.client import HTTPConnection as _MixedInto

    from requests import Session
    from requests.adapters import HTTPAdapter

    from ..options import ConnectionSettings
else:
    _MixedInto = object
    try:
        from requests import Session
        from requests.adapters import HTTPAdapter
    except ImportError:
        # session.py reports it; ansible-test imports every file without the libraries.
        Session = HTTPAdapter = object

# A reply must be complete within this many times the timeout, which alone counts from each packet to the next.
DEADLINE_FACTOR = 4
MAX_BODY = 64 * 1024 * 1024
# Bytes that a reply may have besides its body: header fields, chunk sizes.
_MAX_OVERHEAD = 8 * 1024 * 1024
# Connections to one host that are kept for the next request; as many as calls may run at a time.
_POOL_SIZE = 64


class DeadlineExceeded(socket.timeout):
    """The reply was not complete in time."""


class ReplyTooLarge(OSError):
    """The reply has more bytes than are accepted."""


class Progress(threading.local):
    """How far the current request of each thread has come: what a failure means depends on it.

    `connecting`: a connection is being opened. `tunnel_requested`: the proxy was reached and asked for a tunnel.
    `sent`: the server may have received some of the request.
    """

    connecting = False
    tunnel_requested = False
    sent = False

    def reset(self) -> None:
        self.connecting = self.tunnel_requested = self.sent = False


class _LimitedReader(io.RawIOBase):
    """Reads one reply from a socket, all of which must arrive before a deadline and within a number of bytes."""

    def __init__(self, sock: t.Any) -> None:
        super().__init__()
        self._sock = sock
        self._raw = sock.makefile("rb", 0)
        self._timeout = sock.gettimeout()
        self._deadline = None if self._timeout is None else time.monotonic() + DEADLINE_FACTOR * self._timeout
        self._bytes_left = MAX_BODY + _MAX_OVERHEAD

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> t.Any:
        if self._deadline is not None:
            seconds = self._deadline - time.monotonic()
            if seconds <= 0:
                raise DeadlineExceeded("deadline exceeded")
            if seconds < self._timeout:
                self._sock.settimeout(seconds)
        try:
            count = self._raw.readinto(buffer)
        except socket.timeout:
            if self._deadline is not None and time.monotonic() >= self._deadline:
                raise DeadlineExceeded("deadline exceeded") from None
            raise
        self._bytes_left -= count or 0
        if self._bytes_left < 0:
            raise ReplyTooLarge("reply too large")
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _LimitedSocket:
    """Stands in for a socket where `http.client` makes a file of it, which is all that it does with it."""

    def __init__(self, sock: t.Any) -> None:
        self._sock = sock

    def makefile(self, _mode: str) -> t.Any:
        return io.BufferedReader(_LimitedReader(self._sock), 65536)


class _Response(http.client.HTTPResponse):
    """A response that is read with limits, and that is the final one."""

    def __init__(self, sock: t.Any, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(t.cast("socket.socket", _LimitedSocket(sock)), *args, **kwargs)

    def begin(self) -> None:
        super().begin()
        while 100 < self.status < 200 and self.status != 101:
            # http.client passes over 100 only. What follows 103 (Early Hints) would be taken for the reply to the next request.
            self.headers = self.msg = t.cast("t.Any", None)
            super().begin()
        if self.chunked and "Content-Length" in self.headers:
            # Two lengths: whoever is in between may have read the other one (RFC 9112, 6.3).
            self.will_close = True
        # urllib3 would warn of lines that are no header fields, with the whole address and its query, and Ansible writes warnings to its log.
        self.headers.defects.clear()
        self.headers.set_payload("")


class _Connection(_MixedInto):
    """What is added to urllib3's connections: limits for replies, and notes about how far a request has come."""

    progress: Progress
    verify: bool

    def connect(self) -> None:
        self.progress.connecting = True
        super().connect()
        self.progress.connecting = False
        if not self.verify:
            # The user has asked for it; urllib3 would warn at each request.
            self.is_verified = True

    def send(self, data: t.Any) -> None:
        """Send bytes; they belong to the request unless the connection is still being opened, which is when a proxy is asked for a tunnel."""
        if getattr(self, "sock", None) is None:
            self.connect()
        if self.progress.connecting:
            self.progress.tunnel_requested = True
        else:
            self.progress.sent = True
        try:
            super().send(data)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError):
            if self.progress.connecting:
                raise
            # The server may reply before it has read everything, and close. urllib3 reads the reply all the same, but after this exception only.
            raise BrokenPipeError from None

    def set_tunnel(self, host: str, *args: t.Any, **kwargs: t.Any) -> None:
        """Ask the proxy for a host. Older Pythons forget the brackets of an IPv6 address.

        Certificates have no dot at the end of a name, which urllib3 1.26 compares all the same if there is a tunnel.
        """
        self.server_hostname = host.strip("[]").rstrip(".")
        super().set_tunnel(f"[{host}]" if ":" in host and host[0] != "[" else host, *args, **kwargs)

    response_class = _Response


class Adapter(HTTPAdapter):
    """Sends requests with the TLS context of the settings, through a proxy or directly."""

    def __init__(self, settings: ConnectionSettings, environ: t.Mapping[str, str], progress: Progress) -> None:
        self._context = tls_context(settings, environ)
        # The client certificate is for the server, not for a proxy on the way.
        without_certificate = settings._replace(client_cert=None, client_key=None)
        self._proxy_context = tls_context(without_certificate, environ)
        self._attributes = {"progress": progress, "verify": settings.validate_certs}
        self._lock = threading.Lock()
        super().__init__(pool_maxsize=_POOL_SIZE)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: t.Any) -> None:
        super().init_poolmanager(connections, maxsize, block=block, ssl_context=self._context, **pool_kwargs)
        self._use_connections_of_ours(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: t.Any) -> t.Any:
        with self._lock:
            if proxy not in self.proxy_manager:
                # urllib3 leaves Nagle's algorithm on for proxies, which delays each request with a body by 40 ms.
                proxy_kwargs["socket_options"] = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
                if not proxy.startswith("socks"):
                    proxy_kwargs["proxy_ssl_context"] = self._proxy_context
                manager = super().proxy_manager_for(proxy, ssl_context=self._context, **proxy_kwargs)
                self._use_connections_of_ours(manager)
            return self.proxy_manager[proxy]

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        """Return the header that authenticates at a proxy. requests itself can encode Latin-1 only."""
        credentials = Proxy(proxy, "").credentials
        if credentials is None:
            return {}
        encoded = base64.b64encode(":".join(credentials).encode("utf-8", "surrogateescape")).decode("ascii")
        return {"Proxy-Authorization": f"Basic {encoded}"}

    def build_connection_pool_key_attributes(self, request: t.Any, verify: t.Any, cert: t.Any = None) -> t.Any:
        """Return the host and the TLS parameters of a request (requests 2.32 and later), which are those of the context."""
        host, _tls = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._context}

    def cert_verify(self, conn: t.Any, url: t.Any, verify: t.Any, cert: t.Any) -> None:
        """Leave the connection alone. requests would load the certificates of certifi into the context."""

    def _use_connections_of_ours(self, manager: t.Any) -> None:
        manager.pool_classes_by_scheme = {
            scheme: type(pool.__name__, (pool,), {"ConnectionCls": type("Connection", (_Connection, pool.ConnectionCls), self._attributes)})
            for scheme, pool in manager.pool_classes_by_scheme.items()
        }


class PlainSession(Session):
    """A session that sends what it is given and nothing else: no cookie, nothing from the environment or `.netrc`; it follows no redirect."""

    def __init__(self, adapter: Adapter) -> None:
        super().__init__()
        self.trust_env = False
        self.headers.clear()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def get_redirect_target(self, resp: t.Any) -> None:
        """Follow nothing. Without this, requests reads the body of a redirect, whatever its size, even if redirects are off."""
