# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RackCorp's load balancers (https://portal.rackcorp.com/docs/loadbalancer.html)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from ..served import Json, integer
from .errors import Fault

BALANCER_TYPES = ("GLB", "HTTP", "TCP", "UDP", "CDN")
BALANCER_FIELDS = ("name", "type", "scope", "balancemode", "checkmode", "autoupgradehttps", "backend_hostname_force", "customerid")
BALANCER_LISTS = ("aliases", "backends", "ports", "refreshpatterns", "regions")
CREATED = 1700000000


class LoadBalancers:
    """One load balancer to begin with; ``get``, ``create`` and ``update`` answer the whole object, ``getall`` a summary."""

    def __init__(self, next_number: Callable[[], int]) -> None:
        self._next_number = next_number
        self.balancers: dict[int, Json] = {}
        self.create({"name": "web", "type": "HTTP", "ports": [80, 443], "backends": [{"name": "a", "hostname": "192.0.2.20", "port": 8080}]})

    def rows(self, asked: Json) -> list[Json]:
        filters = {key: asked[key] for key in ("id", "customerid", "name", "stdname", "hostname", "status") if asked.get(key) not in (None, "")}
        types = asked.get("type") or BALANCER_TYPES
        found = [row for row in self.balancers.values() if all(str(row[key]) == str(value) for key, value in filters.items())]
        return [{key: value for key, value in row.items() if key not in BALANCER_LISTS} for row in found if row["type"] in types]

    def show(self, identifier: Any) -> Json:
        found = self.balancers.get(integer(identifier, -1))
        if found is None:
            raise Fault("Could not find load balancer")
        return found

    def create(self, values: Json) -> Json:
        missing = {key: "Required" for key in ("name", "type") if not values.get(key)}
        if missing or values["type"] not in BALANCER_TYPES:
            raise Fault("Invalid load balancer", fields=missing or {"type": "Unknown type"})
        number = self._next_number()
        self.balancers[number] = {
            "id": number,
            "stdname": f"STD-LB-{number}",
            "hostname": f"lb{number}.example.net",
            "status": "ACTIVE",
            "scope": "global",
            "scope_networkid": 0,
            "scope_instances": 0,
            "balancemode": "roundrobin",
            "checkmode": "",
            "autoupgradehttps": False,
            "allowdirectssl": False,
            "headerspasson": True,
            "backend_hostname_force": "",
            "hostsource": "",
            "hostsourceforcehost": "",
            "customerid": 7001,
            "version": 1,
            "datecreated": CREATED,
            "datemodified": CREATED,
            "monthlyallocationmb": 0,
            "monthlyusagemb": 0,
            "trafficremainingmb": 0,
            "tls": False,
            "acl": [],
            "aliases": [],
            "refreshpatterns": [],
            "regions": [1],
            "backends": [],
            "ports": [],
        }
        return self.update({**values, "id": number})

    def update(self, values: Json) -> Json:
        """Replace what is given; ``backends`` and ``ports`` as whole lists."""
        found = self.show(values.get("id"))
        found.update({key: values[key] for key in (*BALANCER_FIELDS, *BALANCER_LISTS) if key in values})
        found["backends"] = [{"uuid": str(uuid.uuid4()), "tls": False, "weight": 1, **backend} for backend in found["backends"]]
        found["version"] += 1
        return found

    def delete(self, identifier: Any) -> None:
        del self.balancers[self.show(identifier)["id"]]
