# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A managed host answers a module as it likes: what the controller would act on is checked, and the rest is dropped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils._call_module import ANSWER
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import PROTOCOL, ApiError
from ansible_collections.apiauth.tokens.plugins.plugin_utils._host_answer import MAX_REASON, HostAnswer

READ: Mapping[str, Any] = {"changed": False, "sent": True, "status": 200, "data": [1], "meta": {}, "tries": 1}
FAILED: Mapping[str, Any] = {
    "failed": True, "changed": False, "sent": True, "tries": 1, "msg": "refused", "status": 401, "error": {"kind": "credentials", "code": None},
}  # fmt: skip
SEVERAL: Mapping[str, Any] = {"changed": False, "results": [READ, FAILED], "failed": True, "msg": "call 2: refused", "status": 401, "error": FAILED["error"]}


def raw(result: Any, *, secret: Any = "", refused: Any = (), wait_left: Any = 5.0, **beside: Any) -> dict[str, Any]:
    """Return what core returns for a module that answered this."""
    return {ANSWER: json.dumps({"result": result, "secret": secret, "refused": refused, "wait_left": wait_left}), "changed": False, "failed": False, **beside}


def reject(answer: Mapping[str, Any], calls: int | None = None) -> None:
    """Check that an answer is an error that quotes nothing of it, not even in the traceback."""
    with pytest.raises(ApiError) as caught:
        HostAnswer.parse(answer, calls=calls)
    assert (caught.value.kind, caught.value.sent) == (PROTOCOL, True)
    assert str(caught.value).startswith("the managed host's answer makes no sense; check that host")
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


# -- answers that make sense -----------------------------------------------------------------------------------------


def test_one_call() -> None:
    answer = HostAnswer.parse(raw(READ, wait_left=2))
    assert answer == HostAnswer(dict(READ), (), "", 2.0)
    assert HostAnswer.parse(raw(FAILED, refused=[0])).refused == (0,)


def test_several_calls() -> None:
    answer = HostAnswer.parse(raw(SEVERAL, refused=[1, 1]), calls=2)
    assert (answer.result, answer.refused) == (dict(SEVERAL), (1,))
    # The module failed before its first call.
    assert HostAnswer.parse(raw(FAILED), calls=2).result == dict(FAILED)


def test_a_new_token_and_its_warnings() -> None:
    result = {"changed": True, "token": "Secret-Word", "warnings": ["expires soon"]}
    assert HostAnswer.parse(raw(result, secret="the secret of the new token")) == HostAnswer(result, (), "the secret of the new token", 5.0)
    assert HostAnswer.parse(raw({"changed": True, "token": None})).result == {"changed": True, "token": None}


@pytest.mark.parametrize("seconds", [-1, -1e300, -float("inf")])
def test_no_less_time_is_left_than_none(seconds: float) -> None:
    assert HostAnswer.parse(raw(READ, wait_left=seconds)).wait_left == 0.0


# -- what core says --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "result",
    [
        {"failed": True, "msg": "MODULE FAILURE", "rc": 1},
        {"unreachable": True, "msg": "no route"},
        {"skipped": True, "msg": "check mode"},
        {"ansible_job_id": "j1", "started": 1, "results_file": "/f"},
    ],
)
def test_a_module_that_did_not_answer(result: dict[str, Any]) -> None:
    """Core's own words are the result; nothing may be made of what a host added to them."""
    added = {
        "add_host": {"host_name": "h"}, "add_group": "g", "ansible_stats": {"data": {"x": 1}},
        "invocation": {"module_args": {"token": "Secret-Word"}}, "ansible_facts": {"vss_api_url": "x"},
    }  # fmt: skip
    assert HostAnswer.parse({**result, **added}, calls=3) == HostAnswer(result)


def test_what_core_found_about_the_host_stays() -> None:
    beside = {
        "ansible_facts": {"discovered_interpreter_python": "/usr/bin/python3", "vss_api_url": "https://evil"},
        "warnings": ["w"],
        "deprecations": [{"msg": "d"}],
    }
    result = HostAnswer.parse(raw(READ, **beside)).result
    assert result == {**READ, **beside, "ansible_facts": {"discovered_interpreter_python": "/usr/bin/python3"}}


@pytest.mark.parametrize("nonsense", [5, "text", {"a": 1}, True])
def test_warnings_and_facts_of_another_type_are_dropped(nonsense: Any) -> None:
    assert HostAnswer.parse(raw(READ, warnings=nonsense, deprecations=nonsense, ansible_facts=nonsense)).result == dict(READ)


@pytest.mark.parametrize("results", [[], [dict(READ)], 5, None, {"a": 1}])
def test_results_where_there_is_one_call(results: Any) -> None:
    """Core goes through `results` as it does through those of a loop."""
    with pytest.raises(ApiError, match="makes no sense"):
        HostAnswer.parse(raw({**READ, "results": results}))


# -- lies ------------------------------------------------------------------------------------------------------------


def test_a_host_asks_core_for_nothing() -> None:
    """Core would add a host, change variables, show arguments or connect to another address."""
    asked = {
        "add_host": {"host_name": "h"}, "add_group": "g", "invocation": {}, "ansible_facts": {"vss_api_url": "https://evil"}, ANSWER: "{}", "exception": "E",
        "ansible_stats": {"data": {"x": 1}},
        "_ansible_no_log": False, "_ansible_delegated_vars": {"ansible_host": "evil"}, "_ansible_verbose_always": True, "deprecations": [{"msg": "d"}],
    }  # fmt: skip
    assert HostAnswer.parse(raw({**READ, **asked})).result == dict(READ)
    assert HostAnswer.parse(raw(READ, **{name: value for name, value in asked.items() if name not in (ANSWER, "deprecations")})).result == dict(READ)


@pytest.mark.parametrize(
    "text",
    [None, 5, True, [], {}, "", "{", "null", "5", '"text"', "[]", "[1, 2, 3, 4]", "{}", "[" * 100_000, '{"a":' * 100_000, "9" * 5000, "\ud800"],
    ids=lambda text: repr(text)[:12],
)
def test_an_answer_that_is_no_answer(text: Any) -> None:
    reject({ANSWER: text, "changed": False})


@pytest.mark.parametrize("name", ["result", "secret", "refused", "wait_left"])
def test_an_answer_that_lacks_a_member(name: str) -> None:
    answer = json.loads(raw(READ)[ANSWER])
    del answer[name]
    reject({ANSWER: json.dumps(answer)})


@pytest.mark.parametrize(
    "members",
    [
        {"secret": None}, {"secret": ["s"]}, {"secret": 1},
        {"wait_left": None}, {"wait_left": "5"}, {"wait_left": True}, {"wait_left": float("nan")}, {"wait_left": 10**400}, {"wait_left": [1]},
        {"refused": None}, {"refused": 0}, {"refused": "0"}, {"refused": {"0": 1}},
        {"refused": [0]},  # of a call that succeeded
    ],
    ids=str,
)  # fmt: skip
def test_members_of_another_type(members: dict[str, Any]) -> None:
    assert HostAnswer.parse(raw(READ))
    reject(raw(READ, **members))


@pytest.mark.parametrize("refused", [[1], [-1], [True], [False], [0.0], ["0"], [None], [[0]], [0, 1], [10**400]], ids=lambda refused: str(refused)[:12])
def test_a_refused_call_that_does_not_exist(refused: list[Any]) -> None:
    assert HostAnswer.parse(raw(FAILED, refused=[0]))
    reject(raw(FAILED, refused=refused))


@pytest.mark.parametrize("result", [None, "text", 5, [], [READ], {}, {"data": 1}, {"failed": True}], ids=str)
def test_a_result_that_is_none(result: Any) -> None:
    reject(raw(result))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("failed", 1), ("failed", "yes"), ("failed", None), ("changed", "no"), ("changed", 0), ("changed", None), ("sent", 1), ("sent", None),
        ("tries", "1"), ("tries", 1.5), ("tries", True), ("tries", None), ("tries", [1]),
        ("warnings", 5), ("warnings", "text"), ("warnings", [5]), ("warnings", {"a": 1}), ("warnings", None),
        ("token", 5), ("token", ["t"]), ("token", {"a": 1}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["one", "row"])
def test_members_of_a_result_that_the_controller_reads(kind: str, name: str, value: Any) -> None:
    """Adding them up, showing or registering them would end in a traceback."""
    for result in (READ, FAILED):
        lie = {**result, name: value}
        if kind == "one":
            reject(raw(lie))
        else:
            reject(raw({**SEVERAL, "results": [READ, lie]}), calls=2)


@pytest.mark.parametrize("lie", [{"msg": None}, {"msg": 5}, {"error": None}, {"error": "text"}, {"error": {}}, {"error": {"kind": 5}}], ids=str)
def test_a_failure_that_says_nothing(lie: dict[str, Any]) -> None:
    reject(raw({**FAILED, **lie}))
    reject(raw({name: value for name, value in FAILED.items() if name not in lie}))
    reject(raw({**SEVERAL, "results": [READ, {**FAILED, **lie}]}), calls=2)


def test_a_failure_without_status() -> None:
    reject(raw({name: value for name, value in FAILED.items() if name != "status"}))


@pytest.mark.parametrize("results", [None, {}, "text", [], [READ], [READ, READ, READ], [READ, 5], [READ, None], [READ, {}], [READ, [READ]]], ids=str)
def test_results_that_are_not_those_of_the_calls(results: Any) -> None:
    assert HostAnswer.parse(raw(SEVERAL), calls=2)
    reject(raw({**SEVERAL, "results": results}), calls=2)


def test_several_calls_without_results() -> None:
    reject(raw(READ), calls=2)
    # There is nothing to make once more.
    reject(raw(FAILED, refused=[0]), calls=2)


@pytest.mark.parametrize(
    ("secret", "shown"), [("the member data.token", "the member data.token"), ("a\x1b[2Jb\nc\u202ed", "a[2Jbcd"), ("x" * 9999, "x" * MAX_REASON)]
)
def test_a_secret_is_named_in_a_few_printable_words(secret: str, shown: str) -> None:
    assert HostAnswer.parse(raw(READ, secret=secret)).secret == shown


def test_a_host_that_hides_its_secret_hides_nothing_else() -> None:
    """What is printed of an answer, in a traceback for example, holds none of its data."""
    answer = HostAnswer.parse(raw({**READ, "data": "Secret-Word"}, secret="Secret-Word"))
    assert "Secret-Word" not in f"{answer!r} {answer}"
