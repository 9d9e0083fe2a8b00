# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private files, as far as a reader needs them. Private to this collection.

Nothing in here raises for what it finds on disk: damage of any kind is a miss.
"""

from __future__ import annotations

import base64
import os
import stat
import typing as t

if t.TYPE_CHECKING:
    from .seal import Seal

VERSION = "v1"
MOST_BYTES = 65536
KEY_BYTES = 32


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


def load_key(path: str) -> bytes | None:
    """The key in a file; `None` where there is none that can be trusted."""
    content = (read_private(path, 4096) or b"").strip()
    try:
        return content if len(base64.urlsafe_b64decode(content)) == KEY_BYTES else None
    except ValueError:
        return None


def read_entry(directory: str, seal: Seal, name: str) -> dict[str, t.Any] | None:
    """One entry, opened; `None` for a miss of any kind."""
    if not private_directory(directory):
        return None
    blob = read_private(os.path.join(directory, name))
    return seal.open(name, blob) if blob else None
