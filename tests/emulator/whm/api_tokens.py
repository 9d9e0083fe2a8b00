# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WHM's API tokens: five functions whose replies do not agree on shapes."""

from __future__ import annotations

import ipaddress
import re
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..issued import Clock
from ..served import Json
from .model import Failed
from .params import Params, last_of, values_of

NAME = re.compile(r"^[A-Za-z0-9_-]{1,50}$")
ACL_NAME = re.compile(r"^[A-Za-z0-9_-]+$")
ALPHABET = string.ascii_uppercase + string.digits
RESERVED = ("WebPros_Dashboard", "WP-Dashboard")

ACLS = (
    "acct-summary", "add-pkg", "add-pkg-ip", "add-pkg-shell", "all", "allow-addoncreate", "allow-emaillimits-pkgs", "allow-parkedcreate", "allow-shell",
    "allow-unlimited-bw-pkgs", "allow-unlimited-disk-pkgs", "allow-unlimited-pkgs", "basic-system-info", "basic-whm-functions", "clustering",
    "connected-applications", "cors-proxy-get", "cpanel-api", "cpanel-integration", "create-acct", "create-dns", "create-user-session", "demo-setup",
    "digest-auth", "edit-account", "edit-dns", "edit-mx", "edit-pkg", "generate-email-config", "kill-acct", "kill-dns", "limit-bandwidth", "list-accts",
    "list-pkgs", "locale-edit", "mailcheck", "manage-api-tokens", "manage-dns-records", "manage-oidc", "manage-styles", "mysql-info", "news", "ns-config",
    "park-dns", "passwd", "quota", "rearrange-accts", "resftp", "restart", "show-bandwidth", "ssl", "ssl-buy", "ssl-gencrt", "ssl-info", "stats", "status",
    "suspend-acct", "thirdparty", "track-email", "upgrade-account", "viewglobalpackages",
)  # fmt: skip


@dataclass
class ApiToken:
    """One token; only a reply to its creation shows the secret."""

    name: str
    secret: str
    owner: str
    acls: list[str]
    create_time: int
    expires_at: int | None = None
    whitelist: list[str] = field(default_factory=list)

    def expired(self, now: float) -> bool:
        return self.expires_at is not None and now >= self.expires_at

    def admits(self, peer: str) -> bool:
        address = ipaddress.ip_address(peer)
        return not self.whitelist or any(address in ipaddress.ip_network(entry, strict=False) for entry in self.whitelist)


@dataclass(frozen=True)
class Caller:
    """Who calls, and what this caller may do now (a token may do less than its owner)."""

    user: str
    privileges: frozenset[str]
    token: ApiToken | None = None

    def may(self, acl: str) -> bool:
        return "all" in self.privileges or acl in self.privileges


def expanded(entry: str) -> str:
    """IPv6 comes back written in full."""
    try:
        interface = ipaddress.ip_interface(entry)
    except ValueError as error:
        raise Failed(f"\u201c{entry}\u201d is not a valid IP address or CIDR range.") from error
    prefix = f"/{interface.network.prefixlen}" if "/" in entry else ""
    return interface.ip.exploded + prefix


class ApiTokens:
    """The tokens of all users, and the functions on them."""

    def __init__(self, clock: Clock, settings: Callable[[], Any], first: list[ApiToken]) -> None:
        self._clock = clock
        self._settings = settings
        self._tokens: dict[tuple[str, str], ApiToken] = {(token.owner, token.name): token for token in first}
        self.functions: dict[str, Callable[[Caller, Params], Json | None]] = {
            "api_token_create": self.create,
            "api_token_list": self.show_all,
            "api_token_update": self.update,
            "api_token_revoke": self.revoke,
            "api_token_get_details": self.details,
        }

    def by_secret(self, user: str, secret: str) -> ApiToken | None:
        return next((token for token in self._tokens.values() if token.owner == user and token.secret == secret), None)

    def revoke_all(self) -> int:
        count = len(self._tokens)
        self._tokens.clear()
        return count

    def create(self, caller: Caller, params: Params) -> Json:
        name = self._new_name(caller, last_of(params, "token_name"))
        now = int(self._clock.now())
        secret = "".join(secrets.choice(ALPHABET) for _turn in range(32))
        token = ApiToken(name, secret, caller.user, self._acls(caller, params), now, self._expiry(params), self._whitelist(params))
        self._tokens[(caller.user, name)] = token
        return {**self._shown(token), "token": secret}

    def show_all(self, caller: Caller, _params: Params) -> Json:
        mine = [token for (owner, _name), token in self._tokens.items() if owner == caller.user]
        return {"tokens": {token.name: self._listed(token, caller) for token in mine}}

    def update(self, caller: Caller, params: Params) -> Json:
        """What is not sent is not kept: all privileges, no expiry, any address."""
        token = self._mine(caller, last_of(params, "token_name"))
        new_name = last_of(params, "new_name")
        acls, expiry = self._acls(caller, params), self._expiry(params)
        whitelist = token.whitelist
        if values_of(params, "whitelist_ip") or not self._settings().update_keeps_whitelist:
            whitelist = self._whitelist(params)
        if new_name and new_name != token.name:
            self._new_name(caller, new_name)
            del self._tokens[(caller.user, token.name)]
            token.name = new_name
            self._tokens[(caller.user, new_name)] = token
        token.acls, token.expires_at, token.whitelist = acls, expiry, whitelist
        return self._shown(token)

    def revoke(self, caller: Caller, params: Params) -> None:
        names = values_of(params, "token_name")
        if not names:
            raise Failed("You must provide the \u201ctoken_name\u201d parameter.")
        for name in names:
            if (caller.user, name) not in self._tokens and not self._settings().revoke_missing_ok:
                raise Failed(f"The API token \u201c{name}\u201d does not exist.")
            self._tokens.pop((caller.user, name), None)

    def details(self, caller: Caller, params: Params) -> Json | None:
        """A secret that is not known is answered without data."""
        token = self.by_secret(caller.user, last_of(params, "token"))
        return self._shown(token) if token else None

    def _mine(self, caller: Caller, name: str) -> ApiToken:
        token = self._tokens.get((caller.user, name))
        if token is None:
            raise Failed(f"The API token \u201c{name}\u201d does not exist.")
        return token

    def _new_name(self, caller: Caller, name: str) -> str:
        if not NAME.match(name):
            raise Failed("The token name must be 1 to 50 characters: letters, digits, dashes and underscores.")
        if name in RESERVED and caller.user == "root" and self._settings().version >= 138:
            raise Failed(f"The name \u201c{name}\u201d is reserved.")
        if (caller.user, name) in self._tokens:
            raise Failed(f"A conflicting API token with the name \u201c{name}\u201d already exists.")
        return name

    @staticmethod
    def _acls(caller: Caller, params: Params) -> list[str]:
        """Left out, they are all of the caller's."""
        requested = values_of(params, "acl")
        if not requested:
            return sorted(caller.privileges)
        for acl in requested:
            if not ACL_NAME.match(acl) or not caller.may(acl):
                raise Failed(f"You do not have the privilege \u201c{acl}\u201d, or it does not exist.")
        return list(dict.fromkeys(requested))

    @staticmethod
    def _expiry(params: Params) -> int | None:
        value = last_of(params, "expires_at")
        if not value.isdigit() and value:
            raise Failed(f"\u201c{value}\u201d is not a valid Unix time.")
        return int(value or 0) or None

    @staticmethod
    def _whitelist(params: Params) -> list[str]:
        requested = values_of(params, "whitelist_ip")
        return [] if not requested or requested == ["any"] else [expanded(entry) for entry in requested]

    def _number(self, value: int | None) -> int | str | None:
        return str(value) if value is not None and self._settings().times_as_strings else value

    def _times(self, token: ApiToken) -> Json:
        return {"create_time": self._number(token.create_time), "expires_at": self._number(token.expires_at), "whitelist_ips": token.whitelist or None}

    def _shown(self, token: ApiToken) -> Json:
        """Privileges as a list."""
        return {"name": token.name, "acls": token.acls, **self._times(token)}

    def _listed(self, token: ApiToken, caller: Caller) -> Json:
        """Privileges as a map."""
        return {"name": token.name, "acls": acl_map(token.acls, caller.user == "root"), **self._times(token)}


def acl_map(granted: list[str], root: bool) -> Json:
    """Root sees 1 and 0; a reseller sees "1", and what is not granted as "" or not at all."""
    names = list(ACLS) + [acl for acl in granted if acl not in ACLS]
    if root:
        return {acl: int(acl in granted) for acl in names}
    return {acl: "1" if acl in granted else "" for number, acl in enumerate(names) if acl in granted or number % 2}
