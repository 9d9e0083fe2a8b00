# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies that are no success, or have no body, in any of their forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from emulator.client import Emulator

READ = {"path": "devices"}

# -- replies without a body ----------------------------------------------------------------------------------------

HEADS = {"rackcorp": "devices", "netography": "devices", "vss": "v2/vm"}


@pytest.mark.parametrize("system", HEADS)
@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request"), (401, "credentials"), (403, "forbidden"), (404, "not_found"), (429, "rate_limited"), (500, "server"), (503, "server")],
)
def test_what_has_no_body_is_refused_by_its_status(task: Callable[..., Any], emulator: Emulator, system: str, status: int, kind: str) -> None:
    emulator.fault({"system": system, "action": "status", "status": status, "match": {"method": "HEAD"}})
    result = task(system, path=HEADS[system], method="HEAD").result()
    assert (result["error"]["kind"], result["status"], result["sent"]) == (kind, status, True)
    assert f"HEAD {HEADS[system]} " in result["msg"]


@pytest.mark.parametrize("system", HEADS)
def test_a_dead_token_is_replaced_also_for_what_has_no_body(task: Callable[..., Any], emulator: Emulator, system: str) -> None:
    emulator.fault(
        {"system": system, "action": "status", "status": 401, "match": {"method": "HEAD"}},
        {"system": system, "action": "status", "status": 200, "match": {"method": "HEAD"}},
    )
    result = task(system, cached=True, path=HEADS[system], method="HEAD").result()
    assert (result["status"], result["tries"], emulator.logins(system)) == (200, 2, 2)
    assert not result["data"]


# -- errors that came as a success ---------------------------------------------------------------------------------

INNER = [(400, "invalid_request"), (401, "credentials"), (403, "forbidden"), (404, "not_found"), (429, "rate_limited"), (500, "server")]
ENVELOPED = {"vss": ({"path": "v2/vm"}, "error"), "netography": (READ, "name")}


@pytest.mark.parametrize("system", ENVELOPED)
@pytest.mark.parametrize(("status", "kind"), INNER)
@pytest.mark.parametrize("more", [{}, {"data": None}])
def test_an_error_inside_of_a_success(task: Callable[..., Any], emulator: Emulator, system: str, status: int, kind: str, more: dict[str, Any]) -> None:
    call, code = ENVELOPED[system]
    body = {"status": status, code: "Words", "message": "No.", **more}
    emulator.fault({"system": system, "action": "status", "status": 200, "match": {"login": False}, "json": body})
    result = task(system, **call).result()
    assert result["failed"]
    assert (result["status"], result["error"]) == (200, {"kind": kind, "code": "Words", "message": "No."})


@pytest.mark.parametrize(("status", "kind"), INNER)
@pytest.mark.parametrize(("more", "told"), [({}, {}), ({"data": None, "message": "No."}, {"message": "No."})])
def test_a_code_of_an_error_in_the_envelope(
    task: Callable[..., Any], emulator: Emulator, status: int, kind: str, more: dict[str, Any], told: dict[str, str]
) -> None:
    emulator.fault({"system": "netography", "action": "status", "status": 200, "match": {"login": False}, "json": {"meta": {"code": status}, **more}})
    assert task("netography", **READ).result()["error"] == {"kind": kind, "code": str(status), **told}


@pytest.mark.parametrize("system", ENVELOPED)
def test_a_dead_token_is_replaced_also_where_http_tells_a_success(task: Callable[..., Any], emulator: Emulator, system: str) -> None:
    body = {"status": 401, "message": "Invalid or expired token."}
    emulator.fault({"system": system, "action": "status", "status": 200, "match": {"login": False}, "json": body})
    result = task(system, cached=True, **ENVELOPED[system][0]).result()
    assert (result.get("failed"), result["tries"], emulator.logins(system)) == (None, 2, 2)


@pytest.mark.parametrize("system", ENVELOPED)
def test_a_login_refused_inside_of_a_success(task: Callable[..., Any], emulator: Emulator, system: str) -> None:
    call, code = ENVELOPED[system]
    body = {"status": 401, code: "unauthorized", "message": "No."}
    emulator.fault({"system": system, "action": "status", "status": 200, "match": {"login": True}, "json": body})
    result = task(system, **call).result()
    assert (result["error"], result["sent"]) == ({"kind": "credentials", "code": "unauthorized", "message": "No."}, False)


@pytest.mark.parametrize("system", ENVELOPED)
@pytest.mark.parametrize(
    "body",
    [
        {"status": "poweredOn", "message": "Tools are not installed", "name": "vm01"},
        {"status": 401, "name": "vm01", "uuid": "x"},
        {"status": 200, "message": "pong"},
        {"status": 1, "message": "x"},
        {"status": True, "message": "x"},
        {"message": "error: not found"},
        {"meta": {"code": 200}},
        {"meta": {"code": "n/a"}},
        [{"status": 401, "message": "x"}],
    ],
)
def test_a_payload_may_speak_of_a_status(task: Callable[..., Any], emulator: Emulator, system: str, body: Any) -> None:
    emulator.fault({"system": system, "action": "status", "status": 200, "match": {"login": False}, "json": body})
    result = task(system, **ENVELOPED[system][0]).result()
    assert (result.get("failed"), result.get("data")) == (None, body)


def test_a_number_without_end_is_no_status(task: Callable[..., Any], emulator: Emulator) -> None:
    emulator.fault({"system": "vss", "action": "status", "status": 200, "match": {"login": False}, "body": '{"status": 1e999, "message": "x"}'})
    assert task("vss", path="v2/vm").result()["data"] == {"status": float("inf"), "message": "x"}


@pytest.mark.parametrize("system", ENVELOPED)
@pytest.mark.parametrize("data", [{"status": 401, "message": "x"}, [], "", 0])
def test_data_is_a_success(task: Callable[..., Any], emulator: Emulator, system: str, data: Any) -> None:
    body = {"data": data, "status": 403, "message": "x"}
    emulator.fault({"system": system, "action": "status", "status": 200, "match": {"login": False}, "json": body})
    result = task(system, **ENVELOPED[system][0]).result()
    assert (result.get("failed"), result.get("data")) == (None, data)


# -- what no header can hold -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("system", "user"), [("vss", {"username": "vsskey1:x"}), ("rackcorp", {"api_uuid": "uuid:x"})])
def test_a_user_name_with_a_colon_costs_no_login(task: Callable[..., Any], emulator: Emulator, system: str, user: dict[str, str]) -> None:
    """Basic authentication ends the name at the first colon."""
    result = task(system, **user, **READ).result()
    assert (result["error"]["kind"], result["sent"], emulator.log(system=system)) == ("configuration", False, [])
    assert "the user name contains a colon" in result["msg"]
