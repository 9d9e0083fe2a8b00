# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least that a call by `requests` costs: no options, no cache, no retries, and all that can be made beforehand is made by the parent of all workers.

With `calls` and `threads` it makes so many of them from a bare pool of threads, over kept connections.
"""

from __future__ import annotations

import os
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from ansible.plugins.action import ActionBase
from requests.adapters import HTTPAdapter

CA = "BENCH_CA"


class Adapter(HTTPAdapter):
    """With a TLS context of ours: the adapter's own reads the CAs of the system once more in every worker."""

    context = ssl.create_default_context(cafile=os.environ[CA])

    def init_poolmanager(self, *args: Any, **keywords: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self.context, **keywords)

    def cert_verify(self, conn: Any, *_given: Any) -> None:
        conn.cert_reqs = "CERT_REQUIRED"


SESSION = requests.Session()
SESSION.trust_env = False
SESSION.mount("https://", Adapter(pool_maxsize=64))


class ActionModule(ActionBase):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        given = self._task.args
        if "calls" not in given:
            return {"changed": False, **post(given)}
        with ThreadPoolExecutor(int(given["threads"])) as pool:
            return {"changed": False, "results": list(pool.map(post, [given] * int(given["calls"])))}


def post(given: dict[str, Any]) -> dict[str, Any]:
    """Send one request and return its status and data."""
    with SESSION.post(given["url"], json=given["body"], headers=given["headers"], timeout=30, allow_redirects=False) as reply:
        reply.raise_for_status()
        return {"status": reply.status_code, "data": reply.json()}
