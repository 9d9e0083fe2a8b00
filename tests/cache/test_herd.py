# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One login, or one failed login, for any number of processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from cache.herd import errors, herd, slack, values
from cache.lab import VM_LIST, Host, later
from emulator.client import Emulator

Measured = Callable[[str, Any], None]
WRONG = {"password": "not the password"}


@pytest.mark.parametrize("n", [64, 256])
def test_cold_processes_log_in_once(host: Host, emulator: Emulator, measured: Measured, n: int) -> None:
    """Fails when the lock is not taken, or when waiting processes do not look at the entry again."""
    emulator.settings(vss={"login_delay": 0.3})
    answers = herd(n, lambda _number: host.token())
    assert len(set(values(answers))) == 1
    assert emulator.logins("vss") == 1
    slowest = max(one.seconds for one in answers)
    measured(f"cold_{n}.logins", emulator.logins("vss"))
    measured(f"cold_{n}.slowest_seconds", slowest)
    assert slowest < 0.3 + 1.0 + slack(n)


def test_a_wrong_credential_is_tried_once(host: Host, emulator: Emulator, measured: Measured) -> None:
    """Fails when failures are not remembered, when waiters do not adopt them, or when a failure is not bound to its credential."""
    emulator.settings(vss={"login_delay": 0.2})
    told = errors(herd(64, lambda _number: host.token(**WRONG)))
    assert len(told) == 1
    assert "check username and password" in told.pop()
    assert emulator.logins("vss") == 1
    measured("refused.logins", emulator.logins("vss"))

    errors(herd(64, lambda _number: host.token(**WRONG)))
    assert emulator.logins("vss") == 1
    measured("refused.logins_of_the_second_wave", emulator.logins("vss") - 1)

    assert host.token()
    assert emulator.logins("vss") == 2
    measured("refused.corrected_credential_logins", emulator.logins("vss") - 1)


def test_a_refusal_stands_for_a_minute_and_doubles(host: Host, emulator: Emulator, measured: Measured) -> None:
    """Fails when the time is not doubled, not limited to a quarter of an hour, or when a refusal of long ago counts as a repetition."""

    began = time.monotonic()

    def asks(moment: float) -> bool:
        """Whether somebody who tries so many seconds after the beginning really asks the system."""
        before = emulator.logins("vss")
        with later(moment - (time.monotonic() - began)):
            errors(herd(1, lambda _number: host.token(**WRONG)))
        return emulator.logins("vss") > before

    moment, gaps = 0.0, []
    assert asks(moment)
    for gap in (60, 120, 240, 480, 900, 900):
        assert not asks(moment + gap - 10)
        moment += gap + 10
        assert asks(moment)
        gaps.append(gap)
    measured("refused.seconds_between_attempts", gaps)
    # Nobody has tried for so long that the next refusal is a first one again.
    moment += 3 * 900 + 20
    assert asks(moment)
    assert asks(moment + 70)


def test_an_otp_that_was_wrong_does_not_bar_another(host: Host, emulator: Emulator) -> None:
    """Fails when a refusal is bound to the password alone, or to nothing."""
    emulator.settings(vss={"totp_required": True})
    errors(herd(1, lambda _number: host.token("vss", otp="000000")))
    errors(herd(1, lambda _number: host.token("vss", otp="000000")))
    assert emulator.logins("vss") == 1
    errors(herd(1, lambda _number: host.token("vss", otp="000001")))
    assert emulator.logins("vss") == 2


def test_a_refresh_that_all_ask_for_is_one_login(host: Host, emulator: Emulator, measured: Measured) -> None:
    """Fails when a token that another process fetched after this one's start does not serve, or when an older one does."""
    old = host.token()
    emulator.settings(vss={"login_delay": 0.3})
    told = set(values(herd(32, lambda _number: host.task().token(refresh=True).value)))
    assert old not in told
    assert len(told) == 1
    measured("refresh.logins", emulator.logins("vss") - 1)
    assert emulator.logins("vss") == 2


# -- failures that pass ------------------------------------------------------------------------------------------


def test_retry_after_is_kept_by_all(host: Host, emulator: Emulator, measured: Measured) -> None:
    """Fails when the time that the server asks for is not stored, or is cut to two seconds."""
    emulator.fault({"system": "vss", "action": "rate_limit", "retry_after": 30, "match": {"login": True}})
    told = herd(32, lambda _number: host.token(max_wait=5.0))
    assert len(errors(told)) <= 32
    assert {one.kind for one in told} == {"rate_limited"}
    with later(25):
        told = herd(32, lambda _number: host.token(max_wait=5.0))
    assert {one.kind for one in told} == {"rate_limited"}
    assert emulator.logins("vss") == 1
    measured("retry_after.requests_before_its_time", emulator.logins("vss") - 1)
    with later(31):
        assert len(set(values(herd(32, lambda _number: host.token())))) == 1
    assert emulator.logins("vss") == 2


def test_a_passing_failure_stands_for_two_seconds(host: Host, emulator: Emulator) -> None:
    """Fails when such a failure is not shared, or when it stands for a minute like a refusal."""
    emulator.fault({"system": "vss", "action": "status", "status": 502, "match": {"login": True}})
    told = herd(64, lambda _number: host.token())
    assert {one.kind for one in told} == {"server"}
    assert emulator.logins("vss") == 1
    with later(2.5):
        assert host.token()


def test_a_failure_on_the_way_is_bound_to_the_way(host: Host, emulator: Emulator) -> None:
    """Fails when such a failure is shared with tasks whose transport settings differ."""
    emulator.fault({"system": "vss", "action": "cut", "match": {"login": True}})
    told = herd(1, lambda _number: host.token())
    assert {one.kind for one in told} == {"network"}
    assert {one.kind for one in herd(4, lambda _number: host.token())} == {"network"}
    assert emulator.logins("vss") == 1
    assert host.token(timeout=11.0)


def test_an_api_that_hangs_fails_all_at_once(host: Host, emulator: Emulator, measured: Measured) -> None:
    """Fails when waiters do not adopt a failure that came up while they waited, for then they hang one after the other."""
    emulator.fault({"system": "vss", "action": "hang", "times": None, "match": {"login": True}})
    answers = herd(64, lambda _number: host.token(timeout=1.5))
    errors(answers)
    slowest = max(one.seconds for one in answers)
    measured("hung.requests", emulator.logins("vss"))
    measured("hung.slowest_beyond_time_out_seconds", slowest - 1.5)
    assert emulator.logins("vss") == 1
    assert slowest < 1.5 + 1.0 + slack(64)


def test_a_configuration_error_is_nobody_elses(host: Host, emulator: Emulator) -> None:
    """Fails when an error that was found before anything was sent is remembered: a mended option must work at once."""
    bad = herd(2, lambda _number: host.token("vss_mfa", totp_secret="not base32!"))
    assert {one.kind for one in bad} == {"configuration"}
    assert host.entries() == []
    assert host.token("vss_mfa")
    assert emulator.logins("vss") == 1


# -- refused tokens ----------------------------------------------------------------------------------------------


def test_a_refused_token_is_replaced_once(host: Host, emulator: Emulator, measured: Measured) -> None:
    """Fails when the refused token is not compared with the cached one under the lock."""
    host.token()
    emulator.revoke("vss")
    emulator.settings(vss={"login_delay": 1.0})  # long enough that also on a busy machine many processes meet the refused token
    before = emulator.calls("vss")
    answers = values(herd(64, lambda _number: host.task().call(VM_LIST)))
    # A process that starts after the others have finished finds the new token.
    assert set(answers) <= {(200, 2), (200, 1)}
    refused = sum(tries == 2 for _status, tries in answers)
    assert refused > 1
    assert emulator.logins("vss") == 2
    assert emulator.calls("vss") - before == 64 + refused
    measured("refused_token.logins", emulator.logins("vss") - 1)
    measured("refused_token.calls_repeated_more_than_once", sum(tries > 2 for _status, tries in answers))


def test_a_refusal_that_no_token_cures_costs_one_login_a_minute(host: Host, emulator: Emulator, measured: Measured) -> None:
    """Fails when a token that replaced a refused one is replaced again, or is never again."""
    host.token()
    emulator.fault({"system": "vss", "action": "refuse_token", "times": None})
    for _wave in range(3):
        told = herd(16, lambda _number: host.task().call(VM_LIST))
        assert {one.kind for one in told} == {"credentials"}
    assert emulator.logins("vss") == 2
    measured("refused_for_good.logins_in_a_minute", emulator.logins("vss") - 1)
    with later(61):
        errors(herd(16, lambda _number: host.task().call(VM_LIST)))
    assert emulator.logins("vss") == 3


def test_a_token_that_ran_out_is_replaced_however_young(host: Host, emulator: Emulator) -> None:
    """Fails when the limit of one login a minute also bars tokens that live for seconds only."""
    emulator.settings(vss={"token_ttl": 1.0})
    task = host.task()
    first = task.token()
    second = host.task().replacement(first)
    time.sleep(1.1)
    third = host.task().replacement(second)
    assert len({first.value, second.value, third.value}) == 3


def test_a_refused_token_does_not_come_back(host: Host, emulator: Emulator) -> None:
    """Fails when the refused token stays in the cache although the login that should replace it failed."""
    refused = host.task().token()
    emulator.fault({"system": "vss", "action": "status", "status": 502, "match": {"login": True}})
    told = herd(1, lambda _number: host.task().replacement(refused).value)
    assert {one.kind for one in told} == {"server"}
    with later(3):
        assert host.token() != refused.value


def test_without_a_cache_each_logs_in(host: Host, emulator: Emulator) -> None:
    """Fails when ``cache: none`` keeps anything."""
    assert len(set(values(herd(4, lambda _number: host.token(cache="none"))))) == 4
    assert emulator.logins("vss") == 4
    assert not host.root.exists()
