# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request and its reply: how both look on the wire."""

from __future__ import annotations

import gzip
import time
from http.client import HTTPConnection
from typing import Any

import pytest
from engine.servers import REPLY, Server, answering

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import exchange as exchange_module
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.client import Client, Request
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import AuthError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.exchange import exchange, written
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.option import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.transport import Connection

TEXT = b'{"ok":true}'


def client() -> Client:
    return Client(Options(retries=0), 5.0, environ={})


def compressed(body: bytes, encoding: str = "gzip") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def got(server: Server) -> bytes:
    return client().send(Request("GET", f"http://127.0.0.1:{server.port}/")).body


def failure(server: Server) -> AuthError:
    with pytest.raises(AuthError) as caught:
        got(server)
    return caught.value


@pytest.mark.parametrize(
    ("request_", "target", "body"),
    [
        (Request("GET", "https://h"), "/", None),
        (Request("GET", "https://h/a b/ü%20%2F?q=1 2"), "/a%20b/%C3%BC%20%2F?q=1%202", None),
        (Request("GET", "https://h/x", query={"a": [1, "ü"], "none": None, "b": True}), "/x?a=1&a=%C3%BC&b=True", None),
        (Request("GET", "https://h/x?y=1", query={"a": "&="}), "/x?y=1&a=%26%3D", None),
        (Request("GET", "https://h/x", query={"none": None}), "/x", None),
        (Request("POST", "https://h/x", form={"a": ["1", "2"], "none": None, "s": "+ &"}), "/x", b"a=1&a=2&s=%2B+%26"),
        (Request("POST", "https://h/x", json={"ü": None}), "/x", b'{"\\u00fc": null}'),
        (Request("POST", "https://h/x", json=[]), "/x", b"[]"),
        (Request("POST", "https://h/x", json="text"), "/x", b'"text"'),
    ],
)
def test_a_request_in_the_terms_of_http(request_: Request, target: str, body: bytes | None) -> None:
    message = written(request_)
    assert (message.target, message.body) == (target, body)
    kind = {None: None, b"a": "application/x-www-form-urlencoded"}.get(body and body[:1], "application/json")
    assert message.headers.get("Content-Type") == kind


def test_nothing_of_a_request_is_shown() -> None:
    assert "word" not in repr(written(Request("POST", "https://h/word", {"Authorization": "word"}, json="word")))


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP "])
def test_a_compressed_reply(encoding: str) -> None:
    with Server(answering(compressed(gzip.compress(TEXT), encoding))) as server:
        assert got(server) == TEXT


def test_a_compressed_reply_that_is_cut_off() -> None:
    body = gzip.compress(bytes(range(256)) * 100)
    with Server(answering(compressed(body[:-20]))) as server:
        error = failure(server)
    assert (error.kind, error.sent, "is cut off" in str(error)) == ("protocol", True, True)


def test_a_compressed_reply_is_bounded_by_what_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_module, "MAX_REPLY", 1000)
    for size in (1000, 1001, 10_000_000):
        with Server(answering(compressed(gzip.compress(b"x" * size)))) as server:
            if size == 1000:
                assert len(got(server)) == size
            else:
                assert "is larger than" in str(failure(server))


def test_a_compression_that_nobody_asked_for() -> None:
    with Server(answering(compressed(TEXT, "br"))) as server:
        error = failure(server)
    assert (error.kind, "compressed in a way that was not asked for" in str(error)) == ("protocol", True)


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n" + TEXT,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n" + TEXT,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n" + TEXT + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n" + TEXT,
    ],
)
def test_a_reply_that_is_cut_off(reply: bytes) -> None:
    with Server(answering(reply)) as server:
        error = failure(server)
    assert (error.kind, error.status, error.sent, "is cut off" in str(error)) == ("protocol", 200, True, True)


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n" + TEXT[:4] + b"\r\n7\r\n" + TEXT[4:] + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + TEXT,
        b"HTTP/1.0 200 OK\r\n\r\n" + TEXT,
        b"HTTP/1.1 100 Continue\r\n\r\n" + REPLY,
    ],
)
def test_replies_of_every_form(reply: bytes) -> None:
    with Server(answering(reply)) as server:
        assert got(server) == TEXT


def test_a_connection_that_the_server_has_closed_meanwhile_is_not_used_again() -> None:
    """Not even a request that must be sent once is lost on it."""
    with Server(answering(REPLY)) as server:
        made = client()
        for number in range(1, 4):
            assert made.send(Request("POST", f"http://127.0.0.1:{server.port}/")).tries == 1
            assert server.connections == number
            # What is on its way from the server must have come: before, nobody can know.
            time.sleep(0.1)


def test_what_a_server_says_before_it_has_read_all_is_heard() -> None:
    class Early(HTTPConnection):
        def request(self, *arguments: Any, **options: Any) -> None:
            super().request(*arguments, **options)
            raise BrokenPipeError

    with Server(answering(REPLY.replace(b"200 OK", b"413 Too Large"))) as server:
        origin = f"http://127.0.0.1:{server.port}"
        response, body = exchange(Connection(origin, None, Early("127.0.0.1", server.port)), "POST", written(Request("POST", origin, json={})), 5.0)
    assert (response.status, body) == (413, TEXT)
