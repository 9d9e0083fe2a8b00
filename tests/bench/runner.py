# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of Ansible that are measured: in directories of their own, beside one emulator over HTTPS."""

from __future__ import annotations

import base64
import json
import os
import resource
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emulator.accounts import accounts
from emulator.client import Emulator

from bench.arithmetic import Spent

COLLECTION = Path(__file__).resolve().parents[2]
CORES = len(os.sched_getaffinity(0))
PATIENCE = 600
MEASURED = "measured"


class RunError(Exception):
    """A run that failed measures nothing; the text is what it printed."""


class Runner:
    """Where plays run, and what they need to know."""

    def __init__(self, root: Path, emulator: Emulator) -> None:
        self.root, self.emulator = root, emulator
        account = accounts()["rackcorp"]
        self.variables: dict[str, Any] = {
            "rackcorp_api_url": emulator.url("rackcorp", tls=True),
            "rackcorp_api_uuid": account["api_uuid"],
            "rackcorp_api_secret": account["api_secret"],
            "apiauth_ca_path": emulator.ca,
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
        }
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(root),
            "LC_ALL": "C.UTF-8",
            "TMPDIR": str(root),
            "ANSIBLE_HOME": str(root / "ansible"),
            "ANSIBLE_REMOTE_TEMP": str(root / "remote"),
            "ANSIBLE_CONFIG": str(root / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTION.parents[2]),
            "ANSIBLE_ACTION_PLUGINS": str(Path(__file__).parent / "action_plugins"),
            "BENCH_CA": str(emulator.ca),
            "ANSIBLE_NOCOLOR": "1",
        }
        (root / "ansible.cfg").touch()

    def token(self) -> str:
        """A JWT that nothing of ours fetched."""
        pair = f"{self.variables['rackcorp_api_uuid']}:{self.variables['rackcorp_api_secret']}"
        request = urllib.request.Request(f"{self.variables['rackcorp_api_url']}/customer/jsonwebtoken")
        request.add_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
        handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self.emulator.ca)))
        with urllib.request.build_opener(*handlers).open(request, timeout=30) as reply:
            return str(json.load(reply)["token"])

    def playbook(self, name: str, tasks: Sequence[Mapping[str, Any]]) -> Path:
        path = self.root / f"{name}.yml"
        path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": list(tasks)}]))
        return path

    def inventory(self, hosts: int) -> Path:
        path = self.root / f"hosts{hosts}.json"
        if not path.exists():
            path.write_text(json.dumps({"all": {"hosts": {f"h{number:03d}": None for number in range(hosts)}, "vars": self.variables}}))
        return path

    def run(self, playbook: Path, hosts: int, *, start_only: bool = False, known_ca: bool = False) -> Spent:
        """One run; with `start_only` Ansible reads and loads everything, and runs no measured task."""
        command = ["ansible-playbook", "-i", str(self.inventory(hosts)), "-f", str(CORES), str(playbook)]
        more = {"APIAUTH_CA_PATH": str(self.emulator.ca)} if known_ca else {}
        return self.measured([*command, "--skip-tags", MEASURED] if start_only else command, more)[0]

    def measured(self, command: Sequence[str], more: Mapping[str, str] | None = None) -> tuple[Spent, str]:
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**self.environment, **(more or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            raise RunError(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return Spent(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime), done.stdout
