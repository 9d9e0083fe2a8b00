# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of a task as they are templated for options: without what managed hosts reported as facts, for that must not decide where credentials go."""

from __future__ import annotations

import datetime
import re
import threading
import typing as t

from ansible.errors import AnsibleError, AnsibleLookupError

from ..module_utils.auth.errors import ApiError, configuration_error
from . import _core

# What YAML makes of a text without quotes, as it is: whoever converts it must see what it was.
PLAIN_TYPES = (bool, int, float, datetime.date, datetime.time)
# What Jinja evaluates in a text, and in it facts that are named as such.
_EXPRESSION = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)
_NAMED_FACT = re.compile(r"""\bansible_facts\b(?:\s*\.\s*\w+|\s*\[\s*(?:'[^']*'|"[^"]*")\s*\])*""")
# The variables that are being templated in this thread, and whether a lookup of the same system was asked for them meanwhile.
_templating = threading.local()


class TokenLookupError(AnsibleLookupError):
    """A lookup of this collection failed. Core 2.18 does not wrap this type in a message of its own."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(f"{error} ({error.kind})")
        self.error = error


class Variables:
    """The variables of a task, each templated when it is asked for.

    :param templar: what templates them.
    :param skip_own_lookup: ignore a token variable which is defined by a lookup of the same system: the lookup itself would ask itself without end.
    """

    def __init__(self, variables: t.Mapping[str, t.Any], templar: t.Any, *, skip_own_lookup: bool = False) -> None:
        self._variables = variables
        self._templar = templar
        self._skip_own_lookup = skip_own_lookup
        self._reported = _core.reported_facts(variables)
        # Those whose values come from a lookup of the same system.
        self.from_own_lookup: set[str] = set()

    def __contains__(self, name: object) -> bool:
        return name in self._variables

    def get(self, name: str) -> t.Any:
        """Return the templated value of a variable; `None` if it is omitted or may not be used here. Raises a configuration error."""
        if name in self._reported:
            raise _is_a_fact(f"the variable {name} is a fact that the managed host reported")
        value = self._variables[name]
        if isinstance(value, PLAIN_TYPES) or (isinstance(value, str) and "{" not in value):
            return value
        frames: dict[str, bool] = _templating.__dict__.setdefault("frames", {})
        if name in frames:
            # Templating it led back to it, through a lookup that it names.
            frames[name] = True
            return None
        if self._skip_own_lookup and isinstance(value, str) and f"apiauth.tokens.{name.partition('_')[0]}_" in value:
            return None
        frames[name] = False
        try:
            templated = self._templated(name, value)
            if frames[name]:
                self.from_own_lookup.add(name)
        finally:
            used_own_lookup = frames.pop(name)
        return None if used_own_lookup and self._skip_own_lookup else templated

    def _names_behind(self, value: t.Any) -> set[str]:
        """Return the names in the expressions of a template and of the variables that it names, but for facts that it names as such."""
        found = set[str]()
        texts = [_source(value)]
        while texts:
            expressions = " ".join(_EXPRESSION.findall(_NAMED_FACT.sub("", texts.pop())))
            names = set(re.findall(r"\w+", expressions)) - found
            found |= names
            followed = names - self._reported - {"vars", "ansible_facts"}
            texts += [_source(self._variables.get(name)) for name in followed]
        return found

    def _templated(self, name: str, value: t.Any) -> t.Any:
        """Template a variable as if the hosts had reported no facts: they must not decide what the variable refers to."""
        names = self._names_behind(value) if self._variables.get("ansible_facts") or "hostvars" in _source(value) else set[str]()
        guarded = bool(self._reported) or "hostvars" in names
        own = _core.without_facts(self._variables, self._reported) if guarded else self._variables
        shadowed = sorted(names & self._reported)
        try:
            templated = _core.template_with(self._templar, own, value) if guarded else self._templar.template(value)
            # A vaulted text is no `str` before core 2.19; it is decrypted when it is made one.
            result = templated if templated is None or isinstance(templated, (*PLAIN_TYPES, str, list, dict)) else str(templated)
        except AnsibleError as error:
            if _core.is_omitted_error(error):
                return None
            if _core.is_vault_error(error):
                raise configuration_error(f"the variable {name} is vaulted and cannot be decrypted", "give the vault password") from None
            refused = _own_lookup_error(error)
            if refused is not None:
                raise refused.error.replace(problem=f"the variable {name} cannot be templated: {refused.error.problem}") from None
            if shadowed or (guarded and self._with_facts(value) is not None):
                raise self._refers_to_a_fact(name, shadowed) from None
            # The error of core may show the source of the value.
            raise configuration_error(f"the variable {name} is undefined or cannot be templated", "check what it refers to") from None
        if (shadowed or "hostvars" in names) and templated != self._with_facts(value):
            # A filter such as `default` would otherwise choose something else in silence.
            raise self._refers_to_a_fact(name, shadowed)
        return result

    def _with_facts(self, value: t.Any) -> t.Any:
        """Return what a template gives with the facts of hosts, `None` if it fails."""
        try:
            return self._templar.template(value)
        except AnsibleError:
            return None

    def _refers_to_a_fact(self, name: str, shadowed: t.Sequence[str]) -> ApiError:
        what = f"{shadowed[0]}, which the managed host" if shadowed else "something that a managed host"
        return _is_a_fact(f"the variable {name} refers to {what} reported as a fact")


def _source(value: t.Any) -> str:
    """Return the text of a value that may be a template or hold some. A vaulted value is none, and is not decrypted for this."""
    try:
        return str(value) if isinstance(value, (str, list, dict)) else ""
    except AnsibleError:
        return ""


def _own_lookup_error(error: BaseException | None) -> TokenLookupError | None:
    """Return the error of a lookup of this collection that made templating fail, if there is one."""
    while error is not None and not isinstance(error, TokenLookupError):
        error = error.__cause__ or error.__context__
    return error


def _is_a_fact(problem: str) -> ApiError:
    return configuration_error(f"{problem}, so it is not used", "set it in the inventory, in the play, or as an argument of the task")
