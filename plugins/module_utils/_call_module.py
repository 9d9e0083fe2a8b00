# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every call module does on the host of its task, with the token that the controller sent. Private to this collection."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule

from .auth.calls import CALLS, Caller, GivenToken, Report, perform, planned
from .auth.client import Client
from .auth.errors import CONFIGURATION, AuthError
from .auth.option import COMMON, CONNECTION, Option, Options
from .auth.provider import Account, Provider, require
from .auth.proxy import proxy_secrets

# In the environment of a module that runs under async: what it returns rests in the job's file. ANSIBLE_ASYNC_DIR would not tell, for
# that is also how Ansible itself is told where such files are.
BACKGROUND = "APIAUTH_BACKGROUND"
ASYNC_HINT = "; under async nobody renews it, so run the task once without async, or with refresh"
LEFT_OUT = "made, but its reply holds a secret, which would rest in the job's file under async, and was left out; run the task without async"


def argument_spec(table: t.Iterable[Option]) -> dict[str, dict[str, t.Any]]:
    """The options as an Ansible argument spec."""
    spec: dict[str, dict[str, t.Any]] = {}
    for one in table:
        entry: dict[str, t.Any] = {"type": one.type, "no_log": one.secret}
        if one.default is not None:
            entry["default"] = one.default
        if one.choices:
            entry["choices"] = list(one.choices)
        if one.elements:
            entry["elements"] = one.elements
        spec[one.name] = entry
    return spec


def table(provider: Provider) -> tuple[Option, ...]:
    """All options of a call module."""
    return (*provider.options, *provider.module_options, *provider.call_options, *CALLS, *COMMON)


def travelling(provider: Provider) -> set[str]:
    """The options that are sent to another host: how to connect and what to call, never a credential."""
    plain = {one.name for one in (*provider.options, *provider.module_options) if not one.secret}
    return plain | {one.name for one in (*provider.call_options, *CALLS, *CONNECTION)} | {"token"}


def failed(failure: AuthError) -> dict[str, t.Any]:
    """The result of a task that failed before any of its calls."""
    return {"failed": True, "changed": False, "sent": failure.sent, "tries": failure.tries, **failure.as_result()}


def run_module(provider: Provider) -> None:
    """The whole of a call module's `main`."""
    module = AnsibleModule(argument_spec=argument_spec(table(provider)), supports_check_mode=True)
    options = Options(module.params)
    where = provider.title
    beside: dict[str, t.Any] = {}
    try:
        require(options, "token", "api_url", why="(the action plugin of this module gives them)")
        calls = planned(provider, options)
        client = Client(options, provider.timeout)
        where = Account(provider.name, provider.title, options["api_url"], "").where
        secrets = proxy_secrets(options["api_url"], options, os.environ)
        report = perform(Caller(provider, options, client, GivenToken(options["token"]), where, secrets), calls, options, module.check_mode)
        beside = {"max_wait_left": client.budget.left}
    except AuthError as failure:
        report = Report(failed(failure.located(provider.title)))
    result = _for_a_file(report, where) if os.environ.get(BACKGROUND) else {**report.result, **beside, **_for_the_action(report)}
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


def _for_the_action(report: Report) -> dict[str, t.Any]:
    """What only the action plugin is told, which takes it out of the result."""
    return {**({"refused_calls": list(report.refused)} if report.refused else {}), **({"secret": True} if report.secret else {})}


def _for_a_file(report: Report, where: str) -> dict[str, t.Any]:
    """The result as it may rest in the file of a job, where nobody takes anything out of it."""
    result = report.result
    if not report.secret:
        return {**result, "msg": result["msg"] + ASYNC_HINT} if report.refused else result
    made = result.get("results") or [result]
    told = f"the call was {LEFT_OUT}" if len(made) == 1 else f"the {len(made)} calls were {LEFT_OUT.replace('its reply', 'a reply')}"
    refusal = AuthError(CONFIGURATION, told, status=result.get("status"))
    refusal.sent, refusal.tries = True, sum(one.get("tries", 0) for one in made)
    return {**failed(refusal.located(where)), "changed": result["changed"]}
