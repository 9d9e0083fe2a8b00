# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WHM's API tokens as data: how they are read, what is wanted of them, how both compare. Nothing in here sends anything.

Sources: api.docs.cpanel.net (WHM API 1, API tokens) and what public clients have seen of live servers. Private to this collection.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from ..errors import CONFIGURATION, FORBIDDEN, INVALID_REQUEST, NOT_FOUND, AuthError
from ..option import Option, Options

# What whm_api_token takes beside the options of the connection.
TOKEN_OPTIONS: tuple[Option, ...] = (
    Option("name"),
    Option("names", "list", elements="str"),
    Option("state", default="present", choices=("present", "absent")),
    Option("acls", "list", elements="str"),
    Option("all_privileges", "bool", default=False),
    Option("expires_at"),
    Option("whitelist_ips", "list", elements="str"),
    Option("new_name"),
    Option("expired", "bool", default=False),
    Option("force", "bool", default=False),
)
INFO_OPTIONS: tuple[Option, ...] = (Option("names", "list", elements="str"),)

LONGEST_NAME = 50
NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_NAME}}}")
ACL = re.compile(r"[A-Za-z0-9_.:-]+")
SYSTEM = re.compile(r"reverse_trust_.*|.*-trust|transfer-.*|WebPros_Dashboard|WP-Dashboard")
ALL = "all"
NO_ACLS = "acls is empty, for which WHM would grant everything; name at least one privilege"
# Epoch seconds outside of these are milliseconds, or a duration without its plus sign.
EARLIEST, LATEST = 1_000_000_000, 32_503_680_000
EXPIRIES = "epoch seconds, a time such as 2030-01-31T12:00:00Z, a duration such as +30d, or never"
# None of them takes more characters.
LONGEST_EXPIRY = 60
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d+)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ApiToken:
    """A token as WHM lists it, in one form whatever function told. Times are in epoch seconds, no `expires_at`: it never ends."""

    name: str
    acls: frozenset[str] = frozenset()
    create_time: int | None = None
    expires_at: int | None = None
    whitelist: tuple[str, ...] = ()

    @classmethod
    def read(cls, entry: t.Mapping[str, t.Any], name: str = "") -> ApiToken:
        addresses = entry.get("whitelist_ips")
        return cls(
            str(entry.get("name") or name),
            granted(entry.get("acls")),
            moment(entry.get("create_time")),
            moment(entry.get("expires_at")),
            tuple(dict.fromkeys(spelled(str(one)) for one in addresses)) if isinstance(addresses, list) else (),
        )

    def expired(self, now: float) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def shown(self, now: float) -> dict[str, t.Any]:
        """As a task's result has it."""
        return {
            "name": self.name,
            "acls": sorted(self.acls),
            "create_time": self.create_time,
            "expires_at": self.expires_at,
            "expired": self.expired(now),
            "whitelist_ips": list(self.whitelist),
        }

    def compared(self) -> dict[str, t.Any]:
        """What of it a task can change, for a diff."""
        return {"name": self.name, "acls": sorted(self.acls), "expires_at": self.expires_at or "never", "whitelist_ips": sorted(self.whitelist)}


def granted(acls: t.Any) -> frozenset[str]:
    """The privileges in any of WHM's forms: a list, or a map whose flags are 1, "1", true, or 0, "0", "", null."""
    if isinstance(acls, t.Mapping):
        return frozenset(str(name) for name, flag in acls.items() if str(flag).strip().lower() in ("1", "true"))
    return frozenset(map(str, acls)) if isinstance(acls, list) else frozenset()


def moment(value: t.Any) -> int | None:
    """Epoch seconds that WHM writes as a number or as text; 0, "" and null are `None`."""
    try:
        return int(float(value)) or None
    except (TypeError, ValueError, OverflowError):
        return None


def network(text: str) -> str:
    """The one spelling of an address or a network, host bits cut off. Raises `ValueError`."""
    found = ipaddress.ip_network(text.strip(), strict=False)
    return str(found.network_address if found.prefixlen == found.max_prefixlen else found)


def spelled(text: str) -> str:
    """As `network`, but whatever a server wrote is taken as it is."""
    try:
        return network(text)
    except ValueError:
        return text.strip()


def same_privileges(one: frozenset[str], other: frozenset[str]) -> bool:
    """`all` holds every other privilege, listed or not."""
    return ALL in one if ALL in other else one == other


def is_system(name: str) -> bool:
    """Whether WHM, or another server, made the token for itself."""
    return SYSTEM.fullmatch(name) is not None


def narrows(before: ApiToken, after: ApiToken) -> bool:
    """Whether the token could do less afterwards: fewer privileges, an earlier end, fewer addresses."""
    fewer = ALL not in after.acls and bool(before.acls - after.acls)
    sooner = after.expires_at is not None and (before.expires_at is None or after.expires_at < before.expires_at)
    return fewer or sooner or (bool(after.whitelist) and not _covered(before.whitelist, after.whitelist))


def _covered(inner: t.Sequence[str], outer: t.Sequence[str]) -> bool:
    """Whether every address of `inner` (none: any) is one of `outer`."""
    try:
        nets = [ipaddress.ip_network(one) for one in outer]
        mine = [ipaddress.ip_network(one) for one in inner]
    except ValueError:
        return set(inner) <= set(outer) and bool(inner)
    # Not subnet_of: it takes no mixture of versions.
    return bool(mine) and all(any(one.version == net.version and int(net[0]) <= int(one[0]) and int(one[-1]) <= int(net[-1]) for net in nets) for one in mine)


# -- what is wanted --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Expiry:
    """When a token shall end: `at` in epoch seconds (0: never), or `after` so many seconds."""

    at: int = 0
    after: int = 0

    @classmethod
    def parse(cls, text: str) -> Expiry:
        """From epoch seconds, ISO 8601 (UTC where it names no offset), `+30d` and the like, or `never`. Raises a configuration error."""
        text = text.strip()
        if text.lower() in ("never", "0"):
            return cls()
        if len(text) > LONGEST_EXPIRY:
            raise _bad_expiry("must be " + EXPIRIES)
        if re.fullmatch(r"\+(\d+[smhdw]?)+", text.lower()):
            after = sum(int(count) * UNITS[unit] for count, unit in re.findall(r"(\d+)([smhdw]?)", text.lower()))
            if not 0 < after < LATEST - EARLIEST:
                raise _bad_expiry("must end after now, and before the year 3000")
            return cls(after=after)
        at = int(float(text)) if re.fullmatch(r"\d{9,}(\.\d+)?|\d{1,7}(\.\d+)?", text) else _iso(text)
        if at is None:
            raise _bad_expiry("must be " + EXPIRIES)
        if not EARLIEST <= at <= LATEST:
            raise _bad_expiry("is before 2001 or after 2999; give epoch seconds, not milliseconds, and a duration with its plus sign, such as +3600s")
        return cls(at=at)

    def moment(self, now: float) -> int | None:
        """Epoch seconds, `None` for never."""
        return int(now) + self.after if self.after else self.at or None

    def met(self, present: int | None, now: float) -> bool:
        """Whether a token that ends then needs no change.

        A duration is met while the rest of the token's life is about that long: a tenth of it more or less, and at least
        a minute (but no more than half of it), so that a task does not change the token every time it runs.
        """
        if not self.after:
            return present == self.moment(now)
        tolerance = min(max(60.0, self.after / 10), self.after / 2)
        return present is not None and abs(present - now - self.after) <= tolerance


def _bad_expiry(why: str) -> AuthError:
    return AuthError(CONFIGURATION, f"expires_at {why}")


def _iso(text: str) -> int | None:
    found = ISO.fullmatch(text)
    if not found:
        return None
    try:
        parts = [int(part or 0) for part in found.groups()[:6]]
        zone = (found.group(7) or "Z").upper().replace(":", "")
        offset = timedelta() if zone == "Z" else timedelta(hours=int(zone[1:3]), minutes=int(zone[3:] or 0)) * (-1 if zone[0] == "-" else 1)
        when = datetime(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], tzinfo=timezone.utc) - offset
        return int(when.timestamp())
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True)
class Wanted:
    """What a task wants. `None` for `acls`, `expiry` and `whitelist`: as they are."""

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
    def name(self) -> str:
        """What the token is called in the end."""
        return self.new_name or self.names[0]

    @property
    def may_create(self) -> bool:
        return self.state == "present" and (self.acls is not None or self.all_privileges)


def wanted_of(options: Options) -> Wanted:
    """The options of a task, checked without any network. Raises a configuration error."""
    state, expired = options["state"], options["expired"]
    names = options.get("names")
    given = [name for name, there in (("name", options.get("name")), ("names", names is not None), ("expired", expired)) if there]
    if state == "present" and (expired or names is not None):
        raise AuthError(CONFIGURATION, f"{given[-1]} goes with state absent only; give name")
    if len(given) != 1:
        which = "give name" if state == "present" else "give one of name, names and expired"
        raise AuthError(CONFIGURATION, f"missing name; {which}" if not given else f"{' and '.join(given)} exclude each other; {which}")
    new_name = options.get("new_name") or ""
    if new_name and state == "absent":
        raise AuthError(CONFIGURATION, "new_name goes with state present only; leave one of them out")
    return Wanted(
        state,
        tuple(dict.fromkeys(checked_name("names", str(one)) for one in names))
        if names is not None
        else (checked_name("name", options["name"]),)
        if options.get("name")
        else (),
        checked_acls(options.get("acls")),
        exclusive(options),
        Expiry.parse(options["expires_at"]) if options.get("expires_at") else None,
        checked_whitelist(options.get("whitelist_ips")),
        checked_name("new_name", new_name) if new_name else "",
        expired,
        options["force"],
    )


def exclusive(options: Options) -> bool:
    """`all_privileges`, which leaves no room for `acls`."""
    if options.get("all_privileges") and options.get("acls") is not None:
        raise AuthError(CONFIGURATION, "acls and all_privileges exclude each other; give one")
    return bool(options.get("all_privileges"))


def checked_name(option: str, name: str) -> str:
    if not NAME.fullmatch(name):
        raise AuthError(CONFIGURATION, f"{option} must be 1 to {LONGEST_NAME} letters, digits, dashes and underscores; correct {name[: 2 * LONGEST_NAME]!r}")
    return name


def checked_acls(acls: t.Sequence[t.Any] | None) -> frozenset[str] | None:
    if acls is None:
        return None
    found = frozenset(str(one).strip() for one in acls)
    if not found:
        raise AuthError(CONFIGURATION, NO_ACLS)
    if not all(ACL.fullmatch(one) for one in found):
        raise AuthError(CONFIGURATION, "acls must be names of privileges, such as list-accts; correct the list")
    return found


def checked_whitelist(addresses: t.Sequence[t.Any] | None) -> tuple[str, ...] | None:
    if addresses is None:
        return None
    # WHM's own word for no limit.
    if [str(one).lower() for one in addresses] == ["any"]:
        return ()
    try:
        return tuple(dict.fromkeys(network(str(one)) for one in addresses))
    except ValueError:
        raise AuthError(CONFIGURATION, "whitelist_ips must be IPv4 or IPv6 addresses or networks, such as 192.0.2.0/24; correct the list") from None


# -- what is to be done ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """The one step to what is wanted: from `before` (`None`: create it) to `after`; nothing to do where they are the same."""

    before: ApiToken | None
    after: ApiToken

    @property
    def kind(self) -> str:
        if self.before is None:
            return "create"
        return "none" if self.before == self.after else "update"


def planned(tokens: t.Mapping[str, ApiToken], wanted: Wanted, now: float, mine: t.Callable[[], frozenset[str]]) -> Step:
    """What brings the tokens to what is wanted. `mine` tells what the caller may do. Raises a configuration error where it cannot be told."""
    name = wanted.names[0]
    present = tokens.get(name)
    if wanted.new_name and wanted.new_name != name and wanted.new_name in tokens:
        if present is not None:
            raise AuthError(
                CONFIGURATION, f"{name} cannot be renamed, for there is a token {wanted.new_name} already; revoke one of them, or choose another new_name"
            )
        # Renamed before.
        present = tokens[wanted.new_name]
    if present is None and not wanted.may_create:
        why = "and without acls WHM would create it with every privilege of the account; give acls, or all_privileges if that is what you want"
        raise AuthError(CONFIGURATION, f"there is no token {name}, {why}")
    base = present or ApiToken(wanted.name)
    after = replace(
        base,
        name=wanted.name,
        acls=_acls(base, wanted, mine),
        expires_at=_expires(present, wanted, now),
        whitelist=_whitelist(base, wanted),
    )
    if not after.acls and not wanted.all_privileges:
        raise AuthError(CONFIGURATION, f"WHM lists no privilege of {name}, and would grant it every one with this change; give acls")
    return Step(present, after)


def _acls(base: ApiToken, wanted: Wanted, mine: t.Callable[[], frozenset[str]]) -> frozenset[str]:
    if wanted.all_privileges:
        try:
            return base.acls if ALL in base.acls or mine() <= base.acls else mine()
        except AuthError as failure:
            if failure.kind not in (FORBIDDEN, NOT_FOUND, INVALID_REQUEST):
                raise
            # A server that does not tell what the caller may do can still give it all of that.
            return frozenset({ALL})
    if wanted.acls is None or same_privileges(base.acls, wanted.acls):
        return base.acls
    return wanted.acls


def _expires(present: ApiToken | None, wanted: Wanted, now: float) -> int | None:
    if present is not None and (wanted.expiry is None or wanted.expiry.met(present.expires_at, now)):
        return present.expires_at
    return wanted.expiry.moment(now) if wanted.expiry else None


def _whitelist(base: ApiToken, wanted: Wanted) -> tuple[str, ...]:
    if wanted.whitelist is None or set(wanted.whitelist) == set(base.whitelist):
        return base.whitelist
    return wanted.whitelist


def state_params(token: ApiToken, all_privileges: bool, *, clear: bool) -> dict[str, t.Any]:
    """The whole state of a token as parameters: what is left out of an update is not kept. `clear`: an empty list of addresses must be said."""
    params: dict[str, t.Any] = {"expires_at": token.expires_at or 0}
    if not all_privileges:
        params["acl"] = sorted(token.acls)
    if token.whitelist or clear:
        params["whitelist_ip"] = list(token.whitelist) or ["any"]
    return params
