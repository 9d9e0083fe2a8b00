# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that answer modules as they like, and the tasks that are run on them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from e2e.cases import CREDENTIALS, NAMESPACE, QUICK, READS, TITLES
from e2e.stage import PLUGINS, REMOTE, Stage
from emulator.accounts import accounts
from emulator.client import Emulator

# `e2e_report` is an action of the tests. Ansible must find the real Python for what hosts still run.
ENVIRONMENT = {
    "ANSIBLE_ACTION_PLUGINS": str(PLUGINS / "action"),
    "ANSIBLE_CONNECTION_PLUGINS": str(PLUGINS / "connection"),
    "E2E_PYTHON": sys.executable,
}


def credentials(emulator: Emulator, *systems: str) -> dict[str, Any]:
    """Variables of the inventory, which facts are stronger than. Nothing is sent again."""
    known: dict[str, Any] = {f"apiauth_{name}": value for name, value in QUICK.items()}
    for system in systems or TITLES:
        given = {name: accounts()[system][name] for name in CREDENTIALS[system]}
        known |= {f"{system}_{name}": value for name, value in {**given, "api_url": emulator.url(system)}.items()}
    return known


def module(name: str, system: str, **more: Any) -> dict[str, Any]:
    return {"name": name, f"{NAMESPACE}.{system}_api": {**READS[system]}, "ignore_errors": True, **more}


def _python(stage: Stage, name: str) -> Path:
    directory = stage.inputs / "hosts" / name
    (directory / "answers").mkdir(parents=True)
    python = directory / "python"
    python.symlink_to(PLUGINS / "hostile_python")
    return python


def answering(stage: Stage, name: str, **answers: str) -> dict[str, Any]:
    """Variables of a task on a host that answers each named module (`module`: any) with this text."""
    python = _python(stage, name)
    for module, text in answers.items():
        (python.parent / "answers" / f"{module}.json").write_text(text)
    return {**REMOTE, "ansible_python_interpreter": str(python)}


def answering_at_once(stage: Stage, name: str, text: str) -> dict[str, Any]:
    """The same for every module, without starting a process. What is on the wire before and after is not tested then."""
    file = stage.inputs / "answers" / f"{name}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return {"ansible_connection": "e2e_host", "e2e_answer": str(file), "ansible_python_interpreter": sys.executable}


def recording(stage: Stage, name: str) -> dict[str, Any]:
    """Variables of a task on an honest host whose answers are recorded."""
    python = _python(stage, name)
    (python.parent / "record").touch()
    return {**REMOTE, "ansible_python_interpreter": str(python)}


def recorded(stage: Stage, name: str, module: str) -> list[dict[str, Any]]:
    """What the module answered on the host that records, one for each run."""
    text = (stage.inputs / "hosts" / name / "answers" / f"{module}.recorded").read_text()
    decoder, found, at = json.JSONDecoder(), [], 0
    while (at := text.find("{", at)) >= 0:
        value, at = decoder.raw_decode(text, at)
        found.append(value)
    return found
