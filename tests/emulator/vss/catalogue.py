# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What VSS lists beside machines, tokens and requests."""

from __future__ import annotations

from ..served import Json
from .machines import CREATED, DATES, DOMAIN, FOLDER, FULL_NAME, GUEST_ID
from .times import stamp

SINCE = CREATED
MOTD = {"motd": ""}

# Per path below /v2: the rows, and the member by which a single one is found.
CATALOGUE: dict[str, tuple[list[Json], str]] = {
    "folder": (
        [
            {**FOLDER, "parent": {"moref": "group-v1", "name": "VSS"}, "has_children": False},
            {
                "moref": "group-v1",
                "name": "VSS",
                "path": "VSS",
                "parent": {"moref": None, "name": None},
                "has_children": True,
                "has_parent": False,
                "vim_type": "Folder",
                **DATES,
            },
        ],
        "moref",
    ),
    "network": (
        [
            {
                "moref": f"dvportgroup-1105{number}",
                "name": f"VL-000{number}-NETWORK",
                "label": f"VL-000{number}",
                "description": None,
                "admin": None,
                "client": "EIS",
                "subnet": f"192.0.{number}.0/24",
                "vlan_id": str(number),
                "vms": 1,
                "ports": 32,
                "mac_allow_promiscuous": False,
                "mac_changes": False,
                "mac_forged_transmits": False,
                "vim_type": "DistributedVirtualPortgroup",
                **DATES,
            }
            for number in (2, 3)
        ],
        "moref",
    ),
    "domain": ([{**DOMAIN, "gpu_profiles": []}], "moref"),
    "os": ([{"id": 37, "guest_id": GUEST_ID, "full_name": FULL_NAME, "family": "linuxGuest", **DATES}], "id"),
    "vss/service": ([{"id": 10, "name": "HTTP_HTTPS", "label": "Web Server", "group": {"id": 1, "name": "WEB"}, **DATES}], "id"),
    "user/message": (
        [{"id": 1, "kind": "Notice", "subject": "Maintenance", "text": "Sunday, 02:00", "status": "Created", "user": {"username": "admin"}, **DATES}],
        "id",
    ),
    "user/ssh-key": (
        [{"id": 1, "type": "ssh-ed25519", "comment": "me@example.com", "fingerprint": "SHA256:0000", "value": "ssh-ed25519 AAAA me@example.com", **DATES}],
        "id",
    ),
}


def personal(username: str) -> Json:
    return {
        "username": username,
        "full_name": "Example User",
        "email": f"{username}@example.com",
        "phone": "",
        "auth_timestamp": stamp(SINCE),
        "pwd_change_time": stamp(SINCE),
        "pwd_account_locked_time": None,
    }
