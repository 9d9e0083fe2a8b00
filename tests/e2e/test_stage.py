# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the other tests stand on."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from e2e.stage import BECOME, REMOTE, Stage
from emulator.client import Emulator

CALL = {"apiauth.tokens.rackcorp_api": {"cmd": "device.getall"}}


def test_a_call_on_every_kind_of_host(emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RACKCORP_API_URL", "http://127.0.0.1:9/not-inherited")
    plays: list[dict[str, Any]] = [
        {"tasks": [{"name": "here", **CALL}]},
        {"tasks": [{"name": "become", **CALL, **BECOME}]},
        {"vars": dict(REMOTE), "tasks": [{"name": "remote", **CALL}]},
    ]
    run = stage.playbook(plays, extra_vars=variables("rackcorp"), hosts=2).good()
    assert run.tasks == ["here", "become", "remote"]
    for task in run.tasks:
        assert sorted(run.results(task)) == ["h01", "h02"]
        assert run.results(task)["h01"]["data"]["count"] == 45
    assert emulator.logins("rackcorp") == 1
    assert (stage.ansible_home / "apiauth").is_dir()
    assert not os.listdir(stage.cwd)
