# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WHM's accounts, searches, batches, private keys, sessions and old shapes, as servers were recorded."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import requests
from emulator.client import Emulator

Accounts = dict[str, dict[str, str]]


class Client:
    """Functions of WHM by POST with root's token; ``version=None`` leaves ``api.version`` out."""

    def __init__(self, http: requests.Session, emulator: Emulator, account: dict[str, str]) -> None:
        self.http = http
        self.root = emulator.root("whm")
        self.headers = {"Authorization": f"whm {account['username']}:{account['token']}"}

    def call(self, function: str, version: str | None = "1", **params: Any) -> dict[str, Any]:
        data = [*({"api.version": version} if version else {}).items(), *params.items()]
        flat = [(name, item) for name, value in data for item in (value if isinstance(value, list) else [value])]
        return dict(self.http.post(f"{self.root}/json-api/{function}", data=flat, headers=self.headers).json())

    def users(self, **params: Any) -> list[str]:
        return [row["user"] for row in self.call("listaccts", **params)["data"]["acct"]]


@pytest.fixture
def root(http: requests.Session, emulator: Emulator, who: Accounts) -> Client:
    return Client(http, emulator, who["whm"])


def test_a_new_accounts_password_is_in_the_answer(root: Client) -> None:
    """Fails when ``metadata.output.raw`` does not repeat the password."""
    body = root.call("createacct", username="fresh", domain="fresh.example.com", password="CANARY-new&<password>", plan="gold")
    assert body["metadata"]["reason"] == "Account Creation Ok"
    assert "| PassWord: CANARY-new&<password>\n" in body["metadata"]["output"]["raw"]
    assert body["data"]["package"] == "gold"
    assert "output" not in root.call("createacct", username="fresh", domain="fresh.example.com")["metadata"]


@pytest.mark.parametrize(
    ("kind", "search", "users"),
    [
        ("user", "^user0[12]$", ["user01", "user02"]),
        ("domain", "user03", ["user03"]),
        ("owner", "resell", ["user05", "user10", "user15", "user20", "user25"]),
        ("ip", r"\.81$", ["user05", "user10", "user15", "user20", "user25"]),
        ("package", "gold", ["user05", "user10", "user15", "user20", "user25"]),
    ],
)
def test_searches(root: Client, kind: str, search: str, users: list[str]) -> None:
    assert root.users(search=search, searchtype=kind) == users


def test_searches_that_find_nothing_or_everything(root: Client) -> None:
    assert root.users(search="nobody", searchtype="user") == []
    assert root.users(search="user0", searchtype="user", searchmethod="exact") == []
    assert len(root.users(search="user01")) == 25
    assert root.call("listaccts", search="(", searchtype="user")["metadata"]["result"] == 0


def test_resellers_see_their_own_accounts(http: requests.Session, emulator: Emulator, who: Accounts) -> None:
    reseller = Client(http, emulator, who["whm_reseller"])
    assert len(reseller.users()) == 5
    assert reseller.call("accountsummary", user="user01")["metadata"]["reason"] == "Account does not exist"
    assert reseller.call("suspendacct", user="user01")["metadata"]["result"] == 0
    assert reseller.call("suspendacct", user="user05")["metadata"]["result"] == 1


def test_summary_and_removal(root: Client) -> None:
    assert root.call("accountsummary", domain="user02.example.com")["data"]["acct"][0]["user"] == "user02"
    removed = root.call("removeacct", user="user02")["metadata"]
    assert (removed["reason"], "user02 account removed" in removed["output"]["raw"]) == ("user02 account removed", True)
    assert root.call("removeacct", user="user02")["metadata"]["reason"] == "System user user02 does not exist!"


def test_the_list_of_functions_has_each_once(root: Client) -> None:
    names = root.call("applist")["data"]["app"]
    assert len(names) == len(set(names))
    assert {"batch", "createacct", "create_user_session", "removeacct", "version"} <= set(names)


def test_a_batch_may_fail_inside(root: Client) -> None:
    """Fails when an inner reply has no result of its own."""
    commands = ["gethostname", "suspendacct?" + urlencode({"user": "nobody"}), quote("api_token_list"), "listpkgs"]
    body = root.call("batch", command=commands)
    assert body["metadata"]["result"] == 1
    assert [reply["metadata"]["result"] for reply in body["data"]["result"]] == [1, 0, 1, 1]
    assert body["data"]["result"][0]["data"] == {"hostname": "whm.example.com"}
    assert len(root.call("batch", command=commands, abort_on_error=1)["data"]["result"]) == 2
    assert root.call("batch")["metadata"]["result"] == 0


def test_a_batch_checks_each_privilege(http: requests.Session, emulator: Emulator, who: Accounts) -> None:
    reseller = Client(http, emulator, who["whm_reseller"])
    body = reseller.call("batch", command=["removeacct?user=user05", "listaccts"])
    assert [reply["metadata"]["result"] for reply in body["data"]["result"]] == [0, 1]
    assert "user05" in reseller.users()


def test_private_keys(root: Client) -> None:
    assert root.call("generatessl", domains="fresh.example.com")["data"]["key"].startswith("-----BEGIN RSA PRIVATE KEY-----\n")
    assert root.call("generatessl")["metadata"]["result"] == 0


@pytest.mark.parametrize(
    ("function", "params", "shape"),
    [
        ("suspendacct", {"user": "no"}, {"result": [{"status": 0, "statusmsg": "_suspendacct called for a user that does not exist. (no)"}]}),
        ("removeacct", {"user": "no"}, {"result": [{"status": 0, "statusmsg": "System user no does not exist!", "rawout": None}]}),
        ("resellerstats", {"reseller": "no"}, {"result": {"status": 0, "statusmsg": "Reseller Does Not Exist"}}),
        ("passwd", {"user": "no"}, {"passwd": [{"status": 0, "statusmsg": "Sorry, the user no does not exist.", "services": None, "rawout": None}]}),
        ("accountsummary", {"user": "no"}, {"status": 0, "statusmsg": "Account does not exist", "acct": None}),
        ("frobnicate", {}, {"error": "Unknown App Requested: frobnicate"}),
        ("gethostname", {}, {"hostname": "whm.example.com"}),
        ("version", {}, {"version": "11.136.0.5"}),
    ],
)
def test_shapes_without_a_version(root: Client, function: str, params: dict[str, str], shape: dict[str, Any]) -> None:
    assert root.call(function, version=None, **params) == shape


def test_a_new_account_without_a_version(root: Client) -> None:
    (row,) = root.call("createacct", version=None, username="fresh", domain="fresh.example.com", password="CANARY")["result"]
    assert (row["status"], row["statusmsg"], row["options"]["ip"]) == (1, "Account Creation Ok", "192.0.2.80")
    assert "| PassWord: CANARY\n" in row["rawout"]


def test_version_has_two_shapes(root: Client, emulator: Emulator) -> None:
    assert root.call("version") == {"cpanelresult": {"apiversion": "2", "data": {"version": "11.136.0.5"}, "type": "text"}}
    emulator.settings(whm={"version_shape": "metadata"})
    assert root.call("version") == {
        "data": {"version": "11.136.0.5"},
        "metadata": {"command": "version", "reason": "OK", "result": 1, "version": 1},
    }


def test_a_login_answers_a_sessions_path(http: requests.Session, emulator: Emulator, who: Accounts) -> None:
    """Fails when a session's cookie counts without its path, or its path without the cookie."""
    root, account = emulator.root("whm"), who["whm"]
    refused = http.post(f"{root}/login/?login_only=1", data={"user": account["username"], "pass": "wrong"})
    assert (refused.status_code, refused.json()) == (401, {"status": 0, "message": "invalid_login"})
    assert emulator.hulk()["accounts"] == {"root": 1}
    opened = http.post(f"{root}/login/?login_only=1", data={"user": account["username"], "pass": account["password"]}).json()
    assert re.fullmatch(r"/cpsess\d{10}", opened["security_token"])
    function = "json-api/gethostname?api.version=1"
    assert http.get(f"{root}{opened['security_token']}/{function}").json()["data"] == {"hostname": "whm.example.com"}
    without = http.get(f"{root}/{function}")
    assert (without.status_code, without.reason) == (401, "Token Denied")
    assert requests.get(f"{root}{opened['security_token']}/{function}", timeout=10).status_code == 403
    assert [record["ok"] for record in emulator.log(system="whm", login=True)] == [False, True]


def test_a_login_in_a_browser_is_redirected(http: requests.Session, emulator: Emulator, who: Accounts) -> None:
    base, account = emulator.url("whm"), who["whm"]
    moved = http.post(f"{base}/login/", data={"user": account["username"], "pass": account["password"]}, allow_redirects=False)
    assert (moved.status_code, moved.headers["Location"].startswith("/whm/cpsess")) == (301, True)


def test_a_session_for_another_user(root: Client, emulator: Emulator) -> None:
    """Fails when the session of a cPanel account opens WHM."""
    data = root.call("create_user_session", user="user01", service="cpaneld")["data"]
    browser = requests.Session()
    browser.trust_env = False
    assert browser.get(data["url"].replace(emulator.root("whm"), emulator.root("cpanel")), allow_redirects=False).status_code == 301
    cpanel = emulator.root("cpanel") + data["cp_security_token"]
    assert browser.get(f"{cpanel}/execute/DomainInfo/list_domains").json()["data"]["main_domain"] == "user01.example.com"
    api2 = {"cpanel_jsonapi_apiversion": "2", "cpanel_jsonapi_module": "Email", "cpanel_jsonapi_func": "listpops"}
    assert browser.get(f"{cpanel}/json-api/cpanel", params=api2).json()["cpanelresult"]["event"] == {"result": 1}
    assert browser.get(f"{emulator.root('whm')}{data['cp_security_token']}/json-api/listaccts?api.version=1").status_code == 403
    assert root.call("create_user_session", user="nobody", service="cpaneld")["metadata"]["result"] == 0
    assert root.call("create_user_session", user="user01", service="whostmgrd")["metadata"]["result"] == 0
