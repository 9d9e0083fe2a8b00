# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any order of events against a model of what the cache promises."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from cache.herd import warnings
from cache.lab import clock_moved, later
from cache.tracer import killed_at
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.broker import Broker
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.store import FileStore
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.retries import WaitBudget
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import Account, Token
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import CacheSettings

LIFE = 1000.0
MARGIN = 30.0


class System:
    """A system that counts logins and can be told to fail."""

    def __init__(self) -> None:
        self.password = "right"
        self.state = "well"
        self.logins = 0
        self.valid: dict[str, float] = {}


class Source:
    """An account at the system, at a moment of the model."""

    clock_offset = None

    def __init__(self, system: System, password: str, moment: float) -> None:
        self.account = Account("vss", "VSS", "https://vss.example.com", "user", credential=(password,))
        self._system, self._password, self._moment = system, password, moment

    def login(self, _now: float, _otp: str | None, *, retry: bool) -> Token:
        system = self._system
        system.logins += 1
        if system.state == "down":
            raise ApiError(errors.SERVER, "out of order")
        if self._password != system.password:
            raise ApiError(errors.CREDENTIALS, "rejected")
        value = f"token-{system.logins}-{os.getpid()}"
        system.valid[value] = self._moment + LIFE
        return Token(value, LIFE)


class CacheAgainstAModel(RuleBasedStateMachine):
    """Fails when a dead token or that of another caller is handed out, when a fresh one is not, when an error is invented, or a forbidden login is made."""

    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="model-"))
        self.system = System()
        self.now = 0.0
        self.step = 0.0
        # What the model knows: the cached token, when it was asked for, whether it replaced a refused one, and refusals by password.
        self.cached: str | None = None
        self.asked = (0.0, 0.0)
        self.replaced = False
        self.refused: dict[str, tuple[tuple[float, float], float]] = {}
        self.down: tuple[float, float] | None = None
        self.perhaps_down: tuple[float, float] | None = None

    def teardown(self) -> None:
        if hasattr(self, "root"):
            shutil.rmtree(self.root)

    # -- the cache under test ------------------------------------------------------------------------------------

    def broker(self, password: str = "right") -> Broker:
        store = FileStore(CacheSettings("file", (str(self.root / "cache"),), (str(self.root / "key"),)))
        return Broker(Source(self.system, password, self.now), store, WaitBudget(0.0), margin=MARGIN)

    def asked_for(self, password: str, refresh: bool = False, refused: Token | None = None) -> tuple[str | None, ApiError | None]:
        warnings.clear()
        with later(self.now), clock_moved(self.step):
            try:
                broker = self.broker(password)
                token = broker.token(refresh=refresh) if refused is None else broker.replace(refused)
                return token.value, None
            except ApiError as error:
                return None, error
            finally:
                assert not warnings

    # -- the model -----------------------------------------------------------------------------------------------

    def moment(self) -> tuple[float, float]:
        """By the clock that nobody sets, and by the one on the wall."""
        return self.now, self.now + self.step

    def age(self, moment: tuple[float, float] | None) -> float:
        """A clock that was set forward ages what it has stamped, one that was set back makes nothing younger."""
        return 1e9 if moment is None else max(self.now - moment[0], self.now + self.step - moment[1])

    def is_fresh(self) -> bool:
        return self.cached is not None and self.age(self.asked) < LIFE - MARGIN

    def may_be_due(self) -> bool:
        return self.cached is not None and self.age(self.asked) >= LIFE * 0.75 - 1

    def stands(self, password: str) -> bool:
        """Whether an error is remembered for this password, with certainty."""
        at, keep = self.refused.get(password, (None, 0.0))
        return self.age(at) < keep - 1 or self.age(self.down) < 1

    def learn(self, password: str, value: str | None, error: ApiError | None, before: int, replaced: bool = False) -> None:
        """What a login that was made tells the model."""
        if self.system.logins == before:
            return
        if value is not None and value not in (self.cached, None):
            self.cached, self.asked, self.replaced = value, self.moment(), replaced
            self.refused.pop(password, None)
        if error is not None and error.kind == errors.CREDENTIALS:
            at, keep = self.refused.get(password, (None, 30.0))
            self.refused[password] = (self.moment(), min(900.0, 2 * keep) if self.age(at) < 3 * keep else 60.0)
        if error is not None and error.kind == errors.SERVER:
            self.down = self.moment()

    # -- events --------------------------------------------------------------------------------------------------

    @rule()
    def get(self) -> None:
        fresh, standing, before = self.is_fresh(), self.stands("right"), self.system.logins
        due, known = self.may_be_due(), self.cached
        value, error = self.asked_for("right")
        if fresh and not due:
            assert (value, self.system.logins) == (known, before), "a fresh token was not used"
        if fresh:
            assert error is None, "a failure disturbed a task that had a token"
        if value is not None:
            assert self.system.valid[value] > self.now, "a dead token was handed out"
        if standing and not fresh:
            assert self.system.logins == before, "a login that a remembered failure forbids"
        assert self.system.logins <= before + 1
        self.learn("right", value, error, before)

    @rule()
    def get_with_a_wrong_password(self) -> None:
        standing, before = self.stands("wrong"), self.system.logins
        value, error = self.asked_for("wrong")
        assert error is not None, "a caller with a wrong password got a token"
        assert value is None
        if standing:
            assert self.system.logins == before
        assert self.system.logins <= before + 1
        self.learn("wrong", value, error, before)

    @rule()
    def refresh(self) -> None:
        before, known = self.system.logins, self.cached
        value, error = self.asked_for("right", refresh=True)
        if value is not None:
            assert value != known
        self.learn("right", value, error, before)

    @rule()
    def reject(self) -> None:
        """The system answers 401 for the cached token."""
        if not self.is_fresh():
            return
        before, known, young = self.system.logins, self.cached, self.replaced and self.age(self.asked) < 59
        old = self.replaced and self.age(self.asked) > 61
        value, error = self.asked_for("right", refused=Token(str(known)))
        assert value != known
        if young:
            assert self.system.logins == before, "a token that replaced a refused one was replaced within a minute"
        if not young and self.system.state == "well" and (old or not self.replaced) and min(self.age(self.down), self.age(self.perhaps_down)) > 3:
            assert value is not None
        if self.system.logins > before and value is None:
            self.cached = None
        self.learn("right", value, error, before, replaced=True)

    @rule(seconds=st.sampled_from([0.5, 3.0, 61.0, 200.0, 700.0, 1010.0, 4000.0]), look=st.booleans())
    def time_passes(self, seconds: float, look: bool) -> None:
        self.now += seconds
        if look:
            self.get()

    @rule(more=st.sampled_from([-20.0, 10.0]))
    def token_ends_while_the_system_is_down(self, more: float) -> None:
        self.system.state = "down"
        self.now = max(self.now, self.asked[0] + LIFE + more)
        self.get()

    @rule(step=st.sampled_from([-3600.0, 0.0, 0.0]), look=st.booleans())
    def clock_is_set(self, step: float, look: bool) -> None:
        """Backwards and right again: forwards, a token only ends early."""
        self.step = step
        if look:
            self.get()

    @rule(state=st.sampled_from(["well", "down"]))
    def system_changes(self, state: str) -> None:
        self.system.state = state

    @rule(stop=st.integers(1, 80))
    def killed(self, stop: int) -> None:
        """A process is killed on its way to a new token: it may have kept it or not."""
        killed_at(stop, lambda: self.asked_for("right", refresh=True))
        self.forget()

    def forget(self) -> None:
        """Look at what is there now, without any login."""
        broker = self.broker()
        with later(self.now), clock_moved(self.step):
            account = broker.source.account
            entry = broker.store.read(account.identity) if broker.store else None
            key = broker.store.key() if broker.store else None
            token = entry.unlock(key, account) if entry and key else None
        if token is None:
            assert self.cached is None, "a kill lost a token"
        elif token.value != self.cached:
            self.cached, self.asked, self.replaced = token.value, self.moment(), False
            self.system.valid[token.value] = self.now + LIFE
        # What it may have noted of a failure is not known, so nothing is claimed of that.
        self.refused, self.down = {}, None
        self.perhaps_down = self.moment() if self.system.state == "down" else None

    @rule(name=st.sampled_from(["entry", "key", "directory"]), damage=st.binary(max_size=40))
    def damaged(self, name: str, damage: bytes) -> None:
        directory = self.root / "cache" / "v1"
        if name == "directory":
            shutil.rmtree(directory, ignore_errors=True)
        else:
            for path in [self.root / "key"] if name == "key" else [one for one in directory.glob("*") if len(one.name) == 32]:
                if path.exists():
                    path.write_bytes(damage)
        self.cached, self.refused, self.down = None, {}, None

    @invariant()
    def nothing_is_left_open(self) -> None:
        if hasattr(self, "root"):
            assert not [path for path in self.root.rglob("*") if path.lstat().st_mode & 0o077 and path.name in ("v1", "key")]


TestModel: Any = CacheAgainstAModel.TestCase
TestModel.settings = settings(max_examples=50, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
