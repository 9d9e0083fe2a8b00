# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netography's login: the request token's signature, age and id are checked, and a bearer token is given out."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt

from ..accounts import ACCOUNTS
from ..issued import Clock, IssuedTokens, same
from ..served import Answer, Json, ServedRequest, json_answer
from ..system import Settings
from .answers import BAD_LOGIN, BAD_TOKEN, NOT_FOUND, Refused

# What PyJWT would check by itself; ``jti`` may be a number here.
UNCHECKED: Any = dict.fromkeys(("verify_iat", "verify_exp", "verify_sub", "verify_jti"), False)
UNSIGNED: Any = {**UNCHECKED, "verify_signature": False}


@dataclass
class NetographySettings(Settings):
    """``iat_window``: seconds that the request token's ``iat`` may be behind the clock. ``iat_ahead``: how many it may be ahead."""

    token_ttl: float = 86400.0
    iat_window: float = 300.0
    iat_ahead: float = 300.0
    jti_once: bool = True
    flows: int = 120


def netography_accounts() -> list[dict[str, str]]:
    return [account for name, account in ACCOUNTS.items() if name.startswith("netography")]


class Logins:
    """Exchanges request tokens for bearer tokens."""

    def __init__(self, clock: Clock, settings: Callable[[], NetographySettings]) -> None:
        self._clock = clock
        self._settings = settings
        self.tokens = IssuedTokens(clock)
        self.refresh_tokens = IssuedTokens(clock)
        self._seen: set[tuple[str, str]] = set()
        self._secrets = {account["shortname"]: account["shared_secret"] for account in netography_accounts()}
        self.app_keys = {account["appname"]: account["appkey"] for account in netography_accounts()}

    def authenticate(self, request: ServedRequest) -> None:
        scheme, value = request.authorization()
        if scheme:
            request.saw(scheme)
        issued = self.tokens.find(value) if scheme == "bearer" else None
        if issued is None:
            raise Refused(*BAD_TOKEN)
        request.principal = issued.principal

    def log_in(self, request: ServedRequest) -> Answer:
        if request.method != "POST":
            raise Refused(*NOT_FOUND)
        request.saw("jwt")
        if request.authorization()[0]:
            request.saw(request.authorization()[0])
        claims = self._verify(str(request.json_object().get("jwt") or ""))
        request.principal = f"{claims['shortname']}/{claims['appname']}"
        return self._grant(request.principal)

    def _verify(self, token: str) -> Json:
        """Return the claims, if the token is signed with the account's secret, fresh, new and names a key that exists.

        ``jti`` may be a number, as in the vendor's sample, or text.
        """
        try:
            header = jwt.get_unverified_header(token)
            unverified = jwt.decode(token, options=UNSIGNED)
            secret = self._secrets[str(unverified.get("shortname"))]
            claims: Json = jwt.decode(token, secret, algorithms=["HS256"], options=UNCHECKED)
        except (jwt.PyJWTError, KeyError) as error:
            raise Refused(*BAD_LOGIN) from error
        if header.get("typ") != "JWT" or not self._fresh(claims) or not self._known_key(claims):
            raise Refused(*BAD_LOGIN)
        return claims

    def _fresh(self, claims: Json) -> bool:
        iat, jti, settings = claims.get("iat"), claims.get("jti"), self._settings()
        if not isinstance(iat, int) or not -settings.iat_window <= iat - self._clock.now() <= settings.iat_ahead:
            return False
        if isinstance(jti, bool) or not isinstance(jti, (int, str)) or jti == "":
            return False
        used = (str(claims.get("appname")), str(jti))
        if settings.jti_once and used in self._seen:
            return False
        self._seen.add(used)
        return True

    def _known_key(self, claims: Json) -> bool:
        key = self.app_keys.get(str(claims.get("appname")))
        return key is not None and same(key, str(claims.get("appkey")))

    def _grant(self, principal: str) -> Answer:
        ttl = self._settings().token_ttl
        issued = self.tokens.issue_jwt(principal, ttl, {"iss": f"realms/{principal.partition('/')[0]}", "typ": "Bearer"})
        return json_answer({
            "access_token": issued.value,
            "expires_in": int(ttl),
            "refresh_expires_in": int(ttl),
            "refresh_token": self.refresh_tokens.issue_jwt(principal, ttl, {"typ": "Refresh"}).value,
            "token_type": "bearer",
            "id_token": "",
            "not-before-policy": 0,
            "session-state": str(uuid.uuid4()),
            "scope": "profile email",
        })  # fmt: skip
