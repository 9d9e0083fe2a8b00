# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Envelopes, denials and the counting of bad logins in WHM."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from emulator.client import Emulator

Accounts = dict[str, dict[str, str]]


class Client:
    """Functions by POST, with a user's token unless told otherwise."""

    def __init__(self, http: requests.Session, emulator: Emulator, account: dict[str, str]) -> None:
        self.http = http
        self.base = emulator.url("whm") + "/json-api/"
        self.token = f"whm {account['username']}:{account['token']}"

    def raw(self, function: str, params: Any = None, **rest: Any) -> requests.Response:
        headers = {"Authorization": self.token} if "auth" not in rest else {}
        data = [("api.version", "1"), *(params.items() if isinstance(params, dict) else params or [])]
        return self.http.post(self.base + function, data=data, headers=rest.pop("headers", headers), **rest)

    def call(self, function: str, params: Any = None, **rest: Any) -> dict[str, Any]:
        return dict(self.raw(function, params, **rest).json())


@pytest.fixture
def root(http: requests.Session, emulator: Emulator, who: Accounts) -> Client:
    return Client(http, emulator, who["whm"])


@pytest.fixture
def reseller(http: requests.Session, emulator: Emulator, who: Accounts) -> Client:
    return Client(http, emulator, who["whm_reseller"])


def test_envelope(root: Client, emulator: Emulator) -> None:
    reply = root.raw("listaccts")
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert reply.json()["metadata"] == {"command": "listaccts", "reason": "OK", "result": 1, "version": 1}
    assert len(reply.json()["data"]["acct"]) == 25
    assert emulator.log()[-1]["kinds"] == ["token"]
    assert root.http.get(root.base + "listaccts?api.version=1", headers={"Authorization": root.token}).json() == reply.json()


def test_without_a_version_the_shape_is_another(root: Client) -> None:
    body = root.http.post(root.base + "listaccts", headers={"Authorization": root.token}).json()
    assert set(body) == {"acct", "status", "statusmsg"}


@pytest.mark.parametrize("value", ["whm root:WRONG", "whm resell:CANARYWHMROOTTOKEN0A1B2C3D4E5F6G", "Bearer x", ""])
def test_denial(root: Client, emulator: Emulator, value: str) -> None:
    reply = root.raw("version", headers={"Authorization": value})
    assert (reply.status_code, reply.reason) == (403, "Forbidden Access denied")
    assert reply.headers["Content-Type"].startswith("text/plain")
    assert reply.json() == {"cpanelresult": {"apiversion": "2", "error": "Access denied", "data": {"reason": "Access denied", "result": "0"}, "type": "text"}}
    emulator.settings(whm={"denial": "html"})
    assert root.raw("version", headers={"Authorization": value}).status_code == 401


def test_bodies_without_metadata(root: Client) -> None:
    assert root.call("version")["cpanelresult"]["data"]["version"].startswith("11.136.")
    assert set(root.call("loadavg")) == {"one", "five", "fifteen"}
    names = {"cpanel_jsonapi_module": "Email", "cpanel_jsonapi_func": "list_pops", "cpanel_jsonapi_apiversion": "3"}
    assert root.call("cpanel", {**names, "cpanel_jsonapi_user": "user01"})["result"]["status"] == 1
    assert root.call("cpanel", names)["data"] == {"reason": "User parameter is invalid or was not supplied", "result": "0"}


def test_unknown_functions(root: Client) -> None:
    body = root.call("Listaccts")
    assert set(body) == {"metadata"}
    assert (body["metadata"]["result"], body["metadata"]["reason"]) == (0, 'Unknown app ("Listaccts") requested for this version (1) of the API.')


def test_chunks_and_filters(root: Client) -> None:
    asked = {"api.chunk.enable": 1, "api.chunk.size": 10, "api.chunk.start": 21, "api.chunk.verbose": 1}
    body = root.call("listaccts", asked)
    assert [row["user"] for row in body["data"]["acct"]] == ["user21", "user22", "user23", "user24", "user25"]
    assert body["metadata"]["chunk"] == {"start": 21, "current": 3, "size": 10, "chunks": 3, "records": 25}
    wanted = {"api.filter.enable": 1, "api.filter.a.field": "user", "api.filter.a.arg0": "user2", "api.filter.a.type": "begins"}
    assert len(root.call("listaccts", wanted)["data"]["acct"]) == 6


def test_accounts_are_made_and_suspended(root: Client) -> None:
    assert root.call("createacct", {"username": "fresh", "domain": "fresh.example.com"})["metadata"]["result"] == 1
    assert root.call("createacct", {"username": "fresh", "domain": "fresh.example.com"})["metadata"]["result"] == 0
    assert set(root.call("suspendacct", {"user": "fresh"})) == {"metadata"}
    found = [row for row in root.call("listaccts")["data"]["acct"] if row["user"] == "fresh"]
    assert found[0]["suspended"] == 1


def test_uapi_can_fail_inside_a_success(root: Client) -> None:
    body = root.call("uapi_cpanel", {"cpanel.user": "user01", "cpanel.module": "No", "cpanel.function": "such"})
    assert (body["metadata"]["result"], body["data"]["uapi"]["status"]) == (1, 0)


def test_privileges_have_many_spellings(root: Client, reseller: Client) -> None:
    assert set(root.call("myprivs")["data"]["privileges"][0].values()) == {1}
    seen = reseller.call("myprivs")["data"]["privileges"][0]
    assert set(seen.values()) == {"1", ""}
    assert seen["list-accts"] == "1"
    assert "all" not in seen or seen["all"] == ""


def test_a_missing_privilege_is_no_403_by_itself(reseller: Client, emulator: Emulator) -> None:
    made = reseller.call("api_token_create", {"token_name": "narrow", "acl": "list-accts"})["data"]
    headers = {"Authorization": f"whm resell:{made['token']}"}
    refused = reseller.raw("createacct", headers=headers)
    assert (refused.status_code, refused.json()["metadata"]["result"], refused.json()["metadata"]["reason"]) == (200, 0, "Access denied")
    assert reseller.call("api_token_list", headers=headers)["metadata"]["result"] == 0
    assert reseller.call("listaccts", headers=headers)["metadata"]["result"] == 1
    emulator.settings(whm={"acl_denial_status": 403})
    assert reseller.raw("createacct", headers=headers).status_code == 403


def test_bad_passwords_lock_the_address_out_but_not_tokens(root: Client, emulator: Emulator, who: Accounts) -> None:
    good = (who["whm"]["username"], who["whm"]["password"])
    for _turn in range(6):
        assert root.raw("version", auth=("root", "same")).status_code == 403
    assert emulator.hulk() == {"ips": {"127.0.0.1": 1}, "accounts": {"root": 1}}
    assert root.raw("version", auth=good).status_code == 200
    for number in range(4):
        root.raw("version", auth=("root", f"other{number}"))
    assert root.raw("version", auth=good).status_code == 403
    assert root.raw("version").status_code == 200
    emulator.hulk(clear=True)
    assert root.raw("version", auth=good).status_code == 200


def test_bad_tokens_count_only_if_asked(root: Client, emulator: Emulator) -> None:
    headers = {"Authorization": "whm root:WRONG"}
    root.raw("version", headers=headers)
    assert emulator.hulk()["ips"] == {}
    emulator.settings(whm={"hulk_counts_tokens": True})
    root.raw("version", headers=headers)
    assert emulator.hulk()["ips"] == {"127.0.0.1": 1}


def test_second_factor_page(root: Client, emulator: Emulator, who: Accounts) -> None:
    emulator.settings(whm={"denial": "tfa"})
    reply = root.raw("version", auth=(who["whm"]["username"], who["whm"]["password"]))
    assert (reply.status_code, "tfa_login_form" in reply.text) == (200, True)
    assert "cpanelresult" in root.call("version")
