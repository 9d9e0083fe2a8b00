# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the demo plays: directories of its own, the collection from its tarball, Ansible as a process that knows nothing of who started it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

HERE = Path(__file__).resolve().parent
PATIENCE = 120.0


class StageError(Exception):
    """Something that the demo needs does not work; the text shows what a program said."""


@dataclass
class Task:
    """What became of one task of a playbook. `seconds` is the time for all its hosts."""

    name: str
    tags: list[str]
    seconds: float
    hosts: dict[str, dict[str, Any]]

    @property
    def good(self) -> int:
        return sum(1 for host in self.hosts.values() if host["ok"])

    @property
    def messages(self) -> list[str]:
        """What failed hosts said, each once."""
        return list(dict.fromkeys(host["message"] for host in self.hosts.values() if not host["ok"]))


@dataclass
class Played:
    """One run of a playbook."""

    code: int
    output: str = field(repr=False)
    tasks: list[Task]

    def task(self, *tags: str) -> Task | None:
        return next((one for one in self.tasks if set(tags) <= set(one.tags)), None)


class Stage:
    """`with Stage() as stage:`; nothing of it is left afterwards."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="apiauth-demo-"))
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "LC_ALL": "C.UTF-8",
            "TMPDIR": str(self.root),
            "ANSIBLE_HOME": str(self.root / "ansible"),
            "ANSIBLE_CONFIG": str(self.root / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.root / "collections"),
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "apiauth_demo",
            "ANSIBLE_INVENTORY": str(HERE / "inventory"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "APIAUTH_DEMO_RECORDS": str(self.root / "records.json"),
        }
        (self.root / "ansible.cfg").touch()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    def install(self, copy: Path) -> str:
        """Build the collection and install what users would get; returns the tarball's name."""
        self._must("ansible-galaxy", "collection", "build", copy, "--output-path", self.root)
        (tarball,) = self.root.glob("*.tar.gz")
        self._must("ansible-galaxy", "collection", "install", "--offline", tarball, "-p", self.root / "collections")
        return tarball.name

    def play(self, *arguments: str, environment: Mapping[str, str]) -> Played:
        """Run the playbook. What goes wrong in it is in the result."""
        records = Path(self.environment["APIAUTH_DEMO_RECORDS"])
        records.unlink(missing_ok=True)
        code, output = self._run("ansible-playbook", HERE / "playbooks" / "fleet.yml", *arguments, environment=environment)
        if not records.exists():
            raise StageError(f"the playbook did not run:\n{output}")
        told = json.loads(records.read_text())
        tasks = [Task(one["name"], one["tags"], (one["ended"] or one["started"]) - one["started"], one["hosts"]) for one in told]
        return Played(code, output, tasks)

    def _must(self, *command: str | Path) -> None:
        code, output = self._run(*command)
        if code != 0:
            raise StageError(f"{' '.join(str(word) for word in command[:3])} failed:\n{output}")

    def _run(self, *command: str | Path, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=self.root,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        try:
            output, _nothing = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise StageError(f"{command[0]} did not end within {PATIENCE:g} seconds") from None
        finally:
            _end(process)
        return process.returncode, output


def _end(process: subprocess.Popen[str]) -> None:
    """Ansible ends its workers when it is interrupted, not when it is killed."""
    for number in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                continue
