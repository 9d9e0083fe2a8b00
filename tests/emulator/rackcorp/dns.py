# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RackCorp's zones and records (https://portal.rackcorp.com/docs/dns.html)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..served import Json, integer
from .errors import Fault

RECORD_FIELDS = ("name", "type", "lookup", "data", "ttl", "priority", "weight", "port")
CREATED = 1700000000


class Zones:
    """``example.com`` and ``example.net``, with a record to begin with."""

    def __init__(self, next_number: Callable[[], int]) -> None:
        self._next_number = next_number
        self.domains: dict[int, Json] = {number: _domain(number, name) for number, name in ((301, "example.com"), (302, "example.net"))}
        self.records: dict[int, Json] = {}
        self.create({"name": "example.com", "type": "A", "lookup": "www", "data": "192.0.2.10", "ttl": 300})

    def rows(self, asked: Json) -> list[Json]:
        """``name`` finds a part of a name, ``exactName`` the whole of it."""
        part, whole = str(asked.get("name") or ""), str(asked.get("exactName") or "")
        return [row for row in self.domains.values() if part in row["name"] and whole in ("", row["name"])]

    def domain(self, identifier: Any) -> Json:
        found = self.domains.get(integer(identifier, -1))
        if found is None:
            raise Fault("Could not find domain")
        return {**found, "records": [record for record in self.records.values() if record["name"] == found["name"]]}

    def create(self, values: Json) -> Json:
        missing = {name: "Required" for name in ("type", "data") if not values.get(name)}
        zone = self._zone(values)
        if zone is None:
            missing["name"] = "Unknown domain"
        if missing or zone is None:
            raise Fault("Invalid record", fields=missing)
        number = self._next_number()
        record = {"id": number, **{name: values.get(name, "") for name in RECORD_FIELDS}, "name": zone["name"], "domainId": zone["id"]}
        self.records[number] = record
        return record

    def _zone(self, values: Json) -> Json | None:
        asked = {str(values[key]) for key in ("domainId", "domainid", "domainID", "name") if values.get(key)}
        return next((zone for zone in self.domains.values() if asked & {str(zone["id"]), zone["name"]}), None)

    def record(self, identifier: Any) -> Json:
        found = self.records.get(integer(identifier, -1))
        if found is None:
            raise Fault("Could not find record")
        return found

    def update(self, identifier: Any, values: Json) -> Json:
        record = self.record(identifier)
        record.update({name: values[name] for name in RECORD_FIELDS if name in values and name != "name"})
        return record

    def delete(self, values: Json) -> None:
        """Delete by id, or by what the record says."""
        if "id" in values:
            del self.records[int(self.record(values["id"])["id"])]
            return
        keys = ("name", "type", "lookup", "data")
        for number, record in self.records.items():
            if all(str(record[key]) == str(values.get(key, "")) for key in keys):
                del self.records[number]
                return
        raise Fault("Could not find record")


def _domain(number: int, name: str) -> Json:
    return {
        "id": number,
        "name": name,
        "stdname": f"STD-DNS-{number}",
        "status": "ACTIVE",
        "type": "MASTER",
        "serial": 2025010101,
        "lastmodified": CREATED,
        "customerid": "7001",
        "regionId": 1,
    }
