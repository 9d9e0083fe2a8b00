# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task reports beside its results: that they hold a secret, and which calls were refused for their token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.calls import run

READ = {"path": "devices"}


# -- secrets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "secret"),
    [
        ({"token": "Word-1"}, True),
        ({"a": [{"b": {"accessToken": "Word-1"}}]}, True),
        ({"api_key": "Word-1"}, True),
        ({"secretAccessKey": "Word-1"}, True),
        ({"private-key": "Word-1"}, True),
        ({"recovery_codes": ["a", "b"]}, True),
        ({"USERSESSIONID": "Word-1"}, True),
        ({"newPassword": "Word-1"}, True),
        ({"token": ""}, False),
        ({"token": None}, False),
        ({"tokens": {"password": {"create_time": 1}}}, False),
        ({"next_page_token": "x"}, False),
        ({"token_type": "bearer"}, False),
        ({"token_id": "7"}, False),
        ({"keyword": "x", "secretary": "y", "passport": "z", "compass": "n"}, False),
        ({"token": 7}, False),
        ({"privileges": [{"passwd": "1", "create-user-session": "0"}]}, False),
        ({"passwd": "1024"}, True),
    ],
)
def test_replies_that_carry_a_secret_are_flagged(task: Callable[..., Any], emulator: Emulator, data: dict[str, Any], secret: bool) -> None:
    emulator.fault({"system": "netography", "action": "status", "status": 200, "match": {"login": False}, "json": {"meta": {}, "data": data}})
    report = task("netography", **READ).outcome()
    assert report.result["data"] == data
    assert bool(report.secret) is secret


PAYLOAD = {"a": [{"b": 1}]}
WELL = {"result": 1, "reason": "OK"}


@pytest.mark.parametrize(
    ("system", "call", "body"),
    [
        ("vss", {"path": "v2/vm"}, {"data": PAYLOAD, "access_token": "Word-1"}),
        ("vss", {"path": "v2/vm"}, {"data": PAYLOAD, "meta": {"password": "Word-1"}}),
        ("vss", {"path": "v2/vm"}, {"a": 1, "meta": {"password": "Word-1"}}),
        ("netography", READ, {"data": PAYLOAD, "access_token": "Word-1"}),
        ("netography", READ, {"data": PAYLOAD, "meta": {"code": 200, "jwt": "Word-1"}}),
        ("rackcorp", {"cmd": "device.getall"}, {"code": "OK", "debug": {"apisecret": "Word-1"}, **PAYLOAD}),
        ("rackcorp", {"cmd": "device.getall"}, {"code": "OK", "debug": [{"request": {"APISECRET": "Word-1"}}], **PAYLOAD}),
        ("whm", {"function": "listaccts"}, {"data": PAYLOAD, "metadata": {**WELL, "output": {"password": "Word-1"}}}),
        ("whm", {"function": "version"}, {"cpanelresult": {"data": PAYLOAD, "password": "Word-1"}}),
        ("whm", {"function": "cpanel"}, {"result": {"status": 1, "data": PAYLOAD}, "token": "Word-1"}),
        ("whm", {"function": "cpanel"}, {"status": 1, "errors": None, "data": PAYLOAD, "metadata": {"token": "Word-1"}}),
    ],
)
def test_secrets_beside_the_payload_are_flagged(task: Callable[..., Any], emulator: Emulator, system: str, call: dict[str, Any], body: dict[str, Any]) -> None:
    """All of a reply is shown, in `data` or in `meta`."""
    emulator.fault({"system": system, "action": "status", "status": 200, "match": {"login": False}, "json": body})
    report = task(system, **call).outcome()
    assert report.result.get("failed") is None
    assert report.secret


@pytest.mark.parametrize(
    ("system", "call"),
    [("vss", {"path": "v2/vm", "query": {"expand": 1}}), ("netography", READ), ("rackcorp", {"cmd": "device.getall"}), ("whm", {"function": "listaccts"})],
)
def test_ordinary_replies_are_not_flagged(task: Callable[..., Any], system: str, call: dict[str, Any]) -> None:
    assert task(system, **call).outcome().secret == ""


@pytest.mark.parametrize("name", ["appkey", "shared_secret"])
def test_replies_that_repeat_what_they_were_sent_are_flagged(task: Callable[..., Any], emulator: Emulator, who: dict[str, dict[str, str]], name: str) -> None:
    made = task("netography", **READ)
    body = {"data": {"seen": f"x {who['netography'][name]} y"}}
    emulator.fault({"system": "netography", "action": "status", "status": 200, "match": {"login": False}, "json": body})
    assert made.outcome().secret != ""


def test_a_reply_that_repeats_the_token_is_flagged(task: Callable[..., Any], emulator: Emulator) -> None:
    token = task("netography").token().value
    emulator.fault({"system": "netography", "action": "status", "status": 200, "json": {"data": [f"Bearer {token}"]}})
    assert task("netography", "", token=token, **READ).outcome().secret != ""


def test_deeply_nested_replies(task: Callable[..., Any], emulator: Emulator) -> None:
    deep = '{"data": ' + '{"a": [' * 400 + '{"password": "Word-1"}' + "]}" * 400 + "}"
    emulator.fault({"system": "netography", "action": "status", "status": 200, "match": {"login": False}, "body": deep})
    report = task("netography", **READ).outcome()
    assert report.secret or report.result["error"]["kind"] == "protocol"


def test_one_secret_hides_all(task: Callable[..., Any]) -> None:
    report = task("netography", calls=[READ, {"path": "api-keys", "method": "POST", "body": {"appname": "new"}}]).outcome()
    assert report.secret
    assert report.refused == ()


# -- on another host -----------------------------------------------------------------------------------------------


def test_refused_calls_are_named_to_the_controller(task: Callable[..., Any], emulator: Emulator) -> None:
    good = task("netography").token().value
    emulator.fault({"system": "netography", "action": "refuse_token", "skip": 1, "times": 1})
    made = task("netography", "", token=good, calls=[READ, READ, READ], concurrency=1)
    assert made.outcome().refused == (1,)


ACCEPTED = {"path": "v2/vm", "method": "POST", "body": {"built_from": "template", "description": "x"}, "wait": True}
SOME_PAGES = {"path": "v2/vm", "all_pages": True}


@pytest.mark.parametrize(
    ("call", "skip", "refused"),
    [(ACCEPTED, 0, (0,)), (ACCEPTED, 1, ()), (SOME_PAGES, 0, (0,)), (SOME_PAGES, 1, (0,)), ({**SOME_PAGES, "mutates": True}, 1, ())],
)
@pytest.mark.parametrize("listed", [False, True])
def test_a_change_that_was_sent_is_not_to_be_made_again(
    task: Callable[..., Any], emulator: Emulator, call: dict[str, Any], skip: int, refused: tuple[int, ...], listed: bool
) -> None:
    """Where the token is refused only for what follows a change, another token must not cure it by making the change once more."""
    token = task("vss").token().value
    emulator.fault({"system": "vss", "action": "refuse_token", "skip": skip, "times": None})
    report = task("vss", "", token=token, **({"calls": [call]} if listed else call)).outcome()
    result = report.result["results"][0] if listed else report.result
    assert (result["failed"], result["sent"], result["error"]["kind"], report.refused) == (True, True, "credentials", refused)


def test_a_token_that_dies_while_a_change_is_followed_is_replaced_here(task: Callable[..., Any], emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "POLL_FIRST", 0.001)
    emulator.fault({"system": "vss", "action": "refuse_token", "skip": 2})
    result = task("vss", cached=True, **ACCEPTED).result()
    assert (result["data"]["status"], emulator.logins("vss")) == ("PROCESSED", 2)
    assert [entry["method"] for entry in emulator.log(login=False)].count("POST") == 1
