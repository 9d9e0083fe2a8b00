# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RackCorp's two entries: ``json.php`` with a command, and REST paths."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..served import Answer, BadBody, Json, ServedRequest
from ..system import Description, System
from .commands import Commands, window
from .errors import Fault, denied
from .login import CREDENTIAL_PARAMS, Logins, RackcorpSettings, php_answer

PATH = re.compile(r"^api/(?:rest/)?v[0-9.]+/(.*)$")
JWT_PATH = "customer/jsonwebtoken"
# Refusals of commands that are older than v2.4 carry ``fault`` too, as the client rackcorp-api-client 0.0.4 (PyPI) reads them.
OLDER = ("session.", "device.", "order.", "rctransaction.")
# Refusals of these have words in ``debug`` alone, which the Go client prefers to ``message`` (error.go).
NEWER = ("loadbalancer.",)


class Rackcorp(System[RackcorpSettings]):
    name = "rackcorp"
    mounts = ("rackcorp",)
    settings_type = RackcorpSettings

    def clear(self) -> None:
        self.logins = Logins(self.clock, lambda: self.settings)
        self.commands = Commands(lambda: self.settings)

    def changed(self, values: dict[str, Any]) -> None:
        if "devices" in values:
            self.commands = Commands(lambda: self.settings)

    def replays(self) -> int:
        return self.logins.totp.replays

    def revoke_all(self) -> int:
        return self.logins.tokens.revoke_all() + self.logins.sessions.revoke_all()

    # What a request asks for.

    def describe(self, request: ServedRequest) -> Description:
        rest = self._path(request)
        if rest == JWT_PATH:
            return Description(JWT_PATH, login=True)
        if rest != "json.php":
            return Description(f"{request.method} {rest}")
        cmd = str(self._asked(request).get("cmd", ""))
        return Description(cmd, login=cmd == "session.login")

    @staticmethod
    def _path(request: ServedRequest) -> str:
        found = PATH.match(request.path)
        return found.group(1).strip("/") if found else ""

    @staticmethod
    def _asked(request: ServedRequest) -> Json:
        """Return query and body as one; the body wins."""
        try:
            body = request.json_object()
        except BadBody:
            body = {}
        return {**dict(request.query), **body}

    # Answers.

    def refusal(self) -> Answer:
        return self._failure(denied(), "device.get")

    def error(self, status: int, message: str) -> Answer:
        return php_answer({"code": "FAULT", "message": message}, status)

    def _failure(self, fault: Fault, cmd: str, echo: Any = None) -> Answer:
        body: Json = {"code": fault.code, "message": fault.message}
        if fault.fields:
            body["error"] = fault.fields
        if cmd.startswith(OLDER):
            body["fault"] = {"faultcode": fault.code, "faultstring": fault.message}
        if cmd.startswith(NEWER):
            body.update(message="", debug=fault.message)
        if echo is not None:
            body["debug"] = echo
        return php_answer(body, self.settings.error_status, ok=False)

    def handle(self, request: ServedRequest) -> Answer:
        rest = self._path(request)
        if not rest:
            return Answer(404, b"<html><body><h1>404 Not Found</h1></body></html>", "text/html")
        echo = {"request": request.body.decode("utf-8", "replace"), "headers": dict(request.headers)} if self.settings.debug_echo else None
        cmd = str(self._asked(request).get("cmd", "")) if rest == "json.php" else ""
        try:
            request.json_object()
            return self._route(request, rest, cmd)
        except BadBody:
            return self._failure(Fault("Invalid JSON"), cmd, echo)
        except Fault as fault:
            return self._failure(fault, cmd, echo)

    def _route(self, request: ServedRequest, rest: str, cmd: str) -> Answer:
        asked = self._asked(request)
        if cmd == "session.login":
            self.logins.credentials(request, asked)
            return self.logins.log_in(request, asked)
        authenticated = self.logins.authenticate(request, asked)
        if cmd == "session.iscurrent":
            return php_answer({"code": "OK", "message": "Session lookup", "userstatus": authenticated})
        if not authenticated:
            raise denied()
        params = {key: value for key, value in asked.items() if key not in CREDENTIAL_PARAMS}
        if rest == JWT_PATH:
            return self.logins.jwt_from_key(request)
        return self._command(cmd, params) if rest == "json.php" else self._rest(request, rest, params)

    def _command(self, cmd: str, params: Json) -> Answer:
        if cmd in self.settings.denied:
            raise denied()
        command = self.commands.by_name.get(cmd)
        if command is None:
            raise Fault(f"Unknown command: {cmd}")
        return php_answer({"code": "OK", "message": "OK", **command(params)})

    def _rest(self, request: ServedRequest, rest: str, params: Json) -> Answer:
        """Answer under ``data``, with lists where ``json.php`` has objects."""
        commands = self.commands
        kind, _sep, number = rest.rpartition("/")
        owner = kind.rpartition("/")[2]
        one: dict[tuple[str, str], Callable[[], Json]] = {
            ("GET", "devices"): lambda: {"data": commands.devices.show(number), "message": "Device looked up successfully"},
            ("GET", "dns/domain"): lambda: {"data": commands.zones.domain(number)},
            ("GET", "dns/records"): lambda: {"data": commands.zones.record(number)},
            ("DELETE", "dns/records"): lambda: commands.delete_record({"id": number}),
            ("GET", "order"): lambda: {"data": commands.orders.show(number), "message": "Order lookup successful"},
            ("PUT", f"devices/{owner}"): lambda: commands.update_firewall({**params, "deviceId": owner}) if number == "firewall" else self._unknown(),
        }
        whole: dict[tuple[str, str], Callable[[], Json]] = {
            ("GET", "dns/domain"): lambda: window(commands.zones.rows(params), params, "data", "matches"),
            ("POST", "dns/records"): lambda: commands.create_records(params),
            ("GET", "devices"): lambda: commands.list_devices(params),
            ("POST", "rctransaction"): lambda: {"data": commands.transactions.create(params), "message": "Transaction successfully created"},
        }
        action = whole.get((request.method, rest)) or one.get((request.method, kind)) or self._unknown
        return php_answer({"code": "OK", "message": "OK", **action()})

    @staticmethod
    def _unknown() -> Json:
        raise Fault("Unknown resource")
