# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As much of AWX' API as it takes to find a credential and to change it.

AWX shows a secret as $encrypted$, and keeps it where that is sent back.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

SHOWN = "$encrypted$"
FIELDS: list[dict[str, Any]] = [
    {"id": "host", "type": "string"},
    {"id": "token", "type": "string", "secret": True},
    {"id": "pin", "type": "string", "secret": True},
]
SECRET = tuple(field["id"] for field in FIELDS if field.get("secret"))


class FakeAwx:
    """``with FakeAwx() as awx:`` listens until the end of the block."""

    token = "CANARY-awx-token"

    def __init__(self) -> None:
        self.credentials: dict[int, dict[str, Any]] = {}
        self.writable = True
        awx = self

        class Handler(BaseHTTPRequestHandler):
            def _reply(self, status: int, body: Any) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self._reply(*awx.answer(self.command, self.path, self.headers.get("Authorization", ""), body))

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        # The names that http.server looks for.
        for method in ("GET", "PATCH"):
            setattr(Handler, f"do_{method}", Handler._answer)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> FakeAwx:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def add(self, name: str, **inputs: str) -> int:
        number = len(self.credentials) + 1
        self.credentials[number] = {"name": name, "inputs": {"host": "whm1", "pin": "kept", **inputs}}
        return number

    def inputs(self, name: str) -> dict[str, str]:
        (found,) = [one["inputs"] for one in self.credentials.values() if one["name"] == name]
        return found

    def _shown(self, number: int) -> dict[str, Any]:
        known = self.credentials[number]
        inputs = {key: SHOWN if key in SECRET else value for key, value in known["inputs"].items()}
        return {"id": number, "name": known["name"], "credential_type": 7, "inputs": inputs}

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> tuple[int, Any]:
        address = urlsplit(path)
        parts = address.path.strip("/").split("/")
        if authorization != f"Bearer {self.token}":
            return 401, {"detail": "Authentication credentials were not provided."}
        if parts[:3] == ["api", "v2", "credential_types"]:
            return 200, {"id": 7, "inputs": {"fields": FIELDS}}
        if parts == ["api", "v2", "credentials"]:
            asked = {key: values[0] for key, values in parse_qs(address.query).items()}
            chosen = [number for number, one in self.credentials.items() if asked in ({"name": one["name"]}, {"id": str(number)})]
            return 200, {"count": len(chosen), "results": [self._shown(number) for number in chosen]}
        number = int(parts[3])
        if method == "PATCH":
            if not self.writable:
                return 403, {"detail": "You do not have permission to perform this action."}
            before, sent = self.credentials[number]["inputs"], json.loads(body)["inputs"]
            self.credentials[number]["inputs"] = {key: before[key] if value == SHOWN else value for key, value in sent.items()}
        return 200, self._shown(number)
