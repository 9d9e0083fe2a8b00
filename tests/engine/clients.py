# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's HTTP session by itself."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.messages import Request, Response
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.retries import WaitBudget
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.session import HttpSession
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import ConnectionSettings
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.redact import Redactor

TARGET = "VSS at vss.example.com"


class NotedWaits(WaitBudget):
    """A budget that notes what it is asked for and does not wait."""

    def __init__(self, seconds: float = 60.0) -> None:
        super().__init__(seconds)
        self.asked: list[float] = []

    def sleep(self, seconds: float) -> bool:
        self.asked.append(seconds)
        if seconds > self._left:
            return False
        self._left -= seconds
        return True


def http_session(environ: Mapping[str, str] | None = None, *, budget: WaitBudget | None = None, secrets: Iterable[str] = (), **settings: Any) -> HttpSession:
    """Return a session that tries once unless `retries` is given, does not wait, and sees no environment but `environ`."""
    values = {"retries": 0, "timeout": 5.0, **settings}
    return HttpSession(ConnectionSettings(**values), environ=environ or {}, budget=budget or NotedWaits(), target=TARGET, redactor=Redactor(secrets))


def response(
    body: bytes = b"", headers: Mapping[str, str] | None = None, *, status: int = 200, tries: int = 1, secrets: Iterable[str] = (), **rest: Any
) -> Response:
    """Return a response as a session would."""
    return Response(status, headers or {}, body, tries=tries, target=TARGET, redactor=Redactor(secrets), **{"cookies": {}, **rest})


def ping(base: str, *, repeatable: bool = True) -> Request:
    """Return a request that the emulator answers with 401 if nothing is in its way."""
    return Request("GET", f"{base}/vss/v2/ping", repeatable=repeatable)


def closed_port() -> int:
    """Return a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def failure(session: HttpSession, request: Request, **options: Any) -> ApiError:
    """Return what a request fails with; every error names the system."""
    with pytest.raises(ApiError) as caught:
        session.send(request, **options)
    assert caught.value.target == TARGET
    return caught.value
