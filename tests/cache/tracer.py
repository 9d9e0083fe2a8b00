# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stop a child at each of its system calls, one after the other, and kill it there (ptrace)."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable

TRACEME, SYSCALL, SETOPTIONS = 0, 24, 0x4200
KILL_WITH_TRACER = 0x100000
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


class NoTracing(Exception):
    """This machine lets nobody trace, not even a child."""


def _ptrace(what: int, pid: int, data: int = 0) -> None:
    if _libc.ptrace(what, pid, None, data) == -1:
        raise NoTracing(os.strerror(ctypes.get_errno()))


def killed_at(stop: int, work: Callable[[], object]) -> bool:
    """Kill a child that does the work at its ``stop``-th entry into or return from a system call; ``False`` where it ended before that."""
    pid = os.fork()
    if not pid:
        try:
            _ptrace(TRACEME, 0)
            os.kill(os.getpid(), signal.SIGSTOP)
            work()
        except NoTracing:
            os._exit(77)
        finally:
            os._exit(0)
    _pid, status = os.waitpid(pid, 0)
    if os.WIFEXITED(status):
        raise NoTracing("a child may not ask to be traced")
    _ptrace(SETOPTIONS, pid, KILL_WITH_TRACER)
    for _number in range(stop):
        _ptrace(SYSCALL, pid)
        _pid, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status):
            return False
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return True
