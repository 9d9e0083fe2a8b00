# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every action of this collection needs of its task: where it runs, its environment, how a secret stays out of sight. Private to this collection."""

from __future__ import annotations

import os
import typing as t
from contextlib import contextmanager
from functools import lru_cache

from ansible.errors import AnsibleAuthenticationFailure, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ..module_utils._call_module import BACKGROUND
from ..module_utils.auth.errors import CONFIGURATION, AuthError
from ..module_utils.auth.option import Option, Options
from ..module_utils.auth.provider import Provider


class TaskAction(ActionBase):
    """An action that may run in this process, or as a module elsewhere."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True
    _supports_diff = True
    # Names in the environment that do not go to a host, and what does so beside it.
    _withheld: t.AbstractSet[str] = frozenset()
    _added: t.Mapping[str, str] = {}

    def _is_here(self) -> bool:
        """Whether a module of this task would run as this user on this machine anyway."""
        return self._connection.transport == "local" and not self._connection.become and not self._task.async_val

    def _environ(self) -> dict[str, str]:
        """The task's own environment, templated."""
        environ: dict[str, t.Any] = {}
        self._compute_environment_string(environ)
        return {str(name): str(value) for name, value in environ.items() if value is not None}

    def _whole_environ(self) -> t.Mapping[str, str]:
        """This process' environment, with the task's own over it."""
        own = self._environ()
        return {**os.environ, **own} if own else os.environ

    def _prepare_host(self, table: t.Iterable[Option]) -> None:
        """Take credentials out of the environment that Ansible would write into a command line of the host, and tell there of async."""
        self._withheld = secret_names(table) | secrets_of_all_systems()
        self._added = {BACKGROUND: "1"} if self._task.async_val else {}

    def _compute_environment_string(self, raw_environment_out: dict[str, t.Any] | None = None) -> str:
        """What Ansible itself makes of the environments of task, blocks and play, less what must stay here, and what is added."""
        environ: dict[str, t.Any] = {}
        text = super()._compute_environment_string(environ)
        if self._added or self._withheld & set(environ):
            environ = {**{name: value for name, value in environ.items() if name not in self._withheld}, **self._added}
            text = self._connection._shell.env_prefix(**environ)
        if raw_environment_out is not None:
            raw_environment_out.update(environ)
        return str(text)

    def _hide(self, result: dict[str, t.Any]) -> None:
        """Keep a result out of every output: its own mark is lost on some paths, the task's is not."""
        for one in self._shown_by():
            one.no_log = True
        result["_ansible_no_log"] = True

    def _shown_by(self) -> list[t.Any]:
        """What decides whether results are shown, and whether a connection shows what goes over it: that has a context of its own."""
        contexts = (self._play_context, getattr(self._connection, "_play_context", None))
        return [self._task, *(one for one in contexts if one is not None)]

    def _answer_there(self, module: str, arguments: t.Mapping[str, t.Any], variables: t.Mapping[str, t.Any], *, quiet: bool) -> dict[str, t.Any]:
        """What a module of ours answers on the host of the task; with `quiet`, nothing of it is shown on the way."""

        def answer() -> dict[str, t.Any]:
            found = dict(
                self._execute_module(module_name=f"apiauth.tokens.{module}", module_args=dict(arguments), task_vars=variables, wrap_async=self._task.async_val)
            )
            found.pop("_ansible_no_log", None)
            return found

        if not quiet:
            return answer()
        try:
            with self._quiet():
                return answer()
        except AnsibleAuthenticationFailure:
            # Not once more: that could lock the account there.
            raise
        except AnsibleConnectionFailure:
            # While nothing is shown, a connection keeps its reason to itself too. For a command that holds no secret it tells it.
            self._low_level_execute_command("true")
            raise

    @contextmanager
    def _quiet(self) -> t.Iterator[None]:
        """Nothing that goes to or comes from the host is shown meanwhile; whether its result is, is decided after."""
        before = [(one, one.no_log) for one in self._shown_by()]
        for one, _shown in before:
            one.no_log = True
        try:
            yield
        finally:
            for one, shown in before:
                one.no_log = shown


def secret_names(table: t.Iterable[Option]) -> frozenset[str]:
    """The names in the environment that hold secrets."""
    return frozenset(name for one in table if one.secret for name in one.env)


@lru_cache(maxsize=1)
def secrets_of_all_systems() -> frozenset[str]:
    """The environment of a play is that of all its tasks, so it may hold the credentials of systems that a task does not call."""
    # Imported here: only a task on another host needs it.
    from ..module_utils.auth.systems import systems

    return secret_names(option for one in systems() for option in one.options)


def only_token(provider: Provider, options: Options) -> None:
    """Raises a configuration error where a call on another host would need the credential itself."""
    credential = provider.direct(options)
    if credential:
        raise AuthError(
            CONFIGURATION,
            f"{credential} itself would authenticate the call, and credentials do not leave the controller; use a token, or delegate_to: localhost",
        )
