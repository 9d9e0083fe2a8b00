# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netography's paths."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..served import Answer, BadBody, ServedRequest
from ..system import Description, System
from . import traffic
from .answers import BAD_REQUEST, BAD_TOKEN, NOT_FOUND, Refused, failure
from .login import Logins, NetographySettings
from .resources import AWS_SOURCE, AZURE_SOURCE, NEIGHBOR, WEBHOOK, ApiKeys, Collection, Labels, device

PREFIX = "api/v1/"
Handler = Callable[[ServedRequest, str], Answer]


class Netography(System[NetographySettings]):
    name = "netography"
    mounts = ("netography",)
    settings_type = NetographySettings

    def clear(self) -> None:
        self.logins = Logins(self.clock, lambda: self.settings)
        self._routes = [(method, re.compile(f"^{pattern}$"), handler) for method, pattern, handler in self._table()]

    def _table(self) -> list[tuple[str, str, Handler]]:
        """Method, path (its group is handed to the handler) and handler; the first that fits answers."""
        labels, keys = Labels(), ApiKeys(self.logins.app_keys)
        records = traffic.Traffic(lambda: self.settings)
        one = "([^/]+)"
        return [
            ("POST", "search/([a-z]+)", records.search),
            ("GET", "(?:search|stats)/([a-z]+)/(?:fields|metrics|aliases)", lambda _request, context: traffic.fields(context)),
            ("POST", "stats/([a-z]+)/agg", records.aggregate),
            ("POST", "stats/([a-z]+)/ts", records.time_series),
            ("GET", "fetch/(.+)", records.fetch),
            ("GET", "docs/detection-models()", traffic.models),
            ("POST", "intel/lookup/ips()", traffic.lookup_ips),
            ("POST", "intel/lookup/asns()", traffic.lookup_asns),
            ("PUT", "labels/ips/bulk()", labels.set_many),
            ("DELETE", "labels/ips/bulk()", labels.delete_many),
            ("GET", "labels/ips(?:/(.+))?", labels.show),
            ("POST|PUT", "labels/ips()", labels.set_one),
            ("DELETE", "labels/ips/(.+)", labels.delete),
            ("GET", "api-keys()", keys.show_all),
            ("POST", "api-keys()", keys.create),
            ("PUT", "api-keys/(.+)", keys.renew),
            ("DELETE", f"api-keys/{one}", keys.delete),
            *_routes("devices", "device", Collection([device(number) for number in range(1, 6)], ("name", "ips"), "Device")),
            *_routes("vpc", "vpc", Collection([AZURE_SOURCE.copy(), AWS_SOURCE.copy()], ("name", "flowtype"), "Traffic source")),
            *_routes("bgp/neighbors", "bgp/neighbor", Collection([NEIGHBOR.copy()], ("name", "addressremote"), "Neighbor")),
            *_routes("integrations/response", "integrations/response", Collection([WEBHOOK.copy()], ("name", "adapter"), "Integration")),
        ]

    def revoke_all(self) -> int:
        return self.logins.tokens.revoke_all()

    def describe(self, request: ServedRequest) -> Description:
        path = request.path.removeprefix(PREFIX).strip("/")
        return Description(f"{request.method} {path}", login=path == "auth/token")

    def refusal(self) -> Answer:
        return failure(*BAD_TOKEN)

    def error(self, status: int, message: str) -> Answer:
        return failure(status, "TooManyRequests" if status == 429 else "Error", message)

    def handle(self, request: ServedRequest) -> Answer:
        try:
            if not request.path.startswith(PREFIX):
                raise Refused(*NOT_FOUND)
            path = request.path.removeprefix(PREFIX).strip("/")
            if path == "auth/token":
                return self.logins.log_in(request)
            self.logins.authenticate(request)
            return self._route(request, path)
        except BadBody:
            return failure(*BAD_REQUEST)
        except Refused as refused:
            return failure(refused.status, refused.name, refused.message)

    def _route(self, request: ServedRequest, path: str) -> Answer:
        for methods, pattern, handler in self._routes:
            found = pattern.match(path)
            if found and request.method in methods.split("|"):
                return handler(request, found.group(1) or "")
        raise Refused(*NOT_FOUND)


def _routes(plural: str, singular: str, rows: Collection) -> list[tuple[str, str, Handler]]:
    """Return the routes of a collection: the plural lists, the singular creates, shows, changes and deletes."""
    return [
        ("GET", f"{plural}()", rows.show_all),
        ("POST", f"{singular}()", rows.create),
        ("GET|HEAD", f"{singular}/([^/]+)", rows.show),
        ("PUT", f"{singular}/(.+)", rows.update),
        ("DELETE", f"{singular}/([^/]+)", rows.delete),
    ]
