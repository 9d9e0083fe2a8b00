# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RackCorp: how a JWT is requested, that each request carries one kind of credential, and which calls are possible."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.jwt import decode_claims
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.rackcorp import RackCorp

Accounts = dict[str, dict[str, str]]
LIST = {"cmd": "device.getall"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_jwt_by_api_key(task: Callable[..., Any], emulator: Emulator, who: Accounts, method: str) -> None:
    token = task("rackcorp", login="api_key", jwt_request_method=method).token()
    (request,) = emulator.log(system="rackcorp")
    assert request["method"] == method
    assert request["function"] == "customer/jsonwebtoken"
    assert request["kinds"] == ["basic"]
    assert request["ok"] is True
    assert decode_claims(token.value)["sub"] == who["rackcorp"]["api_uuid"]
    assert token.lifetime == pytest.approx(3600, abs=2)


@pytest.mark.parametrize("place", ["token", "cookie", "sessionId"])
def test_jwt_by_login_in_each_place_of_the_reply(task: Callable[..., Any], emulator: Emulator, who: Accounts, place: str) -> None:
    emulator.settings(rackcorp={"login_place": place})
    token = task("rackcorp", login="password").token()
    (request,) = emulator.log(system="rackcorp")
    assert request["kinds"] == ["password"]
    assert json.loads(request["body"]) == {"cmd": "session.login", "username": who["rackcorp"]["username"], "password": who["rackcorp"]["password"], "jwt": 1}
    assert decode_claims(token.value)["sub"] == who["rackcorp"]["username"]


@pytest.mark.parametrize("option", ["otp", "totp_secret"])
def test_second_factor_given_or_computed(task: Callable[..., Any], emulator: Emulator, who: Accounts, option: str) -> None:
    account = who["rackcorp_2fa"]
    code = pyotp.TOTP(account["totp_secret"]).now()
    given = {"totp_secret": None, "otp": code} if option == "otp" else {}
    assert task("rackcorp", "rackcorp_2fa", **given).token().value
    (request,) = emulator.log(system="rackcorp")
    assert request["kinds"] == ["password", "otp"]
    assert request["ok"] is True
    assert json.loads(request["body"])["2fatoken"] in (code, pyotp.TOTP(account["totp_secret"]).now())


def test_login_auto_prefers_the_api_key(task: Callable[..., Any], emulator: Emulator) -> None:
    task("rackcorp").token()
    assert [request["kinds"] for request in emulator.log(system="rackcorp")] == [["basic"]]


def test_half_an_api_key_is_an_error_although_there_is_a_password(task: Callable[..., Any], emulator: Emulator) -> None:
    with pytest.raises(ApiError, match="missing api_secret to get a JWT by API key"):
        task("rackcorp", api_secret=None).token()
    assert emulator.log() == []


@pytest.mark.parametrize("auth", ["bearer", "cookie", "basic", "body", "session"])
@pytest.mark.parametrize("call", [LIST, {"path": "devices/5001"}], ids=["cmd", "path"])
def test_one_kind_of_credential_in_each_request(task: Callable[..., Any], emulator: Emulator, auth: str, call: dict[str, Any]) -> None:
    """Everything is configured, and one credential is sent: RackCorp would try a stray key before a valid JWT."""
    result = task("rackcorp", auth=auth, **call).result()
    assert not result.get("failed"), result
    calls = emulator.log(system="rackcorp", login=False)
    assert [request["kinds"] for request in calls] == [[auth]]
    assert emulator.logins("rackcorp") == (0 if auth in ("basic", "body") else 1)


def test_a_supplied_session_id_is_used_without_a_login(task: Callable[..., Any], emulator: Emulator) -> None:
    session = task("rackcorp", auth="session").token().value
    result = task("rackcorp", "", auth="session", session_id=session, **LIST).result()
    assert not result.get("failed"), result
    assert emulator.logins("rackcorp") == 1


def test_an_api_key_gives_no_session(task: Callable[..., Any], emulator: Emulator) -> None:
    with pytest.raises(ApiError, match="an API key gives a JWT"):
        task("rackcorp", auth="session", login="api_key").token()
    assert emulator.log() == []


def test_access_denied_on_a_cached_jwt_is_one_new_login(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "rackcorp", "action": "refuse_token"})
    job = task("rackcorp", cached=True, **LIST)
    result = job.result()
    assert not result.get("failed"), result
    assert job.logins == 2
    assert result["tries"] == 2
    assert emulator.logins("rackcorp") == 2
    assert emulator.calls("rackcorp") == 2


def test_access_denied_that_stays_is_forbidden(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.settings(rackcorp={"denied": ["device.getall"]})
    job = task("rackcorp", cached=True, **LIST)
    result = job.result()
    assert result["error"]["kind"] == "forbidden"
    assert result["error"]["code"] == "ACCESS_DENIED"
    assert result["status"] == 200
    assert "grant the permission or give another token" in result["msg"]
    assert job.logins == 2
    assert result["tries"] == 2
    assert emulator.calls("rackcorp") == 2


def test_access_denied_on_a_new_jwt_is_not_worth_another(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.settings(rackcorp={"denied": ["device.getall"]})
    job = task("rackcorp", **LIST)
    assert job.result()["error"]["kind"] == "forbidden"
    assert job.logins == 1
    assert emulator.calls("rackcorp") == 1


def test_a_login_refused_while_a_token_is_replaced_is_reported(task: Callable[..., Any], emulator: Emulator) -> None:
    job = task("rackcorp", cached=True, **LIST)
    emulator.fault(
        {"system": "rackcorp", "action": "refuse_token"},
        {"system": "rackcorp", "action": "refuse_token", "skip": 1, "match": {"login": True}},
    )
    result = job.result()
    assert result["error"]["kind"] == "credentials"
    assert job.logins == 2
    assert "the login was refused" in result["msg"]


def test_login_refused(task: Callable[..., Any], emulator: Emulator) -> None:
    result = task("rackcorp", login="password", password="wrong-word", **LIST).result()
    assert result["error"]["kind"] == "credentials"
    assert result["sent"] is False
    assert result["tries"] == 0
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
    assert caught.value.kind == "credentials"
    assert caught.value.message == "No such key"


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
    ("call", "problem"),
    [
        ({}, "either cmd or path"),
        ({"cmd": "device.get", "path": "devices"}, "either cmd or path"),
        ({"cmd": "device.get", "body": {"a": 1}}, "query and body belong to path"),
        ({"path": "devices", "params": {"a": 1}}, "params belongs to cmd"),
        ({"path": "devices", "body": "{broken"}, "body looks like JSON but cannot be parsed"),
        ({"path": "https://other.example/devices"}, "path must be a plain path"),
        ({"path": "devices/../../x"}, "path must be a plain path"),
        ({"path": "devices/%2e%2E/x"}, "path must be a plain path"),
        ({"path": "devices?x=1"}, "give the query in query"),
        ({"path": "/"}, "missing path"),
    ],
)
def test_calls_that_make_no_sense(task: Callable[..., Any], emulator: Emulator, call: dict[str, Any], problem: str) -> None:
    with pytest.raises(ApiError, match=problem):
        task("rackcorp", **call).result()
    assert emulator.log() == []


@pytest.mark.parametrize(
    ("call", "read_only"),
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
def test_calls_that_only_read(call: dict[str, Any], read_only: bool) -> None:
    assert RackCorp(Options()).plan({"method": "GET", **call}).read_only is read_only


@pytest.mark.parametrize(("cmd", "is_secret"), [("session.login", True), ("storage.s3.credential.getall", True), ("device.getall", False)])
def test_calls_whose_reply_is_a_secret(cmd: str, is_secret: bool) -> None:
    assert RackCorp(Options()).plan({"cmd": cmd}).secret_reply is is_secret


def test_a_login_without_a_token_is_a_protocol_error(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "rackcorp", "action": "status", "status": 200, "json": {"code": "OK"}})
    with pytest.raises(ApiError, match="the login succeeded, but its reply holds no JWT; check api_url") as caught:
        task("rackcorp").token()
    assert caught.value.kind == "protocol"


def test_an_opaque_session_id_is_no_jwt(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "rackcorp", "action": "status", "status": 200, "json": {"code": "OK", "sessionId": "abc"}})
    with pytest.raises(ApiError, match="holds no JWT"):
        task("rackcorp", login="password").token()


def test_two_sources_of_one_time_codes_exclude_each_other(task: Callable[..., Any], emulator: Emulator) -> None:
    with pytest.raises(ApiError, match="otp and totp_secret exclude each other"):
        task("rackcorp", "rackcorp_2fa", otp="123456").token()
    assert emulator.log() == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "no credentials; give api_uuid and api_secret, or username and password, or a token"),
        ({"api_uuid": "x"}, "missing api_secret to get a JWT by API key"),
        ({"username": "x"}, "missing password to log in"),
        ({"login": "api_key", "username": "x", "password": "y"}, "missing api_uuid and api_secret"),
        ({"auth": "basic", "api_uuid": "x"}, "missing api_secret for auth basic"),
        ({"auth": "session", "api_uuid": "x", "api_secret": "y"}, "missing username and password to log in"),
    ],
)
def test_missing_credentials_are_named(task: Callable[..., Any], options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ApiError, match=problem) as caught:
        task("rackcorp", "", **options).token()
    assert caught.value.kind == "configuration"
