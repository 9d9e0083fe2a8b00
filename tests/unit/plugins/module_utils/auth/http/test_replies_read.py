# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies of every form, complete and bounded in size and time."""

from __future__ import annotations

import gzip
import socket
import ssl
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
import trustme
from emulator.client import Emulator
from engine.clients import failure, http_session, ping
from engine.servers import REPLY, Server, answering, head

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http import adapter, session
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.messages import Request

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


# -- bounds --------------------------------------------------------------------------------------------------------


def test_replies_are_bounded(emulator: Emulator) -> None:
    emulator.fault({"system": "vss", "action": "huge", "mib": 64})
    error = failure(http_session(retries=3), ping(emulator.http))
    assert (error.kind, error.status, error.tries, error.sent) == ("protocol", 200, 1, True)
    assert (error.problem, error.hint) == ("the reply (HTTP 200) is larger than 64 MiB", "ask for less at a time")


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MAX_BODY", 1000)
    monkeypatch.setattr(adapter, "MAX_BODY", 1000)
    monkeypatch.setattr(adapter, "_MAX_OVERHEAD", 2000)


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize("size", [1000, 1001, 10_000_000])
def test_a_compressed_reply_is_bounded_by_what_comes_out(size: int) -> None:
    body = compressed(gzipped(b"x" * size))
    if size > 1001:
        # What goes over the wire is within its limit.
        body = compressed(gzipped(b"x" * 100_000))
    with Server(answering(body)) as server:
        if size == 1000:
            assert len(got(server)) == size
        else:
            assert "is larger than" in str(failed(server))


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize(
    "reply",
    [
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1;" + b"x" * 5_000 + b"\r\na\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 1500 + b"0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n" + b"A: b\r\n" * 2_000 + b"\r\n",
    ],
)
def test_what_comes_over_the_wire_is_bounded_too(reply: bytes) -> None:
    """Fails if only what comes out of a body is counted."""
    with Server(answering(reply)) as server:
        error = failed(server)
    assert (error.kind, "is larger than" in str(error) or "incomplete" in str(error)) == ("protocol", True)


def test_a_bomb_takes_little_memory() -> None:
    """A gigabyte of zeros, compressed to one megabyte. Fails if a chunk is decompressed as a whole before it is counted."""
    import tracemalloc

    pack = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    mib = b"\0" * 1024 * 1024
    body = b"".join(pack.compress(mib) for _turn in range(200)) + pack.flush()
    with Server(answering(compressed(body))) as server:
        tracemalloc.start()
        error = failed(server)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert "is larger than 64 MiB" in str(error)
    assert peak < 150 * 1024 * 1024


@pytest.mark.parametrize("encoding", ["deflate", "br", "zstd", "gzip, gzip", "none, br"])
def test_a_compression_that_was_not_asked_for(encoding: str) -> None:
    with Server(answering(compressed(zlib.compress(TEXT), encoding))) as server:
        error = failed(server, retries=3)
    assert (error.kind, error.status, error.tries) == ("protocol", 200, 1)
    assert "compressed in a way that was not asked for (Content-Encoding)" in str(error)


@pytest.mark.parametrize("body", [TEXT, gzipped(TEXT)[:-8] + b"\0" * 8, b"\x1f\x8b\x08\x00" + b"\xff" * 30])
def test_a_reply_that_only_says_that_it_is_compressed(body: bytes) -> None:
    with Server(answering(compressed(body))) as server:
        error = failed(server, retries=3)
    assert (error.kind, error.status, error.tries) == ("protocol", 200, 1)
    assert "is not compressed with gzip, although it says so" in str(error)


@pytest.mark.parametrize("where", ["body", "chunks", "gzip"])
def test_a_reply_that_drips_has_an_end(where: str) -> None:
    begin = {"body": b"Content-Length: 100000", "chunks": b"Transfer-Encoding: chunked", "gzip": b"Content-Encoding: gzip\r\nContent-Length: 99999"}[where]
    piece = b"1\r\nx\r\n" if where == "chunks" else b"x"

    def drip(talk: socket.socket) -> None:
        head(talk)
        talk.sendall(OK + begin + b"\r\n\r\n" + (gzipped(b"x" * 99)[:10] + b"\x00\x00\x00\xff\xff" if where == "gzip" else b""))
        for _turn in range(200):
            talk.sendall(b"\x00\x00\x00\xff\xff" if where == "gzip" else piece)
            time.sleep(0.05)

    with Server(drip) as server:
        started = time.monotonic()
        error = failure(http_session(retries=3, timeout=0.2), Request("GET", f"http://127.0.0.1:{server.port}/", repeatable=True))
    assert 0.7 < time.monotonic() - started < 2
    assert (error.kind, error.status, error.tries, server.connections) == ("protocol", 200, 1, 1)
    assert (error.problem, error.hint) == ("the reply (HTTP 200) was not complete after 0.8 seconds", "ask for less at a time, or raise timeout")


def test_a_head_that_drips_has_an_end() -> None:
    def drip(talk: socket.socket) -> None:
        head(talk)
        for sign in OK + b"A: b\r\n" * 200:
            talk.sendall(bytes([sign]))
            time.sleep(0.05)

    with Server(drip) as server:
        started = time.monotonic()
        error = failed(server, timeout=0.2, retries=2)
    assert 0.7 < time.monotonic() - started < 2
    assert (error.kind, error.sent, error.tries) == ("network", True, 1)
    assert error.problem == f"the head of the reply from 127.0.0.1:{server.port} was not complete after 0.8 seconds"


def test_a_server_that_never_ends_its_interim_replies() -> None:
    def drip(talk: socket.socket) -> None:
        head(talk)
        for _turn in range(200):
            talk.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\n\r\n")
            time.sleep(0.05)

    with Server(drip) as server:
        started = time.monotonic()
        assert failed(server, timeout=0.2).kind == "network"
    assert 0.7 < time.monotonic() - started < 2


def test_a_reply_that_stops_within_its_body() -> None:
    def stop(talk: socket.socket) -> None:
        head(talk)
        talk.sendall(REPLY[:-4])
        time.sleep(1)

    with Server(stop) as server:
        error = failed(server, timeout=0.2)
    assert (error.kind, error.status, error.sent) == ("network", 200, True)
    assert "the reply (HTTP 200) stopped for more than 0.2 seconds (read timeout)" in str(error)


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
