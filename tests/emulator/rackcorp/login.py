# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who calls RackCorp: five kinds of credentials, checked in the server's order, and two ways to a JWT.

https://portal.rackcorp.com/docs/jwt-tokens.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..accounts import ACCOUNTS
from ..issued import Clock, IssuedTokens, same
from ..served import Answer, Json, ServedRequest, integer, json_answer
from ..system import Settings
from ..totp import Checker
from .errors import Fault, denied

CREDENTIAL_PARAMS = ("APIUUID", "APISECRET", "USERSESSIONID")


@dataclass
class RackcorpSettings(Settings):
    """``login_place``: token, cookie or sessionId. ``denied``: commands that the API key may not use. ``total_key``: count, matches or empty (none).

    ``warnings``: how many warnings accompany a list of devices. ``debug_echo``: failures repeat the request in ``debug``.
    """

    token_ttl: float = 3600.0
    token_exp: bool = True
    login_place: str = "token"
    session_ttl: float = 1800.0
    error_status: int = 200
    denied: list[str] = field(default_factory=list)
    devices: int = 45
    warnings: int = 0
    total_key: str = "count"
    polls: int = 2
    totp_once: bool = True
    debug_echo: bool = False


def php_answer(data: Any, status: int = 200, ok: bool = True, headers: dict[str, str] | None = None) -> Answer:
    """Write JSON as PHP does, without blanks."""
    return json_answer(data, status, ok, headers, compact=True)


class Logins:
    """Checks credentials and gives out JWTs and session ids."""

    def __init__(self, clock: Clock, settings: Callable[[], RackcorpSettings]) -> None:
        self._clock = clock
        self._settings = settings
        self.tokens = IssuedTokens(clock)
        self.sessions = IssuedTokens(clock)
        self.totp = Checker()

    # The server's order: API key, session, cookie, bearer.

    def credentials(self, request: ServedRequest, asked: Json) -> list[tuple[str, Callable[[], str]]]:
        """Note every credential of the request, and return each with the way to check it."""
        basic, bearer, cookie = request.basic(), request.bearer(), self._cookie(request)
        place = "query" if {"APIUUID", "APISECRET"} & dict(request.query).keys() else "body"
        session = asked.get("USERSESSIONID") or (asked.get("sessionId") if asked.get("cmd") == "session.iscurrent" else None)
        found: list[tuple[str, Callable[[], str]]] = []
        if basic is not None:
            found.append(("basic", lambda: self._key(*basic)))
        if "APIUUID" in asked or "APISECRET" in asked:
            found.append((place, lambda: self._key(str(asked.get("APIUUID", "")), str(asked.get("APISECRET", "")))))
        if session:
            found.append(("session", lambda: self._stored(self.sessions, str(session))))
        if cookie is not None:
            found.append(("cookie", lambda: self._stored(self.tokens, cookie)))
        if bearer is not None:
            found.append(("bearer", lambda: self._stored(self.tokens, bearer)))
        for kind, _check in found:
            request.saw(kind)
        if "APIUUID" in request.headers or "APISECRET" in request.headers:
            request.saw("headers")
        return found

    def authenticate(self, request: ServedRequest, asked: Json) -> bool:
        """Let the first kind of credential decide."""
        found = self.credentials(request, asked)
        request.principal = found[0][1]() if found else ""
        return bool(request.principal)

    @staticmethod
    def _cookie(request: ServedRequest) -> str | None:
        found = re.search(r"(?:^|;\s*)JWTSESSIONID=([^;]*)", request.headers.get("Cookie", ""))
        return found.group(1) if found else None

    @staticmethod
    def _key(uuid: str, secret: str) -> str:
        account = ACCOUNTS["rackcorp"]
        return uuid if same(uuid, account["api_uuid"]) and same(secret, account["api_secret"]) else ""

    @staticmethod
    def _stored(store: IssuedTokens, value: str) -> str:
        issued = store.find(value)
        return issued.principal if issued else ""

    def jwt_from_key(self, request: ServedRequest) -> Answer:
        if request.method not in ("GET", "POST") or not {"basic", "body"} & set(request.kinds[:1]):
            raise denied()
        return php_answer({"code": "OK", "message": "OK", "token": self._jwt(request.principal)})

    def _jwt(self, principal: str) -> str:
        settings = self._settings()
        return self.tokens.issue_jwt(principal, settings.token_ttl, with_exp=settings.token_exp).value

    def log_in(self, request: ServedRequest, asked: Json) -> Answer:
        """``session.login``."""
        request.saw("password")
        account = self._user(asked)
        if account is None:
            raise Fault("Invalid username or password", "ACCESS_DENIED")
        if "totp_secret" in account:
            self._second_factor(request, account["totp_secret"], asked)
        request.principal = account["username"]
        return self._logged_in(account["username"], bool(integer(asked.get("jwt"), 0)))

    @staticmethod
    def _user(asked: Json) -> Json | None:
        name, password = str(asked.get("username", "")), str(asked.get("password", ""))
        users = (ACCOUNTS["rackcorp"], ACCOUNTS["rackcorp_2fa"])
        return next((user for user in users if user["username"] == name and same(user["password"], password)), None)

    def _second_factor(self, request: ServedRequest, secret: str, asked: Json) -> None:
        code = str(asked.get("2fatoken") or "")
        if not code:
            raise Fault("Two factor authentication token required", "ACCESS_DENIED")
        request.saw("otp")
        if not self.totp.accept(secret, code, self._clock.now(), self._settings().totp_once):
            raise Fault("Invalid two factor authentication token", "ACCESS_DENIED")

    def _logged_in(self, principal: str, wants_jwt: bool) -> Answer:
        body: Json = {"code": "OK", "message": "Login successful"}
        settings = self._settings()
        if not wants_jwt:
            return php_answer({**body, "sessionId": self.sessions.issue_opaque(principal, settings.session_ttl).value})
        token = self._jwt(principal)
        if settings.login_place == "cookie":
            return php_answer(body, headers={"Set-Cookie": f"JWTSESSIONID={token}; path=/; HttpOnly"})
        return php_answer({**body, settings.login_place: token})
