# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host answers to the modules of this collection is checked before the controller acts on it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from e2e.cases import NAMESPACE, QUICK
from e2e.hostile import ENVIRONMENT, answering_at_once, credentials, recorded, recording
from e2e.rows import PYTHON_ERRORS
from e2e.stage import Run, Stage
from emulator.client import Emulator

# The member in which a module answers.
ANSWER = "apiauth_answer"
ODD: tuple[Any, ...] = ("abc", [99, -1], {"a": 1}, None)
MISSING = "(missing)"
# What is no result at all, or lacks what every result has.
BROKEN = {
    "nothing": "",
    "no JSON": "Welcome to this host!\n",
    "a list": "[1, 2]",
    "a text": '"pong"',
    "an empty result": "{}",
    "a result of something else": '{"ping": "pong"}',
    "a failure without a reason": '{"failed": true}',
    "deep nesting": '{"data": ' + "[" * 3000 + "]" * 3000 + "}",
}


def _mutants(answer: Mapping[str, Any]) -> Iterator[tuple[str, str, Any, str]]:
    """By title, the answer with one of its members replaced or left out."""
    for name, value in answer.items():
        if name in ("invocation", "warnings", "deprecations", "data", "meta", "msg"):
            continue
        for odd in (*ODD, MISSING):
            if odd != value:
                changed = {key: item for key, item in answer.items() if key != name} if odd == MISSING else {**answer, name: odd}
                yield f"{name} is {odd!r}", name, odd, json.dumps(changed)


def wrap(answer: Mapping[str, Any]) -> str:
    """Return what a module of the collection prints for this answer."""
    return json.dumps({ANSWER: json.dumps(answer), "changed": False, "failed": False, "msg": ""})


@pytest.fixture(scope="module")
def nonsense(running: Emulator, new_stage: Callable[[str], Stage]) -> tuple[Run, dict[str, tuple[str, Any, str]], int]:
    """Answers that real modules gave on an honest host, then each with an odd member, on a host that lies. Each by title: member, value, kind of call."""
    running.reset()
    running.settings(vss={"rate_limit": 0})
    running.fault({"system": "vss", "action": "refuse_token", "times": 1, "match": {"function": "GET v2/vm$"}})
    running.fault({"system": "netography", "action": "refuse_token", "times": 1, "match": {"function": "GET devices$"}})
    stage = new_stage("nonsense")
    env = {**ENVIRONMENT, "ANSIBLE_PIPELINING": "1"}
    # A token that was just renewed is not renewed again, so the two kinds of calls go to two systems.
    known = credentials(running, "vss", "netography")
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "calls": ("vss", {"calls": [{"path": "v2/ping"}, {"path": "v2/vm"}]}),
        "single": ("netography", {"path": "devices"}),
    }
    first: list[dict[str, Any]] = [
        {"name": f"warm {system}", f"{NAMESPACE}.{system}_api": {"path": path}} for system, path in (("vss", "v2/ping"), ("netography", "device/1"))
    ]
    first += [{"name": kind, f"{NAMESPACE}.{system}_api": call, "vars": recording(stage, kind)} for kind, (system, call) in calls.items()]
    stage.tasks(*first, host_vars=known, env={**env, "ANSIBLE_PIPELINING": "0"}).good()
    tasks: list[dict[str, Any]] = []
    cases: dict[str, tuple[str, Any, str]] = {}
    for kind, (system, call) in calls.items():
        # The first answer is of the refused call, the last of the one that went well.
        answers = [json.loads(one[ANSWER]) for one in recorded(stage, kind, f"{system}_api")]
        assert len(answers) == 2, "the module was not run again after the refusal"
        mutants = [
            (f"{'refused' if not number else 'good'} {kind}: {title}", name, odd, wrap({**one, "result": json.loads(text)}))
            for number, one in enumerate(answers)
            for title, name, odd, text in _mutants(one["result"])
        ]
        mutants += [
            (f"{'refused' if not number else 'good'} {kind}: the answer's {title}", name, odd, wrap(json.loads(text)))
            for number, one in enumerate(answers)
            for title, name, odd, text in _mutants(one)
        ]
        mutants += [(f"{kind}: {title}", title, None, text) for title, text in BROKEN.items()]
        if kind == "calls":
            for number, one in enumerate(answers):
                result, results = one["result"], one["result"]["results"]
                # After the refusal, only the refused call is repeated.
                inner = [
                    (f"{title} of a result", member, odd, {**result, "results": [json.loads(text), *results[1:]]})
                    for title, member, odd, text in _mutants(results[0])
                ]
                inner.append(("results too short", "results", None, {**result, "results": results[1:]}))
                inner.append(("results too long", "results", None, {**result, "results": 3 * results}))
                mutants += [
                    (f"{'refused' if not number else 'good'} {kind}: {title}", member, odd, wrap({**one, "result": changed}))
                    for title, member, odd, changed in inner
                ]
        for title, member, odd, text in mutants:
            cases[title] = (member, odd, kind)
            variables = answering_at_once(stage, f"answer{len(cases)}", text)
            tasks.append({"name": title, f"{NAMESPACE}.{system}_api": {**QUICK, **call}, "vars": variables, "ignore_errors": True})
    before = [running.logins(system) for system in ("vss", "netography")]
    run = stage.tasks(*tasks, host_vars=known, env=env, timeout=300)
    assert run.rc == 0, run.output[-3000:]
    return run, cases, max(running.logins(system) - number for system, number in zip(("vss", "netography"), before, strict=True))


def test_nonsense_ends_in_no_error_of_python(nonsense: tuple[Run, dict[str, tuple[str, Any, str]], int]) -> None:
    """Whatever a host answers: a result, or one sentence about it."""
    run, cases, _logins = nonsense
    assert run.rc == 0, run.output[-2000:]
    wrong = []
    for title in cases:
        message = str(run.result(title).get("msg", ""))
        words = [word for word in PYTHON_ERRORS if word in message or word in str(run.result(title).get("exception", ""))]
        if words:
            wrong.append(f"{title}: {words}: {message[:300]}")
        elif run.failed(title) and not message and "censored" not in run.result(title):
            wrong.append(f"{title}: no message: {run.result(title)}")
    assert not wrong, "\n".join([f"{len(wrong)} of {len(cases)}", *wrong])


def test_nonsense_costs_at_most_one_login_and_no_loop(nonsense: tuple[Run, dict[str, tuple[str, Any, str]], int]) -> None:
    """Of all these hosts together, because a token that was just renewed is not renewed again."""
    run, cases, logins = nonsense
    assert logins <= 1
    assert len(run.tasks) == len(cases)
    assert run.seconds < 120


NONSENSE = (
    # What is no object in JSON is Ansible's own error.
    *(f"{kind}: {title}" for kind in ("calls", "single") for title in list(BROKEN)[4:]),
    *(f"good {kind}: {member} is {odd!r}" for kind in ("calls", "single") for member in ("changed",) for odd in ("abc", [99, -1], {"a": 1})),
    *(f"good single: {member} is {odd!r}" for member in ("status", "tries", "sent") for odd in ("abc", [99, -1], {"a": 1})),
    *(f"good single: the answer's {member} is {odd!r}" for member in ("result", "secret", "refused", "wait_left") for odd in (None, MISSING)),
    *(f"good calls: results is {odd!r}" for odd in (*ODD, MISSING)),
    "good calls: results too short",
    "good calls: results too long",
    *(f"good calls: {member} is {odd!r} of a result" for member in ("status", "tries", "sent") for odd in ("abc", {"a": 1})),
)  # fmt: skip


@pytest.mark.parametrize("title", NONSENSE)
def test_nonsense_is_a_protocol_error_of_the_host(title: str, nonsense: tuple[Run, dict[str, tuple[str, Any, str]], int]) -> None:
    """Members that every result has are checked, so that nobody registers nonsense."""
    run, _cases, _logins = nonsense
    assert run.failed(title), run.result(title)
    result = run.result(title)
    assert (result.get("error") or {}).get("kind") == "protocol", result
    assert re.search(r"\bhost\b", result["msg"]), result["msg"]
    assert re.search(r"answer|result", result["msg"]), result["msg"]
    assert result["msg"].count(". ") <= 1
