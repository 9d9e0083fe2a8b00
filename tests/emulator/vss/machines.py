# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VSS's virtual machines: flat in lists, nested by themselves (the columns of vss-cli's ``const.py`` say so)."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from ..served import Json
from .times import stamp

STATES = {
    "poweredOn": "poweredOn",
    "poweredOff": "poweredOff",
    "reset": "poweredOn",
    "reboot": "poweredOn",
    "shutdown": "poweredOff",
    "suspend": "suspended",
}
CREATED = 1587449403.0
GUEST_ID = "ubuntu64Guest"
FULL_NAME = "Ubuntu Linux (64-bit)"
GIB = 1024**3
DATES = {"created_on": stamp(CREATED), "updated_on": stamp(CREATED)}
SIZES = {"num_cpu_cores": 128, "num_cpu_sockets": 8, "num_cpu_threads": 256, "overall_status": "green"}
DOMAIN = {"moref": "domain-c66", "name": "FD4", "hosts_count": 4, "gpu_profiles_bound": None, "vim_type": "ClusterComputeResource", **SIZES, **DATES}
FOLDER = {
    "moref": "group-v8186",
    "name": "Development",
    "path": "VSS > Development",
    "has_children": False,
    "has_parent": True,
    "parent_moref": "group-v1",
    "vim_type": "Folder",
    **DATES,
}
HOST = {
    "moref": "host-71",
    "name": "fd4esx01",
    "product_full_name": "VMware ESXi 8.0.3",
    "vim_type": "HostSystem",
    "vm_count": 23,
    "gpu_profiles": None,
    "gpu_profiles_bound": None,
    **SIZES,
    **DATES,
}
# Members of a machine in lists that are the same for all: names and types are those of ``models/vms.py`` in mcp-vss 2026.8.0.dev0 (PyPI).
ALIKE: Json = {
    "admin": None,
    "backup_svc": None,
    "cbt_enabled": True,
    "client": "EIS",
    "committed_bytes": int(2.18 * GIB),
    "committed_gb": 2.18,
    "cores_per_socket": 1,
    "cpu_count": 2,
    "cpu_hotadd": True,
    "create_date": stamp(CREATED),
    "created_on": stamp(CREATED),
    "datastores": [],
    "description": "",
    "domain_moref": DOMAIN["moref"],
    "firmware": "efi",
    "folder_moref": FOLDER["moref"],
    "ft_encryption_mode": "ftEncryptionOpportunistic",
    "gpu": [],
    "gpu_gb": 0,
    "guest_detailed_data": None,
    "guest_full_name": FULL_NAME,
    "guest_id": GUEST_ID,
    "has_snapshot": False,
    "host_moref": HOST["moref"],
    "inform": None,
    "is_encrypted": False,
    "is_template": False,
    "mac_address": "00:50:56:92:00:01",
    "memory_gb": 4,
    "memory_gb_reserved": 0,
    "memory_hotadd": True,
    "memory_mb": 4096,
    "memory_mb_reserved": 0,
    "migrate_encryption_mode": "opportunistic",
    "networks": [],
    "notes": "",
    "options": "",
    "overall_status": "green",
    "power_state": "poweredOn",
    "preferences": "",
    "provisioned_gb": 22.19,
    "secure_boot": True,
    "storage_type": "ssd",
    "support_code": None,
    "tools_running_status": "guestToolsRunning",
    "tools_version": "12389",
    "tools_version_status": "guestToolsCurrent",
    "tpm": [],
    "uncommitted_bytes": 2338168320,
    "unshared_bytes": 996,
    "usage": "Dev",
    "vbs_enabled": False,
    "version": "vmx-15",
    "vim_type": "VirtualMachine",
}


def machine(number: int) -> Json:
    """Return a machine as lists show it."""
    return {
        **ALIKE,
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"vm{number}.example.com")),
        "moref": f"vm-{100 + number}",
        "name": f"2601T-vm{number:02d}",
        "hostname": f"vm{number:02d}.example.com",
        "ip_address": f"192.0.2.{number}",
        "folder": dict(FOLDER),
        "domain": dict(DOMAIN),
        "host": {**HOST, "domain": dict(DOMAIN)},
        "updated_on": stamp(CREATED + 60 * number),
    }


def details(row: Json) -> Json:
    """Return a machine as ``GET vm/ID`` shows it."""
    return {
        "moref": row["moref"],
        "uuid": row["uuid"],
        "name": name(row),
        "folder": row["folder"],
        "config": {"os": {"guest_id": GUEST_ID, "full_name": FULL_NAME}},
        "hardware": {
            "version": row["version"],
            "cpu": {"cpu_count": row["cpu_count"]},
            "memory": {"memory_gb": row["memory_gb"]},
            "devices": {"disks": disks(), "nics": [{"unit": 1, "label": "Network adapter 1"}], "floppies": []},
        },
        "state": state(row)["state"],
        "domain": row["domain"],
        "storage": {"provisioned_gb": row["provisioned_gb"], "committed_gb": 2.18},
        "snapshot": {"exist": False},
    }


def name(row: Json) -> Json:
    prefix, _dash, rest = row["name"].partition("-")
    return {"full_name": row["name"], "name": rest or row["name"], "prefix": prefix if rest else ""}


def state(row: Json) -> Json:
    return {
        "state": {
            "power_state": row["power_state"],
            "connection_state": "connected",
            "overall_status": "green",
            "alarms": [],
            "create_date": row["created_on"],
            "boot_time": row["created_on"],
        },
        "domain": row["domain"],
    }


def spec(row: Json) -> Json:
    return {
        "name": row["name"],
        "os": GUEST_ID,
        "folder": row["folder"]["moref"],
        "domain": row["domain"]["moref"],
        "cpu": row["cpu_count"],
        "memory": row["memory_gb"],
        "disks": [40],
        "networks": [{"network": "dvportgroup-11052", "type": "vmxnet3"}],
        "description": "",
        "built_from": "os_install",
    }


def guest(row: Json) -> Json:
    return {
        "hostname": row["hostname"],
        "ip_address": [row["ip_address"]],
        "os": {"full_name": FULL_NAME, "guest_id": GUEST_ID},
        "tools": {"running_status": row["tools_running_status"], "version": "11269", "version_status": "guestToolsCurrent"},
        "guest_state": "running",
    }


def disks() -> list[Json]:
    return [
        {
            "unit": 1,
            "label": "Hard disk 1",
            "controller": {"label": "SCSI controller 0", "virtual_device_node": "SCSI(0:0)"},
            "capacity_gb": 40,
            "capacity_gib": 40.0,
            "shares": {"level": "normal"},
            "notes": "",
        }
    ]


PARTS: dict[str, Callable[[Json], Json | list[Json]]] = {"name": name, "state": state, "spec": spec, "guest": guest, "disk": lambda _row: disks()}


class Machines:
    def __init__(self, count: int) -> None:
        self.rows = {row["uuid"]: row for row in map(machine, range(1, count + 1))}

    def find(self, identifier: str) -> Json | None:
        """Find by uuid or by moref."""
        return next((row for row in self.rows.values() if identifier in (row["uuid"], row["moref"])), None)

    def create(self, title: str) -> Json:
        """Create a machine, and return what its request shows when it has ended."""
        row = {**machine(len(self.rows) + 1), "uuid": str(uuid.uuid4()), "name": title}
        self.rows[row["uuid"]] = row
        return {"vm_uuid": row["uuid"], "vm_moref": row["moref"], "vm_name": title}
