# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies are bounded in size and time, whatever a server sends."""

from __future__ import annotations

import socket
import time
import zlib

import pytest
from emulator.client import Emulator
from engine.clients import failure, http_session, ping
from engine.replies import OK, TEXT, compressed, failed, got, gzipped
from engine.servers import REPLY, Server, answering, head

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http import adapter, session
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.messages import Request


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
