# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what every callback is given, one JSON object a line, to the file that E2E_RECORDS names."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.parsing.ajson import AnsibleJSONEncoder
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: e2e_records
type: aggregate
short_description: Records of results
description: Records of results for the tests.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "e2e_records"
    CALLBACK_NEEDS_ENABLED = True

    def _record(self, event: str, result: Any) -> None:
        whole = {"event": event, "task": result._task.get_name(), "host": result._host.get_name(), "result": result._result}
        with open(os.environ["E2E_RECORDS"], "a", encoding="utf-8") as file:
            file.write(json.dumps(whole, cls=AnsibleJSONEncoder) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._record("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._record("failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._record("unreachable", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._record("skipped", result)

    def v2_runner_on_async_ok(self, result: Any) -> None:
        self._record("async_ok", result)

    def v2_runner_on_async_failed(self, result: Any) -> None:
        self._record("async_failed", result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._record("item_ok", result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._record("item_failed", result)
