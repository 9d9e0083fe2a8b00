# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies in every form that HTTP has, and what the session makes of them."""

from __future__ import annotations

import gzip
from typing import Any

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.messages import Request
from engine.clients import failure, http_session
from engine.servers import Server

TEXT = b'{"ok":true}'
OK = b"HTTP/1.1 200 OK\r\n"


def gzipped(data: bytes) -> bytes:
    """Compress without the time of day, so that all processes of pytest-xdist name a test alike."""
    return gzip.compress(data, mtime=0)


def got(server: Server, method: str = "GET") -> bytes:
    return http_session().send(Request(method, f"http://127.0.0.1:{server.port}/")).body


def failed(server: Server, **settings: Any) -> ApiError:
    return failure(http_session(**settings), Request("GET", f"http://127.0.0.1:{server.port}/"))


def compressed(body: bytes, encoding: str = "gzip") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n", more: bytes = b"") -> bytes:
    return OK + b"Transfer-Encoding: Chunked\r\n" + more + b"\r\n" + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + end
