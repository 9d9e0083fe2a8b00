# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of the engine's client by itself."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.budget import Budget
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.client import Client, Request
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import AuthError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.option import Options


class Waits(Budget):
    """A budget that notes what it is asked for, and waits for nothing."""

    def __init__(self, seconds: float = 60.0) -> None:
        super().__init__(seconds)
        self.asked: list[float] = []

    def sleep(self, seconds: float) -> bool:
        self.asked.append(seconds)
        if seconds > self.left:
            return False
        self.left -= seconds
        return True


def client(environ: dict[str, str] | None = None, *, waits: Waits | None = None, **options: Any) -> Client:
    """A client that tries once unless it is told to try again, waits for nothing, and is in an environment that holds nothing else."""
    return Client(Options({"retries": 0, **options}), 5.0, environ=environ or {}, budget=waits or Waits())


def ping(base: str, *, repeatable: bool = True) -> Request:
    """Refused with 401 by the emulator, where nothing is in its way, and that is an answer."""
    return Request("GET", f"{base}/vss/v2/ping", repeatable=repeatable)


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def failure(made: Client, request: Request) -> AuthError:
    """What a request fails with."""
    with pytest.raises(AuthError) as caught:
        made.send(request)
    return caught.value
