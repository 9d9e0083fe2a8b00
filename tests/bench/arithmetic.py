# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From times of whole runs to the cost of one host. Nothing in here measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

# One round holds one run of each kind.
Round = Mapping[str, "Spent"]


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock, and seconds of processors (user and system) of a run with all its workers."""

    wall: float
    cpu: float

    def without(self, other: Spent) -> Spent:
        return Spent(self.wall - other.wall, self.cpu - other.cpu)

    def each(self, count: int) -> Spent:
        """Milliseconds for one of `count`."""
        return Spent(1000 * self.wall / count, 1000 * self.cpu / count)

    def over(self, other: Spent) -> Spent:
        """How many times the other. Raises `ValueError` where the other is too short to compare with."""
        if other.wall <= 0 or other.cpu <= 0:
            raise ValueError("nothing to compare with: the runs are too short, or the machine is too busy")
        return Spent(self.wall / other.wall, self.cpu / other.cpu)


@dataclass(frozen=True)
class Kind:
    """What a run does: so many hosts' tasks, beside a run of `start` that does none of them."""

    name: str
    start: str
    count: int

    def cost(self, one: Round) -> Spent:
        """Milliseconds for a task on a host, in one round."""
        return one[self.name].without(one[self.start]).each(self.count)


def typical(rounds: Sequence[Round], figure: Callable[[Round], Spent]) -> Spent:
    """The median of a figure that each round gives by itself: what disturbs a whole round cancels out in ratios and differences."""
    found = [figure(one) for one in rounds]
    return Spent(median(one.wall for one in found), median(one.cpu for one in found))


@dataclass(frozen=True)
class Bar:
    """A promise about one figure."""

    what: str
    found: float
    limit: float
    unit: str = ""
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.found >= self.limit if self.at_least else self.found <= self.limit
