# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files and directories that belong to this user alone, and the key file.

Functions that read raise nothing for what they find on disk. Functions that write raise `Unusable`, whose text is for the user, or `OSError`.
"""

from __future__ import annotations

import base64
import fcntl
import os
import secrets
import stat
import tempfile
import time
import typing as t
from contextlib import contextmanager, suppress

MAX_BYTES = 65536
KEY_BYTES = 32
# Temporary names: of entries, and of the key.
NEW_PREFIX, NEW_KEY_PREFIX = ".new-", ".key-"


class Unusable(Exception):
    """A directory or key that must not or cannot be used."""


def read_private(path: str, max_bytes: int = MAX_BYTES) -> bytes | None:
    """Return the content of a regular file that only this user may read or write; `None` for anything else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not _is_private(status) or status.st_size > max_bytes:
            return None
        return os.read(descriptor, max_bytes + 1)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def is_private_directory(path: str) -> bool:
    """Return whether this is the absolute path of a directory that only this user may enter."""
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return False
    return os.path.isabs(path) and stat.S_ISDIR(status.st_mode) and _is_private(status)


def _is_private(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & 0o077


def make_private_directory(path: str) -> None:
    """Make sure that a directory exists which only this user may enter. Raises `Unusable`.

    One that exists and is this user's is closed to others. Its parents are created with mode 0700 too, but those that exist are left alone.
    """
    try:
        _check_absolute(path)
        make_directories(os.path.dirname(path))
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            status = os.lstat(path)
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
                raise Unusable(f"{path} is not a directory of this user") from None
        # The umask may have removed permissions, or somebody may have added some.
        if stat.S_IMODE(os.lstat(path).st_mode) != 0o700:
            os.chmod(path, 0o700)
            _check_kept_private(path, os.lstat(path))
        # The kernel is asked because root's permissions do not help on a read-only file system.
        if not os.access(path, os.W_OK | os.X_OK):
            raise Unusable(f"{path} cannot be written")
    except (OSError, ValueError) as failure:
        raise Unusable(f"{path} cannot be used ({_reason(failure)})") from None


def make_directories(path: str) -> None:
    """Create a directory and its missing parents, each with mode 0700 whatever the umask. Raises `OSError`."""
    try:
        os.mkdir(path, 0o700)
    except FileNotFoundError:
        make_directories(os.path.dirname(path))
        with suppress(FileExistsError):
            os.mkdir(path, 0o700)
    except OSError:
        # It exists, even if the file system is read-only or its parent belongs to somebody else.
        if os.path.isdir(path):
            return
        raise
    if os.lstat(path).st_mode & 0o700 != 0o700:
        os.chmod(path, 0o700)


def replace_file(path: str, content: bytes, mtime: float | None = None) -> None:
    """Write a private file and move it into place as a whole. Raises `OSError`.

    There is no fsync: an entry that is lost in a power failure is only a miss.
    """
    descriptor, temporary = tempfile.mkstemp(prefix=NEW_PREFIX, dir=os.path.dirname(path))
    try:
        with os.fdopen(descriptor, "wb") as file:
            # Whatever the umask is.
            os.fchmod(descriptor, 0o600)
            file.write(content)
        if mtime is not None:
            os.utime(temporary, (mtime, mtime))
        try:
            os.replace(temporary, path)
        except (IsADirectoryError, NotADirectoryError):
            move_directory_away(path)
            os.replace(temporary, path)
    except BaseException:
        remove_file(temporary)
        raise


def move_directory_away(path: str) -> None:
    """Rename a directory that has the name of one of our files; housekeeping removes it when it is empty."""
    # The slash makes sure that a good file, which another process may have put there meanwhile, stays. That process may also have moved the directory.
    with suppress(FileNotFoundError, NotADirectoryError):
        os.rename(path + "/", os.path.join(os.path.dirname(path), f"{NEW_PREFIX}{os.getpid()}-{time.monotonic_ns()}"))


def repair_file(path: str) -> bool:
    """Remove what is in the way of a file of ours: a link, another user's file, a wrong mode. Returns whether that succeeded."""
    try:
        # Under a lock: no process may remove the good file that another one has just put there.
        with locked_directory(os.path.dirname(path)):
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid():
                os.chmod(path, 0o600)
            else:
                os.unlink(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def remove_file(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)


@contextmanager
def locked_directory(directory: str, seconds: float = 5.0) -> t.Iterator[None]:
    """Hold the lock of a directory, which is only ever held for moments; go on without it after some seconds, or if there are no locks."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.01)
            except OSError:
                break
        yield
    finally:
        os.close(descriptor)


# -- the key -----------------------------------------------------------------------------------------------------


def load_key(path: str) -> bytes | None:
    """Return the key in a file; `None` if there is none that can be trusted."""
    content = ((read_private(path, 4096) if os.path.isabs(path) else None) or b"").strip()
    try:
        return content if len(base64.urlsafe_b64decode(content)) == KEY_BYTES else None
    except ValueError:
        return None


def make_key(path: str) -> bytes:
    """Return the key in a file, which is created if it is missing; processes that do so at the same time get the same key. Raises `Unusable`."""
    try:
        _check_absolute(path)
        directory = os.path.dirname(path)
        make_directories(directory)
        if os.path.lexists(path):
            _replace_damaged_key(directory, path)
        if not os.path.lexists(path):
            _link_new_key(directory, path)
    except (OSError, ValueError) as failure:
        raise Unusable(f"the cache key {path} cannot be created ({_reason(failure)})") from None
    key = load_key(path)
    if key is None:
        raise Unusable(f"the cache key {path} is not a private file of this user with a key in it; remove it, or set cache_key")
    return key


def _link_new_key(directory: str, path: str) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=NEW_KEY_PREFIX, dir=directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            _check_kept_private(path, os.fstat(descriptor))
            file.write(base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        # A link never replaces a file, so the first process wins.
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        remove_file(temporary)


def _replace_damaged_key(directory: str, path: str) -> None:
    """Replace a damaged key. A link, or a file that another user may have written, stays and makes the key unusable."""
    # Under a lock: no process may remove the key that another one has just put there.
    with locked_directory(directory), suppress(FileNotFoundError):
        status = os.lstat(path)
        if stat.S_ISREG(status.st_mode) and _is_private(status) and load_key(path) is None:
            remove_file(path)
            _link_new_key(directory, path)


def _check_absolute(path: str) -> None:
    """A `~` that could not be expanded must not become a directory of that name."""
    if not os.path.isabs(path):
        raise Unusable(f"{path} is not an absolute path")


def _check_kept_private(path: str, status: os.stat_result) -> None:
    if status.st_mode & 0o077:
        raise Unusable(f"{path} is on a file system that does not store permissions, so others could read it")


def _reason(failure: Exception) -> str:
    return getattr(failure, "strerror", None) or "not a valid path"
