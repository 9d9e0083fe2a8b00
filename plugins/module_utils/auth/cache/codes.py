# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which one-time codes have been sent, so that none is sent twice.

Each is an empty file that is created with O_EXCL: only one of many processes gets the code, and a damaged file still counts.
"""

from __future__ import annotations

import os

from . import files
from .crypto import CacheKey
from .housekeeping import CODE_PREFIX
from .store import FileStore, Lease

# A server that accepted a code so many steps ahead, from a fast clock, accepts no older one.
AHEAD = 2
# What this process has sent, for the case that it cannot be recorded.
_sent: set[tuple[str, int]] = set()


class UsedCodes:
    """The one-time codes that are known to have been sent, by this host or by those that share the lease.

    `secret` identifies what codes are computed from, and `step` the code; a code that a person typed is its own secret and has step 0.
    """

    def __init__(self, store: FileStore | None, lease: Lease | None) -> None:
        self._store = store
        self._lease = lease

    def claim(self, secret: str, step: int) -> bool:
        """Return whether this process alone may send the code of this step; `False` if it, or one shortly after it, may have been sent."""
        if not self.is_free(secret, step):
            return False
        key = None if self._store is None else self._store.prepare()
        if self._store is not None and key is not None:
            if not _create(self._store, _path(self._store, key, secret, step)):
                return False
            if self._lease is not None and not self._lease.claim_code(_label(key, secret), step, AHEAD):
                return False
        _sent.add((secret, step))
        return True

    def give_back(self, secret: str, step: int) -> None:
        """Let others send a code that this process has claimed and not sent."""
        _sent.discard((secret, step))
        key = None if self._store is None else self._store.key()
        if self._store is not None and key is not None:
            files.remove_file(_path(self._store, key, secret, step))
            if self._lease is not None:
                self._lease.give_back_code(_label(key, secret), step)

    def is_free(self, secret: str, step: int) -> bool:
        """Return whether nobody on this host is known to have sent the code of this step, or one shortly after it."""
        steps = range(step, step + AHEAD + 1)
        if any((secret, near) in _sent for near in steps):
            return False
        store = self._store
        key = None if store is None else store.prepare()
        return store is None or key is None or not any(os.path.lexists(_path(store, key, secret, near)) for near in steps)


def _path(store: FileStore, key: CacheKey, secret: str, step: int) -> str:
    return os.path.join(store.directory, f"{_label(key, secret)}-{step}")


def _label(key: CacheKey, secret: str) -> str:
    # The same 16 bits for all systems: they reveal nothing more, and two addresses of one system share the codes.
    return f"{CODE_PREFIX}{key.fingerprint16((secret,)):04x}"


def _create(store: FileStore, path: str) -> bool:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return False
    except OSError as failure:
        # Nothing can be recorded, so this process knows only what it has sent itself.
        store.warn("used one-time codes cannot be recorded, so one may be sent twice", f"{store.directory} cannot be written ({failure.strerror})")
    return True
