# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ordinary replies of the four systems hold no secret, although many speak of passwords and tokens."""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Mapping
from typing import Any

import pytest
from emulator.client import Emulator
from emulator.rackcorp import devices
from emulator.vss import machines

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.redact import Redactor
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.reply_secrets import secret_in_reply

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
SENT = "Sent/Secret+0815"
ACLS = {name: flag for flag in (1, "1", "", "0", 0) for name in (f"acl-{flag!r}", "passwd", "list-accts", "manage-api-tokens", "ssl-gencrt", "digest-auth")}
ORDINARY: Mapping[str, Any] = {
    "RackCorp devices": {"code": "OK", "message": "Devices", "devices": [devices.listed(number) for number in range(1, 46)]},
    "RackCorp device": {"code": "OK", "message": "Device", "device": devices.single(1, [])},
    "RackCorp domains": {
        "code": "OK",
        "domains": {"301": {"id": "301", "name": "example.pw", "serial": 2026112501, "stdname": "x", "lastmodified": 1700000000}},
    },
    "RackCorp fault": {"code": "FAULT", "message": "Invalid", "error": {"password": "Password must have 8 characters", "2fatoken": "Required"}},
    "errors of several fields": {"errors": {"password": ["is too short", "must have digits"], "token": {"reason": "has expired"}}, "data": None},
    "RackCorp transaction": {
        "rcTransaction": {"rcTransactionId": 7, "method": "STARTUP", "data": '{"deployMediaImageId":"7","publicKey":"x"}', "status": "PENDING"}
    },
    "RackCorp SSH keys": {"results": [{"id": 1, "name": "me", "publickey": "ssh-rsa AAAAB3NzaC1yc2E me@host", "key": "ssh-rsa AAAAB3Nza"}], "matches": 1},
    "RackCorp pages": {"code": "OK", "tickets": [], "count": 0, "next_token": "AB12CD", "tokens": 5, "token_count": "12"},
    "WHM listaccts": {
        "data": {
            "acct": [
                {
                    "user": "bob",
                    "domain": "b.example",
                    "email": "*unknown*",
                    "has_backup": 0,
                    "shell": "/bin/bash",
                    "uid": "1003",
                    "suspendreason": "not suspended",
                    "is_locked": 0,
                    "temporary": 0,
                    "max_emailacct_quota": "unlimited",
                }
            ]
        },
        "metadata": {"command": "listaccts", "reason": "OK", "result": 1, "version": 1},
    },
    "WHM myprivs": {"data": {"privileges": [{**ACLS, "passwd": "1"}]}, "metadata": {"result": 1}},
    "WHM tokens": {
        "data": {
            "tokens": {
                name: {"name": name, "create_time": 1483625276, "expires_at": "1609372800", "acls": dict(ACLS), "whitelist_ips": ["192.0.2.1"]}
                for name in ("backup", "password", "token", "secret")
            }
        },
        "metadata": {"result": 1},
    },
    "WHM token details": {"data": {"acls": ["passwd", "list-accts"], "name": "password", "create_time": 1, "expires_at": None, "whitelist_ips": None}},
    "WHM applist": {"data": {"app": ["passwd", "api_token_create", "set_password", "forcepasswordchange", "getpasswordstrength"]}},
    "WHM refusal": {
        "metadata": {"reason": "The password is too short: it must have at least 8 characters.", "result": 0, "output": {"raw": "Done\nToken: OK"}}
    },
    "WHM password strength": {"data": {"app": "passwd", "strength": 42}, "metadata": {"result": 1, "reason": "OK"}},
    "WHM certificate": {
        "data": {"certificate": "-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----", "key_data": "-----BEGIN PGP PUBLIC KEY BLOCK-----\nmQ"}
    },
    "DNSSEC public": {"data": {"key_content": "example.com. IN DNSKEY 257 3 8 AwEAAb", "key_id": "123", "key_tag": 12345}},
    "WHM version": {"cpanelresult": {"apiversion": "2", "data": {"version": "11.134.0.5", "result": "1"}, "type": "text"}},
    "Netography devices": {
        "meta": {"code": 200, "count": 1},
        "data": [{"id": "1", "name": "r1", "ips": ["192.0.2.1"], "samplerate": 1, "samplepassword": None, "tags": ["a"]}],
    },
    "Netography neighbors": {"data": [{"id": 1, "peerip": "192.0.2.1", "authpassword": ""}, {"id": 2, "authpassword": "********"}, {"authpassword": None}]},
    "Netography API keys": {"data": [{"appname": "automation"}, {"appname": "password"}]},
    "Netography flows": {
        "data": [{"id": "flow-1", "srcip": "192.0.2.7", "sessionid": None, "flow_session_id": "a1b2c3d4", "bits": 8, "tags": ["token", "a=b"]}]
    },
    "Netography fields": {"data": [{"name": "password", "type": "string", "description": "The password: a text"}, {"field": "token", "value": "string"}]},
    "VSS machines": {
        "_links": {"self": "https://h/v2/vm"},
        "data": [machines.machine(number) for number in range(1, 11)],
        "meta": {"count": 10, "time": "0.01s"},
    },
    "VSS tokens": {
        "data": [
            {
                "id": 7,
                "created_on": "2020-04-21 Tue 02:10:03 EDT",
                "ip_address": "192.0.2.9",
                "valid": True,
                "type": "ACCESS",
                "duration": 86400,
                "_links": {"self": "https://h/v2/user/token/7"},
            }
        ],
        "_links": {"token": "https://h/v2/user/token", "self": "https://h/v2"},
    },
    "VSS tokens by name": {
        "tokens": [{"id": 7, "label": "ci", "browser": "Firefox"}],
        "token": {"id": 7, "type": "ACCESS", "created_on": "2026-01-01", "ip_address": "192.0.2.9"},
    },
    "flags": {
        "password": True,
        "token": False,
        "secret": None,
        "has_token": "true",
        "passwd": "0",
        "api_key": "enabled",
        "pass": "yes",
        "credentials": {},
        "tokens": [],
    },
    "counters and times": {"token": 1732567890, "tokens": "17", "secret": "2026-11-25T10:00:00Z", "access_token": "1732567890", "token_expires": "AB12"},
    "a working directory": {"pwd": "/home/bob", "bypass": "everything", "cwd": "/"},
    "times and addresses": {
        "a": "2020-04-21 Tue 02:10:03 EDT",
        "b": "fe80::1:2",
        "c": "https://h:8443/v2/token/7",
        "d": "key: value",
        "e": "arn:aws:x:us-east-1:1:secret:name",
    },
    "texts": "A sentence about the password, the token and the secret: it says nothing.",
    "nothing": None,
    "a number": 12,
    "a list": [1, 2.5, True, "x", [], {}],
}


@pytest.mark.parametrize("title", ORDINARY)
def test_ordinary_replies_hold_none(title: str) -> None:
    assert secret_in_reply(ORDINARY[title], Redactor([SENT, JWT])) == ""


@pytest.mark.parametrize("title", [title for title in ORDINARY if title not in ("nothing",)])
def test_ordinary_replies_are_left_as_they_are(title: str) -> None:
    text = json.dumps(ORDINARY[title])
    assert Redactor([SENT, JWT]).clean(text) == text


def test_no_list_of_the_emulator_holds_a_secret(emulator: Emulator, who: dict[str, dict[str, str]]) -> None:
    """Replies as they come over the wire; logins are found."""
    rackcorp, whm, vss = who["rackcorp"], who["whm"], who["vss"]
    key = basic(rackcorp["api_uuid"], rackcorp["api_secret"])
    login = fetch(emulator.url("vss") + "/auth/request-token", {}, basic(vss["username"], vss["password"]))
    assert secret_in_reply(login, Redactor()) == "the member token"
    assert secret_in_reply(fetch(emulator.url("rackcorp") + "/customer/jsonwebtoken", None, key), Redactor()) == "the member token"
    replies = [fetch(emulator.url("rackcorp") + "/json.php", {"cmd": cmd}, key) for cmd in ("device.getall", "dns.domain.getall", "device.get")]
    functions = ("listaccts", "myprivs", "applist", "api_token_list", "version", "loadavg", "no_such_function")
    replies += [fetch(f"{emulator.url('whm')}/json-api/{function}?api.version=1", None, f"whm root:{whm['token']}") for function in functions]
    replies += [fetch(f"{emulator.url('vss')}/{path}", None, f"Bearer {login['token']}") for path in ("v2/vm?expand=1", "v2/user/token", "v2/ping")]
    redactor = Redactor([rackcorp["api_secret"], whm["token"], vss["password"], login["token"]])
    assert [secret_in_reply(reply, redactor) for reply in replies] == [""] * len(replies)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def fetch(url: str, body: Any, authorization: str) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Authorization": authorization, "Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as reply:
        return json.load(reply)
