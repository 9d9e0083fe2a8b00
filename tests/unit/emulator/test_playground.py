# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make playground``: what it prints can be pasted, and works with the collection."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from emulator import playground
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.client import ApiClient
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import COMMON, ConnectionSettings, Option, Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.base import Provider
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.netography import Netography
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.rackcorp import RackCorp
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.vss import Vss
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.api import Whm

DIRECTORY = Path(__file__).resolve().parents[2] / "emulator"
CALLS: dict[type[Provider], dict[str, Any]] = {
    RackCorp: {"cmd": "device.getall", "mutates": "auto"},
    Netography: {"path": "devices", "method": "GET", "mutates": "auto"},
    Vss: {"path": "v2/vm", "method": "GET", "mutates": "auto"},
    Whm: {"function": "listaccts", "method": "POST", "mutates": "auto"},
}


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The sections that a playground printed by their titles, while it runs. It ends well at Ctrl-C."""
    root = tmp_path_factory.mktemp("playground")
    ready = root / "ready"
    with (root / "output").open("wb") as output:
        command = [sys.executable, str(DIRECTORY), "--playground", "--dir", str(root), "--ready-file", str(ready)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline, text = time.monotonic() + 60, ""
        while playground.COMMANDS not in text and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
            text = (root / "output").read_text()
        assert playground.COMMANDS in text, text
        _head, *sections = text.split("# === ")
        yield {title: body for title, _newline, body in (section.partition("\n") for section in sections)}
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in (root / "output").read_text()


def variables_of(printed: dict[str, str]) -> dict[str, str]:
    """Return the variables of the inventory."""
    found: dict[str, str] = yaml.safe_load(printed[playground.INVENTORY])["all"]["vars"]
    return found


@pytest.mark.parametrize("provider_class", list(CALLS))
def test_the_variables_are_those_of_the_collection_and_work(printed: dict[str, str], provider_class: type[Provider]) -> None:
    """Fails when a name is not an option's, when a value is quoted wrongly, or when an account is not the emulator's."""
    variables = variables_of(printed)
    known = {option.variable: option for option in (*provider_class.options, *COMMON)}
    mine = {name: value for name, value in variables.items() if name.startswith((provider_class.name, "apiauth"))}
    assert set(mine) <= set(known)
    values = Options({known[name].name: value for name, value in mine.items()})
    provider = provider_class(values)
    client = ApiClient(provider, ConnectionSettings.from_options(values, 30.0), None, environ={})
    assert client.runner().run(provider.plan(CALLS[provider_class])).status == 200


def test_a_shell_gets_the_same_values(printed: dict[str, str]) -> None:
    """Fails when a value is not quoted for the shell, or when a name is not what the collection reads."""
    tables: list[Option] = [*COMMON, *(option for provider in CALLS for option in provider.options)]
    variables, options = variables_of(printed), {option.variable: option for option in tables}
    names = {name: environment for name, (environment, _value) in playground.settings({"ca": "", "https": ""}).items()}
    assert set(names) == set(variables)
    assert all(environment in options[name].env for name, environment in names.items())
    script = printed[playground.EXPORTS] + f"exec {sys.executable} -c 'import json, os; print(json.dumps(dict(os.environ)))'"
    shell = subprocess.run(["sh", "-c", script], env={"LC_ALL": "C.UTF-8"}, capture_output=True, text=True, check=True)
    environment = yaml.safe_load(shell.stdout)
    assert {name: environment[names[name]] for name in names} == variables


def test_the_playbook_calls_a_module(printed: dict[str, str]) -> None:
    (play,) = yaml.safe_load(printed[playground.PLAYBOOK])
    assert play["tasks"][0]["apiauth.tokens.rackcorp_api"] == {"cmd": "device.getall"}


def test_the_playbook_finds_what_it_shows(emulator: Emulator) -> None:
    """Fails when the reply has no such list, or its members no such names."""
    urls = {name: value for name, (_environment, value) in playground.settings(emulator.info).items()}
    values = Options({"api_url": urls["rackcorp_api_url"], "api_uuid": urls["rackcorp_api_uuid"], "api_secret": urls["rackcorp_api_secret"]})
    provider = RackCorp(values)
    client = ApiClient(provider, ConnectionSettings(ca_path=emulator.ca), None, environ={})
    data = client.runner().run(provider.plan(CALLS[RackCorp])).data
    assert all(device["name"] for device in data["devices"])
    assert data["devices"]
