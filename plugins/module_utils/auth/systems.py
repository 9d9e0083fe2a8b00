# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every system there is, for what is about all of them. Private to this collection."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

from . import providers
from .provider import Provider


@lru_cache(maxsize=1)
def systems() -> tuple[Provider, ...]:
    """One provider of each system, in the order of their names: found by their files, so that no list can lack one.

    A system's file has its name; what else is there belongs to one of them.
    """
    modules = {one.name: importlib.import_module(f"{providers.__name__}.{one.name}") for one in pkgutil.iter_modules(providers.__path__)}
    found = {(name, one) for name, module in modules.items() for one in vars(module).values() if isinstance(one, type) and issubclass(one, Provider)}
    return tuple(one() for name, one in sorted(found, key=lambda pair: pair[0]) if getattr(one, "name", None) == name)
