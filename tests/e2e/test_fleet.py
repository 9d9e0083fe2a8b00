# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many hosts at once: one login for all of them, one new one when a token is refused, wherever the calls run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from e2e.cases import LOOKUPS, READS, TITLES, WRONG, lookup
from e2e.stage import BECOME, REMOTE, Stage
from emulator.accounts import accounts
from emulator.client import Emulator

HOSTS = 20
FLOWS = {"start": 1, "end": 2, "size": 50}
LABEL = {"ip": "192.0.2.77", "context": "x"}
Variables = Callable[..., dict[str, Any]]
# Where a token is fetched that others then share; WHM's own token and password need no login.
SHARED = ("rackcorp", "netography", "vss")
# Netography, whose token is refused with 401 and nothing else.
DEVICES = {"name": "devices", "apiauth.tokens.netography_api": {"path": "devices"}, "ignore_errors": True}
ELSEWHERE: Mapping[str, Mapping[str, Any]] = {"here": {}, "become": BECOME, "remote": {"vars": REMOTE}}


def of(variables: Variables, *systems: str, **options: Any) -> dict[str, Any]:
    return {name: value for system in systems or TITLES for name, value in variables(system, **options).items()}


def call(name: str, system: str, **more: Any) -> dict[str, Any]:
    return {"name": name, f"apiauth.tokens.{system}_api": dict(READS[system]), **more}


def test_one_login_per_system(emulator: Emulator, stage: Stage, variables: Variables) -> None:
    """Lookups and calls share it, in one run and in the next."""
    emulator.settings(rackcorp={"login_delay": 0.3}, netography={"login_delay": 0.3}, vss={"login_delay": 0.3})
    lookups = [lookup(f"{system} lookup", LOOKUPS[system], {}) for system in SHARED]
    calls = [call(f"{system} call", system) for system in TITLES]
    for hosts in (HOSTS, 2):
        run = stage.tasks(*lookups, *calls, extra_vars=of(variables), hosts=hosts, forks=10).good()
        assert all(len(run.results(task)) == hosts and not run.failed(task) for task in run.tasks)
        assert {system: emulator.logins(system) for system in SHARED} == dict.fromkeys(SHARED, 1)
    assert {system: emulator.calls(system) for system in TITLES} == dict.fromkeys(TITLES, HOSTS + 2)


@pytest.mark.parametrize("first", ["lookup", "call"])
def test_a_wrong_password_is_tried_once(first: str, emulator: Emulator, stage: Stage, variables: Variables) -> None:
    """By 20 hosts, lookups and calls alike, and not at all by the run after it; the right one is tried at once."""
    tasks = [lookup("lookup", "vss_token", {}), call("call", "vss", ignore_errors=True)]
    wrong = of(variables, "vss", password=WRONG)
    for _again in range(2):
        run = stage.tasks(*(tasks if first == "lookup" else tasks[::-1]), extra_vars=wrong, hosts=HOSTS, forks=10).good()
        assert {host for host in run.results("call") if run.failed("call", host)} == {host for host in run.results("lookup") if run.failed("lookup", host)}
        messages = {result["msg"] for result in run.results("call").values()}
        assert len(messages) == 1
        assert all(result["error"]["kind"] == "credentials" for result in run.results("call").values())
        assert all(
            messages <= {result["msg"].partition(" failed: ")[2] or result["msg"]} or next(iter(messages)) in result["msg"]
            for result in run.results("lookup").values()
        )
        assert emulator.logins("vss") == 1
    stage.tasks(call("call", "vss"), extra_vars=of(variables, "vss")).good()
    assert emulator.logins("vss") == 2


@pytest.mark.parametrize("way", ["here", "remote"])
def test_a_refused_token_costs_one_login(way: str, emulator: Emulator, stage: Stage, variables: Variables) -> None:
    """And each call is repeated once."""
    known = of(variables, "netography")
    warm = {"hosts": "h01", "tasks": [{**DEVICES, "name": "warm"}]}
    stage.playbook([warm], extra_vars=known).good()
    emulator.revoke("netography")
    before = emulator.calls("netography")
    hosts = HOSTS if way == "here" else 6
    run = stage.playbook([{**ELSEWHERE[way], "tasks": [DEVICES]}], extra_vars=known, hosts=hosts, forks=10).good()
    assert not run.failed("devices")
    assert len(run.results("devices")) == hosts
    assert emulator.logins("netography") == 2
    refused = emulator.log(system="netography", login=False, status=401)
    assert len(emulator.log(since=0, system="netography", login=False)) == before + hosts + len(refused)
    assert 1 <= len(refused) <= hosts
    tries = [result["tries"] for result in run.results("devices").values()]
    assert tries.count(2) == len(refused)
    assert set(tries) <= {1, 2}


@pytest.mark.parametrize("way", ["here", "remote"])
def test_a_token_that_stays_refused_costs_one_login_a_minute(way: str, emulator: Emulator, stage: Stage, variables: Variables) -> None:
    known = of(variables, "netography")
    stage.tasks({**DEVICES, "name": "warm"}, extra_vars=known).good()
    emulator.fault({"system": "netography", "action": "refuse_token", "times": None})
    hosts = 10 if way == "here" else 4
    run = stage.playbook([{**ELSEWHERE[way], "tasks": [DEVICES, {**DEVICES, "name": "later"}]}], extra_vars=known, hosts=hosts, forks=10).good()
    for task in ("devices", "later"):
        assert {result["error"]["kind"] for result in run.results(task).values()} == {"credentials"}
        assert all("refused_calls" not in result for result in run.results(task).values())
    assert emulator.logins("netography") == 2
    # Nobody asks more than twice.
    assert len(emulator.log(system="netography", login=False)) <= 1 + 2 * 2 * hosts


@pytest.mark.parametrize("way", ["here", "remote"])
def test_only_refused_calls_are_repeated(way: str, emulator: Emulator, stage: Stage, variables: Variables) -> None:
    known = of(variables, "netography")
    stage.tasks({**DEVICES, "name": "warm"}, extra_vars=known).good()
    # In one process the token is replaced at the first refusal, and another one would stand.
    refused = (2,) if way == "here" else (2, 4)
    emulator.fault(*({"system": "netography", "action": "refuse_token", "match": {"function": f"GET device/{number}$"}} for number in refused))
    several = [*({"path": f"device/{number}"} for number in range(1, 6)), {"path": "device/99"}]
    task = {"name": "several", "apiauth.tokens.netography_api": {"calls": several, "concurrency": 1}, "ignore_errors": True}
    run = stage.playbook([{**ELSEWHERE[way], "tasks": [task]}], extra_vars=known).good()
    result = run.result("several")
    assert [one["failed"] for one in result["results"]] == [False] * 5 + [True]
    assert [int(one["data"][0]["id"]) for one in result["results"][:5]] == [1, 2, 3, 4, 5]
    assert result["error"]["kind"] == "not_found"
    assert result["msg"].startswith("call 6: ")
    asked = [one["function"] for one in emulator.log(system="netography", login=False)]
    assert {number: asked.count(f"GET device/{number}") for number in refused} == dict.fromkeys(refused, 2)
    assert len(asked) == 1 + len(several) + len(refused)
    assert emulator.logins("netography") == 2
    assert result["results"][1]["tries"] == 2


@pytest.mark.parametrize("way", ["here", "remote"])
def test_a_failed_new_login_costs_no_results(way: str, emulator: Emulator, stage: Stage, variables: Variables) -> None:
    """The calls that went well are told, with the reason why the others did not; and without a token, each with it."""
    known = of(variables, "netography")
    stage.tasks({**DEVICES, "name": "warm"}, extra_vars=known).good()
    refused = {"system": "netography", "action": "refuse_token", "times": None, "match": {"function": "GET device/2"}}
    emulator.fault(refused, {"system": "netography", "action": "html", "times": None, "match": {"login": True}})
    task = {"apiauth.tokens.netography_api": {"calls": [{"path": "device/1"}, {"path": "device/2"}], "concurrency": 1}, "ignore_errors": True}
    run = stage.playbook([{**ELSEWHERE[way], "tasks": [{**task, "name": "first"}, {**task, "name": "second"}]}], extra_vars=known).good()
    for name, failed in (("first", [False, True]), ("second", [True, True])):
        result = run.result(name)
        assert [one["failed"] for one in result["results"]] == failed
        assert result["error"]["kind"] == "protocol"
        assert f"call {1 + failed.index(True)}: Netography at" in result["msg"]
    assert run.result("first")["results"][0]["data"][0]["id"] == "1"


def test_refresh(emulator: Emulator, stage: Stage, variables: Variables) -> None:
    """A new token, once for each task that asks, which all others then use."""
    known = of(variables, "vss")
    emulator.settings(vss={"rate_limit": 0})
    details = "{{ lookup('apiauth.tokens.vss_token', output='details'%s).from_cache }}"
    run = stage.tasks(
        call("first", "vss"),
        {"name": "cached", "ansible.builtin.debug": {"msg": details % ""}},
        {"name": "new", "ansible.builtin.debug": {"msg": details % ", refresh=true"}},
        {"name": "refreshed", "apiauth.tokens.vss_api": {**READS["vss"], "refresh": True}},
        {"name": "old again", "apiauth.tokens.vss_api": dict(READS["vss"])},
        extra_vars=known,
    ).good()
    assert [run.result(name)["msg"] for name in ("cached", "new")] == [True, False]
    assert emulator.logins("vss") == 3
    tokens = [one["headers"]["Authorization"] for one in emulator.log(system="vss", login=False)]
    assert tokens[0] != tokens[1] == tokens[2]


CHANGES: Mapping[str, Mapping[str, Any]] = {
    "rackcorp": {"cmd": "order.create", "params": {"productCode": "x"}},
    "whm": {"function": "suspendacct", "params": {"user": "user01"}},
    "netography": {"path": "device/1", "method": "DELETE"},
    "vss": {"path": "v2/vm/1/state", "method": "PUT", "body": {"value": "poweredOff"}},
}


@pytest.mark.parametrize(("way", "more"), [("here", {}), ("become", {}), ("here", {"async": 30, "poll": 1})], ids=["here", "become", "async"])
def test_check_mode_sends_nothing(way: str, more: Mapping[str, int], emulator: Emulator, stage: Stage, variables: Variables) -> None:
    """A change is announced, without a login, and without a job that could be waited for; what reads is sent."""
    changes = [{"name": f"change {system}", f"apiauth.tokens.{system}_api": dict(arguments), **more} for system, arguments in CHANGES.items()]
    several = {"name": "several", "apiauth.tokens.netography_api": {"calls": [CHANGES["netography"], CHANGES["netography"]]}, **more}
    mixed = {"name": "mixed", "apiauth.tokens.netography_api": {"calls": [CHANGES["netography"], {"path": "devices"}]}}
    plays = [{**ELSEWHERE[way], "tasks": [*changes, several]}]
    run = stage.playbook(plays, extra_vars=of(variables), args=["--check"]).good()
    assert emulator.log() == []
    for system in TITLES:
        result = run.result(f"change {system}")
        assert (result["changed"], result["sent"]) == (True, False)
    assert [(one["changed"], one["sent"]) for one in run.result("several")["results"]] == [(True, False)] * 2
    run = stage.playbook([{**ELSEWHERE[way], "tasks": [call("reading", "vss"), mixed]}], extra_vars=of(variables), args=["--check"]).good()
    assert run.result("reading")["sent"]
    assert [one["sent"] for one in run.result("mixed")["results"]] == [False, True]
    assert [one["function"] for one in emulator.log(system="netography", login=False)] == ["GET devices"]


def test_a_host_that_cannot_be_reached_is_told_why(emulator: Emulator, stage: Stage, variables: Variables) -> None:
    """By the connection itself, which says nothing while secrets may go over it."""
    ssh = stage.root / "broken_ssh"
    ssh.write_text("#!/bin/sh\necho 'no route, says the broken ssh' >&2\nexit 255\n")
    ssh.chmod(0o755)
    elsewhere = {"vars": {**REMOTE, "ansible_ssh_executable": str(ssh)}}
    run = stage.playbook([{**elsewhere, "tasks": [call("call", "vss")]}], extra_vars=of(variables, "vss"), verbosity=5)
    assert run.failed("call")
    assert "no route, says the broken ssh" in run.result("call")["msg"]
    assert emulator.counts()["vss"]["calls"] == 0
    (issued,) = emulator.log(system="vss", login=True)
    assert issued["ok"]


def test_the_same_result_everywhere(emulator: Emulator, stage: Stage, variables: Variables) -> None:
    """In the worker, as another user, and on another host."""
    tasks = [
        *(call(f"read {system}", system) for system in TITLES),
        {
            "name": "pages",
            "apiauth.tokens.netography_api": {"path": "search/flow", "method": "POST", "body": {"start": 1, "end": 2, "size": 50}, "all_pages": True},
        },
        {"name": "bad", "apiauth.tokens.vss_api": {"path": "v2/nothing"}, "ignore_errors": True},
        {"name": "calls", "apiauth.tokens.vss_api": {"calls": [{"path": "v2/user"}, {"path": "v2/no"}]}, "ignore_errors": True},
        {
            "name": "no content",
            "apiauth.tokens.netography_api": {"path": "labels/ips/bulk", "method": "DELETE", "body": [{"ip": "192.0.2.77", "context": "x"}]},
        },
    ]
    plays = [{**settings, "tasks": [{**task, "name": f"{task['name']} {way}"} for task in tasks]} for way, settings in ELSEWHERE.items()]
    run = stage.playbook(plays, extra_vars=of(variables)).good()
    beside = ("invocation", "exception", "time", "last_access")

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(item) for name, item in value.items() if name not in beside and not name.startswith("_ansible")}
        return [plain(item) for item in value] if isinstance(value, list) else value

    for task in tasks:
        here, become, remote = (plain(run.result(f"{task['name']} {way}")) for way in ELSEWHERE)
        assert here == become == remote, task["name"]
        assert {"changed", "status", "data", "meta", "tries", "sent"} <= set(here) or task["name"] in ("bad", "calls")


def test_a_credential_does_not_go_to_a_host(emulator: Emulator, stage: Stage, variables: Variables) -> None:
    """Where it would authenticate the call itself; with delegate_to the same task runs."""
    ways = {
        "basic": {"apiauth.tokens.rackcorp_api": {**READS["rackcorp"], "auth": "basic"}},
        "body": {"apiauth.tokens.rackcorp_api": {**READS["rackcorp"], "auth": "body"}},
        "password": {"apiauth.tokens.whm_api": dict(READS["whm"])},
    }
    known = {**of(variables, "rackcorp"), **variables("whm", token=None)}
    elsewhere: dict[str, Mapping[str, Any]] = {"become": BECOME, "async": {"async": 20, "poll": 1}, "host": {"vars": dict(REMOTE)}}
    refused: list[dict[str, Any]] = [
        {"name": f"{name} {way}", **task, **more, "ignore_errors": True} for name, task in ways.items() for way, more in elsewhere.items()
    ]
    delegated: list[dict[str, Any]] = [{"name": f"{name} delegated", **task, "delegate_to": "localhost"} for name, task in ways.items()]
    run = stage.playbook([{"tasks": refused}, {"vars": {"x": 1}, "tasks": delegated}], extra_vars=known, host_vars=REMOTE).good()
    for task in refused:
        result = run.result(task["name"])
        assert result["error"]["kind"] == "configuration"
        assert all(word in result["msg"] for word in ("credentials do not leave the controller", "use a token", "delegate_to: localhost"))
    assert not any(run.failed(task["name"]) for task in delegated)
    assert emulator.calls("rackcorp") + emulator.calls("whm") == len(delegated)


@pytest.mark.parametrize("way", ["here", "remote"])
def test_all_waiting_of_a_task_is_one_budget(way: str, emulator: Emulator, stage: Stage, variables: Variables) -> None:
    """Of the login on the controller, of the call wherever it runs, and of its repetition with another token."""
    known = of(variables, "netography")
    limited = {"system": "netography", "action": "rate_limit", "retry_after": 0.6, "times": 1}
    task = {**DEVICES, "apiauth.tokens.netography_api": {"path": "devices", "max_wait": 1}}

    def told(*rules: Mapping[str, Any]) -> tuple[bool, str, int]:
        emulator.fault(*({**limited, **rule} for rule in rules))
        run = stage.tasks(task, play=ELSEWHERE[way], extra_vars=known).good()
        emulator.clear_faults()
        result = run.result("devices")
        return run.failed("devices"), result.get("error", {}).get("kind", ""), result["tries"]

    call = {"match": {"function": "GET devices"}}
    assert told({"match": {"login": True}}, call) == (True, "rate_limited", 1)
    assert told(call) == (False, "", 2)
    emulator.revoke("netography")
    assert told(call, {**call, "skip": 1}) == (True, "rate_limited", 3)


@pytest.mark.parametrize(("plugin", "call"), [("whm_api", READS["whm"]), ("whm_api_token_info", {})])
def test_paths_are_those_of_the_host(plugin: str, call: Mapping[str, Any], emulator: Emulator, stage: Stage) -> None:
    """What they hold of variables is put in there, not on the controller."""
    ca = Path(emulator.ca)
    arguments = {"api_url": emulator.url("whm", tls=True), "token": accounts()["whm"]["token"], "ca_path": f"$CERTIFICATES/{ca.name}"}
    task = {"name": "call", f"apiauth.tokens.{plugin}": {**arguments, **call}, "environment": {"CERTIFICATES": str(ca.parent)}}
    stage.tasks(task, play=ELSEWHERE["remote"], env={"CERTIFICATES": "/nowhere"}).good()


def test_async(emulator: Emulator, stage: Stage, variables: Variables) -> None:
    """It works, its 401 says that nobody renews the token, and a reply with a secret is refused."""
    known = {**of(variables, "netography"), "unique": "async"}
    slow = {"async": 60, "poll": 1}
    stage.tasks({**DEVICES, "name": "warm"}, {**DEVICES, **slow, "name": "good"}, extra_vars=known).good()
    emulator.revoke("netography")
    secret = {"name": "secret", "apiauth.tokens.netography_api": {"path": "api-keys", "method": "POST", "body": {"appname": "x"}}, "ignore_errors": True}
    run = stage.tasks({**DEVICES, **slow}, {**secret, **slow}, extra_vars=known).good()
    result = run.result("devices")
    assert result["error"]["kind"] == "credentials"
    assert "async" in result["msg"]
    assert "without async" in run.result("secret")["msg"]
    assert emulator.logins("netography") == 1
    assert not [one for one in emulator.log() if "api-keys" in one["path"]]


def test_ad_hoc(emulator: Emulator, stage: Stage) -> None:
    """All options from the environment, arguments as text."""
    known = accounts()["rackcorp"]
    env = {"RACKCORP_API_UUID": known["api_uuid"], "RACKCORP_API_SECRET": known["api_secret"], "RACKCORP_API_URL": emulator.url("rackcorp")}

    def told(arguments: str) -> dict[str, Any]:
        output = stage.run("ansible", "localhost", "-m", "apiauth.tokens.rackcorp_api", "-a", arguments, env=env).good().output
        found: dict[str, Any] = json.loads(output.partition("localhost | SUCCESS => ")[2])
        return found

    assert told("cmd=device.getall")["data"]["count"] == 45
    assert told("""cmd=device.get params='{"deviceId": 5001}'""")["data"]["device"]["deviceId"] == 5001
    assert emulator.logins("rackcorp") == 1
