# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request and its reply: how both look on the wire."""

from __future__ import annotations

import gzip
import socket
import ssl
import time
from pathlib import Path
from typing import Any, cast

import pytest
import trustme
from engine.servers import REPLY, Server, answering

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import exchange as exchange_module
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.client import Client, Request
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import AuthError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.exchange import exchange, written
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http11 import Stream
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.option import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.transport import Connection
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.trouble import Failed, unanswered

TEXT = b'{"ok":true}'


@pytest.fixture
def authority(tmp_path: Path) -> tuple[trustme.CA, str]:
    """A CA, and its file."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return made, str(tmp_path / "ca.pem")


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
        (Request("GET", "https://h/x", query={"a": [1, "ü"], "none": None, "b": True}), "/x?a=1&a=%C3%BC&b=true", None),
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


def test_what_comes_after_what_was_compressed_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_module, "MAX_REPLY", 1000)
    with Server(answering(compressed(gzip.compress(TEXT) + b"x" * 2000))) as server:
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


@pytest.mark.parametrize("failure", [BrokenPipeError(), ConnectionResetError(), ssl.SSLEOFError(), ssl.SSLZeroReturnError()])
def test_what_a_server_says_before_it_has_read_all_is_heard(failure: OSError) -> None:
    class Early:
        """Has an answer, and takes no more."""

        said = REPLY.replace(b"200 OK", b"413 Too Large")

        def sendall(self, _data: bytes) -> None:
            raise failure

        def recv(self, _most: int) -> bytes:
            said, self.said = self.said, b""
            return said

    connection = Connection("http://h", "h", None, Stream(cast("socket.socket", Early())))
    head, body = exchange(connection, "POST", written(Request("POST", "http://h/", json={})), 5.0)
    assert (head.status, body) == (413, TEXT)


def test_a_tls_server_that_hangs_up_while_a_request_comes(authority: tuple[trustme.CA, str]) -> None:
    """What it said before is heard; where it said nothing, it may have taken what came."""
    ca, path = authority
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    much = {"x": "y" * 3_000_000}

    def early(talk: socket.socket) -> None:
        talk.recv(100)
        talk.sendall(REPLY.replace(b"200 OK", b"413 Too Large").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        time.sleep(0.2)

    with Server(early, context) as server:
        made = Client(Options(retries=0, ca_path=path), 5.0, environ={})
        reached = {_sent(made, f"https://localhost:{server.port}/", much) for _turn in range(3)}
    # Whether its words or the end of the connection come first is chance, but it is never taken for a failed handshake.
    assert reached <= {(413, True), ("network", True)}


def _sent(made: Client, url: str, body: Any) -> tuple[Any, bool]:
    try:
        return made.send(Request("POST", url, json=body)).status, True
    except AuthError as error:
        return error.kind, error.sent


@pytest.mark.parametrize("failure", [ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), ssl.SSLZeroReturnError(6, "closed")])
def test_the_end_of_a_tls_connection_is_no_failed_handshake(failure: OSError) -> None:
    broken = unanswered(failure, 5.0)
    assert isinstance(broken, Failed)
    assert (broken.error.kind, broken.taken) == ("network", True)


@pytest.mark.parametrize(
    ("more", "connections"),
    [
        (b"", 1),
        (b"Connection: Keep-Alive\r\n", 1),
        (b"Connection: Close\r\n", 3),
        (b"Transfer-Encoding: chunked\r\n", 3),
    ],
)
def test_which_connections_are_used_again(more: bytes, connections: int) -> None:
    body = b"b\r\n" + TEXT + b"\r\n0\r\n\r\n" if b"chunked" in more else TEXT
    assert replied(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n" + more + b"\r\n" + body) == (TEXT, connections)


@pytest.mark.parametrize(("version", "connections"), [(b"1.1", 1), (b"1.0", 3)])
def test_a_reply_without_a_body_leaves_its_connection_open(version: bytes, connections: int) -> None:
    assert replied(b"HTTP/" + version + b" 204 No Content\r\n\r\n") == (b"", connections)


def replied(reply: bytes) -> tuple[bytes, int]:
    """The body of three such replies, and over how many connections they came."""
    with Server(answering(*[reply] * 3)) as server:
        made = client()
        (body,) = {made.send(Request("GET", f"http://127.0.0.1:{server.port}/")).body for _turn in range(3)}
    return body, server.connections


def test_what_comes_after_a_reply_is_nobodys_reply() -> None:
    with Server(answering(REPLY + REPLY.replace(b"true", b"fals"), REPLY)) as server:
        made = client()
        assert [made.send(Request("GET", f"http://127.0.0.1:{server.port}/")).body for _turn in range(3)] == [TEXT] * 3
    assert server.connections == 3


def test_interim_replies_are_passed_over() -> None:
    """Each call gets its own reply, also over a connection that is used again."""
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    replies = [early + REPLY.replace(b"true", text) for text in (b"1111", b"2222", b"3333")]
    with Server(answering(*replies)) as server:
        made = client()
        got = [made.send(Request("GET", f"http://127.0.0.1:{server.port}/")).body for _turn in range(3)]
    assert (got, server.connections) == ([b'{"ok":1111}', b'{"ok":2222}', b'{"ok":3333}'], 1)


@pytest.mark.parametrize("body", [b"", b"x"])
def test_a_request_says_how_long_it_is(body: bytes) -> None:
    asked: list[bytes] = []

    def handle(talk: socket.socket) -> None:
        asked.append(talk.recv(65536))
        talk.sendall(REPLY)

    with Server(handle) as server:
        client().send(Request("POST", f"http://127.0.0.1:{server.port}/a", {"X": "y"}, json="" if body else None))
    head, _end, rest = asked[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[:2] == ["POST /a HTTP/1.1", f"Host: 127.0.0.1:{server.port}"]
    assert (rest, f"Content-Length: {len(rest)}" in lines, "X: y" in lines) == (b'""' if body else b"", True, True)
