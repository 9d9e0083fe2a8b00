# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wire shapes and quirks of Netography."""

from __future__ import annotations

import base64
import json
import time
import uuid
from typing import Any

import jwt
import pytest
import requests
from emulator.accounts import netosecret
from emulator.client import Emulator

Accounts = dict[str, dict[str, str]]


def request_token(account: dict[str, str], secret: str | None = None, headers: dict[str, str] | None = None, **claims: Any) -> str:
    own = {key: account[key] for key in ("appname", "appkey", "shortname")}
    payload = {"iat": int(time.time()), "jti": uuid.uuid4().hex, **own, **claims}
    return jwt.encode(payload, secret or account["shared_secret"], algorithm="HS256", headers=headers)


def login(http: requests.Session, emulator: Emulator, token: str) -> requests.Response:
    return http.post(emulator.url("netography") + "/auth/token", json={"jwt": token})


@pytest.fixture
def call(http: requests.Session, emulator: Emulator, who: Accounts) -> Any:
    token = login(http, emulator, request_token(who["netography"])).json()["access_token"]

    def send(method: str, path: str, body: Any = None) -> requests.Response:
        return http.request(method, f"{emulator.url('netography')}/{path}", json=body, headers={"Authorization": f"Bearer {token}"})

    return send


@pytest.mark.parametrize("name", ["netography", "netography_sub"])
def test_login(http: requests.Session, emulator: Emulator, who: Accounts, name: str) -> None:
    body = login(http, emulator, request_token(who[name])).json()
    assert set(body) == {
        "access_token", "expires_in", "refresh_expires_in", "refresh_token", "token_type", "id_token", "not-before-policy", "session-state", "scope",
    }  # fmt: skip
    assert (body["expires_in"], body["token_type"]) == (86400, "bearer")
    assert emulator.log()[-1]["principal"] == f"{who[name]['shortname']}/automation"
    url = emulator.url("netography") + "/devices"
    assert http.get(url, headers={"Authorization": f"Bearer {body['access_token']}"}).status_code == 200
    assert http.get(url, headers={"Authorization": f"Bearer {body['refresh_token']}"}).status_code == 401


def test_request_tokens_are_verified(http: requests.Session, emulator: Emulator, who: Accounts) -> None:
    account, now = who["netography"], int(time.time())
    bad = [
        request_token(account, secret="x" * 40),
        request_token(account, appkey="wrong"),
        request_token(account, appname="wrong"),
        request_token(account, shortname="wrong"),
        request_token(account, iat=now - 400),
        request_token(account, iat=now + 400),
        request_token(account, jti=None),
        request_token(account, jti=12345),
        request_token(account, headers={"typ": "JWE"}),
        "no token",
        "",
    ]
    for token in bad:
        reply = login(http, emulator, token)
        assert (reply.status_code, reply.json()) == (401, {"status": 401, "name": "Unauthorized", "message": "Missing or invalid credentials"})
    emulator.clock(400)
    assert login(http, emulator, request_token(account, iat=now + 400)).status_code == 200


def test_a_request_token_is_good_once(http: requests.Session, emulator: Emulator, who: Accounts) -> None:
    token = request_token(who["netography"], jti="12345")
    assert [login(http, emulator, token).status_code for _turn in range(2)] == [200, 401]
    emulator.settings(netography={"jti_once": False})
    assert login(http, emulator, token).status_code == 200


def test_netosecret_is_unpadded_base64_of_json(who: Accounts) -> None:
    value = netosecret()
    assert "=" not in value
    fields = json.loads(base64.b64decode(value + "=" * (-len(value) % 4)))
    assert fields["sharedsecret"] == who["netography"]["shared_secret"]
    assert set(fields) == {"url", "shortname", "appname", "sharedsecret", "appkey"}


def test_envelope_and_errors(call: Any, emulator: Emulator) -> None:
    assert call("GET", "devices").json()["meta"] == {"code": 200, "count": 5}
    assert isinstance(call("GET", "device/1").json()["data"], list)
    missing = call("GET", "device/77")
    assert (missing.status_code, set(missing.json())) == (404, {"status", "name", "message"})
    emulator.revoke("netography")
    assert call("GET", "devices").json() == {"status": 401, "name": "Unauthorized", "message": "Access token is missing or invalid"}


def test_search_pages_in_the_body(call: Any) -> None:
    body = {"start": -3600, "end": 0, "size": 50}
    sizes = [call("POST", "search/flow", {**body, "from": first}).json()["meta"]["count"] for first in (0, 50, 100, 150)]
    assert sizes == [50, 50, 20, 0]
    assert call("POST", "search/flow", {}).status_code == 400


def test_labels(call: Any) -> None:
    one = {"ip": "192.0.2.9", "context": "name", "labels": ["db"]}
    assert isinstance(call("POST", "labels/ips", one).json()["data"], dict)
    assert call("GET", "labels/ips").json()["meta"]["count"] == 2
    assert call("GET", "labels/ips/192.0.2.9/name").json()["data"] == [one]
    gone = call("DELETE", "labels/ips/bulk", [one])
    assert (gone.status_code, gone.content, "Content-Type" in gone.headers) == (204, b"", False)
    assert call("DELETE", "labels/ips/192.0.2.9/name").status_code == 404


def test_a_new_key_is_shown_once_and_works(http: requests.Session, emulator: Emulator, who: Accounts, call: Any) -> None:
    made = call("POST", "api-keys", {"appname": "extra"}).json()["data"]
    assert call("GET", "api-keys").json()["data"] == [{"appname": "automation"}, {"appname": "extra"}]
    assert login(http, emulator, request_token({**who["netography"], **made})).status_code == 200


def test_reading_posts(call: Any) -> None:
    assert call("POST", "intel/lookup/ips", ["192.0.2.1"]).json()["data"][0]["ip"] == "192.0.2.1"
    assert call("POST", "stats/flow/agg", {"start": -60, "end": 0, "series": [{"metric": "bits"}]}).json()["meta"]["count"] == 1
