# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small servers for what the emulator does not do: proxies, certificates that are wrong, replies byte by byte."""

from __future__ import annotations

import base64
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

REPLY = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'


class Server:
    """A listener whose connections are handled by a function, each in a thread; ``with`` ends it."""

    def __init__(self, handle: Callable[[socket.socket], None], context: ssl.SSLContext | None = None) -> None:
        self._handle, self._context = handle, context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.connections = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _peer = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with self._context.wrap_socket(connection, server_side=True) if self._context else connection as talk:
                self._handle(talk)
        except OSError:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.close()
        for connection in self._open:
            connection.close()


def head(talk: socket.socket) -> bytes:
    """What a client sends up to the empty line; empty when it hangs up."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = talk.recv(65536)
        if not piece:
            return b""
        got += piece
    return got


def answering(*replies: bytes) -> Callable[[socket.socket], None]:
    """Each connection is answered with these bytes, one for each request, and then closed."""

    def handle(talk: socket.socket) -> None:
        for reply in replies:
            if not head(talk):
                return
            talk.sendall(reply)

    return handle


def echoing(status: int) -> Callable[[socket.socket], None]:
    """Each request is answered with the names and passwords that it came with and with its head, as JSON or, above 399, as a page."""

    def handle(talk: socket.socket) -> None:
        while asked := head(talk).decode("latin-1"):
            pairs = [base64.b64decode(one).decode() for one in re.findall(r"Basic (\S+)", asked)]
            body = json.dumps({"data": {"pairs": pairs, "head": asked}}) if status < 400 else f"<p>{pairs}</p><pre>{asked}</pre>"
            talk.sendall(f"HTTP/1.1 {status} Word\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

    return handle


class Proxy(Server):
    """An HTTP proxy that tunnels, or refuses with a status. ``asked`` are the heads that it got."""

    def __init__(self, status: int = 200, authorization: str = "") -> None:
        self.asked: list[str] = []
        self._status, self._authorization = status, authorization
        super().__init__(self._proxy)

    def _proxy(self, talk: socket.socket) -> None:
        asked = head(talk)
        if not asked:
            return
        text = asked.decode("latin-1")
        self.asked.append(text)
        status = self._status
        if self._authorization and f"Proxy-Authorization: {self._authorization}" not in text:
            status = 407
        if status != 200:
            talk.sendall(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            return
        method, target, _version = text.split("\r\n")[0].split()
        if method == "CONNECT":
            host, _colon, port = target.rpartition(":")
            with socket.create_connection((host, int(port))) as far:
                talk.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                back = threading.Thread(target=_copy, args=(far, talk), daemon=True)
                back.start()
                _copy(talk, far)
                back.join(5)
            return
        talk.sendall(REPLY)


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while True:
            piece = source.recv(65536)
            if not piece:
                break
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return
