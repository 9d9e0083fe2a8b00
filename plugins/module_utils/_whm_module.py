# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules for WHM's tokens do, the same on the controller and on a managed host."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ._call_module import BACKGROUND, answer, check_requests, exit_with, open_runner
from .auth.calls.reports import Result
from .auth.calls.run import CallRunner
from .auth.destination import Destination
from .auth.errors import ApiError
from .auth.http.retries import WaitBudget
from .auth.options import COMMON, CONNECTION, Option, Options, argument_spec
from .auth.providers.base import require
from .auth.providers.whm.api import Whm
from .auth.providers.whm.manage import TokenModule
from .auth.providers.whm.token_api import TokenApi, server_clock


def option_table(token_module: TokenModule) -> tuple[Option, ...]:
    """Return all options of such a module."""
    return (*Whm.options, *token_module.options, *COMMON)


def host_arguments(token_module: TokenModule, values: Options) -> dict[str, t.Any]:
    """Return what is sent to another host: the token, how to connect and what is asked for, never the password."""
    public = [option.name for option in Whm.options if not option.secret]
    names = [*public, *(option.name for option in (*token_module.options, *CONNECTION)), "token"]
    return {name: values[name] for name in names if values.get(name) is not None}


def execute(token_module: TokenModule, runner: CallRunner, values: Options, check_mode: bool) -> Result:
    """Do what a task asks for and return its result. Raises an `ApiError`."""
    request = token_module.parse(values)
    destination = Destination(values["dest"], values.get("mode")) if values.get("dest") else None
    provider = t.cast(Whm, runner.provider)
    try:
        return token_module.run(TokenApi(provider, runner.run, server_clock(runner.http)), request, check_mode, destination)
    finally:
        if destination is not None:
            destination.discard()


def run_module(token_module: TokenModule) -> None:
    """Do all that such a module does: read its arguments, work, answer."""
    module = AnsibleModule(argument_spec=argument_spec(option_table(token_module)), supports_check_mode=True)
    check_requests(module)
    values = Options(module.params)
    target = Whm.title
    try:
        require(values, Whm.options, "token", purpose="(the action plugin of this module gives it; call it as a task of Ansible)")
        provider = Whm(values)
        target = provider.target
        runner = open_runner(module, provider, WaitBudget(values["max_wait"]), provider.account.secrets)
        result = execute(token_module, runner, values, module.check_mode)
    except ApiError as error:
        result = error.with_target(target).as_result()
    if os.environ.get(BACKGROUND):
        # The result rests in the file of a job, where nobody reads an answer; a task that may create a secret is refused before.
        exit_with(module, result)
    answer(module, result, secret="the secret of the new token" if result.get("token") else "")
