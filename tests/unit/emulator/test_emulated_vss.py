# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wire shapes and quirks of VSS."""

from __future__ import annotations

import base64
import re
from typing import Any

import jwt
import pytest
import requests
from emulator.client import Emulator

Accounts = dict[str, dict[str, str]]


def login(http: requests.Session, emulator: Emulator, account: dict[str, str], **body: Any) -> requests.Response:
    return http.post(emulator.url("vss") + "/auth/request-token", headers=basic(account, "utf-8"), **body)


def basic(account: dict[str, str], encoding: str) -> dict[str, str]:
    pair = f"{account['username']}:{account['password']}".encode(encoding)
    return {"Authorization": "Basic " + base64.b64encode(pair).decode()}


@pytest.fixture
def bearer(http: requests.Session, emulator: Emulator, who: Accounts) -> dict[str, str]:
    return {"Authorization": "Bearer " + login(http, emulator, who["vss"]).json()["token"]}


@pytest.mark.parametrize(
    ("shape", "keys"),
    [
        ("current", {"duration", "exp", "exp_date", "token", "type"}),
        ("2016-12", {"duration", "token", "user", "valid_until"}),
        ("2016", {"duration", "token", "user"}),
    ],
)
def test_answer_shapes(http: requests.Session, emulator: Emulator, who: Accounts, shape: str, keys: set[str]) -> None:
    emulator.settings(vss={"shape": shape})
    body = login(http, emulator, who["vss"], json={"otp": None}).json()
    assert set(body) == keys
    claims = jwt.decode(body["token"], options={"verify_signature": False})
    assert body["duration"] == 86400
    assert claims["otp"] is False
    assert claims["exp"] - claims["iat"] in (86399, 86400, 86401)


def test_password_must_be_utf8(http: requests.Session, emulator: Emulator, who: Accounts) -> None:
    account = who["vss"]
    url = emulator.url("vss") + "/auth/request-token"
    assert http.post(url, headers=basic(account, "latin-1")).status_code == 401
    assert login(http, emulator, account).status_code == 200


def test_refusal(http: requests.Session, emulator: Emulator) -> None:
    reply = login(http, emulator, {"username": "nobody", "password": "x"})
    assert (reply.status_code, reply.reason) == (401, "UNAUTHORIZED")
    assert reply.json() == {"error": "unauthorized", "message": "Please authenticate to get your token.", "status": 401}
    assert reply.headers["WWW-Authenticate"] == 'Basic realm="Authentication Required"'
    assert reply.headers["Location"] == emulator.url("vss") + "/auth/request-token"


def test_five_logins_per_window(http: requests.Session, emulator: Emulator, who: Accounts) -> None:
    emulator.settings(vss={"rate_window": 600})
    replies = [login(http, emulator, who["vss"]) for _turn in range(6)]
    assert [reply.status_code for reply in replies] == [200] * 5 + [429]
    assert [reply.headers["X-RateLimit-Remaining"] for reply in replies] == ["4", "3", "2", "1", "0", "0"]
    assert int(replies[-1].headers["X-RateLimit-Reset"]) % 600 == 0
    assert "Retry-After" not in replies[-1].headers
    emulator.settings(vss={"rate_retry_after": True})
    assert int(login(http, emulator, who["vss"]).headers["Retry-After"]) > 0
    emulator.settings(vss={"rate_limit": 0})
    assert login(http, emulator, who["vss"]).status_code == 200


def test_second_factor_may_be_compulsory(http: requests.Session, emulator: Emulator, who: Accounts) -> None:
    emulator.settings(vss={"totp_required": True})
    reply = login(http, emulator, who["vss"])
    assert (reply.status_code, reply.json()["message"]) == (400, "TotpEnforcement: Must enable TOTP")


def test_lists_hold_addresses_unless_expanded(http: requests.Session, emulator: Emulator, bearer: dict[str, str]) -> None:
    """Fails when tokens are listed as objects without ``expand``, or machines as addresses."""
    tokens = emulator.url("vss") + "/v2/user/token"
    assert re.match(rf"{re.escape(tokens)}/\d+$", http.get(tokens, headers=bearer).json()["data"][0])
    assert http.get(tokens, params={"expand": 1}, headers=bearer).json()["data"][0]["valid"] is True
    url = emulator.url("vss") + "/v2/vm"
    plain = http.get(url, headers=bearer).json()["data"]
    assert (len(plain), plain[0]["moref"]) == (10, "vm-101")
    sorted_ = http.get(url, params={"per_page": "20", "filter": "name,like,%vm0%", "sort": "name,desc"}, headers=bearer).json()
    assert [row["name"][-2:] for row in sorted_["data"]] == ["09", "08", "07", "06", "05", "04", "03", "02", "01"]
    assert http.get(url, params={"per_page": 9999}, headers=bearer).json()["meta"]["pages"]["per_page"] == 3000


def test_pages_end_with_null_and_may_point_elsewhere(http: requests.Session, emulator: Emulator, bearer: dict[str, str]) -> None:
    pages = http.get(emulator.url("vss") + "/v2/vm?expand=1", headers=bearer).json()["meta"]["pages"]
    assert (pages["page"], pages["pages"], pages["total"], pages["prev_url"]) == (1, 3, 23, None)
    last = http.get(pages["last_url"], headers=bearer).json()
    assert (len(last["data"]), last["meta"]["pages"]["next_url"]) == (3, None)
    emulator.settings(vss={"link_base": "https://elsewhere.example.com"})
    pages = http.get(emulator.url("vss") + "/v2/vm", headers=bearer).json()["meta"]["pages"]
    assert pages["next_url"].startswith("https://elsewhere.example.com/v2/vm?")


@pytest.mark.parametrize(("spelling", "steps"), [("name", ["PENDING", "IN_PROGRESS", "ERROR"]), ("human", ["Pending", "In Progress", "Error Processed"])])
def test_a_request_that_fails(http: requests.Session, emulator: Emulator, bearer: dict[str, str], spelling: str, steps: list[str]) -> None:
    emulator.settings(vss={"spelling": spelling, "final": "ERROR", "errors": ["no space"]})
    reply = http.put(emulator.url("vss") + "/v2/vm/vm-101/state", json={"value": "poweredOff"}, headers=bearer)
    data = reply.json()["data"]
    assert (reply.status_code, data["status"], data["request"]["status"]) == (202, 202, steps[0])
    seen = [http.get(data["_links"]["request"], headers=bearer).json()["data"] for _turn in steps]
    assert [one["status"] for one in seen] == steps
    assert [one["message"]["errors"] for one in seen] == [[], [], ["no space"]]
    machine = http.get(emulator.url("vss") + "/v2/vm/vm-101", headers=bearer).json()["data"]
    assert machine["state"]["power_state"] == "poweredOn"


def test_several_machines_have_lists_of_links(http: requests.Session, emulator: Emulator, bearer: dict[str, str]) -> None:
    emulator.settings(vss={"polls": 0})
    body = {"built_from": "template", "description": "x", "name": "web", "count": 2}
    data = http.post(emulator.url("vss") + "/v2/vm", json=body, headers=bearer).json()["data"]
    assert len(data["_links"]["request"]) == len(data["request"]["id"]) == len(data["request"]["task_id"]) == 2
    ended = [http.get(url, headers=bearer).json()["data"] for url in data["_links"]["request"]]
    assert all(one["status"] == "PROCESSED" and one["vm_uuid"] for one in ended)


def test_token_as_basic_user(http: requests.Session, emulator: Emulator, bearer: dict[str, str]) -> None:
    token = bearer["Authorization"].split()[1]
    url = emulator.url("vss") + "/v2/ping"
    assert http.get(url, auth=(token, "")).status_code == 200
    assert http.get(url, auth=(token, "x")).status_code == 401
    assert emulator.log(system="vss")[-2]["kinds"] == ["basic"]


def test_tokens_expire_by_the_servers_clock(http: requests.Session, emulator: Emulator, bearer: dict[str, str]) -> None:
    url = emulator.url("vss") + "/v2/user"
    emulator.clock(86390)
    assert http.get(url, headers=bearer).status_code == 200
    emulator.clock(86410)
    assert http.get(url, headers=bearer).status_code == 401
    emulator.clock(0)
    assert emulator.revoke("vss") == 1
    assert http.get(url, headers=bearer).status_code == 401
