# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make bench` makes of its measurements: a wrong figure would keep a promise that is broken."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.arithmetic import Bar, Kind, Spent, typical

CALL, DEBUG = Kind("call", "start", 200), Kind("debug", "start", 100)


def test_the_cost_of_a_host_is_what_is_left_after_the_start_shared_by_all() -> None:
    one = {"start": Spent(0.8, 0.7), "call": Spent(4.8, 2.7)}
    assert CALL.cost(one).wall == pytest.approx(20.0)
    assert CALL.cost(one).cpu == pytest.approx(10.0)


def test_each_round_is_compared_within_itself() -> None:
    """A slow machine makes both sides of a ratio slow; medians of the sides alone would mix rounds."""
    quick = {"start": Spent(1, 1), "call": Spent(5, 5), "debug": Spent(2, 2)}
    slow = {"start": Spent(10, 10), "call": Spent(50, 50), "debug": Spent(20, 20)}
    odd = {"start": Spent(1, 1), "call": Spent(31, 31), "debug": Spent(2, 2)}
    ratio = typical([slow, odd, quick], lambda one: CALL.cost(one).over(DEBUG.cost(one)))
    assert (ratio.wall, ratio.cpu) == pytest.approx((2.0, 2.0))


def test_the_median_of_an_even_number_lies_between() -> None:
    rounds = [{"call": Spent(wall, 2 * wall)} for wall in (4.0, 1.0, 100.0, 2.0)]
    assert typical(rounds, lambda one: one["call"]) == Spent(3.0, 6.0)


def test_clock_and_processors_have_medians_of_their_own() -> None:
    rounds = [{"call": Spent(1, 30)}, {"call": Spent(2, 10)}, {"call": Spent(3, 20)}]
    assert typical(rounds, lambda one: one["call"]) == Spent(2, 20)


def test_differences_are_in_milliseconds() -> None:
    one = {"start": Spent(0, 0), "call": Spent(2.0, 4.0), "debug": Spent(0.5, 1.0)}
    difference = CALL.cost(one).without(DEBUG.cost(one))
    assert (difference.wall, difference.cpu) == pytest.approx((5.0, 10.0))


@pytest.mark.parametrize("nothing", [Spent(0, 1), Spent(1, 0), Spent(-0.1, 1)])
def test_what_took_no_time_is_not_compared_with(nothing: Spent) -> None:
    with pytest.raises(ValueError, match="too short"):
        Spent(1, 1).over(nothing)


@pytest.mark.parametrize(("found", "at_least", "met"), [(1.49, False, True), (1.5, False, True), (1.51, False, False), (1.49, True, False), (1.5, True, True)])
def test_a_bar_is_met_from_the_right_side(found: float, at_least: bool, met: bool) -> None:
    assert Bar("a ratio", found, 1.5, at_least=at_least).met is met
