# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VSS: asynchronous requests, followed to their end, and what is told where that fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import calls
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError

ONE: dict[str, Any] = {"path": "v2/vm", "method": "POST", "body": {"built_from": "template", "description": "x"}}
SEVERAL = {**ONE, "body": {**ONE["body"], "count": 3}}


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "POLL_FIRST", 0.001)


@pytest.mark.parametrize("spelling", ["name", "human"])
@pytest.mark.parametrize(("call", "count"), [(ONE, 1), (SEVERAL, 3)])
def test_waiting_for_requests(task: Callable[..., Any], emulator: Emulator, no_pauses: None, spelling: str, call: dict[str, Any], count: int) -> None:
    emulator.settings(vss={"spelling": spelling})
    result = task("vss", wait=True, wait_timeout=5, **call).result()
    assert not result.get("failed"), result
    data = result["data"] if count > 1 else [result["data"]]
    assert [one["status"] for one in data] == ["PROCESSED" if spelling == "name" else "Processed"] * count
    assert all(one["vm_uuid"] for one in data)
    assert (result["tries"], result["changed"]) == (1 + 3 * count, True)
    assert [entry["method"] for entry in emulator.log(login=False)] == ["POST"] + ["GET"] * 3 * count


def test_not_waiting_for_requests(task: Callable[..., Any], emulator: Emulator) -> None:
    result = task("vss", **ONE).result()
    assert (result["status"], result["data"]["request"]["status"], emulator.calls("vss")) == (202, "PENDING", 1)


@pytest.mark.parametrize("spelling", ["name", "human"])
@pytest.mark.parametrize("final", ["ERROR", "ERROR_RETRY", "CANCELLED", "REFUSED", "MISSED"])
def test_requests_that_end_badly(task: Callable[..., Any], emulator: Emulator, no_pauses: None, spelling: str, final: str) -> None:
    emulator.settings(vss={"spelling": spelling, "final": final, "errors": ["No space", "left"]})
    result = task("vss", wait=True, wait_timeout=5, **ONE).result()
    assert (result["failed"], result["sent"], result["error"]) == (True, True, {"kind": "server", "code": final, "message": "No space; left"})
    assert f"request 5001 ended as {final} (No space; left)" in result["msg"]


def test_scheduled_is_an_end(task: Callable[..., Any], emulator: Emulator, no_pauses: None) -> None:
    emulator.settings(vss={"final": "SCHEDULED"})
    assert task("vss", wait=True, wait_timeout=5, **ONE).result()["data"]["status"] == "SCHEDULED"


def test_no_reason_is_made_up(task: Callable[..., Any], emulator: Emulator, no_pauses: None) -> None:
    emulator.settings(vss={"final": "REFUSED", "errors": []})
    result = task("vss", wait=True, wait_timeout=5, **ONE).result()
    assert result["error"] == {"kind": "server", "code": "REFUSED"}
    assert "ended as REFUSED (no reason was given)" in result["msg"]


def test_what_a_failed_wait_tells(task: Callable[..., Any], emulator: Emulator, no_pauses: None) -> None:
    """A change that was taken has changed something, unless its request ended badly; every request counts."""
    emulator.settings(vss={"final": "REFUSED"})
    ended = task("vss", wait=True, wait_timeout=5, **ONE).result()
    assert (ended["changed"], ended["tries"], "do not make it again" in ended["msg"]) == (False, emulator.calls("vss"), False)
    emulator.reset()
    emulator.fault({"system": "vss", "action": "status", "status": 403, "skip": 2, "match": {"login": False}})
    failed = task("vss", wait=True, wait_timeout=5, **ONE).result()
    assert (failed["changed"], failed["tries"], failed["error"]["kind"]) == (True, 3, "forbidden")
    assert failed["msg"].endswith("; the call itself was made, so do not make it again")


ASYNCHRONOUS = {"status": 202, "message": "Accepted", "request": {"id": 5, "status": "SUBMITTED"}}


def test_a_link_beside_the_payload_is_followed(task: Callable[..., Any], emulator: Emulator, no_pauses: None) -> None:
    link = f"{emulator.url('vss')}/v2/request/new/5001"
    body = {"data": ASYNCHRONOUS, "_links": {"request": link}}
    emulator.fault({"system": "vss", "action": "status", "status": 202, "match": {"method": "POST", "login": False}, "json": body})
    result = task("vss", wait=True, wait_timeout=5, **ONE).result()
    assert emulator.log(login=False)[1]["path"] == "v2/request/new/5001"
    assert (result["failed"], result["changed"], result["error"]["kind"]) == (True, True, "not_found")


def test_a_request_that_cannot_be_followed_is_no_success(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "vss", "action": "status", "status": 202, "match": {"login": False}, "json": {"data": ASYNCHRONOUS}, "times": None})
    result = task("vss", wait=True, wait_timeout=5, **ONE).result()
    assert (result["failed"], result["changed"], result["status"], result["tries"], result["error"]["kind"]) == (True, True, 202, 1, "protocol")
    assert "was accepted, but the reply does not say where to follow it" in result["msg"]
    assert task("vss", **ONE).result()["status"] == 202


def test_the_last_look_is_at_the_end(task: Callable[..., Any], emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when a pause that reaches beyond the end ends the waiting before its time."""
    monkeypatch.setattr(calls, "POLL_FIRST", 30.0)
    started = time.monotonic()
    result = task("vss", wait=True, wait_timeout=0.3, **ONE).result()
    assert (result["failed"], result["tries"]) == (True, 3)
    assert 0.3 <= time.monotonic() - started < 5


def test_waiting_has_an_end(task: Callable[..., Any], emulator: Emulator, no_pauses: None) -> None:
    emulator.settings(vss={"final": "APPROVAL_REQUIRED"})
    started = time.monotonic()
    result = task("vss", wait=True, wait_timeout=0.3, **ONE).result()
    assert time.monotonic() - started < 2
    assert "request 5001 has not ended within 0.3 seconds; raise wait_timeout" in result["msg"]


@pytest.mark.parametrize(
    ("task_level", "first", "second", "told"),
    [
        (None, 0.2, 0.1, (0.2, 0.1)),
        (0.3, None, None, (0.3, 0.3)),
        (0.3, 0.1, None, (0.1, 0.3)),
        (0.2, None, 0, (0.2, 0)),
        (3600, 0.2, 0.1, (0.2, 0.1)),
    ],
)
def test_each_call_has_its_own_end_of_waiting(
    task: Callable[..., Any], emulator: Emulator, no_pauses: None, task_level: Any, first: Any, second: Any, told: tuple[float, float]
) -> None:
    emulator.settings(vss={"final": "APPROVAL_REQUIRED"})
    calls = [{**ONE, "wait": True, "wait_timeout": seconds} for seconds in (first, second)]
    started = time.monotonic()
    results = task("vss", calls=calls, wait_timeout=task_level, concurrency=2).result()["results"]
    assert time.monotonic() - started < 3
    for result, seconds in zip(results, told, strict=True):
        assert f"has not ended within {seconds:g} seconds; raise wait_timeout" in result["msg"]


def test_no_end_of_waiting_makes_a_call_wait(task: Callable[..., Any], emulator: Emulator) -> None:
    result = task("vss", calls=[ONE, {**ONE, "wait_timeout": 5}], wait_timeout=10).result()
    assert [one["status"] for one in result["results"]] == [202, 202]
    assert emulator.calls("vss") == 2


def test_waiting_stands_beside_calls_no_more_than_before(task: Callable[..., Any], emulator: Emulator) -> None:
    with pytest.raises(ApiError, match="calls takes the place of wait; give one or the other"):
        task("vss", calls=[ONE], wait=True).result()
    with pytest.raises(ApiError, match="call 1: wait_timeout must be a number of zero or more"):
        task("vss", calls=[{**ONE, "wait_timeout": "soon"}]).result()
    assert emulator.log() == []


def test_a_change_is_followed_also_where_all_pages_are_asked_for(task: Callable[..., Any], emulator: Emulator, no_pauses: None) -> None:
    result = task("vss", calls=[{**ONE, "wait": True}, {"path": "v2/vm"}], all_pages=True, concurrency=1).result()
    assert (result["results"][0]["data"]["status"], len(result["results"][1]["data"])) == ("PROCESSED", 24)


def test_a_request_on_another_host_is_not_asked_for(task: Callable[..., Any], emulator: Emulator, no_pauses: None) -> None:
    emulator.settings(vss={"link_base": "https://evil.example/vss"})
    result = task("vss", wait=True, wait_timeout=5, **ONE).result()
    assert (result["error"]["kind"], result["sent"], emulator.calls("vss")) == ("protocol", True, 1)
