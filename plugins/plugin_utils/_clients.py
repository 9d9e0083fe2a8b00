# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From options to one task at one system, as Ansible has it: directories, warnings, the cache, secrets."""

from __future__ import annotations

import os
import typing as t
from contextlib import suppress

from ansible import constants

from ..module_utils.auth.cache.clocks import Timestamp
from ..module_utils.auth.cache.store import FileStore
from ..module_utils.auth.client import PROXY_VARIABLES, ApiClient
from ..module_utils.auth.options import CONNECTION, REFRESH, CacheSettings, ConnectionSettings, Options
from . import _secrets
from ._option_sources import ARGUMENT, OptionSources
from ._summary import observer

if t.TYPE_CHECKING:
    from ..module_utils.auth.providers.base import Provider

PROXY = next(option for option in CONNECTION if option.name == "proxy")


def home() -> str:
    """Return where this collection keeps what must last; a relative path, which the cache does not use, for a user without a home directory."""
    path, origin = constants.config.get_config_value_and_origin("ANSIBLE_HOME")
    has_home = os.path.isabs(os.path.expanduser("~"))
    if not has_home and (origin == "default" or "~" in path.split(os.sep)):
        # Core makes it a directory of the project, called "~".
        return os.path.join("~", ".ansible", "apiauth")
    return os.path.join(path, "apiauth")


def cache_settings(values: Options) -> CacheSettings:
    """Return where the options want tokens to be cached. Raises a configuration error."""
    backend = values["cache"]
    # The directory of this run, which its workers share at least.
    run = os.path.join(constants.DEFAULT_LOCAL_TMP, "apiauth")
    return CacheSettings(
        backend,
        (values["cache_dir"] or os.path.join(home(), "cache"), os.path.join(run, "cache")),
        (os.path.join(home(), "key"), os.path.join(run, "key")),
        values["cache_key"],
        values["cache_redis_url"],
    )


def open_store(values: Options) -> FileStore | None:
    """Return the cache that the options ask for; `None` for `cache: none`. Raises a configuration error."""
    settings = cache_settings(values)
    if settings.backend == "none":
        return None
    if settings.backend == "redis":
        # Imported here: redis is an optional library.
        from ..module_utils.auth.cache.redis import RedisStore

        return RedisStore(settings)
    return FileStore(settings)


def refresh_since(sources: OptionSources) -> Timestamp | None:
    """Return when this run first asked for new tokens; `None` if the task itself has the option, which then is about this task alone.

    The option from elsewhere is the same for all tasks of a run: each account gets one new token, not one for each task.
    """
    if sources.origin.get(REFRESH.name) in (None, ARGUMENT):
        return None
    now, path = Timestamp.now(), os.path.join(constants.DEFAULT_LOCAL_TMP, "apiauth-refresh")
    try:
        with suppress(FileExistsError):
            # A link, because its content is there as soon as it exists. The directory is this run's.
            os.symlink(repr(now.boot), path)
        boot = float(os.readlink(path))
    except (OSError, ValueError):
        return None
    return now._replace(wall=now.wall - (now.boot - boot), boot=boot)


def open_client(provider: Provider, values: Options, environ: t.Mapping[str, str], sources: OptionSources) -> ApiClient:
    """Return one task at one system, with all its secrets registered. Raises a configuration error."""
    settings = ConnectionSettings.from_options(values, provider.timeout)
    if settings.proxy:
        settings = settings._replace(proxy_source=sources.describe_origin(PROXY))
    record = observer(provider.target)
    client = ApiClient(provider, settings, open_store(values), environ, on_token=lambda token: _secrets.register(token.value), on_event=record)
    if "@" in "".join((settings.proxy or "", *(environ.get(name, "") for name in PROXY_VARIABLES))):
        # Imported here: only a proxy with a password has secrets, and the import costs 25 ms in a worker.
        from ..module_utils.auth.http.proxies import proxy_secrets

        client.redactor.add(*proxy_secrets(client.account.api_url, settings, environ))
    _secrets.register(*client.redactor.secrets)
    return client
