# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WHM: addresses, headers, form fields, refusals by their status, and pages."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from emulator.client import Emulator
from engine.clients import response

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import CallResult
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.api import Whm, flatten_params

Accounts = dict[str, dict[str, str]]
DENIAL = {"cpanelresult": {"apiversion": "2", "error": "Access denied", "data": {"reason": "Access denied", "result": "0"}, "type": "text"}}
CREDENTIALS_HINT = "check username and the token or password, whether the token has expired, and from which addresses it may be used"


def provider(**options: Any) -> Whm:
    return Whm(Options({"host": "whm.example.com", "token": "T", **options}))


def parse(status: int, body: Any, function: str = "listaccts", **options: Any) -> CallResult:
    """Return what the provider makes of a reply."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    whm = provider(**options)
    return whm.parse(whm.plan({"function": function}), response(content, status=status))


def refusal(status: int, body: Any, **options: Any) -> ApiError:
    """Return the error that the provider makes of a reply."""
    with pytest.raises(ApiError) as caught:
        parse(status, body, **options)
    assert caught.value.status == status
    return caught.value


# -- credentials -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("account", ["whm", "whm_reseller"])
def test_a_token_has_a_scheme_of_its_own(task: Callable[..., Any], emulator: Emulator, who: Accounts, account: str) -> None:
    result = task("whm", account, function="listaccts").result()
    assert not result.get("failed"), result
    (request,) = emulator.log(system="whm")
    assert request["headers"]["Authorization"] == f"whm {who[account]['username']}:{who[account]['token']}"
    assert request["kinds"] == ["token"]


def test_a_password_is_sent_as_basic(task: Callable[..., Any], emulator: Emulator, who: Accounts) -> None:
    result = task("whm", token=None, function="listaccts").result()
    assert len(result["data"]["acct"]) == 25
    (request,) = emulator.log(system="whm")
    assert base64.b64decode(request["headers"]["Authorization"].removeprefix("Basic ")).decode() == f"root:{who['whm']['password']}"
    assert request["kinds"] == ["basic"]


def test_headers_for_other_tools() -> None:
    assert provider(username="resell").headers("T") == {"Authorization": "whm resell:T"}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"token": None}, "no credentials; give token, or password"),
        ({"token": "AB\nCD"}, "must not contain blanks or line breaks"),
        ({"token": "root:ABCD"}, "must not contain colons"),
        ({"token": "ABCD", "username": "root:ABCD"}, "must not contain colons"),
        ({"token": "A", "username": "a b"}, "must not contain blanks"),
    ],
)
def test_credentials_that_make_no_sense(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ApiError, match=problem) as caught:
        provider(**options).identify()
    assert caught.value.kind == "configuration"
    assert "CD" not in str(caught.value)


# -- addresses -------------------------------------------------------------------------------------------------------


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
def test_the_address_of_the_server(options: dict[str, Any], url: str) -> None:
    assert provider(**options).base_url == url


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"host": None}, "missing host; set host as an option, in the variable whm_host .*, or the whole address in api_url"),
        ({"host": "https://whm.example.com"}, "host must be a bare name"),
        ({"host": "whm.example.com:2087"}, "the port has an option of its own, port"),
        ({"host": "user@whm"}, "host must be a bare name"),
        ({"host": "whm", "port": 70000}, "port must be a port number"),
        ({"api_url": "https://user:word@whm"}, "api_url must not contain a user name, a password or a query"),
        ({"api_url": "whm.example.com"}, "api_url must look like https://host/path"),
    ],
)
def test_addresses_that_make_no_sense(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ApiError, match=problem) as caught:
        provider(**options).find_base_url()
    assert caught.value.kind == "configuration"


# -- requests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_parameters_on_the_wire(task: Callable[..., Any], emulator: Emulator, method: str) -> None:
    params = {"acl": ["list-accts", "ssl", "stats"], "flag": True, "off": False, "none": None, "number": 7, "text": "ü &=%", "api.version": 0}
    task("whm", function="frobnicate", params=params, method=method).result()
    (request,) = emulator.log(system="whm")
    sent = dict(parse_qsl(request["body"], keep_blank_values=True)) if method == "POST" else request["query"]
    assert sent == {
        "acl": "list-accts", "acl-1": "ssl", "acl-2": "stats", "flag": "1", "off": "0", "number": "7", "text": "ü &=%", "api.version": "1",
    }  # fmt: skip
    assert bool(request["query"]) is (method == "GET")


@pytest.mark.parametrize("params", [{"a": {"b": 1}}, {"a": [{"b": 1}]}, {"a": [[1]]}])
def test_parameters_that_a_form_cannot_hold(params: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="params: a must") as caught:
        flatten_params(params)
    assert caught.value.kind == "configuration"


@pytest.mark.parametrize("params", [{"a": 10**5000}, {"a": [1, -(10**5000)]}])
def test_numbers_that_python_does_not_write(params: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="params: a is a number with too many digits") as caught:
        flatten_params(params)
    assert caught.value.kind == "configuration"


@pytest.mark.parametrize("function", ["", "a/b", "a b", "../x", "listaccts?x=1"])
def test_functions_are_bare_names(function: str) -> None:
    with pytest.raises(ApiError, match="function"):
        provider().plan({"function": function})


@pytest.mark.parametrize("acl", [[], "", " ", [""], [None], None, {}])
@pytest.mark.parametrize("function", ["api_token_create", "api_token_update", "wp_dashboard_create_api_token"])
def test_no_privileges_are_refused(function: str, acl: object) -> None:
    with pytest.raises(ApiError, match="acl is empty, which WHM takes as every privilege"):
        provider().plan({"function": function, "params": {"token_name": "t", "acl": acl}})


def test_the_name_that_the_modules_have_for_privileges_is_refused() -> None:
    """WHM ignores parameters that it does not know, and would give the token every privilege."""
    with pytest.raises(ApiError, match="WHM calls the list of privileges acl"):
        provider().plan({"function": "api_token_create", "params": {"token_name": "t", "acls": ["list-accts"]}})


@pytest.mark.parametrize(
    ("function", "params", "read_only"),
    [
        ("listaccts", {}, True),
        ("getdiskusage", {}, True),
        ("api_token_list", {}, True),
        ("api_token_get_details", {}, True),
        ("myprivs", {}, True),
        ("acctcounts", {}, True),
        ("lookupnsip", {}, True),
        ("emailtrack_search", {}, True),
        ("emailtrack_user_stats", {}, True),
        ("twofactorauth_get_user_configs", {}, True),
        ("twofactorauth_remove_user_config", {}, False),
        ("batch", {"command": "listaccts"}, False),
        ("api_token_revoke", {}, False),
        ("createacct", {}, False),
        ("suspendacct", {}, False),
        ("forgetful", {}, False),
        ("uapi_cpanel", {"cpanel.function": "list_pops"}, True),
        ("uapi_cpanel", {"cpanel.function": "add_pop"}, False),
        ("cpanel", {"cpanel_jsonapi_func": "list_pops"}, True),
        ("cpanel", {}, False),
    ],
)
def test_functions_that_only_read(function: str, params: dict[str, str], read_only: bool) -> None:
    assert provider().plan({"function": function, "params": params}).read_only is read_only


# -- replies ---------------------------------------------------------------------------------------------------------


def test_payload_and_envelope(task: Callable[..., Any]) -> None:
    result = task("whm", function="listaccts", params={"api.filter.enable": 1, "api.filter.a.field": "user", "api.filter.a.arg0": "user01"}).result()
    assert [account["user"] for account in result["data"]["acct"]] == ["user01"]
    assert result["meta"] == {"command": "listaccts", "reason": "OK", "result": 1, "version": 1}
    assert result["changed"] is False
    assert result["status"] == 200
    assert result["tries"] == 1


def test_a_function_that_answers_without_an_envelope(task: Callable[..., Any]) -> None:
    result = task("whm", function="loadavg").result()
    assert result["data"] == {"one": "0.12", "five": "0.34", "fifteen": "0.56"}
    assert result["meta"] == {}


def test_a_change_that_is_answered_with_nothing_is_a_success() -> None:
    assert parse(200, b"", "suspendacct").data is None
    with pytest.raises(ApiError, match="is empty"):
        parse(200, b"", "listaccts")


@pytest.mark.parametrize("function", ["api_token_create", "create_user_session"])
def test_functions_whose_reply_is_a_secret(function: str) -> None:
    assert provider().plan({"function": function}).secret_reply


def test_a_created_token_is_reported_as_a_secret(task: Callable[..., Any]) -> None:
    outcome = task("whm", function="api_token_create", params={"token_name": "new", "acl": "list-accts"}).outcome()
    assert outcome.secret
    assert outcome.result["changed"] is True


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [{"token": "WRONGTOKEN00"}, {"token": None, "password": "wrong-word"}])
def test_bad_credentials(task: Callable[..., Any], given: dict[str, Any]) -> None:
    result = task("whm", function="listaccts", **given).result()
    assert result["error"]["kind"] == "credentials"
    assert result["status"] == 403
    assert result["tries"] == 1
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
    error = refusal(status, body)
    assert error.kind == "credentials"
    assert error.hint == CREDENTIALS_HINT


@pytest.mark.parametrize("port", [2082, 2083])
def test_the_port_of_cpanel_is_pointed_out(port: int) -> None:
    error = refusal(403, DENIAL, port=port)
    assert error.kind == "credentials"
    assert error.hint == f"port {port} is cPanel's; WHM listens on port 2087; if the port is right, {CREDENTIALS_HINT}"


@pytest.mark.parametrize("status", [200, 403])
def test_a_missing_privilege_is_forbidden(task: Callable[..., Any], emulator: Emulator, status: int) -> None:
    emulator.settings(whm={"acl_denial_status": status})
    created = task("whm", function="api_token_create", params={"token_name": "narrow", "acl": "list-accts"}).result()
    result = task("whm", token=created["data"]["token"], function="suspendacct", params={"user": "user01"}).result()
    assert result["error"]["kind"] == "forbidden"
    assert result["status"] == status
    assert "lacks a privilege" in result["msg"]


@pytest.mark.parametrize(("status", "kind"), [(500, "server"), (503, "server"), (429, "rate_limited"), (404, "not_found")])
def test_the_status_says_more_than_the_words(status: int, kind: str) -> None:
    assert refusal(status, {"metadata": {"result": 0, "reason": "Access denied"}}).kind == kind


def test_an_unknown_function(task: Callable[..., Any]) -> None:
    result = task("whm", function="frobnicate").result()
    assert result["error"]["kind"] == "not_found"
    assert result["status"] == 200
    assert "Unknown app" in result["error"]["message"]


def test_the_page_for_a_second_factor(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.settings(whm={"denial": "tfa"})
    result = task("whm", token=None, function="listaccts").result()
    assert result["error"]["kind"] == "credentials"
    assert "this account's password needs two-factor authentication; use an API token" in result["msg"]


def test_data_may_contain_the_name_of_that_page() -> None:
    assert parse(200, {"data": {"page": "<form id=tfa_login_form>"}, "metadata": {"result": 1}}).data == {"page": "<form id=tfa_login_form>"}


# -- pages -----------------------------------------------------------------------------------------------------------


def test_all_pages(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.settings(whm={"accounts": 25})
    result = task("whm", function="listaccts", all_pages=True, params={"api.chunk.size": 10}).result()
    users = [account["user"] for account in result["data"]["acct"]]
    assert len(users) == 25
    assert len(set(users)) == 25
    assert result["tries"] == 3
    sent = [dict(parse_qsl(request["body"])) for request in emulator.log(system="whm")]
    assert [fields["api.chunk.start"] for fields in sent] == ["1", "11", "21"]
    assert {fields["api.version"] for fields in sent} == {"1"}


def test_all_pages_of_a_reply_without_pages(task: Callable[..., Any]) -> None:
    assert task("whm", function="loadavg", all_pages=True).result()["tries"] == 1
