# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netography's labels, devices, API keys and traffic sources. Some of the latter show secrets."""

from __future__ import annotations

import secrets

from ..accounts import SECRETS_IN_ANSWERS
from ..served import Answer, Json, ServedRequest, no_content
from .answers import NOT_FOUND, Refused, answer_list, answer_object

BULK_LIMIT = 10000

AZURE_SOURCE = {
    "id": "vpc-1",
    "name": "azure-flows",
    "flowtype": "azure",
    "flowresource": "blob",
    "traffictype": "flow",
    "enabled": True,
    "samplerate": 1,
    "region": "canadacentral",
    "tags": [],
    "accountname": "flowlogs",
    "accountkey": SECRETS_IN_ANSWERS["netography_accountkey"],
}
AWS_SOURCE = {
    "id": "vpc-2",
    "name": "aws-flows",
    "flowtype": "aws",
    "flowresource": "kinesis",
    "traffictype": "flow",
    "enabled": True,
    "samplerate": 1,
    "region": "us-east-1",
    "tags": [],
    "awsauthtype": "AccessKey",
    "accesskeyid": "AKIACANARYNETOGRAPHY",
    "accesssecret": SECRETS_IN_ANSWERS["netography_accesssecret"],
}
NEIGHBOR = {
    "id": "bgp-1",
    "name": "upstream",
    "addresslocal": "198.51.100.1",
    "addressremote": "198.51.100.2",
    "admindown": False,
    "asn": "64500",
    "authpassword": SECRETS_IN_ANSWERS["netography_bgp_authpassword"],
    "deviceid": "1",
    "holdtime": 90,
    "keepalive": 30,
}
WEBHOOK = {
    "id": "response-1",
    "name": "ticket",
    "adapter": "webhook",
    "description": "",
    "config": {"url": "https://hooks.example.com/x", "authusername": "hook", "authpassword": SECRETS_IN_ANSWERS["netography_webhook_authpassword"]},
}


def device(number: int) -> Json:
    """Return a device; its id is text."""
    return {
        "id": str(number),
        "name": f"router{number}",
        "ips": [f"198.51.100.{number}"],
        "samplerate": 1000,
        "enabled": True,
        "payload": False,
        "tags": [],
        "site": "",
    }


class Collection:
    """Objects with a text ``id``: an array answers also a request for a single one."""

    def __init__(self, rows: list[Json], required: tuple[str, ...], title: str) -> None:
        self._rows = {str(row["id"]): row for row in rows}
        self._required = required
        self._title = title

    def show_all(self, _request: ServedRequest, _rest: str) -> Answer:
        return answer_list(list(self._rows.values()))

    def _find(self, identifier: str) -> Json:
        found = self._rows.get(identifier)
        if found is None:
            raise Refused(404, "NotFound", f"{self._title} not found")
        return found

    def show(self, _request: ServedRequest, rest: str) -> Answer:
        return answer_list([self._find(rest)])

    def create(self, request: ServedRequest, _rest: str) -> Answer:
        body = request.json_object()
        if not all(body.get(name) for name in self._required):
            raise Refused(400, "BadRequest", f"{' and '.join(self._required)} are required")
        number = str(max((int(row) for row in self._rows if row.isdigit()), default=0) + 1)
        self._rows[number] = {**body, "id": number}
        return answer_list([self._rows[number]], 201)

    def update(self, request: ServedRequest, rest: str) -> Answer:
        identifier, _sep, action = rest.partition("/")
        found = self._find(identifier)
        if action in ("enable", "disable"):
            found["enabled"] = action == "enable"
        elif action:
            raise Refused(*NOT_FOUND)
        else:
            found.update({**request.json_object(), "id": identifier})
        return answer_list([found])

    def delete(self, _request: ServedRequest, rest: str) -> Answer:
        del self._rows[str(self._find(rest)["id"])]
        return no_content()


class Labels:
    """Labels of addresses."""

    def __init__(self) -> None:
        self._labels: dict[tuple[str, str], Json] = {("192.0.2.1", "name"): {"ip": "192.0.2.1", "context": "name", "labels": ["web"]}}

    def show(self, _request: ServedRequest, rest: str) -> Answer:
        """Answer a list of all labels or of a context's, and an object for one address."""
        ip, _sep, context = rest.partition("/")
        rows = [row for key, row in self._labels.items() if ip in ("", "all", key[0]) and context in ("", key[1])]
        if ip in ("", "all"):
            return answer_list(rows)
        if not rows:
            raise Refused(404, "NotFound", "Label not found")
        return answer_object(rows[0])

    def set_one(self, request: ServedRequest, _rest: str) -> Answer:
        """Set the labels of one address, which is answered as an object: 201 for a POST."""
        row = self._check(request.json())
        self._labels[(row["ip"], row["context"])] = row
        return answer_object(row, 201 if request.method == "POST" else 200)

    def set_many(self, request: ServedRequest, _rest: str) -> Answer:
        """Answer a list, also for one row."""
        rows = self._rows(request)
        self._labels.update({(row["ip"], row["context"]): row for row in rows})
        return answer_list(rows, 201)

    def delete_many(self, request: ServedRequest, _rest: str) -> Answer:
        """Answer 200 with the rows that are gone."""
        rows = self._rows(request)
        for row in rows:
            self._labels.pop((row["ip"], row["context"]), None)
        return answer_list(rows)

    def delete(self, _request: ServedRequest, rest: str) -> Answer:
        ip, _sep, context = rest.partition("/")
        if self._labels.pop((ip, context), None) is None:
            raise Refused(404, "NotFound", "Label not found")
        return no_content()

    def _rows(self, request: ServedRequest) -> list[Json]:
        body = request.json()
        if not isinstance(body, list) or len(body) > BULK_LIMIT:
            raise Refused(400, "BadRequest", f"an array of at most {BULK_LIMIT} labels is required")
        return [self._check(row) for row in body]

    @staticmethod
    def _check(row: object) -> Json:
        if not isinstance(row, dict) or not row.get("ip") or not row.get("context"):
            raise Refused(400, "BadRequest", "ip and context are required")
        return row


class ApiKeys:
    """API keys, shown once."""

    def __init__(self, app_keys: dict[str, str]) -> None:
        self._app_keys = app_keys

    @staticmethod
    def _shown(name: str) -> Json:
        return {"appname": name, "description": "", "roles": ["admin"], "last_login": 0, "last_ip": ""}

    def show_all(self, _request: ServedRequest, _rest: str) -> Answer:
        return answer_list([self._shown(name) for name in self._app_keys])

    def create(self, request: ServedRequest, _rest: str) -> Answer:
        name = str(request.json_object().get("appname") or "")
        if not name or name in self._app_keys:
            raise Refused(400, "BadRequest", "appname is missing or taken")
        return self._renew(name, 201)

    def renew(self, _request: ServedRequest, rest: str) -> Answer:
        name, _sep, action = rest.partition("/")
        if action != "regen" or name not in self._app_keys:
            raise Refused(*NOT_FOUND)
        return self._renew(name, 200)

    def _renew(self, name: str, status: int) -> Answer:
        self._app_keys[name] = secrets.token_urlsafe(24)
        return answer_object({**self._shown(name), "appkey": self._app_keys[name]}, status)

    def delete(self, _request: ServedRequest, rest: str) -> Answer:
        if self._app_keys.pop(rest, None) is None:
            raise Refused(404, "NotFound", "API key not found")
        return no_content()
