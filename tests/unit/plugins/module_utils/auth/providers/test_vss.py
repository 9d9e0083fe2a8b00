# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VSS: logins with and without a second factor, links that must stay on their host, tokens that are taken back."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pyotp
import pytest
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import totp
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import CallResult
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.client import Client
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.exchange import written
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.vss import Vss
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import Token
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.jwt import decode_claims as jwt_claims

Accounts = dict[str, dict[str, str]]


def test_a_login(task: Callable[..., Any], emulator: Emulator, who: Accounts) -> None:
    token = task("vss").token()
    (entry,) = emulator.log(system="vss")
    pair = base64.b64decode(entry["headers"]["Authorization"].removeprefix("Basic ")).decode("utf-8")
    assert pair == f"vsskey1:{who['vss']['password']}"
    assert "ä" in pair
    assert (entry["path"], json.loads(entry["body"]), entry["kinds"]) == ("auth/request-token", {"otp": None}, ["basic"])
    assert token.lifetime == 86400


@pytest.mark.parametrize("shape", ["current", "2016-12", "2016"])
def test_replies_of_every_age(task: Callable[..., Any], emulator: Emulator, shape: str) -> None:
    emulator.settings(vss={"shape": shape, "token_ttl": 600})
    assert task("vss").token().lifetime == 600


@pytest.mark.parametrize("body", [{"token": "opaque"}, {"token": "opaque", "duration": "soon"}, {"token": "opaque", "duration": -1}])
def test_a_lifetime_that_is_not_told_is_a_day(task: Callable[..., Any], emulator: Emulator, body: dict[str, Any]) -> None:
    emulator.fault({"system": "vss", "action": "status", "status": 200, "json": body})
    assert task("vss").token().lifetime == 86400


@pytest.mark.parametrize("how", ["otp", "totp_secret"])
def test_second_factor_given_or_computed(task: Callable[..., Any], emulator: Emulator, who: Accounts, how: str) -> None:
    secret = who["vss_mfa"]["totp_secret"]
    code = pyotp.TOTP(secret).now()
    given = {"totp_secret": None, "otp": code} if how == "otp" else {}
    assert task("vss", "vss_mfa", **given).token().value
    (entry,) = emulator.log(system="vss")
    assert entry["kinds"] == ["basic", "otp"]
    assert json.loads(entry["body"])["otp"] in (code, pyotp.TOTP(secret).now())


@pytest.mark.parametrize(
    "secret", ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "gezd gnbv gy3t qojq gezd gnbv", "GEZD-GNBV-GY3T-QOJQ-GEZD-GNBV", "GEZDGNBVGY3TQOJQGEZDGNBVGA======"]
)
@pytest.mark.parametrize("now", [0, 59, 1111111109, 2000000000, 20000000000])
def test_codes_are_those_of_an_authenticator(secret: str, now: int) -> None:
    known = pyotp.TOTP("".join(secret.replace("-", "").split()).upper().rstrip("="))
    assert totp.code(secret, totp.step_of(now)) == known.at(now)


@pytest.mark.parametrize("secret", ["123456", "not base32!", "", "ü"])
def test_a_key_that_is_none_is_not_quoted(secret: str) -> None:
    with pytest.raises(ApiError, match="totp_secret is not a base32 key") as caught:
        totp.code(secret, 1)
    assert caught.value.kind == "configuration"
    assert not secret or secret not in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 422])
def test_a_wrong_code_is_told(task: Callable[..., Any], emulator: Emulator, status: int) -> None:
    emulator.settings(vss={"otp_status": status})
    with pytest.raises(ApiError, match="so give otp or totp_secret, and check this machine's clock") as caught:
        task("vss", "vss_mfa", totp_secret=None).token()
    assert (caught.value.kind, caught.value.code, caught.value.status) == ("credentials", "InvalidParameterValue", status)


def test_an_account_without_a_second_factor_is_told(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.settings(vss={"totp_required": True})
    with pytest.raises(ApiError, match="must enable multi-factor authentication first") as caught:
        task("vss").token()
    assert (caught.value.kind, caught.value.code) == ("credentials", "TotpEnforcement")


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


def test_a_full_window_is_waited_for(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "vss", "action": "rate_limit", "reset": 2})
    started = time.monotonic()
    assert task("vss", retries=1, max_wait=10).token().value
    assert 0.9 <= time.monotonic() - started < 4
    assert emulator.logins("vss") == 2


def test_a_window_that_is_too_long_is_not_waited_for(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "vss", "action": "rate_limit", "reset": 30, "times": None})
    started = time.monotonic()
    with pytest.raises(ApiError, match=r"wait (29|30) seconds, or raise max_wait") as caught:
        task("vss", retries=3, max_wait=5).token()
    assert time.monotonic() - started < 1
    assert (caught.value.kind, emulator.logins("vss")) == ("rate_limited", 1)
    assert caught.value.retry_after == pytest.approx(30, abs=1.5)


def test_payload_and_envelope(task: Callable[..., Any], emulator: Emulator) -> None:
    result = task("vss", path="v2/user").result()
    assert result["data"]["username"] == "vsskey1"
    assert set(result["meta"]) == {"_links", "time", "user"}
    assert [entry["kinds"] for entry in emulator.log(login=False)] == [["bearer"]]


def test_errors(task: Callable[..., Any]) -> None:
    result = task("vss", path="v2/vm/none").result()
    assert (result["error"], result["status"]) == ({"kind": "not_found", "code": "not found", "message": "Virtual machine not found."}, 404)


def test_a_message_in_parts_is_told_as_json(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "vss", "action": "status", "status": 400, "match": {"login": False}, "json": {"error": "bad", "message": {"errors": ["ü"]}}})
    assert task("vss", path="v2/vm").result()["error"]["message"] == '{"errors": ["ü"]}'


def test_a_reply_without_a_body(task: Callable[..., Any], emulator: Emulator) -> None:
    task("vss").token()
    result = task("vss", path="v2/user/token/1001", method="PUT").result()
    assert (result["status"], result["data"], result["changed"]) == (204, None, True)


def test_all_pages(task: Callable[..., Any], emulator: Emulator) -> None:
    result = task("vss", path="v2/vm", query={"expand": 1, "sort": "name,asc"}, all_pages=True).result()
    assert [row["name"] for row in result["data"]] == [f"2601T-vm{number:02d}" for number in range(1, 24)]
    assert result["tries"] == 3
    assert [entry["query"].get("page") for entry in emulator.log(login=False)] == [None, "2", "3"]
    assert all(entry["query"]["sort"] == "name,asc" for entry in emulator.log(login=False))


@pytest.mark.parametrize("base", ["https://127.0.0.2:1/vss", "http://evil.example/vss", "http://127.0.0.1:1/vss", "//evil.example/vss", "http://[broken/vss"])
def test_links_to_another_host_are_not_followed(task: Callable[..., Any], emulator: Emulator, base: str) -> None:
    emulator.settings(vss={"link_base": base})
    result = task("vss", path="v2/vm", all_pages=True).result()
    assert result["error"]["kind"] == "protocol"
    assert "which must not see the token" in result["msg"] or "no address" in result["msg"]
    assert (emulator.calls("vss"), result["sent"]) == (1, True)


def linked(base: str, link: str) -> Any:
    provider, options = Vss(), Options(api_url=base)
    call = provider.call(Options(path="v2/vm", all_pages=True))
    following = provider.next_page(options, call, CallResult([], {"pages": {"next_url": link}}))
    assert following is not None
    return provider.request(options, following, "T")


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
    """A service behind a proxy that ends TLS calls itself http: the way in stays the one that the user gave."""
    request = linked(base, link)
    assert (request.method, request.url, written(request).target.partition("?")[2]) == ("GET", url, "page=2")


@pytest.mark.parametrize("query", ["filter=&page=2&x=a+b", "filter=a%2Ceq%2C1&filter=b%2Ceq%2C2&page=2"])
def test_links_keep_their_whole_query(query: str) -> None:
    assert written(linked("https://h.example", f"https://h.example/v2/vm?{query}")).target == f"/v2/vm?{query}"


def test_each_of_several_filters_holds_for_all_pages(task: Callable[..., Any]) -> None:
    query = {"filter": ["name,ne,2601T-vm01", "name,like,2601T%"], "expand": 1, "sort": "name,asc"}
    result = task("vss", path="v2/vm", query=query, all_pages=True).result()
    assert [row["name"] for row in result["data"]] == [f"2601T-vm{number:02d}" for number in range(2, 24)]


@pytest.mark.parametrize(
    "link", ["http://h.example:8080/v2/vm", "https://h.example:8443/v2/vm", "https://h.example.evil/v2", "ftp://h.example/v2", "https://x@evil/v2"]
)
def test_links_elsewhere(link: str) -> None:
    with pytest.raises(ApiError, match="the reply links to another host"):
        linked("https://h.example", link)


def test_of_several_tokens_no_other_one_is_taken_back(task: Callable[..., Any], emulator: Emulator) -> None:
    made = task("vss")
    emulator.clock(-100)
    other = made.token()
    emulator.clock(0)
    token = made.token()
    assert Vss().revoke(made.options, Client(made.options, 30, environ={}), token) is True
    assert [bool(task("vss", "", token=one.value, path="v2/user").result().get("failed")) for one in (other, token)] == [False, True]


def test_tokens_that_cannot_be_told_apart_are_left_alone(task: Callable[..., Any], emulator: Emulator) -> None:
    made = task("vss")
    while True:
        tokens = [made.token(), made.token()]
        if len({jwt_claims(one.value)["iat"] for one in tokens}) == 1:
            break
        emulator.reset()
    assert Vss().revoke(made.options, Client(made.options, 30, environ={}), tokens[0]) is False
    assert not any(task("vss", "", token=one.value, path="v2/user").result().get("failed") for one in tokens)


def test_a_token_is_looked_for_on_every_page(task: Callable[..., Any], emulator: Emulator) -> None:
    """Fails when another token, the only valid one of the first page, is taken back in its place."""
    made = task("vss", "", token="opaque")
    following = f"{emulator.url('vss')}/v2/user/token?page=2"
    first = [{"id": number, "valid": number == 5} for number in range(1, 101)]
    used = [{"id": 101, "valid": False}]
    # The last of them is a list without an end.
    for last, link, taken in ((used, None, "5"), ([{"id": 101, "valid": True}], None, None), (used, following, None)):
        emulator.reset()
        for entries, onward, times in ((first, following, 1), (last, link, None)):
            body = {"data": entries, "meta": {"pages": {"next_url": onward}}}
            emulator.fault({"system": "vss", "action": "status", "status": 200, "json": body, "match": {"method": "GET"}, "times": times})
        emulator.fault({"system": "vss", "action": "status", "status": 204, "match": {"method": "PUT"}})
        assert Vss().revoke(made.options, Client(made.options, 30, environ={}), Token("opaque")) is bool(taken)
        assert [entry["path"].rsplit("/", 1)[-1] for entry in emulator.log() if entry["method"] == "PUT"] == ([taken] if taken else [])


def test_a_number_that_two_tokens_share_by_chance(task: Callable[..., Any], emulator: Emulator) -> None:
    now = int(time.time())
    token = jwt.encode({"jti": "5", "iat": now, "exp": now + 60}, "k" * 32)
    entries = [{"id": 5, "valid": True, "expiration": now + 9000}, {"id": 6, "valid": True, "expiration": now + 60}]
    emulator.fault({"system": "vss", "action": "status", "status": 200, "json": {"data": entries}, "match": {"method": "GET"}})
    emulator.fault({"system": "vss", "action": "status", "status": 204, "match": {"method": "PUT"}})
    made = task("vss", "", token=token)
    assert Vss().revoke(made.options, Client(made.options, 30, environ={}), Token(token)) is True
    assert emulator.log()[-1]["path"].endswith("/user/token/6")


def test_the_only_token_is_taken_back(task: Callable[..., Any], emulator: Emulator) -> None:
    made = task("vss")
    token = made.token()
    assert Vss().revoke(made.options, Client(made.options, 30, environ={}), token) is True
    assert task("vss", "", token=token.value, path="v2/user").result()["error"]["kind"] == "credentials"
    assert Vss().revoke(made.options, Client(made.options, 30, environ={}), token) is True


@pytest.mark.parametrize(("options", "told"), [({}, "missing username and password to log in"), ({"username": "x"}, "missing password to log in")])
def test_missing_credentials_are_named(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ApiError, match=told):
        Vss().account(Options(options))
