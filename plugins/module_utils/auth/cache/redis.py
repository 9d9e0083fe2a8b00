# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cache that several hosts share: files on each host, and a Redis server among them. Private to this collection.

A hit is answered by this host's files alone. What a miss asks of the server is in `shared`.
"""

from __future__ import annotations

import typing as t

from .record import Record
from .store import FileStore

if t.TYPE_CHECKING:
    from .shared import Circle


class RedisStore(FileStore):
    """A file cache whose misses ask the other hosts first. `key` must be the same on all of them."""

    backend = "redis"

    def __init__(self, url: str, directories: t.Sequence[str], key_paths: t.Sequence[str], key: str, warn: t.Callable[[str], None]) -> None:
        super().__init__(directories, key_paths, key, warn)
        self._url = url
        self._circle: Circle | None = None

    def circle(self) -> Circle | None:
        """The other hosts; `None` while the server is known to be down. Raises a configuration error."""
        from .shared import Circle

        if self._circle is None:
            self._circle = Circle(self, self._url)
        return None if self._circle.is_down() else self._circle

    def names(self) -> list[str]:
        """The entries of this host and of all others."""
        circle = self.circle()
        return sorted({*super().names(), *(circle.names() if circle is not None else ())})

    def records(self) -> list[tuple[str, Record]]:
        found = dict(super().records())
        circle = self.circle()
        for name in circle.names() if circle is not None else ():
            record = circle.read_name(name) if circle is not None else None
            if record is not None and name not in found:
                found[name] = record
        return sorted(found.items())

    def remove(self, name: str) -> None:
        """Remove an entry here and at the server; files of other hosts stay until they meet a refusal or run out."""
        super().remove(name)
        circle = self.circle()
        if circle is not None:
            circle.remove(name)
