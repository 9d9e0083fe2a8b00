# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all providers share: tokens that a user supplies, base addresses, options that are missing; and what calls by path have in common."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from emulator.client import Emulator
from engine.clients import response

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import Account, Token
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Option, Options, option
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.base import Provider, parse_api_url, require, supplied_token
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.netography import Netography
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.rackcorp import RackCorp
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.replies import plan_path_call
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.vss import Vss

PATHS = {"rackcorp": "devices", "netography": "devices", "vss": "v2/vm"}
CHANGES = {"rackcorp": {"cmd": "dns.record.delete"}, "netography": {"path": "device/1", "method": "DELETE"}, "vss": {"path": "x", "method": "PUT"}}


def signed(expiry: int) -> str:
    return jwt.encode({"exp": expiry}, "k" * 32, algorithm="HS256")


# -- supplied tokens -------------------------------------------------------------------------------------------------


def test_a_supplied_token_is_passed_through() -> None:
    expiry = int(time.time()) + 100
    token = supplied_token(signed(expiry))
    assert token is not None
    assert token.value == signed(expiry)
    assert token.expires_at == expiry


def test_a_supplied_token_may_be_opaque() -> None:
    assert supplied_token("opaque") == Token("opaque")


@pytest.mark.parametrize("value", ["", None])
def test_no_supplied_token(value: str | None) -> None:
    assert supplied_token(value) is None


def test_a_supplied_token_that_has_expired_is_refused() -> None:
    with pytest.raises(ApiError, match=r"the given token expired on 2001-09-09 01:46:40 UTC; give a new one, or the credentials instead") as caught:
        supplied_token(signed(1_000_000_000))
    assert caught.value.kind == "configuration"


def test_nothing_shows_a_secret_when_it_is_printed() -> None:
    account = Account("vss", "VSS", "https://h.example", "me", credential=("Secret-Word",), totp_secret="Secret-Word")
    for value in (Token("Secret-Word", 60.0), account, Options(password="Secret-Word"), Vss(Options(password="Secret-Word"))):
        assert "Secret-Word" not in repr(value)


# -- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "parsed"),
    [("https://h.example/", "https://h.example"), ("https://h.example/a/b//", "https://h.example/a/b"), ("http://[::1]:8/x", "http://[::1]:8/x")],
)
def test_addresses(url: str, parsed: str) -> None:
    assert parse_api_url(url) == parsed
    assert Vss(Options(api_url=url)).base_url == parsed


def test_the_default_address() -> None:
    assert Vss(Options()).base_url == Vss.default_url
    assert Vss(Options(api_url="")).base_url == Vss.default_url


@pytest.mark.parametrize("url", ["", "h.example", "ftp://h.example", "https://", "https:///x", "https://h:99999", "https://h:port", "https://[::1", "/path"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ApiError, match=r"^api_url must look like https://host/path") as caught:
        parse_api_url(url)
    assert caught.value.kind == "configuration"


@pytest.mark.parametrize(
    "url",
    [
        "https://user@h.example",
        "https://user:Secret-Word@h.example",
        "https://user:1234/Secret-Word@h.example",
        "https://h.example/?token=Secret-Word",
        "https://h.example/#x",
        "ftp://user:Secret-Word@h.example",
        "https://user:Secret-Word@",
    ],
)
def test_an_address_must_not_hold_credentials(url: str) -> None:
    with pytest.raises(ApiError, match=r"api_url must (not contain a user name, a password or a query|look like)") as caught:
        parse_api_url(url)
    assert "Secret-Word" not in str(caught.value)


# -- missing options -------------------------------------------------------------------------------------------------

TABLE = (option("vss", "username"), option("vss", "password", env=("VSS_USER_PASS", "VSS_API_USER_PASS")), Option("path"))


def test_missing_options_are_named_with_every_way_to_set_them() -> None:
    with pytest.raises(ApiError) as caught:
        require({"username": "", "password": None}, TABLE, "username", "password", "path", purpose="to log in")
    assert caught.value.kind == "configuration"
    assert caught.value.problem == "missing username and password and path to log in"
    assert caught.value.hint == (
        "set username as an option, in the variable vss_username or in the environment variable VSS_USERNAME; "
        "set password as an option, in the variable vss_password or in the environment variable VSS_USER_PASS or VSS_API_USER_PASS; "
        "set path as an option"
    )


def test_options_that_are_given_are_not_missing() -> None:
    require({"username": "x"}, TABLE, "username")


# -- calls by path ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", [{"a": {"b": 1}}, {"a": [{"b": 1}]}, {"a": [[1]]}, {"good": 1, "a": {}}])
def test_a_query_that_an_address_cannot_hold_is_refused(task: Callable[..., Any], emulator: Emulator, query: dict[str, Any]) -> None:
    for system, path in PATHS.items():
        with pytest.raises(ApiError, match="query: a must be text, a number, a boolean or a list of them") as caught:
            task(system, path=path, query=query).result()
        assert caught.value.kind == "configuration"
    assert emulator.log() == []


def test_a_query_may_hold_lists() -> None:
    query = {"filter": ["a,eq,1", "b,eq,2"], "number": 7, "flag": True, "none": None}
    assert plan_path_call({"path": "x", "query": query}).query == query


@pytest.mark.parametrize("body", ["", " \r\n"])
@pytest.mark.parametrize("system", CHANGES)
def test_a_change_that_is_answered_with_nothing_is_a_success(task: Callable[..., Any], emulator: Emulator, system: str, body: str) -> None:
    emulator.fault({"system": system, "action": "status", "status": 200, "match": {"login": False}, "body": body})
    result = task(system, **CHANGES[system]).result()
    assert not result.get("failed"), result
    assert result["data"] is None
    assert result["meta"] == {}
    assert result["changed"] is True


def test_a_whm_change_that_is_answered_with_nothing_is_a_success(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "whm", "action": "status", "status": 200, "body": ""})
    result = task("whm", function="suspendacct").result()
    assert result["data"] is None
    assert result["changed"] is True


@pytest.mark.parametrize("system", PATHS)
def test_a_reading_call_that_is_answered_with_nothing_failed(task: Callable[..., Any], emulator: Emulator, system: str) -> None:
    emulator.fault({"system": system, "action": "status", "status": 200, "match": {"login": False}, "body": ""})
    result = task(system, path=PATHS[system]).result()
    assert result["error"]["kind"] == "protocol"
    assert "is empty" in result["msg"]


@pytest.mark.parametrize(
    ("provider", "path", "repeated"),
    [
        (Netography(Options(token="T")), "api/v1/devices", "api/v1"),
        (Netography(Options(token="T")), "api/v1", "api/v1"),
        (Netography(Options(token="T")), "/api/v1/devices", "api/v1"),
        (Netography(Options(token="T")), "api/v10/devices", ""),
        (Netography(Options(token="T")), "devices/api/v1", ""),
        (RackCorp(Options(token="T")), "api/rest/v2.9/devices", "api/rest/v2.9"),
        (Vss(Options(token="T", api_url="https://h.example/vss/")), "vss/v2/vm", "vss"),
        (Vss(Options(token="T")), "v2/vm", ""),
    ],
)
def test_a_path_that_repeats_the_base_address_gets_a_hint(provider: Provider, path: str, repeated: str) -> None:
    call = provider.plan({"path": path, "method": "GET"})
    with pytest.raises(ApiError) as caught:
        provider.parse(call, response(b'{"message": "no"}', status=404))
    assert caught.value.kind == "not_found"
    expected = f"the path repeats {repeated}, which api_url ends with already; leave it out of path" if repeated else "check the name"
    assert caught.value.hint == expected
