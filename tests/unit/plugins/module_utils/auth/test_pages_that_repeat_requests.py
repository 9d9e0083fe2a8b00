# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page that repeats the request, as debug pages of proxies and frameworks do, tells no secret in a message, a result or a log."""

from __future__ import annotations

import html
import json
import logging
import re
import socket
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from e2e.hunt import Hunt
from emulator.accounts import accounts, canaries, netosecret
from engine.servers import Server, head
from engine.task import PROVIDERS, Task

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError

NEW = 'New+/%&="CANARY password-of-a-new-account'
TOKEN = "CANARYGIVENTOKEN0123456789"
# How a page writes what it repeats; `json` also in JSON text within JSON.
PAGES: Mapping[str, tuple[str, Callable[[str, str], str]]] = {
    "raw": ("text/html", lambda asked, body: f"<h1>Error</h1><pre>{asked}{body}</pre>"),
    "escaped": ("text/html", lambda asked, body: f"<h1>Error</h1><pre>{html.escape(asked + body)}</pre>"),
    "json": ("application/json", lambda asked, body: json.dumps({"message": f"cannot take {body}", "error": body, "request": asked, "trace": [asked, body]})),
    "nested": ("application/json", lambda asked, body: json.dumps({"message": json.dumps({"head": asked, "body": body}), "code": "FAULT"})),
}


def repeating(page: str, status: int) -> Callable[[socket.socket], None]:
    """Each request is answered with a page that repeats its head and its body."""
    content_type, write = PAGES[page]

    def handle(talk: socket.socket) -> None:
        while got := head(talk):
            asked, end, body = got.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", asked)
            while length and len(body) < int(length[1]):
                body += talk.recv(65536)
            text = write((asked + end).decode("latin-1"), body.decode("utf-8", "replace")).encode()
            start = f"HTTP/1.1 {status} Word\r\nContent-Type: {content_type}\r\nContent-Length: {len(text)}\r\nRetry-After: 0\r\n\r\n"
            talk.sendall(start.encode() + text)

    return handle


def credentials(system: str) -> dict[str, str]:
    """Return the options of a login (WHM's password authenticates the call itself)."""
    known = accounts()[system]
    names = {"rackcorp": ("api_uuid", "api_secret"), "vss": ("username", "password"), "whm": ("username", "password"), "netography": ()}[system]
    return {name: known[name] for name in names} if names else {"netosecret": netosecret()}


def sending(system: str) -> dict[str, Any]:
    """Return a call that sends a new password in its query and in its body."""
    sent = {"username": "fresh", "password": NEW}
    if system == "whm":
        return {"function": "createacct", "params": sent}
    if system == "rackcorp":
        return {"cmd": "customer.create", "params": sent}
    return {"path": "users", "method": "POST", "query": {"api_token": NEW}, "body": sent}


@pytest.mark.parametrize("status", [400, 401, 403, 500, 503])
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("by", ["login", "token"])
@pytest.mark.parametrize("system", PROVIDERS)
def test_nothing_of_the_request_is_shown(system: str, by: str, page: str, status: int, caplog: pytest.LogCaptureFixture) -> None:
    """Fails where a page is quoted before it is cleaned, or where the redactor does not know what is sent."""
    # Libraries at their usual level: Ansible writes no more of them to its log.
    caplog.set_level(logging.DEBUG, "apiauth.tokens")
    who = {"token": TOKEN} if by == "token" else credentials(system)
    with Server(repeating(page, status)) as server:
        options = {**who, **sending(system), "api_url": f"http://127.0.0.1:{server.port}", "retries": 1, "timeout": 5}
        task = Task(PROVIDERS[system], options)
        try:
            result = task.result()
            shown = f"{json.dumps(result)} {result!r}"
            assert result["failed"]
        except ApiError as error:
            shown = f"{error} {error!r} {vars(error)}"
        assert server.connections >= 1
    assert f"HTTP {status}" in shown
    hunt = Hunt({NEW, TOKEN, netosecret(), *canaries()})
    assert hunt.in_bytes(shown.encode()) == []
    assert hunt.in_bytes(caplog.text.encode()) == []
    if status == 503:
        assert "retr" in caplog.text.lower() or "again" in caplog.text.lower()
