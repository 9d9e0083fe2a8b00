# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What rests in the cache for one identity, as far as a reader needs it. Private to this collection.

What a login changes in it is in `outcome`. A change of the stored form needs another `SCHEMA` in `seal`.
"""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field
from functools import lru_cache

from ..token import Token
from . import mask

if t.TYPE_CHECKING:
    from ..provider import Account
    from .seal import Seal


@lru_cache(maxsize=1)
def boot_id() -> str:
    """What changes when this machine's second clock starts anew; empty where there is no such thing."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            return file.read().strip().decode()
    except OSError:
        return ""


def boot_seconds() -> float:
    """Seconds since boot, sleep included: a clock that nobody sets."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(clock) if clock is not None else time.monotonic()


class Stamp(t.NamedTuple):
    """A moment by both clocks, so that a step of the wall clock is noticed."""

    wall: float
    boot: float
    boot_id: str

    @classmethod
    def now(cls) -> Stamp:
        return cls(time.time(), boot_seconds(), boot_id())

    def age(self, now: Stamp) -> float | None:
        """Seconds from here to now; `None` where this lies in the future.

        The larger of what both clocks say: the wall clock may have been set back, the other one stands still in a virtual machine that is paused.
        """
        wall = now.wall - self.wall
        if self.boot_id and self.boot_id == now.boot_id and now.boot >= self.boot:
            return max(wall, now.boot - self.boot)
        return wall if wall >= -2.0 else None

    def since(self, other: Stamp, more: float = 0.0) -> bool:
        """Whether this, and so many seconds more, is not before the other, by the clock that nobody sets."""
        return self.boot_id == other.boot_id and self.boot + more >= other.boot


# Without comparison, like all classes that a cache hit loads: making its methods would cost every worker.
@dataclass(eq=False)
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
    # The last refresh ahead of time that failed: its moment, and for how long none is tried after it.
    refresh_failed: dict[str, t.Any] | None = None

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

    def age(self, now: Stamp) -> float | None:
        """Seconds since the token was asked for; `None` without a token, or with one from the future."""
        return None if self.token is None else Stamp(**self.token["at"]).age(now)

    def fresh(self, now: Stamp) -> bool:
        age = self.age(now)
        return age is not None and self.token is not None and age < self.token["fresh"]

    def due(self, now: Stamp) -> bool:
        """Whether a new token should be fetched while this one still works."""
        age = self.age(now)
        if age is None or self.token is None or age < self.token["refresh"]:
            return False
        failed = self.refresh_failed and Stamp(**self.refresh_failed["at"]).age(now)
        return failed is None or self.refresh_failed is None or failed >= self.refresh_failed["wait"]

    def reveal(self, seal: Seal, account: Account) -> Token | None:
        """The token, for the holder of the credential it was got with; whether it is fresh is another question."""
        kept = self.token
        if kept is None or kept["tag"] != seal.tag(account.credential):
            return None
        value = mask.reveal(kept["shape"], kept["text"], seal.mask_key(account.credential, kept["salt"]))
        return Token(value, kept["lifetime"], kept["expires_at"], from_cache=True, extra=kept["extra"])

    def refused(self, now: Stamp) -> bool:
        """Whether a login was definitely refused and that still stands."""
        ages = [(Stamp(**one["at"]).age(now), one["keep"]) for one in self.failures if one["definite"]]
        return any(age is not None and age < keep for age, keep in ages)
