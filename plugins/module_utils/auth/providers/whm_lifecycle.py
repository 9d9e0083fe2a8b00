# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done with WHM's API tokens: list, create, update, revoke, mint and sweep, and the guards before. Private to this collection."""

from __future__ import annotations

import secrets
import time
import typing as t
from dataclasses import dataclass, field, replace
from functools import lru_cache

from .. import errors
from ..errors import CONFIGURATION, AuthError
from ..option import Option, Options
from ..token import Token
from .whm import Whm
from .whm_tokens import (
    INFO_OPTIONS,
    LONGEST_NAME,
    NAME,
    TOKEN_OPTIONS,
    ApiToken,
    Step,
    Wanted,
    checked_acls,
    checked_whitelist,
    exclusive,
    granted,
    is_system,
    narrows,
    planned,
    same_privileges,
    state_params,
    wanted_of,
)

if t.TYPE_CHECKING:
    from ..call import Call, Outcome
    from ..client import Client

# How often a task looks again when somebody else changed what it was about to change.
ROUNDS = 3
# What WHM may answer when there is nothing of that name, or something already.
MAY_BE_A_RACE = (errors.INVALID_REQUEST, errors.NOT_FOUND, errors.FORBIDDEN)
# After these nobody knows what came of a request.
UNCERTAIN = (errors.NETWORK, errors.PROTOCOL, errors.SERVER)


@dataclass
class Door:
    """One account's tokens at one server. `run` makes a call, `own` is the token that authenticates (none: a password does),
    `clock` is the server's time in epoch seconds as far as it is known.
    """

    run: t.Callable[[Call], Outcome]
    own: str = field(default="", repr=False)
    clock: t.Callable[[], float] = time.time

    def ask(self, function: str, **params: t.Any) -> t.Any:
        """The data of one function's reply."""
        return self.run(Whm().call(Options(function=function, params=params))).data

    def listed(self) -> dict[str, ApiToken]:
        """The account's tokens by name."""
        data = self.ask("api_token_list")
        entries = data.get("tokens") if isinstance(data, dict) else None
        if isinstance(entries, dict):
            found = [ApiToken.read(entry, str(name)) for name, entry in entries.items() if isinstance(entry, dict)]
        elif entries is None or isinstance(entries, list):
            # An empty object may be written as a list, or as nothing.
            found = [ApiToken.read(entry) for entry in entries or [] if isinstance(entry, dict)]
        else:
            raise AuthError(errors.PROTOCOL, "the list of tokens has an unknown form; check api_url")
        return {token.name: token for token in found}

    def privileges(self) -> frozenset[str]:
        """What the caller may do."""
        data = self.ask("myprivs")
        rows = data.get("privileges") if isinstance(data, dict) else None
        return granted(rows[0] if isinstance(rows, list) and rows else rows)

    def create(self, token: ApiToken, all_privileges: bool) -> tuple[ApiToken, str]:
        """A new token and its secret."""
        data = self.ask("api_token_create", token_name=token.name, **state_params(token, all_privileges, clear=False))
        secret = data.get("token") if isinstance(data, dict) else None
        if not secret:
            raise AuthError(errors.PROTOCOL, "the reply holds no secret; check api_url, and any proxy on the way")
        return ApiToken.read(data, token.name), str(secret)

    def update(self, before: ApiToken, after: ApiToken, all_privileges: bool) -> ApiToken:
        """The token, changed: always with its complete state, for WHM resets what is not sent."""
        rename = {"new_name": after.name} if after.name != before.name else {}
        data = self.ask("api_token_update", token_name=before.name, **rename, **state_params(after, all_privileges, clear=True))
        return ApiToken.read(data, after.name) if isinstance(data, dict) and "acls" in data else after

    def revoke(self, names: t.Sequence[str]) -> None:
        """Take tokens back; one that is gone already is as good."""
        try:
            self.ask("api_token_revoke", token_name=list(names))
        except AuthError as failure:
            if failure.kind not in MAY_BE_A_RACE:
                raise
            there = self.listed()
            left = [name for name in names if name in there]
            if len(left) == len(names):
                raise
            if left:
                self.ask("api_token_revoke", token_name=left)

    def own_names(self, tokens: t.Mapping[str, ApiToken]) -> tuple[frozenset[str], bool]:
        """Which of the tokens authenticates this task: all that it may be, and whether that is certain.

        WHM tells since version 98. Before, a token with other privileges than the caller's cannot be it.
        """
        if not self.own:
            return frozenset(), True
        live = frozenset(name for name, token in tokens.items() if not token.expired(self.clock()))
        try:
            data = self.ask("api_token_get_details", token=self.own)
            if isinstance(data, dict) and data.get("name") in tokens:
                return frozenset({str(data["name"])}), True
        except AuthError as failure:
            if failure.kind not in MAY_BE_A_RACE:
                raise
        if len(live) == 1:
            return live, True
        try:
            mine = self.privileges()
        except AuthError as failure:
            if failure.kind not in MAY_BE_A_RACE:
                raise
            return live, False
        return frozenset(name for name in live if same_privileges(tokens[name].acls, mine)) or live, False

    def guard(self, names: t.Collection[str], tokens: t.Mapping[str, ApiToken], what: str, force: bool, *, own: bool = True) -> None:
        """Refuse to touch a system's token, or (`own`) the one in use, unless that is forced."""
        if force or not names:
            return
        for name in sorted(names):
            if is_system(name):
                raise AuthError(CONFIGURATION, f"{name} is a token that WHM or another server made for itself; set force if you want it {what} nevertheless")
        if not own:
            return
        possible, certain = self.own_names(tokens)
        for name in sorted(possible & set(names)):
            if certain:
                raise AuthError(CONFIGURATION, f"{name} is the token that this task authenticates with; set force if you want it {what}, or use another token")
            raise AuthError(
                CONFIGURATION,
                f"{name} may be the token that this task authenticates with, which this server cannot tell (WHM can since version 98); "
                f"set force if you want it {what}, or use the password",
            )


def door_of(options: Options, client: Client) -> Door:
    """For a caller that needs nothing but the client, and locates errors itself."""
    provider = Whm()

    def run(call: Call) -> Outcome:
        return provider.read(call, client.send(provider.request(options, call, options.get("token") or "")))

    return Door(run, options.get("token") or "", server_clock(client))


def server_clock(client: Client) -> t.Callable[[], float]:
    return lambda: time.time() + (client.clock_offset or 0.0)


# -- short-lived tokens ----------------------------------------------------------------------------------------------

# `<prefix>-<stamp>-<random>`: what the lookup makes. It sweeps whatever begins with `<prefix>-`.
STAMP, RANDOM_BYTES = "%Y%m%d%H%M%S", 4
LONGEST_PREFIX = LONGEST_NAME - len("-20300131120000-") - 2 * RANDOM_BYTES
# By how much the life of a new token may differ from what was asked for before it is corrected, in seconds.
LIFE_TOLERANCE = 30
# Nobody waits long for the sweep, in seconds: all who need the new token wait for it.
SWEEP_TIMEOUT = 5.0


def minted(options: Options, client: Client, now: float) -> Token:
    """A new token of the lookup. `now` is the server's time as far as it is known. Raises a configuration error before anything is sent."""
    prefix, ttl, everything = str(options["name_prefix"]), int(options["ttl"]), exclusive(options)
    if not NAME.fullmatch(prefix) or len(prefix) > LONGEST_PREFIX or is_system(f"{prefix}-1"):
        raise AuthError(
            CONFIGURATION,
            f"name_prefix must be 1 to {LONGEST_PREFIX} letters, digits, dashes and underscores, and not begin as the tokens of a system do; correct it",
        )
    if ttl < 1:
        raise AuthError(CONFIGURATION, "ttl must be a second or more, for a token of 0 seconds would never end; correct it")
    name = f"{prefix}-{time.strftime(STAMP, time.gmtime(now))}-{secrets.token_hex(RANDOM_BYTES)}"
    acls, addresses = checked_acls(options.get("acls")), checked_whitelist(options.get("whitelist_ips"))
    wanted = ApiToken(name, acls or frozenset(), None, int(now) + ttl, addresses or ())
    door = door_of(options, client)
    made, secret = door.create(wanted, everything)
    life = _corrected(door, wanted, made, everything, ttl)
    swept(door, client, prefix)
    return Token(secret, life, extra={"name": name})


def _corrected(door: Door, wanted: ApiToken, made: ApiToken, everything: bool, ttl: int) -> float:
    """How long the new token lives, in seconds, once its end is counted by the server's own clock."""
    if made.create_time is None or made.expires_at is None:
        return float(ttl)
    life = made.expires_at - made.create_time
    if abs(life - ttl) <= LIFE_TOLERANCE:
        return float(life)
    try:
        door.update(made, replace(wanted, expires_at=made.create_time + ttl), everything)
    except AuthError:
        if life <= LIFE_TOLERANCE:
            raise
        return float(life)
    return float(ttl)


def swept(door: Door, client: Client, prefix: str) -> None:
    """Revoke tokens of this prefix that have expired, but none that a system made for itself. Never raises: the new token is there already."""
    client.retries, client.timeout = 0, min(client.timeout, SWEEP_TIMEOUT)
    try:
        tokens, now = door.listed(), door.clock()
        dead = sorted(name for name, token in tokens.items() if name.startswith(f"{prefix}-") and token.expired(now) and not is_system(name))
        if dead:
            door.revoke(dead)
    except Exception:
        # The next one that mints sweeps again.
        return


# -- what the modules do ---------------------------------------------------------------------------------------------


def manage(door: Door, wanted: Wanted, check_mode: bool) -> dict[str, t.Any]:
    """The whole of `whm_api_token`."""
    return _absent(door, wanted, check_mode) if wanted.state == "absent" else _present(door, wanted, check_mode)


def _absent(door: Door, wanted: Wanted, check_mode: bool) -> dict[str, t.Any]:
    if not wanted.names and not wanted.expired:
        return {"changed": False, "revoked": []}
    tokens, now = door.listed(), door.clock()
    if wanted.expired:
        # What a system made for itself is not swept away with the rest.
        chosen = sorted(name for name, token in tokens.items() if token.expired(now) and (wanted.force or not is_system(name)))
    else:
        chosen = [name for name in wanted.names if name in tokens]
        door.guard(chosen, tokens, "revoked", wanted.force)
    if chosen and not check_mode:
        door.revoke(chosen)
    diff = {"before": {name: tokens[name].compared() for name in chosen}, "after": {}}
    return {"changed": bool(chosen), "revoked": chosen, "diff": diff}


def _present(door: Door, wanted: Wanted, check_mode: bool) -> dict[str, t.Any]:
    refusals: list[tuple[AuthError, Step]] = []
    for _round in range(ROUNDS):
        tokens, now = door.listed(), door.clock()
        step = planned(tokens, wanted, now, lru_cache(maxsize=1)(door.privileges))
        if refusals and _same(step, refusals[-1][1]):
            # Nobody interfered, so the refusal is about what is asked.
            raise refusals[-1][0]
        _guard(door, tokens, step, wanted)
        if check_mode or step.kind == "none":
            return _result(step, step.after, now)
        try:
            return _taken(door, step, wanted.all_privileges)
        except AuthError as failure:
            if failure.kind not in MAY_BE_A_RACE:
                raise
            refusals.append((failure, step))
    raise refusals[-1][0]


def _same(one: Step, other: Step) -> bool:
    return one.before == other.before and one.after.name == other.after.name


def _guard(door: Door, tokens: t.Mapping[str, ApiToken], step: Step, wanted: Wanted) -> None:
    if step.kind == "update" and step.before is not None:
        door.guard([step.before.name], tokens, "changed", wanted.force, own=narrows(step.before, step.after))


def _taken(door: Door, step: Step, all_privileges: bool) -> dict[str, t.Any]:
    if step.before is not None:
        after = door.update(step.before, step.after, all_privileges)
        return _result(step, after, door.clock(), all_privileges)
    try:
        after, secret = door.create(step.after, all_privileges)
    except AuthError as failure:
        if failure.sent and failure.kind in UNCERTAIN:
            failure.text += f"; {step.after.name} may have been created nevertheless, and its secret would be lost, so revoke it before you try again"
        raise
    return {**_result(step, after, door.clock(), all_privileges), "token": secret}


def _result(step: Step, after: ApiToken, now: float, all_privileges: bool = True) -> dict[str, t.Any]:
    result: dict[str, t.Any] = {"changed": step.kind != "none", "api_token": after.shown(now)}
    if result["changed"]:
        result["diff"] = {"before": step.before.compared() if step.before else {}, "after": after.compared()}
    warnings = []
    if not all_privileges and not same_privileges(after.acls, step.after.acls):
        missing = ", ".join(sorted(step.after.acls ^ after.acls))
        warnings.append(f"WHM did not give {after.name} the privileges that were asked for; it differs in {missing}")
    if result["changed"] and after.expired(now):
        warnings.append(f"{after.name} has expired already; correct expires_at")
    return {**result, "warnings": warnings} if warnings else result


def show(door: Door, names: t.Sequence[str] | None, check_mode: bool) -> dict[str, t.Any]:
    """The whole of `whm_api_token_info`."""
    tokens, now = door.listed(), door.clock()
    chosen = sorted(name for name in tokens if names is None or name in names)
    possible, certain = door.own_names(tokens) if chosen else (frozenset(), True)
    in_use = {name: (certain or None) if name in possible else False for name in chosen}
    return {"changed": False, "api_tokens": [{**tokens[name].shown(now), "in_use": in_use[name]} for name in chosen]}


class Work(t.NamedTuple):
    """A module for tokens: its own options, what they mean (checked without any network), what is done, and whether that may create a secret."""

    module: str
    options: tuple[Option, ...]
    wanted: t.Callable[[Options], t.Any]
    done: t.Callable[[Door, t.Any, bool], dict[str, t.Any]]
    creates: t.Callable[[t.Any], bool]


MANAGE = Work("whm_api_token", TOKEN_OPTIONS, wanted_of, manage, lambda wanted: wanted.may_create)
SHOW = Work(
    "whm_api_token_info",
    INFO_OPTIONS,
    lambda options: None if options.get("names") is None else [str(name) for name in options["names"]],
    show,
    lambda wanted: False,
)
