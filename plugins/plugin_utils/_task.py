# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every action of this collection needs of its task: where it runs, its environment, how a secret stays out of sight. Private to this collection."""

from __future__ import annotations

import typing as t
from contextlib import contextmanager

from ansible.plugins.action import ActionBase

from ..module_utils.auth.errors import CONFIGURATION, AuthError
from ..module_utils.auth.option import Option, Options
from ..module_utils.auth.provider import Provider


class TaskAction(ActionBase):
    """An action that may run in this process, or as a module elsewhere."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True
    _supports_diff = True

    def _is_here(self) -> bool:
        """Whether a module of this task would run as this user on this machine anyway."""
        return self._connection.transport == "local" and not self._connection.become and not self._task.async_val

    def _environ(self) -> dict[str, str]:
        """The task's own environment, templated."""
        environ: dict[str, t.Any] = {}
        self._compute_environment_string(environ)
        return {str(name): str(value) for name, value in environ.items() if value is not None}

    def _keep_from_host(self, environ: dict[str, str], table: t.Iterable[Option]) -> None:
        """Take credentials out of the environment that Ansible would write into a command line of the host."""
        secret = {name for one in table if one.secret for name in one.env}
        if secret & set(environ):
            self._task.environment = [{name: value for name, value in environ.items() if name not in secret}]

    def _hide(self, result: dict[str, t.Any]) -> None:
        """Keep a result out of every output: its own mark is lost on some paths, the task's is not."""
        self._task.no_log = True
        self._play_context.no_log = True
        result["_ansible_no_log"] = True

    @contextmanager
    def _quiet(self) -> t.Iterator[None]:
        """Nothing that goes to or comes from the host is shown meanwhile; whether its result is, is decided after."""
        before = self._task.no_log, self._play_context.no_log
        self._task.no_log = self._play_context.no_log = True
        try:
            yield
        finally:
            self._task.no_log, self._play_context.no_log = before


def only_token(provider: Provider, options: Options) -> None:
    """Raises a configuration error where a call on another host would need the credential itself."""
    credential = provider.direct(options)
    if credential:
        raise AuthError(
            CONFIGURATION,
            f"{credential} itself would authenticate the call, and credentials do not leave the controller; use a token, or delegate_to: localhost",
        )
