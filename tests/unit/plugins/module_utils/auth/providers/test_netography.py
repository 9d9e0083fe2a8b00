# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netography: the signed request, NETOSECRET in every spelling, envelopes, searches over all pages."""

from __future__ import annotations

import base64
import json
import textwrap
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from emulator.accounts import netosecret
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import Account
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.netography import Netography

Accounts = dict[str, dict[str, str]]
SEARCH = {"path": "search/flow", "method": "POST"}
AWKWARD = netosecret(url="https://neto.example/~~~???>>>", padded=True)
PERIOD = {"start": -3600, "end": 0}
PARTS = ("appname", "appkey", "shortname")


def account(**options: Any) -> Account:
    return Netography(Options(options)).account


def requests_of(emulator: Emulator, secret: str) -> list[dict[str, Any]]:
    """Return the claims of every login's request token, verified."""
    sent = [json.loads(request["body"])["jwt"] for request in emulator.log(system="netography", login=True)]
    assert all(jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"} for token in sent)
    return [jwt.decode(token, secret, algorithms=["HS256"]) for token in sent]


def test_the_request_token(task: Callable[..., Any], emulator: Emulator, who: Accounts) -> None:
    before = int(time.time())
    tokens = [task("netography").token() for _turn in range(3)]
    claims = requests_of(emulator, who["netography"]["shared_secret"])
    for request in claims:
        assert set(request) == {"iat", "jti", "appname", "appkey", "shortname"}
        assert {name: request[name] for name in PARTS} == {name: who["netography"][name] for name in PARTS}
        assert isinstance(request["iat"], int)
        assert before - 1 <= request["iat"] <= time.time() - 1
        assert isinstance(request["jti"], str)
        assert len(request["jti"]) == 32
    assert len({request["jti"] for request in claims}) == 3
    assert {token.lifetime for token in tokens} == {86400.0}


@pytest.mark.parametrize("estimate", [0.5, 0.0, -0.5])
def test_a_request_token_is_never_from_the_future(task: Callable[..., Any], emulator: Emulator, estimate: float) -> None:
    """The estimate of the server's clock is off by up to half a second, and the server's second has just gone past its half."""
    emulator.settings(netography={"iat_ahead": 0.0})
    client = task("netography").client
    offset = 0.6 - time.time() % 1
    emulator.clock(offset)
    assert client.provider.login(client.http, time.time() + offset + estimate, None).value


def test_a_login_carries_the_request_token_alone(task: Callable[..., Any], emulator: Emulator) -> None:
    task("netography").token()
    (request,) = emulator.log(system="netography")
    assert request["method"] == "POST"
    assert request["path"] == "api/v1/auth/token"
    assert request["kinds"] == ["jwt"]
    assert list(json.loads(request["body"])) == ["jwt"]


@pytest.mark.parametrize(
    "spell",
    [
        lambda text: text,
        lambda text: text.rstrip("="),
        lambda text: "\n".join(textwrap.wrap(text, 40)) + "\n",
        lambda text: text.replace("+", "-").replace("/", "_"),
        lambda text: f"  {text.rstrip('=')} ",
    ],
    ids=["padded", "unpadded", "wrapped", "url-safe", "blanks"],
)
def test_netosecret_in_every_spelling(task: Callable[..., Any], emulator: Emulator, spell: Callable[[str], str]) -> None:
    assert task("netography", "", netosecret=spell(AWKWARD)).token().value
    assert emulator.log(system="netography")[-1]["principal"] == "acme/automation"


def test_the_sample_contains_every_special_character() -> None:
    assert set("+/=") < set(AWKWARD)


def test_single_options_win_over_netosecret(task: Callable[..., Any], emulator: Emulator) -> None:
    assert task("netography", "", netosecret=netosecret(), shortname="acme-branch").token().value
    assert emulator.log(system="netography")[-1]["principal"] == "acme-branch/automation"


@pytest.mark.parametrize("netosecret", ["!!!!", "e30", base64.b64encode(b"[1]").decode(), base64.b64encode(b"{broken").decode(), "a", "\u00fc"])
def test_a_netosecret_that_cannot_be_decoded(task: Callable[..., Any], emulator: Emulator, netosecret: str) -> None:
    with pytest.raises(ApiError) as caught:
        task("netography", "", netosecret=netosecret).token()
    assert caught.value.kind == "configuration"
    problem = "no credentials; give netosecret" if netosecret == "e30" else "netosecret is not base64 of a JSON object; copy it again"
    assert problem in str(caught.value)
    assert emulator.log() == []


@pytest.mark.parametrize(
    ("member", "url"),
    [
        ("https://api.netography.com/api/v1", "https://api.netography.com/api/v1"),
        ("https://api.netography.com/api/v1/", "https://api.netography.com/api/v1"),
        ("https://api.netography.com/v1", "https://api.netography.com/api/v1"),
        ("https://api.netography.com", "https://api.netography.com/api/v1"),
        ("https://gw.example/neto/v2", "https://gw.example/neto/v2"),
    ],
)
def test_the_address_that_netosecret_holds(member: str, url: str) -> None:
    assert account(netosecret=netosecret(url=member)).api_url == url
    assert account(netosecret=netosecret(url=member), api_url="https://own.example/x").api_url == "https://own.example/x"


def test_a_sub_account_has_a_token_of_its_own() -> None:
    main, branch = (account(netosecret=netosecret(), shortname=name) for name in (None, "acme-branch"))
    assert main.identity != branch.identity
    assert main.principal == "acme/automation"
    assert branch.principal == "acme-branch/automation"


def test_missing_parts_are_named() -> None:
    with pytest.raises(ApiError, match="missing appkey and shared_secret; set appkey as an option, in the variable netography_appkey"):
        account(appname="a", shortname="b")


@pytest.mark.parametrize("wrong", ["shared_secret", "appkey", "shortname", "appname"])
def test_login_refused(task: Callable[..., Any], emulator: Emulator, wrong: str) -> None:
    with pytest.raises(ApiError) as caught:
        task("netography", **{wrong: "other-words"}).token()
    error = caught.value
    assert error.kind == "credentials"
    assert error.status == 401
    assert error.code == "Unauthorized"
    assert error.message == "Missing or invalid credentials"
    assert str(error).endswith("check appname, appkey, shortname and shared_secret, and this machine's clock")
    assert emulator.logins("netography") == 1


def test_a_secret_that_cannot_sign(task: Callable[..., Any], emulator: Emulator) -> None:
    with pytest.raises(ApiError, match="shared_secret cannot sign a request"):
        task("netography", shared_secret="-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----").token()
    assert emulator.log() == []


def test_a_login_at_a_wrong_address(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "netography", "action": "status", "status": 404})
    with pytest.raises(ApiError, match="check api_url") as caught:
        task("netography").token()
    assert caught.value.kind == "not_found"


def test_payload_and_envelope(task: Callable[..., Any], emulator: Emulator) -> None:
    result = task("netography", path="devices").result()
    assert [int(device["id"]) for device in result["data"]] == [1, 2, 3, 4, 5]
    assert result["meta"] == {"code": 200, "count": 5}
    assert result["changed"] is False
    assert result["status"] == 200
    assert [request["kinds"] for request in emulator.log(login=False)] == [["bearer"]]


def test_a_reply_without_a_body(task: Callable[..., Any]) -> None:
    result = task("netography", path="device/1", method="DELETE").result()
    assert result["status"] == 204
    assert result["data"] is None
    assert result["meta"] == {}
    assert result["changed"] is True


@pytest.mark.parametrize(
    ("call", "kind", "code", "message"),
    [
        ({"path": "device/99"}, "not_found", "NotFound", "Device not found"),
        ({"path": "device", "method": "POST", "body": {}}, "invalid_request", "BadRequest", "name and ips are required"),
    ],
)
def test_errors(task: Callable[..., Any], call: dict[str, Any], kind: str, code: str, message: str) -> None:
    assert task("netography", **call).result()["error"] == {"kind": kind, "code": code, "message": message}


def test_an_expired_token_from_the_cache_is_replaced_once(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "netography", "action": "refuse_token"})
    result = task("netography", cached=True, path="devices").result()
    assert len(result["data"]) == 5
    assert result["tries"] == 2
    assert emulator.logins("netography") == 2


def test_a_token_that_is_refused_again_is_not_replaced_again(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "netography", "action": "refuse_token", "times": None})
    result = task("netography", cached=True, path="devices").result()
    assert result["error"]["kind"] == "credentials"
    assert result["tries"] == 2
    assert emulator.logins("netography") == 2
    assert emulator.calls("netography") == 2


def test_403_is_never_answered_by_a_login(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "netography", "action": "status", "status": 403, "match": {"login": False}})
    result = task("netography", cached=True, path="devices").result()
    assert result["error"]["kind"] == "forbidden"
    assert result["tries"] == 1
    assert emulator.logins("netography") == 1


@pytest.mark.parametrize(("flows", "size", "pages"), [(123, 50, 3), (100, 50, 3), (123, None, 1), (0, None, 1)])
def test_a_search_over_all_pages(task: Callable[..., Any], emulator: Emulator, flows: int, size: int | None, pages: int) -> None:
    emulator.settings(netography={"flows": flows})
    body = {**PERIOD, **({"size": size} if size else {})}
    result = task("netography", **SEARCH, body=body, all_pages=True).result()
    assert [row["id"] for row in result["data"]] == [f"flow-{number}" for number in range(flows)]
    assert result["tries"] == pages
    bodies = [json.loads(request["body"]) for request in emulator.log(login=False)]
    assert [sent.get("from", 0) for sent in bodies] == [number * (size or 1000) for number in range(pages)]


def test_a_search_with_smaller_pages_than_requested(task: Callable[..., Any], emulator: Emulator) -> None:
    """A page as long as a server's own maximum would be is not taken for the last one."""
    for begin, end in ((0, 100), (100, 107)):
        rows = [{"id": number} for number in range(begin, end)]
        emulator.fault({"system": "netography", "action": "status", "status": 200, "match": {"login": False}, "json": {"meta": {}, "data": rows}})
    result = task("netography", **SEARCH, body=PERIOD, all_pages=True).result()
    assert len(result["data"]) == 107
    assert result["tries"] == 2


@pytest.mark.parametrize(("granted", "claimed", "lifetime"), [(86400, 60, 60), (60, 86400, 60), (None, 60, 60), (60, None, 60)])
def test_a_token_expires_at_the_earlier_of_two_times(
    task: Callable[..., Any], emulator: Emulator, granted: int | None, claimed: int | None, lifetime: int
) -> None:
    claims = {"sub": "x", **({"exp": int(time.time()) + claimed} if claimed else {})}
    body = {"access_token": jwt.encode(claims, "k" * 32), **({"expires_in": granted} if granted else {})}
    emulator.fault({"system": "netography", "action": "status", "status": 200, "match": {"login": True}, "json": body})
    assert task("netography").token().lifetime == pytest.approx(lifetime, abs=2)


def test_a_search_without_all_pages_is_sent_as_it_is(task: Callable[..., Any], emulator: Emulator) -> None:
    task("netography", **SEARCH, body=PERIOD).result()
    assert json.loads(emulator.log(login=False)[0]["body"]) == PERIOD


@pytest.mark.parametrize(
    ("call", "read_only"),
    [
        ({"path": "devices"}, True),
        ({"path": "search/flow", "method": "POST"}, True),
        ({"path": "/stats/flow/agg", "method": "POST"}, True),
        ({"path": "intel/lookup/ips", "method": "POST"}, True),
        ({"path": "research/x", "method": "POST"}, False),
        ({"path": "search/flow", "method": "PUT"}, False),
        ({"path": "device", "method": "POST"}, False),
        ({"path": "device/1", "method": "DELETE"}, False),
    ],
)
def test_calls_that_only_read(call: dict[str, Any], read_only: bool) -> None:
    assert Netography(Options()).plan({"method": "GET", **call}).read_only is read_only


@pytest.mark.parametrize(
    ("call", "is_secret"),
    [
        ({"path": "api-keys", "method": "POST", "body": {"appname": "new"}}, True),
        ({"path": "api-keys/automation/regen", "method": "PUT"}, True),
        ({"path": "devices"}, False),
    ],
)
def test_replies_with_a_secret_are_reported(task: Callable[..., Any], call: dict[str, Any], is_secret: bool) -> None:
    outcome = task("netography", **call).outcome()
    assert not outcome.result.get("failed"), outcome.result
    assert bool(outcome.secret) is is_secret


@pytest.mark.parametrize(
    ("call", "is_secret"),
    [
        ({"path": "auth/token", "method": "POST"}, True),
        ({"path": "api-keys", "method": "GET"}, True),
        ({"path": "api-keys/automation/regen", "method": "PUT"}, True),
        ({"path": "api-keys/automation", "method": "DELETE"}, False),
        ({"path": "devices", "method": "GET"}, False),
    ],
)
def test_calls_whose_reply_is_known_to_hold_a_secret(call: dict[str, Any], is_secret: bool) -> None:
    assert Netography(Options()).plan(call).secret_reply is is_secret


def test_a_body_as_json_text(task: Callable[..., Any]) -> None:
    result = task("netography", path="device", method="POST", body='{"name": "r", "ips": ["192.0.2.1"]}').result()
    assert result["data"][0]["name"] == "r"
