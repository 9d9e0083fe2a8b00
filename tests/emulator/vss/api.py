# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VSS's paths."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from ..issued import Clock, Issued
from ..served import Answer, BadBody, Json, ServedRequest, integer, json_answer, no_content
from ..system import Description, System
from .async_requests import Job, Requests
from .catalogue import CATALOGUE, MOTD, SINCE, personal
from .limits import Refused, VssSettings
from .lists import page
from .login import Logins, failure
from .machines import PARTS, STATES, Machines, details, disks
from .times import stamp

LOGIN_PATH = "auth/request-token"
SECOND_FACTOR_PATHS = ("tf/verify", "tf/request-token")
REPORT_PROPERTIES = ("moref", "name", "hostname", "ip_address", "power_state")
Handler = Callable[..., Answer]


class Vss(System[VssSettings]):
    name = "vss"
    mounts = ("vss",)
    settings_type = VssSettings

    def __init__(self, clock: Clock) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = [
            (method, re.compile(f"^v2/{pattern}$"), handler) for method, pattern, handler in self._table()
        ]
        super().__init__(clock)

    def _table(self) -> list[tuple[str, str, Handler]]:
        catalogue = "|".join(CATALOGUE)
        return [
            ("GET", "ping", self._ping),
            ("GET", "status", self._ping),
            ("GET", "session/motd", lambda call, issued: self._enveloped(call, issued, MOTD)),
            ("GET", "user", self._whoami),
            ("GET", "user/personal", lambda call, issued: self._enveloped(call, issued, personal(issued.principal))),
            ("GET", "user/token", self._list_tokens),
            ("GET", r"user/token/(\d+)", self._show_token),
            ("PUT", r"user/token/(\d+)", self._disable_token),
            ("DELETE", r"user/token/(\d+)", self._delete_token),
            ("GET", f"({catalogue})", self._list_catalogue),
            ("GET", f"({catalogue})/([^/]+)", self._show_catalogue),
            ("GET", "vm", self._list_machines),
            ("POST", "vm", self._create_machines),
            ("GET", "vm/([^/]+)", self._show_machine),
            ("DELETE", "vm/([^/]+)", self._delete_machine),
            ("GET", f"vm/([^/]+)/({'|'.join(PARTS)})", self._show_part),
            ("GET", r"vm/([^/]+)/disk/(\d+)", self._show_disk),
            ("PUT", "vm/([^/]+)/state", self._change_state),
            ("PUT", "vm/([^/]+)/name", self._change_name),
            ("GET", "inventory/options", lambda call, issued: self._enveloped(call, issued, list(REPORT_PROPERTIES))),
            ("POST", "inventory", self._create_report),
            ("GET", r"inventory/(\d+)", self._download_report),
            ("GET", "request", lambda call, issued: self._enveloped(call, issued, self.requests.counts(issued.principal))),
            ("GET", "request/(change|new|inventory)", self._list_requests),
            ("GET", r"request/(change|new|inventory)/(\d+)", self._show_request),
        ]

    def clear(self) -> None:
        self.logins = Logins(self.clock, lambda: self.settings, self._base)
        self.requests = Requests(self.clock, lambda: self.settings)
        self.machines = Machines(self.settings.machines)

    def changed(self, values: dict[str, Any]) -> None:
        if "machines" in values:
            self.machines = Machines(self.settings.machines)

    def replays(self) -> int:
        return self.logins.totp.replays

    def revoke_all(self) -> int:
        return self.logins.tokens.revoke_all()

    def describe(self, request: ServedRequest) -> Description:
        path = request.path.strip("/")
        return Description(f"{request.method} {path}", login=path == LOGIN_PATH)

    # Answers.

    def refusal(self) -> Answer:
        return failure(401, "Invalid or expired token.")

    def error(self, status: int, message: str) -> Answer:
        return failure(status, message)

    def handle(self, request: ServedRequest) -> Answer:
        path = request.path.strip("/")
        try:
            if path == LOGIN_PATH:
                return self.logins.request_token(request, path)
            if path in SECOND_FACTOR_PATHS:
                return self.logins.second_factor_request(request, path)
            issued = self.logins.authenticate(request)
            return self._route(request, issued) if issued else self.refusal()
        except BadBody:
            return failure(400, "The body is not JSON.", "bad request")
        except Refused as refused:
            return failure(refused.status, refused.message, refused.error)

    def _route(self, request: ServedRequest, issued: Issued) -> Answer:
        for method, pattern, handler in self._routes:
            found = pattern.match(request.path.strip("/"))
            if found and method == request.method:
                answer = handler(request, issued, *found.groups())
                reset = str(int(self.clock.now()) + 60)
                answer.headers.update({"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "999", "X-RateLimit-Reset": reset})
                return answer
        raise Refused(404, "not found", "The resource does not exist.")

    def _base(self, request: ServedRequest) -> str:
        return self.settings.link_base or f"{request.origin}{request.mount}"

    def _enveloped(self, request: ServedRequest, issued: Issued, data: Any, status: int = 200, meta: Json | None = None) -> Answer:
        url = f"{self._base(request)}/{request.path}"
        return json_answer({"_links": {"self": url}, "data": data, "meta": {"time": "0.01s", "user": issued.principal, **(meta or {})}}, status)

    def _listed(self, request: ServedRequest, issued: Issued, rows: list[Json], key: str = "id") -> Answer:
        data, meta = page(request, f"{self._base(request)}/{request.path}", rows, key, self.settings)
        return self._enveloped(request, issued, data, meta=meta)

    # The user.

    def _ping(self, request: ServedRequest, issued: Issued) -> Answer:
        return self._enveloped(request, issued, {"message": "pong", "ip": request.peer})

    def _whoami(self, request: ServedRequest, issued: Issued) -> Answer:
        data = {
            "username": issued.principal,
            "email": f"{issued.principal}@example.com",
            "role": "user",
            "status": "Active",
            "ip_address": request.peer,
            "created_on": stamp(SINCE),
            "updated_on": stamp(SINCE),
            "last_access": stamp(self.clock.now()),
        }
        return self._enveloped(request, issued, data)

    def _list_tokens(self, request: ServedRequest, issued: Issued) -> Answer:
        return self._listed(request, issued, self.logins.rows(issued.principal))

    def _show_token(self, request: ServedRequest, issued: Issued, number: str) -> Answer:
        return self._enveloped(request, issued, self.logins.row(self.logins.own(issued.principal, number)))

    def _disable_token(self, _request: ServedRequest, issued: Issued, number: str) -> Answer:
        self.logins.own(issued.principal, number).valid = False
        return no_content()

    def _delete_token(self, _request: ServedRequest, issued: Issued, number: str) -> Answer:
        self.logins.delete(self.logins.own(issued.principal, number))
        return no_content()

    # Lists that nothing changes.

    def _list_catalogue(self, request: ServedRequest, issued: Issued, name: str) -> Answer:
        return self._listed(request, issued, *CATALOGUE[name])

    def _show_catalogue(self, request: ServedRequest, issued: Issued, name: str, identifier: str) -> Answer:
        rows, key = CATALOGUE[name]
        found = next((row for row in rows if str(row[key]) == identifier), None)
        if found is None:
            raise Refused(404, "not found", "The resource does not exist.")
        return self._enveloped(request, issued, found)

    # Machines.

    def _list_machines(self, request: ServedRequest, issued: Issued) -> Answer:
        return self._listed(request, issued, list(self.machines.rows.values()), "uuid")

    def _machine(self, identifier: str) -> Json:
        found = self.machines.find(identifier)
        if found is None:
            raise Refused(404, "not found", "Virtual machine not found.")
        return found

    def _show_machine(self, request: ServedRequest, issued: Issued, identifier: str) -> Answer:
        return self._enveloped(request, issued, details(self._machine(identifier)))

    def _show_part(self, request: ServedRequest, issued: Issued, identifier: str, part: str) -> Answer:
        return self._enveloped(request, issued, PARTS[part](self._machine(identifier)))

    def _show_disk(self, request: ServedRequest, issued: Issued, identifier: str, unit: str) -> Answer:
        self._machine(identifier)
        return self._enveloped(request, issued, [disk for disk in disks() if disk["unit"] == int(unit)])

    def _change_state(self, request: ServedRequest, issued: Issued, identifier: str) -> Answer:
        value = request.json_object().get("value")
        if value not in STATES:
            raise Refused(400, "InvalidParameterValue", "InvalidParameterValue: value")
        return self._change(request, issued, self._machine(identifier), "state", value, {"power_state": STATES[value]})

    def _change_name(self, request: ServedRequest, issued: Issued, identifier: str) -> Answer:
        value = request.json_object().get("value")
        if not isinstance(value, str) or not value:
            raise Refused(400, "InvalidParameterValue", "InvalidParameterValue: value")
        return self._change(request, issued, self._machine(identifier), "name", value, {"name": value})

    def _change(self, request: ServedRequest, issued: Issued, row: Json, attribute: str, value: str, changes: Json) -> Answer:
        def finish() -> Json:
            row.update(changes, updated_on=stamp(self.clock.now()))
            return {"vm_uuid": row["uuid"]}

        return self._accept(request, issued, "change", row["name"], [Job(finish, self._change_details(row, attribute, value))])

    @staticmethod
    def _change_details(row: Json, attribute: str, value: str) -> Json:
        return {
            "vm_moref": row["moref"],
            "vm_name": row["name"],
            "approved": True,
            "attribute": attribute,
            "value": [value],
            "scheduled_datetime": None,
        }

    def _delete_machine(self, request: ServedRequest, issued: Issued, identifier: str) -> Answer:
        row = self._machine(identifier)

        def finish() -> Json:
            self.machines.rows.pop(row["uuid"], None)
            return {"vm_uuid": row["uuid"]}

        return self._accept(request, issued, "change", row["name"], [Job(finish, self._change_details(row, "terminate", "true"))])

    def _create_machines(self, request: ServedRequest, issued: Issued) -> Answer:
        """Create ``count`` machines; above 1 the links and ids of the answer are lists."""
        body = request.json_object()
        missing = [name for name in ("built_from", "description") if not body.get(name)]
        if missing:
            raise Refused(400, "MissingParameter", f"MissingParameter: {', '.join(missing)}")
        name, count = str(body.get("name") or "vm"), max(1, integer(body.get("count"), 1))
        names = [name] if count == 1 else [f"{name}-{number}" for number in range(1, count + 1)]
        own = {"approved": True, "built_from": body["built_from"]}
        jobs = [Job(partial(self.machines.create, title), {**own, "vm_name": title, "vm_moref": None}) for title in names]
        return self._accept(request, issued, "new", name, jobs)

    # Requests and reports.

    def _accept(self, request: ServedRequest, issued: Issued, kind: str, name: str, jobs: list[Job]) -> Answer:
        submitted = [self.requests.submit(kind, issued.principal, job) for job in jobs]
        return self._enveloped(request, issued, self.requests.accepted(self._base(request), kind, name, submitted), 202)

    def _list_requests(self, request: ServedRequest, issued: Issued, kind: str) -> Answer:
        return self._listed(request, issued, self.requests.rows(kind, issued.principal))

    def _show_request(self, request: ServedRequest, issued: Issued, kind: str, number: str) -> Answer:
        found = self.requests.find(kind, int(number), issued.principal)
        if found is None:
            raise Refused(404, "not found", "Request not found.")
        return self._enveloped(request, issued, self.requests.poll(found))

    def _create_report(self, request: ServedRequest, issued: Issued) -> Answer:
        body = request.json_object()
        properties = body.get("properties") or list(REPORT_PROPERTIES)
        unknown = sorted(set(properties) - set(REPORT_PROPERTIES))
        form = body.get("format") or "json"
        if unknown or form not in ("json", "csv"):
            raise Refused(400, "InvalidParameterValue", f"InvalidParameterValue: {', '.join(unknown) or 'format'}")
        own = {"name": "inventory", "format": form, "properties": {"data": properties}, "filters": None, "transfer": False, "transferred": False}
        return self._accept(request, issued, "inventory", "inventory", [Job(dict, own)])

    def _download_report(self, _request: ServedRequest, issued: Issued, number: str) -> Answer:
        """Answer a file, once the request has been processed."""
        found = self.requests.find("inventory", int(number), issued.principal)
        if found is None or found.result is None:
            raise Refused(404, "not found", "The report has not been created.")
        form, properties = found.job.details["format"], found.job.details["properties"]["data"]
        rows = [{name: row[name] for name in properties} for row in self.machines.rows.values()]
        text, kind = (_as_csv(properties, rows), "text/csv; charset=utf-8") if form == "csv" else (json.dumps(rows), "application/json")
        return Answer(200, text.encode(), kind, {"Content-Disposition": f"attachment; filename=inventory-{number}.{form}"})


def _as_csv(names: list[str], rows: list[Json]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
