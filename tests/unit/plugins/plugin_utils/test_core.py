# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of ansible-core that are not its public API and that `_core.py` uses, with core's own objects: a core that moves one of them fails here."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible import constants, template
from ansible.config.manager import ConfigManager
from ansible.errors import AnsibleAuthenticationFailure, AnsibleConnectionFailure, AnsibleError, AnsibleUndefinedVariable
from ansible.executor import task_executor
from ansible.parsing import vault
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins import loader
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader, lookup_loader
from engine.trust import MARKS_TRUSTED, VERSION, written

from ansible_collections.apiauth.tokens.plugins.plugin_utils import _core

OMITTED = "__omit_place_holder__4711"


class Action(ActionBase):
    """An action plugin on core's own task and connection."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        return {}


class NotedAction(Action):
    """The same, with its modules and commands noted in place of being run, and what is hidden meanwhile."""

    outcome: Mapping[str, Any] | Exception = {}

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.noted: list[tuple[Any, list[bool]]] = []

    def _execute_module(self, *arguments: Any, **named: Any) -> dict[str, Any]:
        self.noted.append(((*arguments, named), hidden(self)))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return dict(self.outcome)

    def _low_level_execute_command(self, *arguments: Any, **named: Any) -> dict[str, Any]:
        self.noted.append(((*arguments, named), hidden(self)))
        return {"rc": 0}


def hidden(action: Any) -> list[bool]:
    """Return `no_log` of the task, of its play and of its connection."""
    return [bool(holder.no_log) for holder in (action._task, action._play_context, action._connection._play_context)]


def templar(variables: Mapping[str, Any]) -> Any:
    return template.Templar(loader=DataLoader(), variables=dict(variables) if MARKS_TRUSTED else {"omit": OMITTED, **variables})


def build(kind: type[Action] = Action, connection: str = "local", variables: Mapping[str, Any] | None = None, async_seconds: int = 0, **keywords: Any) -> Any:
    """Return the action plugin of a task that has these keywords."""
    task = Task.load({"name": "t", "ansible.builtin.ping": {}, "async": async_seconds, **keywords})
    # A context of its own, as under `ansible-connection`.
    plugin = connection_loader.get(connection, PlayContext(), os.devnull)
    plugin.set_options(var_options={})
    return kind(task, plugin, PlayContext(), DataLoader(), templar(variables or {}), loader)


# -- variables and settings ------------------------------------------------------------------------------------------


def test_omit_as_a_lookup_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def run(_self: Any, _terms: Any, **named: Any) -> list[str]:
        seen.append(named["token"])
        return ["x"]

    monkeypatch.setattr(lookup_loader.get("ansible.builtin.items", class_only=True), "run", run)
    assert templar({}).template(written("{{ lookup('ansible.builtin.items', token=omit) }}")) == "x"
    assert [_core.is_omitted(value, {"omit": OMITTED}) for value in seen] == [True]
    for value in (None, "", "omit", False, f"{OMITTED}1"):
        assert not _core.is_omitted(value, {"omit": OMITTED})


def test_a_variable_that_is_omit() -> None:
    """Core raises an error since 2.19; before, it returns the text that stands for `omit`."""
    if MARKS_TRUSTED:
        with pytest.raises(AnsibleError) as caught:
            templar({}).template(written("{{ omit }}"))
        assert _core.is_omitted_error(caught.value)
    else:
        assert _core.is_omitted(templar({}).template("{{ omit }}"), {"omit": OMITTED})
    with pytest.raises(AnsibleUndefinedVariable) as undefined:
        templar({}).template(written("{{ nothing }}"))
    assert not _core.is_omitted_error(undefined.value)


def test_templating_with_other_variables() -> None:
    own = templar({"a": "first", "b": "first"})
    assert _core.template_with(own, {"a": "second"}, written("{{ a }}")) == "second"
    with pytest.raises(AnsibleUndefinedVariable):
        _core.template_with(own, {"a": "second"}, written("{{ b }}"))
    assert own.template(written("{{ a }} {{ b }}")) == "first first"


@pytest.fixture
def vaulted(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Return a vaulted text, as core reads it from a play with this vault password; the right one is `right`."""
    secret = [("default", vault.VaultSecret(b"right"))]
    body = vault.VaultLib(secret).encrypt("Secret-Word").decode().replace("\n", "\n  ")

    def read(password: str) -> Any:
        data, given = DataLoader(), [("default", vault.VaultSecret(password.encode()))]
        data.set_vault_secrets(given)
        if MARKS_TRUSTED:
            monkeypatch.setattr(vault.VaultSecretsContext, "_current", vault.VaultSecretsContext(given))
        return data.load(f"text: !vault |\n  {body}\n")["text"]

    return read


def test_vaulted_values(vaulted: Callable[[str], Any]) -> None:
    assert str(templar({"v": vaulted("right")}).template(written("{{ v }}"))) == "Secret-Word"
    with pytest.raises(AnsibleError) as caught:
        str(templar({"v": vaulted("wrong")}).template(written("{{ v }}")))
    assert _core.is_vault_error(caught.value)
    with pytest.raises(AnsibleUndefinedVariable) as undefined:
        templar({}).template(written("{{ nothing }}"))
    assert not _core.is_vault_error(undefined.value)
    assert not _core.is_vault_error(None)


def test_a_vault_error_behind_another() -> None:
    cause, context = ValueError("outer"), ValueError("outer")
    cause.__cause__ = context.__context__ = AnsibleError("Decryption failed")
    assert _core.is_vault_error(cause)
    assert _core.is_vault_error(context)


def test_the_section_of_the_configuration_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(text: str | None) -> dict[str, str]:
        path = tmp_path / "ansible.cfg"
        path.write_text(text or "")
        monkeypatch.setattr(constants, "CONFIG_FILE", str(path) if text is not None else None)
        monkeypatch.setattr(constants, "config", ConfigManager(str(path)))
        return _core.ini_settings()

    assert read("[defaults]\nforks = 3\n[apiauth]\nvss_username = me%20you\nvss_timeout=7\n") == {"vss_username": "me%20you", "vss_timeout": "7"}
    assert read("[defaults]\nforks = 3\n") == {}
    assert read(None) == {}


def test_lookups_are_loaded_with_their_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """What core notes about the options of a lookup when it loads the class."""
    monkeypatch.setattr(constants.config, "_plugins", {})
    # Not loaded by anything else here.
    _core.preload_lookups(["ansible.builtin.csvfile"])
    ((name, options),) = constants.config._plugins["lookup"].items()
    assert name.endswith("csvfile")
    assert "delimiter" in options


def test_the_function_that_registers_secrets() -> None:
    """It exists since core 2.22, and takes any iterable."""
    assert (_core.register_secrets is None) is (VERSION < (2, 22))
    if _core.register_secrets is not None:
        inspect.signature(_core.register_secrets).bind(["Secret-Word"])


# -- a task ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (None, {}),
        ({}, {}),
        ({"A": written("{{ a }}"), "B": 1}, {"A": "x", "B": "1"}),
        ([{"A": "1", "B": "2"}, {"B": written("{{ a }}")}], {"A": "1", "B": "x"}),
        (written("{{ whole }}"), {"C": "x"}),
        ({"A": written("{{ none }}")}, {}),
    ],
)
def test_the_environment_of_a_task(environment: Any, expected: dict[str, str]) -> None:
    variables = {"a": "x", "none": None, "whole": {"C": written("{{ a }}")}}
    assert _core.task_environment(build(variables=variables, environment=environment)) == expected


def command_environment(action: Any) -> dict[str, str]:
    """Return what core writes into the command line of the host."""
    environment: dict[str, str] = {}
    action._compute_environment_string(environment)
    return environment


def test_secrets_stay_out_of_the_command_line_of_a_host() -> None:
    action = build(environment={"VSS_TOKEN": "Secret-Word", "http_proxy": written("{{ a }}")}, variables={"a": "x"})
    before = action._task.environment
    assert command_environment(action) == {"VSS_TOKEN": "Secret-Word", "http_proxy": "x"}

    def fail_meanwhile() -> None:
        with _core.environment_for_host(action, {"VSS_TOKEN"}, {"MARK": "1"}):
            assert command_environment(action) == {"http_proxy": "x", "MARK": "1"}
            raise ValueError("for example")

    with pytest.raises(ValueError, match="for example"):
        fail_meanwhile()
    assert action._task.environment is before


@pytest.mark.parametrize(
    ("connection", "keywords", "expected"),
    [("local", {}, True), ("local", {"async_seconds": 10}, False), ("ssh", {}, False), ("ssh", {"async_seconds": 10}, False)],
)
def test_where_a_task_runs(connection: str, keywords: dict[str, Any], expected: bool) -> None:
    action = build(connection=connection, **keywords)
    assert _core.runs_in_worker(action) is expected
    assert _core.is_async(action) is bool(keywords)


def test_a_task_that_starts_no_job() -> None:
    """Core waits for a job after the action plugin has returned, if `async_val` of the same task is not 0 then."""
    action = build(async_seconds=10)
    _core.end_without_job(action)
    assert not _core.is_async(action)
    source = inspect.getsource(task_executor.TaskExecutor)
    before, call, after = source.partition("self._handler.run(")
    assert call
    assert "if self._task.async_val > 0:" in after
    assert "if self._task.async_val > 0:" not in before


def test_diff_mode_and_hidden_tasks() -> None:
    assert [_core.is_diff_mode(build(diff=diff)) for diff in (True, False)] == [True, False]
    assert [_core.is_hidden(build(no_log=no_log)) for no_log in (True, False)] == [True, False]


@pytest.mark.parametrize("connection", ["local", "ssh"])
def test_a_result_is_hidden_everywhere(connection: str) -> None:
    action, result = build(connection=connection), {"token": "Secret-Word", "results": [{"token": "Secret-Word"}]}
    assert hidden(action) == [False] * 3
    _core.hide_result(action, result)
    assert hidden(action) == [True] * 3
    marked = {"token": "Secret-Word", "_ansible_no_log": True}
    assert result == {**marked, "results": [marked]}


def test_a_connection_without_a_context() -> None:
    action = build()
    action._connection._play_context = None
    _core.hide_result(action, {})
    assert action._task.no_log
    assert action._play_context.no_log


def test_a_module_is_run_by_core_itself() -> None:
    """On this machine, with core's own connection and command line."""
    action = build(environment={"A": "1", "B": "2"})
    arguments = {"_raw_params": 'echo "A=$A B=$B"', "_uses_shell": True}
    with _core.environment_for_host(action, {"A"}, {}):
        result = _core.run_module(action, "ansible.builtin.command", arguments, {"ansible_python_interpreter": sys.executable})
    assert (result["rc"], result["stdout"]) == (0, "A= B=2")
    assert "_ansible_no_log" not in result
    assert hidden(action) == [False] * 3


def test_nothing_is_shown_while_a_module_runs() -> None:
    action = build(NotedAction, no_log=True, async_seconds=10)
    action.outcome = {"changed": True, "_ansible_no_log": True}
    assert _core.run_module(action, "apiauth.tokens.x", {"path": "p"}, {"v": 1}) == {"changed": True}
    expected = {"module_name": "apiauth.tokens.x", "module_args": {"path": "p"}, "task_vars": {"v": 1}, "wrap_async": 10}
    assert action.noted == [((expected,), [True] * 3)]
    assert hidden(action) == [True, False, False]


def test_a_connection_that_fails_says_why_with_a_harmless_command() -> None:
    action = build(NotedAction)
    action.outcome = AnsibleConnectionFailure("no route")
    with pytest.raises(AnsibleConnectionFailure, match="no route"):
        _core.run_module(action, "apiauth.tokens.x", {}, {})
    assert [hiding for _what, hiding in action.noted] == [[True] * 3, [False] * 3]
    assert action.noted[1][0][0] == "true"
    assert hidden(action) == [False] * 3


def test_a_refused_login_at_a_host_is_not_repeated() -> None:
    """Core derives its error from that of a failed connection."""
    assert issubclass(AnsibleAuthenticationFailure, AnsibleConnectionFailure)
    action = build(NotedAction)
    action.outcome = AnsibleAuthenticationFailure("wrong password")
    with pytest.raises(AnsibleAuthenticationFailure):
        _core.run_module(action, "apiauth.tokens.x", {}, {})
    assert len(action.noted) == 1
    assert hidden(action) == [False] * 3


def test_the_harmless_command_is_run_by_core_itself() -> None:
    assert build()._low_level_execute_command("true")["rc"] == 0
