# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cPanel/WHM: functions below ``/json-api/``, several envelopes, and one way to say no."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .system import Description, Settings, System
from .whm_auth import Gate, Hulk, first_tokens
from .whm_tokens import Caller, Failed, Params, Tokens, acl_map, one_of
from .wire import JSON_TYPE, Call, Json, Reply, integer, json_reply

PREFIX = "json-api/"
DENIED = "Access denied"
LOGIN_FUNCTION = "api_token_create"
NEEDED = {
    "version": "basic-system-info",
    "loadavg": "basic-system-info",
    "applist": "basic-whm-functions",
    "listaccts": "list-accts",
    "createacct": "create-acct",
    "suspendacct": "suspend-acct",
    "unsuspendacct": "suspend-acct",
    "cpanel": "cpanel-api",
    "uapi_cpanel": "cpanel-api",
}


@dataclass
class WhmSettings(Settings):
    """``version``: cPanel's major version. ``denial``: cpanelresult, html (a 401), or tfa (passwords meet the page for the second factor).

    ``ignored``: parameters that the functions in ``ignored_by`` pay no attention to, as older versions do.
    """

    version: int = 136
    denial: str = "cpanelresult"
    acl_denial_status: int = 200
    times_as_strings: bool = False
    revoke_missing_ok: bool = True
    update_keeps_whitelist: bool = False
    hulk: bool = True
    hulk_ip_limit: int = 5
    hulk_account_limit: int = 15
    hulk_counts_tokens: bool = False
    accounts: int = 25
    ignored: list[str] = field(default_factory=list)
    ignored_by: list[str] = field(default_factory=lambda: ["api_token_create", "api_token_update"])


class Whm(System[WhmSettings]):
    name = "whm"
    settings_type = WhmSettings

    def clear(self) -> None:
        self.tokens = Tokens(self.clock, lambda: self.settings, first_tokens(self.clock.now()))
        self.hulk = Hulk(self.clock)
        self.gate = Gate(self.clock, self.tokens, self.hulk)
        self.users = {f"user{number:02d}": _account(number) for number in range(1, self.settings.accounts + 1)}
        self._functions: dict[str, Callable[[Caller, Params], Json | None]] = {
            "listaccts": self._listaccts,
            "createacct": self._createacct,
            "suspendacct": lambda _caller, params: self._suspend(params, True),
            "unsuspendacct": lambda _caller, params: self._suspend(params, False),
            "myprivs": lambda caller, _params: {"privileges": [acl_map(sorted(caller.privileges), caller.user == "root")]},
            "applist": lambda _caller, _params: {"app": sorted([*self._functions, *NEEDED])},
            "uapi_cpanel": self._uapi,
            **self.tokens.functions,
        }
        self._bare: dict[str, Callable[[Params], Json]] = {"version": self._version, "loadavg": self._loadavg, "cpanel": self._cpanel}

    def changed(self, values: dict[str, Any]) -> None:
        if "accounts" in values:
            self.users = {f"user{number:02d}": _account(number) for number in range(1, self.settings.accounts + 1)}

    def revoke_all(self) -> int:
        return self.tokens.revoke_all()

    def describe(self, call: Call) -> Description:
        function = call.path.removeprefix(PREFIX).strip("/")
        return Description(function, login=function == LOGIN_FUNCTION)

    # answers

    def refusal(self) -> Reply:
        if self.settings.denial == "html":
            return Reply(401, b"<html><body><h1>401 Token Denied</h1></body></html>", "text/html", reason="Token Denied")
        body = {"cpanelresult": {"apiversion": "2", "error": DENIED, "data": {"reason": DENIED, "result": "0"}, "type": "text"}}
        reply = json_reply(body, 403)
        reply.content_type, reply.reason = "text/plain; charset=utf-8", "Forbidden Access denied"
        return reply

    def error(self, status: int, message: str) -> Reply:
        return Reply(status, f"<html><body><h1>{message}</h1></body></html>".encode(), "text/html")

    def handle(self, call: Call) -> Reply:
        if not call.path.startswith(PREFIX):
            return Reply(404, b"<html><body><h1>404 Not Found</h1></body></html>", "text/html")
        caller = self.gate.caller(call, self.settings)
        if caller is None:
            return self.refusal()
        if self.settings.denial == "tfa" and "basic" in call.kinds:
            return Reply(200, b'<html><body><form id="tfa_login_form"></form></body></html>', "text/html", ok=False)
        params: Params = [*call.query, *call.form()]
        if self.describe(call).function in self.settings.ignored_by:
            params = [(name, value) for name, value in params if re.sub(r"-\d+$", "", name) not in self.settings.ignored]
        reply = self._call(self.describe(call).function, caller, params)
        reply.content_type = f"{JSON_TYPE}; charset=utf-8"
        return reply

    def _call(self, function: str, caller: Caller, params: Params) -> Reply:
        version_one = one_of(params, "api.version") == "1"
        if not self._known(function):
            return self._envelope(function, None, f'Unknown app ("{function}") requested for this version ({int(version_one)}) of the API.', 0, version_one)
        needed = self._needs(function)
        if needed and not caller.may(needed):
            reply = self._envelope(function, None, DENIED, 0, version_one)
            reply.status = self.settings.acl_denial_status
            return reply
        if function in self._bare:
            return json_reply(self._bare[function](params))
        try:
            data = self._functions[function](caller, params)
        except Failed as failed:
            return self._envelope(function, None, str(failed), 0, version_one)
        return self._envelope(function, *_chunk(data, params), 1, version_one)

    def _known(self, function: str) -> bool:
        if function == "api_token_get_details" and self.settings.version < 98:
            return False
        return function in self._functions or function in self._bare

    @staticmethod
    def _needs(function: str) -> str:
        """The privilege without which the function is refused; ``myprivs`` is for everybody."""
        return "manage-api-tokens" if function.startswith("api_token_") else NEEDED.get(function, "")

    @staticmethod
    def _envelope(function: str, data: Json | None, more: str | Json, result: int, version_one: bool) -> Reply:
        """API 1: ``data`` and ``metadata``. Without ``api.version=1``: all in one, with ``status`` and ``statusmsg``."""
        reason = more if isinstance(more, str) else "OK"
        if not version_one:
            return json_reply({**(data or {}), "status": result, "statusmsg": reason}, ok=result == 1)
        metadata: Json = {"command": function, "reason": reason, "result": result, "version": 1}
        if isinstance(more, dict):
            metadata.update(more)
        return json_reply({"metadata": metadata} if data is None else {"data": data, "metadata": metadata}, ok=result == 1)

    # functions without metadata

    def _version(self, _params: Params) -> Json:
        version = f"11.{self.settings.version}.0.5"
        return {"cpanelresult": {"apiversion": "2", "func": "version", "module": "", "data": {"version": version, "result": "1"}, "version": version}}

    @staticmethod
    def _loadavg(_params: Params) -> Json:
        return {"one": "0.12", "five": "0.34", "fifteen": "0.56"}

    def _cpanel(self, params: Params) -> Json:
        user, module, function = (one_of(params, f"cpanel_jsonapi_{name}") for name in ("user", "module", "func"))
        if user not in self.users:
            reason = "User parameter is invalid or was not supplied"
            return {"data": {"reason": reason, "result": "0"}, "type": "text", "error": reason}
        if one_of(params, "cpanel_jsonapi_apiversion") == "3":
            return {"module": module, "func": function, "apiversion": 3, "result": _uapi_result(module, function)}
        return {"cpanelresult": {"apiversion": 2, "module": module, "func": function, "data": [], "event": {"result": 1}}}

    # functions with metadata

    def _listaccts(self, _caller: Caller, params: Params) -> Json:
        rows = list(self.users.values())
        if one_of(params, "api.filter.enable") == "1":
            rows = [row for row in rows if _passes(row, params)]
        return {"acct": rows}

    def _createacct(self, caller: Caller, params: Params) -> Json:
        name = one_of(params, "username")
        if not re.match(r"^[a-z][a-z0-9]{0,15}$", name) or not one_of(params, "domain"):
            raise Failed("Account Creation Failed: a username and a domain are needed.")
        if name in self.users:
            raise Failed(f"Account Creation Failed: the username \u201c{name}\u201d is taken.")
        number = len(self.users) + 1
        self.users[name] = {**_account(number), "user": name, "domain": one_of(params, "domain"), "owner": caller.user}
        return {"ip": "192.0.2.80", "nameserver": "ns1.example.com", "package": one_of(params, "plan") or "default"}

    def _suspend(self, params: Params, suspended: bool) -> None:
        user = self.users.get(one_of(params, "user"))
        if user is None:
            raise Failed("The user does not exist.")
        user.update(suspended=int(suspended), suspendreason=one_of(params, "reason") or "Unknown" if suspended else "not suspended")

    def _uapi(self, _caller: Caller, params: Params) -> Json:
        """The outer result is 1 although the inner one may be 0."""
        if one_of(params, "cpanel.user") not in self.users:
            raise Failed("The \u201ccpanel.user\u201d parameter is not valid.")
        return {"uapi": _uapi_result(one_of(params, "cpanel.module"), one_of(params, "cpanel.function"))}


def _account(number: int) -> Json:
    name = f"user{number:02d}"
    return {
        "user": name,
        "domain": f"{name}.example.com",
        "email": "*unknown*",
        "owner": "root",
        "ip": "192.0.2.80",
        "suspended": 0,
        "suspendreason": "not suspended",
        "plan": "default",
        "diskused": "12M",
        "disklimit": "unlimited",
        "unix_startdate": "1483625276",
    }


def _uapi_result(module: str, function: str) -> Json:
    rest: Json = {"messages": None, "warnings": None, "metadata": {}}
    if (module, function) == ("Email", "list_pops"):
        return {"status": 1, "errors": None, "data": [{"email": "info@example.com", "login": "info"}], **rest}
    return {"status": 0, "errors": [f"Failed to load module \u201c{module}\u201d, or it has no function \u201c{function}\u201d."], "data": None, **rest}


FILTERS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda value, wanted: wanted in value,
    "begins": lambda value, wanted: value.startswith(wanted),
    "eq": lambda value, wanted: value == wanted,
}


def _passes(row: Json, params: Params) -> bool:
    """The first filter, ``a``."""
    test = FILTERS.get(one_of(params, "api.filter.a.type") or "contains", FILTERS["eq"])
    wanted, column = one_of(params, "api.filter.a.arg0"), one_of(params, "api.filter.a.field")
    return any(test(str(value), wanted) for key, value in row.items() if column in ("", "*", key))


def _chunk(data: Json | None, params: Params) -> tuple[Json | None, Json]:
    """One page of the first list in the data; ``metadata.chunk`` only where it is asked for."""
    key = next((key for key, value in (data or {}).items() if isinstance(value, list)), None)
    if data is None or key is None or one_of(params, "api.chunk.enable") != "1":
        return data, {}
    rows, size = data[key], max(1, integer(one_of(params, "api.chunk.size"), 10))
    start = max(1, integer(one_of(params, "api.chunk.start"), 1))
    page = rows[start - 1 : start - 1 + size]
    shape = {"start": start, "current": (start - 1) // size + 1, "size": size, "chunks": -(-len(rows) // size), "records": len(rows)}
    return {**data, key: page}, {"chunk": shape} if one_of(params, "api.chunk.verbose") == "1" else {}
