# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RackCorp: how a JWT is got, that one kind of credential goes over the wire, and which calls are possible."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.rackcorp import RackCorp
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.token import jwt_claims

Accounts = dict[str, dict[str, str]]
LIST = {"cmd": "device.getall"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_jwt_by_api_key(task: Callable[..., Any], emulator: Emulator, who: Accounts, method: str) -> None:
    token = task("rackcorp", login="api_key", jwt_request_method=method).token()
    (entry,) = emulator.log(system="rackcorp")
    assert (entry["method"], entry["function"], entry["kinds"], entry["ok"]) == (method, "customer/jsonwebtoken", ["basic"], True)
    assert jwt_claims(token.value)["sub"] == who["rackcorp"]["api_uuid"]
    assert token.lifetime == pytest.approx(3600, abs=2)


@pytest.mark.parametrize("place", ["token", "cookie", "sessionId"])
def test_jwt_by_login_wherever_the_reply_has_it(task: Callable[..., Any], emulator: Emulator, who: Accounts, place: str) -> None:
    emulator.settings(rackcorp={"login_place": place})
    token = task("rackcorp", login="password").token()
    (entry,) = emulator.log(system="rackcorp")
    assert entry["kinds"] == ["password"]
    assert json.loads(entry["body"]) == {"cmd": "session.login", "username": who["rackcorp"]["username"], "password": who["rackcorp"]["password"], "jwt": 1}
    assert jwt_claims(token.value)["sub"] == who["rackcorp"]["username"]


@pytest.mark.parametrize("how", ["otp", "totp_secret"])
def test_second_factor_given_or_computed(task: Callable[..., Any], emulator: Emulator, who: Accounts, how: str) -> None:
    account = who["rackcorp_2fa"]
    code = pyotp.TOTP(account["totp_secret"]).now()
    given = {"totp_secret": None, "otp": code} if how == "otp" else {}
    assert task("rackcorp", "rackcorp_2fa", **given).token().value
    (entry,) = emulator.log(system="rackcorp")
    assert (entry["kinds"], entry["ok"]) == (["password", "otp"], True)
    assert json.loads(entry["body"])["2fatoken"] in (code, pyotp.TOTP(account["totp_secret"]).now())


def test_auto_takes_the_key_where_both_are_given(task: Callable[..., Any], emulator: Emulator) -> None:
    task("rackcorp").token()
    assert [entry["kinds"] for entry in emulator.log(system="rackcorp")] == [["basic"]]


def test_auto_takes_the_password_where_the_key_is_not_whole(task: Callable[..., Any], emulator: Emulator) -> None:
    half = task("rackcorp")
    half.options["api_secret"] = None
    half.token()
    assert [entry["kinds"] for entry in emulator.log(system="rackcorp")] == [["password"]]


@pytest.mark.parametrize("auth", ["bearer", "cookie", "basic", "body", "session"])
@pytest.mark.parametrize("call", [LIST, {"path": "devices/5001"}], ids=["cmd", "path"])
def test_one_kind_of_credential_in_each_request(task: Callable[..., Any], emulator: Emulator, auth: str, call: dict[str, Any]) -> None:
    """Everything is configured, and one thing is sent: RackCorp would try a stray key before a good JWT."""
    made = task("rackcorp", auth=auth, **call)
    result = made.result()
    assert not result.get("failed"), result
    calls = emulator.log(system="rackcorp", login=False)
    assert [entry["kinds"] for entry in calls] == [[auth]]
    assert emulator.logins("rackcorp") == (0 if auth in ("basic", "body") else 1)


def test_a_given_session_id_is_used_without_a_login(task: Callable[..., Any], emulator: Emulator) -> None:
    session = task("rackcorp", auth="session").token().value
    result = task("rackcorp", "", auth="session", session_id=session, **LIST).result()
    assert not result.get("failed"), result
    assert emulator.logins("rackcorp") == 1


def test_a_session_is_not_got_by_api_key(task: Callable[..., Any], emulator: Emulator) -> None:
    with pytest.raises(ApiError, match="an API key gives a JWT"):
        task("rackcorp", auth="session", login="api_key").token()
    assert emulator.log() == []


def test_access_denied_on_a_cached_jwt_is_one_new_login(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "rackcorp", "action": "refuse_token"})
    made = task("rackcorp", cached=True, **LIST)
    result = made.result()
    assert not result.get("failed"), result
    assert (made.fetched, result["tries"], emulator.logins("rackcorp"), emulator.calls("rackcorp")) == (2, 2, 2, 2)


def test_access_denied_that_stays_is_forbidden(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.settings(rackcorp={"denied": ["device.getall"]})
    made = task("rackcorp", cached=True, **LIST)
    result = made.result()
    assert (result["error"]["kind"], result["error"]["code"], result["status"]) == ("forbidden", "ACCESS_DENIED", 200)
    assert (made.fetched, result["tries"], emulator.calls("rackcorp")) == (2, 2, 2)


def test_access_denied_on_a_new_jwt_is_not_worth_another(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.settings(rackcorp={"denied": ["device.getall"]})
    made = task("rackcorp", **LIST)
    assert made.result()["error"]["kind"] == "forbidden"
    assert (made.fetched, emulator.calls("rackcorp")) == (1, 1)


def test_a_login_refused_while_a_token_is_replaced_is_what_is_told(task: Callable[..., Any], emulator: Emulator) -> None:
    made = task("rackcorp", cached=True, **LIST)
    emulator.fault(
        {"system": "rackcorp", "action": "refuse_token"},
        {"system": "rackcorp", "action": "refuse_token", "skip": 1, "match": {"login": True}},
    )
    result = made.result()
    assert (result["error"]["kind"], made.fetched) == ("credentials", 2)
    assert "the login was refused" in result["msg"]


def test_login_refused(task: Callable[..., Any], emulator: Emulator) -> None:
    result = task("rackcorp", login="password", password="wrong-word", **LIST).result()
    assert (result["error"]["kind"], result["sent"], result["tries"]) == ("credentials", False, 0)
    assert result["msg"] == (
        f"RackCorp at {emulator.http[7:]}: the login was refused (HTTP 200, ACCESS_DENIED: Invalid username or password); "
        "check username, password and the one-time code (otp or totp_secret)"
    )


def test_a_login_without_a_code(task: Callable[..., Any], emulator: Emulator) -> None:
    token = task("rackcorp").token().value
    emulator.fault({"system": "rackcorp", "action": "status", "status": 200, "json": {"token": token}})
    assert task("rackcorp").token().value == token
    emulator.fault({"system": "rackcorp", "action": "status", "status": 200, "json": {"message": "No such key"}})
    with pytest.raises(ApiError, match="check api_uuid and api_secret") as caught:
        task("rackcorp").token()
    assert (caught.value.kind, caught.value.message) == ("credentials", "No such key")


@pytest.mark.parametrize(
    "call",
    [
        {"cmd": "device.get", "params": {"APIUUID": "x"}},
        {"cmd": "device.get", "params": {"UserSessionId": "x"}},
        {"path": "devices", "body": {"apisecret": "x"}},
        {"path": "devices", "body": '{"APISECRET": "x"}'},
        {"path": "devices", "query": {"APIUUID": "x"}},
    ],
)
def test_stray_credentials_are_refused(task: Callable[..., Any], emulator: Emulator, call: dict[str, Any]) -> None:
    with pytest.raises(
        ApiError, match=r"params, query and body must not hold (APIUUID|APISECRET|USERSESSIONID); credentials have options of their own"
    ) as caught:
        task("rackcorp", **call).result()
    assert caught.value.kind == "configuration"
    assert emulator.log() == []


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ({}, "either cmd or path"),
        ({"cmd": "device.get", "path": "devices"}, "either cmd or path"),
        ({"cmd": "device.get", "body": {"a": 1}}, "query and body belong to path"),
        ({"path": "devices", "params": {"a": 1}}, "params belongs to cmd"),
        ({"path": "devices", "body": "{broken"}, "body looks like JSON, but is not"),
        ({"path": "https://other.example/devices"}, "path must be a plain path"),
        ({"path": "devices/../../x"}, "path must be a plain path"),
        ({"path": "devices/%2e%2E/x"}, "path must be a plain path"),
        ({"path": "devices?x=1"}, "give the query in query"),
        ({"path": "/"}, "missing path"),
    ],
)
def test_calls_that_make_no_sense(task: Callable[..., Any], emulator: Emulator, call: dict[str, Any], told: str) -> None:
    with pytest.raises(ApiError, match=told):
        task("rackcorp", **call).result()
    assert emulator.log() == []


@pytest.mark.parametrize(
    ("call", "reads"),
    [
        ({"cmd": "device.get"}, True),
        ({"cmd": "device.getAll"}, True),
        ({"cmd": "session.iscurrent"}, True),
        ({"cmd": "dns.record.create"}, False),
        ({"cmd": "order.confirm"}, False),
        ({"cmd": "device.getrich"}, False),
        ({"cmd": "frobnicate"}, False),
        ({"path": "devices"}, True),
        ({"path": "devices", "method": "POST"}, False),
        ({"path": "devices", "method": "DELETE"}, False),
    ],
)
def test_what_reads(call: dict[str, Any], reads: bool) -> None:
    assert RackCorp().call(Options(call)).reads is reads


@pytest.mark.parametrize(("call", "secret"), [("session.login", True), ("storage.s3.credential.getall", True), ("device.getall", False)])
def test_calls_whose_reply_is_a_secret(call: str, secret: bool) -> None:
    assert RackCorp().call(Options(cmd=call)).secret is secret


def test_a_login_without_a_token_is_a_protocol_error(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "rackcorp", "action": "status", "status": 200, "json": {"code": "OK"}})
    with pytest.raises(ApiError, match="the login succeeded, but its reply holds no JWT; check api_url") as caught:
        task("rackcorp").token()
    assert caught.value.kind == "protocol"


def test_an_opaque_session_id_is_no_jwt(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "rackcorp", "action": "status", "status": 200, "json": {"code": "OK", "sessionId": "abc"}})
    with pytest.raises(ApiError, match="holds no JWT"):
        task("rackcorp", login="password").token()


def test_two_ways_of_a_second_factor_exclude_each_other(task: Callable[..., Any], emulator: Emulator) -> None:
    with pytest.raises(ApiError, match="otp and totp_secret exclude each other"):
        task("rackcorp", "rackcorp_2fa", otp="123456").token()
    assert emulator.log() == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "no credentials; give api_uuid and api_secret, or username and password, or a token"),
        ({"api_uuid": "x"}, "missing api_secret to get a JWT by API key"),
        ({"username": "x"}, "missing password to log in"),
        ({"login": "api_key", "username": "x", "password": "y"}, "missing api_uuid and api_secret"),
        ({"auth": "basic", "api_uuid": "x"}, "missing api_secret for auth basic"),
        ({"auth": "session", "api_uuid": "x", "api_secret": "y"}, "missing username and password to log in"),
    ],
)
def test_missing_credentials_are_named(task: Callable[..., Any], options: dict[str, Any], told: str) -> None:
    with pytest.raises(ApiError, match=told) as caught:
        task("rackcorp", "", **options).token()
    assert caught.value.kind == "configuration"
