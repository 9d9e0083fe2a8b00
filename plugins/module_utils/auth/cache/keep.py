# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file cache as a login sees it: making directories and keys, writing, locking, housekeeping. Private to this collection.

`Unusable` says that a directory or key cannot serve. Everything else that goes wrong is a warning, never an error of the task.
"""

from __future__ import annotations

import base64
import errno
import fcntl
import os
import stat
import time
import typing as t
from contextlib import contextmanager, suppress

from . import files
from .lock import Lock, NoLocks, try_lock
from .outcome import kept_until, merged
from .record import Record, Stamp

if t.TYPE_CHECKING:
    from .seal import Seal
    from .store import FileStore

PURGE_EVERY = 3600.0
ORPHAN_AGE = 3600.0
# How long a used one-time code is remembered, in seconds: longer than any clock step that is worth a thought.
CODES_AGE = 86400.0
NAME_LENGTH = 32
NEW, KEY, CODE, LOCK = ".new-", ".key-", "totp-", ".lock"
# What another directory may cure.
NO_PLACE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG)


class Unusable(Exception):
    """A directory or key that must not or cannot be used; the text is for the user."""


# -- a place -----------------------------------------------------------------------------------------------------


def usable(store: FileStore) -> Seal | None:
    """Make a directory and a key ready to write, the next ones where the first cannot be; `None` and a warning where none can."""
    if store.ready:
        return store.seal()
    for number in range(store.at, len(store.directories)):
        store.at = number
        try:
            make_private(store.directory)
            seal = store.seal(lambda paths: _first_key(paths, store.obstacles))
            store.ready = True
            return seal
        except Unusable as failure:
            store.obstacles.append(str(failure))
    warn(store, "tokens are not cached, so every task logs in for itself")
    return None


def _next_place(store: FileStore, obstacle: str) -> bool:
    """Go on with the next directory; `False` and a warning where there is none."""
    store.obstacles.append(obstacle)
    if store.at + 1 == len(store.directories):
        warn(store, "tokens are not cached, so every task logs in for itself")
        return False
    store.at, store.ready = store.at + 1, False
    return usable(store) is not None


def warn(store: FileStore, what: str) -> None:
    """Say once why the cache is less than it should be."""
    if not store.warned:
        store.warned = True
        reasons = "; ".join(dict.fromkeys(store.obstacles))
        store.warn(f"apiauth.tokens: {what}: {reasons}. Set cache_dir to a directory of your own.")


def _key_elsewhere(store: FileStore) -> bool:
    """Whether the key is not where it lasts, for whatever reason another process of this run met."""
    if store.key_place > 0:
        store.obstacles.append(f"the cache key {store.key_paths[0]} is not a private file of this user with a key in it")
    return store.key_place > 0


def make_private(path: str) -> None:
    """Make a directory ours alone. Raises `Unusable`."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            found = os.lstat(path)
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                raise Unusable(f"{path} is not a directory of this user") from None
        # The umask may have taken bits away, or somebody given some.
        if stat.S_IMODE(os.lstat(path).st_mode) != 0o700:
            os.chmod(path, 0o700)
        # Asked of the kernel, because root may write where the file system may not.
        if not os.access(path, os.W_OK | os.X_OK):
            raise Unusable(f"{path} cannot be written")
    except (OSError, ValueError) as failure:
        raise Unusable(f"{path} cannot be used ({getattr(failure, 'strerror', None) or 'not a path'})") from None


# -- the key -----------------------------------------------------------------------------------------------------


def _first_key(paths: t.Sequence[str], reasons: list[str]) -> bytes:
    """A key from the first place that can hold one. Raises `Unusable`."""
    for path in paths:
        try:
            return make_key(path)
        except Unusable as failure:
            reasons.append(str(failure))
    raise Unusable(reasons.pop())


def make_key(path: str) -> bytes:
    """The key in a file, made if there is none; racing processes end up with the same one. Raises `Unusable`."""
    try:
        directory = os.path.dirname(path)
        os.makedirs(directory, mode=0o700, exist_ok=True)
        if os.path.lexists(path):
            _set_aside(directory, path)
        if not os.path.lexists(path):
            _link_new_key(directory, path)
    except (OSError, ValueError) as failure:
        raise Unusable(f"the cache key {path} cannot be made ({getattr(failure, 'strerror', None) or 'not a path'})") from None
    key = files.load_key(path)
    if key is None:
        raise Unusable(f"the cache key {path} is not a private file of this user with a key in it; remove it, or give cache_key")
    return key


def _link_new_key(directory: str, path: str) -> None:
    import secrets
    import tempfile

    descriptor, temporary = tempfile.mkstemp(prefix=KEY, dir=directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(base64.urlsafe_b64encode(secrets.token_bytes(files.KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        # A link never replaces: the first of many racers wins.
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        remove(temporary)


def _set_aside(directory: str, path: str) -> None:
    """Take a damaged key away; one that another user may have written, or a link, stays and makes the key unusable.

    Under a lock of the directory: a racer must not take away the key that another one has just put in its place.
    """
    with _directory_lock(directory), suppress(FileNotFoundError):
        found = os.lstat(path)
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077 and files.load_key(path) is None:
            remove(path)
            _link_new_key(directory, path)


@contextmanager
def _directory_lock(directory: str) -> t.Iterator[None]:
    """Keeps racers apart that would mend the same file."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _lock_soon(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock_soon(descriptor: int, patience: float = 5.0) -> None:
    """Wait a little for a lock that is held for moments only; go on without it where there are none."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(0.01)
        except OSError:
            return


# -- entries -----------------------------------------------------------------------------------------------------


def replace(path: str, content: bytes, mtime: float | None = None) -> None:
    """Put a file in its place at once, whole and private. Raises `OSError`.

    No fsync: an entry that a power cut takes is only a miss.
    """
    import tempfile

    descriptor, temporary = tempfile.mkstemp(prefix=NEW, dir=os.path.dirname(path))
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
            _move_away(path)
            os.replace(temporary, path)
    except BaseException:
        remove(temporary)
        raise


def _move_away(path: str) -> None:
    """A directory has no business where a file of ours belongs; housekeeping removes it when it is empty."""
    # The slash: a racer may have put a good file there meanwhile, and that must stay. It may also have been quicker with the directory.
    with suppress(FileNotFoundError, NotADirectoryError):
        os.rename(path + "/", os.path.join(os.path.dirname(path), f"{NEW}{os.getpid()}-{time.monotonic_ns()}"))


def remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)


def read(store: FileStore, identity: t.Sequence[str]) -> Record | None:
    """What any directory has: where the first one is full, the others hold what could not be written there."""
    found, seal = store.read(identity), store.seal()
    for directory in store.directories[store.at + 1 :] if seal is not None else ():
        more = Record.load(files.read_entry(directory, seal, seal.name(identity))) if seal is not None else None
        found = found if more is None else merged(found, more, Stamp.now())
    return found


def write(store: FileStore, identity: t.Sequence[str], record: Record) -> bool:
    """Keep a record; `False` and a warning where that is not possible."""
    for _place in store.directories:
        seal = usable(store)
        if seal is None:
            return False
        name = seal.name(identity)
        try:
            # The modification time is the end of use, so that housekeeping needs no key.
            replace(os.path.join(store.directory, name), seal.close(name, record.dump()), kept_until(record))
        except FileNotFoundError:
            # Somebody removed the whole directory.
            store.ready = False
            continue
        except OSError as failure:
            if _next_place(store, f"{store.directory} cannot be written ({failure.strerror})"):
                continue
            return False
        if store.obstacles or _key_elsewhere(store):
            warn(store, "tokens are kept for this run only")
        _purge_sometimes(store)
        return True
    return False


def lock_of(store: FileStore, identity: t.Sequence[str]) -> Lock | None:
    """The lock of an identity, `None` while another process holds it. Raises `NoLocks`."""
    for _place in (*store.directories, None):
        seal = usable(store)
        if seal is None:
            break
        path = os.path.join(store.directory, seal.name(identity) + LOCK)
        try:
            return try_lock(path)
        except FileNotFoundError:
            store.ready = False
        except (IsADirectoryError, NotADirectoryError):
            _move_away(path)
        except OSError as failure:
            if failure.errno in (errno.ELOOP, errno.EACCES) and _mended(path):
                continue
            if failure.errno not in NO_PLACE or not _next_place(store, f"{store.directory} cannot be written ({failure.strerror})"):
                break
        except NoLocks:
            store.obstacles.append(f"{store.directory} cannot hold locks")
            break
    raise NoLocks


def _mended(path: str) -> bool:
    """Whether what stood in the way of a lock file is gone: a link, another user's file, a wrong mode.

    Under a lock of the directory: a racer must not take away the good file that another one has just put in its place.
    """
    try:
        with _directory_lock(os.path.dirname(path)):
            found = os.lstat(path)
            if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
                os.chmod(path, 0o600)
            else:
                os.unlink(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


# -- housekeeping ------------------------------------------------------------------------------------------------


def names(store: FileStore) -> list[str]:
    """The entries' names."""
    if not files.private_directory(store.directory):
        return []
    with os.scandir(store.directory) as entries:
        return sorted(entry.name for entry in entries if len(entry.name) == NAME_LENGTH)


def _purge_sometimes(store: FileStore) -> None:
    stamp = os.path.join(store.directory, "purged")
    try:
        # Without a sign: a stamp from the future comes from a clock that was wrong.
        if abs(time.time() - os.stat(stamp).st_mtime) < PURGE_EVERY:
            return
    except OSError:
        pass
    try:
        replace(stamp, b"")
        purge(store)
    except OSError:
        pass


def purge(store: FileStore) -> int:
    """Remove entries past their use, and what killed writers left; returns how many entries went."""
    now, gone = time.time(), 0
    if not files.private_directory(store.directory):
        return 0
    for path in store.key_paths:
        _remove_old(os.path.dirname(path), KEY, now)
    with os.scandir(store.directory) as entries:
        found = list(entries)
    for entry in found:
        try:
            age = now - entry.stat(follow_symlinks=False).st_mtime
            gone += _purged(entry.path, entry.name, age)
        except (OSError, NoLocks):
            continue
    return gone


def _purged(path: str, name: str, age: float) -> int:
    """Remove one file of the directory if its time has come; 1 for an entry."""
    if name.startswith(NEW):
        if age > ORPHAN_AGE:
            _remove_any(path)
    elif name.startswith(CODE):
        if abs(age) > CODES_AGE:
            remove(path)
    elif name.endswith(LOCK):
        if age > ORPHAN_AGE and not os.path.lexists(path[: -len(LOCK)]):
            lock = try_lock(path)
            if lock:
                lock.release_and_delete()
    elif len(name) == NAME_LENGTH and age > 0:
        lock = try_lock(path + LOCK)
        if lock:
            try:
                # A login may have put a new one there since we looked.
                if time.time() > os.lstat(path).st_mtime:
                    _remove_any(path)
                    return 1
            finally:
                lock.release_and_delete()
    return 0


def _remove_any(path: str) -> None:
    if stat.S_ISDIR(os.lstat(path).st_mode):
        os.rmdir(path)
    else:
        os.unlink(path)


def _remove_old(directory: str, prefix: str, now: float) -> None:
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.name.startswith(prefix) and now - entry.stat(follow_symlinks=False).st_mtime > ORPHAN_AGE:
                    remove(entry.path)
    except OSError:
        pass
