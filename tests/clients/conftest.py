# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One emulator for all these tests, as at its start before each, and programs that others wrote to talk to it."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from emulator.accounts import accounts
from emulator.client import Emulator

from .forwarder import Forwarder
from .venvs import clean_environment, environment

Ended = subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def running() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(running: Emulator) -> Emulator:
    running.reset()
    return running


@pytest.fixture
def who() -> dict[str, dict[str, str]]:
    return accounts()


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Ended]:
    """Run a program of a client's environment, or a Python script with its libraries (``python -c``)."""

    def call(name: str, program: str, *arguments: str, stdin: str = "", check: bool = True, **variables: str) -> Ended:
        command = [str(environment(name) / program), *arguments]
        env = clean_environment(tmp_path, **variables)
        ended = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, env=env, cwd=tmp_path, timeout=120)
        assert not check or ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
        return ended

    return call


@pytest.fixture
def real_ports(emulator: Emulator) -> Iterator[str]:
    """An address on loopback where WHM and cPanel are at the ports that their clients have built in."""
    targets = {2087: emulator.root("whm", tls=True), 2086: emulator.root("whm"), 2083: emulator.root("cpanel", tls=True)}
    forwarder = Forwarder({port: int(url.rpartition(":")[2]) for port, url in targets.items()})
    thread = threading.Thread(target=forwarder.serve)
    thread.start()
    yield forwarder.address
    forwarder.stop()
    thread.join()
