# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One emulator for all these tests, as at its start before each, and Ansible beside it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cache.redis_server import is_here
from e2e.fake_awx import FakeAwx
from e2e.rotation import Rotation
from e2e.stage import COLLECTION, Run, Stage
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


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ANSIBLE_COLLECTIONS_PATH names: the tree around this collection, or one that is made for it."""
    if COLLECTION.parts[-3:] == ("ansible_collections", "apiauth", "tokens"):
        return COLLECTION.parents[2]
    top = tmp_path_factory.mktemp("collections")
    (top / "ansible_collections" / "apiauth").mkdir(parents=True)
    (top / "ansible_collections" / "apiauth" / "tokens").symlink_to(COLLECTION, target_is_directory=True)
    return top


@pytest.fixture(scope="session")
def new_stage(tmp_path_factory: pytest.TempPathFactory, collections: Path) -> Callable[[str], Stage]:
    """A stage for fixtures that live longer than a test."""
    return lambda name: Stage(tmp_path_factory.mktemp(name), collections)


@pytest.fixture
def stage(tmp_path: Path, collections: Path) -> Stage:
    return Stage(tmp_path, collections)


@pytest.fixture
def redis_is_here() -> None:
    """Skip a test where the program is not installed; continuous integration installs it."""
    if not is_here():
        pytest.skip("needs the program redis-server")


@pytest.fixture
def run(stage: Stage) -> Callable[..., Run]:
    """A program of Ansible's: ``run('ansible', 'localhost', '-m', ...)``."""
    return stage.run


@pytest.fixture
def playbook(stage: Stage) -> Callable[..., Run]:
    """Plays, as YAML text or as data; see ``Stage.playbook``."""
    return stage.playbook


@pytest.fixture(scope="session")
def variables(running: Emulator) -> Callable[..., dict[str, Any]]:
    """The variables that give a system's options: ``variables('vss')``, ``variables('rackcorp', 'rackcorp_2fa', password='wrong')``.

    An option that is given as None is left out. Of an account with two kinds of credentials, one is given: RackCorp's API key, WHM's token.
    """

    def of(system: str, account: str | None = None, **options: Any) -> dict[str, Any]:
        known = accounts()[account or system]
        spare = {"username", "password"} if "api_secret" in known else {"password"} if {"token", "password"} <= set(known) and "token" not in options else set()
        values = {**{name: value for name, value in known.items() if name not in spare}, "api_url": running.url(system), **options}
        return {f"{system}_{name}": value for name, value in values.items() if value is not None}

    return of


@pytest.fixture
def whm(emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> Callable[..., Run]:
    """Runs tasks as root with its token; options given as `whm` replace those, `whm=None` gives none."""

    def run(*tasks: dict[str, Any], whm: Mapping[str, Any] | None = None, play: Mapping[str, Any] | None = None, **rest: Any) -> Run:
        known = variables("whm", **{"password": None, **(whm or {})})
        return stage.tasks(*tasks, play=play, extra_vars={**known, **rest.pop("extra_vars", {})}, **rest)

    return run


@pytest.fixture
def awx() -> Iterator[FakeAwx]:
    with FakeAwx() as running:
        yield running


@pytest.fixture
def rotation(stage: Stage, emulator: Emulator, awx: FakeAwx) -> Rotation:
    return Rotation(stage, emulator, awx)
