# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls: checked before anything is sent, at work side by side, each with a result of its own."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils._convert import convert
from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.calls.plan import plan_calls
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.calls.run import SharedToken, SuppliedToken, TokenSource
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import Token

READ = {"path": "devices"}
CHANGE = {"path": "device", "method": "POST", "body": {"name": "r", "ips": ["192.0.2.1"]}}
BAD = {"path": "device/99"}


# -- what is asked for ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"calls": [], "path": None}, "calls is empty; give at least one call"),
        ({"calls": [READ], "path": "devices"}, "calls replaces path; give one or the other"),
        ({"calls": [READ], "body": {"a": 1}, "method": "POST"}, "calls replaces method, body; give one or the other"),
        ({"calls": [READ, "devices"]}, "call 2 must be a dictionary"),
        (
            {"calls": [READ, {"path": "x", "pth": 1, "frob": 2}]},
            "call 2 has no option frob, pth; it takes all_pages, as_text, body, method, mutates, path, query",
        ),
        ({"calls": [READ, {"path": "x", "qeury": {}}]}, "call 2 has no option qeury; did you mean query?"),
        ({"calls": [{1: 2, "x": 3}]}, "call 1 has no option 1, x; it takes"),
        ({"calls": [READ, {"path": "x", "method": "FROB"}]}, "call 2: method must be one of GET, POST"),
        ({"calls": [READ, {}]}, "call 2: missing path"),
        ({"calls": [{"path": "x", "mutates": "perhaps"}]}, "call 1: mutates must be one of auto, true, false"),
        ({"calls": [{"path": "x", "query": "Secret Word!"}]}, "call 1: query must be a dictionary"),
        ({"path": "x", "mutates": "perhaps"}, "mutates must be one of auto, true, false"),
        ({"path": "x", "concurrency": 0}, "concurrency must be a whole number above zero"),
        ({}, "missing path"),
    ],
)
def test_calls_that_make_no_sense(task: Callable[..., Any], emulator: Emulator, options: dict[str, Any], told: str) -> None:
    with pytest.raises(ApiError) as caught:
        task("netography", **options).result()
    assert (caught.value.kind, emulator.log()) == ("configuration", [])
    assert str(caught.value).startswith(told)
    assert "Secret Word!" not in str(caught.value)


def test_calls_from_a_command_line(task: Callable[..., Any]) -> None:
    assert len(task("netography", calls=json.dumps([READ, READ])).result()["results"]) == 2


def test_what_a_task_says_holds_for_its_calls(task: Callable[..., Any]) -> None:
    result = task("netography", calls=[CHANGE, {**CHANGE, "mutates": True}, {**READ, "mutates": "true"}], mutates=False).result()
    assert [one["changed"] for one in result["results"]] == [False, True, True]


def test_nothing_of_one_call_reaches_the_next(task: Callable[..., Any], emulator: Emulator) -> None:
    task("netography", calls=[{**CHANGE, "query": {"a": 1}}, READ], concurrency=1).result()
    assert [(entry["method"], entry["query"], entry["body"]) for entry in emulator.log(login=False)][1] == ("GET", {}, "")


# -- results -------------------------------------------------------------------------------------------------------


def test_a_single_call_has_a_flat_result(task: Callable[..., Any]) -> None:
    result = task("netography", **READ).result()
    assert set(result) == {"changed", "sent", "status", "data", "meta", "tries"}


@pytest.mark.parametrize("concurrency", [1, 4, 50])
def test_results_are_in_the_order_of_the_calls(task: Callable[..., Any], emulator: Emulator, concurrency: int) -> None:
    slow = {"system": "netography", "action": "delay"}
    emulator.fault(*({**slow, "delay": 0.02 * (6 - number), "match": {"path": f"device/{number}$"}} for number in range(1, 6)))
    wanted = ["5", "3", "1", "2", "4", "1"]
    result = task("netography", calls=[{"path": f"device/{number}"} for number in wanted], concurrency=concurrency).result()
    assert [one["data"][0]["id"] for one in result["results"]] == wanted
    assert result["changed"] is False
    assert "failed" not in result


def test_a_failed_call_does_not_stop_the_others(task: Callable[..., Any]) -> None:
    result = task("netography", calls=[READ, BAD, CHANGE, BAD]).result()
    assert [one["failed"] for one in result["results"]] == [False, True, False, True]
    assert (result["failed"], result["changed"], result["status"]) == (True, True, 404)
    assert result["msg"].startswith("call 2: Netography at ")
    assert result["msg"].endswith("(2 of 4 calls failed)")
    assert result["error"] == result["results"][1]["error"] == {"kind": "not_found", "code": "NotFound", "message": "Device not found"}
    assert {"failed", "changed", "sent", "status", "msg", "error", "tries"} == set(result["results"][3])


def test_a_list_of_one(task: Callable[..., Any]) -> None:
    result = task("netography", calls=[BAD]).result()
    assert len(result["results"]) == 1
    assert "calls failed" not in result["msg"]


# -- side by side --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("concurrency", "least", "most"), [(1, 1.59, 6.0), (8, 0.2, 1.5)])
def test_calls_are_made_side_by_side(task: Callable[..., Any], emulator: Emulator, concurrency: int, least: float, most: float) -> None:
    emulator.settings(netography={"delay": 0.2})
    made = task("netography", "", token="T", calls=[READ] * 8, concurrency=concurrency)
    started = time.monotonic()
    made.result()
    assert least <= time.monotonic() - started < most
    assert emulator.calls("netography") == 8


def test_never_more_at_a_time_than_asked_for(task: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, lock = 0, 0, threading.Lock()
    made = task("netography", "", token="T", calls=[READ] * 12, concurrency=3)

    def send(request: Any, **_limits: Any) -> Any:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        raise ApiError("server", "no")

    monkeypatch.setattr(made.client, "http", SimpleNamespace(send=send, clock_offset=None))
    assert len(made.result()["results"]) == 12
    assert most == 3


def test_connections_are_kept(task: Callable[..., Any], emulator: Emulator) -> None:
    task("netography", calls=[READ] * 20, concurrency=4).result()
    assert emulator.counts()["netography"]["connections"] <= 5


def test_one_login_for_all_calls(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.settings(netography={"login_delay": 0.1})
    assert not task("netography", calls=[READ] * 12, concurrency=6).result().get("failed")
    assert emulator.logins("netography") == 1


def test_a_wrong_credential_is_tried_once_for_all_calls(task: Callable[..., Any], emulator: Emulator) -> None:
    result = task("netography", appkey="wrong-words", calls=[READ] * 12, concurrency=6).result()
    assert [one["error"]["kind"] for one in result["results"]] == ["credentials"] * 12
    assert {(one["sent"], one["tries"], one["changed"]) for one in result["results"]} == {(False, 0, False)}
    assert (emulator.logins("netography"), emulator.calls("netography")) == (1, 0)


def test_a_dead_token_is_replaced_once_for_all_calls(task: Callable[..., Any], emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = task("netography", cached=True).token()
    emulator.reset()
    # So long that all six calls are sent before the first answer, also on a busy machine.
    emulator.settings(netography={"delay": 0.5})
    made = task("netography", cached=True, calls=[READ] * 6, concurrency=6)
    login, tokens = made.token, [dead]
    monkeypatch.setattr(made, "token", lambda: tokens.pop() if tokens else login())
    result = made.result()
    assert not result.get("failed"), result
    assert (made.logins, emulator.logins("netography"), emulator.calls("netography")) == (1, 1, 12)
    assert [one["tries"] for one in result["results"]] == [2] * 6


# -- what changes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "mutates", "changed"),
    [(READ, "auto", False), (READ, True, True), (READ, "false", False), (CHANGE, "auto", True), (CHANGE, "true", True), (CHANGE, False, False)],
)
def test_who_says_what_changes(task: Callable[..., Any], call: dict[str, Any], mutates: Any, changed: bool) -> None:
    assert task("netography", **call, mutates=mutates).result()["changed"] is changed


def test_check_mode_sends_nothing_that_changes(task: Callable[..., Any], emulator: Emulator) -> None:
    result = task("netography", **CHANGE).result(check_mode=True)
    assert (result["changed"], result["sent"]) == (True, False)
    assert emulator.log() == []


def test_check_mode_sends_what_reads(task: Callable[..., Any], emulator: Emulator) -> None:
    result = task("netography", calls=[CHANGE, READ, {**READ, "mutates": True}, {**CHANGE, "mutates": False}]).result(check_mode=True)
    assert [one["sent"] for one in result["results"]] == [False, True, False, True]
    assert result["results"][0] == {"failed": False, "changed": True, "sent": False}
    assert result["changed"] is True
    assert [entry["function"] for entry in emulator.log(login=False)].count("GET devices") == 1


def test_check_mode_needs_no_working_credentials_for_what_it_does_not_send(task: Callable[..., Any], emulator: Emulator) -> None:
    assert task("netography", appkey="wrong-words", **CHANGE).result(check_mode=True)["sent"] is False


def test_a_failed_change_is_none(task: Callable[..., Any]) -> None:
    result = task("netography", path="device", method="POST", body={}).result()
    assert (result["changed"], result["sent"], result["failed"]) == (False, True, True)


# -- tries ---------------------------------------------------------------------------------------------------------


def test_tries_are_counted(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "netography", "action": "rate_limit", "retry_after": 0, "match": {"login": False}, "times": 2})
    assert task("netography", retries=3, **READ).result()["tries"] == 3


def test_tries_of_a_failure_are_counted(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "netography", "action": "rate_limit", "retry_after": 0, "match": {"login": False}, "times": None})
    result = task("netography", retries=2, **READ).result()
    assert (result["tries"], result["error"]["kind"], result["error"]["retry_after"]) == (3, "rate_limited", 0.0)


@pytest.mark.parametrize(("call", "requests"), [(READ, 3), (CHANGE, 1), ({"path": "search/flow", "method": "POST", "body": {"start": 0, "end": 0}}, 3)])
def test_only_what_reads_is_sent_again_after_a_bad_gateway(
    task: Callable[..., Any], emulator: Emulator, monkeypatch: pytest.MonkeyPatch, call: dict[str, Any], requests: int
) -> None:
    monkeypatch.setattr(random, "uniform", lambda _low, _high: 0.0)
    emulator.fault({"system": "netography", "action": "status", "status": 502, "match": {"login": False}, "times": 2})
    task("netography", retries=2, **call).result()
    assert emulator.calls("netography") == requests


def test_a_login_is_not_sent_again_after_a_time_out(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "netography", "action": "hang", "match": {"login": True}})
    result = task("netography", retries=3, timeout=0.2, **READ).result()
    assert (result["error"]["kind"], result["sent"], emulator.logins("netography")) == ("network", False, 1)


# -- tokens of a task ----------------------------------------------------------------------------------------------


def test_a_given_token_has_no_replacement() -> None:
    tokens = SuppliedToken("T")
    assert tokens.get().value == "T"
    with pytest.raises(ApiError) as caught:
        tokens.replace(tokens.get())
    assert caught.value.token_refused


def test_a_token_that_another_call_got_meanwhile_is_taken() -> None:
    fetched = [Token("a", from_cache=True), Token("b")]
    tokens = SharedToken(lambda: fetched[0], lambda _refused: fetched[1])
    first = tokens.get()
    assert tokens.replace(first).value == "b"
    assert tokens.replace(first).value == "b"
    assert tokens.get().value == "b"
    with pytest.raises(ApiError) as caught:
        tokens.replace(tokens.get())
    assert (caught.value.kind, caught.value.token_refused) == ("credentials", True)


@pytest.mark.parametrize("shared", [True, False])
def test_each_call_gets_an_error_of_its_own(shared: bool) -> None:
    reason = ApiError("credentials", "no")

    def fetch() -> Token:
        raise reason

    tokens: TokenSource = SharedToken(fetch, lambda refused: refused)
    seen = []
    for _turn in range(3):
        with pytest.raises(ApiError) as caught:
            tokens.get()
        seen.append(caught.value)
    assert len({id(one) for one in seen}) == 3
    assert {str(one) for one in seen} == {"no"}


def test_a_token_that_expires_during_the_task_is_replaced_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when a task that is longer than the life of its own token ends with a refusal, or when a young one is replaced again and again."""
    moment, start, ahead = 0.0, time.time(), 0.0
    monkeypatch.setattr(time, "monotonic", lambda: moment)
    monkeypatch.setattr(time, "time", lambda: start + moment + ahead)
    made: list[Token] = []

    def make() -> Token:
        made.append(Token(f"token {len(made)}", 900.0, time.time() + 900))
        return made[-1]

    tokens = SharedToken(make, lambda _refused: make())
    for number in range(3):
        token = tokens.get()
        assert token.value == f"token {number}"
        moment += 890
        assert not tokens.may_replace(token)
        # A step of the clock expires nothing.
        ahead += 3600
        assert not tokens.may_replace(token)
        moment += 20
        assert tokens.may_replace(token)
        assert tokens.replace(token).value == tokens.replace(token).value == f"token {number + 1}"
    with pytest.raises(ApiError, match="the token was refused"):
        tokens.replace(tokens.get())


class TokensOfABrokenLogin:
    """A cached token that the system refuses, and a login that is answered with a page."""

    def get(self) -> Token:
        return Token("refused", from_cache=True)

    def may_replace(self, refused: Token) -> bool:
        return True

    def replace(self, refused: Token) -> Token:
        raise ApiError(errors.PROTOCOL, f"the reply to the login after {refused.value} is not JSON", status=200)


def test_a_login_that_cannot_be_read_is_no_change(task: Callable[..., Any]) -> None:
    """Fails when a change that was refused with 401 counts as made, because the login after it has a status of success."""
    job = task("netography", **CHANGE)
    (call,) = plan_calls(job.client.provider, job.values, convert)
    with pytest.raises(ApiError, match="is not JSON") as caught:
        job.client.runner(TokensOfABrokenLogin()).run(call)
    assert not caught.value.changed
    assert "do not repeat" not in str(caught.value)
