# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests that the emulator has got, and how each was answered."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .served import ServedRequest
from .system import Description

LOGGED_HEADERS = ("Authorization", "Cookie", "Content-Type", "Accept", "User-Agent", "Content-Length", "APIUUID", "APISECRET", "Proxy-Authorization", "Host")
LOGGED_BODY = 65536


@dataclass
class Record:
    """One request. ``status`` is 0 and ``seconds`` null until it has been answered."""

    number: int
    time: float
    system: str
    method: str
    path: str
    query: dict[str, str]
    function: str
    login: bool
    peer: str
    port: int
    tls: bool
    headers: dict[str, str]
    body: str
    kinds: list[str] = field(default_factory=list)
    principal: str = ""
    status: int = 0
    ok: bool = False
    executed: bool = False
    fault: str | None = None
    seconds: float | None = None


def _readable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _logged(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: _readable(headers[name]) for name in LOGGED_HEADERS if name in headers}


class Log:
    """Records in the order of arrival."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def open(self, system: str, request: ServedRequest, description: Description) -> Record:
        body = request.body[:LOGGED_BODY].decode("utf-8", "replace")
        number = len(self.records) + 1
        record = Record(
            number, time.time(), system, request.method, request.path, dict(request.query), description.function, description.login,
            request.peer, request.port, request.tls, _logged(request.headers), body, request.kinds,
        )  # fmt: skip
        self.records.append(record)
        return record

    def dump(self, since: int = 0) -> list[dict[str, Any]]:
        return [vars(record) for record in self.records[since:]]

    def counts(self, systems: list[str]) -> dict[str, dict[str, int]]:
        return {system: self._count(system) for system in systems}

    def _count(self, system: str) -> dict[str, int]:
        mine = [record for record in self.records if record.system == system]
        logins = [record for record in mine if record.login]
        return {
            "requests": len(mine),
            "logins": len(logins),
            "logins_ok": sum(record.ok for record in logins),
            "calls": len(mine) - len(logins),
            "failures": sum(record.seconds is not None and not record.ok for record in mine),
            "connections": len({(record.peer, record.port) for record in mine}),
        }
