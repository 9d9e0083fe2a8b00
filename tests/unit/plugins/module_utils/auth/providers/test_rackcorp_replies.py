# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RackCorp: what its replies mean, and lists that come in pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from emulator.client import Emulator
from engine.clients import response

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.rackcorp import RackCorp

Accounts = dict[str, dict[str, str]]
LIST = {"cmd": "device.getall"}


def test_payload_and_envelope(task: Callable[..., Any]) -> None:
    result = task("rackcorp", cmd="device.get", params={"id": 5002}).result()
    assert str(result["data"]["device"]["id"]) == "5002"
    assert set(result["data"]) == {"device"}
    assert result["meta"] == {"code": "OK", "message": "OK"}
    assert result["changed"] is False
    assert result["sent"] is True
    assert result["status"] == 200
    assert result["tries"] == 1


@pytest.mark.parametrize("number", [5001, "5001"])
def test_ids_of_any_type(task: Callable[..., Any], number: Any) -> None:
    assert task("rackcorp", cmd="device.get", params={"id": number}).result()["data"]["device"]["name"]


def test_errors_of_fields(task: Callable[..., Any]) -> None:
    result = task("rackcorp", cmd="dns.record.create", params={"name": "example.com"}).result()
    assert result["error"]["kind"] == "invalid_request"
    assert result["error"]["code"] == "FAULT"
    assert result["error"]["message"] == "Invalid record (type: Required, data: Required)"


@pytest.mark.parametrize("call", [{"cmd": "device.get", "params": {"id": 1}}, {"path": "devices/1"}])
def test_not_found_is_known_by_the_message(task: Callable[..., Any], call: dict[str, Any]) -> None:
    result = task("rackcorp", **call).result()
    assert result["error"]["kind"] == "not_found"
    assert result["error"]["message"] == "Could not find device"


@pytest.mark.parametrize(("status", "kind"), [(401, "credentials"), (403, "forbidden"), (400, "invalid_request"), (500, "server"), (429, "rate_limited")])
def test_errors_with_a_status_of_their_own(task: Callable[..., Any], emulator: Emulator, status: int, kind: str) -> None:
    token = task("rackcorp").token().value
    emulator.fault({"system": "rackcorp", "action": "status", "status": status, "json": {"code": "FAULT", "message": "no"}})
    result = task("rackcorp", "", token=token, **LIST).result()
    assert result["error"]["kind"] == kind
    assert result["status"] == status


def test_a_status_says_more_than_words(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "rackcorp", "action": "status", "status": 500, "json": {"message": "Access Denied"}})
    assert task("rackcorp", auth="basic", **LIST).result()["error"]["kind"] == "server"


def test_old_style_fault(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "rackcorp", "action": "status", "status": 200, "json": {"code": "ERROR", "fault": {"faultcode": "1", "faultstring": "Too bad"}}})
    assert task("rackcorp", auth="basic", **LIST).result()["error"]["message"] == "Too bad"


FAULT = {"faultcode": "1", "faultstring": "Too bad"}


@pytest.mark.parametrize(
    ("body", "kind", "code", "message"),
    [
        ({"fault": FAULT}, "invalid_request", "1", "Too bad"),
        ({"fault": FAULT, "devices": [{"id": 1}]}, "invalid_request", "1", "Too bad"),
        ({"code": "OK", "fault": FAULT}, "invalid_request", "1", "Too bad"),
        ({"fault": {"faultcode": "ACCESS_DENIED", "faultstring": "No."}}, "forbidden", "ACCESS_DENIED", "No."),
        ({"fault": "Too bad"}, "invalid_request", None, "Too bad"),
        ({"message": "Something went wrong"}, "invalid_request", None, "Something went wrong"),
        ({"message": "Could not find device"}, "not_found", None, "Could not find device"),
        ({"message": "Access Denied"}, "forbidden", None, "Access Denied"),
        ({"message": "Invalid record", "error": {"type": "Required"}}, "invalid_request", None, "Invalid record (type: Required)"),
        ({"error": {"type": "Required"}}, "invalid_request", None, "wrong fields (type: Required)"),
        ({"code": None, "message": "No.", "debug": "x", "data": None}, "invalid_request", None, "No."),
        ({"code": "FAULT", "debug": "Only this says why"}, "invalid_request", "FAULT", "Only this says why"),
        ({"code": "FAULT", "debug": "Could not find it"}, "not_found", "FAULT", "Could not find it"),
        ({"debug": "Only this says why"}, "invalid_request", None, "Only this says why"),
        ({"code": "FAULT", "fault": FAULT, "debug": "x"}, "invalid_request", "FAULT", "Too bad"),
        ({"code": "FAULT", "message": "No.", "fault": FAULT, "debug": "x"}, "invalid_request", "FAULT", "No."),
        ({"code": "FAULT", "error": "No.", "debug": "x"}, "invalid_request", "FAULT", "No."),
        ({"code": "FAULT", "debug": {"line": 7}}, "invalid_request", "FAULT", '{"line": 7}'),
    ],
)
def test_a_reply_that_does_not_say_ok(task: Callable[..., Any], emulator: Emulator, body: dict[str, Any], kind: str, code: str | None, message: str) -> None:
    emulator.fault({"system": "rackcorp", "action": "status", "status": 200, "json": body})
    error = task("rackcorp", auth="basic", **LIST).result()["error"]
    assert error["kind"] == kind
    assert error.get("code") == code
    assert error["message"] == message


@pytest.mark.parametrize("body", [{}, {"code": None}, {"fault": None}])
def test_a_reply_that_says_nothing_is_not_from_this_system(task: Callable[..., Any], emulator: Emulator, body: dict[str, Any]) -> None:
    emulator.fault({"system": "rackcorp", "action": "status", "status": 200, "json": body})
    result = task("rackcorp", auth="basic", **LIST).result()
    assert result["error"]["kind"] == "protocol"
    assert "is not a reply with a code or data" in result["msg"]


@pytest.mark.parametrize(
    ("body", "data"),
    [
        ({"devices": []}, {"devices": []}),
        ({"message": "Devices looked up", "matches": 0, "domains": {}}, {"matches": 0, "domains": {}}),
        ({"userstatus": False}, {"userstatus": False}),
        ({"code": "ok"}, {}),
        ({"code": "OK", "message": "Deleted"}, {}),
        ({"code": "OK", "fault": None, "error": {}, "id": 1}, {"fault": None, "error": {}, "id": 1}),
        ({"code": "OK", "fault": "none", "status": "FAULT"}, {"fault": "none", "status": "FAULT"}),
        ({"code": "OK", "fault": {"count": 3}}, {"fault": {"count": 3}}),
    ],
)
def test_a_payload_without_a_code_is_a_success(task: Callable[..., Any], emulator: Emulator, body: dict[str, Any], data: dict[str, Any]) -> None:
    emulator.fault({"system": "rackcorp", "action": "status", "status": 200, "json": body})
    result = task("rackcorp", auth="basic", **LIST).result()
    assert not result.get("failed"), result
    assert result["data"] == data


def test_a_change_is_not_made_again_for_its_other_pages(task: Callable[..., Any], emulator: Emulator) -> None:
    result = task("rackcorp", all_pages=True, auth="basic", mutates="true", cmd="device.getall", params={"resWindow": "20"}).result()
    assert result["error"]["kind"] == "configuration"
    assert result["changed"] is True
    assert result["sent"] is True
    assert result["status"] == 200
    assert result["tries"] == 1
    assert "set mutates to false if it only reads" in result["msg"]
    assert len(emulator.log()) == 1


@pytest.mark.parametrize("total", ["count", "matches", ""])
@pytest.mark.parametrize("call", [LIST, {"path": "devices"}], ids=["cmd", "path"])
def test_all_pages(task: Callable[..., Any], emulator: Emulator, total: str, call: dict[str, Any]) -> None:
    emulator.settings(rackcorp={"devices": 255, "total_key": total})
    result = task("rackcorp", all_pages=True, auth="basic", **call).result()
    names = [device["name"] for device in result["data"]["devices"]]
    assert len(names) == 255
    assert len(set(names)) == 255
    assert result["tries"] == 3


@pytest.mark.parametrize(("maximum", "tries"), [(20, 4), (50, 3), (60, 2)])
def test_a_server_with_smaller_pages_than_requested_and_no_total(task: Callable[..., Any], emulator: Emulator, maximum: int, tries: int) -> None:
    """A page as long as a server's own maximum would be is not taken for the last one."""
    bodies = [{"devices": rows(begin, min(begin + maximum, 60))} for begin in range(0, 60, maximum)]
    pages(emulator, *bodies, {"devices": []})
    result = task("rackcorp", all_pages=True, auth="basic", **LIST).result()
    assert result["data"]["devices"] == rows(0, 60)
    assert result["tries"] == tries


def test_an_address_that_ends_with_json_php(task: Callable[..., Any], emulator: Emulator) -> None:
    """As RACKCORP_API_URL holds it for go-acme/lego."""
    for end in ("/json.php", "/json.php/"):
        result = task("rackcorp", api_url=emulator.url("rackcorp") + end, **LIST).result()
        assert len(result["data"]["devices"]) == 20


def test_a_change_gets_no_arguments_for_pages(task: Callable[..., Any], emulator: Emulator) -> None:
    task("rackcorp", all_pages=True, auth="basic", cmd="dns.record.create", params={"a": 1}).result()
    (request,) = emulator.log()
    assert json.loads(request["body"]) == {"cmd": "dns.record.create", "a": 1}


def test_a_page_size_that_the_user_gives(task: Callable[..., Any], emulator: Emulator) -> None:
    result = task("rackcorp", all_pages=True, auth="basic", cmd="device.getall", params={"resWindow": "20"}).result()
    assert len(result["data"]["devices"]) == 45
    assert result["tries"] == 3
    assert [json.loads(request["body"]).get("resStart") for request in emulator.log(login=False)] == [None, 20, 40]


@pytest.mark.parametrize("warnings", [30, 100, 120, 300])
@pytest.mark.parametrize("total", ["count", ""])
@pytest.mark.parametrize("call", [LIST, {"path": "devices"}], ids=["cmd", "path"])
def test_pages_are_counted_by_the_list_that_was_requested(
    task: Callable[..., Any], emulator: Emulator, warnings: int, total: str, call: dict[str, Any]
) -> None:
    """Another list of a reply may be longer than its page."""
    emulator.settings(rackcorp={"devices": 155, "warnings": warnings, "total_key": total})
    result = task("rackcorp", all_pages=True, auth="basic", **call).result()
    names = [device["name"] for device in result["data"]["devices"]]
    assert len(names) == 155
    assert len(set(names)) == 155
    assert result["tries"] == 2
    assert len(result["data"]["warnings"]) == warnings


def pages(emulator: Emulator, *bodies: dict[str, Any]) -> None:
    """Make the server answer its next requests with these bodies."""
    emulator.fault(*({"system": "rackcorp", "action": "status", "status": 200, "json": {"code": "OK", **body}} for body in bodies))


def rows(first: int, end: int) -> list[dict[str, Any]]:
    return [{"id": number} for number in range(first, end)]


@pytest.mark.parametrize("other", [rows(0, 120), ["x"] * 120, {str(number): {} for number in range(120)}])
def test_pages_that_are_shorter_than_requested(task: Callable[..., Any], emulator: Emulator, other: Any) -> None:
    pages(emulator, {"other": other, "devices": rows(0, 50), "count": 90}, {"other": other, "devices": rows(50, 90), "count": 90})
    result = task("rackcorp", all_pages=True, auth="basic", **LIST).result()
    assert result["data"]["devices"] == rows(0, 90)
    assert result["data"]["other"] == other
    assert result["tries"] == 2


def test_a_page_without_the_list_is_the_last_one(task: Callable[..., Any], emulator: Emulator) -> None:
    pages(emulator, {"devices": rows(0, 100)}, {"warnings": ["x"] * 100})
    result = task("rackcorp", all_pages=True, auth="basic", **LIST).result()
    assert result["data"] == {"devices": rows(0, 100)}
    assert result["tries"] == 2


def keyed(first: int, end: int) -> dict[str, Any]:
    return {str(row["id"]): row for row in rows(first, end)}


@pytest.mark.parametrize("last", [keyed(100, 133), rows(100, 133)])
@pytest.mark.parametrize("total", [{"matches": 133}, {}])
def test_lists_that_php_made_objects(task: Callable[..., Any], emulator: Emulator, last: Any, total: dict[str, int]) -> None:
    pages(emulator, {"domains": keyed(0, 100), "warnings": [], **total}, {"domains": last, **total})
    result = task("rackcorp", all_pages=True, auth="basic", cmd="dns.domain.getall").result()
    assert result["data"] == {"domains": rows(0, 133), "warnings": [], **total}
    assert result["tries"] == 2


def test_a_server_that_ignores_paging_ends(task: Callable[..., Any], emulator: Emulator) -> None:
    pages(emulator, *[{"rows": rows(0, 100), "matches": 1000}] * 5)
    result = task("rackcorp", all_pages=True, auth="basic", cmd="thing.getall").result()
    assert len(result["data"]["rows"]) == 100
    assert result["tries"] == 2


def test_debug_of_the_server_stays_out_of_errors(task: Callable[..., Any], emulator: Emulator, who: Accounts) -> None:
    emulator.settings(rackcorp={"debug_echo": True})
    result = task("rackcorp", auth="body", cmd="device.get", params={"id": 1}).result()
    assert result["failed"]
    assert who["rackcorp"]["api_secret"] not in str(result)
    assert "APISECRET" not in str(result)


def test_debug_that_is_quoted_is_cleaned_of_secrets(task: Callable[..., Any], emulator: Emulator, who: Accounts) -> None:
    """It is quoted if nothing else says why a call was refused, and the server echoes requests in it."""
    secret = who["rackcorp"]["api_secret"]
    pages(emulator, {"code": "FAULT", "debug": {"reason": "No such device", "request": {"APISECRET": secret}}})
    result = task("rackcorp", auth="body", **LIST).result()
    assert "No such device" in result["error"]["message"]
    assert "CANARY" not in str(result)


def test_a_reply_that_is_no_object_is_a_protocol_error() -> None:
    provider = RackCorp(Options())
    with pytest.raises(ApiError) as caught:
        provider.parse(provider.plan(LIST), response(b"[1, 2]"))
    assert caught.value.kind == "protocol"
