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
from emulator.accounts import SECRETS_IN_ANSWERS, netosecret
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
        request_token(account, jti=True),
        request_token(account, jti=""),
        request_token(account, headers={"typ": "JWE"}),
        "no token",
        "",
    ]
    for token in bad:
        reply = login(http, emulator, token)
        assert (reply.status_code, reply.json()) == (401, {"status": 401, "name": "Unauthorized", "message": "Missing or invalid credentials"})
    emulator.clock(400)
    assert login(http, emulator, request_token(account, iat=now + 400)).status_code == 200


@pytest.mark.parametrize("jti", ["12345", 12345])
def test_a_request_token_is_good_once(http: requests.Session, emulator: Emulator, who: Accounts, jti: str | int) -> None:
    """Fails when a number is refused as ``jti``, as the vendor's sample sends it."""
    token = request_token(who["netography"], jti=jti)
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
    label = {"ip": "192.0.2.9", "context": "name", "labels": ["db"]}
    created = call("POST", "labels/ips", label)
    assert (created.status_code, created.json()["data"]) == (201, label)
    assert call("PUT", "labels/ips", label).status_code == 200
    assert call("GET", "labels/ips").json()["meta"]["count"] == 2
    assert call("GET", "labels/ips/all/name").json()["meta"]["count"] == 2
    assert call("GET", "labels/ips/192.0.2.9/name").json()["data"] == label
    assert call("DELETE", "labels/ips/192.0.2.9/name").status_code == 204
    assert call("DELETE", "labels/ips/192.0.2.9/name").status_code == 404


def test_labels_in_bulk_are_lists(call: Any) -> None:
    """Fails when one row is answered as an object, or when the rows that are gone are not shown."""
    label = {"ip": "192.0.2.9", "context": "name", "labels": ["db"]}
    assert call("PUT", "labels/ips/bulk", label).status_code == 400
    set_ = call("PUT", "labels/ips/bulk", [label])
    assert (set_.status_code, set_.json()["data"]) == (201, [label])
    gone = call("DELETE", "labels/ips/bulk", [label])
    assert (gone.status_code, gone.json()["data"]) == (200, [label])
    assert call("GET", "labels/ips").json()["meta"]["count"] == 1


def test_a_new_key_is_shown_once_and_works(http: requests.Session, emulator: Emulator, who: Accounts, call: Any) -> None:
    made = call("POST", "api-keys", {"appname": "extra"})
    assert made.status_code == 201
    assert [(row["appname"], "appkey" in row) for row in call("GET", "api-keys").json()["data"]] == [("automation", False), ("extra", False)]
    own = {**who["netography"], **{key: made.json()["data"][key] for key in ("appname", "appkey")}}
    assert login(http, emulator, request_token(own)).status_code == 200


def test_reading_posts(call: Any) -> None:
    address = call("POST", "intel/lookup/ips", ["192.0.2.1"]).json()["data"][0]
    assert address["ip"] == "192.0.2.1"
    assert {"as", "geo", "iprep", "rdns"} < set(address)
    span = {"start": -60, "end": 0, "series": [{"metric": "bits"}, {"metric": "packets"}]}
    assert call("POST", "stats/flow/agg", span).json()["meta"]["count"] == 2
    assert [row["metric"] for row in call("POST", "stats/dns/ts", span).json()["data"]] == ["bits", "packets"]
    assert call("POST", "search/dns", {"start": -60, "end": 0, "size": 1}).json()["data"][0]["query"]["type"] == "A"
    assert call("POST", "search/nothing", {"start": -60, "end": 0}).status_code == 404


@pytest.mark.parametrize("path", ["stats/flow/fields", "search/dns/fields", "stats/flow/metrics", "docs/detection-models"])
def test_lists_that_nothing_changes(call: Any, path: str) -> None:
    assert call("GET", path).json()["meta"]["count"] > 0


def test_devices_have_text_ids_and_are_created_with_201(call: Any) -> None:
    assert {type(row["id"]) for row in call("GET", "devices").json()["data"]} == {str}
    made = call("POST", "device", {"name": "new", "ips": ["198.51.100.9"]})
    assert (made.status_code, made.json()["data"][0]["id"]) == (201, "6")
    assert call("PUT", "device/6", {"name": "other"}).json()["data"][0]["name"] == "other"
    assert call("DELETE", "device/6").status_code == 204
    assert call("POST", "device", {"name": "new"}).status_code == 400


@pytest.mark.parametrize(
    ("path", "secrets"),
    [
        ("vpc", ["netography_accountkey", "netography_accesssecret"]),
        ("bgp/neighbors", ["netography_bgp_authpassword"]),
        ("integrations/response", ["netography_webhook_authpassword"]),
    ],
)
def test_traffic_sources_and_integrations_show_secrets(call: Any, path: str, secrets: list[str]) -> None:
    assert all(SECRETS_IN_ANSWERS[name] in call("GET", path).text for name in secrets)


def test_sources_are_switched(call: Any) -> None:
    assert call("PUT", "vpc/vpc-1/disable").json()["data"][0]["enabled"] is False
    assert call("GET", "vpc/vpc-1").json()["data"][0]["enabled"] is False
    assert call("PUT", "vpc/vpc-1/frobnicate").status_code == 404
