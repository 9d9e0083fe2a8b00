# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""UAPI functions of a cPanel user, called through WHM."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.api import Whm

LIST_POPS = {"user": "user01", "module": "Email", "function": "list_pops"}
ADD_POP = {"user": "user01", "module": "Email", "function": "add_pop", "params": {"email": "x", "quota": 0, "flag": True, "list": ["a", "b"]}}
UNKNOWN_APP = {"metadata": {"command": "uapi_cpanel", "result": 0, "version": 1, "reason": 'Unknown app ("uapi_cpanel") requested for this version (1)'}}


def plan(uapi: Any, **arguments: Any) -> Any:
    return Whm(Options(host="whm.example.com", token="T")).plan({"uapi": uapi, **arguments})


def reply(data: Any, *, status: int = 1, **more: Any) -> dict[str, Any]:
    uapi = {"status": status, "data": data, "errors": None, "messages": None, "warnings": None, "metadata": {}, **more}
    return {"data": {"uapi": uapi}, "metadata": {"command": "uapi_cpanel", "result": 1, "reason": "OK", "version": 1}}


def answer(emulator: Emulator, *bodies: Any) -> None:
    """Make the server answer its next requests with these bodies."""
    emulator.fault(*({"system": "whm", "action": "status", "status": 200, "json": body} for body in bodies))


def sent(emulator: Emulator) -> list[tuple[str, dict[str, str]]]:
    """Return the function and the fields of each request."""
    return [(request["function"], dict(parse_qsl(request["body"]))) for request in emulator.log(system="whm")]


def test_a_call_is_sent_through_uapi_cpanel(task: Callable[..., Any], emulator: Emulator) -> None:
    answer(emulator, reply([{"email": "a@example.com"}], warnings=["Almost full."]))
    result = task("whm", uapi=ADD_POP).result()
    assert result["data"] == [{"email": "a@example.com"}]
    assert result["meta"]["warnings"] == ["Almost full."]
    assert result["changed"] is True
    ((function, fields),) = sent(emulator)
    assert function == "uapi_cpanel"
    assert fields == {
        "cpanel.user": "user01", "cpanel.module": "Email", "cpanel.function": "add_pop",
        "email": "x", "quota": "0", "flag": "1", "list": "a", "list-1": "b", "api.version": "1",
    }  # fmt: skip


def test_the_emulator_answers_it(task: Callable[..., Any]) -> None:
    result = task("whm", uapi=LIST_POPS).result()
    assert result["data"][0]["email"]
    assert result["changed"] is False


def test_an_error_of_the_user_s_function(task: Callable[..., Any], emulator: Emulator) -> None:
    answer(emulator, reply(None, status=0, errors=["Could not find function \u201cx\u201d in module \u201cEmail\u201d"]))
    result = task("whm", uapi={**ADD_POP, "function": "x"}).result()
    assert result["error"]["kind"] == "not_found"
    assert "Email::x of user01 was refused" in result["msg"]


def test_servers_without_uapi_cpanel_are_asked_through_cpanel(task: Callable[..., Any], emulator: Emulator) -> None:
    inner = reply([1])["data"]["uapi"]
    answer(emulator, UNKNOWN_APP, {"apiversion": 3, "module": "Email", "func": "add_pop", "result": {**inner, "messages": ["Done."]}})
    result = task("whm", uapi=ADD_POP).result()
    assert result["data"] == [1]
    assert result["meta"]["messages"] == ["Done."]
    assert result["changed"] is True
    assert result["tries"] == 2
    (first, _fields), (second, fields) = sent(emulator)
    assert first == "uapi_cpanel"
    assert second == "cpanel"
    assert fields == {
        "cpanel_jsonapi_user": "user01", "cpanel_jsonapi_module": "Email", "cpanel_jsonapi_func": "add_pop", "cpanel_jsonapi_apiversion": "3",
        "email": "x", "quota": "0", "flag": "1", "list": "a", "list-1": "b", "api.version": "1",
    }  # fmt: skip


def test_a_server_that_knows_neither_is_asked_twice(task: Callable[..., Any], emulator: Emulator) -> None:
    answer(emulator, *[UNKNOWN_APP] * 3)
    result = task("whm", uapi=ADD_POP).result()
    assert result["error"]["kind"] == "not_found"
    assert result["tries"] == 2
    assert len(sent(emulator)) == 2


@pytest.mark.parametrize("reason", ["Access denied", "The user does not exist."])
def test_another_refusal_is_no_reason_to_ask_again(task: Callable[..., Any], emulator: Emulator, reason: str) -> None:
    answer(emulator, {"metadata": {"result": 0, "reason": reason}})
    assert task("whm", uapi=ADD_POP).result()["failed"]
    assert len(sent(emulator)) == 1


def test_a_function_that_is_called_by_name_has_no_other_way(task: Callable[..., Any], emulator: Emulator) -> None:
    answer(emulator, UNKNOWN_APP)
    assert task("whm", function="uapi_cpanel", params={"cpanel.function": "add_pop"}).result()["failed"]
    assert len(sent(emulator)) == 1


def page(first: int, end: int, total: int) -> dict[str, Any]:
    rows = [{"id": number} for number in range(first, end)]
    return reply(rows, metadata={"paginate": {"start_result": first + 1, "results_per_page": 2, "total_results": total}})


def test_all_pages(task: Callable[..., Any], emulator: Emulator) -> None:
    answer(emulator, page(0, 2, 5), page(2, 4, 5), page(4, 5, 5))
    result = task("whm", uapi={**LIST_POPS, "params": {"api.paginate_size": 2}}, all_pages=True).result()
    assert result["data"] == [{"id": number} for number in range(5)]
    assert result["tries"] == 3
    fields = [fields for _function, fields in sent(emulator)]
    assert [asked["api.paginate_start"] for asked in fields] == ["1", "3", "5"]
    assert {asked["api.paginate"] for asked in fields} == {"1"}
    assert {asked["api.paginate_size"] for asked in fields} == {"2"}


def test_all_pages_of_a_server_without_uapi_cpanel(task: Callable[..., Any], emulator: Emulator) -> None:
    pages = [{"apiversion": 3, "result": body["data"]["uapi"]} for body in (page(0, 2, 3), page(2, 3, 3))]
    answer(emulator, UNKNOWN_APP, *pages)
    result = task("whm", uapi=LIST_POPS, all_pages=True).result()
    assert result["data"] == [{"id": number} for number in range(3)]
    assert result["tries"] == 3
    assert [function for function, _fields in sent(emulator)] == ["uapi_cpanel", "cpanel", "cpanel"]


def test_a_change_is_not_sent_in_check_mode(task: Callable[..., Any], emulator: Emulator) -> None:
    result = task("whm", uapi=ADD_POP).result(check_mode=True)
    assert result["changed"] is True
    assert result["sent"] is False
    assert sent(emulator) == []
    assert task("whm", uapi=LIST_POPS).result(check_mode=True)["sent"] is True


@pytest.mark.parametrize(("function", "read_only"), [("list_pops", True), ("get_quota", True), ("add_pop", False), ("delete_pop", False), ("forget", False)])
def test_functions_that_only_read(function: str, read_only: bool) -> None:
    assert plan({**LIST_POPS, "function": function}).read_only is read_only


@pytest.mark.parametrize(
    ("module", "function", "is_secret"),
    [("Tokens", "create_full_access", True), ("SSL", "fetch_key_and_cabundle_for_certificate", True), ("Tokens", "list", False)],
)
def test_functions_whose_reply_is_a_secret(module: str, function: str, is_secret: bool) -> None:
    assert plan({"user": "u", "module": module, "function": function}).secret_reply is is_secret


@pytest.mark.parametrize(
    ("uapi", "problem"),
    [
        ({}, "uapi lacks user and module and function"),
        ({"user": "u", "module": "Email"}, "uapi lacks function"),
        ({**LIST_POPS, "parms": {}}, "uapi has no member parms; it takes user, module, function and params"),
        ({**LIST_POPS, "module": "Email::x"}, "module and function must be bare names"),
        ({**LIST_POPS, "function": "list pops"}, "module and function must be bare names"),
        ({**LIST_POPS, "params": ["a"]}, "uapi: params must be a dictionary"),
        ({**LIST_POPS, "params": {"a": {"b": 1}}}, "params: a must not be a dictionary"),
    ],
)
def test_calls_that_make_no_sense(uapi: dict[str, Any], problem: str) -> None:
    with pytest.raises(ApiError, match=problem) as caught:
        plan(uapi)
    assert caught.value.kind == "configuration"


def test_function_and_uapi_exclude_each_other() -> None:
    with pytest.raises(ApiError, match="give either function with params or uapi"):
        plan(LIST_POPS, function="listaccts")
    with pytest.raises(ApiError, match="give either function with params or uapi"):
        plan(LIST_POPS, params={"a": 1})


def test_calls_hold_both_kinds(task: Callable[..., Any], emulator: Emulator) -> None:
    results = task("whm", calls=[{"uapi": LIST_POPS}, {"function": "listaccts"}, {"uapi": json.dumps(LIST_POPS)}], concurrency=1).result()["results"]
    assert [result["failed"] for result in results] == [False, False, False]
    assert [function for function, _fields in sent(emulator)] == ["uapi_cpanel", "listaccts", "uapi_cpanel"]
