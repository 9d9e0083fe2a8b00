# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One emulator for all these tests, as at its start before each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from emulator.accounts import accounts
from emulator.client import Emulator


@pytest.fixture(scope="session")
def running() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Emulator:
    running.reset()
    return running


@pytest.fixture
def http() -> Iterator[requests.Session]:
    """A client that knows no proxy and no CA bundle from the environment."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def who() -> dict[str, dict[str, str]]:
    return accounts()
