# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All pages of a list, and what has none."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.calls import run
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import Call, CallResult

READ = {"path": "devices"}


def test_pages_have_an_end(task: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made = task("netography", "", token="T", path="search/flow", method="POST", body={}, all_pages=True)
    monkeypatch.setattr(run, "MAX_PAGES", 5)
    asked: list[Call] = []

    def once(_caller: Any, call: Call) -> CallResult:
        asked.append(call)
        return CallResult([{"id": len(asked)}])

    monkeypatch.setattr(run.CallRunner, "_send", once)
    monkeypatch.setattr(type(made.client.provider), "next_page", lambda _self, call, _result: call)
    result = made.result()
    assert (result["error"]["kind"], len(asked)) == ("protocol", 5)
    assert "has more than 5 pages" in result["msg"]


ANY_DATA: tuple[Any, ...] = ({"data": {"id": 1}}, {"data": None}, {"data": []}, {"data": "text"}, {"id": 1}, [], None, 7)
ONE_PAGE: list[tuple[str, dict[str, Any], Any]] = [
    ("rackcorp", {"cmd": "device.get"}, {"code": "OK", "device": []}),
    ("rackcorp", {"cmd": "device.get"}, {"code": "OK", "device": {"id": 1, "ports": []}}),
    ("rackcorp", {"cmd": "dns.domain.getall"}, {"code": "OK", "matches": 0, "domains": {}}),
    ("rackcorp", {"cmd": "dns.domain.getall"}, {"code": "OK", "matches": 0, "domains": []}),
    ("rackcorp", {"cmd": "dns.domain.getall"}, {"code": "OK", "matches": 2, "domains": {"301": {"id": 301}, "302": {"id": 302}}}),
    ("rackcorp", {"cmd": "device.getall"}, {"code": "OK", "count": 5, "settings": {"a": {"x": 1}, "b": {}}}),
    ("rackcorp", {"cmd": "session.iscurrent"}, {"code": "OK", "userstatus": True}),
    ("rackcorp", {"cmd": "frob.get"}, {"code": "OK"}),
    ("rackcorp", {"path": "devices/1"}, {"code": "OK", "data": {"id": 1, "extra": {"a": {}}}}),
    ("rackcorp", {"path": "devices/1"}, {"code": "OK", "data": {"extra": {"a": 1}, "traffic": {}}}),
    ("rackcorp", {"path": "devices/1", "method": "HEAD"}, {}),
    ("whm", {"function": "api_token_list"}, {"data": {"tokens": {"a": {"name": "a", "acls": {}}}}, "metadata": {"result": 1}}),
    ("whm", {"function": "api_token_list"}, {"data": {"tokens": {}}, "metadata": {"result": 1}}),
    ("whm", {"function": "gethostname"}, {"data": {"hostname": "whm.example.com"}, "metadata": {"result": 1}}),
    ("whm", {"function": "loadavg"}, {"one": "0.12", "five": "0.34", "fifteen": "0.56"}),
    ("whm", {"function": "version"}, {"cpanelresult": {"data": {"version": "11", "result": "1"}}}),
    ("whm", {"function": "suspendacct"}, {"metadata": {"result": 1}}),
    ("whm", {"function": "listaccts"}, {"data": {"acct": []}, "metadata": {"result": 1, "chunk": {"records": 0}}}),
    ("whm", {"function": "cpanel"}, {"result": {"status": 1, "data": "text"}}),
    *(("vss", {"path": "v2/vm"}, body) for body in ANY_DATA),
    *(("netography", READ, body) for body in ANY_DATA),
    ("netography", {"path": "search/flow", "method": "POST", "body": {"size": 1}}, {"data": {"id": 1}}),
    ("netography", {"path": "device/1", "method": "HEAD"}, {}),
    ("vss", {"path": "v2/vm"}, {"data": {"id": 1}, "meta": {"pages": {"next_url": None}}}),
]


@pytest.mark.parametrize(("system", "call", "body"), ONE_PAGE)
def test_what_has_one_page_is_the_same_with_all_pages(task: Callable[..., Any], emulator: Emulator, system: str, call: dict[str, Any], body: Any) -> None:
    reply = {"system": system, "action": "status", "status": 200, "match": {"login": False}, "body": json.dumps(body), "times": None}
    emulator.fault(reply)
    one, all_of_them = (task(system, **call, all_pages=all_pages).result() for all_pages in (False, True))
    assert not one.get("failed"), one
    assert {**all_of_them, "tries": 1} == one


@pytest.mark.parametrize(
    ("system", "call"),
    [
        ("rackcorp", {"cmd": "device.get", "params": {"id": 5001}}),
        ("rackcorp", {"cmd": "dns.domain.get", "params": {"id": 301}}),
        ("rackcorp", {"cmd": "dns.domain.getall"}),
        ("rackcorp", {"path": "devices/5001"}),
        ("whm", {"function": "api_token_list"}),
        ("whm", {"function": "loadavg"}),
        ("whm", {"function": "version"}),
        ("whm", {"function": "myprivs"}),
        ("netography", {"path": "device/1"}),
        ("netography", {"path": "labels/ips", "method": "POST", "body": {"ip": "192.0.2.9", "context": "name", "labels": ["a"]}}),
        ("vss", {"path": "v2/user"}),
    ],
)
def test_what_is_no_list_is_the_same_with_all_pages(task: Callable[..., Any], emulator: Emulator, system: str, call: dict[str, Any]) -> None:
    one, all_of_them = (task(system, **call, all_pages=all_pages).result() for all_pages in (False, True))
    assert not one.get("failed"), one
    for data in (one["data"], all_of_them["data"]):
        if isinstance(data, dict):
            # VSS says when a user was there last, which may be a second later for the second call.
            data.pop("last_access", None)
    assert (all_of_them["data"], all_of_them["tries"]) == (one["data"], 1)


def test_a_page_that_fails_fails_the_call(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "vss", "action": "status", "status": 500, "match": {"login": False}, "skip": 1})
    result = task("vss", path="v2/vm", all_pages=True).result()
    assert (result["failed"], result["error"]["kind"], result["tries"], result["sent"]) == (True, "server", 2, True)


def test_a_token_that_dies_between_pages_is_replaced(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "vss", "action": "refuse_token", "skip": 1})
    result = task("vss", cached=True, path="v2/vm", all_pages=True).result()
    assert (len(result["data"]), result["tries"], emulator.logins("vss")) == (23, 4, 2)
