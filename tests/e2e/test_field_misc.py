# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that people met and that belong nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from e2e.cases import CREDENTIALS, LOOKUPS, NAMESPACE
from e2e.rows import MODULE_WAYS, Played, Row, by_way, with_addresses
from e2e.stage import REMOTE, Run, Stage
from e2e.whm import BY_PASSWORD, looked_up
from emulator.accounts import accounts
from emulator.client import Emulator

SYSTEMS = tuple(LOOKUPS)
PAGE = "<!DOCTYPE html><html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>"
CACHE_INFO: Mapping[str, Any] = {"name": "cached", f"{NAMESPACE}.token_cache_info": {}}


def known(system: str, **more: Any) -> dict[str, Any]:
    """Arguments; WHM's is a token, so that it works from every host."""
    names = ("username", "token") if system == "whm" else CREDENTIALS[system]
    return {**{name: accounts()[system][name] for name in names}, "api_url": f"<{system}>", **more}


# -- not found ---------------------------------------------------------------------------------------------------

PAGES = tuple(row for system in SYSTEMS for row in by_way(MODULE_WAYS, "a page for 404", system, known(system), kind="not_found", words=("404",)))


@pytest.fixture(scope="module")
def pages(running: Emulator, new_stage: Callable[[str], Stage]) -> Played:
    running.reset()
    rule = {"action": "status", "status": 404, "body": PAGE, "headers": {"Content-Type": "text/html"}, "match": {"login": False}, "times": None}
    running.fault(*({**rule, "system": system} for system in SYSTEMS))
    return Played(new_stage("pages").tasks(*(row.task(running) for row in PAGES), timeout=300).good(), running.log())


@pytest.mark.parametrize("row", PAGES, ids=lambda row: row.title)
def test_a_page_for_404_is_not_found(row: Row, pages: Played) -> None:
    """Whatever its type: a wrong address, or something that does not exist, is no broken reply."""
    pages.check(row)
    assert "api_url" in pages.message(row)


# -- privileges of tokens by the plain call ----------------------------------------------------------------------

NO_ACL: Mapping[str, Mapping[str, Any]] = {
    "an empty list": {"acl": []},
    "an empty text": {"acl": ""},
    "a list of nothing": {"acl": [""]},
    "null": {"acl": None},
}


def call_without_acl(function: str, acl: Mapping[str, Any]) -> dict[str, Any]:
    return {"function": function, "params": {"token_name": "x", **acl}}


NO_ACL_ROWS = tuple(
    Row(
        f"{function} with {name}",
        way,
        "whm",
        known("whm"),
        call=call_without_acl(function, acl),
        kind="configuration",
        words=(r"\bacl is empty", "every privilege"),
    )
    for function in ("api_token_create", "api_token_update")
    for name, acl in NO_ACL.items()
    for way in MODULE_WAYS
)


@pytest.fixture(scope="module")
def without_acl(running: Emulator, new_stage: Callable[[str], Stage]) -> Played:
    running.reset()
    return Played(new_stage("acl").tasks(*(row.task(running) for row in NO_ACL_ROWS), timeout=300).good(), running.log())


@pytest.mark.parametrize("row", NO_ACL_ROWS, ids=lambda row: row.title)
def test_no_privileges_are_not_all_of_them(row: Row, without_acl: Played) -> None:
    """An empty list is not sent at all, and WHM grants everything then."""
    without_acl.check(row)
    assert without_acl.log == []


def test_a_call_with_privileges_or_without_the_member_is_sent(emulator: Emulator, stage: Stage) -> None:
    """Who leaves `acl` out has read WHM's documentation."""
    calls = {"some": {"token_name": "some", "acl": ["list-accts"]}, "all": {"token_name": "all"}}
    rows = [Row(name, "here", "whm", known("whm"), call={"function": "api_token_create", "params": params}) for name, params in calls.items()]
    run = stage.tasks(*(row.task(emulator) for row in rows)).good()
    assert {row.title: run.result(row.title).get("msg") for row in rows if run.failed(row.title)} == {}


# -- advice ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", ["basic", "body", "session"])
def test_advice_speaks_of_what_was_sent(auth: str, emulator: Emulator, stage: Stage) -> None:
    """No token can be dead where none was used."""
    emulator.settings(rackcorp={"denied": ["device.get"]})
    user = {name: accounts()["rackcorp"][name] for name in ("username", "password")}
    given = {**user, "api_url": "<rackcorp>"} if auth == "session" else known("rackcorp")
    ways = ("here", "calls", "remote") if auth == "session" else ("here", "calls")
    rows = by_way(ways, auth, "rackcorp", {**given, "auth": auth}, call={"cmd": "device.get", "params": {"id": 1}}, kind="forbidden")
    played = Played(stage.tasks(*(row.task(emulator) for row in rows)).good(), emulator.log())
    for row in rows:
        played.check(row)
        advice = played.message(row).rpartition(");")[2]
        assert not re.search(r"\btoken\b|\bJWT\b", advice), advice
        assert "right" in advice or "permission" in advice


# -- the cache ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["refresh", "other password"])
def test_a_refusal_beside_a_fresh_token_is_shown(how: str, emulator: Emulator, whm: Callable[..., Run]) -> None:
    """Else nobody sees that all ends with this token."""
    whm(looked_up("fresh", "acls=['list-accts']"), whm=BY_PASSWORD).good()
    if how == "refresh":
        emulator.fault({"system": "whm", "action": "refuse_token", "match": {"login": True}, "times": None})
        again, who = looked_up("again", "acls=['list-accts'], refresh=true", ignore_errors=True), BY_PASSWORD
    else:
        again, who = looked_up("again", "acls=['list-accts']", ignore_errors=True), {**BY_PASSWORD, "password": "wrong:CANARY"}
    run = whm(again, dict(CACHE_INFO), whm=who).good()
    entries = run.result("cached")["entries"]
    assert sorted(entry["state"] for entry in entries) == ["fresh", "refused"]
    assert {(entry["provider"], entry["principal"]) for entry in entries} == {("whm", "root")}


# -- waiting -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["here", "remote"])
def test_waiting_at_the_same_time_counts_once(way: str, emulator: Emulator, stage: Stage) -> None:
    """Four calls that wait for a second together have waited for one second, not four."""
    emulator.fault({"system": "vss", "action": "rate_limit", "retry_after": 1, "match": {"function": "v2/ping"}, "times": 4})
    call = {"calls": [{"path": "v2/ping"}] * 4, "concurrency": 4, "max_wait": 2.5, "retries": 2, **with_addresses(known("vss"), emulator)}
    task = {"name": "calls", f"{NAMESPACE}.vss_api": call, **({"vars": dict(REMOTE)} if way == "remote" else {})}
    run = stage.tasks(task)
    assert not run.failed("calls"), run.result("calls")["msg"]
    assert [one["tries"] for one in run.result("calls")["results"]] == [2] * 4


def test_waiting_one_after_the_other_adds_up(emulator: Emulator, stage: Stage) -> None:
    emulator.fault(*({"system": "vss", "action": "rate_limit", "retry_after": 1, "match": {"path": f"wait{number}$"}, "times": 1} for number in range(4)))
    emulator.fault({"system": "vss", "action": "status", "status": 200, "json": {"data": {}}, "match": {"path": r"wait\d$"}, "times": None})
    paths = [{"path": f"wait{number}"} for number in range(4)]
    call = {"calls": paths, "concurrency": 1, "max_wait": 2.5, "retries": 2, **with_addresses(known("vss"), emulator)}
    run = stage.tasks({"name": "calls", f"{NAMESPACE}.vss_api": call, "ignore_errors": True}).good()
    assert [one["failed"] for one in run.result("calls")["results"]] == [False, False, True, True]
    assert run.result("calls")["results"][3]["error"]["kind"] == "rate_limited"
