# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may call WHM: tokens, passwords, and the counting of bad logins."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from ..accounts import ACCOUNTS
from ..issued import Clock, same
from ..served import Json, ServedRequest
from .api_tokens import ACLS, ApiToken, ApiTokens, Caller
from .model import WhmSettings
from .sessions import Sessions

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
    """Turns a request into a caller of WHM or a user of cPanel, or into nobody."""

    def __init__(self, clock: Clock, settings: Callable[[], WhmSettings], tokens: ApiTokens, hulk: Hulk, sessions: Sessions) -> None:
        self._clock = clock
        self._settings = settings
        self._tokens = tokens
        self._hulk = hulk
        self._sessions = sessions

    def whm_caller(self, request: ServedRequest, path: str) -> Caller | None:
        """Return the caller of WHM (port 2087). ``path`` is the session's part of the path, or empty."""
        scheme, value = request.authorization()
        if scheme == "whm":
            request.saw("token")
            return self._by_token(request, *value.partition(":")[::2])
        basic = request.basic()
        if basic is not None:
            request.saw("basic")
            return self._caller(request, self.by_password(request, *basic))
        if scheme:
            request.saw(scheme)
        return self._caller(request, self._by_session(request, "whostmgrd", path))

    def cpanel_user(self, request: ServedRequest, path: str) -> str:
        """Return the user of cPanel (port 2083), or an empty text. A token of WHM is no good there."""
        scheme, value = request.authorization()
        if scheme == "cpanel":
            request.saw("token")
            user, _colon, secret = value.partition(":")
            account = ACCOUNTS["cpanel"]
            request.principal = user if user == account["username"] and same(secret, account["token"]) else ""
            return request.principal
        basic = request.basic()
        if basic is not None:
            request.saw("basic")
            request.principal = self.by_password(request, *basic, ("cpanel",))
            return request.principal
        if scheme:
            request.saw(scheme)
        request.principal = self._by_session(request, "cpaneld", path)
        return request.principal

    def _caller(self, request: ServedRequest, user: str) -> Caller | None:
        request.principal = user
        return Caller(user, PRIVILEGES[user]) if user else None

    def _by_token(self, request: ServedRequest, user: str, secret: str) -> Caller | None:
        token = self._tokens.by_secret(user, secret)
        if token is None and self._settings().hulk_counts_tokens:
            self._hulk.failed(request.peer, user, secret)
        if token is None or token.expired(self._clock.now()) or not token.admits(request.peer):
            return None
        request.principal = user
        return Caller(user, frozenset(token.acls), token)

    def by_password(self, request: ServedRequest, user: str, password: str, accounts: tuple[str, ...] = ("whm", "whm_reseller")) -> str:
        """Return the user if the password is right and brute force protection lets it pass."""
        settings = self._settings()
        if settings.hulk and self._hulk.blocks(request.peer, user, settings.hulk_ip_limit, settings.hulk_account_limit):
            return ""
        known = next((ACCOUNTS[name] for name in accounts if ACCOUNTS[name]["username"] == user), None)
        if known is None or not same(known["password"], password):
            self._hulk.failed(request.peer, user, password)
            return ""
        return user

    def _by_session(self, request: ServedRequest, service: str, path: str) -> str:
        """A cookie counts below the path of its own session only."""
        session = self._sessions.of(request, service)
        if session is None:
            return ""
        request.saw("cookie")
        return session.user if path == session.path else ""
