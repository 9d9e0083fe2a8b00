# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One emulator for all these tests, as at its start before each, and the engine as one task uses it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from emulator.accounts import accounts
from emulator.client import Emulator

if TYPE_CHECKING:
    from engine.task import Task

# Not a fixture of the session: ansible-test forks for each test, and each fork would start one of its own.
_running: list[Emulator] = []


def pytest_collection_finish(session: pytest.Session) -> None:
    if not _running and any("emulator" in getattr(item, "fixturenames", ()) for item in session.items):
        _running.append(Emulator().start())


def pytest_unconfigure() -> None:
    while _running:
        _running.pop().stop()


@pytest.fixture
def emulator() -> Emulator:
    (running,) = _running
    running.reset()
    return running


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tests' own environment says about proxies is no part of them."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", os.devnull)


@pytest.fixture
def who() -> dict[str, dict[str, str]]:
    return accounts()


@pytest.fixture
def task(emulator: Emulator) -> Callable[..., Task]:
    """``task('vss', 'vss_mfa', path='v2/vm')``: as this account of the emulator, or as nobody for ``''``; without retries unless told."""

    # Imported here: a conftest that is read before Ansible has set up its imports must not import the collection.
    from engine.task import PROVIDERS, Task

    def made(system: str, account: str | None = None, *, cached: bool = False, environ: dict[str, str] | None = None, **options: Any) -> Task:
        provider = PROVIDERS[system]()
        known = {one.name for one in provider.options}
        who = accounts().get(system if account is None else account, {})
        chosen = {name: value for name, value in who.items() if name in known}
        return Task(provider, {"api_url": emulator.url(system), "retries": 0, **chosen, **options}, cached, environ)

    return made
