# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another host, without a process: every command that it is given is answered with the text of the file in the variable `e2e_answer`."""

from __future__ import annotations

from pathlib import Path

from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = r"""
name: e2e_host
short_description: A host that answers what it likes
description: A host that answers what it likes.
options:
  answer:
    description: A file with what is answered.
    vars: [{name: e2e_answer}]
  pipelining:
    description: Modules come as input, so that no files are copied.
    default: true
    type: bool
"""


class Connection(ConnectionBase):
    transport = "e2e_host"
    has_pipelining = True

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        return 0, Path(self.get_option("answer")).read_bytes(), b""

    def put_file(self, in_path: str, out_path: str) -> None:
        super().put_file(in_path, out_path)

    def fetch_file(self, in_path: str, out_path: str) -> None:
        super().fetch_file(in_path, out_path)

    def close(self) -> None:
        self._connected = False
