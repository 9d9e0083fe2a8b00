# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the broker shares a login with other processes and hosts, and what it does where that is impossible."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
from typing import Any

import pytest
from engine.brokers import ACCOUNT, DOWN, LIFE, REJECTED, Clock, System

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.clocks import Timestamp
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.locks import FileLock
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.records import CacheEntry, FailureScope
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.store import FileStore
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import Token
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import CacheSettings

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


# -- other hosts -------------------------------------------------------------------------------------------------


class FakeLease:
    """What a Redis server does, for one test; `holder` is the host that has the lease."""

    def __init__(self) -> None:
        self.holder = ""
        self.shared: CacheEntry | None = None
        self.events: list[str] = []
        self.clock: Clock | None = None
        self.ends = 0.0
        self.slowness = 0.0

    def acquire(self, _identity: object, _lock: FileLock | None, seconds: float) -> bool:
        self.events.append("acquire")
        if self.clock is not None:
            self.clock.seconds += self.slowness
            self.ends = self.clock.seconds + seconds
        if self.holder not in ("", "me"):
            return False
        self.holder = "me"
        return True

    def renew(self, seconds: float) -> None:
        if self.clock is not None:
            assert self.clock.seconds < self.ends
            self.ends = self.clock.seconds + seconds

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

    def give_back_code(self, _label: str, _step: int) -> None:
        pass


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


@pytest.mark.parametrize("waits", [(45.0,), (30.0, 30.0)])
def test_a_login_that_waits_keeps_the_lease(system: System, waits: tuple[float, ...]) -> None:
    """Fails when the lease ends while its holder waits as the system asked it to: another host would log in too."""
    lease = FakeLease()
    lease.clock = system.clock

    def wait_as_asked() -> None:
        for seconds in waits:
            assert system.budget.sleep(seconds)
        assert lease.ends >= system.clock.seconds + 30

    system.source.during = wait_as_asked
    system.token(store=SharedStore(system, lease))
    # What the task waits for after the login is not the lease's concern.
    ends, system.budget = lease.ends, type(system.budget)(system.clock)
    system.budget.sleep(1.0)
    assert lease.ends == ends


def test_a_second_try_with_another_time_keeps_the_lease(system: System) -> None:
    """Fails when a login that is sent twice has the lease for the time of one."""
    lease = FakeLease()
    lease.clock = system.clock

    def slow_rejection() -> None:
        system.clock.seconds += 29.0
        assert lease.ends >= system.clock.seconds
        system.source.clock_offset, system.source.failure = 600.0, REJECTED if system.logins == 1 else None

    system.source.during = slow_rejection
    assert system.token(store=SharedStore(system, lease), account=ACCOUNT._replace(depends_on_clock=True)) == "CANARY-token-2"


def test_asking_a_slow_server_is_waiting_too(system: System) -> None:
    """Fails when a task waits beyond max_wait because each question takes long, or when it does nothing but ask."""
    lease = FakeLease()
    lease.clock, lease.holder, lease.slowness = system.clock, "other", 0.9
    assert system.error(store=SharedStore(system, lease)).kind == errors.NETWORK
    assert 59 < system.clock.seconds < 62
    assert lease.events.count("acquire") < 40


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
