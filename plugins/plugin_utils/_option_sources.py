# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options from where Ansible users set them, the same way for lookups, actions and modules.

The order is Ansible's: argument (or `module_defaults`), variable, environment, `ansible.cfg`, default. This is not core's own resolution because that
does not template variables, does not exist for action plugins, knows no alternatives, and quotes secrets of a wrong type in its errors.
"""

from __future__ import annotations

import logging
import os
import typing as t
from difflib import get_close_matches
from pkgutil import iter_modules

from ansible import constants

from ..module_utils._convert import convert, untag
from ..module_utils.auth import providers
from ..module_utils.auth.errors import ApiError, configuration_error
from ..module_utils.auth.options import Option, Options
from . import _core, _summary
from ._variables import Variables

if t.TYPE_CHECKING:
    from ..module_utils.auth.providers.base import Provider

logger = logging.getLogger("apiauth.tokens")

# From the nearest source to the farthest.
ARGUMENT, VARIABLE, ENVIRONMENT, INI = range(4)
SOURCES = (ARGUMENT, VARIABLE, ENVIRONMENT, INI)
SOURCE_NAMES = ("the arguments of the task", "variables", "the environment", "ansible.cfg")


class _Unset:
    """Given as empty by the task itself: what farther sources say does not count."""


UNSET = _Unset()


class OptionSources:
    """Where the options of one task or lookup come from.

    :param arguments: of the task or the lookup.
    :param variables: of the task.
    :param templar: what templates the variables.
    :param environ: the environment of the process, with the task's own over it.
    :param skip_own_lookup: see `Variables`.
    """

    def __init__(
        self,
        arguments: t.Mapping[str, t.Any],
        variables: t.Mapping[str, t.Any],
        templar: t.Any,
        environ: t.Mapping[str, str],
        *,
        skip_own_lookup: bool = False,
    ) -> None:
        self.arguments = arguments
        self.variables = variables
        self.templar = templar
        self.environ = environ
        # The source of each option that is not a default.
        self.origin: dict[str, int] = {}
        # Of options, why a value that a farther source gives is not used.
        self._ignored: dict[str, str] = {}
        self._ini_values = _core.ini_settings()
        self._templated_variables = Variables(variables, templar, skip_own_lookup=skip_own_lookup)

    # -- all options ---------------------------------------------------------------------------------------------

    def resolve(self, table: t.Iterable[Option], provider: type[Provider] | None = None) -> Options:
        """Return every option of the table. Raises a configuration error that names the option, and quotes no secret.

        :param provider: the system whose alternatives decide which options of a group are used.
        """
        known = {option.name: option for option in table}
        self._check_unknown(known)
        if provider is not None:
            # Only these tables are complete: with a part of the options, all others would look unknown.
            self._warn_of_unknown_settings([*known.values(), *provider.module_options])
        values = Options({option.name: self._nearest(option) for option in known.values() if not option.group})
        groups = {option.group for option in known.values() if option.group}
        for group in sorted(groups):
            members = [option for option in known.values() if option.group == group]
            allowed = provider.credential_alternatives(values) if provider is not None and group == "credential" else None
            values.update(self._resolve_group(members, allowed, provider.compatible if provider is not None else ()))
        values.ignored = self._ignored
        return values

    def paths(self, table: t.Iterable[Option]) -> dict[str, str]:
        """Return the paths that are given, as they are written: what `~` and variables in them mean is a matter of the host that uses them."""
        paths: dict[str, str] = {}
        for option in table:
            if option.type == "path" and option.name in self.origin:
                paths[option.name] = untag(str(self._read(option, self.origin[option.name])))
        return paths

    def target(self, provider: type[Provider], table: t.Iterable[Option]) -> str:
        """Return the system and its host, for an error that came up before the options were resolved and may be about one of them."""
        members = [option for option in table if option.group == "address"]
        try:
            values = self._resolve_group(members, None, ())
        except ApiError:
            # One of them cannot be used. The others may still say where the system is, unless that would be another address than the one that is meant.
            values = {}
            for option in members:
                try:
                    values[option.name] = self._nearest(option)
                except ApiError:
                    if option.name in ("api_url", "host"):
                        return provider.title
        return provider(Options(values)).target

    def describe_origin(self, option: Option, source: int | None = None) -> str:
        """Say where the value of an option comes from, such as `the environment variable VSS_USER_PASS`."""
        source = self.origin.get(option.name) if source is None else source
        if source == VARIABLE:
            return f"the variable {option.variable}"
        if source == ENVIRONMENT:
            return f"the environment variable {next(name for name in option.env if self.environ.get(name))}"
        if source == INI:
            return f"{option.variable} in {constants.CONFIG_FILE}"
        return f"the option {option.name}"

    # -- one option ----------------------------------------------------------------------------------------------

    def _nearest(self, option: Option) -> t.Any:
        """Return the value from the nearest source that gives it, or the default."""
        for source in SOURCES:
            value = self._read(option, source)
            if value is UNSET:
                break
            if value is not None:
                self.origin[option.name] = source
                return self._converted(option, value, source)
        return option.default

    def _converted(self, option: Option, value: t.Any, source: int) -> t.Any:
        try:
            return convert(option, value)
        except ApiError as error:
            if source == ARGUMENT:
                raise
            raise error.replace(problem=f"{error.problem} (it comes from {self.describe_origin(option, source)})") from None

    def _read(self, option: Option, source: int) -> t.Any:
        """Return the value as it is written in one source, `None` if it is not there, `UNSET` if the task itself gives an empty one."""
        value: t.Any = None
        if source == ARGUMENT:
            value = self.arguments.get(option.name)
            if isinstance(value, str) and value == "":
                return UNSET
        elif source == VARIABLE and option.variable in self._templated_variables:
            value = self._templated_variables.get(option.variable)
        elif source == ENVIRONMENT:
            value = next((self.environ[name] for name in option.env if self.environ.get(name)), None)
        elif source == INI and option.ini:
            value = self._ini(option)
        if value is None or (isinstance(value, str) and value == "") or _core.is_omitted(value, self.variables):
            return None
        return value

    def _ini(self, option: Option) -> str | None:
        """Return the value in `ansible.cfg`, where a path is relative to that file."""
        value = self._ini_values.get(option.variable)
        if value and option.type == "path" and not value.startswith(("/", "~", "$")):
            return os.path.join(os.path.dirname(os.path.abspath(constants.CONFIG_FILE)), value)
        return value

    # -- groups --------------------------------------------------------------------------------------------------

    def _resolve_group(self, members: list[Option], allowed: tuple[str, ...] | None, compatible: t.Sequence[tuple[str, str]]) -> dict[str, t.Any]:
        """Return the options of a group. The nearest source that gives any of them decides which alternative is used.

        A farther source may complete it, unless it also gives another value for what is known already: then it describes something else.
        """
        values: dict[str, t.Any] = {}
        unset: set[str] = set()
        chosen: set[str] = set()
        for source in SOURCES:
            missing = [option for option in members if option.name not in values and option.name not in unset]
            given = self._given(missing, source, chosen, allowed, unset)
            alternatives = {option.alternative for option in given if option.alternative}
            if alternatives and not chosen:
                chosen = self._choose(given, alternatives, source, compatible)
            usable = {option: value for option, value in given.items() if not option.alternative or option.alternative in chosen}
            other = self._contradiction([option for option in members if option.name in values], values, source) if usable else None
            if other is not None:
                logger.debug("%s: %s are ignored, because nearer sources say something else", members[0].group, SOURCE_NAMES[source])
                for option in usable:
                    whole = f"{option.name} and {other.name} belong together, so give both in the same place"
                    problem = f"{self.describe_origin(option, source)} is not used, because {self.describe_origin(other, source)} differs from the nearer one"
                    self._ignored.setdefault(option.name, f"{problem}; {whole}")
                continue
            for option, value in usable.items():
                values[option.name] = value
                self.origin[option.name] = source
        return {option.name: values.get(option.name, option.default) for option in members}

    def _given(self, members: list[Option], source: int, chosen: set[str], allowed: tuple[str, ...] | None, unset: set[str]) -> dict[Option, t.Any]:
        """Return what a source gives of the members that may be used; what belongs to other alternatives is not even templated."""
        given: dict[Option, t.Any] = {}
        for option in members:
            if option.alternative and allowed is not None and option.alternative not in allowed:
                continue
            if chosen and option.alternative and option.alternative not in chosen:
                self._note_ignored(option, source)
                continue
            value = self._read(option, source)
            if value is UNSET:
                unset.add(option.name)
            elif value is not None:
                given[option] = self._converted(option, value, source)
        return given

    def _contradiction(self, known: list[Option], values: t.Mapping[str, t.Any], source: int) -> Option | None:
        """Return an option for which a source gives another value than nearer sources gave, or one that cannot be read."""
        for option in known:
            try:
                given = self._read(option, source)
                if given is not None and convert(option, given) != values[option.name]:
                    return option
            except ApiError:
                return option
        return None

    def _note_ignored(self, option: Option, source: int) -> None:
        if source == ENVIRONMENT:
            names = [name for name in option.env if self.environ.get(name)]
            if names:
                logger.debug("the environment variable %s is ignored, because a nearer source gives another %s", names[0], option.group)
        elif source == VARIABLE and option.variable in self.variables:
            logger.debug("the variable %s is ignored, because a nearer source gives another %s", option.variable, option.group)

    def _choose(self, given: t.Mapping[Option, t.Any], alternatives: set[str], source: int, compatible: t.Sequence[tuple[str, str]]) -> set[str]:
        """Return the alternative that a source gives. Raises a configuration error if it gives several."""
        own = {option.alternative for option in given if option.variable in self._templated_variables.from_own_lookup}
        if own:
            # The token was made with the other credential of the same source.
            return own
        if len(alternatives) > 1 and not any(alternatives <= set(pair) for pair in compatible):
            names = sorted({option.alternative: option.name for option in given if option.alternative}.values())
            problem = f"{' and '.join(names)} exclude each other, and both come from {SOURCE_NAMES[source]}"
            raise configuration_error(problem, "give one, or set the other to an empty text in the task")
        return alternatives

    # -- mistakes ------------------------------------------------------------------------------------------------

    def _check_unknown(self, known: t.Mapping[str, Option]) -> None:
        unknown = sorted(str(name) for name in self.arguments if name not in known)
        if unknown:
            close = get_close_matches(unknown[0], known, 1, 0.5)
            hint = f"did you mean {close[0]}?" if close else "the documentation of the plugin lists its options"
            raise configuration_error(f"there is no option {', '.join(unknown)}", hint)

    def _warn_of_unknown_settings(self, table: t.Iterable[Option]) -> None:
        """Warn of settings that look like options of this collection and are none."""
        options = [option for option in table if option.variable]
        names = {name for option in options for name in option.env}
        # Some options have another name in the environment than that of their variable: who tries that one means the first.
        likely = {**{option.variable.upper(): option.env[0] for option in options}, **{name: name for name in names}}
        prefixes = tuple({f"{option.variable.partition('_')[0].upper()}_" for option in options})
        for name in self.environ:
            if name.startswith(prefixes) and name not in names and name not in _summary.VARIABLES:
                close = get_close_matches(name, likely, 1, 0.8)
                if close or name.startswith("APIAUTH_"):
                    _warn_unknown(f"the environment variable {name}", [likely[one] for one in close])
        variables = {option.variable: option for option in options}
        for key in self._ini_values.keys() - {variable for variable, option in variables.items() if option.ini}:
            # An option of all systems is easily given the prefix of one, or none.
            endings = (key, key.partition("_")[2])
            close = [variable for variable in variables if variable.partition("_")[2] in endings][:1] or get_close_matches(key, variables, 1, 0.7)
            if key in variables:
                logger.warning("%s in ansible.cfg is a secret and is not read from there; use a variable or the environment", key)
            elif f"{key.partition('_')[0].upper()}_" in prefixes or key.partition("_")[0] not in {module.name for module in iter_modules(providers.__path__)}:
                # The options of another system are for its own tasks.
                _warn_unknown(f"{key} in the section [apiauth] of ansible.cfg", close)


def _warn_unknown(what: str, close: t.Sequence[str]) -> None:
    logger.warning("%s is not an option of this collection%s", what, f"; did you mean {close[0]}?" if close else "")
