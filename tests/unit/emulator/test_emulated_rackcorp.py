# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wire shapes and quirks of RackCorp."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
import requests
from emulator.client import Emulator
from emulator.totp import code_at

Accounts = dict[str, dict[str, str]]
DENIED = {"code": "ACCESS_DENIED", "message": "Access Denied", "fault": {"faultcode": "ACCESS_DENIED", "faultstring": "Access Denied"}}


class Client:
    """Commands over HTTP, with the API key unless told otherwise."""

    def __init__(self, http: requests.Session, emulator: Emulator, account: dict[str, str]) -> None:
        self.http = http
        self.base = emulator.url("rackcorp")
        self.key = (account["api_uuid"], account["api_secret"])

    def cmd(self, cmd: str, **rest: Any) -> dict[str, Any]:
        headers, auth = rest.pop("headers", {}), rest.pop("auth", self.key)
        reply = self.http.post(self.base + "/json.php", json={"cmd": cmd, **rest}, headers=headers, auth=auth)
        assert reply.status_code == 200
        return dict(reply.json())

    def jwt(self, method: str = "GET") -> str:
        body = self.http.request(method, self.base + "/customer/jsonwebtoken", auth=self.key).json()
        assert body["code"] == "OK"
        return str(body["token"])


@pytest.fixture
def client(http: requests.Session, emulator: Emulator, who: Accounts) -> Client:
    return Client(http, emulator, who["rackcorp"])


def login_body(account: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"username": account["username"], "password": account["password"], "auth": None, **more}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_jwt_from_the_api_key(client: Client, emulator: Emulator, method: str) -> None:
    token = client.jwt(method)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] in (3599, 3600, 3601)
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    assert emulator.logins("rackcorp") == 1
    assert client.cmd("device.get", id=5001, auth=None, headers={"Authorization": f"Bearer {token}"})["device"]["id"] == "5001"


def test_jwt_without_exp_and_with_another_lifetime(client: Client, emulator: Emulator) -> None:
    emulator.settings(rackcorp={"token_exp": False, "token_ttl": 5})
    token = client.jwt()
    assert "exp" not in jwt.decode(token, options={"verify_signature": False})
    emulator.clock(6)
    assert client.cmd("device.getall", auth=None, headers={"Authorization": f"Bearer {token}"}) == DENIED


def test_every_kind_of_credential_is_noted(client: Client, emulator: Emulator, who: Accounts) -> None:
    token = client.jwt()
    session = client.cmd("session.login", **login_body(who["rackcorp"]))["sessionId"]
    assert "." not in session
    uuid, secret = client.key
    ways: list[tuple[str, dict[str, Any]]] = [
        ("basic", {}),
        ("body", {"APIUUID": uuid, "APISECRET": secret, "auth": None}),
        ("session", {"USERSESSIONID": session, "auth": None}),
        ("cookie", {"headers": {"Cookie": f"JWTSESSIONID={token}"}, "auth": None}),
        ("bearer", {"headers": {"Authorization": f"Bearer {token}"}, "auth": None}),
    ]
    for kind, rest in ways:
        assert client.cmd("device.get", id="5001", **rest)["code"] == "OK"
        assert emulator.log()[-1]["kinds"] == [kind]


def test_the_first_kind_decides(client: Client, emulator: Emulator) -> None:
    """A stray wrong key beats a good token."""
    token = client.jwt()
    assert client.cmd("device.getall", APIUUID="x", APISECRET="y", auth=None, headers={"Authorization": f"Bearer {token}"}) == DENIED
    assert emulator.log()[-1]["kinds"] == ["body", "bearer"]
    assert client.cmd("device.getall", APIUUID="x", APISECRET="y")["code"] == "OK"


@pytest.mark.parametrize("place", ["token", "cookie", "sessionId"])
def test_login_answers_the_jwt_in_one_of_three_places(http: requests.Session, emulator: Emulator, who: Accounts, place: str) -> None:
    emulator.settings(rackcorp={"login_place": place})
    account = who["rackcorp"]
    body = {"cmd": "session.login", "username": account["username"], "password": account["password"], "jwt": 1}
    reply = http.post(emulator.url("rackcorp") + "/json.php", json=body)
    found = {"token": reply.json().get("token"), "cookie": reply.cookies.get("JWTSESSIONID"), "sessionId": reply.json().get("sessionId")}
    assert [name for name, value in found.items() if value] == [place]
    assert found[place].count(".") == 2


def test_second_factor(client: Client, emulator: Emulator, who: Accounts) -> None:
    account = who["rackcorp_2fa"]
    missing = client.cmd("session.login", jwt=1, **login_body(account))
    assert (missing["code"], missing["message"]) == ("ACCESS_DENIED", "Two factor authentication token required")
    wrong = client.cmd("session.login", jwt=1, **login_body(account, **{"2fatoken": "000000x"}))
    assert wrong["message"] == "Invalid two factor authentication token"
    code = code_at(account["totp_secret"], time.time())
    assert client.cmd("session.login", jwt=1, **login_body(account, **{"2fatoken": code}))["code"] == "OK"
    assert client.cmd("session.login", jwt=1, **login_body(account, **{"2fatoken": code}))["code"] == "ACCESS_DENIED"
    assert emulator.counts()["rackcorp"] | {"requests": 0, "calls": 0, "connections": 0} == {
        "requests": 0, "calls": 0, "connections": 0, "logins": 4, "logins_ok": 1, "failures": 3, "otp_replays": 1,
    }  # fmt: skip


def test_refusals_are_http_200(client: Client, emulator: Emulator) -> None:
    assert client.cmd("device.getall", auth=("x", "y")) == DENIED
    assert client.cmd("nothing.such")["code"] == "FAULT"
    assert client.cmd("device.get", id=1)["message"] == "Could not find device"
    emulator.settings(rackcorp={"denied": ["device.getall"]})
    assert client.cmd("device.getall") == DENIED
    assert client.cmd("order.create")["error"] == {"productCode": "Required"}


def test_a_debug_member_may_repeat_the_request(client: Client, emulator: Emulator) -> None:
    emulator.settings(rackcorp={"debug_echo": True})
    assert client.key[1][:5] in client.cmd("nothing.such", APISECRET=client.key[1])["debug"]["request"]


def test_devices_come_in_windows_of_at_least_twenty(client: Client, emulator: Emulator) -> None:
    first = client.cmd("device.getall", resWindow=1)
    assert (len(first["devices"]), first["count"]) == (20, 45)
    assert len(client.cmd("device.getall", resStart=40, resWindow=30)["devices"]) == 5
    assert {row["primaryIP"][-3:] == "/24" for row in first["devices"]} == {True, False}
    emulator.settings(rackcorp={"devices": 3, "total_key": ""})
    assert set(client.cmd("device.getall")) == {"code", "message", "devices"}


def test_zones_are_an_object_here_and_a_list_there(client: Client) -> None:
    keyed = client.cmd("dns.domain.getall")
    assert {row["name"] for row in keyed["domains"].values()} == {"example.com", "example.net"}
    assert keyed["matches"] == 2
    assert client.cmd("dns.domain.getall", name="example.org")["domains"] == []
    listed = client.http.get(client.base + "/dns/domain", auth=client.key).json()
    assert [row["name"] for row in listed["data"]] == ["example.com", "example.net"]
    assert client.cmd("dns.domain.get", id=301)["name"] == "example.com"


def test_records(client: Client) -> None:
    made = client.cmd("dns.record.create", data={"0": {"domainId": 301, "type": "TXT", "lookup": "_acme", "data": "a"}})["data"]
    number = str(made[0]["id"])
    assert client.cmd("dns.record.update", data={number: {"data": "b"}})["data"][0]["data"] == "b"
    assert client.cmd("dns.record.delete", name="example.com", type="TXT", lookup="_acme", data="a")["message"] == "Could not find record"
    assert client.cmd("dns.record.delete", id=number)["code"] == "OK"
    posted = client.http.post(client.base + "/dns/records", json={"data": [{"name": "example.com", "type": "A", "data": "192.0.2.2"}]}, auth=client.key).json()
    url = f"{client.base}/dns/records/{posted['data'][0]['id']}"
    assert [client.http.delete(url, auth=client.key).json()["code"] for _turn in range(2)] == ["OK", "FAULT"]


def test_both_rest_spellings_and_the_query_string(client: Client, emulator: Emulator) -> None:
    bases = (client.base, client.base.replace("/api/rest/", "/api/"))
    assert [client.http.get(f"{base}/devices/5002", json={}, auth=client.key).json()["data"]["id"] for base in bases] == ["5002", "5002"]
    reply = client.http.get(f"{client.base}/json.php?cmd=device.get&id=5002", auth=client.key)
    assert reply.json()["device"]["deviceId"] == 5002
    assert emulator.log()[-1]["function"] == "device.get"


def test_an_order_and_a_transaction_take_their_time(client: Client) -> None:
    order = client.cmd("order.create", productCode="SERVER_VIRTUAL_BUDGET_AU")["orderId"]
    contract = client.cmd("order.confirm", orderId=order)["contractID"][0]
    states = [client.cmd("order.contract.get", contractId=contract)["contract"]["status"] for _turn in range(3)]
    assert states == ["PENDING", "PENDING", "ACTIVE"]
    made = client.cmd("rctransaction.create", objType="DEVICE", objId="5001", type="STARTUP", confirmation=True)["rcTransaction"]
    seen = [client.cmd("rctransaction.get", rcTransactionId=made["rcTransactionId"])["rcTransaction"]["status"] for _turn in range(3)]
    assert seen == ["PENDING", "COMMENCED", "COMPLETED"]
    assert client.cmd("rctransaction.getall", status=["PENDING", "COMMENCED"])["matches"] == 0


def test_whether_a_session_is_current(client: Client, emulator: Emulator) -> None:
    token = client.jwt()
    headers = {"Authorization": f"Bearer {token}"}
    assert client.cmd("session.iscurrent", auth=None, headers=headers)["userstatus"] is True
    emulator.revoke("rackcorp")
    assert client.cmd("session.iscurrent", auth=None, headers=headers)["userstatus"] is False


def test_json_has_no_blanks(client: Client) -> None:
    """Fails when JSON is written with blanks; a public shell client searches the text for ``"code":"OK"``."""
    reply = client.http.post(client.base + "/json.php", json={"cmd": "device.getall"}, auth=client.key)
    assert '"code":"OK"' in reply.text
    assert '": ' not in reply.text


def test_a_refusal_has_its_words_where_its_command_has_them(client: Client) -> None:
    assert client.cmd("device.get", id=1)["fault"] == {"faultcode": "FAULT", "faultstring": "Could not find device"}
    assert set(client.cmd("dns.domain.get", id=1)) == {"code", "message"}
    newer = client.cmd("loadbalancer.get", id=1)
    assert (newer["message"], newer["debug"]) == ("", "Could not find load balancer")


def test_types_go_by_endpoint(client: Client) -> None:
    listed = client.cmd("device.getall")["devices"][0]
    assert (type(listed["id"]), type(listed["ports"][0]["deviceInterface"])) == (int, int)
    single = client.http.get(client.base + "/devices/5001", auth=client.key).json()["data"]
    assert (single["id"], single["ports"][0]["deviceInterface"]) == ("5001", "0")
    assert [type(single[name]) for name in ("customerId", "dcId", "dateModified", "deviceId")] == [int] * 4
    made = client.cmd("rctransaction.create", objType="DEVICE", objId=5001, type="SHUTDOWN")["rcTransaction"]["rcTransactionId"]
    assert isinstance(made, int)
    shown = client.cmd("rctransaction.get", rcTransactionId=made)["rcTransaction"]["rcTransactionId"]
    assert shown == client.cmd("rctransaction.getall")["rcTransactions"][0]["rcTransactionId"] == str(made)
    order = client.cmd("order.create", productCode="SERVER_VIRTUAL_BUDGET_AU", customerId=456)["orderId"]
    number = client.cmd("order.confirm", orderId=order)["contractID"][0]
    contract = client.cmd("order.contract.get", contractId=number)["contract"]
    assert (contract["contractId"], contract["customerId"]) == (str(number), "456")
    assert client.http.get(f"{client.base}/order/{order}", auth=client.key).json()["data"]["contractId"] == str(number)


def test_exact_names_and_members_of_zones(client: Client) -> None:
    assert set(client.cmd("dns.domain.getall", name="example")["domains"]) == {"301", "302"}
    assert client.cmd("dns.domain.getall", exactName="example")["domains"] == []
    assert client.cmd("dns.domain.getall", exactName="example.net")["matches"] == 1
    assert {"serial", "stdname", "type", "lastmodified"} < set(client.cmd("dns.domain.get", id=301))


def test_load_balancers(client: Client) -> None:
    summary = client.cmd("loadbalancer.getall")
    assert (summary["count"], "backends" in summary["loadbalancers"][0]) == (1, False)
    made = client.cmd("loadbalancer.create", name="tcp", type="TCP", ports=[25])["loadbalancers"]
    assert (made["ports"], made["type"]) == ([25], "TCP")
    changed = client.cmd("loadbalancer.update", id=made["id"], ports=[25, 587], backends=[{"hostname": "192.0.2.30", "port": 25}])["loadbalancers"]
    assert (changed["ports"], changed["backends"][0]["hostname"]) == ([25, 587], "192.0.2.30")
    assert client.cmd("loadbalancer.get", id=str(made["id"]))["loadbalancers"] == changed
    assert client.cmd("loadbalancer.getall", type=["TCP"])["count"] == 1
    assert client.cmd("loadbalancer.create", name="x", type="ICMP")["code"] == "FAULT"


def test_firewall_policies_change_one_by_one(client: Client) -> None:
    def change(*policies: dict[str, Any]) -> list[dict[str, Any]]:
        url = f"{client.base}/devices/5001"
        assert client.http.put(url + "/firewall", json={"firewallPolicies": list(policies)}, auth=client.key).json()["code"] == "OK"
        return list(client.http.get(url, auth=client.key).json()["data"]["firewallPolicies"])

    (first,) = change({"direction": "INBOUND", "policy": "ALLOW", "portTo": "80"})
    assert [policy["portTo"] for policy in change({"policy": "DENY", "portTo": "25"})] == ["80", "25"]
    assert [policy["portTo"] for policy in change({"id": first["id"], "policy": "DELETED"})] == ["25"]


def test_a_transaction_repeats_the_secrets_of_its_data(client: Client) -> None:
    """Fails when ``data`` is not the text that was sent."""
    data = '{"deployMediaImageId":"1","deployMediaImageAccessSecret":"CANARY-deploy"}'
    made = client.cmd("rctransaction.create", objType="DEVICE", objId="5001", type="STARTUP", data=data)["rcTransaction"]
    assert client.cmd("rctransaction.get", rcTransactionId=made["rcTransactionId"])["rcTransaction"]["data"] == data
