# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands connections to fixed ports of one loopback address on to other ports, for clients that cannot be told a port."""

from __future__ import annotations

import contextlib
import random
import selectors
import socket
import threading


class Forwarder:
    """Listens on the given ports of an address within 127.0.0.0/8 that has them free."""

    def __init__(self, targets: dict[int, int]) -> None:
        self._stopped = threading.Event()
        self.address, self._listeners = self._bind(targets)

    @staticmethod
    def _bind(targets: dict[int, int]) -> tuple[str, dict[socket.socket, int]]:
        for _attempt in range(20):
            address = f"127.{random.randrange(1, 255)}.{random.randrange(1, 255)}.{random.randrange(1, 255)}"
            listeners: dict[socket.socket, int] = {}
            try:
                for port, target in targets.items():
                    listeners[socket.create_server((address, port))] = target
            except OSError:
                for listener in listeners:
                    listener.close()
                continue
            return address, listeners
        raise OSError("no loopback address has these ports free")

    def serve(self) -> None:
        """Accept until stopped."""
        with selectors.DefaultSelector() as selector:
            for listener, target in self._listeners.items():
                selector.register(listener, selectors.EVENT_READ, (listener, target))
            while not self._stopped.is_set():
                for key, _events in selector.select(0.1):
                    listener, target = key.data
                    client, _peer = listener.accept()
                    threading.Thread(target=self._forward, args=(client, target), daemon=True).start()
        for listener in self._listeners:
            listener.close()

    def stop(self) -> None:
        self._stopped.set()

    @staticmethod
    def _forward(client: socket.socket, port: int) -> None:
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            _copy(client, server)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
