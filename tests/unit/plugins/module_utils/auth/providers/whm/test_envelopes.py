# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The envelopes in which cPanel and WHM answer, as live servers were recorded to send them: success, payload, and why a call failed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from engine.clients import response

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import CallResult
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.api import Whm

UAPI_CALL = {"uapi": {"user": "alice", "module": "Email", "function": "add_pop"}}


def parse(body: Any, **arguments: Any) -> CallResult:
    """Return what the provider makes of a reply with HTTP 200 to this call."""
    provider = Whm(Options(host="whm.example.com", token="T"))
    call = provider.plan(arguments or {"function": "frobnicate"})
    return provider.parse(call, response(json.dumps(body).encode(), {"Content-Type": "application/json"}))


def refusal(body: Any, **arguments: Any) -> ApiError:
    """Return the error of a reply with HTTP 200."""
    with pytest.raises(ApiError) as caught:
        parse(body, **arguments)
    assert caught.value.status == 200
    assert caught.value.sent is True
    return caught.value


def metadata(result: Any = 1, reason: str | None = "OK", **more: Any) -> dict[str, Any]:
    return {"version": 1, "command": "frobnicate", "result": result, "reason": reason, **more}


# -- WHM API 1 -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("result", [1, "1", True])
def test_whm_api_1(result: Any) -> None:
    """`metadata.result` comes in any type, and words prove nothing."""
    parsed = parse({"data": {"a": 1}, "metadata": metadata(result, "Access denied is not what this says", output={"raw": "text"})})
    assert parsed.data == {"a": 1}
    assert parsed.meta["output"] == {"raw": "text"}


@pytest.mark.parametrize("result", [0, "0", False, None, "OK"])
def test_whm_api_1_refused(result: Any) -> None:
    error = refusal({"data": {"a": 1}, "metadata": metadata(result, "No space left.")})
    assert error.kind == "invalid_request"
    assert error.message == "No space left."
    assert error.hint == "correct the function's params"


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ({"metadata": {"command": "x", "version": 1}, "data": {"a": 1}}, "invalid_request", "no reason was given"),
        ({"metadata": {"reason": "Access denied"}}, "forbidden", "Access denied"),
        ({"metadata": None, "data": {"a": 1}}, "invalid_request", "no reason was given"),
    ],
)
def test_metadata_without_a_result_is_no_success(body: dict[str, Any], kind: str, message: str) -> None:
    error = refusal(body)
    assert error.kind == kind
    assert error.message == message


# -- batch -----------------------------------------------------------------------------------------------------------


def batch(*replies: Any) -> dict[str, Any]:
    return {"data": {"result": list(replies)}, "metadata": metadata(command="batch")}


GOOD = {"data": {"ip": "192.0.2.1"}, "metadata": {"command": "getip", "result": 1, "reason": "OK"}}


def test_a_batch_whose_calls_all_succeeded() -> None:
    assert parse(batch(GOOD, GOOD)).data == {"result": [GOOD, GOOD]}


def test_a_failure_within_a_batch_is_named_by_its_command() -> None:
    """The outer result is 1 all the same."""
    bad = {"metadata": {"command": "suspendacct", "result": 0, "reason": "The user does not exist."}}
    error = refusal(batch(GOOD, bad))
    assert error.kind == "not_found"
    assert error.message == "suspendacct: The user does not exist."


def test_a_failure_within_a_batch_without_words() -> None:
    assert refusal(batch(GOOD, {"metadata": {"result": "0"}})).message == "command 2: no reason was given"


def test_a_uapi_call_within_a_batch_may_fail_too() -> None:
    reply = {"data": {"uapi": {"status": 0, "errors": ["No."]}}, "metadata": {"command": "uapi_cpanel", "result": 1}}
    assert refusal(batch(GOOD, reply)).message == "uapi_cpanel: No."


def test_a_list_named_result_is_no_batch() -> None:
    assert parse({"data": {"result": ["a", {"metadata": "text"}, {"status": 0}]}, "metadata": metadata()}).data["result"][0] == "a"


# -- cPanel API 1 and API 2 ------------------------------------------------------------------------------------------


def test_cpanel_api_1() -> None:
    parsed = parse({"apiversion": "1", "type": "event", "module": "X", "func": "y", "data": {"result": "text"}, "event": {"result": 1}})
    assert parsed.data == {"result": "text"}
    assert parsed.meta["func"] == "y"


@pytest.mark.parametrize("result", [0, "0"])
def test_cpanel_api_1_refused(result: Any) -> None:
    reason = "Cpanel::X::y Undefined subroutine &Cpanel::X::y called"
    error = refusal({"apiversion": "1", "type": "event", "data": {"result": ""}, "event": {"result": result, "reason": reason}})
    assert error.kind == "not_found"
    assert error.message == reason


@pytest.mark.parametrize(
    ("body", "data"),
    [
        ({"data": {"version": "11", "result": "1"}}, {"version": "11", "result": "1"}),
        ({"data": {"result": "x"}}, {"result": "x"}),
        ({"data": []}, []),
        ({"event": {"result": 1}}, None),
        ({"event": {"result": 1}, "data": [{"status": 1, "statusmsg": "Added."}]}, [{"status": 1, "statusmsg": "Added."}]),
        ({"event": {"result": 1}, "data": [{"status": 0, "domain": "example.com"}]}, [{"status": 0, "domain": "example.com"}]),
        ({"apiversion": "2", "type": "text", "data": {"version": "11.134.0.3"}}, {"version": "11.134.0.3"}),
    ],
)
def test_cpanel_api_2(body: dict[str, Any], data: Any) -> None:
    assert parse({"cpanelresult": body}).data == data


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ({"data": {"reason": "The user does not exist.", "result": "0"}}, "not_found", "The user does not exist."),
        ({"data": {"result": 0}}, "invalid_request", "no reason was given"),
        ({"error": "Access denied", "data": {"reason": "x", "result": "0"}}, "forbidden", "Access denied"),
        ({"data": [], "event": {"result": 0, "reason": "No such zone."}}, "not_found", "No such zone."),
        ({"data": [{"a": 1}], "event": {"result": "0"}}, "invalid_request", "no reason was given"),
        (
            {"apiversion": 2, "event": {"result": 1}, "data": [{"status": 0, "statusmsg": "This cron job already exists."}]},
            "invalid_request",
            "This cron job already exists.",
        ),
        ({"event": {"result": 1}, "data": [{"status": 1}, {"status": "0", "statusmsg": "Second row."}]}, "invalid_request", "Second row."),
    ],
)
def test_cpanel_api_2_refused(body: dict[str, Any], kind: str, message: str) -> None:
    """In `data` too: the event went well, the change did not."""
    error = refusal({"cpanelresult": body})
    assert error.kind == kind
    assert error.message == message


def test_cpanel_api_2_refused_within_metadata() -> None:
    inner = {"cpanelresult": {"event": {"result": 1}, "data": [{"status": 0, "statusmsg": "This cron job already exists."}]}}
    assert refusal({"data": inner, "metadata": metadata()}).message == "This cron job already exists."


# -- UAPI ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [1, "1", True])
def test_uapi_of_its_own(status: Any) -> None:
    assert parse({"status": status, "errors": None, "data": {"a": 1}, "messages": None}).data == {"a": 1}


@pytest.mark.parametrize("status", [0, "0", False])
def test_uapi_of_its_own_refused(status: Any) -> None:
    assert refusal({"status": status, "errors": ["bad"], "data": {"a": 1}, "messages": None}).message == "bad"


@pytest.mark.parametrize(
    ("body", "data"),
    [
        ({"status": 1, "errors": None, "data": {"a": 1}, "metadata": {}}, {"a": 1}),
        ({"status": 1, "errors": None, "metadata": {}}, {"status": 1, "errors": None, "metadata": {}}),
        ({"status": 0, "errors": []}, {"status": 0, "errors": []}),
        ({"status": "running", "errors": ["old"]}, {"status": "running", "errors": ["old"]}),
    ],
)
def test_what_may_be_uapi_or_a_payload(body: dict[str, Any], data: Any) -> None:
    assert parse(body).data == data


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ({"status": 0, "errors": ["Bad.", "Worse."]}, "invalid_request", "Bad.; Worse."),
        ({"status": "0", "errors": ["Access denied"], "metadata": {}}, "forbidden", "Access denied"),
    ],
)
def test_uapi_without_data_refused(body: dict[str, Any], kind: str, message: str) -> None:
    error = refusal(body)
    assert error.kind == kind
    assert error.message == message


INNER = {"status": 1, "data": [{"email": "a@example.com"}], "errors": None, "messages": ["Done."], "warnings": ["Almost full."], "metadata": {"x": 1}}


def test_uapi_through_cpanel_keeps_the_rest_of_its_envelope() -> None:
    parsed = parse({"apiversion": 3, "func": "list_pops", "module": "Email", "result": INNER}, function="cpanel")
    assert parsed.data == INNER["data"]
    assert parsed.meta["messages"] == ["Done."]
    assert parsed.meta["warnings"] == ["Almost full."]
    assert parsed.meta["metadata"] == {"x": 1}
    assert parsed.meta["module"] == "Email"


def test_uapi_through_cpanel_refused() -> None:
    reason = "Could not find function \u201cfrobnicate\u201d in module \u201cEmail\u201d"
    error = refusal({"apiversion": 3, "result": {**INNER, "status": 0, "errors": [reason], "data": None}}, function="cpanel")
    assert error.kind == "not_found"
    assert error.message == reason


def test_uapi_cpanel_is_left_as_it_is_for_a_caller_of_that_function() -> None:
    body = {"data": {"uapi": INNER}, "metadata": metadata()}
    assert parse(body, function="uapi_cpanel").data == {"uapi": INNER}
    failed = {"data": {"uapi": {**INNER, "status": 0, "errors": ["No."]}}, "metadata": metadata()}
    assert refusal(failed, function="uapi_cpanel").message == "No."


def test_a_uapi_call_gets_the_payload_of_the_user_s_function() -> None:
    parsed = parse({"data": {"uapi": INNER}, "metadata": metadata()}, **UAPI_CALL)
    assert parsed.data == INNER["data"]
    assert parsed.meta["warnings"] == ["Almost full."]
    assert parsed.meta["messages"] == ["Done."]
    assert parsed.meta["command"] == "frobnicate"


# -- WHM API 0 and none of them --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ({"result": [{"status": 0, "statusmsg": "No space left."}]}, "invalid_request", "No space left."),
        ({"result": [{"status": 1, "statusmsg": "ok"}, {"status": "0", "statusmsg": "No."}]}, "invalid_request", "No."),
        ({"result": {"status": 0, "statusmsg": "Reseller Does Not Exist"}}, "not_found", "Reseller Does Not Exist"),
        ({"passwd": [{"status": 0, "statusmsg": "Sorry, that password is too short."}]}, "invalid_request", "Sorry, that password is too short."),
        ({"error": "Unknown App Requested: x"}, "not_found", "Unknown App Requested: x"),
        ({"status": 0, "error": "Unknown App Requested: x"}, "not_found", "Unknown App Requested: x"),
        ({"status": 0, "statusmsg": "Invalid user"}, "not_found", "Invalid user"),
        ({"data": {"reason": "Bad.", "result": "0"}, "type": "text", "error": None}, "invalid_request", "Bad."),
    ],
)
def test_whm_api_0_refused(body: dict[str, Any], kind: str, message: str) -> None:
    error = refusal(body)
    assert error.kind == kind
    assert error.message == message


@pytest.mark.parametrize(
    "body",
    [
        {"status": 0, "message": "x"},
        {"hostname": "whm.example.com"},
        {"data": {"result": "0"}},
        {"result": [{"status": 1, "statusmsg": "ok"}]},
        {"services": [{"name": "exim", "status": 0}]},
        {"result": 0},
        {"error": "", "accounts": 7},
    ],
)
def test_payloads_that_look_like_a_failure(body: dict[str, Any]) -> None:
    assert parse(body).data == body


# -- what the words mean ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Access denied", "forbidden"),
        ("You do not have the privilege \u201cssl\u201d, or it does not exist.", "forbidden"),
        ("You do not control a DNS zone named example.com.", "not_found"),
        ("Could not find function \u201cx\u201d in module \u201cy\u201d", "not_found"),
        ("Reseller Does Not Exist", "not_found"),
        ("The user does not exist.", "not_found"),
        ('Unknown app ("x") requested for this version (1) of the API.', "not_found"),
        ("The user does not have a home directory", "invalid_request"),
        ("This character is not allowed in a name", "invalid_request"),
        ("Account Creation Failed: the username \u201ca\u201d is taken.", "invalid_request"),
    ],
)
def test_kinds_by_the_reason(reason: str, kind: str) -> None:
    error = refusal({"metadata": metadata(0, reason)})
    assert error.kind == kind
    assert error.message == reason
