# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The broker with a real store, an invented login and a clock that the tests move."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.broker import Broker
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache import codes, store
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.clocks import Timestamp
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.locks import FileLock
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.records import CacheEntry, FailureScope
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.store import FileStore
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError, configuration_error
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import Account, Token
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import CacheSettings

LIFE = 1000.0
ACCOUNT = Account("vss", "VSS", "https://vss.example.com", "user", credential=("CANARY-password",))
REJECTED = ApiError(errors.CREDENTIALS, "the login was rejected", status=401, sent=True, tries=1, token_refused=True)
DOWN = ApiError(errors.SERVER, "out of order", status=502, sent=True)
NO_CONNECTION = ApiError(errors.NETWORK, "no connection")


class Clock:
    """All clocks of this process; they stand still until a test moves them."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.start = time.time()

    def wall(self) -> float:
        return self.start + self.seconds

    def since_boot(self, _clock: int = 0) -> float:
        return 5000.0 + self.seconds


class Budget:
    """Waiting that takes no time; `while_waiting` happens in each wait."""

    def __init__(self, clock: Clock, seconds: float = 60.0) -> None:
        self.left = seconds
        self.while_waiting: Callable[[], object] = lambda: None
        self._clock = clock

    def sleep(self, seconds: float) -> bool:
        if seconds > self.left:
            return False
        self.left -= seconds
        self._clock.seconds += seconds
        self.while_waiting()
        return True


class Source:
    """A system whose logins give `token-1`, `token-2` and so on, or fail as the test says."""

    def __init__(self, account: Account = ACCOUNT) -> None:
        self.account = account
        self.clock_offset: float | None = None
        self.failure: ApiError | None = None
        self.during: Callable[[], object] = lambda: None
        self.logins: list[bool] = []
        self.times: list[float] = []

    def login(self, now: float, otp: str | None, *, patient: bool) -> Token:
        self.logins.append(patient)
        self.times.append(now)
        self.during()
        if self.failure is not None:
            raise self.failure
        return Token(f"CANARY-token-{len(self.logins)}", LIFE)


class System:
    """A directory of cached tokens, a clock, and one source; each `broker` is another process."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self.root = root
        self.clock = clock
        self.source = Source()
        self.budget = Budget(clock)

    def store(self, *directories: str) -> FileStore:
        paths = directories or (str(self.root / "cache"), str(self.root / "run"))
        return FileStore(CacheSettings("file", paths, (str(self.root / "key"),)))

    def broker(self, account: Account | None = None, store: FileStore | None = None, scope: tuple[str, ...] = ("timeout=30",)) -> Broker:
        if account is not None:
            self.source.account = account
        return Broker(self.source, store or self.store(), self.budget, connection_scope=scope)

    def token(self, **options: Any) -> str:
        return self.broker(**options).token().value

    def error(self, **options: Any) -> ApiError:
        with pytest.raises(ApiError) as raised:
            self.broker(**options).token()
        return raised.value

    @property
    def logins(self) -> int:
        return len(self.source.logins)

    def lock(self) -> FileLock:
        """What another process holds while it logs in."""
        lock = self.store().lock(ACCOUNT.identity)
        assert lock is not None
        return lock

    def entry(self) -> CacheEntry:
        entry = self.store().read(ACCOUNT.identity)
        assert entry is not None
        return entry

    def other_process(self, value: str = "CANARY-other", requested: float = 0.0, took: float = 0.0, lifetime: float = LIFE) -> None:
        """Let another process store a token that it requested so many seconds ago, in a login that took so long."""
        key = self.store().key()
        assert key is not None
        now = Timestamp.now()
        entry = self.store().read(ACCOUNT.identity) or CacheEntry.of(ACCOUNT)
        entry = entry.with_token(key, ACCOUNT, Token(value, lifetime), now._replace(wall=now.wall - requested, boot=now.boot - requested))
        assert entry.token is not None
        assert self.store().write(ACCOUNT.identity, entry._replace(token=entry.token._replace(request_seconds=took)))


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock.wall)
    monkeypatch.setattr(time, "clock_gettime", clock.since_boot)
    monkeypatch.setattr(time, "monotonic", clock.since_boot)
    monkeypatch.setattr(store, "_given", set())
    monkeypatch.setattr(codes, "_sent", set())
    return System(tmp_path, clock)


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
    """Fails when it is not made, is made too early, or is made patiently."""
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


# -- failures are shared -----------------------------------------------------------------------------------------


def test_a_rejected_login_is_shared_for_a_minute(system: System) -> None:
    """Fails when others try again, or when the error is not the one that the first task got."""
    system.source.failure = REJECTED
    first, second = system.error(), system.error()
    assert system.logins == 1
    assert str(first) == str(second) == "VSS at vss.example.com: the login was rejected"
    for error in (first, second):
        assert (error.kind, error.status, error.sent, error.tries, error.token_refused) == (errors.CREDENTIALS, 401, False, 0, False)
    system.clock.seconds = 59
    system.error()
    assert system.logins == 1
    system.clock.seconds = 61
    system.error()
    assert system.logins == 2


def test_rejections_double(system: System) -> None:
    """Fails when the time is not doubled, not limited, or when a rejection of long ago counts as a repetition."""
    system.source.failure = REJECTED
    tried = []
    for moment in range(0, 3000, 20):
        before = system.logins
        system.clock.seconds = moment
        system.error()
        if system.logins > before:
            tried.append(moment)
    assert tried == [0, 60, 180, 420, 900, 1800, 2700]
    system.clock.seconds = 2700 + 3 * 900 + 1
    system.error()
    assert system.entry().failures[-1].stands_for == 60


def test_a_corrected_credential_is_tried_at_once(system: System) -> None:
    """Fails when a failure is not bound to its credential, or stays for the wrong one after a login with the right one."""
    system.source.failure = REJECTED
    system.error()
    system.source.failure = None
    assert system.token(account=ACCOUNT._replace(credential=("right",))) == "CANARY-token-2"
    system.source.failure = REJECTED
    assert system.error(account=ACCOUNT).kind == errors.CREDENTIALS
    assert system.logins == 2


def test_another_one_time_code_is_tried_at_once(system: System) -> None:
    """Fails when a rejection is bound to the password alone."""
    system.source.failure = REJECTED
    for code, logins in (("000000", 1), ("000000", 1), ("000001", 2)):
        system.error(account=ACCOUNT._replace(one_time_codes=(code,)))
        assert system.logins == logins


def test_a_failed_connection_is_shared_by_those_with_the_same_settings(system: System) -> None:
    """Fails when other settings inherit the failure, when the same ones do not, or when a proxy's password is part of them."""
    system.source.failure = NO_CONNECTION
    system.error(scope=("proxy=http://user:one@proxy:3128",))
    system.error(scope=("proxy=http://user:two@proxy:3128",))
    assert system.logins == 1
    system.error(scope=("proxy=None",))
    assert system.logins == 2
    system.clock.seconds = 2.1
    system.error(scope=("proxy=None",))
    assert system.logins == 3


def test_the_systems_own_failure_is_shared_by_all(system: System) -> None:
    """Fails when a failure of the system depends on settings or credentials."""
    system.source.failure = DOWN
    system.error()
    system.error(scope=("timeout=1",), account=ACCOUNT._replace(credential=("another",)))
    assert system.logins == 1
    system.clock.seconds = 2.1
    system.source.failure = None
    assert system.token() == "CANARY-token-2"
    assert not system.entry().failures


def test_the_time_that_a_system_asks_for(system: System) -> None:
    """Fails when it is not kept, or does not count down."""
    system.source.failure = ApiError(errors.RATE_LIMITED, "slow down", status=429, retry_after=90.0, sent=True)
    system.error()
    system.clock.seconds = 30
    assert system.error().retry_after == 60
    system.clock.seconds = 89
    system.error()
    assert system.logins == 1
    system.clock.seconds = 91
    system.error()
    assert system.logins == 2


def test_a_configuration_error_is_not_shared(system: System) -> None:
    """Fails when a corrected option does not work at once."""
    system.source.failure = configuration_error("wrong option")
    assert str(system.error()) == "VSS at vss.example.com: wrong option"
    assert not list((system.root / "cache" / "v1").glob("?" * 32))


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


# -- waiting -----------------------------------------------------------------------------------------------------


def test_a_process_that_waits_uses_the_token_of_the_other(system: System) -> None:
    """Fails when the cache is read only after the lock was acquired: the other process may hold it for long."""
    system.token()
    system.clock.seconds = LIFE
    lock = system.lock()
    system.budget.while_waiting = lambda: system.other_process("CANARY-new") if system.clock.seconds > LIFE + 0.5 else None
    assert system.token() == "CANARY-new"
    assert system.logins == 1
    lock.release()


def test_a_failure_during_the_wait_is_shared_however_short_it_stands(system: System) -> None:
    """Fails when those that wait log in one after the other, each for as long as the system hangs."""
    lock = system.lock()

    def other_fails() -> None:
        if system.clock.seconds > 1 and not (entry := system.store().read(ACCOUNT.identity)):
            entry = CacheEntry.of(ACCOUNT)
            key = system.store().key()
            assert key is not None
            system.source.failure = DOWN
            moment = Timestamp.now()
            assert system.store().write(ACCOUNT.identity, entry.with_failure(FailureScope(), DOWN, moment))
            system.clock.seconds += 30
            lock.release()

    system.budget.while_waiting = other_fails
    assert system.error().kind == errors.SERVER
    assert system.logins == 0


def test_the_budget_ends_the_wait(system: System, caplog: pytest.LogCaptureFixture) -> None:
    """Fails when a waiting process logs in without the lock, or when nobody is told why a task takes so long."""
    caplog.set_level(logging.INFO, "apiauth.tokens")
    lock = system.lock()
    error = system.error()
    lock.release()
    assert (error.kind, system.logins) == (errors.NETWORK, 0)
    assert "another process has been logging in for more than 60 seconds" in str(error)
    assert [record.getMessage() for record in caplog.records] == [
        "VSS at vss.example.com: still waiting after 5 seconds for another process on this host, which is requesting a token for user"
    ]


# -- no locks, no directory --------------------------------------------------------------------------------------


def test_without_locks_there_is_a_warning(system: System, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Fails when the task fails, or when nobody is told that logins are not shared."""

    def flock(*_arguments: Any) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", flock)
    broker = system.broker()
    assert broker.token() == broker.token()._replace(from_cache=False)
    broker.token(refresh=True)
    (record,) = caplog.records
    assert (record.levelname, record.name) == ("WARNING", "apiauth.tokens")
    assert record.getMessage() == (
        f"simultaneous tasks may each log in for themselves: {system.root}/cache/v1 does not support locks. Set cache_dir to a directory of your own."
    )
    assert system.budget.left < 60


@pytest.mark.parametrize("path", ["~/.ansible/apiauth", "relative/cache", "/proc/apiauth", "/dev/null/x"])
def test_an_unusable_directory_is_a_warning(system: System, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str) -> None:
    """Fails when the task fails, when it is warned twice, or when a `~` that could not be expanded becomes a directory."""
    monkeypatch.chdir(system.root)
    broker = system.broker(store=system.store(path))
    assert broker.token() != broker.token()
    (record,) = caplog.records
    assert record.getMessage().startswith(f"tokens are not cached, so every task logs in for itself: {path}/v1 ")
    assert [file.name for file in system.root.iterdir()] == []


def test_an_unusable_directory_gives_way_to_the_next(system: System, caplog: pytest.LogCaptureFixture) -> None:
    """Fails when the run's own directory is not used, or is not read."""
    paths = ("~/cache", str(system.root / "run"))
    assert system.token(store=system.store(*paths)) == system.token(store=system.store(*paths))
    assert system.logins == 1
    assert [record.getMessage()[:40] for record in caplog.records] == ["tokens are cached for this run only: ~/c"]


def test_a_file_system_without_permissions(system: System, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Fails when tokens are written where others can read them, because chmod is ignored without an error (CIFS, vboxsf, drvfs)."""
    shared = system.root / "shared"
    shared.mkdir()
    real_mkdir, real_chmod = os.mkdir, os.chmod

    def mkdir(path: str, mode: int = 0o777) -> None:
        real_mkdir(path, mode)
        if str(path).startswith(str(shared)):
            real_chmod(path, 0o777)

    monkeypatch.setattr(os, "mkdir", mkdir)
    monkeypatch.setattr(os, "chmod", lambda path, mode: None if str(path).startswith(str(shared)) else real_chmod(path, mode))
    paths = (str(shared / "cache"), str(system.root / "run"))
    tokens = {system.token(store=system.store(*paths)) for _process in range(3)}
    assert (len(tokens), system.logins) == (1, 1)
    assert not list((shared / "cache" / "v1").iterdir())
    (record,) = caplog.records
    assert "does not store permissions" in record.getMessage()


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


# -- other hosts -------------------------------------------------------------------------------------------------


class FakeLease:
    """What a Redis server does, for one test; `holder` is the host that has the lease."""

    def __init__(self) -> None:
        self.holder = ""
        self.shared: CacheEntry | None = None
        self.events: list[str] = []

    def acquire(self, _identity: object, _lock: FileLock | None, _seconds: float) -> bool:
        self.events.append("acquire")
        if self.holder not in ("", "me"):
            return False
        self.holder = "me"
        return True

    def release(self) -> None:
        self.events.append("release")
        self.holder = "" if self.holder == "me" else self.holder

    def read(self, _identity: object) -> CacheEntry | None:
        return self.shared

    def write(self, _identity: object, entry: CacheEntry) -> bool:
        self.events.append("write")
        if self.holder != "me":
            return False
        self.shared = entry
        return True

    def claim_code(self, _label: str, _step: int, _ahead: int) -> bool:
        return True


class SharedStore(FileStore):
    """A file cache whose misses ask other hosts."""

    def __init__(self, system: System, lease: FakeLease) -> None:
        super().__init__(CacheSettings("redis", (str(system.root / "cache"),), (), "shared key"))
        self._lease = lease

    def lease(self) -> FakeLease:
        return self._lease

    def entry_of_another_host(self, value: str) -> CacheEntry:
        key = self.key()
        assert key is not None
        return CacheEntry.of(ACCOUNT).with_token(key, ACCOUNT, Token(value, LIFE), Timestamp.now())


def test_the_leader_of_all_hosts_shares_its_token(system: System) -> None:
    """Fails when the token is not shared, or when the lease is released before it is, or not at all."""
    lease = FakeLease()
    assert system.token(store=SharedStore(system, lease)) == "CANARY-token-1"
    assert lease.events == ["acquire", "write", "release"]
    assert lease.shared is not None


def test_a_failure_is_shared_with_other_hosts(system: System) -> None:
    """Fails when each host tries a wrong credential, or keeps the lease after it."""
    lease = FakeLease()
    system.source.failure = REJECTED
    system.error(store=SharedStore(system, lease))
    assert (lease.events, lease.holder) == (["acquire", "write", "release"], "")
    assert lease.shared is not None
    assert lease.shared.failures


def test_a_token_of_another_host_is_used_and_kept(system: System) -> None:
    """Fails when the other hosts are not asked, or when each process of a host has to ask them."""
    lease = FakeLease()
    shared = SharedStore(system, lease)
    lease.shared = shared.entry_of_another_host("CANARY-far")
    assert system.token(store=shared) == "CANARY-far"
    lease.shared = None
    assert system.token(store=shared) == "CANARY-far"
    assert system.logins == 0


def test_a_host_waits_for_the_one_that_has_the_lease(system: System, caplog: pytest.LogCaptureFixture) -> None:
    """Fails when a host logs in beside the one that does, or does not say what it waits for."""
    caplog.set_level(logging.DEBUG, "apiauth.tokens")
    lease = FakeLease()
    lease.holder = "other"
    shared = SharedStore(system, lease)

    def other_finishes() -> None:
        if system.clock.seconds > 2:
            lease.shared = shared.entry_of_another_host("CANARY-far")

    system.budget.while_waiting = other_finishes
    assert system.token(store=shared) == "CANARY-far"
    assert system.logins == 0
    assert "waiting for a process on another host (the lease does not say which)" in caplog.text


def test_a_lost_lease_does_not_lose_the_token(system: System) -> None:
    """Fails when the task fails because another host took over meanwhile, or when its late token replaces that host's."""
    lease = FakeLease()
    shared = SharedStore(system, lease)
    far = shared.entry_of_another_host("CANARY-far")

    def other_takes_over() -> None:
        lease.holder, lease.shared = "other", far

    system.source.during = other_takes_over
    assert system.token(store=shared) == "CANARY-token-1"
    assert (lease.shared, lease.holder) == (far, "other")


def test_a_refresh_by_another_host_is_not_waited_for(system: System) -> None:
    """Fails when a host waits for the refresh of another one, or asks for the lease again at once."""
    lease = FakeLease()
    shared = SharedStore(system, lease)
    system.token(store=shared)
    lease.holder, lease.events = "other", []
    for moment, asked in ((860, 1), (864, 1), (866, 2)):
        system.clock.seconds = moment
        assert system.token(store=shared) == "CANARY-token-1"
        assert lease.events.count("acquire") == asked
    assert (system.logins, system.budget.left) == (1, 60)


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
