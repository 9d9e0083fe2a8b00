# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP/1.1 (RFC 9112) on an open connection: how a request is written and how a reply is read. Private to this collection.

Not `http.client`, which reads a head with Python's parser for e-mail and sends a request in two parts: that costs a worker as
much as a TLS handshake.
"""

from __future__ import annotations

import re
import time
import typing as t

if t.TYPE_CHECKING:
    import socket

PIECE = 65536
# Bytes of a whole head, and of the line before a chunk.
LONGEST_HEAD = 131072
WITH_BODY = ("POST", "PUT", "PATCH")
BODILESS = (204, 304)
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})( .*)?")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LENGTH = re.compile("[0-9]{1,15}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(;.*)?")


class NotHTTP(Exception):
    """What came is no reply in HTTP/1.1."""


class CutOff(ConnectionError):
    """The connection ended before the reply did; `began` says whether anything of the reply came."""

    def __init__(self, began: bool) -> None:
        super().__init__()
        self.began = began


class TooSlow(Exception):
    """The time for the whole reply is over."""


class Headers(t.Dict[str, str]):
    """The fields of a head by their names in lower case; `get` takes a name in any case."""

    def get(self, name: str, default: t.Any = None) -> t.Any:
        return super().get(name.lower(), default)


class Head(t.NamedTuple):
    """The head of a reply; `lasting` says that its connection may be used again, `cookies` are the fields that set one."""

    status: int
    headers: Headers
    cookies: tuple[str, ...]
    lasting: bool


class Stream:
    """What an open connection brings, by lines and by pieces; `rest` has come, and was not asked for yet."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.rest = b""
        self._until = float("inf")
        self._began = False

    def expect(self, seconds: float) -> None:
        """Another reply, all of which must come within so many seconds."""
        self._until = time.monotonic() + seconds
        self._began = False

    def line(self) -> bytes:
        """A line without its end. Raises `CutOff` where there is no whole one, and `NotHTTP` where it has no end."""
        while True:
            line, end, rest = self.rest.partition(b"\n")
            if end:
                self.rest = rest
                return line[:-1] if line.endswith(b"\r") else line
            if len(line) > LONGEST_HEAD:
                raise NotHTTP
            more = self._received()
            if not more:
                raise CutOff(self._began)
            self.rest += more

    def some(self, most: int) -> bytes:
        """At least one byte and at most so many; none at the end of the connection."""
        got = self.rest or self._received()
        self.rest = got[most:]
        return got[:most]

    def _received(self) -> bytes:
        if time.monotonic() > self._until:
            raise TooSlow
        received = self.sock.recv(PIECE)
        self._began = self._began or bool(received)
        return received


def request_bytes(method: str, target: str, host: str, headers: t.Mapping[str, str], body: bytes | None = None) -> bytes:
    """A request as it goes out. Raises `ValueError` when HTTP cannot carry it."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    if body is not None or method in WITH_BODY:
        lines.append(f"Content-Length: {len(body or b'')}")
    if any(map(_CONTROL.search, lines)):
        raise ValueError("a control character")
    return "\r\n".join((*lines, "", "")).encode("latin-1") + (body or b"")


def reply_head(stream: Stream) -> Head:
    """The head of the final reply, whatever interim ones come before it. Raises `NotHTTP`, or as `Stream` does."""
    while True:
        found = _STATUS_LINE.fullmatch(stream.line())
        if found is None:
            raise NotHTTP
        headers, cookies = _fields(stream)
        status = int(found[2])
        if status >= 200:
            return Head(status, headers, cookies, _lasting(found[1], status, headers))


def _lasting(minor: bytes, status: int, headers: Headers) -> bool:
    """Whether the server keeps the connection, and says where the reply ends in one way only (RFC 9112, 6.3 and 9.3)."""
    asked = headers.get("Connection", "").lower()
    kept = "keep-alive" in asked if minor == b"0" else "close" not in asked
    return kept and (status in BODILESS or ("content-length" in headers) != ("transfer-encoding" in headers))


def _fields(stream: Stream) -> tuple[Headers, tuple[str, ...]]:
    headers, size, name = Headers(), 0, ""
    cookies: list[str] = []
    while True:
        raw = stream.line()
        if not raw:
            return headers, tuple(cookies)
        size += len(raw)
        if size > LONGEST_HEAD:
            raise NotHTTP
        line = raw.decode("latin-1")
        if line[0] in " \t":
            # RFC 9112, 5.2: a field may go on in the next line.
            if name in headers:
                headers[name] += f" {line.strip()}"
            continue
        before, colon, value = line.partition(":")
        name, value = before.strip().lower(), value.strip()
        if not colon:
            continue
        if name == "set-cookie":
            cookies.append(value)
        else:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value


def reply_body(stream: Stream, method: str, head: Head) -> t.Iterator[bytes]:
    """The pieces of a reply's body (RFC 9112, 6.3). Raises `CutOff` where it ends too early, and `NotHTTP`, or as `Stream` does."""
    if method == "HEAD" or head.status in BODILESS:
        return
    coding, length = head.headers.get("Transfer-Encoding"), head.headers.get("Content-Length")
    if coding is not None:
        if coding.lower() != "chunked":
            raise NotHTTP
        yield from _chunks(stream)
    elif length is not None:
        # A field that came twice.
        once = {one.strip() for one in length.split(",")}
        told = once.pop()
        if once or not _LENGTH.fullmatch(told):
            raise NotHTTP
        yield from _counted(stream, int(told))
    else:
        piece = stream.some(PIECE)
        while piece:
            yield piece
            piece = stream.some(PIECE)


def _counted(stream: Stream, left: int) -> t.Iterator[bytes]:
    while left:
        piece = stream.some(min(left, PIECE))
        if not piece:
            raise CutOff(True)
        left -= len(piece)
        yield piece


def _chunks(stream: Stream) -> t.Iterator[bytes]:
    while True:
        found = _CHUNK.fullmatch(stream.line())
        if found is None:
            raise NotHTTP
        size = int(found[1], 16)
        if not size:
            # Fields that come after all chunks say nothing that is used here.
            _fields(stream)
            return
        yield from _counted(stream, size)
        if stream.line():
            raise NotHTTP
