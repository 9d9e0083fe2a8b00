# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small servers for what the emulator does not do: proxies, certificates that are wrong, replies byte by byte."""

from __future__ import annotations

import base64
import json
import re
import select
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
        except (OSError, ValueError):
            # The other side, or the end of the test, has closed it.
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.close()
        for connection in self._open:
            connection.close()


def recording(asked: list[bytes], *replies: bytes) -> Callable[[socket.socket], None]:
    """Each request is noted, head and body, and answered with the next of these replies, the last of them again and again."""

    def handle(talk: socket.socket) -> None:
        waiting = list(replies)
        while got := head(talk):
            before, _end, body = got.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: (\d+)", before)
            while length and len(body) < int(length.group(1)):
                piece = talk.recv(65536)
                if not piece:
                    return
                body += piece
            asked.append(before + b"\r\n\r\n" + body)
            talk.sendall(waiting.pop(0) if len(waiting) > 1 else waiting[0])

    return handle


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
    """An HTTP proxy that opens tunnels, or refuses with a status. `asked` are the heads of the requests that it got.

    `context`: it is reached over TLS. `leads_to`: all tunnels end at this port of this machine.
    """

    def __init__(self, status: int = 200, authorization: str = "", *, context: ssl.SSLContext | None = None, leads_to: int | None = None) -> None:
        self.asked: list[str] = []
        self._status, self._authorization, self._leads_to = status, authorization, leads_to
        super().__init__(self._proxy, context)

    def _proxy(self, talk: socket.socket) -> None:
        while asked := head(talk):
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
                address = (host.strip("[]"), int(port)) if self._leads_to is None else ("127.0.0.1", self._leads_to)
                with socket.create_connection(address) as far:
                    talk.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                    _relay(talk, far)
                return
            talk.sendall(REPLY)


class SocksProxy(Server):
    """A SOCKS 5 proxy (RFC 1928, RFC 1929). `asked` are the hosts and ports that it was asked for."""

    def __init__(self, user: str = "", password: str = "") -> None:
        self.asked: list[tuple[str, int]] = []
        self.refusing = False
        self._login = f"{user}:{password}" if user else ""
        super().__init__(self._proxy)

    def _proxy(self, talk: socket.socket) -> None:
        opening = talk.recv(2)
        if not opening:
            return
        talk.recv(opening[1])
        talk.sendall(b"\x05\x02" if self._login else b"\x05\x00")
        if self._login:
            user = talk.recv(talk.recv(2)[1])
            password = talk.recv(talk.recv(1)[0])
            right = f"{user.decode()}:{password.decode()}" == self._login
            talk.sendall(b"\x01\x00" if right else b"\x01\x01")
            if not right:
                return
        request = talk.recv(4)
        if len(request) < 4:
            # The client wrote the first bytes, and could not resolve the name of the host.
            return
        kind = request[3]
        host = socket.inet_ntoa(talk.recv(4)) if kind == 1 else talk.recv(talk.recv(1)[0]).decode()
        port = int.from_bytes(talk.recv(2), "big")
        self.asked.append((host, port))
        if self.refusing:
            talk.sendall(b"\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00")
            return
        with socket.create_connection(("127.0.0.1", port)) as far:
            talk.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
            _relay(talk, far)


def _relay(near: socket.socket, far: socket.socket) -> None:
    """Pass on what comes from either side until one of them closes."""
    while True:
        waiting = [near] if isinstance(near, ssl.SSLSocket) and near.pending() else []
        for source in waiting or select.select([near, far], [], [])[0]:
            piece = source.recv(65536)
            if not piece:
                return
            (far if source is near else near).sendall(piece)
