# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VSS (ITS Private Cloud): tokens for a password and a code, five logins per window, paged lists, asynchronous changes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from .accounts import ACCOUNTS
from .store import Clock, Issued, TokenStore, same
from .system import Description, System
from .totp import Checker
from .vss_data import HUMAN, STATES, Data, Request, filtered, ordered
from .vss_limits import Refused, VssSettings, Window
from .wire import BadBody, Call, Json, Reply, integer, json_reply, no_content

LOGIN_PATH = "auth/request-token"
STEPS = ("PENDING", "IN_PROGRESS")


class Vss(System[VssSettings]):
    name = "vss"
    settings_type = VssSettings

    def __init__(self, clock: Clock) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., Reply]]] = [
            (method, re.compile(f"^v2/{pattern}$"), action)
            for method, pattern, action in (
                ("GET", "ping", self._ping),
                ("GET", "status", self._ping),
                ("GET", "user", self._whoami),
                ("GET", "user/token", self._list_tokens),
                ("GET", r"user/token/(\d+)", self._show_token),
                ("PUT", r"user/token/(\d+)", self._disable_token),
                ("DELETE", r"user/token/(\d+)", self._delete_token),
                ("GET", "vm", self._list_machines),
                ("POST", "vm", self._create_machines),
                ("GET", "vm/([^/]+)", self._show_machine),
                ("DELETE", "vm/([^/]+)", self._delete_machine),
                ("PUT", "vm/([^/]+)/state", self._change_state),
                ("GET", r"request/(change|new)/(\d+)", self._show_request),
            )
        ]
        super().__init__(clock)

    def clear(self) -> None:
        self.tokens = TokenStore(self.clock)
        self.totp = Checker()
        self.data = Data(self.settings.machines)
        self.window = Window(self.clock)

    def changed(self, values: dict[str, Any]) -> None:
        if "machines" in values:
            self.data = Data(self.settings.machines)

    def replays(self) -> int:
        return self.totp.replays

    def revoke_all(self) -> int:
        return self.tokens.revoke_all()

    def describe(self, call: Call) -> Description:
        path = call.path.strip("/")
        return Description(f"{call.method} {path}", login=path == LOGIN_PATH)

    # answers

    def refusal(self) -> Reply:
        return self.error(401, "Invalid or expired token.")

    def error(self, status: int, message: str) -> Reply:
        names = {401: "unauthorized", 404: "not found", 429: "too many requests", 503: "service unavailable"}
        return self._error(status, names.get(status, "error"), message)

    @staticmethod
    def _error(status: int, error: str, message: str) -> Reply:
        return json_reply({"error": error, "message": message, "status": status}, status)

    def handle(self, call: Call) -> Reply:
        try:
            if call.path.strip("/") == LOGIN_PATH:
                return self._request_token(call)
            issued = self._authenticate(call)
            return self._route(call, issued) if issued else self.refusal()
        except BadBody:
            return self._error(400, "bad request", "The body is not JSON.")
        except Refused as refused:
            return self._error(refused.status, refused.error, refused.message)

    def _route(self, call: Call, issued: Issued) -> Reply:
        for method, pattern, action in self._routes:
            found = pattern.match(call.path.strip("/"))
            if found and method == call.method:
                reply = action(call, issued, *found.groups())
                reply.headers.update({"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "999", "X-RateLimit-Reset": str(int(self.clock.now()) + 60)})
                return reply
        raise Refused(404, "not found", "The resource does not exist.")

    def _base(self, call: Call) -> str:
        return self.settings.link_base or f"{call.origin}/vss"

    def _enveloped(self, call: Call, issued: Issued, data: Any, status: int = 200, meta: Json | None = None) -> Reply:
        url = f"{self._base(call)}/{call.path}"
        return json_reply({"_links": {"self": url}, "data": data, "meta": {"time": "0.01s", "user": issued.principal, **(meta or {})}}, status)

    # the token endpoint

    def _request_token(self, call: Call) -> Reply:
        if call.method != "POST":
            raise Refused(405, "method not allowed", "Use POST.")
        basic = call.basic()
        if call.authorization()[0]:
            call.saw(call.authorization()[0])
        headers, admitted = self.window.count(call.peer, self.settings)
        if not admitted:
            reply = self.error(429, "Too many requests.")
            reply.headers.update(headers)
            return reply
        account = self._account(*(basic or ("", "")))
        if account is None:
            return self._not_authenticated(call)
        call.principal = account["username"]
        self._second_factor(call, account)
        reply = json_reply(self._granted(call, account))
        reply.headers.update({"Allow": "POST, OPTIONS", **headers})
        return reply

    @staticmethod
    def _account(user: str, password: str) -> dict[str, str] | None:
        """Who is not permitted is told the same as who has a wrong password."""
        for account in (ACCOUNTS["vss"], ACCOUNTS["vss_mfa"]):
            if account["username"] == user and same(account["password"], password):
                return account
        return None

    def _not_authenticated(self, call: Call) -> Reply:
        reply = self._error(401, "unauthorized", "Please authenticate to get your token.")
        reply.reason = "UNAUTHORIZED"
        reply.headers.update(
            {"Allow": "POST, OPTIONS", "Location": f"{self._base(call)}/{LOGIN_PATH}", "WWW-Authenticate": 'Basic realm="Authentication Required"'}
        )
        return reply

    def _second_factor(self, call: Call, account: dict[str, str]) -> None:
        body = call.json_object()
        secret, code = account.get("totp_secret"), str(body.get("otp") or "")
        if code:
            call.saw("otp")
        if secret is None:
            if self.settings.totp_required:
                raise Refused(self.settings.otp_status, "TotpEnforcement", "TotpEnforcement: Must enable TOTP")
            return
        if not self.totp.accept(secret, code, self.clock.now(), self.settings.totp_once):
            raise Refused(self.settings.otp_status, "InvalidParameterValue", "InvalidParameterValue: otp")

    def _granted(self, call: Call, account: dict[str, str]) -> Json:
        ttl = self.settings.token_ttl
        issued = self.tokens.issue_jwt(account["username"], ttl, {"otp": "totp_secret" in account})
        issued.notes.update(ip=call.peer, duration=int(ttl))
        body: Json = {"duration": int(ttl), "token": issued.value}
        if self.settings.shape == "current":
            return {**body, "exp": int(issued.expires), "exp_date": _stamp(issued.expires), "type": "ACCESS"}
        until = {"valid_until": f"{_stamp(issued.expires)} EST"} if self.settings.shape == "2016-12" else {}
        return {**body, "user": account["username"], **until}

    def _authenticate(self, call: Call) -> Issued | None:
        """Bearer, or the token as a Basic user name with an empty password."""
        scheme, value = call.authorization()
        if scheme:
            call.saw(scheme)
        basic = call.basic()
        if basic is not None:
            value = basic[0] if not basic[1] else ""
        issued = self.tokens.find(value) if scheme in ("bearer", "basic") else None
        call.principal = issued.principal if issued else ""
        return issued

    # user

    def _ping(self, call: Call, issued: Issued) -> Reply:
        return self._enveloped(call, issued, {"message": "pong", "ip": call.peer})

    def _whoami(self, call: Call, issued: Issued) -> Reply:
        return self._enveloped(call, issued, {"username": issued.principal, "email": f"{issued.principal}@example.com", "role": "user"})

    def _own_token(self, issued: Issued, number: str) -> Issued:
        for found in self.tokens.tokens.values():
            if found.number == int(number) and found.principal == issued.principal:
                return found
        raise Refused(404, "not found", "Token not found.")

    def _token_row(self, found: Issued) -> Json:
        now = self.clock.now()
        return {
            "id": found.number,
            "created_on": _stamp(found.issued),
            "updated_on": _stamp(found.issued),
            "last_access": _stamp(found.last_used) if found.last_used else None,
            "ip_address": found.notes.get("ip", ""),
            "valid": found.valid and now < found.expires,
            "type": "ACCESS",
            "expiration": _stamp(found.expires),
            "duration": found.notes.get("duration", 0),
        }

    def _list_tokens(self, call: Call, issued: Issued) -> Reply:
        mine = [self._token_row(found) for found in self.tokens.tokens.values() if found.principal == issued.principal]
        return self._page(call, issued, mine, "id")

    def _show_token(self, call: Call, issued: Issued, number: str) -> Reply:
        return self._enveloped(call, issued, self._token_row(self._own_token(issued, number)))

    def _disable_token(self, _call: Call, issued: Issued, number: str) -> Reply:
        self._own_token(issued, number).valid = False
        return no_content()

    def _delete_token(self, _call: Call, issued: Issued, number: str) -> Reply:
        del self.tokens.tokens[self._own_token(issued, number).value]
        return no_content()

    # lists

    def _page(self, call: Call, issued: Issued, rows: list[Json], key: str) -> Reply:
        """Without ``expand`` a list has only addresses. Of several filters each counts."""
        rows = ordered(filtered(rows, ";".join(value for name, value in call.query if name == "filter")), call.argument("sort"))
        size = min(max(1, integer(call.argument("per_page"), self.settings.per_page)), self.settings.max_per_page)
        page, last = max(1, integer(call.argument("page"), 1)), max(1, -(-len(rows) // size))
        here = rows[(page - 1) * size : page * size]
        base = f"{self._base(call)}/{call.path}"
        if call.argument("expand") not in ("1", "true"):
            return self._enveloped(call, issued, [f"{base}/{row[key]}" for row in here], meta=_pages(call, base, page, last, size, rows, here))
        linked = [{**row, "_links": {"self": f"{base}/{row[key]}"}} for row in here]
        return self._enveloped(call, issued, linked, meta=_pages(call, base, page, last, size, rows, here))

    def _list_machines(self, call: Call, issued: Issued) -> Reply:
        return self._page(call, issued, list(self.data.machines.values()), "uuid")

    # machines

    def _machine(self, wanted: str) -> Json:
        found = self.data.machine(wanted)
        if found is None:
            raise Refused(404, "not found", "Virtual machine not found.")
        return found

    def _show_machine(self, call: Call, issued: Issued, wanted: str) -> Reply:
        return self._enveloped(call, issued, self._machine(wanted))

    def _change_state(self, call: Call, issued: Issued, wanted: str) -> Reply:
        found, value = self._machine(wanted), call.json_object().get("value")
        if value not in STATES:
            raise Refused(400, "InvalidParameterValue", "InvalidParameterValue: value")

        def finish() -> Json:
            found["power_state"] = {"value": STATES[value], "label": STATES[value]}
            return {"vm_uuid": found["uuid"]}

        return self._accepted(call, issued, "change", found["name"], [finish])

    def _delete_machine(self, call: Call, issued: Issued, wanted: str) -> Reply:
        found = self._machine(wanted)

        def finish() -> Json:
            self.data.machines.pop(found["uuid"], None)
            return {"vm_uuid": found["uuid"]}

        return self._accepted(call, issued, "change", found["name"], [finish])

    def _create_machines(self, call: Call, issued: Issued) -> Reply:
        """With ``count`` above 1 the links and ids of the answer are lists."""
        body = call.json_object()
        missing = [name for name in ("built_from", "description") if not body.get(name)]
        if missing:
            raise Refused(400, "MissingParameter", f"MissingParameter: {', '.join(missing)}")
        name, count = str(body.get("name") or "vm"), max(1, integer(body.get("count"), 1))
        names = [name] if count == 1 else [f"{name}-{number}" for number in range(1, count + 1)]
        return self._accepted(call, issued, "new", name, [partial(self.data.new_machine, one) for one in names])

    # requests

    def _accepted(self, call: Call, issued: Issued, kind: str, name: str, jobs: list[Callable[[], Json]]) -> Reply:
        requests = [self.data.request(kind, issued.principal, _stamp(self.clock.now()), job) for job in jobs]
        links: list[str] = [f"{self._base(call)}/v2/request/{kind}/{request.number}" for request in requests]
        several = len(requests) > 1

        def spread(values: list[Any]) -> Any:
            return values if several else values[0]

        data = {
            "status": 202,
            "message": "Request has been accepted for processing",
            "name": name,
            "request": {
                "id": spread([request.number for request in requests]),
                "status": spread([self._spelled("PENDING") for _turn in requests]),
                "task_id": spread([request.task_id for request in requests]),
            },
            "_links": {"request": spread(links)},
        }
        return self._enveloped(call, issued, data, 202)

    def _spelled(self, status: str) -> str:
        return HUMAN.get(status, status) if self.settings.spelling == "human" else status

    def _show_request(self, call: Call, issued: Issued, kind: str, number: str) -> Reply:
        request = self.data.requests.get(int(number))
        if request is None or request.kind != kind or request.user != issued.principal:
            raise Refused(404, "not found", "Request not found.")
        status = self._advance(request)
        ended = status not in STEPS
        data = {
            "id": request.number,
            "status": self._spelled(status),
            "message": {"errors": self.settings.errors if ended else [], "warnings": []},
            "task_id": request.task_id,
            "created_on": request.created,
            "updated_on": _stamp(self.clock.now()),
            "user": {"username": request.user},
            **(request.result or {}),
        }
        return self._enveloped(call, issued, data)

    def _advance(self, request: Request) -> str:
        """First pending, then in progress, and after ``polls`` looks what the setting says."""
        request.polls += 1
        if request.polls <= self.settings.polls:
            return STEPS[min(request.polls, len(STEPS)) - 1]
        if self.settings.final == "PROCESSED" and request.result is None:
            request.result = request.finish()
        return self.settings.final


def _stamp(when: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(when))


def _pages(call: Call, base: str, page: int, last: int, size: int, rows: list[Json], here: list[Json]) -> Json:
    def url(number: int) -> str:
        asked = [(name, value) for name, value in call.query if name not in ("per_page", "page")]
        return f"{base}?{urlencode([*asked, ('per_page', size), ('page', number)])}"

    pages = {
        "first_url": url(1),
        "last_url": url(last),
        "next_url": url(page + 1) if page < last else None,
        "prev_url": url(page - 1) if page > 1 else None,
        "page": page,
        "pages": last,
        "per_page": size,
        "total": len(rows),
    }
    return {"count": len(here), "pages": pages}
