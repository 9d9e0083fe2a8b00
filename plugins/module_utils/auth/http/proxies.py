# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which proxy a request goes through."""

from __future__ import annotations

import re
import typing as t
import urllib.request
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit

from ..errors import configuration_error

if t.TYPE_CHECKING:
    from ..options import ConnectionSettings

DEFAULT_PORTS = {"http": 80, "https": 443}
# Not in the type stubs; requests uses it too.
_proxy_bypass = t.cast("t.Any", urllib.request).proxy_bypass_environment
_PROXY_PORTS = {**DEFAULT_PORTS, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}
_FORM = "it must look like http://host:port or http://user:password@host:port (also https, socks5, socks5h, socks4), with special characters percent-encoded"
_CONTROL = re.compile(r"[\x00-\x20\x7f]")


class Proxy(t.NamedTuple):
    """A proxy. `source` says where it was set; messages show `description`, which has no password."""

    url: str
    source: str

    def __repr__(self) -> str:
        return f"Proxy({self.description!r})"

    @property
    def scheme(self) -> str:
        return urlsplit(self.url).scheme

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def description(self) -> str:
        parts = urlsplit(self.url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}:{parts.port or _PROXY_PORTS[parts.scheme]} (from {self.source})"

    @property
    def way_around(self) -> str:
        """What to do to reach a host without this proxy."""
        return "add the host to no_proxy" if self.source.lower().endswith(("http_proxy", "https_proxy", "all_proxy")) else f"change {self.source}"

    @property
    def credentials(self) -> tuple[str, str] | None:
        """The user name and the password, or `None` if there are none."""
        parts = urlsplit(self.url)
        return None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))


def find_proxy(url: str, settings: ConnectionSettings, environ: t.Mapping[str, str]) -> Proxy | None:
    """Return the proxy for this address. Raises a configuration error if it cannot be used."""
    text, source = _find_setting(url, settings, environ)
    if not text:
        return None
    proxy = Proxy(text if "://" in text else f"http://{text}", source)
    try:
        parts = urlsplit(proxy.url)
        # With a # or a ? in a password that is not encoded, its beginning would be taken for the port, which messages show.
        only_host = parts.path in ("", "/") and not parts.query and not parts.fragment
        valid = parts.scheme in _PROXY_PORTS and parts.hostname and not _CONTROL.search(text) and only_host and (parts.port is None or parts.port)
    except ValueError:
        valid = False
    if not valid:
        raise configuration_error(f"the proxy from {source} is not a valid address", _FORM)
    return proxy


def proxy_secrets(url: str, settings: ConnectionSettings, environ: t.Mapping[str, str]) -> tuple[str, ...]:
    """Return the password of the proxy for this address, alone and as `user:password`, both as written and percent-decoded.

    An address that cannot be used counts too, because a message may still show it.
    """
    text, _source = _find_setting(url, settings, environ)
    user, _colon, password = (text.partition("://")[2] or text).rpartition("@")[0].partition(":")
    sent = unquote(password)
    return tuple(dict.fromkeys((password, sent, f"{user}:{password}", f"{unquote(user)}:{sent}"))) if password else ()


def _find_setting(url: str, settings: ConnectionSettings, environ: t.Mapping[str, str]) -> tuple[str, str]:
    """Return the proxy as it was written and where it was set; both are empty if there is none."""
    if settings.proxy:
        return settings.proxy.strip(), settings.proxy_source
    parts = urlsplit(url)
    for name in (f"{parts.scheme}_proxy", "all_proxy"):
        # In a CGI script, HTTP_PROXY is the header Proxy of whoever calls it: https://httpoxy.org
        names = (name,) if name == "http_proxy" and "REQUEST_METHOD" in environ else (name, name.upper())
        # An empty variable in lower case counts as none, whatever the other says.
        used = next((each for each in names if each in environ), None)
        if used and environ[used].strip():
            exempt = _is_exempt(parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0), _no_proxy(environ))
            return ("", "") if exempt else (environ[used].strip(), f"the environment variable {used}")
    return "", ""


def _no_proxy(environ: t.Mapping[str, str]) -> str:
    return environ.get("no_proxy") or environ.get("NO_PROXY") or ""


def _is_exempt(host: str, port: int, no_proxy: str) -> bool:
    """Return whether `no_proxy` names the host: by name, domain, address or network, each with or without a port, or by `*`."""
    host = host.rstrip(".")
    for entry in re.split(r"[\s,]+", no_proxy.lower()):
        # The standard library knows names, domains and ports.
        if entry == "*" or (entry and _proxy_bypass(f"{host}:{port}", {"no": entry.lstrip("*").rstrip(".")})):
            return True
        if _is_within(host, port, entry):
            return True
    return False


def _is_within(host: str, port: int, entry: str) -> bool:
    """Return whether a host is an address in the network of an entry such as `192.0.2.0/24`, `2001:db8::/32` or `[2001:db8::1]:8443`."""
    parts = re.fullmatch(r"\[([^\]]+)\](/\d+)?(?::(\d+))?", entry) or re.fullmatch(r"([\d.]+)(/\d+)(?::(\d+))?", entry)
    network, only_port = (parts.group(1) + (parts.group(2) or ""), parts.group(3)) if parts else (entry, None)
    try:
        return ip_address(host) in ip_network(network, strict=False) and only_port in (None, str(port))
    except ValueError:
        return False
