# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Short-lived WHM tokens: what a fleet shares is not the credential but a token that is created with it."""

from __future__ import annotations

import logging
import re
import secrets
import time
import typing as t

from ... import errors
from ...errors import ApiError, configuration_error
from ...model import Account, Revocation, Token
from ...options import Option
from .api import Whm
from .privileges import EMPTY_ACLS, KNOWN, check_acls
from .token_api import MAY_BE_A_RACE, TokenApi
from .tokens import MAX_NAME_LENGTH, NAME, ApiToken, is_system_name, parse_all_privileges, parse_whitelist

if t.TYPE_CHECKING:
    from ...http.session import HttpSession

logger = logging.getLogger("apiauth.tokens")

# A name is `<prefix>-<stamp>-<random>`. The sweep revokes whatever begins with `<prefix>-` and has expired.
STAMP, RANDOM_BYTES = "%Y%m%d%H%M%S", 4
STAMPED = re.compile(rf"-(\d{{14}})-[0-9a-f]{{{2 * RANDOM_BYTES}}}")
MAX_PREFIX_LENGTH = MAX_NAME_LENGTH - len("-20300131120000-") - 2 * RANDOM_BYTES
# By how many seconds the lifetime of a new token may differ from the requested one before it is corrected.
LIFETIME_TOLERANCE = 30
# A token of ours that never expires comes from a server that ignored its expiry; after so many seconds nobody is correcting that any more.
ENDLESS_AFTER = 600
# The sweep may take so many seconds: everybody who needs the new token waits for it.
SWEEP_TIMEOUT = 5.0


class WhmMint(Whm):
    """WHM for the lookup: a login creates a token. A token that the user gives is a credential here, as a password is."""

    options = (
        *Whm.options,
        Option("acls", "list", elements="str"),
        Option("all_privileges", "bool", default=False),
        Option("ttl", "int", default=3600),
        Option("whitelist_ips", "list", elements="str"),
        Option("name_prefix", default="apiauth"),
    )

    def identify(self) -> Account:
        values, account = self.values, super().identify()
        acls, everything = values.get("acls"), values.get("all_privileges")
        if acls is None and not everything:
            problem = "missing acls or all_privileges, without which WHM would grant every privilege"
            raise configuration_error(problem, "give one")
        if acls is not None and not acls:
            # Before the cache is asked: what must not be created must not come from there either.
            raise configuration_error(*EMPTY_ACLS)
        parse_all_privileges(values)
        # The token depends on all of these, so each combination has one of its own.
        parts = (sorted(set(map(str, acls or ()))), sorted(set(map(str, values.get("whitelist_ips") or ()))))
        kind = "privileges" if everything else "acls"
        scope = ("minted", values["name_prefix"], str(values["ttl"]), kind, *(",".join(part) for part in parts))
        return account._replace(supplied_token=None, scope=scope)

    def login(self, http: HttpSession, now: float, otp: str | None) -> Token:
        values, prefix, ttl = self.values, str(self.values["name_prefix"]), int(self.values["ttl"])
        if not NAME.fullmatch(prefix) or len(prefix) > MAX_PREFIX_LENGTH or is_system_name(f"{prefix}-1"):
            problem = f"name_prefix must be 1 to {MAX_PREFIX_LENGTH} letters, digits, dashes and underscores, and must not begin as a system's tokens do"
            raise configuration_error(problem, "correct it")
        if ttl < 1:
            raise configuration_error("ttl must be at least a second, because a token of 0 seconds would never expire", "correct it")
        name = f"{prefix}-{time.strftime(STAMP, time.gmtime(now))}-{secrets.token_hex(RANDOM_BYTES)}"
        acls, addresses = check_acls(values.get("acls")), parse_whitelist(values.get("whitelist_ips"))
        asked = ApiToken(name, acls or frozenset(), None, int(now) + ttl, addresses or ())
        api = TokenApi.over_http(self, http)
        if acls and acls - KNOWN:
            # WHM ignores names that it does not know. Those of the reference chart cost no request.
            _check_names(api, acls)
        created, secret = api.create(asked, parse_all_privileges(values))
        lifetime = _enforce_limits(api, asked, created, parse_all_privileges(values), ttl)
        _sweep(TokenApi.over_http(self, http, timeout=SWEEP_TIMEOUT, retries=0), prefix)
        return Token(secret, lifetime, extra={"name": name})


class WhmRevocation(Whm):
    """WHM for `token_cache`: revokes short-lived tokens, with a credential that may manage tokens, which they need not be permitted to do."""

    revocation = Revocation(includes_expired=True, by_name=True)

    def revoke(self, http: HttpSession, token: Token) -> bool:
        name = token.extra.get("name")
        if not name:
            return False
        TokenApi.over_http(self, http).revoke([name])
        return True


def _check_names(api: TokenApi, acls: frozenset[str]) -> None:
    """Raise a configuration error for a privilege that the account cannot grant. WHM decides if it does not say what the account has."""
    try:
        api.own_privileges().check(acls)
    except ApiError as error:
        if error.kind not in (*MAY_BE_A_RACE, errors.SERVER, errors.PROTOCOL):
            raise


def _enforce_limits(api: TokenApi, asked: ApiToken, created: ApiToken, all_privileges: bool, ttl: int) -> float:
    """Return for how many seconds the new token is valid, by the server's own clock.

    A server may have ignored the expiry or the addresses, or its clock may differ. Then the token is updated, and revoked if that does not help.
    """
    start = created.create_time or int(api.clock())
    lifetime = None if created.expires_at is None else created.expires_at - start
    limited = lifetime is not None and set(created.whitelist) == set(asked.whitelist)
    if limited and lifetime is not None and abs(lifetime - ttl) <= LIFETIME_TOLERANCE:
        return float(lifetime)
    try:
        api.update(created, asked._replace(expires_at=start + ttl), all_privileges)
        updated = created if limited else api.list_tokens().get(created.name, created)
    except ApiError:
        if limited and lifetime is not None and lifetime > LIFETIME_TOLERANCE:
            # It is not what was asked for, but it expires.
            return float(lifetime)
        api.revoke([created.name])
        raise
    if limited or (updated.expires_at is not None and set(updated.whitelist) == set(asked.whitelist)):
        return float(ttl)
    api.revoke([created.name])
    ignored = "expires_at, which ttl asks for" if updated.expires_at is None else "whitelist_ips"
    problem = f"the server ignores {ignored}, so a short-lived token cannot be created; the one that was created has been revoked"
    raise ApiError(errors.SERVER, problem, "update WHM, or give a token in its place", sent=True)


def _sweep(api: TokenApi, prefix: str) -> None:
    """Revoke tokens of this prefix that have expired, but none that a system created for itself.

    A failure is logged and otherwise ignored: the new token exists already, and the next login sweeps again.
    """
    try:
        tokens, now = api.list_tokens(), api.clock()
        dead = sorted(name for name, token in tokens.items() if name.startswith(f"{prefix}-") and _is_dead(token, now) and not is_system_name(name))
        if dead:
            api.revoke(dead)
    except ApiError as error:
        logger.debug("WHM: expired tokens were not revoked: %s", error)


def _is_dead(token: ApiToken, now: float) -> bool:
    """Return whether a token has expired, or was created without its expiry by a server that ignored it."""
    if token.is_expired(now):
        return True
    stamp = STAMPED.search(token.name)
    if stamp is None or token.expires_at is not None:
        return False
    latest = time.strftime(STAMP, time.gmtime(now - ENDLESS_AFTER))
    return stamp.group(1) < latest
