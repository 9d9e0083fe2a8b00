# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Redis server on loopback, plain or with TLS and users."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import redis
import trustme

PASSWORD = "redis+/%@:CANARY-password"


class RedisServer:
    """``with RedisServer(directory) as server:``; ``server.url`` leads to it."""

    def __init__(self, directory: Path, tls: bool = False, users: Sequence[str] = ()) -> None:
        directory.mkdir(parents=True)
        self.directory = directory
        self.port = free_port()
        self.ca = directory / "ca.pem"
        self._tls = tls
        (directory / "redis.conf").write_text("\n".join([*self._ports(), "bind 127.0.0.1", 'save ""', "appendonly no", f"dir {directory}", *users]) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def _ports(self) -> list[str]:
        if not self._tls:
            return [f"port {self.port}", f"unixsocket {self.socket}", "unixsocketperm 700"]
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca))
        certificate = authority.issue_cert("127.0.0.1")
        certificate.cert_chain_pems[0].write_to_path(str(self.directory / "cert.pem"))
        certificate.private_key_pem.write_to_path(str(self.directory / "key.pem"))
        trustme.CA().cert_pem.write_to_path(str(self.directory / "other-ca.pem"))
        return [
            "port 0",
            f"tls-port {self.port}",
            f"tls-cert-file {self.directory / 'cert.pem'}",
            f"tls-key-file {self.directory / 'key.pem'}",
            f"tls-ca-cert-file {self.ca}",
            "tls-auth-clients no",
        ]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def socket(self) -> str:
        # Short: a socket's path has 107 characters at most.
        return f"/tmp/apiauth-{os.getpid()}-{self.port}.sock"

    def start(self) -> RedisServer:
        with (self.directory / "log").open("ab") as log:
            begin = log.tell()
            self._process = subprocess.Popen(["redis-server", str(self.directory / "redis.conf")], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while b"Ready to accept connections" not in (self.directory / "log").read_bytes()[begin:]:
            assert self._process.poll() is None, (self.directory / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return self

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        """The way a crash does it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def __enter__(self) -> RedisServer:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()
        Path(self.socket).unlink(missing_ok=True)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def is_here() -> bool:
    return shutil.which("redis-server") is not None
