# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file cache as a hit sees it: entries of all accounts in one private directory. Private to this collection.

All that writes is in `keep`.
"""

from __future__ import annotations

import os
import typing as t

from . import files
from .record import Record
from .seal import seal_of

if t.TYPE_CHECKING:
    from .seal import Seal
    from .shared import Circle


class FileStore:
    """Where records rest on this machine. `directories` are tried in order when something is written, `key_paths` likewise; `key` wins over these.

    Reading never raises. `warn` is told, once for each reason, what keeps tokens from being kept.
    """

    backend = "file"

    def __init__(self, directories: t.Sequence[str], key_paths: t.Sequence[str], key: str | None, warn: t.Callable[[str], None]) -> None:
        self.directories = [os.path.join(one, files.VERSION) for one in directories]
        self.key_paths = list(key_paths)
        self.warn = warn
        self.warned = False
        self.obstacles: list[str] = []
        self.ready = False
        self.at = 0
        # Which of the paths the key was found at.
        self.key_place = 0
        self._seal = seal_of(key.encode("utf-8", "surrogateescape")) if key else None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.directory!r})"

    @property
    def directory(self) -> str:
        return self.directories[self.at]

    def seal(self, make: t.Callable[[t.Sequence[str]], bytes] | None = None) -> Seal | None:
        """The one seal of all directories; `None` where there is no key, unless `make` is there to make one."""
        if self._seal is None:
            found = ((key, place) for place, key in enumerate(map(files.load_key, self.key_paths)) if key)
            key, self.key_place = next(found, (None, 0))
            key = key or (make(self.key_paths) if make else None)
            self._seal = seal_of(key) if key else None
        return self._seal

    def read(self, identity: t.Sequence[str]) -> Record | None:
        seal = self.seal()
        return None if seal is None else Record.load(files.read_entry(self.directory, seal, seal.name(identity)))

    def circle(self) -> Circle | None:
        """The other hosts that share this cache; `None` where there are none."""
        return None

    # -- for housekeeping ----------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """The entries' names."""
        from . import keep

        return keep.names(self)

    def records(self) -> list[tuple[str, Record]]:
        """Every entry that this key opens."""
        seal = self.seal()
        found = [] if seal is None else [(name, Record.load(files.read_entry(self.directory, seal, name))) for name in self.names()]
        return [(name, record) for name, record in found if record is not None]

    def remove(self, name: str) -> None:
        from . import keep

        keep.remove(os.path.join(self.directory, name))

    def purge(self) -> int:
        """Remove entries past their use, and what killed writers left; returns how many entries went."""
        from . import keep

        return keep.purge(self)
