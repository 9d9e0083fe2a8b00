# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that are part of a call, in the reply, in a refusal, and at high verbosity."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from e2e.cases import LOOKUPS, NAMESPACE
from e2e.hunt import Hunt
from e2e.rows import MODULE_WAYS, Played, by_way, known_variables
from e2e.stage import Stage
from emulator.client import Emulator

# What the call gives to somebody else: no credential of the account.
NEW = 'New+/%&="CANARY password-of-a-new-account'
PLAIN = "CANARYplainpassword"


def creating(system: str, secret: str) -> dict[str, Any]:
    """A call that sends a password for something new."""
    if system == "whm":
        return {"function": "createacct", "params": {"username": "fresh", "domain": "fresh.example.com", "password": secret}}
    if system == "rackcorp":
        return {"cmd": "customer.create", "params": {"name": "fresh", "password": secret}}
    return {"path": "users", "method": "POST", "body": {"name": "fresh", "password": secret}}


def quoting(system: str, secret: str, *, status: int = 200) -> dict[str, Any]:
    """A rule for the emulator: the reply to that call repeats the password, as member and inside a text."""
    text = f"Account fresh is ready. Password: {secret}. Keep it."
    meta = {"result": 1, "reason": "Account Creation Ok", "command": "createacct", "output": {"raw": text}}
    replies: Mapping[str, Any] = {
        "whm": {"data": {"options": {"ip": "192.0.2.80"}, "output": {"raw": text}}, "metadata": meta},
        "rackcorp": {"code": "OK", "message": "", "data": {"note": text}},
        "netography": {"data": [{"note": text}], "meta": {"count": 1}},
        "vss": {"data": {"note": text}, "meta": {}},
    }  # fmt: skip
    refusal = f"The password \u201c{secret}\u201d is too weak."
    refusals: Mapping[str, Any] = {
        "whm": {"metadata": {"result": 0, "reason": refusal, "command": "createacct", "version": 1}},
        "rackcorp": {"code": "FAULT", "message": refusal},
        "netography": {"status": status, "name": "BadRequest", "message": refusal},
        "vss": {"error": "bad_request", "message": refusal},
    }  # fmt: skip
    refused = status >= 400
    body = refusals[system] if refused else replies[system]
    match = {"function": {"whm": "createacct", "rackcorp": "customer.create"}.get(system, "POST users$")}
    answered = 200 if system in ("whm", "rackcorp") else status if refused else 200
    return {"system": system, "action": "status", "status": answered, "json": body, "match": match, "times": None}


WORDS = {"quoted": NEW, "plain": PLAIN}


@pytest.mark.parametrize("verbosity", [0, 4])
@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("system", LOOKUPS)
def test_a_reply_that_quotes_the_password_of_the_call_is_hidden(system: str, word: str, verbosity: int, emulator: Emulator, stage: Stage) -> None:
    """It can be registered, and one line says why it is not shown."""
    secret = WORDS[word]
    emulator.fault(quoting(system, secret))
    rows = by_way(MODULE_WAYS, "create", system, call=creating(system, "{{ held }}"))
    tasks: list[dict[str, Any]] = []
    for row in rows:
        shape = "made.results[0]" if row.way == "calls" else "made"
        tasks.append({**row.task(emulator), "register": "made"})
        claim = f"(({shape}.data | to_json) ~ ({shape}.meta | to_json)) is search(start)"
        tasks.append({"name": f"{row.title} registered", "ansible.builtin.assert": {"that": [claim], "quiet": True}})
    run = stage.tasks(
        *tasks,
        extra_vars={**known_variables(emulator, system), "held": secret, "start": secret[:8] if word == "plain" else "Account fresh"},
        verbosity=verbosity,
    )
    assert run.rc == 0, run.output[-3000:]
    assert Hunt([secret]).in_bytes(run.output.encode()) == []
    assert run.output.count("secret") >= len(rows)


@pytest.mark.parametrize("verbosity", [0, 4])
@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("system", LOOKUPS)
def test_a_refusal_that_quotes_the_password_of_the_call_is_masked(system: str, word: str, verbosity: int, emulator: Emulator, stage: Stage) -> None:
    """In `msg` and in `error.message`: the rest of the sentence stands."""
    secret = WORDS[word]
    emulator.fault(quoting(system, secret, status=400))
    rows = by_way(MODULE_WAYS, "create", system, call=creating(system, "{{ held }}"), kind="invalid_request|forbidden|server|not_found", words=("too weak",))
    tasks = [row.task(emulator) for row in rows]
    run = stage.tasks(*tasks, extra_vars={**known_variables(emulator, system), "held": secret}, verbosity=verbosity).good()
    played = Played(run, emulator.log())
    for row in rows:
        played.check(row)
        assert "too weak" in played.error(row)["message"]
        assert Hunt([secret]).in_bytes(json.dumps(run.result(row.title)).encode()) == []
    assert Hunt([secret]).in_bytes(run.output.encode()) == []


@pytest.mark.parametrize("verbosity", [3, 5])
def test_the_invocation_shows_neither_body_nor_params(verbosity: int, emulator: Emulator, stage: Stage) -> None:
    """Nor query and `calls`, on another host as on the controller: core 2.18 shows the arguments of a module at -vvv."""
    emulator.fault(*({**quoting(system, "x"), "json": {"data": {}, "metadata": {"result": 1, "reason": "OK"}, "code": "OK"}} for system in LOOKUPS))
    rows = [row for system in LOOKUPS for row in by_way(MODULE_WAYS, "create", system, call=creating(system, "{{ held }}"))]
    rows += by_way(MODULE_WAYS, "query", "vss", call={"path": "v2/vm", "query": {"password": "{{ held }}"}})
    extra: dict[str, Any] = {**known_variables(emulator), "held": NEW}
    run = stage.tasks(*(row.task(emulator) for row in rows), extra_vars=extra, verbosity=verbosity, timeout=300).good()
    assert Hunt([NEW]).in_bytes(run.output.encode()) == []
    assert [row.title for row in rows if Hunt([NEW]).in_bytes(json.dumps(run.result(row.title).get("invocation", {})).encode())] == []


def test_other_results_are_shown(emulator: Emulator, stage: Stage, run: Callable[..., Any]) -> None:
    """A short word that the call sends as a secret hides no reply in which it stands by chance."""
    reply = {"data": {"output": {"raw": "Account fresh is ready, and ok."}}, "metadata": {"result": 1, "reason": "Account Creation Ok"}}
    emulator.fault({"system": "whm", "action": "status", "status": 200, "json": reply, "match": {"function": "createacct"}, "times": None})
    call = {"name": "create", f"{NAMESPACE}.whm_api": {"function": "createacct", "params": {"username": "fresh", "domain": "a.example", "password": "ok"}}}
    ran = stage.tasks(call, extra_vars=known_variables(emulator, "whm"), verbosity=1).good()
    assert "Account fresh is ready" in ran.output
