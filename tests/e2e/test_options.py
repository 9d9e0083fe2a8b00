# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where options come from: argument > variable > environment > ansible.cfg > default, in lookups and modules alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from e2e.stage import BECOME, Stage
from emulator.accounts import accounts
from emulator.client import Emulator

# From the strongest to the weakest; each layer alone would give another user.
LAYERS = ("argument", "variable", "task environment", "environment", "ansible.cfg")


@pytest.mark.parametrize("plugin", ["module", "lookup"])
def test_precedence(plugin: str, emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    """Each layer names another address below the system's; the log tells which one was asked.

    The environment of a task is the module's alone: Ansible does not give it to lookups.
    """
    base = emulator.url("vss")
    address = {layer: f"{base}/by-{layer.replace(' ', '-')}" for layer in LAYERS}
    (stage.inputs / "ansible.cfg").write_text(f"[apiauth]\nvss_api_url = {address['ansible.cfg']}  ; a comment\n")
    secret = {"vss_username": "x", "vss_password": "CANARY"}
    layers = [layer for layer in LAYERS if plugin == "module" or layer != "task environment"]
    tasks: list[dict[str, Any]] = []
    for number, layer in enumerate(layers):
        active = layers[number:]
        given = f"api_url='{address['argument']}'" if "argument" in active else "retries=0"
        task: dict[str, Any] = {"name": layer, "ignore_errors": True, "vars": dict(secret)}
        if plugin == "module":
            task["apiauth.tokens.vss_api"] = {"path": "v2/ping", "retries": 0, **({"api_url": address["argument"]} if "argument" in active else {})}
        else:
            task["ansible.builtin.debug"] = {"msg": f"{{{{ lookup('apiauth.tokens.vss_token', {given}) }}}}"}
        if "variable" in active:
            task["vars"]["vss_api_url"] = "{{ 'variable' | replace('variable', by_variable) }}"
            task["vars"]["by_variable"] = address["variable"]
        if "task environment" in active:
            task["environment"] = {"VSS_API_URL": address["task environment"]}
        tasks.append(task)
    first, last = tasks[:-1], tasks[-1:]
    stage.tasks(*first, env={"VSS_API_URL": address["environment"]}).good()
    stage.tasks(*last).good()
    asked = [one["path"].split("/")[0] for one in emulator.log(system="vss")]
    assert asked == [f"by-{layer.replace(' ', '-')}" for layer in layers]


def test_module_defaults(emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    """Of a module, of a system's group, and of the group of all; a task's own argument is stronger."""
    known = {name: value for name, value in accounts()["rackcorp"].items() if name.startswith("api_")}
    group = {"group/apiauth.tokens.rackcorp": {**known, "api_url": emulator.url("rackcorp")}, "group/apiauth.tokens.all": {"retries": 0}}
    call = {"apiauth.tokens.rackcorp_api": {"cmd": "device.getall"}}
    # What a default could not be set to for all: only this one module knows it.
    own = {"apiauth.tokens.rackcorp_api": {"auth": "cookie"}}
    tasks = [
        {"name": "by group", **call},
        {"name": "by module", **call, "module_defaults": own},
        {"name": "argument", "apiauth.tokens.rackcorp_api": {"cmd": "device.getall", "auth": "basic"}, "module_defaults": own},
        {"name": "become", **call, **BECOME},
    ]
    stage.tasks(*tasks, play={"module_defaults": group}).good()
    assert [one["kinds"] for one in emulator.log(system="rackcorp", login=False)] == [["bearer"], ["cookie"], ["basic"], ["bearer"]]
    assert emulator.logins("rackcorp") == 1


@pytest.mark.parametrize("way", ["here", "become"])
def test_the_environment_of_a_task(way: str, emulator: Emulator, stage: Stage) -> None:
    """Credentials and a proxy; the proxy is asked where the call is made."""
    known = accounts()["vss"]
    env = {"VSS_API_USER": known["username"], "VSS_API_USER_PASS": "{{ held }}", "VSS_ENDPOINT": emulator.url("vss")}
    call = {"apiauth.tokens.vss_api": {"path": "v2/ping", "retries": 0}}
    more = BECOME if way == "become" else {}
    tasks = [
        {"name": "direct", **call, **more, "environment": env},
        {"name": "proxy", **call, **more, "environment": {**env, "http_proxy": "http://127.0.0.1:9"}, "ignore_errors": True},
        {"name": "no proxy", **call, **more, "environment": {**env, "http_proxy": "http://127.0.0.1:9", "no_proxy": "127.0.0.1"}},
    ]
    run = stage.tasks(*tasks, extra_vars={"held": known["password"]}).good()
    assert [run.failed(name) for name in ("direct", "proxy", "no proxy")] == [False, True, False]
    assert run.result("proxy")["error"]["kind"] == "network"
    assert "proxy" in run.result("proxy")["msg"]
    assert emulator.logins("vss") == 1


def test_an_undefined_variable_is_told_before_any_login(emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    known = {**variables("vss"), "vss_otp": "{{ nowhere_defined }}"}
    tasks = [
        {"name": "module", "apiauth.tokens.vss_api": {"path": "v2/ping"}, "ignore_errors": True},
        {"name": "lookup", "ansible.builtin.debug": {"msg": "{{ lookup('apiauth.tokens.vss_token') }}"}, "ignore_errors": True},
    ]
    run = stage.tasks(*tasks, extra_vars=known).good()
    for task in ("module", "lookup"):
        assert run.failed(task)
        assert f"VSS at {urlsplit(emulator.url('vss')).netloc}: the variable vss_otp is undefined" in run.result(task)["msg"]
    assert emulator.log() == []
