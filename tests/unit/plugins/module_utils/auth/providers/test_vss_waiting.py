# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VSS: asynchronous requests, followed until they finish, and what is reported if that fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.calls import run
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError

SINGLE: dict[str, Any] = {"path": "v2/vm", "method": "POST", "body": {"built_from": "template", "description": "x"}}
SEVERAL = {**SINGLE, "body": {**SINGLE["body"], "count": 3}}


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "POLL_FIRST", 0.001)


@pytest.mark.parametrize("spelling", ["name", "human"])
@pytest.mark.parametrize(("call", "count"), [(SINGLE, 1), (SEVERAL, 3)])
def test_waiting_for_requests(task: Callable[..., Any], emulator: Emulator, no_pauses: None, spelling: str, call: dict[str, Any], count: int) -> None:
    emulator.settings(vss={"spelling": spelling})
    result = task("vss", wait=True, wait_timeout=5, **call).result()
    assert not result.get("failed"), result
    data = result["data"] if count > 1 else [result["data"]]
    assert [request["status"] for request in data] == ["PROCESSED" if spelling == "name" else "Processed"] * count
    assert all(request["vm_uuid"] for request in data)
    assert result["tries"] == 1 + 3 * count
    assert result["changed"] is True
    assert [request["method"] for request in emulator.log(login=False)] == ["POST"] + ["GET"] * 3 * count


def test_not_waiting_for_requests(task: Callable[..., Any], emulator: Emulator) -> None:
    result = task("vss", **SINGLE).result()
    assert result["status"] == 202
    assert result["data"]["request"]["status"]
    assert emulator.calls("vss") == 1


@pytest.mark.parametrize("spelling", ["name", "human"])
@pytest.mark.parametrize("final", ["ERROR", "ERROR_RETRY", "CANCELLED", "REFUSED", "MISSED"])
def test_requests_that_fail(task: Callable[..., Any], emulator: Emulator, no_pauses: None, spelling: str, final: str) -> None:
    emulator.settings(vss={"spelling": spelling, "final": final, "errors": ["No space", "left"]})
    result = task("vss", wait=True, wait_timeout=5, **SINGLE).result()
    assert result["error"] == {"kind": "server", "code": final, "message": "No space; left"}
    assert result["sent"] is True
    assert result["changed"] is False
    assert f"request 5001 ended as {final} (No space; left)" in result["msg"]


def test_a_scheduled_request_is_finished(task: Callable[..., Any], emulator: Emulator, no_pauses: None) -> None:
    emulator.settings(vss={"final": "SCHEDULED"})
    assert task("vss", wait=True, wait_timeout=5, **SINGLE).result()["data"]["status"] == "SCHEDULED"


def test_a_failed_request_without_a_reason(task: Callable[..., Any], emulator: Emulator, no_pauses: None) -> None:
    emulator.settings(vss={"final": "REFUSED", "errors": []})
    result = task("vss", wait=True, wait_timeout=5, **SINGLE).result()
    assert result["error"] == {"kind": "server", "code": "REFUSED"}
    assert "ended as REFUSED (no reason was given)" in result["msg"]


def test_what_a_failed_wait_reports(task: Callable[..., Any], emulator: Emulator, no_pauses: None) -> None:
    """An accepted change counts as one, unless its request failed; every HTTP request counts."""
    emulator.settings(vss={"final": "REFUSED"})
    ended = task("vss", wait=True, wait_timeout=5, **SINGLE).result()
    assert ended["changed"] is False
    assert ended["tries"] == emulator.calls("vss")
    assert "do not repeat it" not in ended["msg"]
    emulator.reset()
    emulator.fault({"system": "vss", "action": "status", "status": 403, "skip": 2, "match": {"login": False}})
    failed = task("vss", wait=True, wait_timeout=5, **SINGLE).result()
    assert failed["changed"] is True
    assert failed["tries"] == 3
    assert failed["error"]["kind"] == "forbidden"
    assert failed["msg"].endswith("; the call itself was made, so do not repeat it")


ASYNCHRONOUS = {"status": 202, "message": "Accepted", "request": {"id": 5, "status": "SUBMITTED"}}


def test_a_link_outside_of_the_payload_is_followed(task: Callable[..., Any], emulator: Emulator, no_pauses: None) -> None:
    link = f"{emulator.url('vss')}/v2/request/new/5001"
    body = {"data": ASYNCHRONOUS, "_links": {"request": link}}
    emulator.fault({"system": "vss", "action": "status", "status": 202, "match": {"method": "POST", "login": False}, "json": body})
    result = task("vss", wait=True, wait_timeout=5, **SINGLE).result()
    assert emulator.log(login=False)[1]["path"] == "v2/request/new/5001"
    assert result["error"]["kind"] == "not_found"
    assert result["changed"] is True


def test_a_request_that_cannot_be_followed_is_no_success(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "vss", "action": "status", "status": 202, "match": {"login": False}, "json": {"data": ASYNCHRONOUS}, "times": None})
    result = task("vss", wait=True, wait_timeout=5, **SINGLE).result()
    assert result["error"]["kind"] == "protocol"
    assert result["changed"] is True
    assert result["status"] == 202
    assert result["tries"] == 1
    assert "was accepted, but the reply does not say where to follow it" in result["msg"]
    assert task("vss", **SINGLE).result()["status"] == 202


def test_the_last_poll_is_at_the_deadline(task: Callable[..., Any], emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails if a pause that is longer than what is left ends the wait too early."""
    monkeypatch.setattr(run, "POLL_FIRST", 30.0)
    started = time.monotonic()
    result = task("vss", wait=True, wait_timeout=0.3, **SINGLE).result()
    assert result["failed"] is True
    assert result["tries"] == 3
    assert 0.3 <= time.monotonic() - started < 5


def test_waiting_ends_after_wait_timeout(task: Callable[..., Any], emulator: Emulator, no_pauses: None) -> None:
    emulator.settings(vss={"final": "APPROVAL_REQUIRED"})
    started = time.monotonic()
    result = task("vss", wait=True, wait_timeout=0.3, **SINGLE).result()
    assert time.monotonic() - started < 2
    assert "request 5001 has not finished within 0.3 seconds; raise wait_timeout" in result["msg"]


@pytest.mark.parametrize(
    ("task_level", "first", "second", "expected"),
    [
        (None, 0.2, 0.1, (0.2, 0.1)),
        (0.3, None, None, (0.3, 0.3)),
        (0.3, 0.1, None, (0.1, 0.3)),
        (0.2, None, 0, (0.2, 0)),
        (3600, 0.2, 0.1, (0.2, 0.1)),
    ],
)
def test_each_call_has_its_own_wait_timeout(
    task: Callable[..., Any], emulator: Emulator, no_pauses: None, task_level: Any, first: Any, second: Any, expected: tuple[float, float]
) -> None:
    emulator.settings(vss={"final": "APPROVAL_REQUIRED"})
    calls = [{**SINGLE, "wait": True, "wait_timeout": seconds} for seconds in (first, second)]
    started = time.monotonic()
    results = task("vss", calls=calls, wait_timeout=task_level, concurrency=2).result()["results"]
    assert time.monotonic() - started < 3
    for result, seconds in zip(results, expected, strict=True):
        assert f"has not finished within {seconds:g} seconds; raise wait_timeout" in result["msg"]


def test_wait_timeout_alone_makes_no_call_wait(task: Callable[..., Any], emulator: Emulator) -> None:
    result = task("vss", calls=[SINGLE, {**SINGLE, "wait_timeout": 5}], wait_timeout=10).result()
    assert [entry["status"] for entry in result["results"]] == [202, 202]
    assert emulator.calls("vss") == 2


def test_wait_belongs_to_each_of_several_calls(task: Callable[..., Any], emulator: Emulator) -> None:
    with pytest.raises(ApiError, match="calls replaces wait; give one or the other"):
        task("vss", calls=[SINGLE], wait=True).result()
    with pytest.raises(ApiError, match="call 1: wait_timeout must be a number of zero or more"):
        task("vss", calls=[{**SINGLE, "wait_timeout": "soon"}]).result()
    assert emulator.log() == []


def test_a_change_is_followed_with_all_pages_too(task: Callable[..., Any], emulator: Emulator, no_pauses: None) -> None:
    result = task("vss", calls=[{**SINGLE, "wait": True}, {"path": "v2/vm"}], all_pages=True, concurrency=1).result()
    assert (result["results"][0]["data"]["status"], len(result["results"][1]["data"])) == ("PROCESSED", 24)


def test_a_request_on_another_host_is_not_polled(task: Callable[..., Any], emulator: Emulator, no_pauses: None) -> None:
    emulator.settings(vss={"link_base": "https://evil.example/vss"})
    result = task("vss", wait=True, wait_timeout=5, **SINGLE).result()
    assert result["error"]["kind"] == "protocol"
    assert result["sent"] is True
    assert emulator.calls("vss") == 1
