# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible as a process of its own, in directories of its own, knowing nothing of who started the tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ansible.release

COLLECTION = Path(__file__).resolve().parents[2]
PLUGINS = Path(__file__).resolve().parent / "plugins"
BIN = Path(sys.executable).parent
CORE = tuple(int(number) for number in ansible.release.__version__.split(".")[:2])
# What a play of one's own has, unless it says otherwise.
PLAY: Mapping[str, Any] = {"hosts": "all", "gather_facts": False}
# A host that is this machine, but not for Ansible: the true connection plugin, with a stand-in for the program `ssh`.
REMOTE: Mapping[str, Any] = {
    "ansible_connection": "ssh",
    "ansible_ssh_executable": str(PLUGINS / "fake_ssh"),
    "ansible_ssh_transfer_method": "piped",
    "ansible_ssh_args": "",
}
# Another user, as far as Ansible knows.
BECOME: Mapping[str, Any] = {"become": True, "become_method": "e2e_same_user"}


@dataclass
class Run:
    """What came of one command. `records` are what callbacks were given, in order."""

    rc: int
    output: str
    seconds: float
    records: list[dict[str, Any]] = field(repr=False)

    def results(self, task: str) -> dict[str, dict[str, Any]]:
        """By host, the result of the task of this name."""
        return {one["host"]: one["result"] for one in self.records if one["task"] == task and not one["event"].startswith("item_")}

    def result(self, task: str, host: str | None = None) -> dict[str, Any]:
        """The result on that host, or on the only one."""
        found = self.results(task)
        assert found, f"no task {task!r} has run:\n{self.output}"
        assert host is not None or len(found) == 1, f"{task!r} ran on {sorted(found)}"
        return found[host or next(iter(found))]

    def failed(self, task: str, host: str | None = None) -> bool:
        """Whether the task failed, on that host or on any."""
        return any(one["event"] in ("failed", "unreachable") for one in self.records if one["task"] == task and host in (None, one["host"]))

    def items(self, task: str) -> list[dict[str, Any]]:
        """The results of a loop's rounds."""
        return [one["result"] for one in self.records if one["task"] == task and one["event"].startswith("item_")]

    @property
    def tasks(self) -> list[str]:
        return list(dict.fromkeys(one["task"] for one in self.records))

    def good(self) -> Run:
        """This run, if all went well."""
        assert self.rc == 0, self.output
        return self


class Stage:
    """Where commands run: `inputs` holds what the test wrote, the other directories what Ansible and the plugins write."""

    def __init__(self, root: Path, collections: Path) -> None:
        self.root = root
        self.collections = collections
        self.inputs, self.cwd, self.home, self.tmp = (root / name for name in ("inputs", "cwd", "home", "tmp"))
        self.ansible_home, self.remote_tmp, self.log = root / "ansible", root / "remote", root / "log.txt"
        for directory in (self.inputs, self.cwd, self.home, self.tmp, self.ansible_home):
            directory.mkdir(parents=True, exist_ok=True)
        self._runs = 0

    def environment(self, records: Path, env: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """A whole environment; what `env` sets to None is not in it."""
        config = self.inputs / "ansible.cfg"
        if not config.exists():
            config.write_text("")
        whole: dict[str, str | None] = {
            "PATH": os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)]),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.home),
            "TMPDIR": str(self.tmp),
            "ANSIBLE_HOME": str(self.ansible_home),
            "ANSIBLE_CONFIG": str(config),
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_REMOTE_TEMP": str(self.remote_tmp),
            "ANSIBLE_ASYNC_DIR": str(self.root / "async"),
            "ANSIBLE_CALLBACK_PLUGINS": str(PLUGINS / "callback"),
            "ANSIBLE_BECOME_PLUGINS": str(PLUGINS / "become"),
            "ANSIBLE_CALLBACKS_ENABLED": "e2e_records",
            # Of all that Ansible would look for inventories and variables with, the one that is used: each run is a tenth shorter.
            "ANSIBLE_INVENTORY_ENABLED": "ansible.builtin.yaml",
            "ANSIBLE_VARS_ENABLED": "",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_RETRY_FILES_ENABLED": "0",
            "ANSIBLE_DEPRECATION_WARNINGS": "0",
            "E2E_RECORDS": str(records),
            **(env or {}),
        }
        return {name: value for name, value in whole.items() if value is not None}

    def run(self, *command: str | Path, env: Mapping[str, str | None] | None = None, timeout: float = 120) -> Run:
        """A program of Ansible's with its arguments."""
        self._runs += 1
        records = self.root / f"records{self._runs}.jsonl"
        name, *arguments = map(str, command)
        started = time.monotonic()
        ended = subprocess.run(
            [str(BIN / name), *arguments],
            cwd=self.cwd,
            env=self.environment(records, env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
        )
        seconds = time.monotonic() - started
        lines = records.read_text().splitlines() if records.exists() else []
        return Run(ended.returncode, ended.stdout.decode("utf-8", "replace"), seconds, [json.loads(line) for line in lines])

    def playbook(
        self,
        plays: str | Sequence[Mapping[str, Any]],
        *,
        hosts: int = 1,
        forks: int = 5,
        verbosity: int = 0,
        env: Mapping[str, str | None] | None = None,
        extra_vars: Mapping[str, Any] | None = None,
        host_vars: Mapping[str, Any] | None = None,
        args: Sequence[str] = (),
        timeout: float = 120,
    ) -> Run:
        """Plays as YAML text or as data, on hosts h01, h02, ... that are this machine."""
        book = self.inputs / f"playbook{self._runs}.yml"
        book.write_text(plays if isinstance(plays, str) else json.dumps([{**PLAY, **play} for play in plays], indent=1))
        command: list[str | Path] = ["ansible-playbook", "-i", self.inventory(hosts, host_vars), "-f", str(forks), book]
        if extra_vars:
            variables = self.inputs / f"vars{self._runs}.json"
            variables.write_text(json.dumps(dict(extra_vars)))
            command += ["-e", f"@{variables}"]
        if verbosity:
            command.append("-" + "v" * verbosity)
        return self.run(*command, *args, env=env, timeout=timeout)

    def tasks(self, *tasks: Mapping[str, Any], play: Mapping[str, Any] | None = None, **rest: Any) -> Run:
        """One play of these tasks."""
        return self.playbook([{**(play or {}), "tasks": list(tasks)}], **rest)

    def inventory(self, hosts: int, host_vars: Mapping[str, Any] | None = None) -> Path:
        variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **(host_vars or {})}
        file = self.inputs / f"inventory{self._runs}.json"
        file.write_text(json.dumps({"all": {"hosts": {f"h{number:02d}": variables for number in range(1, hosts + 1)}}}))
        return file.rename(file.with_suffix(".yml"))
