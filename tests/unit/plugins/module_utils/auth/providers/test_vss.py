# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VSS: logins with and without a one-time code, replies, and links that must stay on their host."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pyotp
import pytest
import requests
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.messages import Request
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import CallResult
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.vss import Vss

Accounts = dict[str, dict[str, str]]


def test_a_login(task: Callable[..., Any], emulator: Emulator, who: Accounts) -> None:
    token = task("vss").token()
    (request,) = emulator.log(system="vss")
    pair = base64.b64decode(request["headers"]["Authorization"].removeprefix("Basic ")).decode("utf-8")
    assert pair == f"vsskey1:{who['vss']['password']}"
    assert "ä" in pair
    assert request["path"] == "auth/request-token"
    assert json.loads(request["body"]) == {"otp": None}
    assert request["kinds"] == ["basic"]
    assert token.lifetime == 86400


@pytest.mark.parametrize("shape", ["current", "2016-12", "2016"])
def test_replies_of_every_release(task: Callable[..., Any], emulator: Emulator, shape: str) -> None:
    emulator.settings(vss={"shape": shape, "token_ttl": 600})
    assert task("vss").token().lifetime == 600


@pytest.mark.parametrize("body", [{"token": "opaque"}, {"token": "opaque", "duration": "soon"}, {"token": "opaque", "duration": -1}])
def test_an_unknown_lifetime_is_a_day(task: Callable[..., Any], emulator: Emulator, body: dict[str, Any]) -> None:
    emulator.fault({"system": "vss", "action": "status", "status": 200, "json": body})
    assert task("vss").token().lifetime == 86400


@pytest.mark.parametrize("option", ["otp", "totp_secret"])
def test_second_factor_given_or_computed(task: Callable[..., Any], emulator: Emulator, who: Accounts, option: str) -> None:
    secret = who["vss_mfa"]["totp_secret"]
    code = pyotp.TOTP(secret).now()
    given = {"totp_secret": None, "otp": code} if option == "otp" else {}
    assert task("vss", "vss_mfa", **given).token().value
    (request,) = emulator.log(system="vss")
    assert request["kinds"] == ["basic", "otp"]
    assert json.loads(request["body"])["otp"] in (code, pyotp.TOTP(secret).now())


@pytest.mark.parametrize("status", [400, 401, 403, 422])
def test_a_missing_one_time_code(task: Callable[..., Any], emulator: Emulator, status: int) -> None:
    emulator.settings(vss={"otp_status": status})
    with pytest.raises(ApiError, match="the one-time code is missing or wrong; give otp or totp_secret, and check this machine's clock") as caught:
        task("vss", "vss_mfa", totp_secret=None).token()
    assert caught.value.kind == "credentials"
    assert caught.value.code == "InvalidParameterValue"
    assert caught.value.status == status


def test_an_account_that_must_enable_one_time_codes(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.settings(vss={"totp_required": True})
    with pytest.raises(ApiError, match="must enable multi-factor authentication first") as caught:
        task("vss").token()
    assert caught.value.kind == "credentials"
    assert caught.value.code == "TotpEnforcement"


@pytest.mark.parametrize("account", ["vss", "vss_barred"])
def test_login_refused(task: Callable[..., Any], emulator: Emulator, account: str) -> None:
    given = {"password": "wrong-word"} if account == "vss" else {}
    with pytest.raises(ApiError) as caught:
        task("vss", account, **given).token()
    assert caught.value.kind == "credentials"
    assert str(caught.value) == (
        f"VSS at {emulator.http[7:]}: the login was refused (HTTP 401, unauthorized: Please authenticate to get your token.); "
        "check username and password, and that this account may use the API"
    )
    assert emulator.logins("vss") == 1


@pytest.mark.parametrize(("status", "kind"), [(404, "not_found"), (500, "server"), (503, "server"), (429, "rate_limited")])
def test_a_login_that_failed_for_another_reason_does_not_blame_the_credentials(task: Callable[..., Any], emulator: Emulator, status: int, kind: str) -> None:
    emulator.fault({"system": "vss", "action": "status", "status": status})
    with pytest.raises(ApiError) as caught:
        task("vss").token()
    assert caught.value.kind == kind
    assert "password" not in str(caught.value)
    # A login has no name that could be wrong.
    assert "check the name" not in caught.value.hint
    assert ("check api_url" in caught.value.hint) == (status == 404)


def test_a_rate_limit_is_waited_for(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "vss", "action": "rate_limit", "reset": 2})
    started = time.monotonic()
    assert task("vss", retries=1, max_wait=10).token().value
    assert 0.9 <= time.monotonic() - started < 4
    assert emulator.logins("vss") == 2


def test_a_rate_limit_beyond_max_wait_is_not_waited_for(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "vss", "action": "rate_limit", "reset": 30, "times": None})
    started = time.monotonic()
    with pytest.raises(ApiError, match=r"wait (29|30) seconds, or raise max_wait") as caught:
        task("vss", retries=3, max_wait=5).token()
    assert time.monotonic() - started < 1
    assert caught.value.kind == "rate_limited"
    assert emulator.logins("vss") == 1
    assert caught.value.retry_after == pytest.approx(30, abs=1.5)


def test_payload_and_envelope(task: Callable[..., Any], emulator: Emulator) -> None:
    result = task("vss", path="v2/user").result()
    assert result["data"]["username"] == "vsskey1"
    assert set(result["meta"]) == {"_links", "time", "user"}
    assert [request["kinds"] for request in emulator.log(login=False)] == [["bearer"]]


def test_errors(task: Callable[..., Any]) -> None:
    result = task("vss", path="v2/vm/none").result()
    assert result["error"] == {"kind": "not_found", "code": "not found", "message": "Virtual machine not found."}
    assert result["status"] == 404


def test_a_structured_message_stays_json(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "vss", "action": "status", "status": 400, "match": {"login": False}, "json": {"error": "bad", "message": {"errors": ["ü"]}}})
    assert task("vss", path="v2/vm").result()["error"]["message"] == '{"errors": ["ü"]}'


def test_a_reply_without_a_body(task: Callable[..., Any], emulator: Emulator) -> None:
    task("vss").token()
    result = task("vss", path="v2/user/token/1001", method="PUT").result()
    assert result["status"] == 204
    assert result["data"] is None
    assert result["changed"] is True


def test_all_pages(task: Callable[..., Any], emulator: Emulator) -> None:
    result = task("vss", path="v2/vm", query={"expand": 1, "sort": "name,asc"}, all_pages=True).result()
    assert [row["name"] for row in result["data"]] == [f"2601T-vm{number:02d}" for number in range(1, 24)]
    assert result["tries"] == 3
    queries = [request["query"] for request in emulator.log(login=False)]
    assert [query.get("page") for query in queries] == [None, "2", "3"]
    assert {query["sort"] for query in queries} == {"name,asc"}


@pytest.mark.parametrize("base", ["https://127.0.0.2:1/vss", "http://evil.example/vss", "http://127.0.0.1:1/vss", "//evil.example/vss", "http://[broken/vss"])
def test_links_to_another_host_are_not_followed(task: Callable[..., Any], emulator: Emulator, base: str) -> None:
    emulator.settings(vss={"link_base": base})
    result = task("vss", path="v2/vm", all_pages=True).result()
    assert result["error"]["kind"] == "protocol"
    assert "which must not see the token" in result["msg"] or "that is not an address" in result["msg"]
    assert emulator.calls("vss") == 1
    assert result["sent"] is True


def follow(base: str, link: str) -> Request:
    """Return the request for the next page, which a reply links to."""
    provider = Vss(Options(api_url=base))
    following = provider.next_page(provider.plan({"path": "v2/vm"}), CallResult([], {"pages": {"next_url": link}}))
    assert following is not None
    return provider.request(following, "T")


def url_of(request: Request) -> str:
    """Return the address with its query, as the library sends it."""
    return str(requests.Request(request.method, request.url, params=request.query).prepare().url)


@pytest.mark.parametrize(
    ("base", "link", "url"),
    [
        ("https://h.example", "https://h.example/v2/vm?page=2", "https://h.example/v2/vm"),
        ("https://h.example", "https://H.example:443/v2/vm?page=2", "https://h.example/v2/vm"),
        ("https://h.example:443", "https://h.example/v2/vm?page=2", "https://h.example:443/v2/vm"),
        ("https://h.example", "http://h.example/v2/vm?page=2", "https://h.example/v2/vm"),
        ("https://h.example/vss", "https://h.example/vss/v2/vm?page=2", "https://h.example/vss/v2/vm"),
        ("https://h.example", "/v2/vm?page=2", "https://h.example/v2/vm"),
        ("http://127.0.0.1:8", "http://127.0.0.1:8/v2/vm%2Fx?page=2", "http://127.0.0.1:8/v2/vm%2Fx"),
    ],
)
def test_links_to_the_same_host_are_followed_there(base: str, link: str, url: str) -> None:
    """A service behind a proxy that terminates TLS calls itself http: requests go to the address that the user gave."""
    request = follow(base, link)
    assert request.method == "GET"
    assert url_of(request) == f"{url}?page=2"


@pytest.mark.parametrize("query", ["filter=&page=2&x=a+b", "filter=a%2Ceq%2C1&filter=b%2Ceq%2C2&page=2"])
def test_links_keep_their_whole_query(query: str) -> None:
    assert url_of(follow("https://h.example", f"https://h.example/v2/vm?{query}")) == f"https://h.example/v2/vm?{query}"


def test_several_filters_apply_to_all_pages(task: Callable[..., Any]) -> None:
    query = {"filter": ["name,ne,2601T-vm01", "name,like,2601T%"], "expand": 1, "sort": "name,asc"}
    result = task("vss", path="v2/vm", query=query, all_pages=True).result()
    assert [row["name"] for row in result["data"]] == [f"2601T-vm{number:02d}" for number in range(2, 24)]


@pytest.mark.parametrize(
    "link", ["http://h.example:8080/v2/vm", "https://h.example:8443/v2/vm", "https://h.example.evil/v2", "ftp://h.example/v2", "https://x@evil/v2"]
)
def test_links_to_similar_hosts(link: str) -> None:
    with pytest.raises(ApiError, match="the reply links to another host"):
        follow("https://h.example", link)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "no credentials; give username and password, or a token"),
        ({"username": "x"}, "missing password to log in; set password as an option, in the variable vss_password or .* VSS_USER_PASS or VSS_API_USER_PASS"),
        ({"password": "x"}, "missing username to log in"),
        ({"username": "x", "password": "y", "otp": "1", "totp_secret": "z"}, "otp and totp_secret exclude each other"),
    ],
)
def test_missing_credentials_are_named(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ApiError, match=problem) as caught:
        Vss(Options(options)).identify()
    assert caught.value.kind == "configuration"
