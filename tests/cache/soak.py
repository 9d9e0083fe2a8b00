# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Herds, kills, refusals and clock steps at random for a long time: python tests/cache/soak.py [SECONDS] [SEED]

Prints what it did, and fails with the seed when a promise is broken. Ten minutes unless told otherwise.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cache.herd import Herd, herd, sound, values
from cache.lab import VM_LIST, Host, clock_moved, later
from cache.redis_server import RedisServer, is_here
from emulator.client import Emulator

Round = Callable[["Soak"], None]


class Soak:
    """One emulator, and hosts that begin empty in each round."""

    def __init__(self, emulator: Emulator, root: Path, redis: str) -> None:
        self.emulator, self.root, self.redis = emulator, root, redis
        self.rounds = self.processes = 0

    def hosts(self, most: int = 4) -> list[Host]:
        shared = bool(self.redis) and random.random() < 0.5
        number = random.randint(2, most) if shared else 1
        return [Host(self.emulator, self.root / f"{self.rounds}-{one}", self.redis if shared else "") for one in range(number)]

    def size(self) -> int:
        n = random.choice((2, 8, 16, 32, 64, 128))
        self.processes += n
        return n


def cold(soak: Soak) -> None:
    hosts, n = soak.hosts(), soak.size()
    assert len(set(values(herd(n, lambda number: hosts[number % len(hosts)].token())))) == 1
    assert soak.emulator.logins("vss") == 1


def refused(soak: Soak) -> None:
    hosts, n = soak.hosts(), soak.size()
    assert {one.kind for one in sound(herd(n, lambda number: hosts[number % len(hosts)].token(password="wrong")))} == {"credentials"}
    assert soak.emulator.logins("vss") == 1
    assert hosts[-1].token()


def revoked(soak: Soak) -> None:
    hosts, n = soak.hosts(), soak.size()
    values(herd(n, lambda number: hosts[number % len(hosts)].token()))
    soak.emulator.revoke("vss")
    assert {status for status, _tries in values(herd(n, lambda number: hosts[number % len(hosts)].task().call(VM_LIST)))} == {200}
    assert soak.emulator.logins("vss") == 2


def killed(soak: Soak) -> None:
    """Some are killed at any moment; each of those may have logged in, the rest share one more login."""
    hosts, n = soak.hosts(most=2), max(8, soak.size())
    soak.emulator.settings(vss={"login_delay": random.uniform(0, 0.4)})
    victims = random.sample(range(n), random.randint(1, 4))
    with Herd(n, lambda number: hosts[number % len(hosts)].token()) as processes:
        processes.go()
        for victim in victims:
            time.sleep(random.uniform(0, 0.1))
            processes.kill(victim)
        answers = sound(processes.answers())
    alive = [one for one in answers if not one.dead]
    assert not [one.error for one in alive if one.error]
    assert soak.emulator.logins("vss") <= 1 + len(victims)


def failing(soak: Soak) -> None:
    hosts, n = soak.hosts(), soak.size()
    action = random.choice(("cut", "status", "garbage", "html", "empty", "truncated"))
    soak.emulator.fault({"system": "vss", "action": action, "match": {"login": True}, "delay": random.uniform(0, 0.3), "status": 502})
    answers = sound(herd(n, lambda number: hosts[number % len(hosts)].token()))
    # One who comes more than two seconds late may try again.
    assert soak.emulator.logins("vss") <= 2
    assert [one for one in answers if one.error]


def aging(soak: Soak) -> None:
    host, n = soak.hosts()[0], soak.size()
    host = Host(soak.emulator, host.root)
    soak.emulator.settings(vss={"token_ttl": 1000.0})
    old = host.token()
    moment = random.uniform(0, 1100)
    with later(moment), clock_moved(random.choice((-3600.0, 0.0, 0.0))):
        told = values(herd(n, lambda _number: host.token()))
    assert soak.emulator.logins("vss") <= 2
    if moment < 740:
        assert set(told) == {old}
    if moment > 1000:
        assert old not in told


def housekeeping(soak: Soak) -> None:
    host, n = soak.hosts()[0], max(8, soak.size())

    def work(number: int) -> object:
        return host.store().purge() if number % 4 == 0 else host.token()

    values(herd(n, work))
    assert soak.emulator.logins("vss") == 1


ROUNDS: tuple[Round, ...] = (cold, refused, revoked, killed, failing, aging, housekeeping)


def main(seconds: float, seed: int) -> int:
    random.seed(seed)
    done: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as directory, Emulator() as emulator:
        server = RedisServer(Path(directory) / "redis").start() if is_here() else None
        if server is None:
            print("NOT TESTED HERE: sharing through Redis, for want of redis-server")
        soak = Soak(emulator, Path(directory), server.url if server else "")
        try:
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                emulator.reset()
                emulator.settings(vss={"rate_limit": 0})
                if server is not None:
                    server.client().flushall()
                one = random.choice(ROUNDS)
                try:
                    one(soak)
                except BaseException:
                    print(f"broken in round {soak.rounds} ({one.__name__}), seed {seed}", file=sys.stderr)
                    raise
                done[one.__name__] += 1
                soak.rounds += 1
        finally:
            if server is not None:
                server.stop()
    print(", ".join(f"{name} {number}" for name, number in sorted(done.items())))
    print(f"{soak.rounds} rounds with {soak.processes} processes in {seconds:g} s, seed {seed}: no promise was broken")
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 600.0, int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6)))
