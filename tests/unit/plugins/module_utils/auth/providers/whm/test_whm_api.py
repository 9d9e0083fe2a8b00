# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WHM: headers, form fields, three envelopes, and the ways in which it says no."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.client import Reply
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.base import Provider
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.api import Whm, flattened

Accounts = dict[str, dict[str, str]]
DENIAL = {"cpanelresult": {"apiversion": "2", "error": "Access denied", "data": {"reason": "Access denied", "result": "0"}, "type": "text"}}


def read(status: int, body: Any, function: str = "listaccts") -> Any:
    """What the provider makes of a reply."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Whm().read(Whm().call(Options(function=function)), Reply(status, {}, raw))


def refusal(status: int, body: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        read(status, body)
    return caught.value.located("WHM at host")


@pytest.mark.parametrize("account", ["whm", "whm_reseller"])
def test_a_token_has_a_scheme_of_its_own(task: Callable[..., Any], emulator: Emulator, who: Accounts, account: str) -> None:
    result = task("whm", account, function="listaccts").result()
    assert not result.get("failed"), result
    (entry,) = emulator.log(system="whm")
    assert entry["headers"]["Authorization"] == f"whm {who[account]['username']}:{who[account]['token']}"
    assert entry["kinds"] == ["token"]


def test_a_password_is_basic(task: Callable[..., Any], emulator: Emulator, who: Accounts) -> None:
    result = task("whm", token=None, function="listaccts").result()
    assert len(result["data"]["acct"]) == 25
    (entry,) = emulator.log(system="whm")
    assert base64.b64decode(entry["headers"]["Authorization"].removeprefix("Basic ")).decode() == f"root:{who['whm']['password']}"
    assert entry["kinds"] == ["basic"]


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_parameters_on_the_wire(task: Callable[..., Any], emulator: Emulator, method: str) -> None:
    params = {"acl": ["list-accts", "ssl", "stats"], "flag": True, "off": False, "none": None, "number": 7, "text": "ü &=%", "api.version": 0}
    task("whm", function="frobnicate", params=params, method=method).result()
    (entry,) = emulator.log(system="whm")
    sent = dict(parse_qsl(entry["body"], keep_blank_values=True)) if method == "POST" else entry["query"]
    assert sent == {
        "acl": "list-accts", "acl-1": "ssl", "acl-2": "stats", "flag": "1", "off": "0", "number": "7", "text": "ü &=%", "api.version": "1",
    }  # fmt: skip
    assert bool(entry["query"]) is (method == "GET")


@pytest.mark.parametrize("params", [{"a": {"b": 1}}, {"a": [{"b": 1}]}, {"a": [[1]]}])
def test_parameters_that_a_form_cannot_hold(params: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="params: a must") as caught:
        flattened(params)
    assert caught.value.kind == "configuration"


@pytest.mark.parametrize("params", [{"a": 10**5000}, {"a": [1, -(10**5000)]}])
def test_numbers_that_python_does_not_write(params: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="params: a is a number with too many digits") as caught:
        flattened(params)
    assert caught.value.kind == "configuration"


def test_envelope_with_metadata(task: Callable[..., Any]) -> None:
    result = task("whm", function="listaccts", params={"api.filter.enable": 1, "api.filter.a.field": "user", "api.filter.a.arg0": "user01"}).result()
    assert [account["user"] for account in result["data"]["acct"]] == ["user01"]
    assert result["meta"] == {"command": "listaccts", "reason": "OK", "result": 1, "version": 1}
    assert (result["changed"], result["status"], result["tries"]) == (False, 200, 1)


def test_envelope_of_api_2(task: Callable[..., Any]) -> None:
    result = task("whm", function="version").result()
    assert result["data"] == {"version": "11.136.0.5", "result": "1"}
    assert result["meta"]["func"] == "version"


def test_no_envelope(task: Callable[..., Any]) -> None:
    result = task("whm", function="loadavg").result()
    assert (result["data"], result["meta"]) == ({"one": "0.12", "five": "0.34", "fifteen": "0.56"}, {})


def test_uapi_through_cpanel_is_unwrapped(task: Callable[..., Any]) -> None:
    given = {"cpanel_jsonapi_user": "user01", "cpanel_jsonapi_module": "Email", "cpanel_jsonapi_func": "list_pops", "cpanel_jsonapi_apiversion": 3}
    result = task("whm", function="cpanel", params=given).result()
    assert (result["data"], result["changed"]) == ([{"email": "info@example.com", "login": "info"}], False)
    assert task("whm", function="cpanel", params={**given, "cpanel_jsonapi_func": "frobnicate"}).result()["failed"]
    missing = task("whm", function="cpanel", params={**given, "cpanel_jsonapi_user": "nobody"}).result()
    assert missing["error"] == {"kind": "invalid_request", "message": "User parameter is invalid or was not supplied"}


def test_uapi_inside_of_metadata_may_have_failed(task: Callable[..., Any]) -> None:
    given = {"cpanel.user": "user01", "cpanel.module": "Email", "cpanel.function": "list_pops"}
    assert task("whm", function="uapi_cpanel", params=given).result()["data"]["uapi"]["status"] == 1
    result = task("whm", function="uapi_cpanel", params={**given, "cpanel.function": "frobnicate"}).result()
    assert (result["failed"], result["error"]["kind"], result["status"]) == (True, "invalid_request", 200)
    assert "it has no function" in result["msg"]


@pytest.mark.parametrize(("status", "fails"), [(1, False), ("1", False), (True, False), (0, True), ("0", True), (False, True)])
def test_uapi_of_its_own(status: Any, fails: bool) -> None:
    body = {"status": status, "errors": ["bad"] if fails else None, "data": {"a": 1}, "messages": None}
    if fails:
        assert refusal(200, body).message == "bad"
    else:
        assert read(200, body).data == {"a": 1}


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ({"cpanelresult": {"data": {"reason": "The user does not exist.", "result": "0"}}}, "not_found", "The user does not exist."),
        ({"cpanelresult": {"data": {"result": 0}}}, "invalid_request", "no reason was given"),
        ({"cpanelresult": {"error": "Access denied", "data": {"reason": "x", "result": "0"}}}, "forbidden", "Access denied"),
        ({"cpanelresult": {"data": [], "event": {"result": 0, "reason": "No such zone."}}}, "not_found", "No such zone."),
        ({"cpanelresult": {"data": [{"a": 1}], "event": {"result": "0"}}}, "invalid_request", "no reason was given"),
        ({"metadata": {"command": "x", "version": 1}, "data": {"a": 1}}, "invalid_request", "no reason was given"),
        ({"metadata": {"reason": "Access denied"}}, "forbidden", "Access denied"),
        ({"metadata": None, "data": {"a": 1}}, "invalid_request", "no reason was given"),
        ({"status": 0, "errors": ["Bad.", "Worse."]}, "invalid_request", "Bad.; Worse."),
        ({"status": "0", "errors": ["Access denied"], "metadata": {}}, "forbidden", "Access denied"),
        ({"status": 0, "statusmsg": "Invalid user"}, "not_found", "Invalid user"),
        ({"data": {"reason": "Bad.", "result": "0"}, "type": "text", "error": None}, "invalid_request", "Bad."),
    ],
)
def test_a_success_that_is_none(body: dict[str, Any], kind: str, message: str) -> None:
    failure = refusal(200, body)
    assert (failure.kind, failure.message, failure.status) == (kind, message, 200)


@pytest.mark.parametrize(
    ("body", "data"),
    [
        ({"cpanelresult": {"data": {"version": "11", "result": "1"}}}, {"version": "11", "result": "1"}),
        ({"cpanelresult": {"data": {"result": "x"}}}, {"result": "x"}),
        ({"cpanelresult": {"data": []}}, []),
        ({"cpanelresult": {"event": {"result": 1}}}, None),
        ({"status": 1, "errors": None, "data": {"a": 1}, "metadata": {}}, {"a": 1}),
        ({"status": 1, "errors": None, "metadata": {}}, {"status": 1, "errors": None, "metadata": {}}),
        ({"status": 0, "errors": []}, {"status": 0, "errors": []}),
        ({"status": "running", "errors": ["old"]}, {"status": "running", "errors": ["old"]}),
        ({"status": 0, "message": "x"}, {"status": 0, "message": "x"}),
        ({"hostname": "whm.example.com"}, {"hostname": "whm.example.com"}),
        ({"data": {"result": "0"}}, {"data": {"result": "0"}}),
    ],
)
def test_payloads_that_look_like_a_failure(body: dict[str, Any], data: Any) -> None:
    assert read(200, body).data == data


@pytest.mark.parametrize("result", [1, "1", True])
def test_results_of_any_type(result: Any) -> None:
    assert read(200, {"data": {"a": 1}, "metadata": {"result": result, "reason": "Access denied is not what this says"}}).data == {"a": 1}


@pytest.mark.parametrize("given", [{"token": "WRONGTOKEN00"}, {"token": None, "password": "wrong-word"}])
def test_bad_credentials(task: Callable[..., Any], given: dict[str, Any]) -> None:
    result = task("whm", function="listaccts", **given).result()
    assert (result["error"]["kind"], result["status"], result["tries"]) == ("credentials", 403, 1)
    assert "listaccts was refused (HTTP 403, Access denied); check username and the token or password" in result["msg"]
    assert "WRONGTOKEN00" not in str(result)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, DENIAL),
        (401, DENIAL),
        (403, b"Forbidden"),
        (403, b""),
        (403, b"<html>Access denied</html>"),
        (401, b"<html>Token Denied</html>"),
        (403, {"error": "x"}),
    ],
)
def test_every_form_of_a_bad_credential(status: int, body: Any) -> None:
    failure = refusal(status, body)
    assert (failure.kind, failure.status) == ("credentials", status)
    assert str(failure).endswith("check username and the token or password, whether the token has expired, and from which addresses it may be used")


@pytest.mark.parametrize("status", [200, 403])
def test_a_missing_privilege_is_forbidden(task: Callable[..., Any], emulator: Emulator, status: int) -> None:
    emulator.settings(whm={"acl_denial_status": status})
    made = task("whm", function="api_token_create", params={"token_name": "narrow", "acl": "list-accts"}).result()
    result = task("whm", token=made["data"]["token"], function="suspendacct", params={"user": "user01"}).result()
    assert (result["error"]["kind"], result["status"]) == ("forbidden", status)
    assert "lacks a privilege" in result["msg"]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Access denied", "forbidden"),
        ("You do not have the privilege \u201cssl\u201d, or it does not exist.", "forbidden"),
        ("The user does not have a home directory", "invalid_request"),
        ("This character is not allowed in a name", "invalid_request"),
        ("The user does not exist.", "not_found"),
        ('Unknown app ("x") requested for this version (1) of the API.', "not_found"),
        ("Account Creation Failed: the username \u201ca\u201d is taken.", "invalid_request"),
        (None, "invalid_request"),
    ],
)
def test_kinds_by_the_reason(reason: Any, kind: str) -> None:
    failure = refusal(200, {"metadata": {"result": 0, "reason": reason}})
    assert (failure.kind, failure.message) == (kind, reason or "no reason was given")


@pytest.mark.parametrize(("status", "kind"), [(500, "server"), (503, "server"), (429, "rate_limited"), (404, "not_found")])
def test_the_status_says_more_than_the_words(status: int, kind: str) -> None:
    assert refusal(status, {"metadata": {"result": 0, "reason": "Access denied"}}).kind == kind


def test_an_unknown_function(task: Callable[..., Any]) -> None:
    result = task("whm", function="frobnicate").result()
    assert (result["error"]["kind"], result["status"]) == ("not_found", 200)
    assert "Unknown app" in result["error"]["message"]


def test_the_page_for_a_second_factor(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.settings(whm={"denial": "tfa"})
    result = task("whm", token=None, function="listaccts").result()
    assert result["error"]["kind"] == "credentials"
    assert "needs a second factor, so use an API token" in result["msg"]


def test_data_may_speak_of_that_page() -> None:
    assert read(200, {"data": {"page": "<form id=tfa_login_form>"}, "metadata": {"result": 1}}).data == {"page": "<form id=tfa_login_form>"}


def test_all_pages(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.settings(whm={"accounts": 25})
    result = task("whm", function="listaccts", all_pages=True, params={"api.chunk.size": 10}).result()
    users = [account["user"] for account in result["data"]["acct"]]
    assert (len(users), len(set(users)), result["tries"]) == (25, 25, 3)
    asked = [dict(parse_qsl(entry["body"])) for entry in emulator.log(system="whm")]
    assert [one["api.chunk.start"] for one in asked] == ["1", "11", "21"]
    assert all(one["api.version"] == "1" for one in asked)


def test_all_pages_of_what_has_none(task: Callable[..., Any]) -> None:
    assert task("whm", function="loadavg", all_pages=True).result()["tries"] == 1


@pytest.mark.parametrize("function", ["api_token_create", "create_user_session"])
def test_replies_with_a_secret_are_known_beforehand(function: str) -> None:
    assert Whm().call(Options(function=function)).secret


def test_a_created_token_is_flagged(task: Callable[..., Any]) -> None:
    report = task("whm", function="api_token_create", params={"token_name": "new", "acl": "list-accts"}).report()
    assert (report.secret, report.result["changed"]) == (True, True)


@pytest.mark.parametrize(
    ("function", "params", "reads"),
    [
        ("listaccts", {}, True),
        ("getdiskusage", {}, True),
        ("api_token_list", {}, True),
        ("api_token_get_details", {}, True),
        ("myprivs", {}, True),
        ("api_token_revoke", {}, False),
        ("createacct", {}, False),
        ("suspendacct", {}, False),
        ("forgetful", {}, False),
        ("uapi_cpanel", {"cpanel.function": "list_pops"}, True),
        ("uapi_cpanel", {"cpanel.function": "add_pop"}, False),
        ("cpanel", {}, False),
    ],
)
def test_what_reads(function: str, params: dict[str, str], reads: bool) -> None:
    assert Whm().call(Options(function=function, params=params)).reads is reads


@pytest.mark.parametrize("function", ["", "a/b", "a b", "../x", "listaccts?x=1"])
def test_functions_are_bare_names(function: str) -> None:
    with pytest.raises(ApiError, match="function"):
        Whm().call(Options(function=function))


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({"host": "whm.example.com"}, "https://whm.example.com:2087"),
        ({"host": "whm.example.com", "port": 443}, "https://whm.example.com:443"),
        ({"host": "2001:db8::1"}, "https://[2001:db8::1]:2087"),
        ({"host": "[2001:db8::1]", "port": 443}, "https://[2001:db8::1]:443"),
        ({"host": "ignored", "api_url": "https://x.example/whm/"}, "https://x.example/whm"),
    ],
)
def test_where_the_server_is(options: dict[str, Any], url: str) -> None:
    assert Whm().base(Options(options)) == url


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "missing host; give the server's name in host, or its whole address in api_url"),
        ({"host": "https://whm.example.com"}, "host must be a bare name"),
        ({"host": "whm.example.com:2087"}, "the port has an option of its own, port"),
        ({"host": "user@whm"}, "host must be a bare name"),
        ({"host": "whm", "port": 70000}, "port must be a port number"),
        ({"api_url": "https://user:word@whm"}, "api_url must hold neither a user name, nor a password"),
        ({"api_url": "whm.example.com"}, "api_url must look like https://host/path"),
    ],
)
def test_addresses_that_make_no_sense(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ApiError, match=told) as caught:
        Whm().base(Options(options))
    assert caught.value.kind == "configuration"


@pytest.mark.parametrize(
    ("options", "told"),
    [({}, "no credentials; give token, or password"), ({"token": "AB\nCD"}, "no blank and no line break"), ({"token": "A", "username": "a b"}, "no blank")],
)
def test_credentials_that_make_no_sense(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ApiError, match=told) as caught:
        Whm().account(Options(api_url="https://whm", **options))
    assert "CD" not in str(caught.value)


def test_headers_for_other_tools(who: Accounts) -> None:
    provider: Provider = Whm()
    assert provider.headers(Options(username="resell"), "T") == {"Authorization": "whm resell:T"}
