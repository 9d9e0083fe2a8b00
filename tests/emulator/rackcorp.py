# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RackCorp: ``json.php`` with commands, REST paths, five ways to authenticate, errors as HTTP 200."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .accounts import ACCOUNTS
from .rackcorp_data import Data, Fault
from .store import Clock, TokenStore, same
from .system import Description, Settings, System
from .totp import Checker
from .wire import BadBody, Call, Json, Reply, integer, json_reply

PATH = re.compile(r"^api/(?:rest/)?v[0-9.]+/(.*)$")
SMALLEST_WINDOW = 20
JWT_PATH = "customer/jsonwebtoken"
CREDENTIAL_PARAMS = ("APIUUID", "APISECRET", "USERSESSIONID")


@dataclass
class RackcorpSettings(Settings):
    """``login_place``: token, cookie or sessionId. ``denied``: commands that the API key may not use. ``total_key``: count, matches or empty (none).

    ``warnings``: how many a list of devices has beside it.
    """

    token_ttl: float = 3600.0
    token_exp: bool = True
    login_place: str = "token"
    session_ttl: float = 1800.0
    error_status: int = 200
    denied: list[str] = field(default_factory=list)
    devices: int = 45
    warnings: int = 0
    total_key: str = "count"
    polls: int = 2
    totp_once: bool = True
    debug_echo: bool = False


class Rackcorp(System[RackcorpSettings]):
    name = "rackcorp"
    settings_type = RackcorpSettings

    def __init__(self, clock: Clock) -> None:
        self._commands: dict[str, Callable[[Json], Json]] = {
            "device.getall": self._devices,
            "device.get": lambda asked: {"device": self.data.device(asked.get("id", asked.get("deviceId")))},
            "dns.domain.getall": self._domains,
            "dns.domain.get": lambda asked: self.data.domain(asked.get("id")),
            "dns.record.get": lambda asked: {"data": self.data.record(asked.get("id"))},
            "dns.record.create": self._create_records,
            "dns.record.update": self._update_records,
            "dns.record.delete": self._delete_record,
            "order.create": self._create_order,
            "order.confirm": lambda asked: {"contractID": [self.data.confirm_order(asked.get("orderId"))], "message": "Order confirmed"},
            "order.get": lambda asked: {"order": self.data.order(asked.get("orderId")), "message": "Order lookup successful"},
            "order.contract.get": lambda asked: {"contract": self.data.contract(asked.get("contractId"), self.settings.polls)},
            "rctransaction.create": lambda asked: {"rcTransaction": self.data.create_transaction(asked), "message": "Transaction successfully created"},
            "rctransaction.get": lambda asked: {"rcTransaction": self.data.transaction(asked.get("rcTransactionId"), self.settings.polls)},
            "rctransaction.getall": self._transactions,
        }
        super().__init__(clock)

    def clear(self) -> None:
        self.tokens = TokenStore(self.clock)
        self.sessions = TokenStore(self.clock)
        self.totp = Checker()
        self.data = Data(self.settings.devices)

    def changed(self, values: dict[str, Any]) -> None:
        if "devices" in values:
            self.data = Data(self.settings.devices)

    def replays(self) -> int:
        return self.totp.replays

    def revoke_all(self) -> int:
        return self.tokens.revoke_all() + self.sessions.revoke_all()

    # what is asked for

    def describe(self, call: Call) -> Description:
        rest = self._path(call)
        if rest == JWT_PATH:
            return Description(JWT_PATH, login=True)
        if rest != "json.php":
            return Description(f"{call.method} {rest}")
        cmd = str(self._asked(call).get("cmd", ""))
        return Description(cmd, login=cmd == "session.login")

    @staticmethod
    def _path(call: Call) -> str:
        found = PATH.match(call.path)
        return found.group(1).strip("/") if found else ""

    @staticmethod
    def _asked(call: Call) -> Json:
        """Query and body; the body wins."""
        try:
            body = call.json_object()
        except BadBody:
            body = {}
        return {**dict(call.query), **body}

    # answers

    def refusal(self) -> Reply:
        return self._fail("ACCESS_DENIED", "Access Denied")

    def error(self, status: int, message: str) -> Reply:
        return json_reply({"code": "FAULT", "message": message}, status)

    def _fail(self, code: str, message: str, fields: dict[str, str] | None = None, echo: Any = None) -> Reply:
        body: Json = {"code": code, "message": message}
        if fields:
            body["error"] = fields
        if echo is not None:
            body["debug"] = echo
        return json_reply(body, self.settings.error_status, ok=False)

    def handle(self, call: Call) -> Reply:
        rest = self._path(call)
        if not rest:
            return Reply(404, b"<html><body><h1>404 Not Found</h1></body></html>", "text/html")
        echo = {"request": call.body.decode("utf-8", "replace"), "headers": dict(call.headers)} if self.settings.debug_echo else None
        try:
            call.json_object()
            return self._route(call, rest)
        except BadBody:
            return self._fail("FAULT", "Invalid JSON", echo=echo)
        except Fault as fault:
            return self._fail(fault.code, fault.message, fault.fields, echo)

    def _route(self, call: Call, rest: str) -> Reply:
        asked = self._asked(call)
        cmd = str(asked.get("cmd", "")) if rest == "json.php" else ""
        if cmd == "session.login":
            self._credential_kinds(call, asked)
            return self._login(call, asked)
        authenticated = self._authenticate(call, asked)
        if cmd == "session.iscurrent":
            return json_reply({"code": "OK", "message": "Session lookup", "userstatus": authenticated})
        if not authenticated:
            raise Fault("Access Denied", "ACCESS_DENIED")
        params = {key: value for key, value in asked.items() if key not in CREDENTIAL_PARAMS}
        if rest == JWT_PATH:
            return self._jwt_from_key(call)
        return self._command(cmd, params) if rest == "json.php" else self._rest(call, rest, params)

    def _command(self, cmd: str, params: Json) -> Reply:
        if cmd in self.settings.denied:
            raise Fault("Access Denied", "ACCESS_DENIED")
        command = self._commands.get(cmd)
        if command is None:
            raise Fault(f"Unknown command: {cmd}")
        return json_reply({"code": "OK", "message": "OK", **command(params)})

    def _rest(self, call: Call, rest: str, params: Json) -> Reply:
        """The REST spelling answers under ``data``, and lists where ``json.php`` has objects."""
        kind, _sep, number = rest.rpartition("/")
        listed = {"domains": list(self.data.domains.values())}
        routes: dict[tuple[str, str], Callable[[], Json]] = {
            ("GET", "devices"): lambda: {"data": self.data.device(number)},
            ("GET", "dns/domain"): lambda: {"data": self.data.domain(number)},
            ("GET", "dns/records"): lambda: {"data": self.data.record(number)},
            ("DELETE", "dns/records"): lambda: self._delete_record({"id": number}),
        }
        whole: dict[tuple[str, str], Callable[[], Json]] = {
            ("GET", "dns/domain"): lambda: self._window(listed["domains"], params, "data", "matches"),
            ("POST", "dns/records"): lambda: self._create_records(params),
            ("GET", "devices"): lambda: self._devices(params),
            ("POST", "rctransaction"): lambda: {"data": self.data.create_transaction(params)},
        }
        action = whole.get((call.method, rest)) or routes.get((call.method, kind))
        if action is None:
            raise Fault("Unknown resource")
        return json_reply({"code": "OK", "message": "OK", **action()})

    # authentication, in the server's order: API key, session, cookie, bearer

    def _credential_kinds(self, call: Call, asked: Json) -> list[tuple[str, Callable[[], str]]]:
        """Every credential that the request carries, noted, with the way to check it."""
        basic, bearer, cookie = call.basic(), call.bearer(), self._cookie(call)
        place = "query" if {"APIUUID", "APISECRET"} & dict(call.query).keys() else "body"
        session = asked.get("USERSESSIONID") or (asked.get("sessionId") if asked.get("cmd") == "session.iscurrent" else None)
        found: list[tuple[str, Callable[[], str]]] = []
        if basic is not None:
            found.append(("basic", lambda: self._key(*basic)))
        if "APIUUID" in asked or "APISECRET" in asked:
            found.append((place, lambda: self._key(str(asked.get("APIUUID", "")), str(asked.get("APISECRET", "")))))
        if session:
            found.append(("session", lambda: self._stored(self.sessions, str(session))))
        if cookie is not None:
            found.append(("cookie", lambda: self._stored(self.tokens, cookie)))
        if bearer is not None:
            found.append(("bearer", lambda: self._stored(self.tokens, bearer)))
        for kind, _check in found:
            call.saw(kind)
        if "APIUUID" in call.headers or "APISECRET" in call.headers:
            call.saw("headers")
        return found

    def _authenticate(self, call: Call, asked: Json) -> bool:
        found = self._credential_kinds(call, asked)
        call.principal = found[0][1]() if found else ""
        return bool(call.principal)

    @staticmethod
    def _cookie(call: Call) -> str | None:
        found = re.search(r"(?:^|;\s*)JWTSESSIONID=([^;]*)", call.headers.get("Cookie", ""))
        return found.group(1) if found else None

    @staticmethod
    def _key(uuid: str, secret: str) -> str:
        account = ACCOUNTS["rackcorp"]
        return uuid if same(uuid, account["api_uuid"]) and same(secret, account["api_secret"]) else ""

    @staticmethod
    def _stored(store: TokenStore, value: str) -> str:
        issued = store.find(value)
        return issued.principal if issued else ""

    def _jwt_from_key(self, call: Call) -> Reply:
        if call.method not in ("GET", "POST") or not {"basic", "body"} & set(call.kinds[:1]):
            raise Fault("Access Denied", "ACCESS_DENIED")
        return json_reply({"code": "OK", "message": "OK", "token": self._jwt(call.principal)})

    def _jwt(self, principal: str) -> str:
        return self.tokens.issue_jwt(principal, self.settings.token_ttl, with_exp=self.settings.token_exp).value

    def _login(self, call: Call, asked: Json) -> Reply:
        call.saw("password")
        account = self._user(asked)
        if account is None:
            raise Fault("Invalid username or password", "ACCESS_DENIED")
        if "totp_secret" in account:
            self._second_factor(call, account["totp_secret"], asked)
        call.principal = account["username"]
        return self._logged_in(account["username"], bool(integer(asked.get("jwt"), 0)))

    @staticmethod
    def _user(asked: Json) -> Json | None:
        name, password = str(asked.get("username", "")), str(asked.get("password", ""))
        users = (ACCOUNTS["rackcorp"], ACCOUNTS["rackcorp_2fa"])
        return next((user for user in users if user["username"] == name and same(user["password"], password)), None)

    def _second_factor(self, call: Call, secret: str, asked: Json) -> None:
        code = str(asked.get("2fatoken") or "")
        if not code:
            raise Fault("Two factor authentication token required", "ACCESS_DENIED")
        call.saw("otp")
        if not self.totp.accept(secret, code, self.clock.now(), self.settings.totp_once):
            raise Fault("Invalid two factor authentication token", "ACCESS_DENIED")

    def _logged_in(self, principal: str, wants_jwt: bool) -> Reply:
        body: Json = {"code": "OK", "message": "Login successful"}
        if not wants_jwt:
            return json_reply({**body, "sessionId": self.sessions.issue_opaque(principal, self.settings.session_ttl).value})
        token = self._jwt(principal)
        if self.settings.login_place == "cookie":
            return json_reply(body, headers={"Set-Cookie": f"JWTSESSIONID={token}; path=/; HttpOnly"})
        return json_reply({**body, self.settings.login_place: token})

    # commands

    def _window(self, rows: list[Json], asked: Json, key: str, total: str, smallest: int = SMALLEST_WINDOW) -> Json:
        start = max(0, integer(asked.get("resStart"), 0))
        window = max(smallest, integer(asked.get("resWindow"), SMALLEST_WINDOW))
        totals = {total: len(rows)} if total else {}
        return {key: rows[start : start + window], **totals}

    def _devices(self, asked: Json) -> Json:
        wanted = [row for row in self.data.devices if asked.get("name") in (None, "", row["name"])]
        warnings = [f"Device {number} has no name" for number in range(self.settings.warnings)]
        return {**({"warnings": warnings} if warnings else {}), **self._window(wanted, asked, "devices", self.settings.total_key)}

    def _domains(self, asked: Json) -> Json:
        wanted = [row for row in self.data.domains.values() if asked.get("name") in (None, "", row["name"])]
        page = self._window(wanted, asked, "domains", "matches")
        keyed: Json | list[Json] = {str(row["id"]): row for row in page["domains"]}
        return {**page, "domains": keyed or [], "message": "Domains Retrieved Successfully"}

    def _create_records(self, asked: Json) -> Json:
        """Flat fields, an object keyed by a number, or a list."""
        data = asked.get("data")
        rows = list(data.values()) if isinstance(data, dict) else data if isinstance(data, list) else [asked]
        return {"data": [self.data.create_record(row) for row in rows]}

    def _update_records(self, asked: Json) -> Json:
        data = asked.get("data")
        keyed = data if isinstance(data, dict) else {str(asked.get("id", "")): asked}
        return {"data": [self.data.update_record(number, values) for number, values in keyed.items()]}

    def _delete_record(self, asked: Json) -> Json:
        self.data.delete_record(asked)
        return {}

    def _create_order(self, asked: Json) -> Json:
        order = self.data.create_order(asked)
        return {"orderId": order["orderId"], "changeTxt": "Order created", "message": "Order created"}

    def _transactions(self, asked: Json) -> Json:
        wanted = asked.get("status") or ["PENDING", "COMMENCED", "COMPLETED"]
        rows = [{key: row[key] for key in row if key != "polls"} for row in self.data.transactions.values() if row["status"] in wanted]
        return self._window(rows, asked, "rcTransactions", "matches", smallest=1)
