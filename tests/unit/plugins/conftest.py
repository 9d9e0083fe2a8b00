# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine as one task uses it, with the emulator as its systems."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from emulator.accounts import accounts
from emulator.client import Emulator

if TYPE_CHECKING:
    from engine.task import Task


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tests' own environment says about proxies is no part of them."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HOME", os.devnull)


@pytest.fixture
def task(emulator: Emulator) -> Callable[..., Task]:
    """``task('vss', 'vss_mfa', path='v2/vm')``: as this account of the emulator, or as nobody for ``''``; without retries unless told."""

    # Imported here: a conftest that is read before Ansible has set up its imports must not import the collection.
    from engine.task import PROVIDERS, Task

    def made(system: str, account: str | None = None, *, cached: bool = False, environ: dict[str, str] | None = None, **options: Any) -> Task:
        provider = PROVIDERS[system]
        known = {option.name for option in provider.options}
        who = accounts().get(system if account is None else account, {})
        chosen = {name: value for name, value in who.items() if name in known}
        return Task(provider, {"api_url": emulator.url(system), "retries": 0, **chosen, **options}, cached, environ)

    return made
