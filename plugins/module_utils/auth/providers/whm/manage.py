# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules `whm_api_token` and `whm_api_token_info` do."""

from __future__ import annotations

import typing as t
from functools import lru_cache

from ... import errors
from ...errors import ApiError
from ...options import Option
from .privileges import likely_slips, same_privileges
from .token_api import MAY_BE_A_RACE, TokenApi
from .tokens import INFO_OPTIONS, TOKEN_OPTIONS, ApiToken, Change, TokenRequest, is_narrowed, is_system_name, parse_request, plan_change

if t.TYPE_CHECKING:
    from ...destination import Destination

# How often a task looks again if somebody else changed what it was about to change.
ROUNDS = 3
# After these nobody knows what became of a request.
UNCERTAIN = (errors.NETWORK, errors.PROTOCOL, errors.SERVER)
# By how many seconds an expiry may differ from the requested one: the server's clock counts.
EXPIRY_TOLERANCE = 60

Result = t.Dict[str, t.Any]


class TokenModule(t.NamedTuple):
    """One module for tokens: its options, what they ask for (checked before anything is sent), what it does, and whether that may create a secret."""

    name: str
    options: tuple[Option, ...]
    parse: t.Callable[[t.Mapping[str, t.Any]], t.Any]
    run: t.Callable[[TokenApi, t.Any, bool, Destination | None], Result]
    may_create: t.Callable[[t.Any], bool]


def manage_tokens(api: TokenApi, request: TokenRequest, check_mode: bool, destination: Destination | None) -> Result:
    """Do all that `whm_api_token` does; return its result, with `token` if one was created and its secret is not in a file."""
    if request.state == "absent":
        return _revoke(api, request, check_mode)
    return _create_or_update(api, request, check_mode, destination)


def _revoke(api: TokenApi, request: TokenRequest, check_mode: bool) -> Result:
    if not request.names and not request.expired:
        return {"changed": False, "revoked": []}
    tokens, now = api.list_tokens(), api.clock()
    if request.expired:
        # What a system created for itself is not swept away with the rest.
        chosen = sorted(name for name, token in tokens.items() if token.is_expired(now) and (request.force or not is_system_name(name)))
    else:
        chosen = [name for name in request.names if name in tokens]
        api.guard(chosen, tokens, "revoked", request.force)
    if chosen and not check_mode:
        api.revoke(chosen)
    diff = {"before": {name: tokens[name].as_diff() for name in chosen}, "after": {}}
    return {"changed": bool(chosen), "revoked": chosen, "diff": diff}


def _create_or_update(api: TokenApi, request: TokenRequest, check_mode: bool, destination: Destination | None) -> Result:
    refusals: list[tuple[ApiError, Change]] = []
    own_privileges = lru_cache(maxsize=1)(api.own_privileges)
    for _round in range(ROUNDS):
        tokens, now = api.list_tokens(), api.clock()
        change = plan_change(tokens, request, now, lambda: own_privileges().granted)
        if refusals and _is_same(change, refusals[-1][1]):
            # Nobody interfered, so the refusal is about what was asked for.
            raise refusals[-1][0]
        if change.kind == "update" and change.before is not None:
            api.guard([change.before.name], tokens, "changed", request.force, own=is_narrowed(change.before, change.after))
        warnings = _check_privileges(change, request, own_privileges)
        if check_mode or change.kind == "none":
            return _result(change, change.after, now, warnings)
        if change.kind == "create" and destination is not None:
            # Before the secret exists: it is shown once, and would be lost.
            destination.prepare()
        try:
            return _carry_out(api, change, request.all_privileges, warnings, destination)
        except ApiError as error:
            if error.kind not in MAY_BE_A_RACE:
                raise
            refusals.append((error, change))
    raise refusals[-1][0]


def _is_same(first: Change, second: Change) -> bool:
    return first.before == second.before and first.after.name == second.after.name


def _check_privileges(change: Change, request: TokenRequest, own_privileges: t.Callable[[], t.Any]) -> list[str]:
    """Raise if the account cannot grant a privilege that the token does not have yet; return warnings if the server does not say."""
    added = change.after.acls - (change.before.acls if change.before else frozenset())
    if request.all_privileges or not added:
        return []
    try:
        unknown = own_privileges().check(added)
    except ApiError as error:
        # The token is good, because it has just listed all tokens: that it may not use myprivs can be answered with 403 too.
        if error.kind not in (*MAY_BE_A_RACE, errors.SERVER, errors.PROTOCOL, errors.CREDENTIALS, errors.FORBIDDEN):
            raise
        unchecked = f"the server does not say which privileges {change.after.name} may be given, so their names were not checked"
        return ["; ".join((unchecked, *likely_slips(added)))]
    return [f"the server does not say whether there are privileges {', '.join(unknown)}"] if unknown else []


def _carry_out(api: TokenApi, change: Change, all_privileges: bool, warnings: list[str], destination: Destination | None) -> Result:
    if change.before is not None:
        after = api.update(change.before, change.after, all_privileges)
        return _result(change, after, api.clock(), warnings + _ignored(change, after, all_privileges))
    try:
        after, secret = api.create(change.after, all_privileges)
    except ApiError as error:
        if error.sent and error.kind in UNCERTAIN:
            problem = f"{error.problem}; {change.after.name} may have been created all the same, and its secret would be lost"
            raise error.replace(problem=problem, hint="revoke it before you try again", changed=True) from None
        raise
    result = _result(change, after, api.clock(), warnings + _ignored(change, after, all_privileges))
    if destination is None:
        return {**result, "token": secret}
    try:
        # The result may be shown, because the secret is in a file.
        return {**result, "dest": destination.write(secret.encode())}
    except ApiError as error:
        raise _withdrawn(api, after.name, error) from None


def _withdrawn(api: TokenApi, name: str, error: ApiError) -> ApiError:
    """Revoke a new token whose secret could not be written and is lost; return the error that says so."""
    try:
        api.revoke([name])
    except ApiError as failure:
        problem = f"{error.problem}; the new token {name} has lost its secret and could not be revoked ({failure.problem})"
        return error.replace(problem=problem, hint="revoke it, and choose another place", changed=True)
    return error.replace(problem=f"{error.problem}; the new token {name} was revoked, because its secret would be lost", changed=False)


def _ignored(change: Change, after: ApiToken, all_privileges: bool) -> list[str]:
    """Return a warning for each part of a request that WHM did not carry out: older servers ignore parameters that they do not know."""
    asked, name, warnings = change.after, after.name, []
    if not all_privileges and not same_privileges(after.acls, asked.acls):
        warnings.append(f"WHM did not give {name} the privileges that were asked for; it differs in {', '.join(sorted(asked.acls ^ after.acls))}")
    if not _is_close(asked.expires_at, after.expires_at):
        warnings.append(f"WHM did not carry out expires_at for {name}: it {'expires at another time' if after.expires_at else 'never expires'}")
    if set(asked.whitelist) != set(after.whitelist):
        state = "other addresses may use it" if after.whitelist else "any address may use it"
        warnings.append(f"WHM did not carry out whitelist_ips for {name}: {state}")
    return warnings


def _is_close(asked: int | None, actual: int | None) -> bool:
    if asked is None or actual is None:
        return asked is actual
    return abs(asked - actual) <= EXPIRY_TOLERANCE


def _result(change: Change, after: ApiToken, now: float, warnings: list[str]) -> Result:
    result: Result = {"changed": change.kind != "none", "api_token": after.as_result(now)}
    if result["changed"]:
        result["diff"] = {"before": change.before.as_diff() if change.before else {}, "after": after.as_diff()}
    return {**result, "warnings": warnings} if warnings else result


def list_tokens(api: TokenApi, names: t.Sequence[str] | None, check_mode: bool, destination: Destination | None = None) -> Result:
    """Do all that `whm_api_token_info` does. `in_use` is `None` if the server cannot say."""
    tokens, now = api.list_tokens(), api.clock()
    chosen = sorted(name for name in tokens if names is None or name in names)
    possible, certain = api.own_names(tokens) if chosen else (frozenset(), True)
    in_use = {name: (certain or None) if name in possible else False for name in chosen}
    return {"changed": False, "api_tokens": [{**tokens[name].as_result(now), "in_use": in_use[name]} for name in chosen]}


def _parse_names(values: t.Mapping[str, t.Any]) -> list[str] | None:
    return None if values.get("names") is None else [str(name) for name in values["names"]]


MANAGE = TokenModule("whm_api_token", TOKEN_OPTIONS, parse_request, manage_tokens, lambda request: request.may_create)
INFO = TokenModule("whm_api_token_info", INFO_OPTIONS, _parse_names, list_tokens, lambda names: False)
