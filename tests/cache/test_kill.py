# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that are killed or stopped wherever it hurts."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from cache.herd import Herd, errors, herd, slack, sound, values
from cache.lab import Host
from cache.tracer import NoTracing, killed_at
from emulator.client import Emulator, wait_until

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.locks import try_lock
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import Token

Measured = Callable[[str, Any], None]
TOKENS = ("eyJhbGciOiJub25lIn0.e30." + "A" * 43, "0123456789abcdef0123456789abcdef01234567", "OTHER-TOKEN-" + "Z" * 400)


def invented(*_arguments: object, **_options: object) -> Token:
    """A login that needs no network."""
    return Token(random.choice(TOKENS), 3600.0)


def fetch(host: Host, refresh: bool = False) -> str:
    task = host.task()
    with mock.patch.object(task.client, "login", invented):
        return task.token(refresh=refresh).value


def checked(host: Host) -> tuple[bool, float]:
    """Whether the next reader has a hit, and how long the next login waits for its lock."""
    task = host.task()
    entry = task.store.read(task.account.identity) if task.store else None
    key = task.store.key() if task.store else None
    token = entry.unlock(key, task.account) if entry and key else None
    assert token is None or token.value in TOKENS
    began = time.monotonic()
    lock = host.store().lock(task.account.identity)
    assert lock is not None, "a dead process still holds the lock"
    waited = time.monotonic() - began
    lock.release()
    return token is not None, waited


def test_killed_at_random_moments(host: Host, measured: Measured) -> None:
    """Fails when an entry is written in place, or when the lock is a file that only its holder removes."""
    fetch(host)
    hits, waits = 0, []
    for _round in range(300):
        with Herd(1, lambda _number: [fetch(host, refresh=True) for _again in range(200)]) as writer:
            writer.go()
            time.sleep(random.uniform(0.002, 0.012))
            writer.kill(0)
            sound(writer.answers())
        hit, waited = checked(host)
        hits += hit
        waits.append(waited)
    assert fetch(host) in TOKENS
    assert hits == 300, "a reader lost an entry that was there"
    measured("kill.random_kills", len(waits))
    measured("kill.hits_after_random_kills", hits)
    measured("kill.longest_wait_for_the_lock_seconds", max(waits))
    assert max(waits) < 0.1


def test_killed_at_every_system_call(host: Host, tmp_path: Path, measured: Measured, without: Callable[[str], None]) -> None:
    """Fails when a half-made directory, key, lock or entry makes a later process fail."""
    stops = 0
    for warm in (False, True):
        stop, ended = 0, False
        while not ended:
            stop += 1
            fresh = Host(host.emulator, tmp_path / f"killed-{warm}-{stop}")
            if warm:
                fetch(fresh)
            try:
                ended = not killed_at(stop, partial(fetch, fresh, refresh=warm))
            except NoTracing as reason:
                without(f"kills at every system call: {reason}")
            hit, waited = checked(fresh)
            assert waited < 0.1
            assert hit or not warm
            assert fetch(fresh) in TOKENS
            assert fetch(fresh) == fetch(fresh)
        assert stop > 40
        stops += stop
    measured("kill.system_calls", stops)


def in_login(host: Host, emulator: Emulator, delay: float) -> Herd:
    """A process that is in the middle of its login."""
    emulator.settings(vss={"login_delay": delay})
    leader = Herd(1, lambda _number: host.token())
    leader.go()
    assert wait_until(lambda: emulator.logins("vss") == 1)
    return leader


def test_a_leader_killed_during_its_login(host: Host, emulator: Emulator, measured: Measured) -> None:
    """Fails when waiters wait for a dead leader, or when more than one of them takes its place."""
    with Herd(32, lambda _number: host.token()) as others, in_login(host, emulator, 1.5) as leader:
        others.go()
        time.sleep(0.3)
        leader.kill(0)
        killed = time.monotonic()
        answers = others.answers()
        assert len(set(values(answers))) == 1
        took = min(one.ended for one in answers) - killed - 1.5
    assert emulator.logins("vss") == 2
    measured("killed_leader.logins", emulator.logins("vss"))
    measured("killed_leader.seconds_until_the_next_login_began", took)
    assert took < 0.1 + slack(32)


def test_a_leader_that_is_stopped(host: Host, emulator: Emulator, measured: Measured) -> None:
    """Fails when waiters log in without the lock once they have waited long enough, or wait longer than they may."""
    with in_login(host, emulator, 0.3) as leader:
        leader.kill(0, signal.SIGSTOP)
        answers = herd(16, lambda _number: host.token(max_wait=2.0))
        told = errors(answers)
        assert all("another process has been logging in for more than" in one for one in told)
        assert all("max_wait" in one for one in told)
        assert emulator.logins("vss") == 1
        measured("stopped_leader.logins", emulator.logins("vss"))
        measured("stopped_leader.longest_wait_beyond_max_wait_seconds", max(one.seconds for one in answers) - 2.0)
        assert max(one.seconds for one in answers) < 2 + slack(16)
        leader.kill(0, signal.SIGCONT)
        assert values(leader.answers())
    assert host.token()
    assert emulator.logins("vss") == 1


def test_children_of_a_holder(tmp_path: Path, measured: Measured) -> None:
    """Fails when a forked child keeps the lock alive, or frees it, by its copy of the descriptor."""
    path = str(tmp_path / "lock")

    def is_free() -> bool:
        (answer,) = values(herd(1, lambda _number: try_lock(path) is not None))
        return bool(answer)

    lock = try_lock(path)
    assert lock is not None
    children = []
    for number in range(300):
        pid = os.fork()
        if not pid:
            if number % 2:
                lock.release()
            signal.pause()
        children.append(pid)
    try:
        assert not is_free()
        lock.release()
        assert is_free()
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    measured("fork.children_of_a_holder", len(children))


def test_a_child_cannot_free_a_lock_of_its_own_by_its_parents(tmp_path: Path) -> None:
    """Fails when the child's copy of the parent's lock closes whatever has got the same descriptor."""
    held = try_lock(str(tmp_path / "one"))
    assert held is not None

    def child(_number: int) -> bool:
        mine = try_lock(str(tmp_path / "two"))
        held.release()
        return mine is not None and values(herd(1, lambda _again: try_lock(str(tmp_path / "two")) is None)) == [True]

    assert values(herd(1, child)) == [True]
    held.release()


def test_locks_and_housekeeping(tmp_path: Path, measured: Measured) -> None:
    """Fails when either who takes a lock or who deletes its file does not look whether it is still the file of that name."""
    path, inside = str(tmp_path / "lock"), tmp_path / "inside"
    until = time.monotonic() + 30.0

    def work(number: int) -> tuple[int, int]:
        entered = overlaps = 0
        # A number of times and not of seconds: how often it happens must not depend on what else the machine does.
        while entered < 100 and time.monotonic() < until:
            lock = try_lock(path)
            if lock is None:
                continue
            try:
                os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
                entered += 1
                os.unlink(inside)
            except OSError:
                overlaps += 1
            if number % 4:
                lock.release()
            else:
                lock.release_and_delete()
        return entered, overlaps

    told = values(herd(12, work))
    assert sum(entered for entered, _overlaps in told) > 1000
    assert sum(overlaps for _entered, overlaps in told) == 0
    measured("lock.entered_while_files_were_deleted", sum(entered for entered, _overlaps in told))
    measured("lock.overlaps", sum(overlaps for _entered, overlaps in told))
