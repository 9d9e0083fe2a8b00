# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is stored works at every moment, whenever the role whm_token_rotate is killed, and the next run leaves one token."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from e2e.fake_awx import FakeAwx
from e2e.rotation import STORES, VAULT_PASSWORD, Rotation
from e2e.stage import Stage
from emulator.client import Emulator

MONTH = 30 * 86400
AT_ONCE = 3
MOST = 60
REFERENCE = f"h{MOST}"


@pytest.fixture
def awx() -> Iterator[FakeAwx]:
    with FakeAwx() as running:
        yield running


@pytest.fixture
def rotation(stage: Stage, emulator: Emulator, awx: FakeAwx) -> Rotation:
    return Rotation(stage, emulator, awx)


def steps(rotation: Rotation, host: str) -> list[str]:
    """The names of the tasks of a whole rotation, in order, however often one name comes."""
    log = rotation.stage.root / "steps"
    rotation.run(args=["--limit", host], hosts=MOST, env=killing(0, log)).good()
    return log.read_text().splitlines()


def killing(number: int, log: Path | None = None) -> dict[str, str | None]:
    return {"ANSIBLE_CALLBACKS_ENABLED": "e2e_records,e2e_killer", "E2E_KILL_AT": str(number), "E2E_STEPS": str(log) if log else None}


@pytest.mark.parametrize("store", STORES)
def test_killed_at_every_step(rotation: Rotation, new_stage: Callable[[str], Stage], store: str) -> None:
    """Every step: as it begins, that is after the one before it. All of a rotation for the file, and for the other stores all from where they differ.

    A run knows nothing but the tokens and the store. So where several steps leave the same, one next run is for all of them.
    """
    rotation.store = store
    rotation.begun(REFERENCE)
    names = steps(rotation, REFERENCE)
    first = 1 if store == "file" else names.index(next(name for name in names if name.endswith("Check that it was created")))
    hosts = {f"h{number:02d}": number for number in range(first, len(names) + 1)}
    for host in hosts:
        rotation.begun(host)
    before = {host: rotation.whole(host) for host in hosts}

    def killed(host: str) -> tuple[object, ...]:
        alone = replace(rotation, stage=new_stage(f"killed-{host}"), places=rotation.places)
        run = alone.run(args=["--limit", host], hosts=MOST, env=killing(hosts[host]))
        assert run.rc == -signal.SIGKILL, run.output
        step, secret = names[hosts[host] - 1], rotation.stored(host)
        assert secret, f"killed at {step!r}: nothing is stored"
        assert rotation.works(secret), f"killed at {step!r}: what is stored does not work"
        return rotation.state(host, before[host])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        states = dict(zip(hosts, pool.map(killed, hosts), strict=True))
    chosen = sorted({state: host for host, state in states.items()}.values())
    # None, made, handed over, noted, revoked.
    assert len(chosen) >= 5 - (store != "file"), states
    # It is not the age that makes it go on, but what was left behind.
    rotation.run(args=["--limit", ",".join(chosen)], hosts=MOST, whm_token_rotate_max_age=MONTH).good()
    after = {host: rotation.whole(host) for host in chosen}
    unbegun = [host for host in chosen if states[host] == (("-old",), "-old")]
    assert [host for host in chosen if after[host] == before[host]] == unbegun
    assert len(set(after.values())) == len(chosen)
