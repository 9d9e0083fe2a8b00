# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bytecode of this collection's code is kept, as Python does it for all other code. Private to this collection.

Ansible's own loader compiles a collection's source anew in every worker, which is half of what a cached lookup costs.
"""

from __future__ import annotations

import os
import sys
import typing as t
from contextlib import contextmanager
from importlib.util import spec_from_file_location

if t.TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

OURS = __name__.rpartition("plugin_utils.")[0]


class Kept:
    """Finds files of this collection for Python's loader; packages, and all that is not ours, are left to the finders behind."""

    @staticmethod
    def find_spec(name: str, path: t.Sequence[str] | None = None, target: t.Any = None) -> ModuleSpec | None:
        if not path or not name.startswith(OURS):
            return None
        file = os.path.join(path[0], name.rpartition(".")[2] + ".py")
        return spec_from_file_location(name, file) if os.path.isfile(file) else None


@contextmanager
def kept_bytecode() -> t.Iterator[None]:
    """What is imported of this collection meanwhile is compiled once, not once by each process."""
    sys.meta_path.insert(0, Kept)
    try:
        yield
    finally:
        sys.meta_path.remove(Kept)
