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
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.netography import Netography

Accounts = dict[str, dict[str, str]]
SEARCH = {"path": "search/flow", "method": "POST"}
AWKWARD = netosecret(url="https://neto.example/~~~???>>>", padded=True)
WHEN = {"start": -3600, "end": 0}


def requests_of(emulator: Emulator, secret: str) -> list[dict[str, Any]]:
    """The claims of every login's request token, verified."""
    sent = [json.loads(entry["body"])["jwt"] for entry in emulator.log(system="netography", login=True)]
    assert all(jwt.get_unverified_header(one) == {"alg": "HS256", "typ": "JWT"} for one in sent)
    return [jwt.decode(one, secret, algorithms=["HS256"]) for one in sent]


def test_the_request_token(task: Callable[..., Any], emulator: Emulator, who: Accounts) -> None:
    before = int(time.time())
    tokens = [task("netography").token() for _turn in range(3)]
    claims = requests_of(emulator, who["netography"]["shared_secret"])
    assert all(set(one) == {"iat", "jti", "appname", "appkey", "shortname"} for one in claims)
    assert all(one[name] == who["netography"][name] for one in claims for name in ("appname", "appkey", "shortname"))
    assert all(isinstance(one["iat"], int) and before - 1 <= one["iat"] <= time.time() - 1 for one in claims)
    assert all(isinstance(one["jti"], str) and len(one["jti"]) == 32 for one in claims)
    assert len({one["jti"] for one in claims}) == 3
    assert {token.lifetime for token in tokens} == {86400.0}


@pytest.mark.parametrize("estimate", [0.5, 0.0, -0.5])
def test_a_request_token_is_never_from_the_future(task: Callable[..., Any], emulator: Emulator, estimate: float) -> None:
    """The estimate of the server's clock is off by up to half a second, and the server's second has just gone past its half."""
    emulator.settings(netography={"iat_ahead": 0.0})
    made = task("netography")
    offset = 0.6 - time.time() % 1
    emulator.clock(offset)
    assert Netography().login(made.options, made.client, time.time() + offset + estimate, None).value


def test_a_login_carries_the_request_token_alone(task: Callable[..., Any], emulator: Emulator) -> None:
    task("netography").token()
    (entry,) = emulator.log(system="netography")
    assert (entry["method"], entry["path"], entry["kinds"], list(json.loads(entry["body"]))) == ("POST", "api/v1/auth/token", ["jwt"], ["jwt"])


@pytest.mark.parametrize(
    "spelled",
    [
        lambda text: text,
        lambda text: text.rstrip("="),
        lambda text: "\n".join(textwrap.wrap(text, 40)) + "\n",
        lambda text: text.replace("+", "-").replace("/", "_"),
        lambda text: f"  {text.rstrip('=')} ",
    ],
    ids=["padded", "unpadded", "wrapped", "url-safe", "blanks"],
)
def test_netosecret_in_every_spelling(task: Callable[..., Any], emulator: Emulator, spelled: Callable[[str], str]) -> None:
    made = task("netography", "", netosecret=spelled(AWKWARD))
    assert made.token().value
    assert emulator.log(system="netography")[-1]["principal"] == "acme/automation"


def test_the_samples_hold_what_is_awkward() -> None:
    assert set("+/=") < set(AWKWARD)


def test_single_options_win(task: Callable[..., Any], emulator: Emulator) -> None:
    assert task("netography", "", netosecret=netosecret(), shortname="acme-branch").token().value
    assert emulator.log(system="netography")[-1]["principal"] == "acme-branch/automation"


@pytest.mark.parametrize("padding", ["!!!!", "e30", base64.b64encode(b"[1]").decode(), base64.b64encode(b"{broken").decode(), "a", "\u00fc"])
def test_netosecret_that_is_none(task: Callable[..., Any], emulator: Emulator, padding: str) -> None:
    with pytest.raises(ApiError) as caught:
        task("netography", "", netosecret=padding).token()
    assert caught.value.kind == "configuration"
    told = "missing appname" if padding == "e30" else "netosecret is not base64 of a JSON object; copy it again"
    assert told in str(caught.value)
    assert emulator.log() == []


@pytest.mark.parametrize(
    ("held", "url"),
    [
        ("https://api.netography.com/api/v1", "https://api.netography.com/api/v1"),
        ("https://api.netography.com/api/v1/", "https://api.netography.com/api/v1"),
        ("https://api.netography.com/v1", "https://api.netography.com/api/v1"),
        ("https://api.netography.com", "https://api.netography.com/api/v1"),
        ("https://gw.example/neto/v2", "https://gw.example/neto/v2"),
    ],
)
def test_the_address_that_netosecret_holds(held: str, url: str) -> None:
    assert Netography().account(Options(netosecret=netosecret(url=held))).api_url == url
    assert Netography().account(Options(netosecret=netosecret(url=held), api_url="https://own.example/x")).api_url == "https://own.example/x"


def test_a_sub_account_is_another_one() -> None:
    one, other = (Netography().account(Options(netosecret=netosecret(), shortname=name)) for name in (None, "acme-branch"))
    assert one.identity != other.identity
    assert (one.principal, other.principal) == ("acme/automation", "acme-branch/automation")


def test_missing_parts_are_named() -> None:
    with pytest.raises(ApiError, match="missing appkey and shared_secret"):
        Netography().account(Options(appname="a", shortname="b"))


@pytest.mark.parametrize("wrong", ["shared_secret", "appkey", "shortname", "appname"])
def test_login_refused(task: Callable[..., Any], emulator: Emulator, wrong: str) -> None:
    with pytest.raises(ApiError) as caught:
        task("netography", **{wrong: "other-words"}).token()
    failure = caught.value
    assert (failure.kind, failure.status, failure.code, failure.message) == ("credentials", 401, "Unauthorized", "Missing or invalid credentials")
    assert str(failure).endswith("check appname, appkey, shortname and shared_secret, and this machine's clock")
    assert emulator.logins("netography") == 1


def test_a_secret_that_cannot_sign(task: Callable[..., Any], emulator: Emulator) -> None:
    with pytest.raises(ApiError, match="shared_secret cannot sign a request"):
        task("netography", shared_secret="-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n").token()
    assert emulator.log() == []


def test_a_wrong_address_is_told_as_such(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "netography", "action": "status", "status": 404})
    with pytest.raises(ApiError, match="check api_url") as caught:
        task("netography").token()
    assert caught.value.kind == "not_found"


def test_payload_and_envelope(task: Callable[..., Any], emulator: Emulator) -> None:
    result = task("netography", path="devices").result()
    assert [device["id"] for device in result["data"]] == [1, 2, 3, 4, 5]
    assert (result["meta"], result["changed"], result["status"]) == ({"code": 200, "count": 5}, False, 200)
    assert [entry["kinds"] for entry in emulator.log(login=False)] == [["bearer"]]


def test_a_reply_without_a_body(task: Callable[..., Any]) -> None:
    result = task("netography", path="device/1", method="DELETE").result()
    assert (result["status"], result["data"], result["meta"], result["changed"]) == (204, None, {}, True)


@pytest.mark.parametrize(
    ("call", "kind", "code", "message"),
    [
        ({"path": "device/99"}, "not_found", "NotFound", "Device not found"),
        ({"path": "device", "method": "POST", "body": {}}, "invalid_request", "BadRequest", "name and ips are required"),
    ],
)
def test_errors(task: Callable[..., Any], call: dict[str, Any], kind: str, code: str, message: str) -> None:
    assert task("netography", **call).result()["error"] == {"kind": kind, "code": code, "message": message}


def test_a_dead_token_from_the_cache_is_replaced_once(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "netography", "action": "refuse_token"})
    result = task("netography", cached=True, path="devices").result()
    assert (len(result["data"]), result["tries"], emulator.logins("netography")) == (5, 2, 2)


def test_a_token_that_is_refused_again_is_not_replaced_again(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "netography", "action": "refuse_token", "times": None})
    result = task("netography", cached=True, path="devices").result()
    assert (result["error"]["kind"], result["tries"], emulator.logins("netography"), emulator.calls("netography")) == ("credentials", 2, 2, 2)


def test_403_is_never_answered_by_a_login(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "netography", "action": "status", "status": 403, "match": {"login": False}})
    result = task("netography", cached=True, path="devices").result()
    assert (result["error"]["kind"], result["tries"], emulator.logins("netography")) == ("forbidden", 1, 1)


@pytest.mark.parametrize(("flows", "size", "pages"), [(123, 50, 3), (100, 50, 3), (123, None, 1), (0, None, 1)])
def test_a_search_over_all_pages(task: Callable[..., Any], emulator: Emulator, flows: int, size: int | None, pages: int) -> None:
    emulator.settings(netography={"flows": flows})
    body = {**WHEN, **({"size": size} if size else {})}
    result = task("netography", **SEARCH, body=body, all_pages=True).result()
    assert ([row["id"] for row in result["data"]], result["tries"]) == ([f"flow-{number}" for number in range(flows)], pages)
    asked = [json.loads(entry["body"]) for entry in emulator.log(login=False)]
    assert [one.get("from", 0) for one in asked] == [number * (size or 1000) for number in range(pages)]


def test_a_search_that_gives_less_than_asked(task: Callable[..., Any], emulator: Emulator) -> None:
    """A page as long as a server's own maximum would be is not taken for the last one."""
    for begin, end in ((0, 100), (100, 107)):
        rows = [{"id": number} for number in range(begin, end)]
        emulator.fault({"system": "netography", "action": "status", "status": 200, "match": {"login": False}, "json": {"meta": {}, "data": rows}})
    result = task("netography", **SEARCH, body=WHEN, all_pages=True).result()
    assert (len(result["data"]), result["tries"]) == (107, 2)


@pytest.mark.parametrize(("told", "own", "lifetime"), [(86400, 60, 60), (60, 86400, 60), (None, 60, 60), (60, None, 60)])
def test_a_token_ends_at_the_first_of_its_ends(task: Callable[..., Any], emulator: Emulator, told: int | None, own: int | None, lifetime: int) -> None:
    claims = {"sub": "x", **({"exp": int(time.time()) + own} if own else {})}
    body = {"access_token": jwt.encode(claims, "k" * 32), **({"expires_in": told} if told else {})}
    emulator.fault({"system": "netography", "action": "status", "status": 200, "match": {"login": True}, "json": body})
    assert task("netography").token().lifetime == pytest.approx(lifetime, abs=2)


def test_a_search_without_all_pages_is_as_it_was_asked(task: Callable[..., Any], emulator: Emulator) -> None:
    task("netography", **SEARCH, body=WHEN).result()
    assert json.loads(emulator.log(login=False)[0]["body"]) == WHEN


@pytest.mark.parametrize(
    ("call", "reads"),
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
def test_what_reads(call: dict[str, Any], reads: bool) -> None:
    assert Netography().call(Options(call)).reads is reads


@pytest.mark.parametrize(
    ("call", "secret"),
    [
        ({"path": "api-keys", "method": "POST", "body": {"appname": "new"}}, True),
        ({"path": "api-keys/automation/regen", "method": "PUT"}, True),
        ({"path": "devices"}, False),
    ],
)
def test_secret_replies_are_flagged(task: Callable[..., Any], call: dict[str, Any], secret: bool) -> None:
    report = task("netography", **call).report()
    assert not report.result.get("failed"), report.result
    assert report.secret is secret


def test_a_body_as_json_text(task: Callable[..., Any]) -> None:
    result = task("netography", path="device", method="POST", body='{"name": "r", "ips": ["192.0.2.1"]}').result()
    assert result["data"][0]["name"] == "r"
