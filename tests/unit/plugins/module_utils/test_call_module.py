# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call module does on the host of its task: the token in, the result out, and no credential needed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils import _call_module
from ansible_collections.apiauth.tokens.plugins.module_utils._call_module import ANSWER, host_options, option_table, run_module
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import argument_spec
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.base import Provider
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.netography import Netography
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.rackcorp import RackCorp
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.vss import Vss
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.api import Whm

Module = Callable[..., dict[str, Any]]
Task = Callable[..., Any]
PROVIDERS: list[type[Provider]] = [RackCorp, Whm, Netography, Vss]


class Ended(Exception):
    """The module would have printed this, and ended."""


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Run a module with these arguments; its result."""

    def run(provider: type[Provider], check_mode: bool = False, **given: Any) -> dict[str, Any]:
        class Module:
            def __init__(self, argument_spec: dict[str, dict[str, Any]], supports_check_mode: bool) -> None:
                assert supports_check_mode
                self.params = {name: given.get(name, entry.get("default")) for name, entry in argument_spec.items()}
                self.check_mode, self._diff, self.no_log = check_mode, False, False
                self.no_log_values: set[str] = set()

            def exit_json(self, **result: Any) -> None:
                raise Ended({**result, "failed": False})

            def fail_json(self, **result: Any) -> None:
                assert result["msg"]
                raise Ended({**result, "failed": True})

        monkeypatch.setattr(_call_module, "AnsibleModule", Module)
        with pytest.raises(Ended) as ended:
            run_module(provider)
        printed: dict[str, Any] = ended.value.args[0]
        assert printed.pop("invocation") == {"module_args": {}}
        if ANSWER not in printed:
            return printed
        answer = json.loads(printed[ANSWER])
        assert (printed["failed"], printed["changed"]) == (bool(answer["result"].get("failed")), answer["result"]["changed"])
        return {"failed": False, **answer["result"], **{name: value for name, value in answer.items() if name != "result"}}

    return run


@pytest.fixture
def background(module: Module, monkeypatch: pytest.MonkeyPatch) -> Module:
    """The same under async."""

    def run(*arguments: Any, **given: Any) -> dict[str, Any]:
        with monkeypatch.context() as patch:
            patch.setenv(_call_module.BACKGROUND, "1")
            return module(*arguments, **given)

    return run


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_no_credential_is_sent_to_a_host(provider: type[Provider]) -> None:
    secret = {one.name for one in (*provider.options, *provider.module_options) if one.secret}
    assert host_options(provider) & secret == {"token"}
    assert not {"cache_key", "cache_redis_url", "cache_dir"} & host_options(provider)
    assert {"calls", "timeout", "ca_path", "api_url", "mutates"} <= host_options(provider)


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_secrets_are_hidden_by_the_argument_spec(provider: type[Provider]) -> None:
    spec = argument_spec(option_table(provider))
    assert {name for name, entry in spec.items() if entry["no_log"]} == {one.name for one in option_table(provider) if one.secret}
    assert {"token", "cache_key", "proxy"} <= {name for name, entry in spec.items() if entry["no_log"]}


def test_a_call(module: Module, task: Task, emulator: Emulator) -> None:
    token = task("netography").token().value
    result = module(Netography, token=token, api_url=emulator.url("netography"), path="devices")
    assert (result["failed"], result["changed"], len(result["data"])) == (False, False, 5)
    assert result["secret"] == ""


def test_check_mode(module: Module, emulator: Emulator) -> None:
    result = module(Netography, check_mode=True, token="T", api_url=emulator.url("netography"), path="device", method="POST")
    assert (result["changed"], result["sent"], result["wait_left"]) == (True, False, 60.0)
    assert emulator.log() == []


def test_a_refused_token_is_told_to_the_controller(module: Module, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where Ansible keeps files of jobs says nothing about this task.
    monkeypatch.setenv("ANSIBLE_ASYNC_DIR", "/somewhere")
    result = module(Netography, token="T", api_url=emulator.url("netography"), calls=[{"path": "devices"}, {"path": "devices"}])
    assert (result["failed"], sorted(result["refused"]), result["error"]["kind"]) == (True, [0, 1], "credentials")
    assert "async" not in result["msg"]
    assert emulator.logins("netography") == 0


def test_a_refused_token_under_async(background: Module, emulator: Emulator) -> None:
    result = background(Netography, token="T", api_url=emulator.url("netography"), path="devices")
    assert (result["failed"], result["error"]["kind"], result["status"], result["tries"]) == (True, "credentials", 401, 1)
    assert result["msg"].endswith("; under async nobody renews the token, so run the task once without async, or with refresh")
    assert set(result) <= {"failed", "changed", "sent", "tries", "msg", "status", "error"}


def test_how_long_a_module_may_still_wait_is_told_to_the_controller(module: Module, background: Module, task: Task, emulator: Emulator) -> None:
    token = task("netography").token().value
    known = {"token": token, "api_url": emulator.url("netography"), "path": "devices", "max_wait": 20.0}
    assert module(Netography, **known)["wait_left"] == 20.0
    emulator.fault({"system": "netography", "action": "rate_limit", "retry_after": 0.25, "times": 1})
    assert module(Netography, **known)["wait_left"] == pytest.approx(19.75)
    assert "wait_left" not in background(Netography, **known)


API_KEY: dict[str, Any] = {"path": "api-keys", "method": "POST", "body": {"appname": "new"}}


def test_a_secret_is_told_to_the_controller(module: Module, task: Task, emulator: Emulator) -> None:
    token = task("netography").token().value
    result = module(Netography, token=token, api_url=emulator.url("netography"), **API_KEY)
    assert not result["failed"]
    assert result["secret"]


def test_a_secret_is_left_out_under_async(background: Module, task: Task, emulator: Emulator) -> None:
    """Also one that is told by the reply alone, and among several calls."""
    token = task("netography").token().value
    known = {"token": token, "api_url": emulator.url("netography")}
    result = background(Netography, **known, **API_KEY)
    where = emulator.url("netography").split("/")[2]
    assert result == {
        "failed": True,
        "changed": True,
        "sent": True,
        "tries": 1,
        "status": 201,
        "msg": f"Netography at {where}: the call was made, but a reply holds a secret (the member data.appkey), which would rest in the job's file under "
        "async, and was left out; run the task without async",
        "error": {"kind": "configuration"},
    }
    emulator.fault({"system": "netography", "action": "status", "status": 200, "json": {"data": [{"name": token}]}, "match": {"function": "GET devices"}})
    several = background(Netography, **known, calls=[{"path": "device/1"}, {"path": "devices"}, {"path": "nowhere"}])
    assert "the 3 calls were made, but a reply holds a secret" in several["msg"]
    assert (several["changed"], several["sent"], several["tries"], several["error"]["kind"]) == (False, True, 3, "configuration")
    assert not {"results", "data", "meta", "secret", "refused", "wait_left"} & set(several)
    assert token not in str(several)


@pytest.mark.parametrize(("given", "told"), [({}, "missing token and api_url (the action plugin"), ({"token": "T", "api_url": "https://h"}, "missing path")])
def test_arguments_that_make_no_sense(module: Module, given: dict[str, Any], told: str) -> None:
    result = module(Netography, **given)
    assert (result["failed"], result["error"]["kind"]) == (True, "configuration")
    assert (result["changed"], result["sent"], result["tries"]) == (False, False, 0)
    assert result["msg"].startswith(("Netography: ", "Netography at h: "))
    assert told in result["msg"]


def test_proxies_of_the_host(module: Module, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    result = module(Netography, token="T", api_url=emulator.url("netography"), path="devices", retries=0)
    assert "proxy" in result["msg"]
    assert emulator.log() == []
