# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One emulator for all these tests, as at its start before each; hosts with empty directories; the values that the tests measure."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from emulator.client import Emulator

if TYPE_CHECKING:
    from cache.lab import Host
    from cache.redis_server import RedisServer

MEASURED: dict[str, Any] = {}
SKIPPED: list[str] = []


@pytest.fixture(scope="session")
def running() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Emulator:
    running.reset()
    running.settings(vss={"rate_limit": 0})
    return running


@pytest.fixture
def host(emulator: Emulator, tmp_path: Path) -> Host:
    # Imported here: Ansible's loader of collections is in place by now.
    from cache.lab import Host

    return Host(emulator, tmp_path / "host")


@pytest.fixture
def redis_is_here(without: Callable[[str], None]) -> None:
    from cache.redis_server import is_here

    if not is_here():
        without("sharing through Redis, for want of redis-server")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    from cache.redis_server import RedisServer

    with RedisServer(tmp_path / "redis") as running:
        yield running


@pytest.fixture
def hosts(emulator: Emulator, server: RedisServer, tmp_path: Path) -> list[Host]:
    """Hosts that share a cache through this server."""
    from cache.lab import hosts_of

    return hosts_of(emulator, server.url, tmp_path)


@pytest.fixture
def measured() -> Callable[[str, Any], None]:
    """Keep a value for the table of guarantees: ``measured('cold_64.logins', 1)``."""

    def keep(name: str, value: Any) -> None:
        MEASURED[name] = round(value, 4) if isinstance(value, float) else value

    return keep


@pytest.fixture
def without() -> Callable[[str], None]:
    """Say that a part of a test cannot be done here, and why; the end of the run repeats it."""

    def skip(reason: str) -> None:
        SKIPPED.append(reason)
        pytest.skip(reason)

    return skip


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for reason in SKIPPED:
        terminalreporter.write_line(f"NOT TESTED HERE: {reason}")


def pytest_sessionfinish() -> None:
    path = os.environ.get("APIAUTH_GUARANTEES")
    if path:
        Path(path).write_text(json.dumps(MEASURED, indent=2, sort_keys=True) + "\n")
