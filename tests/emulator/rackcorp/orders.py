# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RackCorp's orders, contracts and transactions, which take their time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..served import Json, integer
from .devices import Devices
from .errors import Fault


class Orders:
    """Orders, and the contracts that confirmed orders become."""

    def __init__(self, next_number: Callable[[], int]) -> None:
        self._next_number = next_number
        self._orders: dict[int, Json] = {}
        self._contracts: dict[int, Json] = {}

    def create(self, values: Json) -> int:
        if not values.get("productCode"):
            raise Fault("Invalid order", fields={"productCode": "Required"})
        number = self._next_number()
        self._orders[number] = {"orderId": str(number), "customerId": str(values.get("customerId", 7001)), "status": "PENDING", "contractId": ""}
        return number

    def show(self, identifier: Any) -> Json:
        """Return an order; all its ids are text."""
        found = self._orders.get(integer(identifier, -1))
        if found is None:
            raise Fault("Could not find order")
        return found

    def confirm(self, identifier: Any) -> int:
        order = self.show(identifier)
        number = self._next_number()
        order.update(status="ACCEPTED", contractId=str(number))
        created = int(time.time())
        self._contracts[number] = {
            "contractId": str(number),
            "customerId": order["customerId"],
            "serviceBillId": "135",
            "contractInfo": "1_",
            "currency": "6",
            "created": created,
            "modified": created,
            "lastBilled": False,
            "referenceID": str(number),
            "notes": None,
            "status": "PENDING",
            "type": "VIRTUALSERVER",
            "deviceID": "",
            "polls": 0,
        }
        return number

    def contract(self, identifier: Any, polls: int) -> Json:
        """Return a contract: pending for ``polls`` looks, then active with a device. Its ids are text."""
        found = self._contracts.get(integer(identifier, -1))
        if found is None:
            raise Fault("Could not find contract")
        found["polls"] += 1
        if found["polls"] > polls:
            found.update(status="ACTIVE", deviceID="5001")
        return {key: value for key, value in found.items() if key != "polls"}


class Transactions:
    """Transactions on devices."""

    def __init__(self, next_number: Callable[[], int], devices: Devices) -> None:
        self._next_number = next_number
        self._devices = devices
        self._transactions: dict[int, Json] = {}

    def create(self, values: Json) -> Json:
        """Return what a creation answers: ``rcTransactionId`` is a number here and text everywhere else."""
        if values.get("objType") != "DEVICE":
            raise Fault("Invalid transaction", fields={"objType": "Unknown type"})
        self._devices.show(values.get("objId"))
        number = self._next_number()
        self._transactions[number] = {
            "rcTransactionId": str(number),
            "objType": "DEVICE",
            "objId": str(values["objId"]),
            "method": values.get("type", ""),
            "data": values.get("data"),
            "status": "PENDING",
            "statusInfo": "",
            "created": int(time.time()),
            "polls": 0,
        }
        shown = {key: values.get(key) for key in ("objType", "type", "data")}
        return {**shown, "confirmationRequired": False, "confirmationText": "", "rcTransactionId": number, "objId": str(values["objId"])}

    def show(self, identifier: Any, polls: int) -> Json:
        """Return a transaction: pending, then commenced, and completed after ``polls`` looks. ``data`` is the text that was sent, secrets included."""
        found = self._transactions.get(integer(identifier, -1))
        if found is None:
            raise Fault("Could not find transaction")
        found["polls"] += 1
        found["status"] = "COMPLETED" if found["polls"] > polls else "PENDING" if found["polls"] == 1 else "COMMENCED"
        return self._shown(found)

    def rows(self, asked: Json) -> list[Json]:
        identifier = asked.get("status") or ["PENDING", "COMMENCED", "COMPLETED"]
        return [self._shown(row) for row in self._transactions.values() if row["status"] in identifier]

    @staticmethod
    def _shown(row: Json) -> Json:
        return {key: value for key, value in row.items() if key != "polls"}
