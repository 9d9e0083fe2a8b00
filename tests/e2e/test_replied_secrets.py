# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reply that holds a secret of any kind is not printed, but can be registered, and one visible line says why and how to see it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from e2e.cases import NAMESPACE, TITLES
from e2e.leaks import leaks, loud
from e2e.stage import Run, Stage
from e2e.test_secrets import BACKGROUND, ELSEWHERE
from emulator.client import Emulator

# The word that tests look for; with some that are awkward in JSON, URLs and HTML.
SECRET = 'CANARYREPLIED+/%&"0123456789'
PLAIN = "CANARYREPLIEDPLAIN9876543210"
SENT = "CANARYSENT+/&0123456789"
BODY = base64.b64encode(f"key {PLAIN} of the test, {PLAIN}".encode()).decode()
JWT = ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in ('{"alg":"HS256","typ":"JWT"}', f'{{"sub":"{PLAIN}"}}', PLAIN))
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----\n"
LOG = f"WWWAcct 13.0\n+-------------------+\n| UserName: bob     |\n| PassWord: {PLAIN} |\n+-------------------+\n"

# By kind: a payload, the member of the result that holds the secret, and words that say why the result is hidden.
PAYLOADS: Mapping[str, tuple[Mapping[str, Any], str, str]] = {
    "token": ({"app_token": SECRET}, "data.app_token", "app_token"),
    "password": ({"database_user_password": SECRET}, "data.database_user_password", "database_user_password"),
    "items": ({"rows": [{"id": 1}, {"id": 2, "authpassword": SECRET}]}, "data.rows[1].authpassword", "authpassword"),
    "codes": ({"recovery_codes": [SECRET, PLAIN]}, "data.recovery_codes[0]", "recovery_codes"),
    "privatekey": ({"key": PEM}, "data.key", "private key"),
    "dnssec": ({"content": f"Private-key-format: v1.2\nPrivateExponent: {BODY}\n"}, "data.content", "private key"),
    "jwt": ({"text": f"it is {JWT}."}, "data.text", "JWT"),
    "nested": ({"data": json.dumps({"deployMediaImageAccessSecret": SECRET})}, "data.data", "deployMediaImageAccessSecret"),
    "log": ({"raw": LOG}, "data.raw", "PassWord"),
    "url": ({"location": f"https://h.example/login?password={PLAIN}&x=1"}, "data.location", "password"),
}  # fmt: skip
# The header of the JWT is that of every JWT.
SECRETS = (SECRET, PLAIN, BODY, *JWT.split(".")[1:])
# Any words are fine for the rest, but what to do must be there.
HOW_TO_SEE = ("register", "ansible.builtin.debug")


def call_of(system: str, kind: str) -> dict[str, Any]:
    """The call that is answered with the payload of this kind."""
    return {"rackcorp": {"cmd": f"planted.{kind}.get"}, "whm": {"function": f"planted_{kind}"}}.get(system, {"path": f"v2/planted-{kind}"})


def envelope(system: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """A good reply as the system writes it."""
    envelopes: dict[str, dict[str, Any]] = {
        "rackcorp": {"code": "OK", "message": "Done", **payload},
        "whm": {"data": payload, "metadata": {"command": "planted", "reason": "OK", "result": 1, "version": 1}},
        "netography": {"meta": {"code": 200, "count": 1}, "data": payload},
        "vss": {"data": payload, "meta": {"time": "0.01s"}},
    }
    return envelopes[system]


def plant(emulator: Emulator, system: str, kind: str, payload: Mapping[str, Any]) -> None:
    where = {"rackcorp": {"cmd": f"^planted\\.{kind}\\."}, "whm": {"function": f"planted_{kind}$"}}.get(system, {"path": f"planted-{kind}$"})
    emulator.fault({"system": system, "action": "status", "status": 200, "json": envelope(system, payload), "match": where, "times": None})


def tasks_for(emulator: Emulator, kinds: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    """For each system and kind: the call, whose result is registered, and the proof that the secret is in what was registered."""
    tasks: list[dict[str, Any]] = []
    for system, names in kinds.items():
        for kind in names:
            payload, member, _words = PAYLOADS[kind]
            plant(emulator, system, kind, payload)
            proof = {"that": [f"got.{member} is search('CANARYREPL') or got.{member} is search(mark)"], "quiet": True}
            tasks += [
                {"name": f"{system} {kind}", f"{NAMESPACE}.{system}_api": call_of(system, kind), "register": "got"},
                {"name": f"{system} {kind} is registered", "ansible.builtin.assert": proof},
            ]
    return tasks


def known(variables: Callable[..., dict[str, Any]], *systems: str) -> dict[str, Any]:
    options = {name: value for system in systems for name, value in variables(system).items()}
    # A part of what is in base64 in the payloads.
    return {**{name: value for name, value in options.items() if name != "whm_password"}, "mark": f"{BODY[8:24]}|{JWT[40:52]}".replace("+", ".")}


def hidden(run: Run, system: str, kind: str) -> bool:
    """Whether the result of a task says nothing but that it is hidden."""
    shown = json.dumps(run.result(f"{system} {kind}"))
    return "CANARY" not in shown and BODY[8:40] not in shown and JWT[:40] not in shown


ALL_KINDS = {system: list(PAYLOADS) for system in TITLES}
# A module start for each.
FEW_KINDS = {"vss": list(PAYLOADS), "rackcorp": ["token", "nested", "privatekey"], "whm": ["log", "jwt"], "netography": ["items", "codes"]}


@pytest.mark.parametrize("how", ["here", "remote", "remote become"])
def test_no_secret_of_a_reply_is_printed(how: str, emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    emulator.settings(vss={"rate_limit": 0})
    kinds = ALL_KINDS if how == "here" else FEW_KINDS
    tasks = tasks_for(emulator, kinds)
    play = {} if how == "here" else ELSEWHERE[how]
    run = stage.tasks(*tasks, extra_vars=known(variables, *TITLES), env=loud(stage), verbosity=5, play=play, timeout=300).good()
    assert [f"{system} {kind}" for system, names in kinds.items() for kind in names if not hidden(run, system, kind)] == []
    assert leaks(stage, run, emulator, *SECRETS) == []


@pytest.mark.parametrize("kind", PAYLOADS)
def test_one_line_says_why_and_how_to_see_it(kind: str, emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    """Without any verbosity. The line names the secret's place or kind, and is there once a task."""
    words = PAYLOADS[kind][2]
    run = stage.tasks(*tasks_for(emulator, {"vss": [kind]}), extra_vars=known(variables, "vss")).good()
    lines = [line for line in re.sub(r"\n(?! *\n)(?=\S)", " ", run.output).splitlines() if all(word in line for word in HOW_TO_SEE)]
    assert len(lines) == 1, run.output
    assert words in lines[0]
    assert not any(secret in run.output for secret in (*SECRETS, "CANARY"))


def test_what_was_registered_can_be_printed(emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    shown = {"name": "shown", "ansible.builtin.debug": {"msg": "{{ got.data.app_token }}"}}
    run = stage.tasks(*tasks_for(emulator, {"vss": ["token"]}), shown, extra_vars=known(variables, "vss")).good()
    assert run.result("shown")["msg"] == SECRET


def test_one_of_several_calls_hides_them_all(emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    plant(emulator, "vss", "token", PAYLOADS["token"][0])
    calls = {"calls": [{"path": "v2/ping"}, call_of("vss", "token")]}
    tasks: list[dict[str, Any]] = [
        {"name": "several", f"{NAMESPACE}.vss_api": calls, "register": "got"},
        {"name": "looped", f"{NAMESPACE}.vss_api": call_of("vss", "token"), "loop": [1, 2], "register": "looped"},
        {
            "name": "proof",
            "ansible.builtin.assert": {"that": ["got.results[1].data.app_token | length > 20", "looped.results[1].data.app_token | length > 20"]},
        },
    ]
    run = stage.tasks(*tasks, extra_vars=known(variables, "vss"), env=loud(stage), verbosity=5).good()
    assert leaks(stage, run, emulator, *SECRETS) == []


@pytest.mark.parametrize("how", ["here", "remote", "async", "remote async"])
def test_no_log_hides_the_results_of_several_calls(how: str, emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    """Core 2.19 and 2.20 show the members of a list `results` of a task with `no_log`, unless each is marked."""
    plant(emulator, "vss", "private", {"text": PLAIN})
    calls = {"calls": [{"path": "v2/ping"}, call_of("vss", "private")]}
    task: dict[str, Any] = {"name": "several", f"{NAMESPACE}.vss_api": calls, "no_log": True, "register": "got"}
    proof = {"name": "proof", "ansible.builtin.assert": {"that": ["got.results[1].data.text | length > 20"], "quiet": True}}
    background = BACKGROUND if "async" in how else {}
    known_options = known(variables, "vss")
    run = stage.tasks({**task, **background}, proof, extra_vars=known_options, env=loud(stage), verbosity=5, play=ELSEWHERE.get(how, {})).good()
    assert [place for place in leaks(stage, run, emulator, PLAIN) if "/async/" not in place] == []


def test_an_ordinary_reply_is_shown(emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    """Of the same shape, with flags, counters and marks of pages in place of secrets."""
    payload = {
        "tokens": 7,
        "next_token": "abc123",
        "password": "********",
        "has_token": True,
        "text": "The password is too short.",
        "key": "ssh-rsa AAAAB3Nza me",
    }
    tasks = []
    for system in TITLES:
        plant(emulator, system, "ordinary", payload)
        tasks.append({"name": system, f"{NAMESPACE}.{system}_api": call_of(system, "ordinary")})
    run = stage.tasks(*tasks, extra_vars=known(variables, *TITLES)).good()
    assert {system: run.result(system)["data"] for system in TITLES} == dict.fromkeys(TITLES, payload)


@pytest.mark.parametrize("how", ["here", "remote"])
def test_what_a_call_sends_as_a_secret_is_not_repeated(how: str, emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    """In a good reply, which is hidden, and in a refusal, in which it is masked. What is sent rests in what Ansible packs for a host."""
    sent = {"username": "bob", "password": "{{ sent }}"}
    calls: dict[str, dict[str, Any]] = {
        "rackcorp": {"cmd": "planted.echo.get", "params": sent},
        "whm": {"function": "planted_echo", "params": sent},
        "vss": {"path": "v2/planted-echo", "method": "POST", "body": sent},
        "netography": {"path": "v2/planted-echo", "method": "POST", "body": sent},
    }
    tasks: list[dict[str, Any]] = []
    for system, call in calls.items():
        plant(emulator, system, "echo", {"text": f"bob has {SENT}", "encoded": base64.b64encode(f"bob:{SENT}".encode()).decode()})
        tasks.append({"name": f"{system} echo", f"{NAMESPACE}.{system}_api": call, "register": "got"})
        tasks.append({"name": f"{system} proof", "ansible.builtin.assert": {"that": ["got.data.text | length > 20"], "quiet": True}})
    refusal = {"code": "FAULT", "message": f"The password {SENT} is too weak", "error": {"password": f"not {SENT}"}}
    emulator.fault({"system": "rackcorp", "action": "status", "status": 200, "json": refusal, "match": {"cmd": "planted.refusal"}, "times": None})
    tasks.append({"name": "refusal", f"{NAMESPACE}.rackcorp_api": {"cmd": "planted.refusal.get", "params": sent}, "ignore_errors": True})
    values = {**known(variables, *TITLES), "sent": SENT}
    play = {} if how == "here" else ELSEWHERE[how]
    run = stage.tasks(*tasks, extra_vars=values, env=loud(stage), verbosity=5, play=play, timeout=300).good()
    assert "is too weak" in run.result("refusal")["msg"]
    assert [found for found in leaks(stage, run, emulator, SENT) if "AnsiballZ_" not in found] == []
