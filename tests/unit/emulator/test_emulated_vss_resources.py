# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VSS's times, filters, parts of machines, requests and reports."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from emulator.accounts import basic_header
from emulator.client import Emulator
from emulator.totp import code_at
from emulator.vss.times import parse_stamp, stamp

Accounts = dict[str, dict[str, str]]
STAMP = re.compile(r"^\d{4}-\d\d-\d\d (Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d\d:\d\d:\d\d E[SD]T$")
Get = Callable[..., Any]


@pytest.fixture
def session(http: requests.Session, emulator: Emulator, who: Accounts) -> requests.Session:
    token = http.post(emulator.url("vss") + "/auth/request-token", headers=basic_header(who["vss"])).json()["token"]
    http.headers["Authorization"] = f"Bearer {token}"
    return http


@pytest.fixture
def get(session: requests.Session, emulator: Emulator) -> Get:
    def call(path: str, **params: Any) -> Any:
        reply = session.get(f"{emulator.url('vss')}/v2/{path}", params=params)
        assert reply.status_code == 200, reply.text
        return reply.json()["data"]

    return call


@pytest.mark.parametrize(
    ("text", "epoch"),
    [("2020-04-21 Tue 02:10:03 EDT", 1587449403), ("2016-12-20 Tue 17:12:16 EST", 1482271936), ("2020-04-24 Fri 16:36:15 EDT", 1587760575)],
)
def test_times_are_torontos(text: str, epoch: int) -> None:
    assert stamp(epoch) == text
    assert parse_stamp(text) == epoch


def test_times_in_tokens_and_lists(get: Get, session: requests.Session, emulator: Emulator, who: Accounts) -> None:
    """Fails when a time is written in UTC or without the weekday."""
    row = get("user/token", expand=1)[0]
    assert all(STAMP.match(row[name]) for name in ("created_on", "updated_on", "last_access", "expiration"))
    assert abs((parse_stamp(row["expiration"]) or 0) - time.time() - 86400) < 60
    assert all(STAMP.match(get("user")[name]) for name in ("created_on", "updated_on", "last_access"))
    assert {"ip_address", "status"} < set(get("user"))
    login = basic_header(who["vss"])
    url = emulator.url("vss") + "/auth/request-token"
    assert STAMP.match(requests.post(url, headers=login, timeout=10).json()["exp_date"])
    emulator.settings(vss={"shape": "2016-12"})
    assert re.match(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d E[SD]T$", requests.post(url, headers=login, timeout=10).json()["valid_until"])


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("moref,eq,vm-103", ["03"]),
        ("updated_on,lt,2020-04-21 Tue 02:12:03 EDT", ["01"]),
        ("updated_on,le,2020-04-21 Tue 02:12:03 EDT", ["01", "02"]),
        ("updated_on,gt,2020-04-21 02:31:00", ["21", "22", "23"]),
        ("cpu_count,ge,3", []),
        ("cpu_count,gt,1;name,like,%vm2%", ["20", "21", "22", "23"]),
        ("folder.path,like,%Dev%;name,in,2601T-vm01,2601T-vm02", ["01", "02"]),
        ("power_state,ne,poweredOn", []),
        ("name,between,a", []),
    ],
)
def test_filters(get: Get, condition: str, names: list[str]) -> None:
    """Fails when numbers or times are compared as text, or when one of the operators is not known."""
    rows = get("vm", expand=1, per_page=3000, sort="name,asc", filter=condition)
    assert [row["name"][-2:] for row in rows] == names


def test_machines_are_flat_in_lists_and_nested_alone(get: Get) -> None:
    row = get("vm", expand=1)[0]
    assert (row["power_state"], row["folder"]["path"]) == ("poweredOn", "VSS > Development")
    whole = get(f"vm/{row['moref']}")
    assert (whole["name"]["full_name"], whole["state"]["power_state"]) == (row["name"], "poweredOn")
    assert get(f"vm/{row['moref']}/state")["state"]["power_state"] == "poweredOn"
    assert get(f"vm/{row['moref']}/spec")["name"] == row["name"]
    assert get(f"vm/{row['moref']}/guest")["ip_address"] == [row["ip_address"]]
    assert get(f"vm/{row['moref']}/name")["full_name"] == row["name"]
    assert get(f"vm/{row['moref']}/disk")[0]["unit"] == 1
    assert get(f"vm/{row['moref']}/disk/1")[0]["capacity_gb"] == 40


def test_a_page_may_have_three_thousand_rows(get: Get, emulator: Emulator) -> None:
    emulator.settings(vss={"machines": 3001})
    assert len(get("vm", expand=1, per_page=3000)) == 3000
    assert len(get("vm", expand=1, per_page=9999)) == 3000


def test_requests_are_listed(get: Get, session: requests.Session, emulator: Emulator) -> None:
    """Fails when looking at the list brings a request nearer to its end."""
    emulator.settings(vss={"polls": 1})
    url = emulator.url("vss") + "/v2/vm/vm-101"
    session.put(url + "/state", json={"value": "poweredOff"})
    session.put(url + "/name", json={"value": "2601T-other"})
    first, second = get("request/change", expand=1)
    assert get("request/change", expand=1, filter="attribute,eq,name") == [second]
    assert (first["attribute"], first["value"], first["vm_moref"], first["status"]) == ("state", ["poweredOff"], "vm-101", "PENDING")
    assert STAMP.match(first["created_on"])
    assert [get(f"request/change/{first['id']}")["status"] for _turn in range(2)] == ["PENDING", "PROCESSED"]
    assert get("request/change", expand=1)[0]["status"] == "PROCESSED"
    assert get("vm/vm-101/state")["state"]["power_state"] == "poweredOff"
    assert get("request") == {"change": 2, "new": 0, "inventory": 0}
    assert session.get(f"{emulator.url('vss')}/v2/request/new/{first['id']}").status_code == 404


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_report_is_a_file(get: Get, session: requests.Session, emulator: Emulator, form: str) -> None:
    """Fails when a report is there before its request has ended."""
    emulator.settings(vss={"polls": 0})
    base = emulator.url("vss") + "/v2"
    accepted = session.post(base + "/inventory", json={"properties": ["moref", "name"], "format": form}).json()["data"]
    report = f"{base}/inventory/{accepted['request']['id']}"
    assert session.get(report).status_code == 404
    assert session.get(accepted["_links"]["request"]).json()["data"]["status"] == "PROCESSED"
    reply = session.get(report)
    assert reply.headers["Content-Disposition"] == f"attachment; filename=inventory-{accepted['request']['id']}.{form}"
    if form == "csv":
        assert reply.headers["Content-Type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(reply.text)))
    else:
        rows = reply.json()
    assert (len(rows), rows[0]) == (23, {"moref": "vm-101", "name": "2601T-vm01"})
    assert session.post(base + "/inventory", json={"properties": ["secret"]}).status_code == 400


@pytest.mark.parametrize("path", ["folder", "network", "domain", "os", "vss/service", "user/message", "user/ssh-key"])
def test_lists_that_nothing_changes(get: Get, path: str) -> None:
    rows = get(path, expand=1)
    key = "moref" if "moref" in rows[0] else "id"
    assert get(f"{path}/{rows[0][key]}")[key] == rows[0][key]


def test_what_a_client_asks_for_after_a_login(get: Get, who: Accounts) -> None:
    assert get("user/personal")["username"] == who["vss"]["username"]
    assert "motd" in get("session/motd")


def test_second_factor_requests(http: requests.Session, emulator: Emulator, who: Accounts) -> None:
    account, base = who["vss_mfa"], emulator.url("vss")
    login = basic_header(account)
    assert http.post(base + "/tf/request-token", headers=login).status_code == 200
    assert http.post(base + "/tf/verify", headers=login, json={"otp": "000000x"}).json()["message"] == "InvalidParameterValue: otp"
    assert http.post(base + "/tf/verify", headers=login, json={"otp": code_at(account["totp_secret"], time.time())}).status_code == 200
    assert http.post(base + "/tf/verify", auth=("nobody", "x")).status_code == 401
    without = basic_header(who["vss"])
    assert http.post(base + "/tf/request-token", headers=without).json()["message"] == "TotpEnforcement: Must enable TOTP"
