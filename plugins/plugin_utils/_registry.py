# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every provider there is, for what concerns all of them. On the controller only."""

from __future__ import annotations

import pkgutil
import typing as t
from functools import lru_cache

from ..module_utils.auth import providers
from ..module_utils.auth.providers.base import Provider


@lru_cache(maxsize=1)
def provider_classes() -> tuple[type[Provider], ...]:
    """Return every class of a provider, found by the files in `providers`, so that no list can lack one."""
    names = [module.name for module in pkgutil.walk_packages(providers.__path__, f"{providers.__name__}.")]
    classes = {one for name in names for one in vars(pkgutil.resolve_name(name)).values() if _is_provider(one)}
    return tuple(sorted(classes, key=lambda one: (one.name, len(one.__mro__))))


def systems() -> dict[str, type[Provider]]:
    """Return the provider of each system by its name."""
    found: dict[str, type[Provider]] = {}
    for provider in provider_classes():
        found.setdefault(provider.name, provider)
    return found


def revoking() -> dict[str, type[Provider]]:
    """Return the providers that can revoke tokens by the names of their systems."""
    return {provider.name: provider for provider in provider_classes() if provider.revocation is not None}


def secret_environment_names() -> frozenset[str]:
    """Return the environment variables of every system that hold secrets: the environment of a play is that of all its tasks."""
    return frozenset(name for provider in provider_classes() for option in provider.options if option.secret for name in option.env)


def _is_provider(one: t.Any) -> bool:
    return isinstance(one, type) and issubclass(one, Provider) and hasattr(one, "name")
