# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From options to the engine's parts, as Ansible has them: directories, warnings, the cache. Private to this collection."""

from __future__ import annotations

import os
import typing as t
from functools import lru_cache

from ansible import constants
from ansible.utils.display import Display

from ..module_utils.auth.broker import Broker, Login, login_of
from ..module_utils.auth.budget import Budget
from ..module_utils.auth.cache.store import FileStore
from ..module_utils.auth.errors import CONFIGURATION, AuthError
from ..module_utils.auth.option import CONNECTION, Options
from ..module_utils.auth.provider import Provider

display = Display()


@lru_cache(maxsize=1)
def home() -> str:
    """Where this collection keeps what must last."""
    return os.path.join(constants.config.get_config_value("ANSIBLE_HOME"), "apiauth")


def store_of(options: Options) -> FileStore | None:
    """The cache that the options ask for."""
    kind = options["cache"]
    if kind == "none":
        return None
    # A run's own directory is shared by its workers at least.
    local = os.path.join(constants.DEFAULT_LOCAL_TMP, "apiauth")
    directories = (options["cache_dir"] or os.path.join(home(), "cache"), os.path.join(local, "cache"))
    keys = (os.path.join(home(), "key"), os.path.join(local, "key"))
    if kind == "redis":
        if not options["cache_key"]:
            raise AuthError(CONFIGURATION, "cache redis needs cache_key, the same on every host that shares the cache")
        if not options["cache_redis_url"]:
            raise AuthError(CONFIGURATION, "cache redis needs cache_redis_url, such as rediss://user:password@host:6379/0")
        from ..module_utils.auth.cache.redis import RedisStore

        return RedisStore(options["cache_redis_url"], directories, keys, options["cache_key"], display.warning)
    return FileStore(directories, keys, options["cache_key"], display.warning)


class Engine(t.NamedTuple):
    """What a plugin needs to get tokens of one account; shows nothing of it when printed."""

    broker: Broker
    login: Login
    budget: Budget

    def __repr__(self) -> str:
        return "Engine()"


def engine(provider: Provider, options: Options, environ: t.Mapping[str, str]) -> Engine:
    budget = Budget(options["max_wait"])
    timeout = options["timeout"] or provider.timeout
    transport = tuple(f"{one.name}={options[one.name]}" for one in CONNECTION)
    broker = Broker(store_of(options), budget, max(30.0, timeout), transport, options["retries"])
    return Engine(broker, login_of(provider, options, budget, environ), budget)
