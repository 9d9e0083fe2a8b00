# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of the engine's client by itself."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.client import Client, Request
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import AuthError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.option import Options


def client(environ: dict[str, str] | None = None, **options: Any) -> Client:
    """A client that tries once, in an environment that holds nothing else."""
    return Client(Options({"retries": 0, **options}), 5.0, environ=environ or {})


def ping(base: str) -> Request:
    """Refused with 401 by the emulator, where nothing is in its way."""
    return Request("GET", f"{base}/vss/v2/ping", repeatable=True)


def failure(made: Client, request: Request) -> AuthError:
    """What a request fails with."""
    with pytest.raises(AuthError) as caught:
        made.send(request)
    return caught.value
