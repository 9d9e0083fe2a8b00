# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What rests in the cache for one identity: a token, and the refusals that must not be provoked again. Private to this collection."""

from __future__ import annotations

import os
import random
import time
import typing as t
from dataclasses import dataclass, field

from ..token import Token
from . import mask

if t.TYPE_CHECKING:
    from ..errors import AuthError
    from ..provider import Account
    from .seal import Seal

# Where a system does not say how long a token lives, in seconds: what RackCorp's own tools assume of a session.
UNKNOWN_LIFETIME = 900.0
MARGIN = 30.0
REFRESH_FROM, REFRESH_TO = 0.75, 0.85
FAILURE_KEEPS = {"first": 60.0, "most": 900.0, "transient": 2.0, "asked_most": 3600.0}
MOST_FAILURES = 8


def boot_id() -> str:
    """What changes when this machine's second clock starts anew; empty where there is no such thing."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def boot_seconds() -> float:
    """Seconds since boot, sleep included: a clock that nobody sets."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(clock) if clock is not None else time.monotonic()


@dataclass(frozen=True)
class Stamp:
    """A moment by both clocks, so that a step of the wall clock is noticed."""

    wall: float
    boot: float
    boot_id: str

    @classmethod
    def now(cls) -> Stamp:
        return cls(time.time(), boot_seconds(), boot_id())

    def age(self, now: Stamp) -> float | None:
        """Seconds from here to now, the larger of what both clocks say; `None` where this lies in the future."""
        wall = now.wall - self.wall
        if self.boot_id and self.boot_id == now.boot_id and now.boot >= self.boot:
            return max(wall, now.boot - self.boot)
        return wall if wall >= -2.0 else None


@dataclass
class Record:
    """One entry in the clear. Times are in seconds, moments are stamps; the token in it is masked for its credential."""

    provider: str
    api_url: str
    principal: str
    scope: list[str] = field(default_factory=list)
    token: dict[str, t.Any] | None = field(default=None, repr=False)
    failures: list[dict[str, t.Any]] = field(default_factory=list, repr=False)
    # How far the system's clock is ahead of this machine's.
    clock_offset: float = 0.0
    # No refresh ahead of time before this moment (epoch seconds).
    refresh_not_before: float = 0.0

    @classmethod
    def of(cls, account: Account) -> Record:
        return cls(account.provider, account.api_url, account.principal, list(account.scope))

    @classmethod
    def load(cls, data: dict[str, t.Any] | None) -> Record | None:
        """A record from its stored form; `None` for one of another version."""
        try:
            return None if data is None else cls(**data)
        except TypeError:
            return None

    def dump(self) -> dict[str, t.Any]:
        return dict(vars(self))

    # -- token ---------------------------------------------------------------------------------------------------

    def put(self, seal: Seal, account: Account, token: Token, started: Stamp, *, replaces_refused: bool, margin: float) -> None:
        """Keep a token that was asked for at `started`; forget the refusals of this credential."""
        salt = os.urandom(16).hex()
        shape, text = mask.hide(token.value, seal.mask_key(account.credential, salt))
        life = UNKNOWN_LIFETIME if token.lifetime is None else token.lifetime
        self.token = {
            "tag": seal.tag(account.credential),
            "salt": salt,
            "shape": shape,
            "text": text,
            "lifetime": token.lifetime,
            "expires_at": token.expires_at,
            "extra": dict(token.extra),
            "at": vars(started),
            "fresh": life - min(margin, life / 4),
            "refresh": life * random.uniform(REFRESH_FROM, REFRESH_TO),
            "replaced": replaces_refused,
        }
        self.refresh_not_before = 0.0
        self.failures = [one for one in self.failures if one["tag"] not in (seal.tag(account.credential), seal.tag((*account.credential, *account.once)), None)]

    def age(self, now: Stamp) -> float | None:
        """Seconds since the token was asked for; `None` without a token, or with one from the future."""
        return None if self.token is None else Stamp(**self.token["at"]).age(now)

    def fresh(self, now: Stamp) -> bool:
        age = self.age(now)
        return age is not None and self.token is not None and age < self.token["fresh"]

    def due(self, now: Stamp) -> bool:
        """Whether a new token should be fetched while this one still works."""
        age = self.age(now)
        return age is not None and self.token is not None and age >= self.token["refresh"] and now.wall >= self.refresh_not_before

    def reveal(self, seal: Seal, account: Account) -> Token | None:
        """The token, for the holder of the credential it was got with; whether it is fresh is another question."""
        kept = self.token
        if kept is None or kept["tag"] != seal.tag(account.credential):
            return None
        value = mask.reveal(kept["shape"], kept["text"], seal.mask_key(account.credential, kept["salt"]))
        return Token(value, kept["lifetime"], kept["expires_at"], from_cache=True, extra=kept["extra"])

    # -- refusals ------------------------------------------------------------------------------------------------

    def note(self, tag: int | None, error: AuthError, now: Stamp) -> None:
        """Remember a failed login: a definite one for a minute, doubling while it repeats; another for seconds."""
        before = next((one for one in self.failures if one["tag"] == tag and one["definite"]), None)
        count = before["count"] + 1 if before and error.definite else 0
        if error.definite:
            keep = min(FAILURE_KEEPS["first"] * 2**count, FAILURE_KEEPS["most"])
        else:
            keep = min(max(error.retry_after or 0.0, FAILURE_KEEPS["transient"]), FAILURE_KEEPS["asked_most"])
        told = {name: getattr(error, name) for name in ("kind", "text", "status", "code", "message", "retry_after")}
        entry = {"tag": tag, "definite": error.definite, "count": count, "keep": keep, "at": vars(now), "error": told}
        self.failures = [one for one in self.failures if one["tag"] != tag][-MOST_FAILURES + 1 :] + [entry]

    def failure(self, tags: t.Collection[int | None], now: Stamp, since: Stamp | None = None) -> AuthError | None:
        """The remembered error that still stands for one of these tags, or that came up after `since`."""
        from ..errors import AuthError

        for one in self.failures:
            if one["tag"] not in tags:
                continue
            at = Stamp(**one["at"])
            age = at.age(now)
            if age is None or (age >= one["keep"] and not (since and since.boot_id == at.boot_id and at.boot >= since.boot)):
                continue
            told = dict(one["error"])
            if told["retry_after"] is not None:
                told["retry_after"] = max(0.0, round(told["retry_after"] - age, 3))
            return AuthError(**told)
        return None

    def refused(self, now: Stamp) -> bool:
        """Whether a login was definitely refused and that still stands."""
        ages = [(Stamp(**one["at"]).age(now), one["keep"]) for one in self.failures if one["definite"]]
        return any(age is not None and age < keep for age, keep in ages)

    def kept_until(self) -> float:
        """Epoch seconds after which nothing in here is of use."""
        ends = [one["at"]["wall"] + 2 * one["keep"] for one in self.failures]
        if self.token is not None:
            ends.append(self.token["at"]["wall"] + (UNKNOWN_LIFETIME if self.token["lifetime"] is None else self.token["lifetime"]))
        return max(ends, default=0.0)
