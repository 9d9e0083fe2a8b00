# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that share an emulator: directories, brokers and accounts as a task of the collection has them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from cache.herd import Answer, herd, warnings
from emulator.accounts import accounts
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import login as _login
from ansible_collections.apiauth.tokens.plugins.module_utils.auth import redact as _redact
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.broker import Broker, Login, login_of
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.budget import Budget
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache import shared as _shared
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.redis import RedisStore
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.store import FileStore
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.call import Call
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.calls import Caller, SharedTokens
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.client import Client
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.option import COMMON, CONNECTION, Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.provider import Account, Provider
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.netography import Netography
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.rackcorp import RackCorp
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.vss import Vss
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.token import Token

# Loaded once here, as the parent of all workers does it, so that herds measure the cache and not the import of modules.
LOADED = (_login, _redact, _shared, redis)
PROVIDERS: dict[str, type[Provider]] = {"vss": Vss, "rackcorp": RackCorp, "netography": Netography}
SHARED_KEY = "a key that all hosts were given"
HOSTS, EACH = 4, 16
"""How many hosts share a cache, and how many processes work on each."""
NOBODY = 65534


def system_of(account: str) -> str:
    return account.split("_")[0]


@dataclass
class Host:
    """One machine, as far as a cache can tell: directories of its own. ``redis`` is the URL that it shares with others."""

    emulator: Emulator
    root: Path
    redis: str = ""
    key: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        """Where entries are."""
        return self.root / "cache" / "v1"

    @property
    def key_path(self) -> Path:
        return self.root / "key"

    def store(self) -> FileStore:
        directories = (str(self.root / "cache"), str(self.root / "run" / "cache"))
        keys = (str(self.key_path), str(self.root / "run" / "key"))
        if self.redis:
            return RedisStore(self.redis, directories, keys, self.key or SHARED_KEY, warnings.append)
        return FileStore(directories, keys, self.key, warnings.append)

    def task(self, name: str = "vss", **options: Any) -> Task:
        """A task with an account of the emulator; options may change the account's own values."""
        return Task(self, name, {**self.options, **options})

    def token(self, name: str = "vss", **options: Any) -> str:
        return self.task(name, **options).token().value

    def entries(self) -> list[Path]:
        return sorted(one for one in self.directory.iterdir() if len(one.name) == 32) if self.directory.is_dir() else []


class Task:
    """What one task has: options, a budget, a broker."""

    def __init__(self, host: Host, name: str, given: Mapping[str, Any]) -> None:
        self.provider = PROVIDERS[system_of(name)]()
        given = {"api_url": host.emulator.url(system_of(name)), **accounts()[name], "timeout": 10.0, "retries": 0, **given}
        self.store: FileStore | None = None if given.get("cache") == "none" else host.store()
        known = {one.name: one.default for one in (*self.provider.options, *COMMON)}
        self.options = Options({**known, **given})
        self.budget = Budget(self.options["max_wait"])
        transport = tuple(f"{one.name}={self.options[one.name]}" for one in CONNECTION)
        self.broker = Broker(self.store, self.budget, given.get("margin", 30.0), transport, self.options["retries"])
        self.account: Account = self.provider.account(self.options)
        self.login: Login = login_of(self.provider, self.options, self.budget, {})

    def token(self, refresh: bool = False) -> Token:
        return self.broker.token(self.account, self.login, refresh=refresh)

    def replacement(self, refused: Token) -> Token:
        return self.broker.replacement(self.account, self.login, refused)

    def call(self, call: Call) -> tuple[int, int]:
        """Make a call with the token, replaced if it is refused; returns its status and how many requests it took."""
        client = Client(self.options, 10.0, environ={}, budget=self.budget)
        tokens = SharedTokens(self.token, self.replacement)
        outcome = Caller(self.provider, self.options, client, tokens, self.account.where).run(call)
        return outcome.status, outcome.tries


VM_LIST = Call("the machines", "GET", "v2/vm", reads=True)


def entry_of(host: Host) -> Path:
    """The file of the only entry."""
    (entry,) = host.entries()
    return entry


def is_hit(host: Host) -> bool:
    """Whether a reader finds a token that is the right one."""
    task = host.task()
    assert task.store is not None
    record = task.store.read(task.account.identity)
    seal = task.store.seal()
    return record is not None and seal is not None and record.reveal(seal, task.account) is not None


def hosts_of(emulator: Emulator, url: str, root: Path, number: int = HOSTS) -> list[Host]:
    """Hosts that share what is at this URL."""
    return [Host(emulator, root / f"host{one}", url) for one in range(number)]


def all_of(hosts: list[Host], **options: Any) -> list[Answer]:
    """The same task in sixteen processes of each host at once."""
    return herd(len(hosts) * EACH, lambda number: hosts[number % len(hosts)].token(**options))


@contextmanager
def clock_moved(seconds: float, times: Any = time) -> Iterator[None]:
    """The wall clock of this process, set to another time; the clock that counts from boot goes on."""
    real: Callable[[], float] = times.time
    times.time = lambda: real() + seconds
    try:
        yield
    finally:
        times.time = real


@contextmanager
def later(seconds: float) -> Iterator[None]:
    """All clocks of this process moved on together, as if so much time had passed."""
    real_time, real_boot, real_monotonic = time.time, time.clock_gettime, time.monotonic
    time.time = lambda: real_time() + seconds
    time.clock_gettime = lambda clock: real_boot(clock) + seconds
    time.monotonic = lambda: real_monotonic() + seconds
    try:
        yield
    finally:
        time.time, time.clock_gettime, time.monotonic = real_time, real_boot, real_monotonic


def is_root() -> bool:
    return os.geteuid() == 0
