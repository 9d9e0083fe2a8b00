# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action plugins have in common, and the calls: in the worker on the controller, as a module on any other host."""

from __future__ import annotations

import json
import os
import time
import typing as t
from contextlib import suppress

from ansible.plugins.action import ActionBase

from ..module_utils._call_module import BACKGROUND, PROXY_SOURCE, Outcome, execute, host_options, option_table
from ..module_utils._convert import convert
from ..module_utils.auth.calls.plan import plan_calls
from ..module_utils.auth.calls.reports import Result, combine
from ..module_utils.auth.calls.run import SharedToken
from ..module_utils.auth.errors import ApiError, configuration_error
from ..module_utils.auth.events import CALL, Event
from ..module_utils.auth.model import Call, Token
from ..module_utils.auth.options import CALLS, CONNECTION, Option, Options
from . import _core, _logging
from ._clients import PROXY, open_client, refresh_since
from ._host_answer import HostAnswer, nonsense
from ._option_sources import OptionSources
from ._preload import preload_for_workers
from ._registry import secret_environment_names

if t.TYPE_CHECKING:
    from ..module_utils.auth.client import ApiClient
    from ..module_utils.auth.providers.base import Provider

HOW_TO_SEE = "register the result, and show one of its members with ansible.builtin.debug"


class TokenAction(ActionBase):
    """An action that works in this process, or as a module on another host."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True

    def _environ(self) -> t.Mapping[str, str]:
        """Return this process' environment, with the task's own over it."""
        own = _core.task_environment(self)
        return {**os.environ, **own} if own else os.environ

    def _sources(self, variables: t.Mapping[str, t.Any]) -> OptionSources:
        _logging.attach()
        return OptionSources(self._task.args, variables, self._templar, self._environ())

    def _hide(self, result: Result, target: str, reason: str, shown: Result | None = None, advice: str = HOW_TO_SEE) -> None:
        """Keep a result that holds a secret out of every output, and say why.

        :param shown: what of the result is shown all the same.
        :param advice: how the user gets at the secret.
        """
        if not _core.is_hidden(self):
            rest = f"; the rest of it is {json.dumps(shown, default=str)}" if shown else ""
            _logging.display.warning(f"{target}: the result of the task {self._task.get_name()!r} is hidden because it holds {reason}; {advice}{rest}")
            # Core shows the warnings of a result with the rest of it.
            for text in result.get("warnings", ()):
                if isinstance(text, str):
                    _logging.display.warning(text)
        _core.hide_result(self, result)

    def _run_on_host(self, name: str, table: t.Iterable[Option], arguments: t.Mapping[str, t.Any], sources: OptionSources) -> Result:
        """Run a module of this collection on the host of the task, without credentials in its environment; return core's result."""
        withheld = {env for option in table if option.secret for env in option.env} | secret_environment_names()
        added = {PROXY_SOURCE: sources.describe_origin(PROXY)} if arguments.get("proxy") else {}
        if _core.is_async(self):
            added[BACKGROUND] = "1"
        with _core.environment_for_host(self, withheld, added):
            try:
                return _core.run_module(self, f"apiauth.tokens.{name}", arguments, sources.variables)
            except RecursionError:
                # Core's parser gave up on JSON that is nested thousands of times.
                raise nonsense() from None


class CallAction(TokenAction):
    """A call, or several, to the system of `provider_class`."""

    provider_class: t.ClassVar[type[Provider]]

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        result: Result = super().run(tmp, task_vars)
        table, target = option_table(self.provider_class), ""
        sources = self._sources(task_vars or {})
        try:
            values = sources.resolve(table, self.provider_class)
            provider = self.provider_class(values)
            target = provider.target
            calls = plan_calls(provider, values, convert)
            client = open_client(provider, values, sources.environ, sources)
            outcome = self._execute(client, values, calls, sources)
        except ApiError as error:
            outcome = Outcome(error.with_target(target or sources.target(self.provider_class, table)).as_result())
        result.update(outcome.result)
        if outcome.secret:
            self._hide(result, target, outcome.secret)
        elif _core.is_hidden(self):
            _core.hide_result(self, result)
        return result

    def _execute(self, client: ApiClient, values: Options, calls: list[Call], sources: OptionSources) -> Outcome:
        check_mode, diff_mode = bool(self._task.check_mode), _core.is_diff_mode(self)
        nothing_to_send = check_mode and not any(call.read_only for call in calls)
        since = refresh_since(sources) if values["refresh"] else None
        tokens = SharedToken(lambda: client.token(refresh=values["refresh"], since=since), client.replace_token)
        if nothing_to_send:
            _core.end_without_job(self)
        token = None
        if not nothing_to_send and not _core.runs_in_worker(self):
            self._check_may_run_on_host(client.provider, calls)
            # Each call that needs the token reports why there is none.
            with suppress(ApiError):
                token = tokens.get()
        if token is None:
            return execute(client.provider, values, calls, lambda: client.runner(tokens), check_mode=check_mode, diff_mode=diff_mode)
        started = time.monotonic()
        outcome = HostCalls(self, client, values, calls, sources).run(tokens, token)
        results = outcome.result.get("results") if values.get("calls") is not None else None
        _count_calls(client, calls, results or [outcome.result], time.monotonic() - started)
        return outcome

    def _check_may_run_on_host(self, provider: Provider, calls: t.Sequence[Call]) -> None:
        """Raise a configuration error if a host would see, or store, what it must not."""
        refuse_credential(provider)
        if _core.is_async(self) and any(call.secret_reply for call in calls):
            problem = "the reply holds a secret, which would rest in the job's file under async"
            raise configuration_error(problem, "run the task without async")


class HostCalls:
    """The calls of one task on another host: the module gets the token, and once more another one if the first was refused."""

    def __init__(self, action: CallAction, client: ApiClient, values: Options, calls: t.Sequence[Call], sources: OptionSources) -> None:
        self._action = action
        self._client = client
        self._values = values
        self._sources = sources
        self._several = values.get("calls") is not None
        self._count = len(calls)
        provider = type(client.provider)
        self._table = option_table(provider)
        self._arguments = {name: values[name] for name in host_options(provider) if values.get(name) is not None}
        self._arguments.update(sources.paths((*CONNECTION, *CALLS)), api_url=client.account.api_url)

    def run(self, tokens: SharedToken, token: Token) -> Outcome:
        """Return what became of the calls. Raises an `ApiError` if the host's answer makes no sense."""
        first = self._run_module(token, self._count, {})
        if not first.refused or not tokens.may_replace(token):
            return Outcome(first.result, first.secret)
        try:
            other = tokens.replace(token)
        except ApiError as error:
            return self._not_replaced(first, error)
        chosen = {"calls": [self._values["calls"][number] for number in first.refused]} if self._several else {}
        second = self._run_module(other, len(first.refused), chosen)
        secret = first.secret or second.secret
        if not self._several:
            tries = second.result.get("tries", 0) + first.result.get("tries", 0)
            return Outcome({**second.result, "tries": tries}, secret)
        if "results" not in second.result:
            # The module itself failed; what the calls of the first round returned must not be lost.
            return Outcome({**first.result, "msg": second.result.get("msg", first.result["msg"])}, secret)
        return Outcome(self._merge(first, dict(zip(first.refused, second.result["results"], strict=True))), secret)

    def _not_replaced(self, first: HostAnswer, error: ApiError) -> Outcome:
        if error.token_refused:
            return Outcome(first.result, first.secret)
        if not self._several:
            raise error
        failure = error.with_target(self._client.account.target).as_result()
        return Outcome(self._merge(first, {number: {**first.result["results"][number], **failure} for number in first.refused}), first.secret)

    def _run_module(self, token: Token, count: int, changed: t.Mapping[str, t.Any]) -> HostAnswer:
        budget = self._client.budget
        arguments = {**self._arguments, **changed, "token": token.value, "max_wait": budget.left}
        name = f"{self._client.provider.name}_api"
        raw = self._action._run_on_host(name, self._table, arguments, self._sources)
        answer = HostAnswer.parse(raw, calls=count if self._several else None)
        if answer.wait_left is not None:
            budget.lower_to(answer.wait_left)
        return answer

    @staticmethod
    def _merge(first: HostAnswer, again: t.Mapping[int, Result]) -> Result:
        """Return the result of several calls, some of which were made once more."""
        results = list(first.result["results"])
        for number, result in again.items():
            results[number] = {**result, "tries": result.get("tries", 0) + results[number].get("tries", 0)}
        return combine(results)


def _count_calls(client: ApiClient, calls: t.Sequence[Call], results: t.Sequence[Result], seconds: float) -> None:
    """Report calls that a module made on another host as events. Each gets its share of the time, because the host measures none."""
    # The results are fewer than the calls if the module itself failed.
    for call, result in zip(calls, results, strict=False):
        if result.get("sent"):
            kind = str(result["error"]["kind"]) if result.get("failed") else ""
            client.on_event(Event(CALL, seconds / len(calls), kind, client.redactor.clean(call.name)))


def refuse_credential(provider: Provider) -> None:
    """Raise a configuration error if a call on another host would need the credential itself."""
    if provider.credential_option:
        problem = f"{provider.credential_option} itself would authenticate the call, and credentials do not leave the controller"
        raise configuration_error(problem, "use a token, or delegate_to: localhost")


# Here, because the parent of all workers imports this file, and what it has loaded costs them nothing.
preload_for_workers()
