# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One emulator for all these tests, as at its start before each."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from emulator.accounts import accounts
from emulator.client import Emulator

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


@pytest.fixture
def who() -> dict[str, dict[str, str]]:
    return accounts()
