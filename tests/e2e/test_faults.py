# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input and faults: one clear sentence each, and never an attempt too many."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from e2e.cases import FAULTS, TITLES, Case, all_cases, faults
from e2e.stage import COLLECTION, Run, Stage
from emulator.client import Emulator

INTERNAL = ("Traceback", "Unhandled exception", "NoneType", "An unhandled exception", "object has no attribute", "KeyError", "Unexpected failure", "<class")
# What ansible-core before 2.19 says itself around the words of every lookup that fails.
CORES_OWN = re.compile(r"An unhandled exception occurred while running the lookup plugin '[\w.]+'\. Error was a <class 'ansible\.errors\.AnsibleError'>, ")
# A missing privilege, as WHM tells it; a bare 403 is its way to refuse a token.
DENIED = {"metadata": {"command": "loadavg", "reason": "Access denied", "result": 0, "version": 1}}
# What is told as an address in these cases leads to no host.
NO_ADDRESS = ("secret in the address", "no address")
EXISTING = {path.stem: True for path in COLLECTION.glob("plugins/lookup/*.py")}


@pytest.fixture(scope="module")
def table(running: Emulator, new_stage: Callable[[str], Stage]) -> tuple[Run, dict[str, Case], list[dict[str, Any]]]:
    """Every case as a task of one playbook; the emulator's log of it."""
    running.reset()
    faults(running)
    cases = {case.title: case for case in all_cases(running, EXISTING)}
    run = new_stage("faults").tasks(*(case.task() for case in cases.values()), env={"ANSIBLE_DISPLAY_FAILED_STDERR": "1"}, timeout=300)
    return run, cases, running.log()


def message_of(result: dict[str, Any]) -> str:
    return str(result.get("msg", ""))


def test_every_case_fails_and_says_why(table: tuple[Run, dict[str, Case], list[dict[str, Any]]]) -> None:
    run, cases, _log = table
    assert run.rc == 0, run.output[-3000:]
    wrong = []
    for title, case in cases.items():
        result = run.result(title)
        message = message_of(result)
        problems = [f"no {word!r}" for word in case.words if word not in message]
        told = str({**result, "msg": CORES_OWN.sub("", message)})
        problems += [f"says {word!r}" for word in INTERNAL if word in told]
        if not run.failed(title):
            problems.append("has not failed")
        if not case.is_lookup:
            kind = (result.get("error") or {}).get("kind")
            problems += [f"kind {kind}, not {case.kind}"] if kind not in case.kind.split("|") else []
            problems += [f"{name}: {result[name]}" for name in ("exception", "module_stderr", "module_stdout") if "\n" in str(result.get(name))]
        system = next(title for name, title in TITLES.items() if case.plugin.startswith(name))
        where = system if case.name in NO_ADDRESS else f"{system} at {urlsplit(case.options['api_url']).netloc}"
        if f": {where}: " not in f": {message}":
            problems.append(f"does not name {where}")
        if case.kind == "configuration" and not case.is_lookup and (result.get("sent"), result.get("tries") in (0, 1)) != (False, True):
            problems.append(f"sent {result.get('sent')}, tries {result.get('tries')}")
        if problems:
            wrong.append(f"{title}: {', '.join(problems)}: {message}")
    assert not wrong, "\n".join([f"{len(wrong)} of {len(cases)}", *wrong])


def test_a_fault_is_met_once(table: tuple[Run, dict[str, Case], list[dict[str, Any]]]) -> None:
    """Nothing is repeated where `retries` is 0, where the server asks for more patience than there is, or where a redirect leads away."""
    _run, cases, log = table
    for system in TITLES:
        for fault in FAULTS:
            asked = [one for one in log if one["system"] == system and f"fault-{fault.name}" in one["path"]]
            wanted = [case for case in cases.values() if case.name == fault.name and case.plugin.startswith(system)]
            assert len(asked) == len(wanted) > 0, f"{system}: {fault.name}"


def test_bad_input_sends_nothing(table: tuple[Run, dict[str, Case], list[dict[str, Any]]]) -> None:
    """Nobody logs in, and nothing is called, for a task whose options are wrong."""
    _run, cases, log = table
    assert sum("never-asked" in str(case.options.get("api_url")) for case in cases.values()) > 80
    assert [one["path"] for one in log if "never-asked" in one["path"]] == []


def call(name: str, system: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, f"apiauth.tokens.{system}_api": arguments, "ignore_errors": True}


def test_what_is_repeated_and_what_is_not(emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    everything = {name: value for system in TITLES for name, value in variables(system).items()}
    emulator.settings(rackcorp={"denied": ["device.get"]}, whm={"acl_denial_status": 403}, vss={"link_base": "https://evil.example/vss", "per_page": 2})
    only = {"times": 1}
    emulator.fault(
        {"system": "netography", "action": "rate_limit", "retry_after": 0.0, "match": {"function": "GET devices"}, **only},
        {"system": "netography", "action": "status", "status": 503, "match": {"function": "GET labels/ips"}, **only},
        {"system": "netography", "action": "status", "status": 502, "match": {"function": "POST device$"}, "times": None},
        {"system": "netography", "action": "status", "status": 403, "match": {"function": "GET api-keys"}, "times": None},
        {"system": "vss", "action": "status", "status": 403, "match": {"function": "GET v2/user$"}, "times": None},
        {"system": "whm", "action": "status", "status": 403, "json": DENIED, "match": {"function": "loadavg"}, "times": None},
        {"system": "rackcorp", "action": "status", "status": 403, "match": {"function": "order.get"}, "times": None},
    )
    run = stage.tasks(
        call("warm", "netography", path="device/1"),
        call("429", "netography", path="devices"),
        call("503", "netography", path="labels/ips"),
        call("502 for a change", "netography", path="device", method="POST", body={"name": "new", "ips": ["192.0.2.9"]}),
        call("403 netography", "netography", path="api-keys"),
        call("403 vss", "vss", path="v2/user"),
        call("403 whm", "whm", function="loadavg"),
        call("403 rackcorp", "rackcorp", cmd="order.get"),
        call("denied", "rackcorp", cmd="device.get", params={"id": 1}),
        call("denied again", "rackcorp", cmd="device.get", params={"id": 2}),
        call("200 with a reason", "whm", function="suspendacct", params={"user": "nobody"}),
        call("200 with an inner failure", "whm", function="uapi_cpanel", params={"cpanel.user": "user01", "cpanel.module": "Nope", "cpanel.function": "nope"}),
        call("next_url leads away", "vss", path="v2/vm", all_pages=True),
        extra_vars=everything,
    )
    told = {name: run.result(name) for name in run.tasks}
    assert {name: (told[name]["tries"], run.failed(name)) for name in ("429", "503")} == {"429": (2, False), "503": (2, False)}
    kinds = {name: (result["error"]["kind"], result["status"]) for name, result in told.items() if "error" in result}
    assert kinds == {
        "502 for a change": ("server", 502),
        "403 netography": ("forbidden", 403),
        "403 vss": ("forbidden", 403),
        "403 whm": ("forbidden", 403),
        "403 rackcorp": ("forbidden", 403),
        "denied": ("forbidden", 200),
        "denied again": ("forbidden", 200),
        "200 with a reason": ("not_found", 200),
        "200 with an inner failure": ("invalid_request", 200),
        "next_url leads away": ("protocol", 200),
    }
    assert "evil.example" in told["next_url leads away"]["msg"]
    asked = [one["function"] for one in emulator.log(login=False)]
    for function in ("POST device", "GET api-keys", "GET v2/user", "loadavg", "order.get"):
        assert asked.count(function) == 1, function
    # ACCESS_DENIED may mean a dead token, so one new one is tried, and none for the next refusal within a minute.
    assert asked.count("device.get") == 3
    assert {system: emulator.logins(system) for system in ("rackcorp", "netography", "vss")} == {"rackcorp": 2, "netography": 1, "vss": 1}


def test_a_damaged_cache_costs_one_login(emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    """Whatever was done to its files: no error, no word of a file's content."""

    def once() -> Run:
        return stage.tasks(call("call", "vss", path="v2/ping"), extra_vars=variables("vss")).good()

    once()
    files = [path for path in (stage.ansible_home / "apiauth" / "cache").rglob("*") if path.is_file() and path.stat().st_size]
    assert files
    for damage in (b"", b"[" * 5000):
        for path in files:
            path.write_bytes(damage)
        run = once()
        assert run.result("call")["data"]["message"] == "pong"
        assert "WARNING" not in run.output.upper().replace("WARNINGS", "")
    assert emulator.logins("vss") == 3
