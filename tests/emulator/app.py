# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server: reads requests, asks the systems, sends answers, plays faults."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiohttp import web

from . import control
from .faults import FaultContext, Hang, Raw, Script, play
from .issued import Clock
from .log import Log, Record
from .netography import Netography
from .rackcorp import Rackcorp
from .served import Answer, ServedRequest
from .system import System
from .vss import Vss
from .whm import Whm

NEVER = 3600.0


class World:
    """Everything that a reset brings back to its start."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.log = Log()
        self.script = Script()
        kinds: tuple[type[System[Any]], ...] = (Rackcorp, Whm, Netography, Vss)
        self.systems: dict[str, System[Any]] = {kind.name: kind(self.clock) for kind in kinds}
        self.entries: dict[str, System[Any]] = {mount: system for system in self.systems.values() for mount in system.mounts}

    def reset(self) -> None:
        self.clock.offset = 0.0
        self.log = Log()
        self.script = Script()
        for system in self.systems.values():
            system.reset()

    def execute(self, system: System[Any], request: ServedRequest, record: Record) -> Answer:
        record.executed = True
        answer = system.handle(request)
        record.principal = request.principal
        return answer


async def _read(request: web.BaseRequest) -> ServedRequest:
    transport = request.transport
    peer = transport.get_extra_info("peername") if transport else None
    host, port = (peer[0], peer[1]) if peer else ("", 0)
    return ServedRequest(
        method=request.method,
        path=request.path.lstrip("/"),
        query=list(request.query.items()),
        headers=request.headers,
        body=await request.read(),
        peer=host,
        port=port,
        origin=f"{'https' if request.secure else 'http'}://{request.host}",
        tls=request.secure,
    )


def _gone(request: web.BaseRequest) -> bool:
    return request.transport is None or request.transport.is_closing()


async def _write_raw(request: web.BaseRequest, raw: Raw) -> None:
    """Send the bytes and close; the caller's empty response then goes nowhere."""
    size = len(raw.data) if not raw.pause else 8
    for start in range(0, len(raw.data), max(1, size)):
        if request.transport is None or _gone(request):
            return
        request.transport.write(raw.data[start : start + size])
        if raw.pause:
            await asyncio.sleep(raw.pause)
    if request.transport is not None:
        request.transport.close()


async def _hang(request: web.BaseRequest) -> None:
    deadline = time.monotonic() + NEVER
    while not _gone(request) and time.monotonic() < deadline:
        await asyncio.sleep(0.05)


class Server:
    """One handler for all ports. ``own_ports``: the port numbers that an entry has to itself."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.own_ports: dict[int, str] = {}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith(control.PREFIX):
            return self._send(await control.handle(self.world, request))
        served = await _read(request)
        entry = self._entry(request)
        if entry:
            served.entry = entry
        else:
            served.entry, _slash, served.path = served.path.partition("/")
            served.mount = f"/{served.entry}"
        system = self.world.entries.get(served.entry)
        if system is None:
            return self._send(Answer(404, b"There is no such system here.", "text/plain"))
        return await self._serve(request, system, served)

    def _entry(self, request: web.BaseRequest) -> str:
        """Return the entry whose own port the request came by, or an empty text."""
        name = request.transport.get_extra_info("sockname") if request.transport else None
        return self.own_ports.get(name[1], "") if name else ""

    async def _serve(self, request: web.BaseRequest, system: System[Any], served: ServedRequest) -> web.StreamResponse:
        started = time.monotonic()
        record = self.world.log.open(system.name, served, system.describe(served))
        try:
            outcome = await self._answer(system, served, record)
        except Hang:
            await _hang(request)
            outcome = Raw(b"")
        record.seconds = time.monotonic() - started
        if isinstance(outcome, Raw):
            await _write_raw(request, outcome)
            return web.Response()
        record.status, record.ok = outcome.status, outcome.ok
        return self._send(outcome)

    async def _answer(self, system: System[Any], served: ServedRequest, record: Record) -> Answer | Raw:
        settings = system.settings
        pause = settings.delay + (settings.login_delay if record.login else 0.0)
        rule = self.world.script.take(record)
        if pause:
            await asyncio.sleep(pause)
        if rule is None:
            return self.world.execute(system, served, record)
        return await play(rule, FaultContext(served, system, self.world.clock, lambda: self.world.execute(system, served, record)))

    def _send(self, answer: Answer) -> web.Response:
        headers = {"Date": self.world.clock.http_date(), **answer.head()}
        return web.Response(status=answer.status, reason=answer.reason, body=answer.body or None, headers=headers)
