# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As much of AWX's API as it takes to set up credential types, credentials and job templates.

It pages its lists, filters them by exact names, refuses what AWX refuses (see fake_awx_rules.py), shows a secret as $encrypted$ and keeps it where
that is sent back. Facts from AWX 24.6.1 and its collection awx.awx.
"""

from __future__ import annotations

import base64
import itertools
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from e2e.fake_awx_rules import SHOWN, Refused, check_survey, check_type, invalid, shown_inputs, stored_inputs

FIELDS: list[dict[str, Any]] = [
    {"id": "host", "label": "Host", "type": "string"},
    {"id": "token", "label": "Token", "type": "string", "secret": True},
    {"id": "pin", "label": "PIN", "type": "string", "secret": True},
]
NOT_FOUND = Refused(404, {"detail": "Not found."})
FORBIDDEN = "You do not have permission to perform this action."
# The members of each kind of object that can be written, with what an object has that was created without them.
DEFAULTS: dict[str, dict[str, Any]] = {
    "credential_types": {"name": "", "description": "", "kind": "", "inputs": {}, "injectors": {}},
    "credentials": {"name": "", "description": "", "organization": None, "credential_type": None, "inputs": {}},
    "organizations": {"name": "", "description": ""},
    "projects": {"name": "", "description": "", "organization": None},
    "inventories": {"name": "", "description": "", "organization": None},
    "execution_environments": {"name": "", "description": "", "organization": None, "image": ""},
    "job_templates": {
        "name": "",
        "description": "",
        "organization": None,
        "job_type": "run",
        "inventory": None,
        "project": None,
        "playbook": "",
        "execution_environment": None,
        "extra_vars": "",
        "limit": "",
        "forks": 0,
        "survey_enabled": False,
        "allow_simultaneous": False,
        "ask_variables_on_launch": False,
    },
}
REQUIRED = {"credential_types": ("name", "kind"), "credentials": ("name", "credential_type"), "job_templates": ("name",)}
UNIQUE = {
    "credential_types": ("name", "kind"),
    "credentials": ("organization", "name", "credential_type"),
    "job_templates": ("name", "organization"),
}
RELATIONS = {
    "organization": "organizations",
    "credential_type": "credential_types",
    "project": "projects",
    "inventory": "inventories",
    "execution_environment": "execution_environments",
}
NAMES = {"credential_types": "Credential type", "credentials": "Credential", "job_templates": "Job template"}
TYPES = {name: name.removesuffix("s") for name in DEFAULTS} | {"inventories": "inventory"}


class FakeAwx:
    """``with FakeAwx() as awx:`` listens until the end of the block.

    `objects` holds what it knows by kind and id, secrets in clear. `requests` lists (method, path, body) of all that were authenticated.
    `writable`: whether the login may change anything. `broken` replaces every response.
    """

    token = "CANARY-awx-token"
    login = ("admin", "CANARY awx pässword:+/%")

    def __init__(self, prefix: str = "/api/") -> None:
        self.prefix = prefix
        self.objects: dict[str, dict[int, dict[str, Any]]] = {kind: {} for kind in DEFAULTS}
        self.attached: dict[int, list[int]] = {}
        self.surveys: dict[int, dict[str, Any]] = {}
        self.requests: list[tuple[str, str, Any]] = []
        self.writable = True
        self.broken: tuple[int, Any] | None = None
        self._numbers = {kind: itertools.count(1) for kind in DEFAULTS}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._lock = threading.Lock()
        self.store("credential_types", name="Of the tests", kind="cloud", inputs={"fields": FIELDS})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        awx = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with awx._lock:
                    status, reply, headers = awx.answer(self.command, self.path, dict(self.headers.items()), body)
                data = b"" if status == 204 else (reply if isinstance(reply, str) else json.dumps(reply)).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if isinstance(reply, str) else "application/json")
                self.send_header("Content-Length", str(len(data)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        # The names that http.server looks for.
        for method in ("GET", "POST", "PATCH", "DELETE"):
            setattr(Handler, f"do_{method}", Handler._answer)
        return Handler

    def __enter__(self) -> FakeAwx:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    # -- for tests

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def store(self, collection: str, /, **members: Any) -> int:
        """Create an object without a request. Returns its id."""
        number = next(self._numbers[collection])
        self.objects[collection][number] = {**DEFAULTS[collection], **members}
        return number

    def add(self, name: str, **inputs: str) -> int:
        """Create a credential of the tests' own type."""
        (kind,) = [number for number, one in self.objects["credential_types"].items() if one["name"] == "Of the tests"]
        return self.store("credentials", name=name, credential_type=kind, inputs={"host": "whm1", "pin": "kept", **inputs})

    def named(self, kind: str, name: str) -> dict[str, Any]:
        (found,) = [one for one in self.objects[kind].values() if one["name"] == name]
        return found

    def inputs(self, name: str) -> dict[str, str]:
        inputs: dict[str, str] = self.named("credentials", name)["inputs"]
        return inputs

    def writes(self) -> list[tuple[str, str, Any]]:
        """Return the requests that change something, and forget all."""
        found = [one for one in self.requests if one[0] != "GET"]
        self.requests.clear()
        return found

    # -- requests

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, Any, dict[str, str]]:
        product = {"X-API-Product-Name": "AWX", "X-API-Product-Version": "24.6.1"}
        if self.broken:
            return (*self.broken, {})
        address = urlsplit(target)
        if not address.path.endswith("/"):
            return 301, "", {"Location": address._replace(path=f"{address.path}/").geturl()}
        try:
            if not address.path.startswith(f"{self.prefix}v2/"):
                raise NOT_FOUND
            self._authenticate(headers.get("Authorization", ""))
            data = self._body(method, headers, body)
            self.requests.append((method, target, data))
            parts = address.path.removeprefix(f"{self.prefix}v2/").strip("/").split("/")
            return (*self._route(method, parts, address.path, parse_qsl(address.query, keep_blank_values=True), data), product)
        except Refused as refused:
            return refused.status, refused.body, product

    def _authenticate(self, authorization: str) -> None:
        basic = "Basic " + base64.b64encode(":".join(self.login).encode()).decode()
        if authorization not in (f"Bearer {self.token}", basic):
            raise Refused(401, {"detail": "Authentication credentials were not provided. To establish a login session, visit /api/login/."})

    @staticmethod
    def _body(method: str, headers: dict[str, str], body: bytes) -> Any:
        if method in ("GET", "DELETE"):
            return None
        if not headers.get("Content-Type", "").startswith("application/json"):
            raise Refused(415, {"detail": "Unsupported media type in request."})
        try:
            return json.loads(body)
        except ValueError:
            raise Refused(400, {"detail": "JSON parse error"}) from None

    def _route(self, method: str, parts: list[str], path: str, query: list[tuple[str, str]], data: Any) -> tuple[int, Any]:
        if method != "GET" and not self.writable:
            raise Refused(403, {"detail": FORBIDDEN})
        if parts == ["me"]:
            return 200, {"count": 1, "results": [{"username": self.login[0]}]}
        if parts[0] == "tokens":
            return (201, {"id": 1, "token": self.token}) if method == "POST" else (204, None)
        kind = parts[0]
        if kind not in self.objects:
            raise NOT_FOUND
        if len(parts) == 1:
            return self._list(kind, path, query, list(self.objects[kind])) if method == "GET" else self._create(kind, data)
        number = int(parts[1]) if parts[1].isdigit() else 0
        if number not in self.objects[kind]:
            raise NOT_FOUND
        if len(parts) == 2:
            change: dict[str, Callable[[], tuple[int, Any]]] = {
                "GET": lambda: (200, self._shown(kind, number)),
                "PATCH": lambda: self._update(kind, number, data),
                "DELETE": lambda: self._delete(kind, number),
            }
            return change[method]() if method in change else (405, {"detail": f'Method "{method}" not allowed.'})
        if kind == "job_templates" and parts[2:] == ["credentials"]:
            attached = self.attached.setdefault(number, [])
            return self._list("credentials", path, query, attached) if method == "GET" else self._attach(attached, data)
        if kind == "job_templates" and parts[2:] == ["survey_spec"]:
            return self._survey(method, number, data)
        raise NOT_FOUND

    # -- lists

    def _list(self, kind: str, path: str, query: list[tuple[str, str]], numbers: list[int]) -> tuple[int, Any]:
        size, page = 25, 1
        every: list[tuple[str, str]] = []
        some: list[tuple[str, str]] = []
        for key, value in query:
            if key == "page_size":
                size = min(int(value), 200)
            elif key == "page":
                page = int(value)
            else:
                (some if key.startswith("or__") else every).append((key.removeprefix("or__"), value))
        chosen = [
            number
            for number in sorted(numbers, key=lambda one: self.objects[kind][one]["name"])
            if all(self._matches(kind, number, *one) for one in every) and (not some or any(self._matches(kind, number, *one) for one in some))
        ]
        if page > 1 and (page - 1) * size >= len(chosen):
            raise Refused(404, {"detail": "Invalid page."})
        rest = urlencode([one for one in query if one[0] != "page"] + [("page", str(page + 1))])
        following = f"{path}?{rest}" if page * size < len(chosen) else None
        shown = [self._shown(kind, number) for number in chosen[(page - 1) * size : page * size]]
        return 200, {"count": len(chosen), "next": following, "previous": None, "results": shown}

    def _matches(self, kind: str, number: int, key: str, value: str) -> bool:
        member = {"id": number, **self.objects[kind][number]}
        name, lookup = key.partition("__")[::2]
        if name not in member or lookup not in ("", "in", "exact"):
            raise Refused(400, {"detail": f"{NAMES.get(kind, kind)} has no field named '{key}'"})
        return str(member[name]) in (value.split(",") if lookup == "in" else [value])

    def _shown(self, kind: str, number: int) -> dict[str, Any]:
        known = self.objects[kind][number]
        url = f"{self.prefix}v2/{kind}/{number}/"
        summary = {
            name: {"id": known[name], "name": self.objects[relation][known[name]]["name"]}
            for name, relation in RELATIONS.items()
            if known.get(name) is not None
        }
        shown = {"id": number, "type": TYPES[kind], "url": url, "related": {}, "summary_fields": summary, **known, "created": "2026-01-01T00:00:00Z"}
        if kind == "credential_types":
            shown["managed"] = False
        if kind == "credentials":
            shown["inputs"] = shown_inputs(self.objects["credential_types"][known["credential_type"]], known["inputs"])
        if kind == "job_templates":
            shown["related"] = {"survey_spec": f"{url}survey_spec/"}
        return shown

    # -- changes

    def _checked(self, kind: str, number: int | None, sent: dict[str, Any]) -> dict[str, Any]:
        """Return the object as it would be stored; raise what AWX answers if it refuses it."""
        before = self.objects[kind][number] if number is not None else None
        members = {**(before or DEFAULTS[kind]), **{name: value for name, value in sent.items() if name in DEFAULTS[kind]}}
        for name in REQUIRED.get(kind, ()):
            if not members[name]:
                raise invalid(name, "This field is required.")
        for name, relation in RELATIONS.items():
            if members.get(name) is not None and members[name] not in self.objects[relation]:
                raise invalid(name, f'Invalid pk "{members[name]}" - object does not exist.')
        unique = [members[name] for name in UNIQUE.get(kind, ())]
        others = [one for other, one in self.objects[kind].items() if other != number]
        if unique and None not in unique and unique in [[one[name] for name in UNIQUE[kind]] for one in others]:
            raise invalid("__all__", f"{NAMES[kind]} with this {' and '.join(name.capitalize() for name in UNIQUE[kind])} already exists.")
        if kind == "credential_types":
            check_type(members)
            if number is not None and before and members["inputs"] != before["inputs"] and self._in_use(number):
                raise Refused(403, {"detail": "Modifications to inputs are not allowed for credential types that are in use"})
        if kind == "credentials" and "inputs" in sent:
            of = self.objects["credential_types"][members["credential_type"]]
            members["inputs"] = stored_inputs(of, sent["inputs"], before["inputs"] if before else None)
        if kind == "job_templates":
            self._check_job_template(members)
        return members

    def _check_job_template(self, members: dict[str, Any]) -> None:
        if members["project"] is None:
            raise invalid("project", "Project must be set.")
        if not members["playbook"]:
            raise invalid("playbook", "Playbook not found for project.")
        if members["inventory"] is None:
            raise invalid("inventory", "Job Templates must have an inventory assigned or prompt for it on launch.")
        if not isinstance(members["extra_vars"], str):
            raise invalid("extra_vars", "Not a valid string.")
        members["organization"] = self.objects["projects"][members["project"]]["organization"]

    def _create(self, kind: str, sent: dict[str, Any]) -> tuple[int, Any]:
        if kind == "credentials" and not any(sent.get(name) for name in ("user", "team", "organization")):
            raise invalid("detail", "Missing 'user', 'team', or 'organization'.")
        return 201, self._shown(kind, self.store(kind, **self._checked(kind, None, sent)))

    def _update(self, kind: str, number: int, sent: dict[str, Any]) -> tuple[int, Any]:
        self.objects[kind][number] = self._checked(kind, number, sent)
        return 200, self._shown(kind, number)

    def _in_use(self, number: int) -> bool:
        return any(one["credential_type"] == number for one in self.objects["credentials"].values())

    def _delete(self, kind: str, number: int) -> tuple[int, Any]:
        if kind == "credential_types" and self._in_use(number):
            raise Refused(403, {"detail": "Credential types that are in use cannot be deleted"})
        del self.objects[kind][number]
        for attached in self.attached.values():
            if kind == "credentials" and number in attached:
                attached.remove(number)
        return 204, None

    def _attach(self, attached: list[int], data: dict[str, Any]) -> tuple[int, Any]:
        number = data.get("id")
        if data.get("disassociate"):
            attached.remove(int(str(number)))
            return 204, None
        credentials = self.objects["credentials"]
        if number not in credentials:
            raise Refused(400, {"msg": f"Credential with id {number} does not exist."})
        kinds = [credentials[one]["credential_type"] for one in attached]
        if credentials[number]["credential_type"] in kinds:
            name = self.objects["credential_types"][credentials[number]["credential_type"]]["name"]
            raise Refused(400, {"error": f"Cannot assign multiple {name} credentials."})
        attached.append(number)
        return 204, None

    def _survey(self, method: str, number: int, data: Any) -> tuple[int, Any]:
        if method == "POST":
            check_survey(data)
            self.surveys[number] = data
        if method == "DELETE":
            self.surveys.pop(number, None)
        return 200, self.surveys.get(number, {}) if method == "GET" else None


__all__ = ["SHOWN", "FakeAwx"]
