# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The envelopes of cPanel's three APIs, as servers were recorded: UAPI, API 2 and API 1.

Recordings: the cassettes of https://github.com/site5/lumberg.
"""

from __future__ import annotations

from ..served import Answer, Json, json_answer
from .cpanel_user import CpanelUser, EventFailed, UapiError
from .params import Params, last_of

MODULES = ("Email", "SSL", "DomainInfo", "DNS", "DynamicDNS", "Cron", "Park", "ZoneEdit", "Mysql")
BAD_USER = "User parameter is invalid or was not supplied"


def whm_answer(data: Json, ok: bool = True, status: int = 200) -> Answer:
    """Write JSON as WHM does, without blanks."""
    return json_answer(data, status, ok, compact=True)


def bad_user() -> Answer:
    return whm_answer({"data": {"reason": BAD_USER, "result": "0"}, "type": "text", "error": BAD_USER}, ok=False)


def uapi_result(user: CpanelUser, module: str, function: str, params: Params) -> Json:
    """Return ``status``, ``data``, ``errors``, ``messages``, ``warnings`` and ``metadata``."""
    rest: Json = {"messages": None, "warnings": None, "metadata": {}}
    action = user.uapi.get((module, function))
    try:
        if action is None:
            raise UapiError(_missing(module, function))
        data = action(params)
    except UapiError as error:
        return {"status": 0, "errors": [str(error)], "data": None, **rest}
    if isinstance(data, list):
        rest["metadata"] = {"transformed": 1} if module == "Email" else {}
    return {"status": 1, "errors": None, "data": data, **rest}


def _missing(module: str, function: str) -> str:
    if module in MODULES:
        return f"Could not find function '{function}' in module '{module}'"
    return f"Failed to load module \u201c{module}\u201d: Can\u2019t locate Cpanel/API/{module}.pm"


def through_cpanel(user: CpanelUser, params: Params) -> Answer:
    """Answer the function ``cpanel`` in the shape of its ``cpanel_jsonapi_apiversion``."""
    module, function = last_of(params, "cpanel_jsonapi_module"), last_of(params, "cpanel_jsonapi_func")
    version = last_of(params, "cpanel_jsonapi_apiversion") or "2"
    if version == "3":
        result = uapi_result(user, module, function, params)
        return whm_answer({"module": module, "func": function, "apiversion": 3, "result": result}, ok=result["status"] == 1)
    return _api1(user, module, function, params) if version == "1" else _api2(user, module, function, params)


def _api2(user: CpanelUser, module: str, function: str, params: Params) -> Answer:
    """Answer rows: the event went well, and a row says what became of the change; its words are repeated in ``error`` by some functions."""
    action = user.api2.get((module, function))
    head: Json = {"apiversion": 2, "module": module, "func": function}
    if action is None:
        reason = f"Could not find function '{function}' in module '{module}'"
        failed = {"error": reason, "data": {"reason": reason, "result": "0"}, "event": {"result": 0, "reason": reason}}
        return whm_answer({"cpanelresult": {**head, **failed}}, ok=False)
    rows = action(params)
    refused = next((row["reason"] for row in rows if row.get("result") == 0), None)
    if refused is not None:
        head["error"] = refused
    return whm_answer({"cpanelresult": {**head, "data": rows, "event": {"result": 1}, "preevent": {"result": 1}, "postevent": {"result": 1}}})


def _api1(user: CpanelUser, module: str, function: str, params: Params) -> Answer:
    head: Json = {"apiversion": "1", "type": "event", "module": module, "func": function, "source": "module"}
    action = user.api1.get((module, function))
    try:
        if action is None:
            raise EventFailed(f"Cpanel::{module}::{function} failed: Undefined subroutine &Cpanel::{module}::{module}_{function} called")
        result = action(params)
    except EventFailed as error:
        return whm_answer({**head, "data": {"result": ""}, "event": {"result": 0, "reason": str(error)}}, ok=False)
    return whm_answer({**head, "data": {"result": result}, "event": {"result": 1}})


def execute(user: CpanelUser, module: str, function: str, params: Params) -> Answer:
    """Answer ``/execute/Module/function``: UAPI's result without more around it."""
    result = uapi_result(user, module, function, params)
    return whm_answer(result, ok=result["status"] == 1)
