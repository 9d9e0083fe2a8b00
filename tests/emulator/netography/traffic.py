# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netography's traffic: searches, statistics, fields, and what is known about an address."""

from __future__ import annotations

from collections.abc import Callable

from ..served import Answer, Json, ServedRequest, integer
from .answers import Refused, answer_list, answer_object
from .login import NetographySettings

CONTEXTS = ("alert", "audit", "block", "flow", "dns")
FIELDS = {
    "flow": (("srcip", "ip"), ("dstip", "ip"), ("dstport", "integer"), ("bits", "integer")),
    "dns": (("query.domain", "string"), ("srcip", "ip"), ("responsecode", "string")),
}
MODELS = [{"name": "portscan", "description": "Many ports of one address", "categories": ["recon"], "objecttype": "srcip"}]
POINTS = 3


def _known(context: str) -> str:
    if context not in CONTEXTS:
        raise Refused(404, "NotFound", "Not found")
    return context


def fields(context: str) -> Answer:
    known = FIELDS.get(_known(context), (("id", "string"), ("timestamp", "integer")))
    return answer_list([{"field": name, "type": kind, "description": name} for name, kind in known])


def models(_request: ServedRequest, _rest: str) -> Answer:
    return answer_list(MODELS)


def lookup_ips(request: ServedRequest, _rest: str) -> Answer:
    return answer_list([_address(str(address)) for address in _asked(request, "ips")])


def lookup_asns(request: ServedRequest, _rest: str) -> Answer:
    return answer_list([{"number": integer(number, 0), "org": "Example"} for number in _asked(request, "asns")])


def _asked(request: ServedRequest, name: str) -> list[object]:
    body = request.json()
    asked = body if isinstance(body, list) else body.get(name, []) if isinstance(body, dict) else []
    if not isinstance(asked, list):
        raise Refused(400, "BadRequest", f"{name} is not an array")
    return asked


def _address(address: str) -> Json:
    location = {"lat": 43.66, "lon": -79.39}
    return {
        "ip": address,
        "bogon": False,
        "firstseen": 1700000000,
        "lastseen": 1700086400,
        "count": 1,
        "iprep": {"count": 0, "categories": []},
        "geo": {"city": "Toronto", "continentcode": "NA", "countrycode": "CA", "location": location, "postal": "", "subdiso": "ON"},
        "as": {"number": 64500, "org": "Example"},
        "rdns": "host.example.com",
        "pdns": {"count": 0, "records": []},
    }


class Traffic:
    """Searches page with ``from`` and ``size``; statistics answer one series for each that is asked for."""

    def __init__(self, settings: Callable[[], NetographySettings]) -> None:
        self._settings = settings

    def search(self, request: ServedRequest, context: str) -> Answer:
        body = self._span(request)
        first, size = integer(body.get("from"), 0), integer(body.get("size"), 100)
        rows = range(first, min(first + size, self._settings().flows))
        return answer_list([self._row(_known(context), number) for number in rows])

    @staticmethod
    def _row(context: str, number: int) -> Json:
        row: Json = {"id": f"{context}-{number}", "timestamp": 1700000000 + number, "srcip": f"192.0.2.{number % 250}"}
        if context == "dns":
            return {**row, "query": {"domain": f"host{number}.example.com", "type": "A"}, "responsecode": "NOERROR"}
        return {**row, "dstport": 443, "bits": number * 8}

    def aggregate(self, request: ServedRequest, context: str) -> Answer:
        return answer_list([{**series, "data": [{"key": _known(context), "value": 42}]} for series in self._series(request)])

    def time_series(self, request: ServedRequest, context: str) -> Answer:
        points = [{"key": 1700000000 + 60 * number, "value": _known(context) and 42 + number} for number in range(POINTS)]
        return answer_list([{**series, "data": points} for series in self._series(request)])

    def _series(self, request: ServedRequest) -> list[Json]:
        asked = request.json_object().get("series") or [{"metric": "bits"}]
        if not isinstance(asked, list) or not all(isinstance(series, dict) for series in asked):
            raise Refused(400, "BadRequest", "series is not an array of objects")
        return [{"name": f"series{number}", "metric": "bits", **series} for number, series in enumerate(asked)]

    @staticmethod
    def _span(request: ServedRequest) -> Json:
        body = request.json_object()
        if "start" not in body or "end" not in body:
            raise Refused(400, "BadRequest", "start and end are required")
        return body

    def fetch(self, _request: ServedRequest, rest: str) -> Answer:
        context, _sep, identifier = rest.partition("/")
        number = integer(identifier.rpartition("-")[2], -1)
        if _known(context) == "flow" or not 0 <= number < self._settings().flows:
            raise Refused(404, "NotFound", "Record not found")
        return answer_object(self._row(context, number))
