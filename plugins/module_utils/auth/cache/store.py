# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file cache: one private directory with a sealed file for each account.

Reading never raises. What prevents tokens from being cached is a warning, never an error of the task.
"""

from __future__ import annotations

import errno
import logging
import os
import typing as t

from ..errors import ApiError, configuration_error
from ..options import CacheSettings
from . import files
from .clocks import Timestamp
from .crypto import CacheKey, cache_key
from .housekeeping import LAYOUT, LOCK_SUFFIX, entry_names, purge, purge_hourly
from .locks import FileLock, LocksUnsupported, try_lock
from .records import CacheEntry

logger = logging.getLogger("apiauth.tokens")
# Errors that another directory may not have.
_ANOTHER_DIRECTORY_HELPS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG)
_NOT_CACHED = "tokens are not cached, so every task logs in for itself"
_CACHED_FOR_THIS_RUN = "tokens are cached for this run only"
# The warnings of this process, each of which is given once.
_given: set[str] = set()


def warn_once(text: str) -> None:
    """Log a warning that this process has not given before."""
    if text not in _given:
        _given.add(text)
        logger.warning("%s", text)


class Lease(t.Protocol):
    """What other hosts have to do with a login: one host has the lease of an account and logs in, the others use its result."""

    def acquire(self, identity: t.Sequence[str], lock: FileLock | None, seconds: float) -> bool:
        """Acquire the lease for at most so many seconds; `False` while another host has it. `lock` is this host's own."""

    def renew(self, seconds: float) -> None:
        """Keep the lease for at least so many seconds from now, if this process still has it."""

    def release(self) -> None:
        """Release the lease, if this process has it."""

    def read(self, identity: t.Sequence[str]) -> CacheEntry | None:
        """Return what other hosts have cached."""

    def write(self, identity: t.Sequence[str], entry: CacheEntry) -> bool:
        """Share an entry; `False` if this process no longer has the lease."""

    def claim_code(self, label: str, step: int, ahead: int) -> bool:
        """Return whether no host has sent the one-time code of this step, or of one of the `ahead` steps after it; nobody else may send it now."""

    def give_back_code(self, label: str, step: int) -> None:
        """Let other hosts send a code that this one has claimed and not sent."""


class FileStore:
    """Cache entries in files. Of `settings.directories` the first that can be written is used, likewise of `settings.key_paths`."""

    backend = "file"

    def __init__(self, settings: CacheSettings) -> None:
        self.directories = tuple(os.path.join(path, LAYOUT) for path in settings.directories)
        self.key_paths = settings.key_paths
        self.is_prepared = False
        self._directory_index = 0
        # Which of the paths the key was found at.
        self._key_index = 0
        self._key = cache_key(settings.key.encode("utf-8", "surrogateescape")) if settings.key else None
        self._problems: list[str] = []
        self._has_warned = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.directory!r})"

    @property
    def directory(self) -> str:
        """The directory that is written to."""
        return self.directories[self._directory_index]

    def key(self) -> CacheKey | None:
        """Return the key of all directories; `None` if there is none yet."""
        if self._key is None:
            for index, path in enumerate(self.key_paths):
                key = files.load_key(path)
                if key:
                    self._key, self._key_index = cache_key(key), index
                    break
        return self._key

    def lease(self) -> Lease | None:
        """Return the lease that is shared with other hosts; `None` if there are none."""
        return None

    # -- entries -------------------------------------------------------------------------------------------------

    def read(self, identity: t.Sequence[str]) -> CacheEntry | None:
        """Return what is cached for an identity; `None` for a miss of any kind."""
        key = self.key()
        return None if key is None else self._read_name(key, key.entry_name(identity))

    def _read_name(self, key: CacheKey, name: str) -> CacheEntry | None:
        """Return the entry of this name. If the first directory cannot be written, those after it hold what is newer."""
        entry: CacheEntry | None = None
        for directory in self.directories:
            found = _read_entry(directory, key, name)
            if found is not None:
                entry = found if entry is None else entry.merge(found, Timestamp.now())
        return entry

    def write(self, identity: t.Sequence[str], entry: CacheEntry) -> bool:
        """Store an entry; return `False`, after a warning, if that is not possible."""
        for _directory in self.directories:
            key = self.prepare()
            if key is None:
                return False
            name = key.entry_name(identity)
            try:
                # The modification time is when the entry becomes useless, so that housekeeping needs no key.
                files.replace_file(os.path.join(self.directory, name), key.seal(name, entry.to_json()), entry.stale_after)
            except FileNotFoundError:
                # Somebody removed the whole directory.
                self.is_prepared = False
                continue
            except OSError as failure:
                if self._use_next_directory(f"{self.directory} cannot be written ({failure.strerror})"):
                    continue
                return False
            if self._key_index > 0:
                self._problems.append(f"the cache key {self.key_paths[0]} is not a private file of this user with a key in it")
            if self._problems:
                self.warn(_CACHED_FOR_THIS_RUN)
            purge_hourly(self.directory, self.key_paths)
            return True
        return False

    def lock(self, identity: t.Sequence[str]) -> FileLock | None:
        """Return the lock of an identity's login; `None` while another process has it. Raises `LocksUnsupported`."""
        for _attempt in range(len(self.directories) + 1):
            key = self.prepare()
            if key is None:
                break
            path = os.path.join(self.directory, key.entry_name(identity) + LOCK_SUFFIX)
            try:
                return try_lock(path)
            except FileNotFoundError:
                self.is_prepared = False
            except (IsADirectoryError, NotADirectoryError):
                files.move_directory_away(path)
            except OSError as failure:
                if failure.errno in (errno.ELOOP, errno.EACCES) and files.repair_file(path):
                    continue
                problem = f"{self.directory} cannot be written ({failure.strerror})"
                if failure.errno not in _ANOTHER_DIRECTORY_HELPS or not self._use_next_directory(problem):
                    break
            except LocksUnsupported:
                self._problems.append(f"{self.directory} does not support locks")
                break
        raise LocksUnsupported

    # -- for people and for housekeeping -------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Return the names of all entries, also of those that the key does not open."""
        return sorted({name for directory in self.directories for name in entry_names(directory)})

    def entries(self) -> list[tuple[str, CacheEntry]]:
        """Return all entries that the key opens, with their names, ordered by system, address and principal."""
        return sorted(self._entries().items(), key=lambda named: (named[1].provider, named[1].api_url, named[1].principal, named[1].scope))

    def _entries(self) -> dict[str, CacheEntry]:
        key = self.key()
        found = {} if key is None else {name: self._read_name(key, name) for name in FileStore.names(self)}
        return {name: entry for name, entry in found.items() if entry is not None}

    def remove(self, name: str) -> None:
        """Remove an entry. Raises an `ApiError` if it stays."""
        for directory in self.directories:
            path = os.path.join(directory, name)
            try:
                os.unlink(path)
            except OSError as failure:
                if os.path.lexists(path):
                    problem = f"{directory} cannot be written ({failure.strerror})"
                    raise configuration_error(problem, "make it writable, or remove the tokens in it by hand") from None

    def unreachable(self) -> ApiError | None:
        """Return why some of the entries were not listed; `None` if all were."""
        return None

    def purge(self) -> int:
        """Remove entries that are no longer useful, and what killed processes left behind; return how many entries were removed."""
        return purge(self.directory, self.key_paths)

    # -- where to write ------------------------------------------------------------------------------------------

    def prepare(self) -> CacheKey | None:
        """Make a directory and a key ready to write, and return the key; `None`, after a warning, if no directory can be used."""
        if self.is_prepared:
            return self.key()
        for index in range(self._directory_index, len(self.directories)):
            self._directory_index = index
            try:
                files.make_private_directory(self.directory)
                key = self.key() or self._make_key()
                self.is_prepared = True
                return key
            except files.Unusable as problem:
                self._problems.append(str(problem))
        self.warn(_NOT_CACHED)
        return None

    def warn(self, effect: str, problem: str = "") -> None:
        """Warn, once for each store, that the cache does less than it should, and name all problems."""
        if problem:
            self._problems.append(problem)
        if not self._has_warned:
            self._has_warned = True
            warn_once(f"{effect}: {'; '.join(dict.fromkeys(self._problems))}. Set cache_dir to a directory of your own.")

    def _make_key(self) -> CacheKey:
        """Return a key from the first path that can hold one. Raises `Unusable`."""
        problems = ["no path is given for the cache key"]
        for index, path in enumerate(self.key_paths):
            try:
                self._key, self._key_index = cache_key(files.make_key(path)), index
                self._problems += problems[1:]
                return self._key
            except files.Unusable as problem:
                problems.append(str(problem))
        self._problems += problems[1:-1]
        raise files.Unusable(problems[-1])

    def _use_next_directory(self, problem: str) -> bool:
        """Go on with the next directory; return `False`, after a warning, if there is none."""
        self._problems.append(problem)
        if self._directory_index + 1 == len(self.directories):
            self.warn(_NOT_CACHED)
            return False
        self._directory_index, self.is_prepared = self._directory_index + 1, False
        return self.prepare() is not None


def _read_entry(directory: str, key: CacheKey, name: str) -> CacheEntry | None:
    """Return one entry of a directory; `None` for a miss of any kind."""
    if not files.is_private_directory(directory):
        return None
    blob = files.read_private(os.path.join(directory, name))
    return CacheEntry.from_json(key.unseal(name, blob)) if blob else None
