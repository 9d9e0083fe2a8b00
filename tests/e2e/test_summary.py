# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback `summary`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible import constants
from e2e.stage import REMOTE, Run
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.callback.summary import CallbackModule
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.events import CALL, Event
from ansible_collections.apiauth.tokens.plugins.plugin_utils._summary import EVENTS_FILE, observer

ENABLED: Mapping[str, str] = {"ANSIBLE_CALLBACKS_ENABLED": "e2e_records,apiauth.tokens.summary"}
TITLE = "API TOKENS AND CALLS"


def device(name: str = "devices") -> dict[str, Any]:
    return {"name": name, "apiauth.tokens.rackcorp_api": {"cmd": "device.getall"}}


def written(path: Path) -> list[dict[str, Any]]:
    document = json.loads(path.read_text())
    assert isinstance(document, list)
    return document


def test_a_table_at_the_end(playbook: Callable[..., Run], emulator: Emulator, variables: Callable[..., dict[str, Any]]) -> None:
    """Workers, lookups and several systems; fails if a worker's events are lost or a login is counted by each that shares it."""
    look = {"name": "look", "ansible.builtin.debug": {"msg": "{{ lookup('apiauth.tokens.netography_token') | length }}"}}
    given = {**variables("rackcorp"), **variables("netography")}
    run = playbook([{"tasks": [device(), device("again"), look]}], hosts=4, forks=4, env=ENABLED, extra_vars=given).good()
    head, *rows = run.output[run.output.index(TITLE) :].strip().splitlines()[1:]
    assert head.split() == ["system", "logins", "cached", "tokens", "refreshes", "calls", "failed", "refused", "waited", "slowest", "call"]
    netography, rackcorp = rows
    where = emulator.url("rackcorp").split("/")[2]
    assert rackcorp.startswith(f"RackCorp at {where}  ")
    assert rackcorp.endswith(" s device.getall")
    numbers = rackcorp.removeprefix(f"RackCorp at {where}").split()
    assert numbers[:6] == ["1", "7", "0", "8", "0", "0"]
    assert netography.split()[3:9] == ["1", "3", "0", "0", "0", "0"]


def test_a_file_instead(stage: Any, emulator: Emulator, variables: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    """A refused login, and calls on another host. No secret is in the file."""
    file = tmp_path / "summary.json"
    file.write_text("old")
    given = {**variables("rackcorp"), **variables("vss", password="wrong-password-7")}
    refused = {"name": "refused", "apiauth.tokens.vss_api": {"path": "v2/user"}, "ignore_errors": True}
    env = {**ENABLED, "APIAUTH_SUMMARY_FILE": str(file)}
    run = stage.playbook([{"tasks": [device(), refused]}], hosts=2, env=env, extra_vars=given, host_vars=REMOTE).good()
    assert TITLE not in run.output
    # The variables of the callback are no misspelt options.
    assert "is not an option" not in run.output
    rackcorp, vss = written(file)
    assert (rackcorp["logins"], rackcorp["cached_tokens"], rackcorp["calls"], rackcorp["failed_calls"], rackcorp["refused"]) == (1, 1, 2, 0, 0)
    assert rackcorp["slowest_call"]["call"] == "device.getall"
    assert rackcorp["slowest_call"]["seconds"] > 0
    assert (vss["logins"], vss["failed_logins"], vss["cached_tokens"], vss["calls"]) == (1, 1, 0, 0)
    assert vss["refused"] == 1
    assert "wrong-password-7" not in file.read_text()
    assert not list(stage.home.rglob("apiauth-summary*"))


def test_waiting_is_told(playbook: Callable[..., Run], emulator: Emulator, variables: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    file = tmp_path / "summary.json"
    emulator.fault({"system": "rackcorp", "action": "rate_limit", "retry_after": 1, "times": 1})
    playbook([{"tasks": [device()]}], env={**ENABLED, "APIAUTH_SUMMARY_FILE": str(file)}, extra_vars=variables("rackcorp")).good()
    (rackcorp,) = written(file)
    assert 0.9 < rackcorp["waited"] < 5


def test_nothing_unless_enabled(playbook: Callable[..., Run], variables: Callable[..., dict[str, Any]], emulator: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "summary.json"
    run = playbook([{"tasks": [device()]}], env={"APIAUTH_SUMMARY_FILE": str(file)}, extra_vars=variables("rackcorp")).good()
    assert TITLE not in run.output
    assert not file.exists()


def test_a_file_that_cannot_be_written(playbook: Callable[..., Run], variables: Callable[..., dict[str, Any]], emulator: Emulator, tmp_path: Path) -> None:
    """The run itself has succeeded, so it says so."""
    path = tmp_path / "none" / "summary.json"
    run = playbook([{"tasks": [device()]}], env={**ENABLED, "APIAUTH_SUMMARY_FILE": str(path)}, extra_vars=variables("rackcorp")).good()
    assert "cannot be written (No such file or directory)" in " ".join(run.output.split())


def test_several_playbooks_of_a_run_are_one_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when the file holds what the last playbook did, and not the run."""
    file = tmp_path / "summary.json"
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    monkeypatch.setenv(EVENTS_FILE, "")
    callback = CallbackModule()
    monkeypatch.setattr(callback, "get_option", lambda _name: str(file))
    for number in range(1, 3):
        callback.v2_playbook_on_start(None)
        observer("RackCorp at example.com")(Event(CALL, 1.0, call="device.getall"))
        callback.v2_playbook_on_stats(None)
        assert [one["calls"] for one in written(file)] == [number]
