# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every call module does on the host of its task, with the token that the controller sent; and what the action plugin shares with it."""

from __future__ import annotations

import json
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ._convert import convert
from .auth.calls.plan import plan_calls
from .auth.calls.reports import CallReport, Result, combine, preview
from .auth.calls.run import CallRunner, SuppliedToken, run_calls
from .auth.destination import Destination
from .auth.errors import ApiError, configuration_error
from .auth.http.retries import WaitBudget
from .auth.http.session import REQUESTS_IMPORT_ERROR, HttpSession, proxy_secrets
from .auth.model import Call, describe_target
from .auth.options import CALLS, COMMON, CONNECTION, ConnectionSettings, Option, Options, argument_spec
from .auth.providers.base import Provider, parse_api_url, require
from .auth.redact import Redactor

# The member of a module's answer that only the action plugin reads: JSON text, because core reads the members of an answer in its own way.
ANSWER = "apiauth_answer"
# In the environment of a module that runs under async, whose result rests in the file of a job. ANSIBLE_ASYNC_DIR would not do, because users set it too.
BACKGROUND = "APIAUTH_BACKGROUND"
# Also in the environment of a module: where the option proxy comes from, in words, for messages.
PROXY_SOURCE = "APIAUTH_PROXY_SOURCE"
ASYNC_HINT = "; under async nobody renews the token, so run the task once without async, or with refresh"


class Outcome(t.NamedTuple):
    """The result of a task, which secret it holds in a few words, and which of the calls another token may cure."""

    result: Result
    secret: str = ""
    refused: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return f"Outcome(refused={self.refused})"


def option_table(provider: type[Provider]) -> tuple[Option, ...]:
    """Return all options of a call module."""
    return (*provider.options, *provider.module_options, *provider.call_options, *CALLS, *COMMON)


def host_options(provider: type[Provider]) -> set[str]:
    """Return the names of the options that are sent to another host: how to connect and what to call, never a credential."""
    public = {option.name for option in (*provider.options, *provider.module_options) if not option.secret}
    return public | {option.name for option in (*provider.call_options, *CALLS, *CONNECTION)} | {"token"}


def execute(
    provider: Provider,
    values: Options,
    calls: t.Sequence[Call],
    make_runner: t.Callable[[], CallRunner],
    *,
    check_mode: bool,
    diff_mode: bool,
) -> Outcome:
    """Make the calls of a task and return what became of them, with the reply in a file if the task asks for that."""
    destination = Destination(values["dest"], values.get("mode")) if values.get("dest") else None
    if destination is not None and not check_mode:
        destination.prepare()
    try:
        reports = run_calls(make_runner, calls, concurrency=int(values.get("concurrency") or 1), check_mode=check_mode)
        results = [_report(provider, report, diff_mode) for report in reports]
        if destination is not None and reports[0].result is not None:
            results[0] = _save(reports[0], results[0], destination, provider.target, check_mode)
    finally:
        if destination is not None:
            destination.discard()
    secret = "" if destination is not None else next((report.secret for report in reports if report.secret), "")
    refused = tuple(number for number, report in enumerate(reports) if report.token_refused)
    if values.get("calls") is None:
        return Outcome(results[0], secret, refused)
    diffs = [diff for diff in (result.pop("diff", None) for result in results) if diff]
    whole = combine(results)
    return Outcome({**whole, "diff": diffs} if diffs else whole, secret, refused)


def _report(provider: Provider, report: CallReport, diff_mode: bool) -> Result:
    """Return the result of a call; for a change that was not sent, or with `--diff`, also what it sends."""
    result = report.as_result()
    if not report.call.read_only and (diff_mode or not result["sent"]) and not result.get("failed"):
        result["diff"] = {"before": "", "after": preview(provider, report.call), "after_header": report.call.name}
    return result


def _save(report: CallReport, result: Result, destination: Destination, target: str, check_mode: bool) -> Result:
    """Write a reply to its file; the result has the path in place of the data, or the data if the file cannot be written."""
    content = report.result.body if report.result is not None else b""
    differs = destination.differs(content)
    if differs and not check_mode:
        try:
            destination.write(content)
        except ApiError as error:
            hint = f"the call was made, so do not repeat it; {error.hint}" if result["changed"] else error.hint
            made = {name: result[name] for name in ("changed", "sent", "tries", "status")}
            return {**result, **error.replace(hint=hint, target=target).as_result(), **made}
    return {**result, "changed": result["changed"] or differs, "data": None, "dest": destination.path, "size": len(content)}


# -- on a managed host -----------------------------------------------------------------------------------------------


def run_module(provider_class: type[Provider]) -> None:
    """Do all that a call module does: read its arguments, make the calls, answer."""
    module = AnsibleModule(argument_spec=argument_spec(option_table(provider_class)), supports_check_mode=True)
    check_requests(module)
    values = Options(module.params)
    target, budget = provider_class.title, WaitBudget(values["max_wait"])
    try:
        require(values, provider_class.options, "token", "api_url", purpose="(the action plugin of this module gives them; call it as a task of Ansible)")
        target = describe_target(provider_class.title, parse_api_url(values["api_url"]))
        provider = provider_class(values)
        calls = plan_calls(provider, values, convert)
        runner = open_runner(module, provider, budget, [values["token"]])
        outcome = execute(provider, values, calls, lambda: runner, check_mode=module.check_mode, diff_mode=module._diff)
    except ApiError as error:
        outcome = Outcome(error.with_target(target).as_result())
    if os.environ.get(BACKGROUND):
        answer_in_background(module, outcome, target)
    answer(module, outcome.result, secret=outcome.secret, refused=outcome.refused, wait_left=budget.left)


def check_requests(module: AnsibleModule) -> None:
    """Fail if the library that sends requests is missing on the host."""
    if REQUESTS_IMPORT_ERROR:
        error = configuration_error(missing_required_lib("requests"), "or run the task on the controller, with delegate_to: localhost")
        module.fail_json(exception=REQUESTS_IMPORT_ERROR, **error.as_result())


def open_runner(module: AnsibleModule, provider: Provider, budget: WaitBudget, secrets: t.Iterable[str]) -> CallRunner:
    """Return what makes the calls of a module, with the token that it was given. Its `redactor` knows these secrets and the password of the proxy."""
    values, environ = Options(module.params), os.environ
    settings = ConnectionSettings.from_options(values, provider.timeout)
    settings = settings._replace(proxy_source=environ.get(PROXY_SOURCE) or settings.proxy_source)
    redactor = Redactor((*secrets, *proxy_secrets(provider.base_url, settings, environ)))
    # AnsibleModule masks the whole address of a proxy. Its password is enough, because messages name the proxy. Since ansible-core 2.22, an address
    # without a password stays masked all the same; messages also say where it comes from.
    module.no_log_values.discard(settings.proxy)
    module.no_log_values.update(redactor.secrets)
    target = describe_target(provider.title, provider.base_url)
    http = HttpSession(settings, environ=environ, budget=budget, target=target, redactor=redactor)
    return CallRunner(provider, http, SuppliedToken(values["token"]), redactor, target)


def answer(module: AnsibleModule, result: Result, *, secret: str = "", refused: t.Sequence[int] = (), wait_left: float = 0.0) -> None:
    """Answer the action plugin, which shows the result."""
    text = json.dumps({"result": result, "secret": secret, "refused": list(refused), "wait_left": wait_left})
    # Without it, core 2.18 adds all arguments, and shows them at -vvv.
    exit_with(module, {ANSWER: text, "changed": bool(result.get("changed")), "failed": bool(result.get("failed")), "msg": result.get("msg", "")})


def exit_with(module: AnsibleModule, result: Result) -> None:
    """End the module with a result, without its arguments."""
    result = {**result, "invocation": {"module_args": {}}}
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


def answer_in_background(module: AnsibleModule, outcome: Outcome, target: str) -> None:
    """End a module that runs under async, whose result rests in a file: without a reply that holds a secret."""
    result = outcome.result
    if outcome.secret:
        results = result.get("results") or [result]
        made = "the call was" if len(results) == 1 else f"the {len(results)} calls were"
        problem = f"{made} made, but a reply holds a secret ({outcome.secret}), which would rest in the job's file under async, and was left out"
        error = configuration_error(problem, "run the task without async")
        tries = sum(one.get("tries", 0) for one in results)
        result = error.replace(target=target, status=result.get("status"), sent=True, tries=tries, changed=result["changed"]).as_result()
    elif outcome.refused:
        result = {**result, "msg": result["msg"] + ASYNC_HINT}
    if module.no_log and "results" in result:
        # Core 2.19 and 2.20 show the members of such a list that are not marked themselves.
        result = {**result, "results": [{**one, "_ansible_no_log": True} for one in result["results"]]}
    exit_with(module, result)
