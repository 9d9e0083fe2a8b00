# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures of connections in this collection's words: what broke, and whether the server may have got the request. Private to this collection.

None of them keeps its own text: that may quote addresses and headers with secrets.
"""

from __future__ import annotations

import socket
import ssl

from . import errors
from .errors import AuthError
from .http11 import CutOff, NotHTTP, TooSlow

PROXY_WANTS = "the proxy wants a user name and a password, or refuses those that it got; give them in proxy, as http://user:password@host:port"
MALFORMED = "the address or the proxy is malformed; check api_url and proxy"


class TunnelRefused(Exception):
    """The proxy opened no way to the host; `status` is what it answered, 0 where that was no HTTP."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


class Failed(Exception):
    """No whole reply; `taken` says that the server may have taken the request all the same."""

    def __init__(self, error: AuthError, taken: bool) -> None:
        super().__init__()
        self.error = error
        self.taken = error.sent = taken


def _not_sent(text: str) -> Failed:
    return Failed(AuthError(errors.NETWORK, text), taken=False)


def _broken(text: str) -> Failed:
    return Failed(AuthError(errors.NETWORK, text), taken=True)


def cut_off(status: int, body: bytes) -> Failed:
    """The connection broke within the body of a reply, whose begin is `body`. Another try may bring the whole of it."""
    said = body.decode("utf-8", "replace").strip()
    told = f"the reply (HTTP {status}) is cut off"
    return Failed(AuthError(errors.PROTOCOL, told, status=status, said=said, advice="try again, or look whether the service is well", most=200), taken=True)


def unconnected(failure: Exception, timeout: float, proxied: bool) -> Exception:
    """Why there is no connection; the server has got nothing."""
    if isinstance(failure, ssl.SSLError):
        return AuthError(errors.TLS, _tls_reason(failure))
    if isinstance(failure, socket.timeout):
        return _not_sent(f"no connection within {timeout:g} seconds; check the host, the port and any firewall, or raise timeout")
    if isinstance(failure, socket.gaierror):
        return _not_sent("the host name cannot be resolved; check it, and the name servers")
    if isinstance(failure, ValueError):
        return AuthError(errors.CONFIGURATION, MALFORMED)
    if isinstance(failure, TunnelRefused):
        return _of_proxy(failure.status)
    through = " (a proxy is set)" if proxied else ""
    return _not_sent(f"the connection was refused or the host is unreachable{through}; check the host, the port and any firewall")


def unanswered(failure: Exception, timeout: float) -> Exception:
    """Why there is no reply; the server may have got the request."""
    if isinstance(failure, ssl.SSLError) and not isinstance(failure, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        error = AuthError(errors.TLS, _tls_reason(failure))
        error.sent = True
        return error
    if isinstance(failure, (socket.timeout, TooSlow)):
        return _broken(f"no reply within {timeout:g} seconds; raise timeout, or look whether the service is well")
    if isinstance(failure, NotHTTP):
        return Failed(AuthError(errors.PROTOCOL, "what answers there does not speak HTTP; check api_url, and any proxy on the way"), taken=True)
    if isinstance(failure, CutOff) and not failure.began:
        return _broken("the server closed the connection without a reply; look whether the service is well, and whether it wants a client_cert")
    return _broken("the connection broke before the reply was complete; try again, or look whether the service is well")


def _of_proxy(status: int) -> Exception:
    """A proxy that refuses is not asked again: a wrong password would lock an account."""
    if status == 407:
        return AuthError(errors.NETWORK, PROXY_WANTS)
    if 400 <= status < 500 and status != 429:
        return AuthError(errors.NETWORK, f"the proxy refuses a connection to this host (HTTP {status}); let it through there, or check proxy and no_proxy")
    shown = f" (HTTP {status})" if status else ""
    return _not_sent(f"the proxy did not let the connection through{shown}; check proxy, https_proxy and no_proxy")


def _tls_reason(failure: ssl.SSLError) -> str:
    if isinstance(failure, ssl.SSLCertVerificationError):
        return _of_certificate(failure.verify_message.lower())
    text = str(failure).lower()
    if "alert" in text and any(word in text for word in ("certificate", "unknown ca", "decrypt error", "access denied")):
        return "the server wants a client certificate, or refuses the one it got; check client_cert and client_key"
    return "the TLS handshake failed; check that api_url names a port that speaks TLS, any proxy on the way, and whether the server wants a client_cert"


def _of_certificate(reason: str) -> str:
    if "match" in reason:
        return "the server's certificate is for another host name; correct api_url, or give the server a certificate with this name"
    if "expired" in reason:
        return "the server's certificate has expired; renew it there, and check this machine's clock"
    if "not yet valid" in reason:
        return "the server's certificate is not valid yet; check this machine's clock"
    return "the server's certificate is not signed by a CA that is trusted here; set ca_path to the CA of the service"
