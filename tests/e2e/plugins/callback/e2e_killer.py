# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills Ansible, its workers and all that they have started, as task number E2E_KILL_AT (from 1) begins. Writes the tasks that began to the file E2E_STEPS."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: e2e_killer
type: aggregate
short_description: Kills Ansible
description: Kills Ansible for the tests.
"""


def children(pid: int) -> list[int]:
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


def kill_all(pid: int) -> None:
    """This process last. Workers are in sessions of their own, so no signal reaches them all at once."""
    doomed = [pid]
    for one in doomed:
        doomed += children(one)
    for one in sorted(doomed, key=lambda each: each == os.getpid()):
        os.kill(one, signal.SIGKILL)


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "e2e_killer"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._begun = 0

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._begun += 1
        if "E2E_STEPS" in os.environ:
            with open(os.environ["E2E_STEPS"], "a", encoding="utf-8") as file:
                file.write(f"{task.get_name()}\n")
        if self._begun == int(os.environ["E2E_KILL_AT"]):
            kill_all(os.getpid())
