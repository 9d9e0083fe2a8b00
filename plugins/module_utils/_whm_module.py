# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules for WHM's tokens do, the same on the controller and on any other host. Private to this collection."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ._call_module import argument_spec
from .auth.calls import Caller, GivenToken
from .auth.client import Client
from .auth.errors import AuthError
from .auth.option import COMMON, CONNECTION, Option, Options
from .auth.provider import require
from .auth.providers.whm import Whm
from .auth.providers.whm_lifecycle import Door, Work, server_clock
from .auth.proxy import proxy_secrets


def table(work: Work) -> tuple[Option, ...]:
    """All options of such a module."""
    return (*Whm.options, *work.options, *COMMON)


def arguments(work: Work, options: Options) -> dict[str, t.Any]:
    """What is sent to another host: the token, how to connect and what is wanted, never the password."""
    plain = [one.name for one in Whm.options if not one.secret]
    names = [*plain, *(one.name for one in (*work.options, *CONNECTION)), "token"]
    return {name: options[name] for name in names if options.get(name) is not None}


def answer(work: Work, options: Options, environ: t.Mapping[str, str], check_mode: bool) -> dict[str, t.Any]:
    """The result of a task, with `failed` where it did."""
    provider = Whm()
    where = provider.title
    secrets: tuple[str, ...] = ()
    try:
        wanted = work.wanted(options)
        account = provider.account(options)
        where, secrets = account.where, (*account.secrets, *proxy_secrets(account.api_url, options, environ))
        client = Client(options, provider.timeout, environ=environ)
        token = options.get("token") or ""
        caller = Caller(provider, options, client, GivenToken(token), where, secrets)
        return work.done(Door(caller.run, token, server_clock(client)), wanted, check_mode)
    except AuthError as failure:
        return {"failed": True, "changed": False, **failure.located(where, secrets).as_result()}


def run_module(work: Work) -> None:
    """The whole of a module's `main`."""
    module = AnsibleModule(argument_spec=argument_spec(table(work)), supports_check_mode=True)
    options = Options(module.params)
    try:
        require(options, "token", why="(the action plugin of this module gives it)")
    except AuthError as failure:
        module.fail_json(**failure.located(Whm.title).as_result())
    result = answer(work, options, os.environ, module.check_mode)
    if result.pop("failed", False):
        module.fail_json(**result)
    for text in result.pop("warnings", ()):
        module.warn(text)
    module.exit_json(**result)
