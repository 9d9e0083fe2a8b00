# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that leans on parts of ansible-core which are not its public plugin API.

Each function says what it relies on, and `tests/unit/plugins/plugin_utils/test_core.py` fails if a version of ansible-core changes that.
"""

from __future__ import annotations

import copy
import typing as t
from contextlib import contextmanager

from ansible import constants
from ansible.errors import AnsibleAuthenticationFailure, AnsibleConnectionFailure, AnsibleError
from ansible.plugins.loader import lookup_loader
from ansible.vars.hostvars import HostVars

if t.TYPE_CHECKING:
    from ansible.plugins.action import ActionBase

try:
    from ansible.module_utils.secrets import register_secrets as _register_secrets
except ImportError:
    # Before core 2.22.
    _register_secrets = None

try:
    from ansible.template import is_trusted_as_template as _is_trusted
except ImportError:
    # Before core 2.19, what comes from a host is marked, and not what comes from the play.
    from ansible.utils.unsafe_proxy import AnsibleUnsafe

    def _is_trusted(value: object) -> bool:
        return not isinstance(value, AnsibleUnsafe)


try:
    from ansible._internal._templating._utils import Omit
except ImportError:
    # Before core 2.19, `omit` is a text that differs in each run.
    Omit = None

try:
    from ansible.errors import AnsibleValueOmittedError
except ImportError:
    # Before core 2.19.
    AnsibleValueOmittedError = None

INI_SECTION = "apiauth"
# Where a task under `async` keeps the environment that its host does not see.
_WHOLE_ENVIRONMENT = "_apiauth_whole_environment"
# Core masks the texts that this function registers in everything that it prints; `None` before core 2.22.
register_secrets: t.Callable[[t.Iterable[str]], None] | None = _register_secrets


# -- variables and settings ------------------------------------------------------------------------------------------


def is_omitted(value: object, variables: t.Mapping[str, t.Any]) -> bool:
    """Return whether a value is Ansible's `omit`."""
    if Omit is not None:
        return value is Omit
    return isinstance(value, str) and value == variables.get("omit")


def reported_facts(variables: t.Mapping[str, t.Any]) -> frozenset[str]:
    """Return the names of the variables whose values the managed host reported as facts, which Ansible turns into variables.

    What the author of the play set does not count: core marks the texts that are written in a play, and knows what `set_fact` and `register` set.
    It does not mark numbers; one with the name of a fact counts as the host's. Names that begin with `ansible_` do not count either: whoever writes
    one of them means the fact.
    """
    facts, own = _facts_of_host(variables)
    candidates = {name: variables[name] for name in facts if name in variables and not name.startswith("ansible_")}
    return frozenset(name for name, value in candidates.items() if not _is_written(value) and (name not in own or _may_be_merged(value)))


def _facts_of_host(variables: t.Mapping[str, t.Any]) -> tuple[t.Collection[str], t.Collection[str]]:
    """Return the names of the facts that become variables, and of the variables that `set_fact` and `register` set, which take precedence.

    `ansible_facts` cannot tell: `x` and `ansible_x` are the same there, so a host could hide one behind the other.
    """
    if not constants.config.get_config_value("INJECT_FACTS_AS_VARS"):
        return (), ()
    manager = getattr(variables.get("hostvars"), "_variable_manager", None)
    if manager is None:
        facts = variables.get("ansible_facts")
        return (facts if isinstance(facts, t.Mapping) else ()), ()
    host = variables.get("inventory_hostname")
    if host is None:
        return (), ()
    try:
        facts = manager._fact_cache.get(host) or {}
    except KeyError:
        facts = {}
    return facts, manager._nonpersistent_fact_cache.get(host, {})


def _is_written(value: t.Any) -> bool:
    """Return whether all of a value was written in a play or an inventory: core marks each text of a list or a dictionary."""
    if isinstance(value, t.Mapping):
        return bool(value) and all(_is_written(one) for one in value.values())
    if isinstance(value, (list, tuple)):
        return bool(value) and all(_is_written(one) for one in value)
    return isinstance(value, str) and _is_trusted(value)


def _may_be_merged(value: t.Any) -> bool:
    """Return whether core may have made a value from several sources, with `hash_behaviour = merge`."""
    return isinstance(value, t.Mapping) and bool(constants.DEFAULT_HASH_BEHAVIOUR == "merge")


def without_facts(variables: t.Mapping[str, t.Any], reported: t.Collection[str]) -> dict[str, t.Any]:
    """Return the variables without those that the managed host reported, also where they are reached through `vars` and `hostvars`.

    `ansible_facts` stays.
    """
    own = {name: value for name, value in variables.items() if name not in reported}
    if isinstance(own.get("vars"), t.Mapping):
        own["vars"] = {name: value for name, value in own["vars"].items() if name in own}
    hostvars = own.get("hostvars")
    if isinstance(hostvars, HostVars):
        own["hostvars"] = _hostvars_without_facts(hostvars)
    return own


def _hostvars_without_facts(hostvars: HostVars) -> HostVars:
    """Return the variables of all hosts without the facts that those reported. They are computed when a template asks for a host."""
    own = copy.copy(hostvars)

    def raw_get(host_name: str) -> t.Any:
        variables = hostvars.raw_get(host_name)
        if not isinstance(variables, t.Mapping):
            # There is no such host.
            return variables
        return without_facts(variables, reported_facts({**variables, "hostvars": hostvars}))

    # Not a subclass: core knows this type as one that it does not mark.
    own.raw_get = raw_get
    return own


def template_with(templar: t.Any, variables: t.Mapping[str, t.Any], value: t.Any) -> t.Any:
    """Return a templated value, with these variables in place of the templar's own. Raises `AnsibleError`."""
    if Omit is not None:
        return templar.copy_with_new_env(available_variables=variables).template(value)
    # Before core 2.19, lookups that a copy calls see the variables of the original.
    present = templar.available_variables
    templar.available_variables = variables
    try:
        return templar.template(value)
    finally:
        templar.available_variables = present


def is_omitted_error(error: AnsibleError) -> bool:
    """Return whether templating failed because the value is `omit`."""
    return AnsibleValueOmittedError is not None and isinstance(error, AnsibleValueOmittedError)


def is_vault_error(error: BaseException | None) -> bool:
    """Return whether templating failed because a vaulted value cannot be decrypted."""
    while error is not None:
        text = f"{type(error).__name__} {error}".lower()
        if "vault" in text or "decrypt" in text:
            return True
        error = error.__cause__ or error.__context__
    return False


def ini_settings() -> dict[str, str]:
    """Return the section `[apiauth]` of `ansible.cfg`, which core has read already."""
    parser = constants.config._parsers.get(constants.CONFIG_FILE)
    return dict(parser.items(INI_SECTION, raw=True)) if parser is not None and parser.has_section(INI_SECTION) else {}


def preload_lookups(names: t.Iterable[str]) -> None:
    """Load lookups and their option definitions in the parent of all workers, which would otherwise each do that."""
    for name in names:
        lookup_loader.get(name, class_only=True)


# -- a task ----------------------------------------------------------------------------------------------------------


def task_environment(action: ActionBase) -> dict[str, str]:
    """Return the templated `environment` of the task, its blocks and its play."""
    whole: dict[str, str] | None = getattr(action._task, _WHOLE_ENVIRONMENT, None)
    if whole is not None:
        return whole
    environments = action._task.environment
    merged: dict[str, t.Any] = {}
    for environment in environments if isinstance(environments, list) else [environments]:
        if environment:
            merged.update(action._templar.template(environment))
    templated = action._templar.template(merged) if merged else merged
    return {str(name): str(value) for name, value in templated.items() if value is not None}


@contextmanager
def environment_for_host(action: ActionBase, withheld: t.AbstractSet[str], added: t.Mapping[str, str]) -> t.Iterator[None]:
    """Take names out of the task's environment meanwhile, because Ansible writes it into a command line of the host, and add others.

    Under `async` they stay out: `TaskExecutor` gives the environment of the task to those that ask for the job's state and clean up after it.
    """
    present, whole = action._task.environment, task_environment(action)
    shown = {name: value for name, value in whole.items() if name not in withheld}
    action._task.environment = [{**shown, **added}]
    try:
        yield
    finally:
        if is_async(action):
            # Where `until` runs the task once more, with another action, it needs all of it.
            setattr(action._task, _WHOLE_ENVIRONMENT, whole)
            action._task.environment = [shown]
        else:
            action._task.environment = present


def runs_in_worker(action: ActionBase) -> bool:
    """Return whether the host of the task is this machine, so that the work can be done in this process."""
    return bool(action._connection.transport == "local" and not action._task.async_val)


def is_async(action: ActionBase) -> bool:
    """Return whether the task runs under `async`, so that its result rests in a file of the host."""
    return bool(action._task.async_val)


def end_without_job(action: ActionBase) -> None:
    """Tell core that a task under `async` has started no job: `TaskExecutor` would wait for one, and fail."""
    action._task.async_val = 0


def is_diff_mode(action: ActionBase) -> bool:
    """Return whether the task runs with `--diff`."""
    return bool(action._task.diff)


def is_hidden(action: ActionBase) -> bool:
    """Return whether the result of the task is hidden already, by `no_log`."""
    return bool(action._task.no_log)


def hide_result(action: ActionBase, result: dict[str, t.Any]) -> None:
    """Keep a result out of every output; it can still be registered.

    `_ansible_no_log` in a result is lost on some paths (loops, async, the minimal callback of core 2.18), the task's own attribute is not.
    Of a list `results`, core 2.19 and 2.20 show each member that is not marked itself.
    """
    for holder in _holders_of_no_log(action):
        holder.no_log = True
    for one in (result, *result.get("results", ())):
        one["_ansible_no_log"] = True


def _holders_of_no_log(action: ActionBase) -> list[t.Any]:
    """What decides whether results are shown, and whether a connection shows what goes over it: that has a context of its own."""
    contexts = (action._play_context, getattr(action._connection, "_play_context", None))
    return [action._task, *(context for context in contexts if context is not None)]


def run_module(action: ActionBase, module: str, arguments: t.Mapping[str, t.Any], variables: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Run a module on the host of the task and return its result. Nothing of it is shown on the way: only then it is known what it holds."""
    holders = [(holder, holder.no_log) for holder in _holders_of_no_log(action)]
    for holder, _shown in holders:
        holder.no_log = True
    try:
        result = dict(action._execute_module(module_name=module, module_args=dict(arguments), task_vars=variables, wrap_async=action._task.async_val))
    except AnsibleAuthenticationFailure:
        # Not once more: that could lock the account on the host.
        raise
    except AnsibleConnectionFailure:
        for holder, shown in holders:
            holder.no_log = shown
        # While nothing is shown, a connection keeps its reason to itself too. For a command that holds no secret it gives it.
        action._low_level_execute_command("true")
        raise
    finally:
        for holder, shown in holders:
            holder.no_log = shown
    result.pop("_ansible_no_log", None)
    return result
