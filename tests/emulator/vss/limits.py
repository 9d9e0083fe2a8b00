# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What VSS can be set to, how it refuses, and how it counts logins."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..issued import Clock
from ..system import Settings


@dataclass
class VssSettings(Settings):
    """``shape``: current, 2016-12 or 2016. ``rate_limit`` 0: no limit. ``spelling``: name or human. ``link_base``: what absolute links begin with."""

    token_ttl: float = 86400.0
    shape: str = "current"
    rate_limit: int = 5
    rate_window: int = 30
    rate_retry_after: bool = False
    otp_status: int = 400
    totp_once: bool = True
    totp_required: bool = False
    machines: int = 23
    per_page: int = 10
    max_per_page: int = 3000
    link_base: str = ""
    polls: int = 2
    final: str = "PROCESSED"
    errors: list[str] = field(default_factory=list)
    spelling: str = "name"


class Refused(Exception):
    """An error in the API's shape."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message


class LoginWindow:
    """Logins per address in windows that begin at multiples of their length."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._used: dict[tuple[str, int], int] = {}

    def count(self, peer: str, settings: VssSettings) -> tuple[dict[str, str], bool]:
        """The headers for this login, and whether it is admitted."""
        limit, length = settings.rate_limit, settings.rate_window
        if limit <= 0:
            return {}, True
        begin = int(self._clock.now()) // length * length
        used = self._used.get((peer, begin), 0) + 1
        self._used[(peer, begin)] = used
        reset = begin + length
        headers = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(max(0, limit - used)), "X-RateLimit-Reset": str(reset)}
        if used > limit and settings.rate_retry_after:
            headers["Retry-After"] = str(max(1, int(reset - self._clock.now() + 1)))
        return headers, used <= limit
