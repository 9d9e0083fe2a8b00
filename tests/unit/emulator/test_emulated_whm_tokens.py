# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WHM's API tokens, with all that their replies disagree on."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests
from emulator.client import Emulator

Accounts = dict[str, dict[str, str]]
Params = dict[str, Any]


class Client:
    def __init__(self, http: requests.Session, emulator: Emulator, account: dict[str, str]) -> None:
        self.http = http
        self.base = emulator.url("whm") + "/json-api/"
        self.user, self.secret = account["username"], account["token"]

    def raw(self, function: str, params: Params | None = None, secret: str | None = None) -> requests.Response:
        headers = {"Authorization": f"whm {self.user}:{secret or self.secret}"}
        return self.http.post(self.base + function, data={"api.version": 1, **(params or {})}, headers=headers)

    def call(self, function: str, secret: str | None = None, /, **params: Any) -> dict[str, Any]:
        return dict(self.raw(f"api_token_{function}", {key.replace("__", "-"): value for key, value in params.items()}, secret).json())

    def listed(self) -> dict[str, dict[str, Any]]:
        return dict(self.call("list")["data"]["tokens"])


@pytest.fixture
def root(http: requests.Session, emulator: Emulator, who: Accounts) -> Client:
    return Client(http, emulator, who["whm"])


@pytest.fixture
def reseller(http: requests.Session, emulator: Emulator, who: Accounts) -> Client:
    return Client(http, emulator, who["whm_reseller"])


def reason(body: dict[str, Any]) -> str:
    assert body["metadata"]["result"] == 0
    assert "data" not in body
    return str(body["metadata"]["reason"])


def test_create_shows_the_secret_once(root: Client) -> None:
    body = root.call(
        "create", token_name="t1", acl__0="list-accts", acl__1="kill-acct", expires_at=4102444800, whitelist_ip="127.0.0.1", whitelist_ip__1="2620:0:28a4::/48"
    )
    data = body["data"]
    secret = data.pop("token")
    assert len(secret) == 32
    assert (secret.isalnum(), secret.upper()) == (True, secret)
    created = data.pop("create_time")
    assert abs(created - time.time()) < 5
    assert data == {
        "name": "t1",
        "acls": ["list-accts", "kill-acct"],
        "expires_at": 4102444800,
        "whitelist_ips": ["127.0.0.1", "2620:0000:28a4:0000:0000:0000:0000:0000/48"],
    }
    assert secret not in root.raw("api_token_list").text
    assert root.call("get_details", token=secret)["data"] == {**data, "create_time": created}


def test_list_is_keyed_by_name_and_has_privileges_as_a_map(root: Client, reseller: Client) -> None:
    root.call("create", token_name="t1", acl="list-accts")
    shown = root.listed()["t1"]
    assert (shown["acls"]["list-accts"], shown["acls"]["all"], shown["expires_at"], shown["whitelist_ips"]) == (1, 0, None, None)
    reseller.call("create", token_name="t2", acl="list-accts")
    acls = reseller.listed()["t2"]["acls"]
    assert {key for key, value in acls.items() if value == "1"} == {"list-accts"}
    assert set(acls.values()) == {"1", ""}
    assert "t1" not in reseller.listed()
    assert any(name.startswith("reverse_trust_") for name in root.listed())


def test_times_may_be_strings(root: Client, emulator: Emulator) -> None:
    root.call("create", token_name="t1", acl="list-accts", expires_at=4102444800)
    emulator.settings(whm={"times_as_strings": True})
    shown = root.listed()["t1"]
    assert shown["expires_at"] == "4102444800"
    assert isinstance(shown["create_time"], str)


def test_what_is_left_out_is_everything(root: Client, reseller: Client) -> None:
    assert "all" in root.call("create", token_name="t1")["data"]["acls"]
    made = reseller.call("create", token_name="t1", acl="list-accts", expires_at=4102444800, whitelist_ip="127.0.0.1")["data"]
    wide = reseller.call("update", token_name="t1")["data"]
    assert "manage-api-tokens" in wide["acls"]
    assert "all" not in wide["acls"]
    assert (wide["expires_at"], wide["whitelist_ips"], "token" in wide) == (None, None, False)
    assert reseller.raw("listaccts", secret=made["token"]).status_code == 200


def test_update_renames_and_replaces(root: Client, emulator: Emulator) -> None:
    made = root.call("create", token_name="t1", acl="list-accts", whitelist_ip="127.0.0.1")["data"]
    body = root.call("update", token_name="t1", new_name="t2", acl__0="kill-acct", expires_at=0, whitelist_ip="any")
    assert body["data"] == {"name": "t2", "acls": ["kill-acct"], "create_time": made["create_time"], "expires_at": None, "whitelist_ips": None}
    assert {"t1", "t2"} & set(root.listed()) == {"t2"}
    assert "already exists" in reason(root.call("update", token_name="t2", new_name="automation", acl="kill-acct"))
    emulator.settings(whm={"update_keeps_whitelist": True})
    root.call("update", token_name="t2", acl="kill-acct", whitelist_ip="10.0.0.0/8")
    assert root.call("update", token_name="t2", acl="kill-acct")["data"]["whitelist_ips"] == ["10.0.0.0/8"]
    assert root.call("update", token_name="t2", acl="kill-acct", whitelist_ip="any")["data"]["whitelist_ips"] is None


@pytest.mark.parametrize("name", ["", "a" * 51, "a b", "ä"])
def test_names(root: Client, name: str) -> None:
    assert "1 to 50" in reason(root.call("create", token_name=name, acl="list-accts"))
    assert root.call("create", token_name="a" * 50, acl="list-accts")["metadata"]["result"] == 1


def test_refused_values(root: Client, reseller: Client, emulator: Emulator) -> None:
    assert "already exists" in reason(root.call("create", token_name="automation", acl="list-accts"))
    assert "does not exist" in reason(root.call("update", token_name="none", acl="list-accts"))
    assert "Unix time" in reason(root.call("create", token_name="t", acl="list-accts", expires_at="tomorrow"))
    assert "IP address" in reason(root.call("create", token_name="t", acl="list-accts", whitelist_ip="nowhere"))
    assert "privilege" in reason(reseller.call("create", token_name="t", acl="restart"))
    emulator.settings(whm={"version": 138})
    assert "reserved" in reason(root.call("create", token_name="WP-Dashboard", acl="list-accts"))


def test_expired_tokens_are_refused_and_stay(root: Client, emulator: Emulator) -> None:
    secret = root.call("create", token_name="t1", acl="list-accts", expires_at=int(time.time()) + 100)["data"]["token"]
    assert root.raw("listaccts", secret=secret).status_code == 200
    emulator.clock(101)
    assert root.raw("listaccts", secret=secret).status_code == 403
    assert "t1" in root.listed()
    assert root.call("revoke", token_name="t1") == {"metadata": {"command": "api_token_revoke", "reason": "OK", "result": 1, "version": 1}}
    assert "t1" not in root.listed()


def test_several_are_revoked_at_once(root: Client, emulator: Emulator) -> None:
    secrets = [root.call("create", token_name=name, acl="list-accts")["data"]["token"] for name in ("t1", "t2", "t3")]
    root.call("revoke", token_name="t1", token_name__1="t3", token_name__2="none")
    assert [root.raw("listaccts", secret=secret).status_code for secret in secrets] == [403, 200, 403]
    emulator.settings(whm={"revoke_missing_ok": False})
    assert "does not exist" in reason(root.call("revoke", token_name="none"))


def test_addresses_are_checked(root: Client) -> None:
    here = root.call("create", token_name="here", acl="list-accts", whitelist_ip="127.0.0.0/8")["data"]["token"]
    there = root.call("create", token_name="there", acl="list-accts", whitelist_ip="192.0.2.1", whitelist_ip__1="fc00::/7")["data"]["token"]
    assert [root.raw("listaccts", secret=secret).status_code for secret in (here, there)] == [200, 403]


def test_details_of_an_unknown_secret_have_no_data(root: Client, emulator: Emulator) -> None:
    assert root.call("get_details", token="X" * 32) == {"metadata": {"command": "api_token_get_details", "reason": "OK", "result": 1, "version": 1}}
    assert root.call("get_details", token=root.secret)["data"]["name"] == "automation"
    emulator.settings(whm={"version": 96})
    assert reason(root.call("get_details", token=root.secret)) == 'Unknown app ("api_token_get_details") requested for this version (1) of the API.'


def test_a_token_cannot_give_what_it_has_not(root: Client) -> None:
    narrow = root.call("create", token_name="n", acl__0="manage-api-tokens", acl__1="list-accts")["data"]["token"]
    assert "privilege" in reason(root.call("create", narrow, token_name="m", acl="kill-acct"))
    assert root.call("create", narrow, token_name="m")["data"]["acls"] == ["list-accts", "manage-api-tokens"]


def test_minting_counts_as_a_login(root: Client, emulator: Emulator) -> None:
    root.call("create", token_name="t1", acl="list-accts")
    root.call("list")
    assert (emulator.logins("whm"), emulator.calls("whm")) == (1, 1)
