# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures of the HTTP library in this collection's words: what broke, and whether the server may have got the request. Private to this collection."""

from __future__ import annotations

import re
import ssl
import typing as t
from http.client import RemoteDisconnected

from . import errors
from .errors import AuthError

try:
    from requests import exceptions
    from urllib3 import exceptions as urllib3_exceptions
except ImportError:  # Told by the client, which nothing gets past without them.
    pass


class Failed(Exception):
    """No whole reply; `taken` says that the server may have taken the request all the same."""

    def __init__(self, error: AuthError, taken: bool) -> None:
        super().__init__()
        self.error = error
        self.taken = error.sent = taken


def _not_sent(text: str) -> Failed:
    return Failed(AuthError(errors.NETWORK, text), taken=False)


def broken(text: str) -> Failed:
    return Failed(AuthError(errors.NETWORK, text), taken=True)


def cut_off(status: int, body: bytes) -> Failed:
    """The connection broke within the body of a reply, whose begin is `body`. Another try may bring the whole of it."""
    said = body.decode("utf-8", "replace").strip()
    told = f"the reply (HTTP {status}) is cut off"
    return Failed(AuthError(errors.PROTOCOL, told, status=status, said=said, advice="try again, or look whether the service is well", most=200), taken=True)


def explained(failure: Exception, timeout: float, proxied: bool) -> Exception:
    """A failure of the library as one of ours, without its text: that may quote addresses with secrets."""
    if isinstance(failure, (exceptions.SSLError, urllib3_exceptions.SSLError)):
        return AuthError(errors.TLS, _tls_reason(failure))
    if isinstance(failure, exceptions.ProxyError):
        return _of_proxy(failure)
    if isinstance(failure, exceptions.ConnectTimeout):
        return _not_sent(f"no connection within {timeout:g} seconds; check the host, the port and any firewall, or raise timeout")
    if isinstance(failure, exceptions.Timeout) or _cause(failure, urllib3_exceptions.ReadTimeoutError):
        return broken(f"no reply within {timeout:g} seconds; raise timeout, or look whether the service is well")
    if isinstance(failure, (exceptions.InvalidURL, exceptions.InvalidSchema, exceptions.MissingSchema, exceptions.InvalidHeader, exceptions.InvalidProxyURL)):
        return AuthError(errors.CONFIGURATION, "the address, the proxy or a header is malformed; check api_url, proxy and that no secret holds a line break")
    if isinstance(failure, getattr(exceptions, "InvalidJSONError", ())):
        return AuthError(errors.INVALID_REQUEST, "the body or a parameter holds a value that JSON cannot carry, such as NaN; correct it")
    # urllib3 1.26, on some hosts of tasks, has no error of its own for it.
    if _cause(failure, getattr(urllib3_exceptions, "NameResolutionError", ())):
        return _not_sent("the host name cannot be resolved; check it, and the name servers")
    if _cause(failure, urllib3_exceptions.NewConnectionError):
        through = " (a proxy is set)" if proxied else ""
        return _not_sent(f"the connection was refused or the host is unreachable{through}; check the host, the port and any firewall")
    if _cause(failure, urllib3_exceptions.DecodeError):
        return AuthError(errors.PROTOCOL, "the reply says that it is compressed, but is not; check api_url, and any proxy on the way")
    if _cause(failure, RemoteDisconnected):
        return broken("the server closed the connection without a reply; look whether the service is well, and whether it wants a client_cert")
    return broken("the connection broke before the reply was complete; try again, or look whether the service is well")


def _of_proxy(failure: Exception) -> Exception:
    """A proxy that refuses is not asked again: a wrong password would lock an account."""
    found = re.search(r"Tunnel connection failed: ([0-9]{3})", str(failure))
    status = int(found.group(1)) if found else 0
    if status == 407:
        return AuthError(errors.NETWORK, PROXY_WANTS)
    if 400 <= status < 500 and status != 429:
        return AuthError(errors.NETWORK, f"the proxy refuses a connection to this host (HTTP {status}); let it through there, or check proxy and no_proxy")
    told = f" (HTTP {status})" if status else ""
    return _not_sent(f"the proxy did not let the connection through{told}; check proxy, https_proxy and no_proxy")


PROXY_WANTS = "the proxy wants a user name and a password, or refuses those that it got; give them in proxy, as http://user:password@host:port"


def _cause(failure: BaseException, kind: t.Any) -> BaseException | None:
    """The first failure of this kind among what led to a failure."""
    seen: set[int] = set()
    todo: list[t.Any] = [failure]
    while todo:
        one = todo.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        if isinstance(one, kind):
            return one
        seen.add(id(one))
        todo += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return None


def _tls_reason(failure: Exception) -> str:
    refusal = _cause(failure, ssl.SSLCertVerificationError)
    if refusal is not None:
        return _of_certificate(str(getattr(refusal, "verify_message", "")).lower())
    if _cause(failure, (urllib3_exceptions.SSLError, ssl.CertificateError)) and "doesn't match" in str(failure):
        return _of_certificate("mismatch")
    text = str(_cause(failure, ssl.SSLError) or "").lower()
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
