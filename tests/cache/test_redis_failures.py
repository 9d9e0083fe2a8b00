# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Redis server that fails, hosts whose leader does, and one that can write nothing: all get a token, and none waits for long."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cache.herd import Answer, Herd, herd, slack, values
from cache.lab import EACH, HOSTS, Host, all_of, later
from cache.redis_server import RedisServer
from emulator.client import Emulator, wait_until

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import broker as broker_module
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError

Measured = Callable[[str, Any], None]
pytestmark = pytest.mark.usefixtures("redis_is_here")


def one_warning_each(hosts: list[Host], answers: list[Answer]) -> None:
    for number, _host in enumerate(hosts):
        told = [one for answer in answers[number :: len(hosts)] for one in answer.warnings]
        assert len(told) == 1, told
        assert "Redis server at 127.0.0.1" in told[0]
        assert "CANARY" not in told[0]


def test_a_hit_does_not_ask_the_server(hosts: list[Host], server: RedisServer, emulator: Emulator) -> None:
    """Fails when a hit waits for Redis."""
    values(all_of(hosts))
    server.signal(signal.SIGSTOP)
    answers = all_of(hosts)
    assert len(set(values(answers))) == 1
    assert not [one for answer in answers for one in answer.warnings]
    assert max(one.seconds for one in answers) < 0.9 + slack(HOSTS * EACH)


@pytest.mark.parametrize("state", ["dead", "frozen"])
def test_a_server_that_fails_from_the_start(hosts: list[Host], server: RedisServer, emulator: Emulator, measured: Measured, state: str) -> None:
    """Fails when a host logs in more than once, when each process pays for the server, or when each is warned."""
    if state == "dead":
        server.stop()
    else:
        server.signal(signal.SIGSTOP)
    answers = all_of(hosts)
    assert len(set(values(answers))) == HOSTS
    assert emulator.logins("vss") == HOSTS
    one_warning_each(hosts, answers)
    slowest = max(one.seconds for one in answers)
    measured(f"redis.{state}_slowest_seconds", slowest)
    measured(f"redis.{state}_warnings_per_host", 1)
    assert slowest < 1.5 + slack(HOSTS * EACH)

    (another,) = herd(1, lambda _number: hosts[0].task().token(refresh=True).value)
    assert another.seconds < 0.5 + slack(1)
    assert not another.warnings


@pytest.mark.parametrize("state", ["dead", "frozen"])
def test_a_server_that_fails_in_the_middle(hosts: list[Host], server: RedisServer, emulator: Emulator, measured: Measured, state: str) -> None:
    """Fails when a login that has begun is lost with the server, or when hosts that wait for it hang."""
    emulator.settings(vss={"login_delay": 1.0})
    with Herd(HOSTS * EACH, lambda number: hosts[number % HOSTS].token()) as processes:
        processes.go()
        assert wait_until(lambda: emulator.logins("vss") == 1, seconds=30.0)
        time.sleep(0.3)
        if state == "dead":
            server.stop()
        else:
            server.signal(signal.SIGSTOP)
        answers = processes.answers()
    values(answers)
    assert emulator.logins("vss") == HOSTS
    one_warning_each(hosts, answers)
    # Others begin their own login when the server is gone.
    slowest = max(one.seconds for one in answers)
    measured(f"redis.{state}_in_the_middle_slowest_seconds", slowest)
    assert slowest < 0.3 + 1.0 + 1.5 + slack(HOSTS * EACH)


def test_it_comes_back(hosts: list[Host], server: RedisServer, emulator: Emulator) -> None:
    """Fails when a host that has met a failure never asks the server again."""
    server.stop()
    values(all_of(hosts[:2]))
    assert emulator.logins("vss") == 2
    # A process that lives long asks again as well.
    store = hosts[3].store()
    lease = store.lease()
    assert lease is not None
    assert lease.read(("nobody",)) is None
    assert store.lease() is None
    with later(31):
        assert store.lease() is lease
    server.start()
    with later(20):
        values(herd(2, lambda number: hosts[number].task().token(refresh=True).value))
    assert emulator.logins("vss") == 4
    with later(31):
        (new,) = values(herd(1, lambda _number: hosts[0].task().token(refresh=True).value))
        assert values(herd(1, lambda _number: hosts[2].token())) == [new]
    assert emulator.logins("vss") == 5


def test_a_leader_killed_on_one_host(hosts: list[Host], emulator: Emulator, measured: Measured) -> None:
    """Fails when the dead leader's claim at the server keeps its own host from going on."""
    emulator.settings(vss={"login_delay": 1.5})
    with Herd(HOSTS * 4, lambda number: hosts[number % HOSTS].token()) as others, Herd(1, lambda _number: hosts[0].token()) as leader:
        leader.go()
        assert wait_until(lambda: emulator.logins("vss") == 1, seconds=30.0)
        others.go()
        time.sleep(0.3)
        leader.kill(0)
        answers = others.answers()
    assert len(set(values(answers))) == 1
    assert emulator.logins("vss") == 2
    measured("redis.killed_leader_logins", emulator.logins("vss"))
    assert max(one.seconds for one in answers) < 0.3 + 1.5 + slack(HOSTS * 4)


def test_a_leader_that_stalls_is_fenced(hosts: list[Host], server: RedisServer, emulator: Emulator, measured: Measured) -> None:
    """Fails when a write is not bound to the claim: the old token would replace the newer one."""
    emulator.settings(vss={"login_delay": 0.4})

    def slow(_number: int) -> str:
        broker_module.LEASE_EXTRA = -29.5
        return hosts[0].token()

    with Herd(1, slow) as stalled:
        stalled.go()
        assert wait_until(lambda: emulator.logins("vss") == 1, seconds=30.0)
        stalled.kill(0, signal.SIGSTOP)
        time.sleep(0.7)
        newer = hosts[1].token()
        stalled.kill(0, signal.SIGCONT)
        (older,) = values(stalled.answers())
    assert older != newer
    assert emulator.logins("vss") == 2
    assert hosts[2].token() == newer
    measured("redis.stalled_leader_logins", emulator.logins("vss"))


def test_what_a_dead_server_holds_is_not_removed(hosts: list[Host], server: RedisServer) -> None:
    """Fails when an entry counts as removed, or nothing is said to be missing, while the server is down or known to be."""
    hosts[0].token()
    store = hosts[0].store()
    assert store.unreachable() is None
    (name,) = store.names()
    server.stop()
    for host in (hosts[0], hosts[1]):
        for _again in range(2):
            store = host.store()
            store.entries()
            missing = store.unreachable()
            assert missing is not None
            assert str(missing).startswith("the Redis server at 127.0.0.1")
            with pytest.raises(ApiError, match="cannot be reached"):
                store.remove(name)
    server.start()
    # It is asked although it is known to be down.
    hosts[0].store().remove(name)
    assert hosts[2].store().unreachable() is None


@pytest.mark.parametrize(
    ("setting", "words"),
    [(("maxmemory", "1"), "is out of memory"), (("replicaof", "127.0.0.1 1"), "is a replica, which cannot be written")],
)
def test_a_server_that_does_not_write(hosts: list[Host], server: RedisServer, setting: tuple[str, str], words: str) -> None:
    """Fails when the advice is about users and passwords, which are right."""
    client = server.client()
    if setting[0] == "replicaof":
        client.replicaof(*setting[1].split())
    else:
        client.config_set(*setting)
    (answer,) = herd(1, lambda _number: hosts[0].token())
    (warning,) = answer.warnings
    assert words in warning
    assert "password" not in warning


def test_a_leader_that_waits_keeps_its_lease(hosts: list[Host], emulator: Emulator) -> None:
    """Fails when the lease ends while its holder waits as long as the system asked: another host would log in meanwhile."""
    emulator.fault({"system": "vss", "action": "rate_limit", "retry_after": 3, "match": {"login": True}, "times": 1})

    def patient(number: int) -> str:
        broker_module.LEASE_EXTRA = -29.0
        time.sleep(0.5 * number)
        return hosts[number].token(retries=1)

    assert len(set(values(herd(2, patient)))) == 1
    assert emulator.logins("vss") == 2


def test_a_host_without_any_directory(hosts: list[Host], server: RedisServer, emulator: Emulator) -> None:
    """Fails when a host that can write nothing does not share either."""
    bare = Host(emulator, Path("/proc/apiauth"), server.url)
    token = hosts[0].token()
    assert set(values(herd(4, lambda _number: bare.token()))) == {token}
    assert emulator.logins("vss") == 1
