# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bytecode of this collection is cached, as Python does it for all other code.

Ansible's loader compiles a collection's source anew in every worker, which is half of what a cached lookup costs (`make bench`).
"""

from __future__ import annotations

import os
import sys
import typing as t
from contextlib import contextmanager
from importlib.util import spec_from_file_location

if t.TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

COLLECTION = __name__.rpartition("plugin_utils.")[0]


class Finder:
    """Finds files of this collection for Python's own loader. Packages, and everything else, are left to the finders behind it."""

    @staticmethod
    def find_spec(name: str, path: t.Sequence[str] | None = None, target: t.Any = None) -> ModuleSpec | None:
        if not path or not name.startswith(COLLECTION):
            return None
        file = os.path.join(path[0], name.rpartition(".")[2] + ".py")
        return spec_from_file_location(name, file) if os.path.isfile(file) else None


@contextmanager
def cached_bytecode() -> t.Iterator[None]:
    """Compile what is imported of this collection meanwhile once, and not once in each process."""
    finders = sys.meta_path
    finders.insert(0, Finder)
    try:
        yield
    finally:
        finders.remove(Finder)
