# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RackCorp's devices, as each endpoint types their members.

Types are those of https://github.com/RackCorpCloud/rackcorp-api-go (``device.go`` and the bodies in ``testdata``).
"""

from __future__ import annotations

from typing import Any

from ..served import Json, integer
from .errors import Fault

FIRST = 5000
CUSTOMER = 7001
CREATED = 1483625276
MODIFIED = 1609372800
POLICIES = ("ALLOW", "DENY", "DISABLED", "REJECT")


def _address(number: int) -> str:
    """Return the primary address: empty for some devices, with its prefix for others."""
    return "" if number % 7 == 0 else f"192.0.2.{number % 250}" + ("/24" if number % 3 == 0 else "")


def _extra() -> Json:
    return {
        "SYS_POWERSWITCH": "ONLINE",
        "SYS_POWERSTATUS": "ONLINE",
        "CPU": "2",
        "CPU:PRICE": "1:11",
        "VMMEMORY": 4096,
        "LOCATION": "GLOBALSWITCH-SYD1",
    }


def listed(number: int) -> Json:
    """Return a device as ``device.getall`` shows it: ids and the interface of a port are numbers, ``dateModified`` is text."""
    port = {"deviceInterface": 0, "activityInMbit": "0.4", "activityOutMbit": 1, "status": "UP"}
    return {
        "id": FIRST + number,
        "deviceId": FIRST + number,
        "name": f"server{number:03d}.example.com",
        "stdName": f"STD-{number:03d}",
        "status": "ACTIVE",
        "customerId": str(CUSTOMER),
        "primaryIP": _address(number),
        "type": "VIRTUAL_VMW",
        "dcName": "GLOBALSWITCH-SYD1",
        "dcId": "1",
        "vmhostName": None,
        "ports": None if number % 5 == 0 else [port],
        "lastBilled": False,
        "dateCreated": CREATED,
        "dateModified": str(MODIFIED),
        "extra": _extra(),
    }


def single(number: int, policies: list[Json]) -> Json:
    """Return a device as ``GET devices/N`` shows it: ``id`` and the interface of a port are text, the other ids are numbers."""
    port = {
        "name": "public",
        "deviceInterface": "0",
        "deviceTerminationInterface": "-1",
        "status": "UP",
        "speedMbit": "1000",
        "bridge": False,
        "deviceMAC": "01:02:03:04:05:06",
        "deviceId": FIRST + number,
        "deviceTerminationDeviceId": "-1",
        "deviceVlanId": ["1"],
    }
    return {
        "id": str(FIRST + number),
        "name": f"server{number:03d}.example.com",
        "stdName": f"STD-{number:03d}",
        "status": "ACTIVE",
        "trafficMB": 100000,
        "dateCreated": CREATED,
        "dateModified": MODIFIED,
        "assets": [],
        "ips": [],
        "primaryIP": _address(number),
        "trafficShared": True,
        "dcName": "GLOBALSWITCH-SYD1",
        "dcDescription": "Australia, Sydney (GlobalSwitch)",
        "trafficCurrent": "0",
        "trafficEstimated": 0,
        "firewallPolicies": policies,
        "ports": None if number % 5 == 0 else [port],
        "networkRoutes": [],
        "extra": _extra(),
        "dcId": 1,
        "deviceId": FIRST + number,
        "customerId": CUSTOMER,
        "highAvailability": False,
    }


class Devices:
    """Devices 5001 and up, and their firewall policies."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._policies: dict[int, dict[int, Json]] = {}
        self._next_policy = 15741

    def rows(self) -> list[Json]:
        return [listed(number) for number in range(1, self._count + 1)]

    def _number(self, identifier: Any) -> int:
        number = integer(identifier, -1) - FIRST
        if not 1 <= number <= self._count:
            raise Fault("Could not find device")
        return number

    def show(self, identifier: Any) -> Json:
        number = self._number(identifier)
        return single(number, list(self._policies.get(number, {}).values()))

    def update_firewall(self, identifier: Any, policies: Any) -> None:
        """Change the policies that are given and leave the others; ``DELETED`` removes one."""
        number = self._number(identifier)
        if not isinstance(policies, list) or not all(isinstance(policy, dict) for policy in policies):
            raise Fault("Invalid firewall policies", fields={"firewallPolicies": "Required"})
        own = self._policies.setdefault(number, {})
        for policy in policies:
            self._change_policy(number, own, policy)

    def _change_policy(self, number: int, own: dict[int, Json], policy: Json) -> None:
        identifier = integer(policy.get("id"), 0)
        if identifier and identifier not in own:
            raise Fault("Could not find firewall policy")
        if policy.get("policy") == "DELETED":
            own.pop(identifier, None)
            return
        if policy.get("policy", "ALLOW") not in POLICIES:
            raise Fault("Invalid firewall policy", fields={"policy": "Unknown policy"})
        if not identifier:
            identifier, self._next_policy = self._next_policy, self._next_policy + 1
        kept = own.get(identifier, {"id": identifier, "deviceID": str(FIRST + number), "deviceId": FIRST + number})
        own[identifier] = {**kept, **policy, "id": identifier}
