# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private files: the cache key, and reading and replacing entries. Private to this collection.

Nothing in here raises for what it finds on disk: damage of any kind is a miss. `Unusable` says that a directory cannot serve.
"""

from __future__ import annotations

import base64
import os
import stat
import typing as t

from .seal import Seal

VERSION = "v1"
MOST_BYTES = 65536
KEY_BYTES = 32


class Unusable(Exception):
    """A directory or key that must not or cannot be used; the text is for the user."""


def read_private(path: str, most: int = MOST_BYTES) -> bytes | None:
    """The content of a regular file of ours that nobody else may touch; `None` for anything else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077 or found.st_size > most:
            return None
        return os.read(descriptor, most + 1)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def private_directory(path: str) -> bool:
    """Whether a directory is ours alone; `False` also where there is none."""
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


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
        if not private_directory(path):
            os.chmod(path, 0o700)
    except (OSError, ValueError) as failure:
        raise Unusable(f"{path} cannot be used ({getattr(failure, 'strerror', None) or 'not a path'})") from None


def replace(path: str, content: bytes, mtime: float | None = None) -> None:
    """Put a file in its place at once, whole and private. Raises `OSError`.

    No fsync: an entry that a power cut takes is only a miss.
    """
    # Imported here: a hit never writes.
    import tempfile

    descriptor, temporary = tempfile.mkstemp(prefix=".new-", dir=os.path.dirname(path))
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        if mtime is not None:
            os.utime(temporary, (mtime, mtime))
        os.replace(temporary, path)
    except BaseException:
        remove(temporary)
        raise


def remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


def _decoded(content: bytes | None) -> bytes | None:
    try:
        key = base64.urlsafe_b64decode((content or b"").strip())
    except ValueError:
        return None
    return key if len(key) == KEY_BYTES else None


def load_key(path: str) -> bytes | None:
    """The key in a file; `None` where there is none that can be trusted."""
    content = read_private(path, 4096)
    return content.strip() if _decoded(content) else None


def make_key(path: str) -> bytes:
    """The key in a file, made if there is none; racing processes end up with the same one. Raises `Unusable`."""
    import secrets
    import tempfile

    directory = os.path.dirname(path)
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        if os.path.lexists(path):
            _set_aside(path)
        descriptor, temporary = tempfile.mkstemp(prefix=".key-", dir=directory)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                # A link never replaces: the first of many racers wins.
                os.link(temporary, path)
            except FileExistsError:
                pass
        finally:
            remove(temporary)
    except OSError as failure:
        raise Unusable(f"the cache key {path} cannot be made ({failure.strerror})") from None
    key = load_key(path)
    if key is None:
        raise Unusable(f"the cache key {path} is not a private file of this user with a key in it; remove it, or give cache_key")
    return key


def _set_aside(path: str) -> None:
    """Take a damaged key away; one that another user may have written, or a link, stays and makes the key unusable."""
    found = os.lstat(path)
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077 and load_key(path) is None:
        remove(path)


def read_entry(directory: str, seal: Seal, name: str) -> dict[str, t.Any] | None:
    """One entry, opened; `None` for a miss of any kind."""
    if not private_directory(directory):
        return None
    blob = read_private(os.path.join(directory, name))
    return seal.open(name, blob) if blob else None
