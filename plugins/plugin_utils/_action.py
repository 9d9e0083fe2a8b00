# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every call action does: in this process on the controller, as a module elsewhere. Private to this collection.

What a worker would have to load is loaded here, at import: the parent of all workers imports action plugins, and what it has
loaded is free to its forks.
"""

from __future__ import annotations

import importlib
import typing as t
from contextlib import suppress

from ..module_utils._call_module import failed, table, travelling
from ..module_utils.auth import errors, transport
from ..module_utils.auth.cache import seal
from ..module_utils.auth.cache.record import boot_id
from ..module_utils.auth.call import Call
from ..module_utils.auth.calls import Caller, NoToken, Report, SharedTokens, Tokens, combined, perform, planned
from ..module_utils.auth.client import Client
from ..module_utils.auth.errors import AuthError
from ..module_utils.auth.option import CACHE, CONNECTION, Options
from ..module_utils.auth.provider import Account, Provider
from ..module_utils.auth.token import Token
from ._engine import Engine, engine, store_of
from ._options import Sources, configured, paths, place, resolved
from ._secrets import guarded, mark
from ._task import TaskAction, only_token

for _name in ("..module_utils.auth.login", "..module_utils.auth.redact", "..module_utils.auth.wire"):
    importlib.import_module(_name, __package__)


def _warm_up() -> None:
    """The first TLS context and the first sealing of a process cost more than all the rest of a call, and the machine boots only once."""
    boot_id()
    # What is wrong with the options is told by the task that uses them.
    with suppress(AuthError):
        transport.warm_up(configured(CONNECTION))
    with suppress(AuthError, ImportError):
        store = store_of(configured(CACHE))
        seal.warm_up((store and store.seal()) or seal.Seal(b""))


_warm_up()


# Runs the module on the host of the task, with these arguments in place of others.
There = t.Callable[..., "dict[str, t.Any]"]


class CallAction(TaskAction):
    """A call, or several, to the system of `provider`."""

    provider: t.ClassVar[Provider]

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        account: Account | None = None
        environ = self._whole_environ()
        sources = Sources(self._task.args, task_vars or {}, self._templar.template, environ)
        try:
            options = resolved(table(self.provider), *sources)
            calls = planned(self.provider, options)
            account = guarded(self.provider.account(options), options, environ)
            report = self._report(options, calls, account, sources)
        except AuthError as failure:
            report = Report(failed(failure.located(account.where if account else place(self.provider, sources))))
        result.update(report.result)
        if report.secret:
            self._hide(result)
        return result

    def _report(self, options: Options, calls: list[Call], account: Account, sources: Sources) -> Report:
        nothing_sent, environ = self._task.check_mode and not any(call.reads for call in calls), sources.environ
        made = engine(self.provider, options, environ)
        tokens = shared_tokens(made, account, options)

        def caller(used: Tokens = tokens) -> Caller:
            client = Client(options, self.provider.timeout, environ=environ, budget=made.budget)
            return Caller(self.provider, options, client, used, account.where, account.secrets)

        if nothing_sent:
            # There is no job, so nobody may wait for its end.
            self._task.async_val = 0
        if nothing_sent or self._is_here():
            return perform(caller, calls, options, self._task.check_mode)
        self._may_go(calls, options)
        try:
            token = tokens.get()
        except AuthError as failure:
            none = NoToken(failure)
            return perform(lambda: caller(none), calls, options, self._task.check_mode)
        self._prepare_host(table(self.provider))
        arguments = {name: options[name] for name in travelling(self.provider) if options.get(name) is not None}
        arguments.update(paths(CONNECTION, sources), token=token.value, api_url=account.api_url)

        def there(**changed: t.Any) -> dict[str, t.Any]:
            """What the module answers on the host, which may wait no longer than is left."""
            answer = self._module({**arguments, **changed, "max_wait": made.budget.left}, sources.variables)
            made.budget.left = min(made.budget.left, answer.pop("max_wait_left", made.budget.left))
            return answer

        return self._elsewhere(options, calls, there, tokens, token)

    # -- on another host -----------------------------------------------------------------------------------------

    def _may_go(self, calls: list[Call], options: Options) -> None:
        """Raises a configuration error where a host would get to see, or keep, what it must not."""
        only_token(self.provider, options)
        if self._task.async_val and any(call.secret for call in calls):
            raise AuthError(errors.CONFIGURATION, "the reply holds a secret, which would rest in the job's file under async; run the task without async")

    def _elsewhere(self, options: Options, calls: list[Call], there: There, tokens: SharedTokens, token: Token) -> Report:
        """Run the module there, with the token and without any credential; once more where the token was refused."""
        secret = any(call.secret for call in calls)
        if secret:
            self._hide({})
        answer = there()
        refused = answer.pop("refused_calls", [])
        if refused and token.from_cache:
            answer = _again(answer, refused, options, there, tokens, token)
        return Report(answer, secret=bool(answer.pop("secret", False)) or secret)

    def _module(self, arguments: dict[str, t.Any], task_vars: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Its answer. What it holds is known only then, so a connection shows nothing of it."""
        return self._answer_there(f"{self.provider.name}_api", arguments, task_vars, quiet=True)


def _again(answer: dict[str, t.Any], refused: list[int], options: Options, there: There, tokens: SharedTokens, token: Token) -> dict[str, t.Any]:
    """The refused calls once more with another token; the others stand as they are."""
    several = options.get("calls") is not None
    try:
        other = tokens.replacement(token)
    except AuthError as failure:
        if failure.token_refused:
            return answer
        if not several:
            raise
        told = {"tries": 0, **failure.as_result()}
        return _merged(answer, {number: {**answer["results"][number], **told} for number in refused})
    chosen = {"calls": [options["calls"][number] for number in refused]} if several else {}
    second = there(token=other.value, **chosen)
    second.pop("refused_calls", None)
    if not several:
        second["tries"] = second.get("tries", 0) + answer.get("tries", 0)
        return second
    if "results" not in second:
        # The module itself failed. What the calls of the first round brought must not be lost.
        return {**answer, "msg": second.get("msg", answer["msg"])}
    merged = _merged(answer, dict(zip(refused, second["results"], strict=True)))
    return {**merged, "secret": bool(answer.get("secret") or second.get("secret"))}


def _merged(answer: dict[str, t.Any], again: dict[int, dict[str, t.Any]]) -> dict[str, t.Any]:
    """The result of several calls, some of which were made once more."""
    results = list(answer["results"])
    for number, result in again.items():
        results[number] = {**result, "tries": result.get("tries", 0) + results[number].get("tries", 0)}
    return {**combined([Report(one) for one in results]).result, "secret": bool(answer.get("secret"))}


def shared_tokens(made: Engine, account: Account, options: Options) -> SharedTokens:
    """The account's token for all calls of a task."""

    def fetched() -> Token:
        token = made.broker.token(account, made.login, refresh=options["refresh"])
        mark(token.value)
        return token

    def replaced(refused: Token) -> Token:
        token = made.broker.replacement(account, made.login, refused)
        mark(token.value)
        return token

    return SharedTokens(fetched, replaced)
