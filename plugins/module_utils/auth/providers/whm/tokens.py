# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WHM's API tokens as data: how they are read, what a task asks for, and what brings the one to the other. Nothing in here sends anything.

Sources: https://api.docs.cpanel.net/whm/tokens and what public clients have seen on live servers.
"""

from __future__ import annotations

import ipaddress
import re
import time
import typing as t

from ...errors import FORBIDDEN, INVALID_REQUEST, NOT_FOUND, ApiError, configuration_error
from ...options import Option
from .expiry import Expiry
from .privileges import ALL, check_acls, granted, same_privileges

# What whm_api_token takes beside the options of the connection.
TOKEN_OPTIONS: tuple[Option, ...] = (
    Option("name"),
    Option("names", "list", elements="str"),
    Option("state", default="present", choices=("present", "updated", "absent")),
    Option("acls", "list", elements="str"),
    Option("all_privileges", "bool", default=False),
    Option("expires_at"),
    Option("whitelist_ips", "list", elements="str"),
    Option("new_name"),
    Option("expired", "bool", default=False),
    Option("force", "bool", default=False),
    Option("dest", "path"),
    Option("mode", "raw"),
)
INFO_OPTIONS: tuple[Option, ...] = (Option("names", "list", elements="str"),)

MAX_NAME_LENGTH = 50
NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_NAME_LENGTH}}}")
SYSTEM_NAME = re.compile(r"reverse_trust_.*|.*-trust|transfer-.*|WebPros_Dashboard|WP-Dashboard")


class ApiToken(t.NamedTuple):
    """A token as WHM lists it, in one form for all functions. Times are in epoch seconds; without `expires_at` it never expires."""

    name: str
    acls: frozenset[str] = frozenset()
    create_time: int | None = None
    expires_at: int | None = None
    whitelist: tuple[str, ...] = ()

    @classmethod
    def from_reply(cls, entry: t.Mapping[str, t.Any], name: str = "") -> ApiToken:
        """Return the token that a reply describes: `{name, acls, create_time, expires_at, whitelist_ips}` in any of WHM's types."""
        addresses = entry.get("whitelist_ips")
        return cls(
            str(entry.get("name") or name),
            granted(entry.get("acls")),
            to_moment(entry.get("create_time")),
            to_moment(entry.get("expires_at")),
            tuple(dict.fromkeys(_normalize_lenient(str(address)) for address in addresses)) if isinstance(addresses, list) else (),
        )

    def is_expired(self, now: float) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def as_result(self, now: float) -> dict[str, t.Any]:
        """Return the token as a task's result shows it."""
        return {
            "name": self.name,
            "acls": sorted(self.acls),
            "create_time": self.create_time,
            "expires_at": self.expires_at,
            "expired": self.is_expired(now),
            "whitelist_ips": list(self.whitelist),
        }

    def as_diff(self) -> dict[str, t.Any]:
        """Return what of the token a task can change."""
        return {"name": self.name, "acls": sorted(self.acls), "expires_at": self.expires_at or "never", "whitelist_ips": sorted(self.whitelist)}


def to_moment(value: t.Any) -> int | None:
    """Return epoch seconds, which WHM writes as a number or as text; 0, "" and null are `None`."""
    try:
        return int(float(value)) or None
    except (TypeError, ValueError, OverflowError):
        return None


def normalize_network(text: str) -> str:
    """Return the one spelling of an address or a network, host bits cut off. Raises `ValueError`."""
    network = ipaddress.ip_network(text.strip(), strict=False)
    return str(network.network_address if network.prefixlen == network.max_prefixlen else network)


def _normalize_lenient(text: str) -> str:
    try:
        return normalize_network(text)
    except ValueError:
        return text.strip()


def is_system_name(name: str) -> bool:
    """Return whether WHM, or another server, created the token of this name for itself."""
    return SYSTEM_NAME.fullmatch(name) is not None


def is_narrowed(before: ApiToken, after: ApiToken) -> bool:
    """Return whether the token could do less afterwards: fewer privileges, an earlier expiry, fewer addresses."""
    fewer = ALL not in after.acls and bool(before.acls - after.acls)
    sooner = after.expires_at is not None and (before.expires_at is None or after.expires_at < before.expires_at)
    return fewer or sooner or (bool(after.whitelist) and not _is_covered(before.whitelist, after.whitelist))


def _is_covered(inner: t.Sequence[str], outer: t.Sequence[str]) -> bool:
    """Return whether every address of `inner` (empty: any) belongs to `outer`."""
    try:
        outer_networks = [ipaddress.ip_network(text) for text in outer]
        inner_networks = [ipaddress.ip_network(text) for text in inner]
    except ValueError:
        return set(inner) <= set(outer) and bool(inner)
    return bool(inner_networks) and all(any(_is_subnet(small, large) for large in outer_networks) for small in inner_networks)


def _is_subnet(small: t.Any, large: t.Any) -> bool:
    # Not subnet_of, which raises for a mixture of versions.
    return bool(small.version == large.version and int(large[0]) <= int(small[0]) and int(small[-1]) <= int(large[-1]))


# -- what a task asks for --------------------------------------------------------------------------------------------


class TokenRequest(t.NamedTuple):
    """What a task asks for. `None` for `acls`, `expiry` and `whitelist`: leave it as it is."""

    state: str
    names: tuple[str, ...]
    acls: frozenset[str] | None = None
    all_privileges: bool = False
    expiry: Expiry | None = None
    whitelist: tuple[str, ...] | None = None
    new_name: str = ""
    expired: bool = False
    force: bool = False

    @property
    def final_name(self) -> str:
        return self.new_name or self.names[0]

    @property
    def may_create(self) -> bool:
        return self.state == "present" and (self.acls is not None or self.all_privileges)


def parse_request(values: t.Mapping[str, t.Any]) -> TokenRequest:
    """Return what the options of a task ask for. Raises a configuration error; sends nothing."""
    state, expired, new_name = values["state"], values["expired"], values.get("new_name") or ""
    names = values.get("names")
    given = [name for name, is_given in (("name", values.get("name")), ("names", names is not None), ("expired", expired)) if is_given]
    if state != "absent" and (expired or names is not None):
        raise configuration_error(f"{given[-1]} goes with state absent only", "give name")
    if len(given) != 1:
        hint = "give one of name, names and expired" if state == "absent" else "give name"
        raise configuration_error(f"{' and '.join(given)} exclude each other" if given else "missing name", hint)
    if new_name and state == "absent":
        raise configuration_error("new_name does not go with state absent", "leave one of them out")
    if values.get("dest") and state != "present":
        raise configuration_error("dest goes with state present only", "no other state creates a secret")
    expiry = Expiry.parse(str(values["expires_at"])) if values.get("expires_at") else None
    if expiry is not None and state != "absent":
        expiry.check(time.time())
    chosen = names if names is not None else [values["name"]] if values.get("name") else []
    return TokenRequest(
        state,
        tuple(dict.fromkeys(_check_name("name" if names is None else "names", str(name)) for name in chosen)),
        check_acls(values.get("acls")),
        parse_all_privileges(values),
        expiry,
        parse_whitelist(values.get("whitelist_ips")),
        _check_name("new_name", new_name) if new_name else "",
        expired,
        values["force"],
    )


def parse_all_privileges(values: t.Mapping[str, t.Any]) -> bool:
    """Return `all_privileges`. Raises a configuration error if `acls` is given too."""
    if values.get("all_privileges") and values.get("acls") is not None:
        raise configuration_error("acls and all_privileges exclude each other", "give one")
    return bool(values.get("all_privileges"))


def _check_name(option: str, name: str) -> str:
    if not NAME.fullmatch(name):
        raise configuration_error(f"{option} must be 1 to {MAX_NAME_LENGTH} letters, digits, dashes and underscores, and not {name[:100]!r}", "correct it")
    return name


def parse_whitelist(addresses: t.Sequence[t.Any] | None) -> tuple[str, ...] | None:
    """Return the addresses and networks in one spelling; an empty tuple means any. Raises a configuration error."""
    if addresses is None:
        return None
    # WHM's own word for no limit.
    if [str(address).lower() for address in addresses] == ["any"]:
        return ()
    try:
        return tuple(dict.fromkeys(normalize_network(str(address)) for address in addresses))
    except ValueError:
        hint = "give addresses such as 192.0.2.7 or 192.0.2.0/24"
        raise configuration_error(f"whitelist_ips must be IPv4 or IPv6 addresses or networks, and not {list(addresses)!r}", hint) from None


# -- the change ------------------------------------------------------------------------------------------------------


class Change(t.NamedTuple):
    """The one step to what a task asks for: from `before` (`None`: create the token) to `after`; nothing to do if they are the same."""

    before: ApiToken | None
    after: ApiToken

    @property
    def kind(self) -> str:
        """`create`, `update` or `none`."""
        if self.before is None:
            return "create"
        return "none" if self.before == self.after else "update"


def plan_change(tokens: t.Mapping[str, ApiToken], request: TokenRequest, now: float, own_privileges: t.Callable[[], frozenset[str]]) -> Change:
    """Return what brings the tokens to what is asked for.

    :param now: the server's time in epoch seconds.
    :param own_privileges: returns what the caller may do.
    :raises ApiError: of kind `configuration` if that cannot be worked out, of kind `not_found` if there is no token to update.
    """
    name = request.names[0]
    present = tokens.get(name)
    if request.new_name and request.new_name != name and request.new_name in tokens:
        if present is not None:
            problem = f"{name} cannot be renamed, because there is a token {request.new_name} already"
            raise configuration_error(problem, "revoke one of them, or choose another new_name")
        # It has been renamed before.
        present = tokens[request.new_name]
    if present is None and request.state == "updated":
        raise ApiError(NOT_FOUND, f"there is no token {name}, and state updated creates none", "check the name, or use state present")
    if present is None and not request.may_create:
        problem = f"there is no token {name}, and without acls WHM would create it with every privilege of the account"
        raise configuration_error(problem, "give acls, or all_privileges if that is what you want")
    if request.expiry is not None:
        request.expiry.check(now)
    base = present or ApiToken(request.final_name)
    after = base._replace(
        name=request.final_name,
        acls=_next_acls(base, request, own_privileges),
        expires_at=_next_expiry(present, request, now),
        whitelist=_next_whitelist(base, request),
    )
    if not after.acls and not request.all_privileges:
        raise configuration_error(f"WHM lists no privilege of {name}, and would grant it every one with this change", "give acls")
    return Change(present, after)


def _next_acls(base: ApiToken, request: TokenRequest, own_privileges: t.Callable[[], frozenset[str]]) -> frozenset[str]:
    if request.all_privileges:
        try:
            return base.acls if ALL in base.acls or own_privileges() <= base.acls else own_privileges()
        except ApiError as error:
            if error.kind not in (FORBIDDEN, NOT_FOUND, INVALID_REQUEST):
                raise
            # A server that does not say what the caller may do can still grant all of that.
            return frozenset({ALL})
    if request.acls is None or same_privileges(base.acls, request.acls):
        return base.acls
    return request.acls


def _next_expiry(present: ApiToken | None, request: TokenRequest, now: float) -> int | None:
    if present is not None and (request.expiry is None or request.expiry.is_met_by(present.expires_at, now)):
        return present.expires_at
    return request.expiry.moment(now) if request.expiry else None


def _next_whitelist(base: ApiToken, request: TokenRequest) -> tuple[str, ...]:
    if request.whitelist is None or set(request.whitelist) == set(base.whitelist):
        return base.whitelist
    return request.whitelist


def state_params(token: ApiToken, all_privileges: bool, *, clear: bool) -> dict[str, t.Any]:
    """Return the whole state of a token as parameters, because an update resets whatever it does not name.

    :param clear: name an empty list of addresses too.
    """
    params: dict[str, t.Any] = {"expires_at": token.expires_at or 0}
    if not all_privileges:
        params["acl"] = sorted(token.acls)
    if token.whitelist or clear:
        params["whitelist_ip"] = list(token.whitelist) or ["any"]
    return params
