# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may call WHM: tokens, passwords, and the counting of bad logins."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from .accounts import ACCOUNTS
from .store import Clock, same
from .whm_tokens import ACLS, ApiToken, Caller, Tokens
from .wire import Call, Json

HISTORY = 6 * 3600
RESELLER_ACLS = ("acct-summary", "basic-system-info", "basic-whm-functions", "cpanel-api", "create-acct", "list-accts", "manage-api-tokens", "suspend-acct")
PRIVILEGES = {"root": frozenset(ACLS), "resell": frozenset(RESELLER_ACLS)}


def first_tokens(now: float) -> list[ApiToken]:
    """What is there from the start: a full token for each user, and one that the system made for itself."""
    created = int(now) - 86400
    root, reseller = ACCOUNTS["whm"], ACCOUNTS["whm_reseller"]
    return [
        ApiToken("automation", root["token"], "root", sorted(PRIVILEGES["root"]), created),
        ApiToken("automation", reseller["token"], "resell", sorted(PRIVILEGES["resell"]), created),
        ApiToken("reverse_trust_0e8d9a44-5d1c-4f6e-9c50-6f6f2f3d7a10", "SYSTEMREVERSETRUST00000000000000", "root", ["clustering"], created),
    ]


@dataclass(frozen=True)
class Failure:
    """A bad login; the same address, user and secret again is no new one."""

    peer: str
    user: str
    secret: str


class Hulk:
    """Brute force protection: it blocks passwords, never tokens."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[Failure, float] = {}

    def clear(self) -> None:
        self._failures.clear()

    def failed(self, peer: str, user: str, secret: str) -> None:
        failure = Failure(peer, user, hashlib.sha256(secret.encode()).hexdigest())
        self._failures.setdefault(failure, self._clock.now())

    def _recent(self) -> list[Failure]:
        return [failure for failure, when in self._failures.items() if self._clock.now() - when < HISTORY]

    def blocks(self, peer: str, user: str, per_ip: int, per_account: int) -> bool:
        recent = self._recent()
        return sum(one.peer == peer for one in recent) >= per_ip or sum(one.user == user for one in recent) >= per_account

    def counters(self) -> Json:
        recent = self._recent()
        return {
            "ips": {peer: sum(one.peer == peer for one in recent) for peer in {one.peer for one in recent}},
            "accounts": {user: sum(one.user == user for one in recent) for user in {one.user for one in recent}},
        }


class Gate:
    """Turns a request into a caller, or into nobody."""

    def __init__(self, clock: Clock, tokens: Tokens, hulk: Hulk) -> None:
        self._clock = clock
        self._tokens = tokens
        self._hulk = hulk

    def caller(self, call: Call, settings: Any) -> Caller | None:
        scheme, value = call.authorization()
        if scheme == "whm":
            call.saw("token")
            return self._by_token(call, settings, *value.partition(":")[::2])
        basic = call.basic()
        if basic is not None:
            call.saw("basic")
            return self._by_password(call, settings, *basic)
        if scheme:
            call.saw(scheme)
        return None

    def _by_token(self, call: Call, settings: Any, user: str, secret: str) -> Caller | None:
        token = self._tokens.by_secret(user, secret)
        if token is None and settings.hulk_counts_tokens:
            self._hulk.failed(call.peer, user, secret)
        if token is None or token.expired(self._clock.now()) or not token.admits(call.peer):
            return None
        call.principal = user
        return Caller(user, frozenset(token.acls), token)

    def _by_password(self, call: Call, settings: Any, user: str, password: str) -> Caller | None:
        if settings.hulk and self._hulk.blocks(call.peer, user, settings.hulk_ip_limit, settings.hulk_account_limit):
            return None
        known = next((account for account in (ACCOUNTS["whm"], ACCOUNTS["whm_reseller"]) if account["username"] == user), None)
        if known is None or not same(known["password"], password):
            self._hulk.failed(call.peer, user, password)
            return None
        call.principal = user
        return Caller(user, PRIVILEGES[user])
