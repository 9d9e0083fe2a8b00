# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which proxy a request goes through, if any. Private to this collection."""

from __future__ import annotations

import typing as t
from urllib.parse import unquote, urlsplit

from . import errors, wire
from .errors import AuthError
from .option import PROXY_ENV

if t.TYPE_CHECKING:
    from .option import Options

_LOOK = "proxy must look like http://host:port or http://user:password@host:port; one that is itself reached over TLS or SOCKS cannot be used"


class Proxy(t.NamedTuple):
    """An HTTP proxy; shows no secret when printed. `authorization` is empty where it wants none."""

    host: str
    port: int
    authorization: str

    def __repr__(self) -> str:
        return f"Proxy({self.host!r}, {self.port})"

    def headers(self) -> dict[str, str]:
        return {"Proxy-Authorization": self.authorization} if self.authorization else {}


def proxy_for(url: str, options: Options, environ: t.Mapping[str, str]) -> str | None:
    """The proxy for this address: the option, else the environment's, minding `no_proxy`."""
    if options.get("proxy"):
        return str(options["proxy"])
    parts = urlsplit(url)
    found = next((environ[name] for name in PROXY_ENV.get(parts.scheme, ()) if environ.get(name)), None)
    if found is None or _exempt(parts.hostname or "", parts.port, environ.get("no_proxy") or environ.get("NO_PROXY") or ""):
        return None
    return found


def proxy_of(text: str) -> Proxy:
    """The proxy of an address, whose scheme may be left out. Raises a configuration error."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        raise AuthError(errors.CONFIGURATION, _LOOK) from None
    if parts.scheme != "http" or not host:
        raise AuthError(errors.CONFIGURATION, _LOOK)
    with_user = parts.username is not None
    return Proxy(host, port, wire.basic(unquote(parts.username or ""), unquote(parts.password or "")) if with_user else "")


def proxy_secrets(url: str, options: Options, environ: t.Mapping[str, str]) -> tuple[str, ...]:
    """What a proxy for this address must not have shown: its password, alone and with the name of its user, as it is written and as it is sent.

    Of an address that cannot be used too, for it may be shown all the same. Empty where there is no password.
    """
    text = proxy_for(url, options, environ) or ""
    user, _colon, password = (text.partition("://")[2] or text).rpartition("@")[0].partition(":")
    sent = unquote(password)
    return tuple(dict.fromkeys((password, sent, f"{user}:{password}", f"{unquote(user)}:{sent}"))) if password else ()


def _exempt(host: str, port: int | None, listed: str) -> bool:
    """Whether `no_proxy` names the host: by its name, a domain, either with a port, as a network, or all of them by `*`."""
    names = (host, f"{host}:{port}")
    for one in listed.lower().split(","):
        entry = one.strip()
        domain = entry.lstrip("*.")
        if entry == "*" or (domain and any(name == domain or name.endswith(f".{domain}") for name in names)) or _within(host, entry):
            return True
    return False


def _within(host: str, network: str) -> bool:
    if "/" not in network:
        return False
    # Imported here: few name a network.
    from ipaddress import ip_address, ip_network

    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False
