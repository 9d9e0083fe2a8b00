# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server: reads requests, asks the systems, sends answers, plays faults."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import ssl
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from . import control, tls
from .faults import Hang, Raw, Script, Stage, play
from .log import Log, Record
from .netography import Netography
from .rackcorp import Rackcorp
from .store import Clock
from .system import System
from .vss import Vss
from .whm import Whm
from .wire import Call, Reply

BACKLOG = 2048
NEVER = 3600.0


class World:
    """Everything that a reset brings back to its start."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.log = Log()
        self.script = Script()
        kinds: tuple[type[System[Any]], ...] = (Rackcorp, Whm, Netography, Vss)
        self.systems: dict[str, System[Any]] = {kind.name: kind(self.clock) for kind in kinds}

    def reset(self) -> None:
        self.clock.offset = 0.0
        self.log = Log()
        self.script = Script()
        for system in self.systems.values():
            system.reset()

    def execute(self, system: System[Any], call: Call, record: Record) -> Reply:
        record.executed = True
        reply = system.handle(call)
        record.principal = call.principal
        return reply


async def _read(request: web.BaseRequest) -> Call:
    transport = request.transport
    peer = transport.get_extra_info("peername") if transport else None
    host, port = (peer[0], peer[1]) if peer else ("", 0)
    return Call(
        method=request.method,
        path=request.path,
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
    """One handler for all ports."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith(control.PREFIX):
            return self._send(await control.handle(self.world, request))
        call = await _read(request)
        name, _sep, call.path = call.path.lstrip("/").partition("/")
        system = self.world.systems.get(name)
        if system is None:
            return self._send(Reply(404, b"There is no such system here.", "text/plain"))
        return await self._serve(request, system, call)

    async def _serve(self, request: web.BaseRequest, system: System[Any], call: Call) -> web.StreamResponse:
        started = time.monotonic()
        record = self.world.log.open(system.name, call, system.describe(call))
        try:
            outcome = await self._answer(system, call, record)
        except Hang:
            await _hang(request)
            outcome = Raw(b"")
        record.seconds = time.monotonic() - started
        if isinstance(outcome, Raw):
            await _write_raw(request, outcome)
            return web.Response()
        record.status, record.ok = outcome.status, outcome.ok
        return self._send(outcome)

    async def _answer(self, system: System[Any], call: Call, record: Record) -> Reply | Raw:
        settings = system.settings
        pause = settings.delay + (settings.login_delay if record.login else 0.0)
        rule = self.world.script.take(record)
        if pause:
            await asyncio.sleep(pause)
        if rule is None:
            return self.world.execute(system, call, record)
        return await play(rule, Stage(call, system, self.world.clock, lambda: self.world.execute(system, call, record)))

    def _send(self, reply: Reply) -> web.Response:
        headers = {"Date": self.world.clock.http_date(), **reply.head()}
        return web.Response(status=reply.status, reason=reply.reason, body=reply.body or None, headers=headers)


@dataclass
class Options:
    """The command line."""

    host: str
    http_port: int
    https_port: int
    mtls_port: int
    dir: Path | None
    ready_file: Path | None
    parent_pid: int | None


def parse(argv: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="emulator", description="The RackCorp, WHM, Netography and VSS APIs on loopback.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--http-port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--https-port", type=int, default=0)
    parser.add_argument("--mtls-port", type=int, default=0, help="port that requires a client certificate")
    parser.add_argument("--dir", type=Path, help="where the certificates go (default: a temporary directory)")
    parser.add_argument("--ready-file", type=Path, help="file for the line that is printed when ready")
    parser.add_argument("--parent-pid", type=int, help="stop when this process is gone")
    return Options(**vars(parser.parse_args(argv)))


async def _listen(server: Server, host: str, ports: dict[str, tuple[int, ssl.SSLContext | None]]) -> tuple[web.ServerRunner, dict[str, int]]:
    runner = web.ServerRunner(web.Server(server.handle, access_log=None, keepalive_timeout=300.0), shutdown_timeout=0.1)
    await runner.setup()
    taken = {}
    for name, (port, context) in ports.items():
        await web.TCPSite(runner, host, port, ssl_context=context, backlog=BACKLOG).start()
        taken[name] = runner.addresses[-1][1]
    return runner, taken


def _announce(options: Options, ports: dict[str, int], files: tls.Certificates) -> None:
    host = f"[{options.host}]" if ":" in options.host else options.host
    urls = {name: f"{'http' if name == 'http' else 'https'}://{host}:{port}" for name, port in ports.items()}
    paths = {name: str(getattr(files, name)) for name in tls.Certificates.__dataclass_fields__ if not name.startswith("server")}
    line = json.dumps({**urls, **paths, "pid": os.getpid()})
    print(line, flush=True)
    if options.ready_file:
        part = options.ready_file.with_name(options.ready_file.name + ".part")
        part.write_text(line + "\n")
        part.replace(options.ready_file)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return os.getppid() == pid or not _zombie(pid)


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


async def _watch(pid: int, stop: asyncio.Event) -> None:
    while _alive(pid):
        await asyncio.sleep(1.0)
    stop.set()


async def run(options: Options, directory: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    files = tls.make(directory)
    ports = {
        "http": (options.http_port, None),
        "https": (options.https_port, tls.server_context(files)),
        "mtls": (options.mtls_port, tls.server_context(files, client_required=True)),
    }
    runner, taken = await _listen(Server(World()), options.host, ports)
    watcher = asyncio.create_task(_watch(options.parent_pid, stop)) if options.parent_pid else None
    _announce(options, taken, files)
    await stop.wait()
    if watcher:
        watcher.cancel()
    await runner.cleanup()


def main(argv: list[str]) -> int:
    options = parse(argv)
    if options.dir:
        options.dir.mkdir(parents=True, exist_ok=True)
        asyncio.run(run(options, options.dir.resolve()))
        return 0
    with tempfile.TemporaryDirectory(prefix="emulator-") as directory:
        asyncio.run(run(options, Path(directory)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
