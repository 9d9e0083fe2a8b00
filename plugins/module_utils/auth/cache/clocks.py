# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moments by two clocks: the time of day, which may be set, and the seconds since boot, which nobody can set."""

from __future__ import annotations

import time
import typing as t
from functools import lru_cache


@lru_cache(maxsize=1)
def boot_id() -> str:
    """Return what identifies the time since this machine was started; empty if the kernel does not say."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            return file.read().strip().decode()
    except OSError:
        return ""


def boot_seconds() -> float:
    """Return the seconds since boot, sleep included: a clock that nobody can set."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(clock) if clock is not None else time.monotonic()


class Timestamp(t.NamedTuple):
    """A moment by two clocks, the time of day (epoch seconds) and the seconds since boot, so that a step of the first is noticed."""

    wall: float
    boot: float
    boot_id: str

    @classmethod
    def now(cls) -> Timestamp:
        return cls(time.time(), boot_seconds(), boot_id())

    def age(self, now: Timestamp) -> float | None:
        """Return the seconds since this moment; `None` if it is in the future.

        The larger difference of both clocks counts: the time of day may have been set back, and the other clock stops while a virtual machine is paused.
        """
        wall = now.wall - self.wall
        if self.boot_id and self.boot_id == now.boot_id and now.boot >= self.boot:
            return max(wall, now.boot - self.boot)
        return wall if wall >= -2.0 else None

    def is_since(self, other: Timestamp, tolerance: float = 0.0) -> bool:
        """Return whether this moment is not before the other one, or before it by at most `tolerance` seconds, by the clock that nobody can set."""
        return self.boot_id == other.boot_id and self.boot + tolerance >= other.boot
