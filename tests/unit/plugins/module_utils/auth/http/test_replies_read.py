# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies of every form, complete or cut off."""

from __future__ import annotations

import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
import trustme
from engine.clients import http_session
from engine.replies import OK, TEXT, chunked, compressed, failed, got, gzipped
from engine.servers import REPLY, Server, answering, head

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.messages import Request

# -- forms ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        REPLY,
        b"HTTP/1.1 200\r\ncontent-length:11\r\n\r\n" + TEXT,
        chunked(TEXT[:4], TEXT[4:]),
        chunked(TEXT, end=b"0\r\nTrailer: x\r\n\r\n"),
        OK + b"Transfer-Encoding: chunked\r\n\r\n0B ;a=b\r\n" + TEXT + b"\r\n0\r\n\r\n",
        OK + b"\r\n" + TEXT,
        b"HTTP/1.0 200 OK\r\n\r\n" + TEXT,
        b"HTTP/1.0 200 OK\r\nContent-Length: 11\r\n\r\n" + TEXT,
        OK + b"Connection: close\r\n\r\n" + TEXT,
        b"HTTP/1.1 100 Continue\r\n\r\n" + REPLY,
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + REPLY,
        OK + b"Content-Length: 11, 11\r\n\r\n" + TEXT,
        compressed(gzipped(TEXT)),
        compressed(gzipped(TEXT), "x-gzip"),
        compressed(gzipped(TEXT), "GZIP "),
        compressed(gzipped(TEXT[:3]) + gzipped(TEXT[3:])),
        compressed(gzipped(TEXT) + b"rest"),
        compressed(gzipped(TEXT) + b"\0" * 500),
        compressed(gzipped(TEXT), "identity, gzip"),
        compressed(TEXT, "identity"),
        # What is no compression.
        compressed(TEXT, "none"),
        compressed(TEXT, "UTF-8"),
        compressed(TEXT, "nonsense, binary"),
        chunked(gzipped(TEXT)[:9], gzipped(TEXT)[9:], more=b"Content-Encoding: gzip\r\n"),
    ],
)
def test_replies_of_every_form_in_pieces_of_any_size(reply: bytes) -> None:
    def drip(talk: socket.socket) -> None:
        head(talk)
        talk.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(0, len(reply), 7):
            talk.sendall(reply[place : place + 7])

    for handle in (answering(reply), drip):
        with Server(handle) as server:
            assert got(server) == TEXT


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 204 x\r\nContent-Encoding: zstd\r\n\r\n",
        OK + b"Content-Length: 0\r\n\r\n",
        compressed(b""),
        compressed(b"", "br"),
        chunked(),
    ],
)
def test_replies_without_a_body_leave_their_connection_open(reply: bytes) -> None:
    with Server(answering(reply, reply, REPLY)) as server:
        made = http_session()
        url = f"http://127.0.0.1:{server.port}/"
        assert [made.send(Request("DELETE", url)).body for _turn in range(3)] == [b"", b"", TEXT]
    assert server.connections == 1


@pytest.mark.parametrize("more", [b"", b"Content-Encoding: gzip\r\n"])
def test_a_reply_to_head_has_no_body(more: bytes) -> None:
    with Server(answering(OK + more + b"Content-Length: 99999999999\r\n\r\n", REPLY)) as server:
        made = http_session()
        url = f"http://127.0.0.1:{server.port}/"
        reply = made.send(Request("HEAD", url))
        assert (reply.body, reply.headers["content-length"]) == (b"", "99999999999")
        assert made.send(Request("GET", url)).body == TEXT
    assert server.connections == 1


def test_interim_replies_are_passed_over() -> None:
    """Each request gets its own reply, also on a connection that is used again."""
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    replies = [early + REPLY.replace(b"true", text) for text in (b"1111", b"2222", b"3333")]
    with Server(answering(*replies)) as server:
        made = http_session()
        found = [made.send(Request("GET", f"http://127.0.0.1:{server.port}/")).body for _turn in range(3)]
    assert (found, server.connections) == ([b'{"ok":1111}', b'{"ok":2222}', b'{"ok":3333}'], 1)


def test_what_comes_after_a_reply_is_nobodys_reply() -> None:
    with Server(answering(REPLY + REPLY.replace(b"true", b"fals"), REPLY, REPLY)) as server:
        made = http_session()
        assert [made.send(Request("GET", f"http://127.0.0.1:{server.port}/")).body for _turn in range(3)] == [TEXT] * 3


@pytest.mark.parametrize(
    ("reply", "connections"),
    [
        (REPLY, 1),
        (REPLY.replace(b"\r\n\r\n", b"\r\nConnection: Keep-Alive\r\n\r\n"), 1),
        (REPLY.replace(b"\r\n\r\n", b"\r\nConnection: Close\r\n\r\n"), 3),
        (REPLY.replace(b"HTTP/1.1", b"HTTP/1.0"), 3),
        (chunked(TEXT), 1),
        (chunked(TEXT, more=b"Content-Length: 11\r\n"), 3),
    ],
)
def test_which_connections_are_used_again(reply: bytes, connections: int) -> None:
    """A reply with two lengths may have been read differently by a proxy on the way."""
    with Server(answering(*[reply] * 3)) as server:
        made = http_session()
        assert [made.send(Request("GET", f"http://127.0.0.1:{server.port}/")).body for _turn in range(3)] == [TEXT] * 3
    assert server.connections == connections


# -- incomplete, or no HTTP ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        OK + b"Content-Length: 12\r\n\r\n" + TEXT,
        OK + b"Transfer-Encoding: chunked\r\n\r\nb\r\n" + TEXT,
        OK + b"Transfer-Encoding: chunked\r\n\r\nb\r\n" + TEXT + b"\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nc\r\n" + TEXT,
        compressed(gzipped(bytes(range(256)) * 100)[:-20]),
        chunked(gzipped(TEXT)[:-1], more=b"Content-Encoding: gzip\r\n"),
        compressed(gzipped(TEXT)[:1]),
        compressed(gzipped(TEXT) + gzipped(TEXT)[:-1]),
    ],
)
def test_a_reply_that_is_cut_off(reply: bytes) -> None:
    with Server(answering(reply)) as server:
        error = failed(server)
    assert (error.kind, error.status, error.sent) == ("protocol", 200, True)
    assert "the reply (HTTP 200) is incomplete: the connection was closed too early" in str(error)


@pytest.mark.parametrize(
    "reply",
    [
        b"220 mail.example ESMTP\r\n\r\n",
        b"\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200OK\r\n\r\n",
        b"<html>\r\n",
        b"x" * 200_000,
        OK + b"A: " + b"b" * 200_000,
        OK + b"A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n" * 4000,
        OK + b"Content-Length: 4, 5\r\n\r\nabcde",
        b"\x15\x03\x01\x00\x02\x02\x16",
    ],
)
def test_what_is_no_reply(reply: bytes) -> None:
    with Server(answering(reply)) as server:
        error = failed(server)
    assert (error.kind, error.sent, error.status) == ("protocol", True, None)
    assert f"invalid HTTP response from 127.0.0.1:{server.port}; " in str(error)
    assert ("the server speaks TLS on this port, so use https" in str(error)) == reply.startswith(b"\x15")


@pytest.mark.parametrize("size", [b"-4", b"-1", b"", b"x", b"4 4", b"fffffffffffffffffff", b" " * 200_000])
def test_chunks_whose_size_makes_no_sense(size: bytes) -> None:
    with Server(answering(OK + b"Transfer-Encoding: chunked\r\n\r\n" + size + b"\r\nabcd\r\n0\r\n\r\n")) as server:
        error = failed(server, timeout=1.0)
    assert (error.kind, error.status, error.sent) == ("protocol", 200, True)


# -- early replies -------------------------------------------------------------------------------------------------


def test_a_server_that_replies_before_it_has_read_everything() -> None:
    """What it says is worth more than that it hung up."""

    def early(talk: socket.socket) -> None:
        talk.recv(100)
        talk.sendall(REPLY.replace(b"200 OK", b"413 Too Large").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        talk.shutdown(socket.SHUT_WR)
        talk.settimeout(2)
        # A server that cares for its reply goes on to read for a while (RFC 9112, 9.6).
        while talk.recv(65536):
            pass

    with Server(early) as server:
        reply = http_session().send(Request("POST", f"http://127.0.0.1:{server.port}/", json={"x": "y" * 3_000_000}))
    assert (reply.status, reply.body) == (413, TEXT)


@pytest.mark.parametrize("problem", [BrokenPipeError(), ConnectionResetError(104, "x"), ssl.SSLEOFError(8, "EOF"), ssl.SSLZeroReturnError(6, "closed")])
def test_a_reply_is_read_although_sending_failed(monkeypatch: pytest.MonkeyPatch, problem: OSError) -> None:
    """Whether the reply or the end of the connection comes first is chance on a real socket, so here the end comes from a patch."""
    import http.client

    send = http.client.HTTPConnection.send

    def broken(self: http.client.HTTPConnection, data: Any) -> None:
        send(self, data)
        if b"{" in bytes(data):
            raise problem

    monkeypatch.setattr(http.client.HTTPConnection, "send", broken)
    with Server(answering(REPLY.replace(b"200 OK", b"413 Too Large"))) as server:
        reply = http_session().send(Request("POST", f"http://127.0.0.1:{server.port}/", json={}))
    assert (reply.status, reply.body) == (413, TEXT)


def test_a_tls_server_that_hangs_up_while_a_request_comes(tmp_path: Path) -> None:
    """What it said before is heard; if it said nothing, it may have received the request."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)

    def early(talk: socket.socket) -> None:
        talk.recv(100)
        talk.sendall(REPLY.replace(b"200 OK", b"413 Too Large").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        time.sleep(0.2)

    def ask(url: str) -> tuple[Any, bool]:
        try:
            return http_session(ca_path=str(tmp_path / "ca.pem")).send(Request("POST", url, json={"x": "y" * 3_000_000})).status, True
        except ApiError as error:
            return error.kind, error.sent

    with Server(early, context) as server:
        reached = {ask(f"https://localhost:{server.port}/") for _turn in range(3)}
    # Whether its words or the end of the connection come first is chance, but it is never taken for a failed handshake.
    assert reached <= {(413, True), ("network", True)}
