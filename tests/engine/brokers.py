# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A broker with a real store, an invented login and a clock that the tests move."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.broker import Broker
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.clocks import Timestamp
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.locks import FileLock
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.records import CacheEntry
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.store import FileStore
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.retries import WaitBudget
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


class Budget(WaitBudget):
    """Waiting that takes no time; `while_waiting` happens in each wait."""

    def __init__(self, clock: Clock, seconds: float = 60.0) -> None:
        super().__init__(seconds)
        self.while_waiting: Callable[[], object] = lambda: None
        self._clock = clock

    def sleep(self, seconds: float) -> bool:
        if seconds > self.left:
            return False
        self.announce(seconds)
        self.lower_to(self.left - seconds)
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

    def login(self, now: float, otp: str | None, *, retry: bool) -> Token:
        self.logins.append(retry)
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

    def broker(
        self, account: Account | None = None, store: FileStore | None = None, scope: tuple[str, ...] = ("timeout=30",), route: tuple[str, ...] = ()
    ) -> Broker:
        if account is not None:
            self.source.account = account
        return Broker(self.source, store or self.store(), self.budget, connection_scope=scope, route=route)

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
