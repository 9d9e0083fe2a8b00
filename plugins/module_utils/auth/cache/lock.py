# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lock among processes of one machine that dies with its holder. Private to this collection.

`flock` on a file of its own. Whoever deletes a lock file holds it, and whoever takes one looks whether it is still the file
of that name: only both together keep two holders apart.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress

# A child that is forked while a lock is held must not keep it.
_held: dict[int, Lock] = {}
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ESTALE, errno.EINVAL)


class NoLocks(Exception):
    """The file system has no locks."""


def _forget_in_child() -> None:
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_forget_in_child)


class Lock:
    """A held lock; `release` gives it back."""

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor
        _held[descriptor] = self

    def release(self) -> None:
        """Never LOCK_UN: closing frees the lock of this process alone. Does nothing in a child that was forked meanwhile."""
        if _held.get(self.descriptor) is self:
            del _held[self.descriptor]
            os.close(self.descriptor)

    def release_and_delete(self) -> None:
        """Remove the lock file while nobody else can hold it."""
        with suppress(OSError):
            os.unlink(self.path)
        self.release()


def try_lock(path: str) -> Lock | None:
    """The lock, or `None` at once while another process has it. Raises `NoLocks` or `OSError`."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_ino == os.stat(path).st_ino:
                return Lock(path, descriptor)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except FileNotFoundError:
            # Deleted between our open and our look: the next round makes a new one.
            pass
        except OSError as failure:
            os.close(descriptor)
            if failure.errno in _NO_LOCKS:
                raise NoLocks from None
            raise
        os.close(descriptor)
