# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What RackCorp's customer owns, and the commands on it."""

from __future__ import annotations

from collections.abc import Callable

from ..served import Json, integer
from .devices import Devices
from .dns import Zones
from .loadbalancers import LoadBalancers
from .login import RackcorpSettings
from .orders import Orders, Transactions

SMALLEST_WINDOW = 20
FIRST_NUMBER = 9001


def window(rows: list[Json], asked: Json, key: str, total: str, smallest: int = SMALLEST_WINDOW) -> Json:
    """Return ``resWindow`` rows (no fewer than ``smallest``) from ``resStart`` on, and the total under its own name."""
    start = max(0, integer(asked.get("resStart"), 0))
    size = max(smallest, integer(asked.get("resWindow"), SMALLEST_WINDOW))
    totals = {total: len(rows)} if total else {}
    return {key: rows[start : start + size], **totals}


class Commands:
    """Everything here starts anew at a reset."""

    def __init__(self, settings: Callable[[], RackcorpSettings]) -> None:
        self._settings = settings
        self._number = FIRST_NUMBER - 1
        self.devices = Devices(settings().devices)
        self.zones = Zones(self.next_number)
        self.balancers = LoadBalancers(self.next_number)
        self.orders = Orders(self.next_number)
        self.transactions = Transactions(self.next_number, self.devices)
        self.by_name: dict[str, Callable[[Json], Json]] = {
            "device.getall": self.list_devices,
            "device.get": lambda asked: {"device": self.devices.show(asked.get("id", asked.get("deviceId")))},
            "device.firewall.update": self.update_firewall,
            "dns.domain.getall": self._domains,
            "dns.domain.get": lambda asked: self.zones.domain(asked.get("id")),
            "dns.record.get": lambda asked: {"data": self.zones.record(asked.get("id"))},
            "dns.record.create": self.create_records,
            "dns.record.update": self._update_records,
            "dns.record.delete": self.delete_record,
            "loadbalancer.getall": lambda asked: window(self.balancers.rows(asked), asked, "loadbalancers", "count"),
            "loadbalancer.get": lambda asked: {"loadbalancers": self.balancers.show(asked.get("id"))},
            "loadbalancer.create": lambda asked: {"loadbalancers": self.balancers.create(asked)},
            "loadbalancer.update": lambda asked: {"loadbalancers": self.balancers.update(asked)},
            "loadbalancer.delete": self._delete_balancer,
            "order.create": self._create_order,
            "order.confirm": lambda asked: {"contractID": [self.orders.confirm(asked.get("orderId"))], "message": "Order confirmed"},
            "order.get": lambda asked: {"order": self.orders.show(asked.get("orderId")), "message": "Order lookup successful"},
            "order.contract.get": self._contract,
            "rctransaction.create": lambda asked: {"rcTransaction": self.transactions.create(asked), "message": "Transaction successfully created"},
            "rctransaction.get": lambda asked: {"rcTransaction": self.transactions.show(asked.get("rcTransactionId"), self._settings().polls)},
            "rctransaction.getall": lambda asked: window(self.transactions.rows(asked), asked, "rcTransactions", "matches", smallest=1),
        }

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def list_devices(self, asked: Json) -> Json:
        settings = self._settings()
        rows = [row for row in self.devices.rows() if asked.get("name") in (None, "", row["name"])]
        warnings = [f"Device {number} has no name" for number in range(settings.warnings)]
        return {**({"warnings": warnings} if warnings else {}), **window(rows, asked, "devices", settings.total_key)}

    def update_firewall(self, asked: Json) -> Json:
        self.devices.update_firewall(asked.get("deviceId"), asked.get("firewallPolicies"))
        return {"message": "Firewall policies updated"}

    def _domains(self, asked: Json) -> Json:
        """An object keyed by id; PHP writes an empty one as a list."""
        page = window(self.zones.rows(asked), asked, "domains", "matches")
        keyed: Json | list[Json] = {str(row["id"]): row for row in page["domains"]}
        return {**page, "domains": keyed or [], "message": "Domains Retrieved Successfully"}

    def create_records(self, asked: Json) -> Json:
        """Take flat fields, an object keyed by a number, or a list."""
        data = asked.get("data")
        rows = list(data.values()) if isinstance(data, dict) else data if isinstance(data, list) else [asked]
        return {"data": [self.zones.create(row) for row in rows]}

    def _update_records(self, asked: Json) -> Json:
        data = asked.get("data")
        keyed = data if isinstance(data, dict) else {str(asked.get("id", "")): asked}
        return {"data": [self.zones.update(number, values) for number, values in keyed.items()]}

    def delete_record(self, asked: Json) -> Json:
        self.zones.delete(asked)
        return {}

    def _delete_balancer(self, asked: Json) -> Json:
        self.balancers.delete(asked.get("id"))
        return {}

    def _create_order(self, asked: Json) -> Json:
        text = "Add NEW SUPPORT: SUPPORTSTD ($0.00)\nAdd NEW IPV6: 16 ($0.00)\n"
        return {"orderId": self.orders.create(asked), "changeTxt": text, "message": "Order created"}

    def _contract(self, asked: Json) -> Json:
        return {"contract": self.orders.contract(asked.get("contractId"), self._settings().polls), "message": "Contract lookup successful"}
