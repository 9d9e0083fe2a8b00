# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX does without a server: its own code injects credentials, and ansible-runner runs the job in a private data directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from awx_plugins.interfaces._temporary_private_api import ManagedCredentialType
from awx_plugins.interfaces._temporary_private_credential_api import Credential
from awx_plugins.interfaces._temporary_private_inject_api import inject_credential
from e2e.awx_files import EXAMPLE, document
from e2e.stage import BIN


def inject(name: str, inputs: Mapping[str, Any], directory: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the environment that AWX gives to a job for a credential of this type, and the one that it shows and stores.

    Files get their place in `directory`; AWX would name them by where the container sees that.
    """
    (directory / "env").mkdir(parents=True, exist_ok=True)
    content = document(name)
    kind = ManagedCredentialType(namespace=name, name=content["name"], kind="cloud", inputs=content["inputs"], injectors=content["injectors"])
    env: dict[str, Any] = {}
    shown: dict[str, Any] = {}
    inject_credential(kind, Credential(dict(inputs)), env, shown, [], str(directory))
    return {key: str(value).replace("/runner/", f"{directory}/") for key, value in env.items()}, {key: str(value) for key, value in shown.items()}


@dataclass
class Job:
    """What came of a job: its exit status, its output, and everything that it left for AWX to store."""

    status: int
    stdout: str
    events: list[dict[str, Any]]
    left: dict[Path, bytes]

    def good(self) -> Job:
        assert self.status == 0, self.stdout
        return self

    def message(self, task: str) -> Any:
        """Return `msg` of the result of a task."""
        (found,) = [one["event_data"]["res"]["msg"] for one in self.events if one["event"] == "runner_on_ok" and one["event_data"]["task"] == task]
        return found

    def places_of(self, secret: str) -> list[str]:
        """Return the names of files with the secret, as it is or as JSON has it."""
        spellings = {secret.encode(), json.dumps(secret)[1:-1].encode()}
        return [str(path) for path, data in self.left.items() if any(one in data for one in spellings)]


def run_job(
    directory: Path,
    collections: Path,
    credentials: Mapping[str, Mapping[str, Any]],
    *,
    playbook: str | list[dict[str, Any]] = "site.yml",
    project: Path = EXAMPLE,
    extra_vars: Mapping[str, Any] | None = None,
    inventory: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
) -> Job:
    """Run a job as AWX does: credentials by their types, which decide its whole environment but for where Ansible is."""
    for part in ("env", "inventory"):
        (directory / part).mkdir(parents=True, exist_ok=True)
    if isinstance(playbook, list):
        project = directory / "project"
        project.mkdir()
        (project / "site.yml").write_text(json.dumps(playbook))
        playbook = "site.yml"
    else:
        (directory / "project").symlink_to(project, target_is_directory=True)
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    (directory / "inventory" / "hosts.json").write_text(json.dumps(inventory or {"all": {"hosts": {"localhost": local}}}))
    injected: dict[str, str] = {}
    for name, inputs in credentials.items():
        injected.update(inject(name, inputs, directory)[0])
    (directory / "env" / "envvars").write_text(json.dumps({**injected, **(env or {})}))
    (directory / "env" / "extravars").write_text(json.dumps(dict(extra_vars or {})))
    (directory / "env" / "settings").write_text(json.dumps(dict(settings or {})))
    home = directory / "home"
    home.mkdir()
    whole = {
        "PATH": os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)]),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_NOCOLOR": "1",
    }
    command = [str(BIN / "ansible-runner"), "run", str(directory), "-p", playbook, "--ident", "1"]
    ended = subprocess.run(command, env=whole, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False)
    artifacts = directory / "artifacts" / "1"
    # The file `command` is ansible-runner's own note of the environment. AWX does not store it, and removes it with the private data directory.
    left = {path.relative_to(directory): path.read_bytes() for path in artifacts.rglob("*") if path.is_file() and path.name != "command"}
    left[Path("output")] = ended.stdout
    events = [json.loads(path.read_text()) for path in sorted((artifacts / "job_events").glob("*.json"), key=lambda one: int(one.name.split("-")[0]))]
    return Job(ended.returncode, ended.stdout.decode(), events, left)
