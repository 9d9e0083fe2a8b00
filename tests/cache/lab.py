# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that share an emulator: directories, clients and accounts as a task of the collection has them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from cache.herd import Answer, herd
from emulator.accounts import accounts
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache import redis as _redis_store
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache import redis_client
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.redis import RedisStore
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.store import FileStore
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.client import ApiClient
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http import session as _session
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import Account, Token
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import CacheSettings, ConnectionSettings, Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.base import Provider
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.netography import Netography
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.rackcorp import RackCorp
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.vss import Vss

# Loaded once here, as the parent of all workers does it, so that herds measure the cache and not the import of modules.
LOADED = (_redis_store, redis_client, _session, redis)
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
            return RedisStore(CacheSettings("redis", directories, keys, self.key or SHARED_KEY, self.redis))
        return FileStore(CacheSettings("file", directories, keys, self.key))

    def task(self, name: str = "vss", **options: Any) -> Task:
        """A task with an account of the emulator; options may change the account's own values."""
        return Task(self, name, {**self.options, **options})

    def token(self, name: str = "vss", **options: Any) -> str:
        return self.task(name, **options).token().value

    def entries(self) -> list[Path]:
        return sorted(one for one in self.directory.iterdir() if len(one.name) == 32) if self.directory.is_dir() else []


class Task:
    """What one task of the collection has: an `ApiClient` for an account of the emulator, with the options given."""

    def __init__(self, host: Host, name: str, given: Mapping[str, Any]) -> None:
        system = system_of(name)
        defaults = {"api_url": host.emulator.url(system), **accounts()[name], "timeout": 10.0, "retries": 0, "max_wait": 60.0}
        options = Options({**defaults, **given})
        self.provider = PROVIDERS[system](options)
        self.store: FileStore | None = None if options.get("cache") == "none" else host.store()
        settings = ConnectionSettings.from_options(options, self.provider.timeout)
        self.client = ApiClient(self.provider, settings, self.store, environ={})
        self.account: Account = self.client.account

    def token(self, refresh: bool = False) -> Token:
        return self.client.token(refresh=refresh)

    def replacement(self, refused: Token) -> Token:
        return self.client.replace_token(refused)

    def call(self, path: str) -> tuple[int, int]:
        """Make a call, with the token replaced if it is refused; return its status and how many requests it took."""
        result = self.client.runner().run(self.provider.plan({"path": path, "method": "GET", "mutates": "auto"}))
        return result.status, result.tries


VM_LIST = "v2/vm"


def entry_of(host: Host) -> Path:
    """The file of the only entry."""
    (entry,) = host.entries()
    return entry


def is_hit(host: Host) -> bool:
    """Whether a reader finds a token that is the right one."""
    task = host.task()
    assert task.store is not None
    entry = task.store.read(task.account.identity)
    key = task.store.key()
    return entry is not None and key is not None and entry.unlock(key, task.account) is not None


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
