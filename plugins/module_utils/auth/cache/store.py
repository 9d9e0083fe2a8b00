# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file cache: entries of all accounts in one private directory. Private to this collection."""

from __future__ import annotations

import os
import time
import typing as t

from . import files
from .record import Record
from .seal import Seal

if t.TYPE_CHECKING:
    from .lock import Lock

PURGE_EVERY = 3600.0
ORPHAN_AGE = 3600.0


class FileStore:
    """Where records rest on this machine. `directories` are tried in order when something is written; `key` wins over `key_paths`.

    Reading never raises. Writing returns whether it worked, and tells `warn` once why not.
    """

    def __init__(self, directories: t.Sequence[str], key_paths: t.Sequence[str], key: str | None, warn: t.Callable[[str], None]) -> None:
        self._roots = list(zip((os.path.join(one, files.VERSION) for one in directories), key_paths))
        self._given_key = key.encode() if key else None
        self._warn = warn
        self._warned = False
        self._seals: dict[str, Seal] = {}
        self._at = 0

    def __repr__(self) -> str:
        return f"FileStore({self.directory!r})"

    @property
    def directory(self) -> str:
        return self._roots[self._at][0]

    def seal(self, make: bool = False) -> Seal | None:
        """The seal of the current directory; its key is made only when there is something to keep."""
        key_path = "" if self._given_key else self._roots[self._at][1]
        if key_path not in self._seals:
            key = self._given_key or files.load_key(key_path)
            if key is None and make:
                key = files.make_key(key_path)
            if key is None:
                return None
            self._seals[key_path] = Seal(key)
        return self._seals[key_path]

    def read(self, identity: t.Sequence[str]) -> Record | None:
        seal = self.seal()
        return None if seal is None else Record.load(files.read_entry(self.directory, seal, seal.name(identity)))

    def usable(self) -> Seal | None:
        """Make a directory and a key ready to write, the next ones where the first cannot be; `None` and a warning where none can."""
        reasons: list[str] = []
        while self._at < len(self._roots):
            try:
                files.make_private(self.directory)
                return self.seal(make=True)
            except files.Unusable as failure:
                reasons.append(str(failure))
                if self._at + 1 == len(self._roots):
                    break
                self._at += 1
        self.disturbed("; ".join(dict.fromkeys(reasons)))
        return None

    def write(self, identity: t.Sequence[str], record: Record) -> bool:
        seal = self.usable()
        if seal is None:
            return False
        name = seal.name(identity)
        try:
            # The modification time is the end of use, so that housekeeping needs no key.
            files.replace(os.path.join(self.directory, name), seal.close(name, record.dump()), record.kept_until())
        except OSError as failure:
            self.disturbed(f"{self.directory} cannot be written ({failure.strerror})")
            return False
        self._purge_sometimes()
        return True

    def try_lock(self, identity: t.Sequence[str]) -> Lock | None:
        """The lock of an identity, `None` while another process holds it. Raises `OSError` or `NoLocks`."""
        seal = self.usable()
        if seal is None:
            raise OSError("no cache directory")
        return self.try_lock_path(os.path.join(self.directory, seal.name(identity) + ".lock"))

    @staticmethod
    def try_lock_path(path: str) -> Lock | None:
        from .lock import try_lock

        return try_lock(path)

    def disturbed(self, reason: str) -> None:
        """Say once that tokens are not kept."""
        if not self._warned:
            self._warned = True
            self._warn(f"apiauth.tokens: tokens are not cached, so every task logs in for itself: {reason}. Set cache_dir to a directory of your own, or cache to none.")

    def names(self) -> list[str]:
        """The entries' names."""
        if not files.private_directory(self.directory):
            return []
        return sorted(entry.name for entry in os.scandir(self.directory) if len(entry.name) == 32)

    def records(self) -> list[tuple[str, Record]]:
        """Every entry that this key opens."""
        seal = self.seal()
        found = [(name, Record.load(files.read_entry(self.directory, seal, name))) for name in (self.names() if seal else [])]
        return [(name, record) for name, record in found if record is not None]

    def remove(self, name: str) -> None:
        files.remove(os.path.join(self.directory, name))

    def _purge_sometimes(self) -> None:
        stamp = os.path.join(self.directory, "purged")
        try:
            if time.time() - os.stat(stamp).st_mtime < PURGE_EVERY:
                return
        except OSError:
            pass
        try:
            files.replace(stamp, b"")
            self.purge()
        except OSError:
            pass

    def purge(self) -> int:
        """Remove entries past their use, and what killed writers left; returns how many entries went."""
        from .lock import NoLocks, try_lock

        now, gone = time.time(), 0
        for entry in list(os.scandir(self.directory)):
            try:
                age = now - entry.stat(follow_symlinks=False).st_mtime
                if entry.name.startswith(".new-"):
                    if age > ORPHAN_AGE:
                        files.remove(entry.path)
                elif entry.name.endswith(".lock") and age > ORPHAN_AGE and not os.path.lexists(entry.path[: -len(".lock")]):
                    lock = try_lock(entry.path)
                    if lock:
                        lock.release_and_delete()
                elif len(entry.name) == 32 and age > 0:
                    lock = try_lock(entry.path + ".lock")
                    if lock:
                        files.remove(entry.path)
                        lock.release_and_delete()
                        gone += 1
            except (OSError, NoLocks):
                continue
        return gone
