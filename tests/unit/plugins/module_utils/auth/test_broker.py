# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the broker decides: when it uses the cached token, when it logs in, and whose failure it believes."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest
from engine.brokers import ACCOUNT, DOWN, LIFE, REJECTED, System

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.broker import Broker
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.locks import FileLock
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError, configuration_error
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import Token


def replaced_once(system: System) -> Token:
    """A token that has replaced a refused one just now."""
    return system.broker().replace(system.broker().token())


# -- cold and hit ------------------------------------------------------------------------------------------------


def test_a_cold_cache_is_one_login(system: System) -> None:
    """Fails when the token is not stored, or when its expiry is not counted from the request."""
    first = system.broker().token()
    assert (first.value, first.from_cache, system.source.logins) == ("CANARY-token-1", False, [True])
    assert first.expires_at == system.clock.wall() + LIFE
    second = system.broker().token()
    assert (second.value, second.from_cache, second.expires_at, second.lifetime) == (first.value, True, first.expires_at, LIFE)
    assert system.logins == 1


def test_a_hit_needs_neither_lock_nor_login(system: System) -> None:
    """Fails when a reader waits for a process that logs in."""
    system.token()
    lock = system.lock()
    assert system.token() == "CANARY-token-1"
    lock.release()
    assert system.budget.left == 60


def test_a_supplied_token_is_returned_as_it_is(system: System) -> None:
    """Fails when a token that the user gave is looked up, or requested."""
    supplied = Token("given")
    assert system.broker(ACCOUNT._replace(supplied_token=supplied)).token(refresh=True) is supplied
    with pytest.raises(ApiError, match="the token was refused") as raised:
        system.broker().replace(supplied)
    assert (raised.value.token_refused, system.logins) == (True, 0)
    assert not (system.root / "cache").exists()


def test_without_a_store_each_task_logs_in(system: System) -> None:
    """Fails when something is cached although no cache is wanted."""
    broker = Broker(system.source, None, system.budget)
    assert broker.token() != broker.token()
    assert broker.replace(Token("x")).value == "CANARY-token-3"


def test_the_margin_before_the_expiry(system: System) -> None:
    """Fails when a token is handed out until its last second."""
    system.token()
    system.source.failure = DOWN
    system.clock.seconds = LIFE - 31
    assert system.token() == "CANARY-token-1"
    system.clock.seconds = LIFE - 29
    assert system.error().kind == errors.SERVER


def test_another_credential_does_not_get_the_token(system: System) -> None:
    """Fails when the fingerprint is not compared."""
    system.token()
    assert system.token(account=ACCOUNT._replace(credential=("another",))) == "CANARY-token-2"


# -- refresh before the expiry -----------------------------------------------------------------------------------


def test_a_refresh_before_the_expiry(system: System) -> None:
    """Fails when it is not made, is made too early, or is repeated."""
    system.token()
    system.clock.seconds = LIFE * 0.74
    assert system.token() == "CANARY-token-1"
    system.clock.seconds = LIFE * 0.86
    assert system.token() == "CANARY-token-2"
    assert system.source.logins == [True, False]


def test_a_refresh_that_fails_is_silent_and_pauses(system: System, caplog: pytest.LogCaptureFixture) -> None:
    """Fails when the error reaches the task, is a warning, or when the next task tries again within a minute."""
    system.token()
    system.source.failure = DOWN
    for moment, logins in ((860, 2), (919, 2), (921, 3)):
        system.clock.seconds = moment
        assert system.token() == "CANARY-token-1"
        assert system.logins == logins
    assert not [record for record in caplog.records if record.levelno >= logging.INFO]
    system.source.failure = None
    system.clock.seconds = 990
    assert system.token() == "CANARY-token-4"
    assert system.entry().refresh_failure is None


def test_a_rejected_refresh_pauses_longer_each_time(system: System) -> None:
    """Fails when rejections in the background go on every minute: they count to a lock-out."""
    system.token()
    system.other_process(lifetime=100_000.0)
    system.source.failure = REJECTED
    tried = []
    for moment in range(86_000, 87_000, 10):
        before = system.logins
        system.clock.seconds = moment
        assert system.token() == "CANARY-other"
        if system.logins > before:
            tried.append(moment - 86_000)
    assert tried == [0, 60, 180, 420, 900]
    # Until then, no task even takes the lock.
    failure = system.entry().refresh_failure
    assert failure is not None
    assert failure.pause == 900


def test_a_refresh_by_another_process_is_not_waited_for(system: System) -> None:
    """Fails when the process waits, or refreshes too."""
    system.token()
    system.clock.seconds = LIFE * 0.86
    lock = system.lock()
    assert system.token() == "CANARY-token-1"
    lock.release()
    assert (system.logins, system.budget.left) == (1, 60)


def test_a_refresh_that_another_process_has_just_made(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when the entry is not read again under the lock."""
    system.token()
    system.clock.seconds = LIFE * 0.86
    late = system.store()
    real = late.lock

    def lock(identity: Sequence[str]) -> FileLock | None:
        system.other_process()
        return real(identity)

    monkeypatch.setattr(late, "lock", lock)
    assert system.token(store=late) == "CANARY-other"
    assert system.logins == 1


def test_a_standing_failure_forbids_a_refresh(system: System) -> None:
    """Fails when a task that has a token makes the login that is forbidden to those that have none."""
    system.token()
    system.clock.seconds = 10
    system.source.failure = REJECTED
    with pytest.raises(ApiError):
        system.broker().token(refresh=True)
    system.clock.seconds = 50
    system.other_process(requested=860)
    assert system.token() == "CANARY-other"
    assert system.logins == 2


# -- refused tokens ----------------------------------------------------------------------------------------------


def test_a_refused_token_is_replaced_once(system: System) -> None:
    """Fails when the process that comes second does not use the token that the first one got."""
    refused = system.broker().token()
    assert system.broker().replace(refused).value == "CANARY-token-2"
    again = system.broker().replace(refused)
    assert (again.value, again.from_cache) == ("CANARY-token-2", True)


def test_a_replacement_is_not_replaced_within_a_minute(system: System) -> None:
    """Fails when a refusal that no token cures costs more than one login a minute, or when no login is ever made again."""
    second = replaced_once(system)
    system.clock.seconds = 59
    with pytest.raises(ApiError, match="so was the one before") as raised:
        system.broker().replace(second)
    assert (raised.value.kind, raised.value.status, raised.value.token_refused, system.logins) == (errors.CREDENTIALS, 401, True, 2)
    system.clock.seconds = 61
    assert system.broker().replace(second).value == "CANARY-token-3"


def test_an_expired_replacement_is_replaced_however_young(system: System) -> None:
    """Fails when the limit also applies to tokens that live for seconds."""
    second = replaced_once(system)
    entry = system.entry()
    assert entry.token is not None
    system.store().write(ACCOUNT.identity, entry._replace(token=entry.token._replace(usable_seconds=5.0)))
    system.clock.seconds = 6
    assert system.broker().replace(second).value == "CANARY-token-3"


def test_a_refused_token_does_not_come_back(system: System) -> None:
    """Fails when it stays in the cache although the login that should replace it failed."""
    refused = system.broker().token()
    system.source.failure = DOWN
    with pytest.raises(ApiError):
        system.broker().replace(refused)
    system.source.failure = None
    system.clock.seconds = 3
    assert system.token() == "CANARY-token-3"


def test_a_configuration_error_removes_the_refused_token_too(system: System) -> None:
    """Fails when an entry without anything is not written."""
    refused = system.broker().token()
    system.source.failure = configuration_error("wrong option")
    with pytest.raises(ApiError):
        system.broker().replace(refused)
    assert system.entry().token is None


# -- refresh on request ------------------------------------------------------------------------------------------


def test_a_requested_refresh_is_a_login(system: System) -> None:
    """Fails when a cached token serves."""
    system.token()
    system.clock.seconds = 10
    assert system.broker().token(refresh=True).value == "CANARY-token-2"


@pytest.mark.parametrize(("requested", "took", "serves"), [(0.0, 0.0, True), (9.0, 9.0, True), (9.0, 0.1, False)])
def test_a_refresh_by_another_process_serves(system: System, requested: float, took: float, serves: bool) -> None:
    """Fails when a token is not used that was being requested when this task began, or when an older one is."""
    system.token()
    system.clock.seconds = 10
    lock = system.lock()

    def other_finishes() -> None:
        if system.clock.seconds > 10.3:
            system.other_process(requested=requested, took=took)
            lock.release()

    system.budget.while_waiting = other_finishes
    expected = "CANARY-other" if serves else "CANARY-token-2"
    assert system.broker().token(refresh=True).value == expected


# -- the system's clock ------------------------------------------------------------------------------------------

CLOCKED = ACCOUNT._replace(depends_on_clock=True)


def test_a_wrong_clock_costs_one_more_login(system: System) -> None:
    """Fails when the login is not repeated with the system's time, or when the offset is forgotten."""
    broker = system.broker(CLOCKED)

    def reply() -> None:
        system.source.clock_offset = 600.0
        system.source.failure = REJECTED if system.source.times[-1] < system.clock.wall() + 500 else None

    system.source.during = reply
    broker.token()
    assert system.source.times == [system.clock.wall(), system.clock.wall() + 600]
    system.clock.seconds = 10
    system.broker().token(refresh=True)
    assert system.source.times[2:] == [system.clock.wall() + 600]


def test_a_wrong_clock_is_corrected_once(system: System) -> None:
    """Fails when a system whose clock jumps is asked again and again."""
    system.source.failure = REJECTED

    def reply() -> None:
        assert system.logins < 5
        system.source.clock_offset = 600.0 * system.logins

    system.source.during = reply
    system.error(account=CLOCKED)
    assert system.logins == 2


# -- the log -----------------------------------------------------------------------------------------------------


def test_what_is_logged(system: System, caplog: pytest.LogCaptureFixture) -> None:
    """Fails when a decision cannot be followed at the highest verbosity, or when a line holds a secret."""
    caplog.set_level(logging.DEBUG, "apiauth.tokens")
    system.token()
    system.token()
    system.broker().replace(Token("CANARY-token-1"))
    system.source.failure = DOWN
    system.clock.seconds = 860
    system.token()
    system.source.failure = REJECTED
    system.clock.seconds = 980
    system.error()
    system.error()
    where = "VSS at vss.example.com: "
    assert [record.getMessage().replace(where, "") for record in caplog.records] == [
        "requesting a token for user (no usable token is cached)",
        "using the cached token of user, usable for another 970 seconds",
        "requesting a token for user (the system refused the token)",
        "requesting a token for user (the cached token expires soon)",
        "the refresh failed, so the cached token stays in use: out of order",
        "using the cached token of user, usable for another 110 seconds",
        "requesting a token for user (no usable token is cached)",
        "not logging in as user, because another task's login failed: the login was rejected",
    ]
    assert {record.levelname for record in caplog.records} == {"DEBUG"}
    assert "CANARY" not in caplog.text
