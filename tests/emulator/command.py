# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command: listens, says where, and stops when it is told to or when its parent has gone."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from . import playground, tls
from .app import Server, World
from .client import facts_of

BACKLOG = 2048


@dataclass
class Options:
    """The command line."""

    host: str
    http_port: int
    https_port: int
    mtls_port: int
    dir: Path | None
    ready_file: Path | None
    facts: Path | None
    parent_pid: int | None
    playground: bool


def parse(argv: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="emulator", description="The RackCorp, WHM, Netography and VSS APIs on loopback.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--http-port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--https-port", type=int, default=0)
    parser.add_argument("--mtls-port", type=int, default=0, help="port that requires a client certificate")
    parser.add_argument("--dir", type=Path, help="where the certificates go (default: a temporary directory)")
    parser.add_argument("--ready-file", type=Path, help="file for the line that is printed when ready")
    parser.add_argument("--facts", type=Path, help="file for the addresses, the CA and the accounts, written when ready")
    parser.add_argument("--parent-pid", type=int, help="stop when this process is gone")
    parser.add_argument("--playground", action="store_true", help="print settings and a playbook to try the collection with, instead of the line")
    return Options(**vars(parser.parse_args(argv)))


Ports = dict[str, tuple[int, ssl.SSLContext | None]]


async def _listen(server: Server, options: Options, files: tls.Certificates) -> tuple[web.ServerRunner, dict[str, Any]]:
    """Open the shared ports and two for each entry (HTTP and HTTPS). Return the runner, and what to announce about addresses."""
    runner = web.ServerRunner(web.Server(server.handle, access_log=None, keepalive_timeout=300.0), shutdown_timeout=0.1)
    await runner.setup()
    https = tls.server_context(files)
    shared: Ports = {
        "http": (options.http_port, None),
        "https": (options.https_port, https),
        "mtls": (options.mtls_port, tls.server_context(files, client_required=True)),
    }
    addresses: dict[str, Any] = {name: _url(options.host, name, await _open(runner, options.host, *port)) for name, port in shared.items()}
    addresses["roots"] = {entry: await _open_own(server, runner, options.host, entry, https) for entry in server.world.entries}
    return runner, addresses


async def _open(runner: web.ServerRunner, host: str, port: int, context: ssl.SSLContext | None) -> int:
    await web.TCPSite(runner, host, port, ssl_context=context, backlog=BACKLOG).start()
    return int(runner.addresses[-1][1])


async def _open_own(server: Server, runner: web.ServerRunner, host: str, entry: str, https: ssl.SSLContext) -> dict[str, str]:
    urls = {}
    for scheme, context in (("http", None), ("https", https)):
        port = await _open(runner, host, 0, context)
        server.own_ports[port] = entry
        urls[scheme] = _url(host, scheme, port)
    return urls


def _url(host: str, name: str, port: int) -> str:
    return f"{'http' if name == 'http' else 'https'}://{f'[{host}]' if ':' in host else host}:{port}"


def _announce(options: Options, addresses: dict[str, Any], files: tls.Certificates) -> None:
    paths = {name: str(getattr(files, name)) for name in tls.Certificates.__dataclass_fields__ if not name.startswith("server")}
    info = {**addresses, **paths, "pid": os.getpid()}
    line = json.dumps(info)
    if options.facts:
        _write(options.facts, json.dumps(facts_of(info), indent=2))
    if options.ready_file:
        _write(options.ready_file, line)
    print(playground.describe(info) if options.playground else line, flush=True)


def _write(path: Path, text: str) -> None:
    """Write a file that holds secrets, so that it is there whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_text(text + "\n")
    part.replace(path)


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
    runner, addresses = await _listen(Server(World()), options, files)
    watcher = asyncio.create_task(_watch(options.parent_pid, stop)) if options.parent_pid else None
    _announce(options, addresses, files)
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
