# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options as data: which exist, where they are read from, which are secret.

Argument specs, the facts in documentation fragments (`make docs-fragments`), the guide's table and AWX's credential types are made from these
tables. The settings that the engine itself needs are typed: `ConnectionSettings` and `CacheSettings`.
"""

from __future__ import annotations

import typing as t


class Option(t.NamedTuple):
    """One option of a plugin.

    `variable` and `env` are empty for an option that is an argument of a task only. `ini`: it may also stand in `ansible.cfg`, section `[apiauth]`.

    Options of one `group` ("address" or "credential") stand for the same thing. Those with the same `alternative` belong together; the nearest
    source that gives any of them decides which alternative is used (see `plugin_utils/_option_sources.py`). An option with a group and no
    alternative completes all of them.

    `trim`: blanks around a secret are a slip of copying; around any other secret they are refused, because they may be part of it.

    `per_call`: each item of `calls` may set it for itself, and the task's own value is the default of all items.
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
    per_call: bool = False
    ini: bool = False
    group: str = ""
    alternative: str = ""
    trim: bool = False


def option(prefix: str, name: str, type: str = "str", *, env: tuple[str, ...] = (), secret: bool = False, ini: bool | None = None, **rest: t.Any) -> Option:
    """Return an option that is also read from the variable `<prefix>_<name>`, the environment and, unless it is secret, `ansible.cfg`."""
    variable = f"{prefix}_{name}"
    return Option(name, type, variable=variable, env=env or (variable.upper(),), secret=secret, ini=not secret if ini is None else ini, **rest)


class Options(t.Dict[str, t.Any]):
    """Values of options by name; shows none of them when printed. `ignored` says of options why a value that is given somewhere is not used."""

    ignored: t.Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"Options({', '.join(sorted(self))})"


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
# The arguments of a call by path, which three of the systems share.
PATH_CALL: tuple[Option, ...] = (
    Option("path"),
    Option("method", default="GET", choices=METHODS),
    Option("query", "dict"),
    Option("body", "raw"),
)

CALLS: tuple[Option, ...] = (
    Option("mutates", default="auto", choices=("auto", "true", "false"), per_call=True),
    Option("all_pages", "bool", default=False, per_call=True),
    Option("calls", "list", elements="dict"),
    Option("concurrency", "int", default=4, positive=True),
    Option("as_text", "bool", default=False, per_call=True),
    Option("dest", "path"),
    Option("mode", "raw"),
)

CONNECTION: tuple[Option, ...] = (
    option("apiauth", "validate_certs", "bool", default=True),
    option("apiauth", "ca_path", "path"),
    option("apiauth", "client_cert", "path"),
    option("apiauth", "client_key", "path"),
    # Secret because it may hold a password; most do not, so it may stand in ansible.cfg.
    option("apiauth", "proxy", secret=True, ini=True),
    option("apiauth", "timeout", "float", positive=True),
    option("apiauth", "retries", "int", default=3),
    option("apiauth", "max_wait", "float", default=60.0),
    option("apiauth", "allow_http", "bool", default=False),
)

CACHE: tuple[Option, ...] = (
    option("apiauth", "cache", default="file", choices=("file", "redis", "none")),
    option("apiauth", "cache_dir", "path"),
    option("apiauth", "cache_key", secret=True),
    option("apiauth", "cache_redis_url", secret=True),
)

REFRESH = option("apiauth", "refresh", "bool", default=False)

COMMON: tuple[Option, ...] = (*CONNECTION, *CACHE, REFRESH)


class ConnectionSettings(t.NamedTuple):
    """How requests travel. `timeout` is in seconds, for connecting and for each read; `max_wait` is in seconds, for all waiting of one task.

    `proxy_source` says in words where `proxy` comes from, for messages.
    """

    validate_certs: bool = True
    ca_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = None
    timeout: float = 30.0
    retries: int = 3
    max_wait: float = 60.0
    allow_http: bool = False
    proxy_source: str = "the option proxy"

    def __repr__(self) -> str:
        return f"ConnectionSettings(timeout={self.timeout}, retries={self.retries}, max_wait={self.max_wait})"

    @classmethod
    def from_options(cls, options: t.Mapping[str, t.Any], default_timeout: float) -> ConnectionSettings:
        """Return the settings of resolved options; `default_timeout` is the system's own, in seconds."""
        names = (option.name for option in CONNECTION)
        values = {name: options[name] for name in names if options.get(name) is not None}
        return cls(**{"timeout": default_timeout, **values})

    @property
    def route(self) -> tuple[str, ...]:
        """By which way, and as whom, requests reach the system: what it refuses may depend on that."""
        return tuple(f"{name}={getattr(self, name)}" for name in ("proxy", "client_cert", "client_key") if getattr(self, name))

    @property
    def scope(self) -> tuple[str, ...]:
        """What a failed connection depended on: a task with other settings may succeed."""
        return tuple(f"{name}={value}" for name, value in self._asdict().items() if name not in ("max_wait", "proxy_source"))


class CacheSettings(t.NamedTuple):
    """Where tokens are cached. `directories` and `key_paths` are tried in order; `key` wins over a key from a file.

    `backend` is `file`, `redis` or `none`.
    """

    backend: str
    directories: tuple[str, ...] = ()
    key_paths: tuple[str, ...] = ()
    key: str | None = None
    redis_url: str | None = None

    def __repr__(self) -> str:
        return f"CacheSettings({self.backend!r}, {self.directories!r})"


def secret_values(table: t.Iterable[Option], values: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    """Return the values of secret options, which must never be shown."""
    return tuple(str(values[option.name]) for option in table if option.secret and values.get(option.name))


def argument_spec(table: t.Iterable[Option]) -> dict[str, dict[str, t.Any]]:
    """Return the options as an Ansible argument spec, which is a plain dictionary."""
    spec: dict[str, dict[str, t.Any]] = {}
    for option in table:
        entry: dict[str, t.Any] = {"type": option.type, "no_log": option.secret}
        if option.default is not None:
            entry["default"] = option.default
        if option.choices:
            entry["choices"] = list(option.choices)
        if option.elements:
            entry["elements"] = option.elements
        spec[option.name] = entry
    return spec
