# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options from Ansible to plain values: one source for lookups, actions and modules. Private to this collection.

Not Ansible's own resolution, because that neither templates variables nor exists for action plugins, quotes secrets of a wrong
type in its errors, and costs a worker more than all the rest of a cached lookup. The order is Ansible's.
"""

from __future__ import annotations

import configparser
import os
import typing as t
from functools import lru_cache

from ansible import constants
from ansible.errors import AnsibleError

from ..module_utils.auth.errors import CONFIGURATION, AuthError
from ..module_utils.auth.option import Option, Options, plain

if t.TYPE_CHECKING:
    from ..module_utils.auth.provider import Provider

try:
    from ansible.template import is_trusted_as_template as is_trusted
except ImportError:
    # Before core 2.19, what comes from a host is marked instead.
    from ansible.utils.unsafe_proxy import AnsibleUnsafe

    def is_trusted(value: str) -> bool:
        return not isinstance(value, AnsibleUnsafe)


SECTION = "apiauth"
# What a host says must not steer where a credential goes.
NO_FACT = "so it is not used; set it in the inventory, in the play or as an argument of the task"

Template = t.Callable[[t.Any], t.Any]


class Sources(t.NamedTuple):
    """Where the options of a task or a lookup come from, beside `ansible.cfg`: its arguments, the variables with what templates them, the environment."""

    direct: t.Mapping[str, t.Any]
    variables: t.Mapping[str, t.Any]
    template: Template
    environ: t.Mapping[str, str]


def resolved(
    table: t.Iterable[Option],
    direct: t.Mapping[str, t.Any],
    variables: t.Mapping[str, t.Any],
    template: Template,
    environ: t.Mapping[str, str],
) -> Options:
    """Each option from the first place that has it: argument, variable, environment, `ansible.cfg`, default.

    An empty text counts as not given. Raises a configuration error that names the option and quotes no value.
    """
    known = {one.name: one for one in table}
    unknown = sorted(str(name) for name in direct if name not in known)
    if unknown:
        raise AuthError(CONFIGURATION, f"there is no option {', '.join(unknown)}; the options are {', '.join(sorted(known))}")
    return Options({one.name: _value(one, direct, variables, template, environ) for one in known.values()})


def configured(table: t.Iterable[Option]) -> Options:
    """Each option as far as it is known before any task: from the environment and `ansible.cfg`. Raises as `resolved` does."""
    return resolved(table, {}, {}, lambda value: value, os.environ)


def paths(table: t.Iterable[Option], sources: Sources) -> dict[str, str]:
    """The paths that are given, for another host: what `~` and variables of the environment in them mean is a matter of that host."""
    given = {one.name: _found(one, *sources) for one in table if one.type == "path"}
    return {name: plain(str(value)) for name, value in given.items() if _given(value)}


def place(provider: Provider, sources: Sources) -> str:
    """The system and its host, for an error that came up before the options were resolved, which may be about one of these. Raises nothing of ours."""
    known = Options()
    for one in provider.options:
        if one.name in provider.address:
            try:
                known[one.name] = _value(one, *sources)
            except AuthError:
                if one.name == "api_url":
                    # Without it, another address would be named than the one that was meant.
                    return provider.title
    return provider.where(known)


def without_itself(provider: Provider, variables: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
    """The variables, less a token of the system that is defined by its own lookup: it would look itself up without end."""
    name = f"{provider.name}_token"
    text = variables.get(name)
    return {**variables, name: None} if isinstance(text, str) and "apiauth.tokens." in text else variables


def _found(one: Option, direct: t.Mapping[str, t.Any], variables: t.Mapping[str, t.Any], template: Template, environ: t.Mapping[str, str]) -> t.Any:
    """The value as it is written in the first place that has it."""
    found = direct.get(one.name)
    if not _given(found) and one.variable:
        if one.variable in variables:
            found = variables[one.variable]
            if is_reported(one.variable, variables):
                raise AuthError(CONFIGURATION, f"the variable {one.variable} is a fact that the managed host reported, {NO_FACT}")
            if not isinstance(found, str) or "{" in found:
                found = _templated(one.variable, found, template)
        if not _given(found):
            found = next((environ[name] for name in one.env if environ.get(name)), None)
        if not _given(found) and (one.ini or not one.secret):
            found = _from_ini(one)
    return found


def _value(one: Option, direct: t.Mapping[str, t.Any], variables: t.Mapping[str, t.Any], template: Template, environ: t.Mapping[str, str]) -> t.Any:
    found = _found(one, direct, variables, template, environ)
    if not _given(found):
        return one.default
    if one.type == "str" and isinstance(found, str) and found.isascii() and not one.choices:
        return plain(found)
    # Imported here: a cached token needs little more than texts.
    from ..module_utils.auth.convert import convert

    try:
        return convert(one, found)
    except AuthError as failure:
        raise AuthError(failure.kind, failure.text + _source(one, direct, variables, environ)) from None


def _source(one: Option, direct: t.Mapping[str, t.Any], variables: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> str:
    """Where a value that cannot be used was found, unless it stands in the task itself."""
    if _given(direct.get(one.name)):
        return ""
    if _given(variables.get(one.variable)):
        return f" (it comes from the variable {one.variable})"
    name = next((name for name in one.env if environ.get(name)), "")
    return f" (it comes from {name} in the environment)" if name else f" (it comes from {one.variable} in {constants.CONFIG_FILE})"


def is_reported(name: str, variables: t.Mapping[str, t.Any]) -> bool:
    """Whether a variable has its value from the facts of the managed host, which Ansible makes variables of.

    A value that is equal, but that Ansible trusts as a template, was written by the author of the play.
    """
    facts = variables.get("ansible_facts")
    if not isinstance(facts, t.Mapping) or name not in facts or name not in variables:
        return False
    value = variables[name]
    return bool(facts[name] == value) and not (isinstance(value, str) and is_trusted(value))


def _given(value: t.Any) -> bool:
    return value is not None and not (isinstance(value, str) and value == "")


def _templated(name: str, value: t.Any, template: Template) -> t.Any:
    try:
        return template(value)
    except AnsibleError:
        # Its text may show the source of the value.
        raise AuthError(CONFIGURATION, f"the variable {name} is undefined or cannot be templated; look at what it refers to") from None


def _from_ini(one: Option) -> str | None:
    """The value in `ansible.cfg`, where a path is relative to that file."""
    found = _ini().get(one.variable)
    if found and one.type == "path" and not found.startswith(("/", "~", "$")):
        return os.path.join(os.path.dirname(os.path.abspath(constants.CONFIG_FILE)), found)
    return found


@lru_cache(maxsize=1)
def _ini() -> dict[str, str]:
    """The section of `ansible.cfg`; read once a process, as Ansible does it."""
    path = constants.CONFIG_FILE
    if not path or not os.path.exists(path):
        return {}
    parser = configparser.ConfigParser(inline_comment_prefixes=(";",), interpolation=None)
    try:
        parser.read(path, encoding="utf-8")
        return dict(parser.items(SECTION)) if parser.has_section(SECTION) else {}
    except (configparser.Error, UnicodeError):
        return {}
