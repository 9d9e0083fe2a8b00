# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options as data: what exists, from where it is read, what is secret. Private to this collection.

Every plugin, argument spec and documentation test reads these tables, so an option is written down once.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping


class Option(t.NamedTuple):
    """One option. `variable` and `env` are empty for an option that is only an argument of a task.

    `inherited`: what the task says holds for each of `calls` that does not say it itself.
    """

    name: str
    type: str = "str"
    default: t.Any = None
    variable: str = ""
    env: tuple[str, ...] = ()
    secret: bool = False
    choices: tuple[str, ...] = ()
    elements: str | None = None
    positive: bool = False
    inherited: bool = False
    # Secrets are not read from `ansible.cfg`, unless this says so.
    ini: bool = False


def option(prefix: str, name: str, type: str = "str", *, env: tuple[str, ...] = (), **rest: t.Any) -> Option:
    """An option that is also read from the variable `<prefix>_<name>`, the environment and the ini file."""
    variable = f"{prefix}_{name}"
    return Option(name, type, variable=variable, env=env or (variable.upper(),), **rest)


class Options(t.Dict[str, t.Any]):
    """Resolved values by name; shows no value when printed."""

    def __repr__(self) -> str:
        return f"Options({', '.join(sorted(self))})"


# The arguments of a call by path, as three of the systems have them.
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
BY_PATH: tuple[Option, ...] = (
    Option("path"),
    Option("method", default="GET", choices=METHODS),
    Option("query", "dict"),
    Option("body", "raw"),
)

CONNECTION: tuple[Option, ...] = (
    option("apiauth", "validate_certs", "bool", default=True),
    option("apiauth", "ca_path", "path"),
    option("apiauth", "client_cert", "path"),
    option("apiauth", "client_key", "path"),
    # May carry a password of its own, but mostly does not.
    option("apiauth", "proxy", secret=True, ini=True),
    option("apiauth", "timeout", "float", positive=True),
    option("apiauth", "retries", "int", default=3),
    option("apiauth", "max_wait", "float", default=60.0),
    option("apiauth", "allow_http", "bool", default=False),
)

# Where a proxy for addresses of a scheme may be named in the environment. Upper-case HTTP_PROXY is what a CGI client can set by a
# header ("httpoxy"), so only the lower-case one counts.
PROXY_ENV = {"https": ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"), "http": ("http_proxy", "all_proxy", "ALL_PROXY")}

CACHE: tuple[Option, ...] = (
    option("apiauth", "cache", default="file", choices=("file", "redis", "none")),
    option("apiauth", "cache_dir", "path"),
    option("apiauth", "cache_key", secret=True),
    option("apiauth", "cache_redis_url", secret=True),
)

REFRESH = option("apiauth", "refresh", "bool", default=False)

COMMON: tuple[Option, ...] = (*CONNECTION, *CACHE, REFRESH)


def plain(value: t.Any) -> t.Any:
    """Nested data as JSON has it, without the marks that Ansible puts on its values."""
    if isinstance(value, str):
        return "".join((value,))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return value + 0
    # A dictionary first: to ask whether anything else is a mapping costs far more.
    if isinstance(value, (dict, Mapping)):
        return {plain(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    # YAML makes dates of what looks like one; a vaulted text is no `str` before core 2.19.
    return plain(value.isoformat()) if hasattr(value, "isoformat") else plain(str(value))


def secrets_of(table: t.Iterable[Option], values: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    """The values that must never be shown."""
    return tuple(str(values[one.name]) for one in table if one.secret and values.get(one.name))
