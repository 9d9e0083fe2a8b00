# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What RackCorp's emulated customer owns: devices, zones, records, orders, transactions."""

from __future__ import annotations

import time
from typing import Any

from .wire import Json, integer

RECORD_FIELDS = ("name", "type", "lookup", "data", "ttl", "priority", "weight", "port")


class Fault(Exception):
    """The command fails: a code, a message, and errors per field."""

    def __init__(self, message: str, code: str = "FAULT", fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.fields = fields or {}


def _mixed(number: int) -> int | str:
    """Ids come as numbers or as strings."""
    return number if number % 2 else str(number)


def device(number: int) -> Json:
    """Three kinds of ids, a price list in ``extra``, an address that may be empty or carry its prefix."""
    address = "" if number % 7 == 0 else f"192.0.2.{number % 250}" + ("/24" if number % 3 == 0 else "")
    return {
        "id": _mixed(5000 + number),
        "deviceId": 5000 + number,
        "name": f"server{number:03d}.example.com",
        "stdName": f"STD-{number:03d}",
        "status": "ACTIVE",
        "customerId": str(7001),
        "primaryIP": address,
        "type": "VIRTUAL_VMW",
        "dcName": "GLOBALSWITCH-SYD1",
        "dcId": "1",
        "vmhostName": None,
        "ports": None if number % 5 == 0 else [{"deviceInterface": "eth0", "activityInMbit": "0.4", "activityOutMbit": 1, "status": "UP"}],
        "lastBilled": False,
        "dateCreated": 1483625276,
        "dateModified": "1609372800",
        "extra": {"SYS_POWERSWITCH": "ONLINE", "SYS_POWERSTATUS": "ONLINE", "CPU": 2, "CPU:PRICE": "1.00"},
    }


class Data:
    """All of it is made anew at a reset."""

    def __init__(self, devices: int) -> None:
        self.devices = [device(number) for number in range(1, devices + 1)]
        self.domains: dict[int, Json] = {
            number: {"id": _mixed(number), "name": name, "status": "ACTIVE", "customerid": "7001", "regionId": 1}
            for number, name in ((301, "example.com"), (302, "example.net"))
        }
        self.records: dict[int, Json] = {}
        self.orders: dict[int, Json] = {}
        self.contracts: dict[int, Json] = {}
        self.transactions: dict[int, Json] = {}
        self._next = 9000
        self.create_record({"name": "example.com", "type": "A", "lookup": "www", "data": "192.0.2.10", "ttl": 300})

    def number(self) -> int:
        self._next += 1
        return self._next

    def device(self, wanted: Any) -> Json:
        for found in self.devices:
            if str(found["deviceId"]) == str(wanted):
                return found
        raise Fault("Could not find device")

    def domain(self, wanted: Any) -> Json:
        found = self.domains.get(integer(wanted, -1))
        if found is None:
            raise Fault("Could not find domain")
        return {**found, "records": [record for record in self.records.values() if record["name"] == found["name"]]}

    def create_record(self, values: Json) -> Json:
        missing = {name: "Required" for name in ("type", "data") if not values.get(name)}
        zone = self._zone(values)
        if zone is None:
            missing["name"] = "Unknown domain"
        if missing or zone is None:
            raise Fault("Invalid record", fields=missing)
        number = self.number()
        record = {"id": _mixed(number), **{name: values.get(name, "") for name in RECORD_FIELDS}, "name": zone["name"], "domainId": zone["id"]}
        self.records[number] = record
        return record

    def _zone(self, values: Json) -> Json | None:
        asked = {str(values[key]) for key in ("domainId", "domainid", "domainID", "name") if values.get(key)}
        return next((zone for zone in self.domains.values() if asked & {str(zone["id"]), zone["name"]}), None)

    def record(self, wanted: Any) -> Json:
        found = self.records.get(integer(wanted, -1))
        if found is None:
            raise Fault("Could not find record")
        return found

    def update_record(self, wanted: Any, values: Json) -> Json:
        record = self.record(wanted)
        record.update({name: values[name] for name in RECORD_FIELDS if name in values and name != "name"})
        return record

    def delete_record(self, values: Json) -> None:
        """By id, or by what the record says."""
        if "id" in values:
            del self.records[int(self.record(values["id"])["id"])]
            return
        keys = ("name", "type", "lookup", "data")
        for number, record in self.records.items():
            if all(str(record[key]) == str(values.get(key, "")) for key in keys):
                del self.records[number]
                return
        raise Fault("Could not find record")

    def create_order(self, values: Json) -> Json:
        if not values.get("productCode"):
            raise Fault("Invalid order", fields={"productCode": "Required"})
        number = self.number()
        self.orders[number] = {"orderId": number, "customerId": values.get("customerId", 7001), "status": "PENDING", "contractId": ""}
        return self.orders[number]

    def confirm_order(self, wanted: Any) -> int:
        order = self.order(wanted)
        number = self.number()
        order.update(status="ACCEPTED", contractId=str(number))
        self.contracts[number] = {
            "contractId": number,
            "customerId": order["customerId"],
            "status": "PENDING",
            "type": "VIRTUALSERVER",
            "deviceID": "",
            "polls": 0,
        }
        return number

    def order(self, wanted: Any) -> Json:
        found = self.orders.get(integer(wanted, -1))
        if found is None:
            raise Fault("Could not find order")
        return found

    def contract(self, wanted: Any, polls: int) -> Json:
        """Pending for some looks, then active with a device."""
        found = self.contracts.get(integer(wanted, -1))
        if found is None:
            raise Fault("Could not find contract")
        found["polls"] += 1
        if found["polls"] > polls:
            found.update(status="ACTIVE", deviceID="5001")
        return {key: value for key, value in found.items() if key != "polls"}

    def create_transaction(self, values: Json) -> Json:
        if values.get("objType") != "DEVICE":
            raise Fault("Invalid transaction", fields={"objType": "Unknown type"})
        self.device(values.get("objId"))
        number = self.number()
        self.transactions[number] = {
            "rcTransactionId": _mixed(number),
            "objType": "DEVICE",
            "objId": str(values["objId"]),
            "method": values.get("type", ""),
            "data": values.get("data", ""),
            "status": "PENDING",
            "statusInfo": "",
            "created": int(time.time()),
            "polls": 0,
        }
        shown = {key: values.get(key, "") for key in ("objType", "objId", "type", "data")}
        return {"rcTransactionId": _mixed(number), "confirmationRequired": False, "confirmationText": "", **shown}

    def transaction(self, wanted: Any, polls: int) -> Json:
        found = self.transactions.get(integer(wanted, -1))
        if found is None:
            raise Fault("Could not find transaction")
        found["polls"] += 1
        found["status"] = "COMPLETED" if found["polls"] > polls else "PENDING" if found["polls"] == 1 else "COMMENCED"
        return {key: value for key, value in found.items() if key != "polls"}
