# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cPanel's APIs 1, 2 and 3, through WHM and on cPanel's own port."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from emulator.client import Emulator

Accounts = dict[str, dict[str, str]]
CRON = {"minute": "1", "hour": "2", "day": "*", "month": "*", "weekday": "*", "command": "true"}


@pytest.fixture
def cpanel(http: requests.Session, emulator: Emulator, who: Accounts) -> Any:
    """Call a function through WHM's ``cpanel``."""
    headers = {"Authorization": f"whm root:{who['whm']['token']}"}

    def call(version: int, module: str, function: str, **params: Any) -> dict[str, Any]:
        names = {"apiversion": version, "module": module, "func": function, "user": "user01"}
        data = {**{f"cpanel_jsonapi_{name}": value for name, value in names.items()}, **params}
        return dict(http.post(emulator.url("whm") + "/json-api/cpanel", data=data, headers=headers).json())

    return call


def test_api_1(cpanel: Any) -> None:
    """Fails when API 1 is answered as API 2."""
    head = {"apiversion": "1", "type": "event", "module": "Mysql", "func": "adddb", "source": "module"}
    assert cpanel(1, "Mysql", "adddb", arg="shop") == {**head, "data": {"result": ""}, "event": {"result": 1}}
    again = cpanel(1, "Mysql", "adddb", **{"arg-0": "shop"})
    assert (again["event"]["result"], "already exists" in again["event"]["reason"]) == (0, True)
    assert cpanel(1, "Mysql", "number_of_dbs")["data"]["result"] == "1"
    unknown = cpanel(1, "Mysql", "frobnicate")
    assert (unknown["event"]["result"], unknown["data"]) == (0, {"result": ""})
    assert "Undefined subroutine" in unknown["event"]["reason"]
    assert cpanel(1, "SSL", "showkey")["data"]["result"].startswith("-----BEGIN RSA PRIVATE KEY-----")


def test_api_2_has_rows_that_failed_in_an_event_that_went_well(cpanel: Any) -> None:
    first = cpanel(2, "Cron", "add_line", **CRON)["cpanelresult"]
    assert (first["apiversion"], first["data"][0]["status"], first["event"]) == (2, 1, {"result": 1})
    second = cpanel(2, "Cron", "add_line", **CRON)["cpanelresult"]
    assert (second["data"][0]["status"], second["data"][0]["statusmsg"], second["event"]) == (0, "This cron job already exists.", {"result": 1})
    assert len(cpanel(2, "Cron", "listcron")["cpanelresult"]["data"]) == 1
    refused = cpanel(2, "Park", "unpark", domain="other.example.net")["cpanelresult"]
    assert (refused["event"], refused["data"][0]["result"]) == ({"result": 1}, 0)
    assert refused["error"] == "Sorry, you do not control the domain other.example.net\n"
    unknown = cpanel(2, "Cron", "frobnicate")["cpanelresult"]
    assert unknown["event"] == {"result": 0, "reason": "Could not find function 'frobnicate' in module 'Cron'"}


def test_uapi(cpanel: Any) -> None:
    body = cpanel(3, "Email", "list_pops")
    assert set(body) == {"module", "func", "apiversion", "result"}
    assert set(body["result"]) == {"data", "errors", "messages", "warnings", "metadata", "status"}
    assert cpanel(3, "Email", "frobnicate")["result"]["errors"] == ["Could not find function 'frobnicate' in module 'Email'"]
    foreign = cpanel(3, "DNS", "parse_zone", zone="example.net")["result"]
    assert foreign["errors"] == ["You do not control a DNS zone named \u201cexample.net\u201d."]


def test_uapi_of_a_function_of_its_own(http: requests.Session, emulator: Emulator, who: Accounts) -> None:
    """Fails when a password is accepted twice for one mailbox, or a refusal is not within an outer 1."""
    headers = {"Authorization": f"whm root:{who['whm']['token']}"}

    def call(module: str, function: str, **params: str) -> dict[str, Any]:
        data = {"api.version": "1", "cpanel.user": "user01", "cpanel.module": module, "cpanel.function": function, **params}
        body = http.post(emulator.url("whm") + "/json-api/uapi_cpanel", data=data, headers=headers).json()
        assert body["metadata"]["result"] == 1
        return dict(body["data"]["uapi"])

    assert call("Email", "add_pop", email="new", password="x")["status"] == 1
    again = call("Email", "add_pop", email="new", password="x")
    assert (again["status"], again["errors"]) == (0, ["The account new@user01.example.com already exists!"])
    assert [row["login"] for row in call("Email", "list_pops")["data"]] == ["info@user01.example.com", "new@user01.example.com"]
    assert call("Email", "add_pop", email="new")["errors"] == ["The parameter \u201cpassword\u201d is required."]
    assert call("SSL", "show_key", friendly_name="x")["data"]["key"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert call("SSL", "show_key")["status"] == 0


@pytest.mark.parametrize("kind", ["token", "password"])
def test_cpanels_own_port(http: requests.Session, emulator: Emulator, who: Accounts, kind: str) -> None:
    account, url = who["cpanel"], emulator.root("cpanel") + "/execute/Email/list_pops"
    good: dict[str, Any] = {"headers": {"Authorization": f"cpanel {account['username']}:{account['token']}"}}
    if kind == "password":
        good = {"auth": (account["username"], account["password"])}
    body = http.get(url, **good).json()
    assert (set(body), body["status"]) == ({"status", "data", "errors", "messages", "warnings", "metadata"}, 1)
    assert emulator.log(system="whm")[-1]["principal"] == "user01"


def test_a_credential_is_good_on_its_own_port_only(http: requests.Session, emulator: Emulator, who: Accounts) -> None:
    root, user = f"whm root:{who['whm']['token']}", f"cpanel user01:{who['cpanel']['token']}"
    assert http.get(emulator.root("cpanel") + "/execute/Email/list_pops", headers={"Authorization": root}).status_code == 403
    assert http.get(emulator.root("whm") + "/json-api/listaccts?api.version=1", headers={"Authorization": user}).status_code == 403
    assert http.get(emulator.root("cpanel") + "/execute/Email/list_pops", headers={"Authorization": "cpanel user02:x"}).status_code == 403
