# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One login: its one-time codes, the system's clock, and when it is sent again."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from pathlib import Path

import pyotp
import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache import codes
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.codes import UsedCodes
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.store import FileStore
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.retries import WaitBudget
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.login import CodeUnavailable, Login
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import Account, Token
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import CacheSettings

KEY = "JBSWY3DPEHPK3PXPCANARY7777777777"
LONG = f"otpauth://totp/x?secret={KEY}&period=60&digits=8"
ACCOUNT = Account("vss", "VSS", "https://vss.example.com", "user", credential=("CANARY",), depends_on_clock=True)
WITH_TOTP = ACCOUNT._replace(totp_secret=KEY)
TYPED = ACCOUNT._replace(one_time_codes=("123456",), depends_on_clock=False)
UNAVAILABLE = ApiError(errors.SERVER, "not now", status=503, sent=True, tries=1)
REJECTED = ApiError(errors.CREDENTIALS, "rejected", status=401, sent=True, tries=1, token_refused=True)
MINUTE = 1_800_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = MINUTE


class Budget(WaitBudget):
    def __init__(self, clock: Clock, seconds: float = 60.0) -> None:
        super().__init__(seconds)
        self.slept: list[float] = []
        self._clock = clock

    def allow(self, seconds: float) -> None:
        self._left = seconds

    def sleep(self, seconds: float) -> bool:
        if seconds > self.left:
            return False
        self.lower_to(self.left - seconds)
        self.slept.append(seconds)
        self._clock.now += seconds
        return True


class Source:
    """A system that answers with these failures in turn, and then with tokens; ``offset`` is what its clock is ahead."""

    def __init__(self, account: Account, *failures: ApiError, offset: float | None = None) -> None:
        self.account = account
        self.clock_offset: float | None = None
        self.requests: list[tuple[float, str | None, bool]] = []
        self._failures = list(failures)
        self._offset = offset

    def login(self, now: float, otp: str | None, *, retry: bool) -> Token:
        self.requests.append((now, otp, retry))
        self.clock_offset = self._offset
        if self._failures:
            raise self._failures.pop(0)
        return Token("token", 1000.0)

    @property
    def codes(self) -> list[str | None]:
        return [otp for _now, otp, _retry in self.requests]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", lambda: clock.now)
    monkeypatch.setattr(codes, "_sent", set())
    return clock


@pytest.fixture
def budget(clock: Clock) -> Budget:
    return Budget(clock)


def store(root: Path) -> FileStore:
    return FileStore(CacheSettings("file", (str(root / "cache"),), (str(root / "key"),)))


def login(source: Source, budget: Budget, root: Path | None = None, retries: int = 3, clock_offset: float = 0.0) -> Login:
    return Login(source, budget, UsedCodes(store(root) if root else None, None), retries=retries, clock_offset=clock_offset)


def failure_of(made: Login, retry: bool = True) -> ApiError:
    with pytest.raises(ApiError) as raised:
        made.run(retry=retry)
    return raised.value


# -- computed codes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("secret", "period"), [(KEY, 30), (LONG, 60)])
def test_no_computed_code_is_sent_twice(clock: Clock, budget: Budget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str, period: int) -> None:
    """Fails when a code is not recorded for other processes, or when the wait is not as long as the period of the secret."""
    source = Source(WITH_TOTP._replace(totp_secret=secret))
    budget.allow(1000.0)
    for _process in range(3):
        monkeypatch.setattr(codes, "_sent", set())
        login(source, budget, tmp_path).run()
    expected = pyotp.TOTP(KEY, digits=8 if period == 60 else 6, interval=period)
    assert source.codes == [expected.at(MINUTE + number * period) for number in range(3)]
    assert budget.slept == pytest.approx([period, period], abs=0.1)


def test_another_spelling_of_the_same_key_has_the_same_codes(clock: Clock, budget: Budget, tmp_path: Path) -> None:
    """Fails when used codes are recorded by the text of the option."""
    source = Source(WITH_TOTP)
    login(source, budget, tmp_path).run()
    source.account = WITH_TOTP._replace(totp_secret=f"otpauth://totp/x?secret={KEY.lower()}")
    login(source, budget, tmp_path).run()
    assert len(set(source.codes)) == 2


def test_of_two_processes_that_find_a_code_free_one_gets_it(clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when a code is claimed by a look at the directory instead of the creation of a file."""
    monkeypatch.setattr(UsedCodes, "is_free", lambda *_arguments: True)
    assert [UsedCodes(store(tmp_path), None).claim("secret", 7) for _process in range(3)] == [True, False, False]


def test_a_process_remembers_its_codes_without_a_store(clock: Clock, budget: Budget) -> None:
    """Fails when a code is sent twice by a process that cannot write."""
    source = Source(WITH_TOTP)
    login(source, budget).run()
    login(source, budget).run()
    assert len(set(source.codes)) == 2


def test_codes_shortly_after_a_used_one_are_not_older(clock: Clock, budget: Budget, tmp_path: Path) -> None:
    """Fails when a clock that is set back by less than a minute makes a system accept nothing, or a code be sent again."""
    source = Source(WITH_TOTP)
    login(source, budget, tmp_path).run()
    clock.now -= 60
    budget.allow(1000.0)
    login(source, budget, tmp_path).run()
    assert source.codes == [pyotp.TOTP(KEY).at(MINUTE), pyotp.TOTP(KEY).at(MINUTE + 30)]


def test_a_task_that_may_not_wait_for_a_code(clock: Clock, budget: Budget, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Fails when it waits beyond its budget, or when a refresh waits at all."""
    caplog.set_level(logging.INFO, "apiauth.tokens")
    source = Source(WITH_TOTP)
    login(source, budget, tmp_path).run()
    budget.lower_to(29.0)
    for retry in (True, False):
        error = failure_of(login(source, budget, tmp_path), retry)
        assert isinstance(error, CodeUnavailable)
        assert (error.kind, error.retry_after) == (errors.RATE_LIMITED, 30)
        assert str(error).startswith("VSS at vss.example.com: every one-time code of the next 30 seconds")
        budget.allow(1000.0)
    assert (budget.slept, len(source.requests), caplog.records) == ([], 1, [])


def test_a_long_wait_for_a_code_is_explained(clock: Clock, budget: Budget, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Fails when a user does not learn why a task takes half a minute."""
    caplog.set_level(logging.INFO, "apiauth.tokens")
    source = Source(WITH_TOTP)
    login(source, budget, tmp_path).run()
    login(source, budget, tmp_path).run()
    assert [record.getMessage() for record in caplog.records] == [
        "VSS at vss.example.com: this one-time code has been used, the next one is sent in 30.0 seconds"
    ]


def test_a_secret_that_gives_no_codes_is_found_before_anything_is_sent(clock: Clock, budget: Budget) -> None:
    """Fails when the error does not say which system's option is wrong."""
    source = Source(WITH_TOTP._replace(totp_secret="not base32!"))
    assert str(failure_of(login(source, budget))).startswith("VSS at vss.example.com: totp_secret holds no base32 key")
    assert source.requests == []


# -- typed codes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failures", [(), (REJECTED,)])
def test_a_typed_code_is_sent_once(clock: Clock, budget: Budget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: tuple[ApiError, ...]) -> None:
    """Fails when another process sends the code that a person typed again, also if the login was rejected."""
    source = Source(TYPED, *failures)
    with suppress(ApiError):
        login(source, budget, tmp_path).run()
    monkeypatch.setattr(codes, "_sent", set())
    error = failure_of(login(source, budget, tmp_path))
    assert isinstance(error, CodeUnavailable)
    assert "has been used for a login already" in str(error)
    assert len(source.requests) == 1
    source.account = TYPED._replace(one_time_codes=("654321",))
    assert login(source, budget, tmp_path).run()


def test_a_typed_code_that_was_not_sent_is_not_used(clock: Clock, budget: Budget, tmp_path: Path) -> None:
    """Fails when a connection that was never made costs a code."""
    source = Source(TYPED, ApiError(errors.NETWORK, "no connection"))
    failure_of(login(source, budget, tmp_path))
    assert login(source, budget, tmp_path).run()


def test_a_typed_code_is_taken_before_it_is_sent(clock: Clock, budget: Budget, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when two processes that no lock keeps apart both find the code free, and send it."""
    source = Source(TYPED)
    others: list[bool] = []
    real = source.login

    def while_another_looks(now: float, otp: str | None, *, retry: bool) -> Token:
        codes._sent.clear()
        others.append(UsedCodes(store(tmp_path), None).claim("\0".join((*TYPED.credential, *TYPED.one_time_codes)), 0))
        return real(now, otp, retry=retry)

    monkeypatch.setattr(source, "login", while_another_looks)
    login(source, budget, tmp_path).run()
    assert others == [False]


# -- the system's clock ------------------------------------------------------------------------------------------


def test_the_time_of_the_system(clock: Clock, budget: Budget, tmp_path: Path) -> None:
    """Fails when a login that a wrong clock may have spoiled is not repeated with the system's time, or its offset is not returned."""
    source = Source(WITH_TOTP, REJECTED, offset=600.0)
    made = login(source, budget, tmp_path)
    token = made.run()
    assert [now for now, _otp, _retry in source.requests] == [MINUTE, MINUTE + 600]
    assert source.codes == [pyotp.TOTP(KEY).at(MINUTE), pyotp.TOTP(KEY).at(MINUTE + 600)]
    assert made.clock_offset == 600
    assert token.expires_at == MINUTE + 1000


@pytest.mark.parametrize(
    ("account", "failure", "offset", "assumed", "requests"),
    [
        (ACCOUNT, REJECTED, 600.0, 600.0, 1),
        (ACCOUNT, REJECTED, 19.0, 0.0, 1),
        (ACCOUNT, REJECTED, 15.0, 30.0, 1),
        (ACCOUNT, REJECTED, 0.0, 600.0, 2),
        (ACCOUNT, REJECTED, None, 0.0, 1),
        (ACCOUNT, ApiError(errors.FORBIDDEN, "x", status=403), 600.0, 0.0, 1),
        (ACCOUNT._replace(depends_on_clock=False), REJECTED, 600.0, 0.0, 1),
    ],
)
def test_when_the_clock_can_be_the_reason(
    clock: Clock, budget: Budget, account: Account, failure: ApiError, offset: float | None, assumed: float, requests: int
) -> None:
    """Fails when a rejection that has another reason costs a second login: it counts to a lock-out."""
    source = Source(account, failure, failure, failure, offset=offset)
    failure_of(login(source, budget, clock_offset=assumed))
    assert len(source.requests) == requests


def test_an_offset_that_does_not_matter_is_none(clock: Clock, budget: Budget) -> None:
    """Fails when the delay of replies accumulates as an offset, or an old offset stays."""
    made = login(Source(ACCOUNT, offset=5.0), budget, clock_offset=600.0)
    made.run()
    assert made.clock_offset == 0


# -- when a login is sent again ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
def test_a_login_that_was_not_processed_is_sent_again_with_another_code(clock: Clock, budget: Budget, tmp_path: Path, status: int) -> None:
    """Fails when it is not, or when the same code is sent again."""
    source = Source(WITH_TOTP, UNAVAILABLE.replace(status=status, retry_after=2.0))
    assert login(source, budget, tmp_path).run()
    assert len(set(source.codes)) == 2
    assert budget.slept[0] == 2.0


@pytest.mark.parametrize("asked", [None, 0.0])
def test_a_login_is_not_sent_again_at_once(clock: Clock, budget: Budget, asked: float | None) -> None:
    """Fails when a system that asks for no wait at all gets all logins within milliseconds."""
    source = Source(ACCOUNT, *[UNAVAILABLE.replace(retry_after=asked)] * 3)
    assert login(source, budget).run()
    assert len(set(budget.slept)) == 3
    assert min(budget.slept) > 0


@pytest.mark.parametrize(("retries", "left", "requests"), [(0, 60.0, 1), (2, 60.0, 3), (2, 0.5, 1)])
def test_how_often_a_login_is_sent_again(clock: Clock, budget: Budget, retries: int, left: float, requests: int) -> None:
    """Fails when the options for retries do not limit it."""
    source = Source(ACCOUNT, *[UNAVAILABLE.replace(retry_after=1.0)] * 9)
    budget.lower_to(left)
    assert failure_of(login(source, budget, retries=retries)).status == 503
    assert len(source.requests) == requests


@pytest.mark.parametrize(
    ("account", "failure", "retry"),
    [
        (ACCOUNT, UNAVAILABLE, False),
        (ACCOUNT, UNAVAILABLE.replace(status=502), True),
        (ACCOUNT, REJECTED, True),
        # Its source may repeat the request, because nothing in it is valid once only.
        (ACCOUNT._replace(depends_on_clock=False), UNAVAILABLE, True),
    ],
)
def test_what_is_not_sent_again(clock: Clock, budget: Budget, account: Account, failure: ApiError, retry: bool) -> None:
    """Fails when a login is repeated that the system may have processed, or while a cached token still works."""
    source = Source(account, failure, failure)
    failure_of(login(source, budget), retry)
    assert [was_retried for _now, _otp, was_retried in source.requests] == [retry]


def test_the_error_is_about_a_login(clock: Clock, budget: Budget) -> None:
    """Fails when it looks as if the call had been sent, or as if another token could help."""
    error = failure_of(login(Source(ACCOUNT, REJECTED), budget))
    assert (error.target, error.status, error.tries, error.sent, error.token_refused) == ("VSS at vss.example.com", 401, 0, False, False)
    assert REJECTED.sent
