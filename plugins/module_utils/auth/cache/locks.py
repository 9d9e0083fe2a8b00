# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lock among the processes of one machine that is released when its holder dies.

It is `flock` on a file of its own. Whoever deletes a lock file holds its lock, and whoever acquires one checks that it is still the file of that name;
both are needed to keep two holders apart.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress

_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ESTALE, errno.EINVAL)
# What a forked child has to close: its copy of a descriptor would keep the lock alive.
_held: dict[int, FileLock] = {}


class LocksUnsupported(Exception):
    """The file system has no locks."""


class FileLock:
    """A lock that this process holds."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor
        _held[descriptor] = self

    def release(self) -> None:
        """Release the lock; do nothing in a child that was forked while it was held.

        The file is closed and never unlocked: LOCK_UN would take the lock from all processes that share the descriptor.
        """
        if _held.get(self.descriptor) is self:
            del _held[self.descriptor]
            os.close(self.descriptor)

    def release_and_delete(self) -> None:
        """Delete the lock file while nobody else can hold it, and release the lock."""
        with suppress(OSError):
            os.unlink(self.path)
        self.release()


def try_lock(path: str) -> FileLock | None:
    """Return the lock, or `None` at once if another process holds it. Raises `LocksUnsupported` or `OSError`."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_ino == os.stat(path).st_ino:
                return FileLock(path, descriptor)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except FileNotFoundError:
            # Deleted between opening and checking it: the next round creates a new one.
            pass
        except OSError as failure:
            os.close(descriptor)
            if failure.errno in _UNSUPPORTED:
                raise LocksUnsupported from None
            raise
        os.close(descriptor)


def _close_in_child() -> None:
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_close_in_child)
