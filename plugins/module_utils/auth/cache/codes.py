# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which one-time codes have been sent, so that none is sent twice. Private to this collection.

An empty file for each, made with O_EXCL: of many processes one gets the code, and a damaged file still counts.
"""

from __future__ import annotations

import os
import typing as t

from . import keep

if t.TYPE_CHECKING:
    from .seal import Seal
    from .shared import Circle
    from .store import FileStore

# A server that took a code of this many steps ahead, by a clock that was fast, takes no older one.
AHEAD = 2
_sent_here: set[tuple[str, int]] = set()


def claim(store: FileStore | None, circle: Circle | None, secret: str, step: int) -> bool:
    """Whether the code of this step is now this process' own; `False` when it, or one right after it, may have been sent."""
    if not is_free(store, secret, step):
        return False
    seal = None if store is None else keep.usable(store)
    if store is not None and seal is not None:
        label = _label(seal, secret)
        if not _made(store, os.path.join(store.directory, f"{label}-{step}")):
            return False
        if circle is not None and not circle.claim(label, step, AHEAD):
            return False
    _sent_here.add((secret, step))
    return True


def is_free(store: FileStore | None, secret: str, step: int) -> bool:
    """Whether nobody on this host is known to have sent the code of this step, or one right after it."""
    near = range(step, step + AHEAD + 1)
    if any((secret, one) in _sent_here for one in near):
        return False
    seal = None if store is None else keep.usable(store)
    return store is None or seal is None or not any(os.path.lexists(os.path.join(store.directory, f"{_label(seal, secret)}-{one}")) for one in near)


def _label(seal: Seal, secret: str) -> str:
    # The same 16 bits on every system: they tell nothing more, and two addresses of one system share the codes.
    return f"{keep.CODE}{seal.tag((secret,)):04x}"


def _made(store: FileStore, path: str) -> bool:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return False
    except OSError as failure:
        # Nothing can be kept, then: what this process itself has sent is all that is known.
        store.obstacles.append(f"{store.directory} cannot be written ({failure.strerror})")
        keep.warn(store, "used one-time codes cannot be noted, so one may be sent twice")
    return True
