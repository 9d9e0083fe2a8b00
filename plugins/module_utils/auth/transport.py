# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS settings, and the HTTP library's parts that they go into. Private to this collection."""

from __future__ import annotations

import os
import ssl
import typing as t
import warnings

from . import errors
from .errors import AuthError

try:
    import requests
    import requests.adapters
except ImportError:  # pragma: no cover - told by the client
    requests = None  # type: ignore[assignment]

if t.TYPE_CHECKING:
    from .option import Options

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
            # Wanted: urllib3 would say so on the terminal for each request.
            warnings.filterwarnings("ignore", "Unverified HTTPS request")
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


if requests is not None:

    class Adapter(requests.adapters.HTTPAdapter):
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
