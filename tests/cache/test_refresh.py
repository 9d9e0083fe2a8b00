# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new token before the old one ends, and how long tokens are handed out."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from cache.herd import herd, slack, values
from cache.lab import Host, later
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import client

Measured = Callable[[str, Any], None]
LIFE = 1000.0


def refresh_point(host: Host) -> float:
    """When the one entry of a host is due, as a share of its life."""
    ((_name, entry),) = host.store().entries()
    assert entry.token is not None
    return entry.token.refresh_seconds / LIFE


def test_one_process_refreshes_and_nobody_waits(host: Host, emulator: Emulator, measured: Measured) -> None:
    """Fails when a due entry is refreshed by everybody, by nobody, or when the others wait for it."""
    emulator.settings(vss={"token_ttl": LIFE, "login_delay": 2.0})
    old = host.token()
    with later(LIFE * 0.86):
        answers = herd(64, lambda _number: host.token())
    told = values(answers)
    assert emulator.logins("vss") == 2
    waited = sorted(one.seconds for one in answers)
    assert told.count(old) == 63
    assert waited[-2] < 0.9 + slack(64), "somebody waited for the refresh of another"
    measured("ahead.logins", emulator.logins("vss") - 1)
    measured("ahead.processes_with_the_old_token", told.count(old))
    measured("ahead.slowest_of_these_seconds", waited[-2])
    with later(LIFE * 0.87):
        assert host.token() != old
    assert emulator.logins("vss") == 2


def test_the_moment_is_spread(host: Host, emulator: Emulator, measured: Measured) -> None:
    """Fails when all entries are due at the same share of their lives, or outside of 75 to 85 %."""
    emulator.settings(vss={"token_ttl": LIFE})
    points = []
    for _entry in range(24):
        host.task().token(refresh=True)
        points.append(refresh_point(host))
    assert 0.75 <= min(points) < 0.79
    assert 0.81 < max(points) <= 0.85
    measured("ahead.earliest_share", min(points))
    measured("ahead.latest_share", max(points))


def test_not_before_its_time(host: Host, emulator: Emulator) -> None:
    """Fails when an entry is due from the start."""
    emulator.settings(vss={"token_ttl": LIFE})
    old = host.token()
    with later(LIFE * 0.74):
        assert set(values(herd(8, lambda _number: host.token()))) == {old}
    assert emulator.logins("vss") == 1


@pytest.mark.parametrize("fault", ["status", "cut", "wrong"])
def test_a_refresh_that_fails_disturbs_nobody(host: Host, emulator: Emulator, measured: Measured, fault: str) -> None:
    """Fails when the error reaches a task, when it is tried again within a minute, or when refusals do not slow it down."""
    emulator.settings(vss={"token_ttl": 10_000.0})
    old = host.token()
    rule: dict[str, Any] = {"system": "vss", "times": None, "match": {"login": True}, "action": "status", "status": 502}
    if fault == "cut":
        rule["action"] = "cut"
    if fault == "wrong":
        rule.update(status=401, json={"error": "Unauthorized", "message": "wrong"})
    emulator.fault(rule)
    asked = []
    for moment in range(8600, 9400, 20):
        before = emulator.logins("vss")
        with later(moment):
            answers = herd(3, lambda _number: host.token())
        assert set(values(answers)) == {old}
        assert not any(one.warnings for one in answers)
        if emulator.logins("vss") > before:
            asked.append((moment, emulator.logins("vss") - before))
    gaps = [b[0] - a[0] for a, b in pairwise(asked)]
    assert all(number == 1 for _moment, number in asked)
    assert min(gaps) >= 60
    if fault == "wrong":
        assert gaps == [60, 120, 240]
    else:
        assert set(gaps) == {60}
        measured("ahead.least_seconds_between_failing_tries", min(gaps))
    emulator.clear_faults()
    with later(11_000):
        assert host.token() != old


def test_a_refresh_is_not_long(host: Host, emulator: Emulator) -> None:
    """Fails when the process that refreshes waits for a hanging system as long as one that has no token."""
    emulator.settings(vss={"token_ttl": LIFE})
    old = host.token()
    emulator.fault({"system": "vss", "action": "hang", "match": {"login": True}})

    def work(_number: int) -> str:
        module: Any = client
        assert module.REFRESH_TIMEOUT == 10
        module.REFRESH_TIMEOUT = 0.5
        return host.token(timeout=40.0)

    with later(LIFE * 0.86):
        (answer,) = herd(1, work)
    assert answer.value == old
    assert answer.seconds < 1.5 + slack(1)


@pytest.mark.parametrize("life", [100.0, 200.0, 600.0, 3600.0])
def test_there_is_a_window_to_refresh_in(host: Host, emulator: Emulator, life: float) -> None:
    """Fails when the margin before the end swallows the time in which others could go on with the old token."""
    emulator.settings(vss={"token_ttl": life, "login_delay": 1.0})
    old = host.token(timeout=120.0)
    with later(life * 0.86):
        answers = values(herd(4, lambda _number: host.token(timeout=120.0)))
    assert emulator.logins("vss") == 2
    assert answers.count(old) == 3


def test_a_dead_token_is_not_handed_out(host: Host, emulator: Emulator) -> None:
    """Fails when a token is used until its last second or longer."""
    emulator.settings(vss={"token_ttl": LIFE})
    old = host.token()
    emulator.fault({"system": "vss", "action": "status", "status": 502, "times": None, "match": {"login": True}})
    with later(LIFE - 29):
        (answer,) = herd(1, lambda _number: host.token())
    assert answer.value is None
    assert answer.kind == "server"
    assert old


def test_a_lifetime_nobody_knows_is_a_quarter_of_an_hour(host: Host, emulator: Emulator) -> None:
    """Fails when a session without a lifetime is kept for ever, or not at all."""
    task = host.task("rackcorp", auth="session", login="password")
    first = task.token()
    assert first.lifetime is None
    with later(600):
        assert host.token("rackcorp", auth="session", login="password") == first.value
    with later(900):
        assert host.token("rackcorp", auth="session", login="password") != first.value
