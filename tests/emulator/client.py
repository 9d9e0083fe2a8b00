# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How tests drive the emulator: a process of its own, and the control API. Standard library only."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from .accounts import accounts

STARTUP = 60.0
PATHS = {"rackcorp": "/rackcorp/api/rest/v2.9", "whm": "/whm", "netography": "/netography/api/v1", "vss": "/vss"}
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class EmulatorError(Exception):
    """The emulator did not start, or refused a control request."""


def facts_of(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tests outside this process need: ``emulator`` (addresses and certificates), ``api_urls`` per system, and ``accounts``."""
    urls = {system: {scheme: str(info[scheme]) + path for scheme in ("http", "https", "mtls")} for system, path in PATHS.items()}
    return {"emulator": dict(info), "api_urls": urls, "accounts": accounts()}


class Emulator:
    """``with Emulator() as emulator:`` runs one until the end of the block; it also ends with this process."""

    def __init__(self, python: str = sys.executable, directory: Path | None = None) -> None:
        self._python = python
        self._own_directory = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="emulator-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.info: dict[str, Any] = {}

    def start(self) -> Emulator:
        ready = self.directory / "ready.json"
        ready.unlink(missing_ok=True)
        with (self.directory / "emulator.log").open("wb") as output:
            command = [self._python, str(Path(__file__).parent), "--dir", str(self.directory), "--ready-file", str(ready), "--parent-pid", str(os.getpid())]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + STARTUP
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                text = (self.directory / "emulator.log").read_text()
                self.stop()
                raise EmulatorError(f"the emulator did not start: {text}")
            time.sleep(0.01)
        self.info = json.loads(ready.read_text())
        return self

    @classmethod
    def attach(cls, ready_file: Path) -> Emulator:
        """Use one that was started elsewhere; ``stop`` leaves it alone."""
        emulator = cls(directory=ready_file.parent)
        emulator.info = json.loads(ready_file.read_text())
        return emulator

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Emulator:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def http(self) -> str:
        return str(self.info["http"])

    @property
    def https(self) -> str:
        return str(self.info["https"])

    @property
    def mtls(self) -> str:
        """The base whose TLS port wants a client certificate."""
        return str(self.info["mtls"])

    @property
    def ca(self) -> str:
        return str(self.info["ca"])

    @property
    def other_ca(self) -> str:
        """A CA that did not sign the server's certificate."""
        return str(self.info["other_ca"])

    @property
    def client_cert(self) -> tuple[str, str]:
        return str(self.info["client_cert"]), str(self.info["client_key"])

    @property
    def other_client_cert(self) -> tuple[str, str]:
        """A client certificate that the server does not accept."""
        return str(self.info["other_client_cert"]), str(self.info["other_client_key"])

    def url(self, system: str, tls: bool = False) -> str:
        """The system's ``api_url``."""
        return (self.https if tls else self.http) + PATHS[system]

    def root(self, entry: str, tls: bool = False) -> str:
        """Return the address whose paths are those of the real host: of a system, or of ``cpanel`` (WHM is port 2087, cPanel port 2083)."""
        return str(self.info["roots"][entry]["https" if tls else "http"])

    def facts(self, path: Path | None = None) -> dict[str, Any]:
        """Return ``facts_of`` this emulator, and write it to a file (mode 0600) if one is given."""
        facts = facts_of(self.info)
        if path is not None:
            path.unlink(missing_ok=True)
            path.touch(mode=0o600)
            path.write_text(json.dumps(facts, indent=2) + "\n")
        return facts

    def control(self, method: str, action: str, body: Any = None) -> Any:
        data = json.dumps(body).encode() if body is not None else b"" if method == "POST" else None
        request = urllib.request.Request(f"{self.http}/_emulator/{action}", data=data, method=method, headers={"Content-Type": "application/json"})
        try:
            with _direct.open(request, timeout=30) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as error:
            raise EmulatorError(error.read().decode("utf-8", "replace")) from error

    def log(self, since: int = 0, **expected: Any) -> list[dict[str, Any]]:
        """Records in order, those whose fields have the expected values: ``log(system='vss', login=True)``."""
        records = self.control("GET", f"log?since={since}")
        return [record for record in records if all(record[name] == value for name, value in expected.items())]

    def counts(self) -> dict[str, dict[str, int]]:
        counts: dict[str, dict[str, int]] = self.control("GET", "counts")
        return counts

    def logins(self, system: str) -> int:
        return self.counts()[system]["logins"]

    def calls(self, system: str) -> int:
        return self.counts()[system]["calls"]

    def reset(self) -> None:
        self.control("POST", "reset")

    def settings(self, **systems: Mapping[str, Any]) -> None:
        """``settings(vss={'token_ttl': 60})``."""
        self.control("POST", "settings", systems)

    def fault(self, *rules: Mapping[str, Any]) -> None:
        """Add rules to the script: ``fault({'system': 'vss', 'action': 'hang'})``."""
        self.control("POST", "fault", list(rules))

    def faults(self) -> list[dict[str, Any]]:
        rules: list[dict[str, Any]] = self.control("GET", "fault")["rules"]
        return rules

    def clear_faults(self) -> None:
        self.control("POST", "fault")

    def revoke(self, system: str) -> int:
        """All tokens that the system has given out become invalid; how many those were."""
        return int(self.control("POST", "revoke", {"system": system})["revoked"])

    def clock(self, offset: float) -> None:
        """The server's clock, in seconds ahead of the real one."""
        self.control("POST", "clock", {"offset": offset})

    def hulk(self, clear: bool = False) -> dict[str, dict[str, int]]:
        """WHM's counters of bad logins, by address and by account."""
        counters: dict[str, dict[str, int]] = self.control("POST" if clear else "GET", "hulk", {"clear": True} if clear else None)
        return counters


def wait_until(condition: Any, seconds: float = 5.0, pause: float = 0.02) -> bool:
    """Whether the condition became true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(pause)
    return False


__all__: Sequence[str] = ("Emulator", "EmulatorError", "facts_of", "wait_until")
