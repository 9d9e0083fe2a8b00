# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/1.1 as bytes: what is written, what is read, whatever pieces it comes in."""

from __future__ import annotations

import io
import random
from collections.abc import Iterable
from http.client import HTTPResponse
from typing import Any

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import http11
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http11 import CutOff, NotHTTP, Stream, TooSlow, reply_body, reply_head, request_bytes


class Pieces:
    """A socket that brings these pieces, then its end."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = [piece for piece in pieces if piece]

    def recv(self, most: int) -> bytes:
        piece = self._pieces.pop(0) if self._pieces else b""
        if len(piece) > most:
            self._pieces.insert(0, piece[most:])
        return piece[:most]


def stream(*pieces: bytes) -> Stream:
    sock: Any = Pieces(pieces)
    return Stream(sock)


def read(source: Stream, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    head = reply_head(source)
    return head.status, dict(head.headers), b"".join(reply_body(source, method, head))


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n4;a=b\r\nabcd\r\n0A \r\n0123456789\r\n0\r\nX: y\r\n\r\n"
FORMS = {
    b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd": (200, b"abcd"),
    b"HTTP/1.1 200\r\ncontent-length:4\r\n\r\nabcd": (200, b"abcd"),
    b"HTTP/1.1 200 \r\nContent-Length: 4, 4\r\n\r\nabcd": (200, b"abcd"),
    b"HTTP/1.0 200 OK\nContent-Length: 4\n\nabcd": (200, b"abcd"),
    b"HTTP/1.1 404 Nicht gef\xfcnden\r\n\r\nuntil the end": (404, b"until the end"),
    b"HTTP/1.1 204 No Content\r\n\r\n": (204, b""),
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n": (304, b""),
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n": (200, b""),
    CHUNKED: (200, b"abcd0123456789"),
}


@pytest.mark.parametrize("raw", FORMS, ids=range(len(FORMS)))
def test_replies_of_every_form_in_pieces_of_any_size(raw: bytes) -> None:
    chance = random.Random(7)
    for _turn in range(60):
        cuts = sorted(chance.randrange(len(raw) + 1) for _cut in range(chance.randrange(12)))
        pieces = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
        status, _headers, body = read(stream(*pieces))
        assert (status, body) == FORMS[raw]
    status, _headers, body = read(stream(*(bytes([one]) for one in raw)))
    assert (status, body) == FORMS[raw]


@pytest.mark.parametrize("raw", [raw for raw in FORMS if b"until" not in raw], ids=range(len(FORMS) - 1))
def test_a_reply_that_ends_anywhere_is_cut_off(raw: bytes) -> None:
    for length in range(len(raw)):
        with pytest.raises(CutOff) as caught:
            read(stream(raw[:length]))
        assert caught.value.began == (length > 0)


@pytest.mark.parametrize("raw", [raw for raw in FORMS if b"103" not in raw and b"until" not in raw])
def test_as_the_standard_library_reads_it(raw: bytes) -> None:
    class Socket:
        def makefile(self, _mode: str) -> io.BytesIO:
            return io.BytesIO(raw)

    sock: Any = Socket()
    theirs = HTTPResponse(sock)
    theirs.begin()
    status, headers, body = read(stream(raw))
    assert (status, body) == (theirs.status, theirs.read())
    if "," not in headers.get("content-length", ""):
        assert headers == {name.lower(): value for name, value in theirs.headers.items()}


def test_fields() -> None:
    raw = b"HTTP/1.1 200 OK\r\nA: 1\r\na:  2 \r\nB: x\r\n  y\r\n\tz\r\nSet-Cookie: a=1, b\r\nno colon\r\nset-cookie: c=2\r\nEmpty:\r\n\xfc: \xfc\r\n\r\n"
    head = reply_head(stream(raw))
    assert head.headers == {"a": "1, 2", "b": "x y z", "empty": "", "\xfc": "\xfc"}
    assert head.cookies == ("a=1, b", "c=2")
    assert (head.headers.get("A"), head.headers.get("EMPTY"), head.headers.get("None"), head.headers.get("None", "x")) == ("1, 2", "", None, "x")


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_reply_to_head_has_no_body(method: str) -> None:
    source = stream(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd")
    assert read(source, method)[2] == (b"" if method == "HEAD" else b"abcd")
    assert source.rest == (b"abcd" if method == "HEAD" else b"")


@pytest.mark.parametrize(
    "raw",
    [
        b"220 mail.example ESMTP\r\n",
        b"\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200OK\r\n\r\n",
        b"<html>\r\n",
        b"x" * 200_000,
        b"HTTP/1.1 200 OK\r\n" + b"A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n" * 4000,
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 200_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 4, 5\r\n\r\nabcde",
        b"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4x\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-4\r\nabcd\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nabcd\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcde\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4" + b" " * 200_000,
    ],
)
def test_what_is_no_reply(raw: bytes) -> None:
    with pytest.raises(NotHTTP):
        read(stream(raw))


def test_a_reply_has_a_time_by_which_it_has_come() -> None:
    for raw in (b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"HTTP/1.1 100 x\r\n\r\n"):
        source = stream(raw, b"A: b\r\n")
        source.expect(3600)
        source.rest = source.some(http11.PIECE)
        source.expect(-1)
        with pytest.raises(TooSlow):
            read(source)


def test_a_request() -> None:
    assert request_bytes("GET", "/x?y", "h:1", {"A": "b", "C": "\xfc"}) == b"GET /x?y HTTP/1.1\r\nHost: h:1\r\nA: b\r\nC: \xfc\r\n\r\n"
    assert request_bytes("PUT", "/", "h", {}, b"abc") == b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
    assert b"Content-Length: 0\r\n" in request_bytes("POST", "/", "h", {})
    assert b"Content-Length" not in request_bytes("DELETE", "/", "h", {})


@pytest.mark.parametrize("sign", ["\n", "\r", "\0", "\x7f", "\x0b", "€"])
@pytest.mark.parametrize("where", range(5))
def test_a_request_that_http_cannot_carry(sign: str, where: int) -> None:
    parts = [f"a{sign}b" if place == where else "x" for place in range(5)]
    with pytest.raises(ValueError):
        request_bytes(parts[0], parts[1], parts[2], {parts[3]: parts[4]})
