# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the files of a cache directory are called, and the removal of those that are no longer useful."""

from __future__ import annotations

import os
import stat
import time
import typing as t

from . import files
from .locks import LocksUnsupported, try_lock

# Below each cache directory: another layout of the files needs another name.
LAYOUT = "v1"
ENTRY_NAME_LENGTH = 32
CODE_PREFIX, LOCK_SUFFIX = "totp-", ".lock"
PURGE_EVERY = 3600.0
ORPHAN_AGE = 3600.0
# For how many seconds a used one-time code is remembered: longer than any step of a clock that is worth considering.
CODES_AGE = 86400.0


def entry_names(directory: str) -> list[str]:
    """Return the names of all entries in a directory, in order."""
    if not files.is_private_directory(directory):
        return []
    with os.scandir(directory) as found:
        return sorted(file.name for file in found if len(file.name) == ENTRY_NAME_LENGTH)


def purge_hourly(directory: str, key_paths: t.Iterable[str]) -> None:
    """Purge a directory if that has not been done for an hour."""
    marker = os.path.join(directory, "purged")
    try:
        # The absolute difference: a marker from the future was written while the clock was wrong.
        if abs(time.time() - os.stat(marker).st_mtime) < PURGE_EVERY:
            return
    except OSError:
        pass
    try:
        files.replace_file(marker, b"")
        purge(directory, key_paths)
    except OSError:
        pass


def purge(directory: str, key_paths: t.Iterable[str]) -> int:
    """Remove entries that are no longer useful, and what killed processes left behind; return how many entries were removed."""
    now, removed = time.time(), 0
    if not files.is_private_directory(directory):
        return 0
    for path in key_paths:
        _remove_orphaned_keys(os.path.dirname(path), now)
    with os.scandir(directory) as found:
        listed = list(found)
    for file in listed:
        try:
            removed += _purge_file(file.path, file.name, now - file.stat(follow_symlinks=False).st_mtime)
        except (OSError, LocksUnsupported):
            continue
    return removed


def _purge_file(path: str, name: str, age: float) -> int:
    """Remove one file if it is no longer useful; return 1 for an entry. The modification time of an entry is when it becomes useless."""
    if name.startswith(files.NEW_PREFIX):
        if age > ORPHAN_AGE:
            _remove(path)
    elif name.startswith(CODE_PREFIX):
        if abs(age) > CODES_AGE:
            files.remove_file(path)
    elif name.endswith(LOCK_SUFFIX):
        if age > ORPHAN_AGE and not os.path.lexists(path[: -len(LOCK_SUFFIX)]):
            lock = try_lock(path)
            if lock:
                lock.release_and_delete()
    elif len(name) == ENTRY_NAME_LENGTH and age > 0:
        lock = try_lock(path + LOCK_SUFFIX)
        if lock:
            try:
                # A login may have replaced it since the directory was listed.
                if time.time() > os.lstat(path).st_mtime:
                    _remove(path)
                    return 1
            finally:
                lock.release_and_delete()
    return 0


def _remove(path: str) -> None:
    if stat.S_ISDIR(os.lstat(path).st_mode):
        os.rmdir(path)
    else:
        os.unlink(path)


def _remove_orphaned_keys(directory: str, now: float) -> None:
    try:
        with os.scandir(directory) as found:
            for file in found:
                if file.name.startswith(files.NEW_KEY_PREFIX) and now - file.stat(follow_symlinks=False).st_mtime > ORPHAN_AGE:
                    files.remove_file(file.path)
    except OSError:
        pass
