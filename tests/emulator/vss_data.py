# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the VSS account owns, and requests that take their time."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from .wire import Json

HUMAN = {
    "SUBMITTED": "Submitted",
    "PENDING": "Pending",
    "IN_PROGRESS": "In Progress",
    "PROCESSED": "Processed",
    "ERROR": "Error Processed",
    "ERROR_RETRY": "Error Retrying",
    "SCHEDULED": "Scheduled",
    "MISSED": "Missed",
    "APPROVAL_REQUIRED": "Approval Required",
    "APPROVED": "Approved",
    "REFUSED": "Refused",
    "CANCELLED": "Cancelled",
}
STATES = {
    "poweredOn": "poweredOn",
    "poweredOff": "poweredOff",
    "reset": "poweredOn",
    "reboot": "poweredOn",
    "shutdown": "poweredOff",
    "suspend": "suspended",
}


def machine(number: int) -> Json:
    identifier = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"vm{number}.example.com"))
    return {
        "uuid": identifier,
        "moref": f"vm-{100 + number}",
        "name": f"2601T-vm{number:02d}",
        "hostname": f"vm{number:02d}.example.com",
        "ip_address": f"192.0.2.{number}",
        "power_state": {"value": "poweredOn", "label": "Powered On"},
        "os": "Ubuntu Linux (64-bit)",
        "cpu_count": 2,
        "memory_gb": 4,
    }


@dataclass
class Request:
    """An asynchronous job: it is looked at some times before it ends."""

    number: int
    kind: str
    user: str
    created: str
    finish: Callable[[], Json]
    task_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    polls: int = 0
    result: Json | None = None


class Data:
    def __init__(self, machines: int) -> None:
        self.machines = {found["uuid"]: found for found in map(machine, range(1, machines + 1))}
        self.requests: dict[int, Request] = {}

    def machine(self, wanted: str) -> Json | None:
        """By uuid or by moref."""
        return next((found for found in self.machines.values() if wanted in (found["uuid"], found["moref"])), None)

    def request(self, kind: str, user: str, created: str, finish: Callable[[], Json]) -> Request:
        number = 5001 + len(self.requests)
        self.requests[number] = Request(number, kind, user, created, finish)
        return self.requests[number]

    def new_machine(self, name: str) -> Json:
        made = {**machine(len(self.machines) + 1), "uuid": str(uuid.uuid4()), "name": name}
        self.machines[made["uuid"]] = made
        return {"vm_uuid": made["uuid"], "vm_moref": made["moref"]}


OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda have, value: have.lower() == value.lower(),
    "ne": lambda have, value: have.lower() != value.lower(),
    "like": lambda have, value: fnmatchcase(have.lower(), value.lower().replace("%", "*")),
    "in": lambda have, value: have in value.split(","),
}


def _passes(row: Json, condition: str) -> bool:
    name, op, value = [*condition.split(",", 2), "", ""][:3]
    test = OPERATORS.get(op)
    return test is not None and test(str(row.get(name)), value)


def filtered(rows: list[Json], text: str) -> list[Json]:
    """``attribute,op,value`` joined with semicolons; eq, ne, like and in."""
    conditions = [part for part in text.split(";") if part]
    return [row for row in rows if all(_passes(row, condition) for condition in conditions)]


def ordered(rows: list[Json], text: str) -> list[Json]:
    """``attribute,asc|desc`` joined with semicolons, the first one weighs most."""
    for part in reversed([part for part in text.split(";") if part]):
        rows = _by(rows, *part.partition(",")[::2])
    return rows


def _by(rows: list[Json], name: str, direction: str) -> list[Json]:
    return sorted(rows, key=lambda row: str(row.get(name)), reverse=direction == "desc")
