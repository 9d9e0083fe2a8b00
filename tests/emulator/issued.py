# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's clock and the tokens that it has given out."""

from __future__ import annotations

import hmac
import secrets
import time
import uuid
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import jwt


@dataclass
class Clock:
    """The time as the emulator sees it; a test may put it ahead or behind."""

    offset: float = 0.0

    def now(self) -> float:
        return time.time() + self.offset

    def http_date(self, ahead: float = 0.0) -> str:
        return formatdate(self.now() + ahead, usegmt=True)


@dataclass
class Issued:
    """A token that was given out; it counts until it expires or is revoked."""

    number: int
    value: str
    principal: str
    issued: float
    expires: float
    valid: bool = True
    last_used: float | None = None
    notes: dict[str, Any] = field(default_factory=dict)


class IssuedTokens:
    """Tokens are looked up, not believed: what is not here, has expired or was revoked is refused."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self.tokens: dict[str, Issued] = {}

    def issue_jwt(self, principal: str, ttl: float, claims: dict[str, Any] | None = None, with_exp: bool = True) -> Issued:
        now = self._clock.now()
        payload: dict[str, Any] = {"iat": int(now), "jti": uuid.uuid4().hex, "sub": principal, **(claims or {})}
        if with_exp:
            payload["exp"] = int(now + ttl)
        return self._keep(jwt.encode(payload, self._key, algorithm="HS256"), principal, now, ttl)

    def issue_opaque(self, principal: str, ttl: float) -> Issued:
        return self._keep(secrets.token_hex(20), principal, self._clock.now(), ttl)

    def _keep(self, value: str, principal: str, now: float, ttl: float) -> Issued:
        issued = Issued(len(self.tokens) + 1001, value, principal, now, now + ttl)
        self.tokens[value] = issued
        return issued

    def find(self, value: str) -> Issued | None:
        """The token, if it is good now."""
        issued = self.tokens.get(value)
        if issued is None or not issued.valid or self._clock.now() >= issued.expires:
            return None
        issued.last_used = self._clock.now()
        return issued

    def revoke_all(self) -> int:
        live = [issued for issued in self.tokens.values() if issued.valid]
        for issued in live:
            issued.valid = False
        return len(live)


def same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
