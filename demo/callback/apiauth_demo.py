# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did, for the summary: per task its tags, its time, and what came of each host."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: apiauth_demo
type: aggregate
short_description: Records for the demo
description: Writes a list of tasks as JSON to the file that E(APIAUTH_DEMO_RECORDS) names.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "apiauth_demo"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._tasks: list[dict[str, Any]] = []

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._tasks.append({"name": task.get_name(), "tags": list(task.tags), "started": time.monotonic(), "ended": None, "hosts": {}})

    def v2_runner_on_ok(self, result: Any) -> None:
        facts = result._result.get("ansible_facts") or {}
        self._note(result, ok=True, from_cache=next((bool(value) for name, value in facts.items() if name.endswith("_from_cache")), None))

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._note(result, ok=False, message=str(result._result.get("msg")))

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._note(result, ok=False, message="unreachable")

    def _note(self, result: Any, **what: Any) -> None:
        self._tasks[-1]["hosts"][result._host.get_name()] = what
        self._tasks[-1]["ended"] = time.monotonic()

    def v2_playbook_on_stats(self, stats: Any) -> None:
        Path(os.environ["APIAUTH_DEMO_RECORDS"]).write_text(json.dumps(self._tasks))
