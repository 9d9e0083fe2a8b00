# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the actions for WHM's tokens do: in the worker on the controller, as a module on any other host."""

from __future__ import annotations

import typing as t

from ..module_utils import _whm_module
from ..module_utils.auth.calls.reports import Result
from ..module_utils.auth.errors import ApiError, configuration_error
from ..module_utils.auth.options import CONNECTION
from ..module_utils.auth.providers.whm.api import Whm
from . import _core, _secrets
from ._action import HOW_TO_SEE, TokenAction, refuse_credential
from ._clients import open_client
from ._host_answer import HostAnswer

if t.TYPE_CHECKING:
    from ..module_utils.auth.client import ApiClient
    from ..module_utils.auth.options import Options
    from ..module_utils.auth.providers.whm.manage import TokenModule
    from ._option_sources import OptionSources


class WhmTokenAction(TokenAction):
    """The task of one module for WHM's tokens."""

    token_module: t.ClassVar[TokenModule]

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        result: Result = super().run(tmp, task_vars)
        table, target = _whm_module.option_table(self.token_module), ""
        sources = self._sources(task_vars or {})
        try:
            values = sources.resolve(table, Whm)
            request = self.token_module.parse(values)
            provider = Whm(values)
            target = provider.target
            client = open_client(provider, values, sources.environ, sources)
            outcome = self._execute(client, values, request, sources)
        except ApiError as error:
            outcome = error.with_target(target or sources.target(Whm, table)).as_result()
        result.update(outcome)
        if result.get("token"):
            _secrets.register(result["token"])
            shown = {name: value for name, value in outcome.items() if name not in ("token", "diff", "warnings", "deprecations")}
            # An ad hoc command cannot register anything.
            self._hide(result, target, "the secret of the new token", shown, f"{HOW_TO_SEE}, or give dest to have the secret written to a file")
        return result

    def _execute(self, client: ApiClient, values: Options, request: t.Any, sources: OptionSources) -> Result:
        if _core.runs_in_worker(self):
            return _whm_module.execute(self.token_module, client.runner(), values, bool(self._task.check_mode))
        refuse_credential(client.provider)
        if _core.is_async(self) and self.token_module.may_create(request) and not self._task.check_mode:
            raise configuration_error("the secret of a new token would rest in the job's file under async", "run the task without async")
        paths = sources.paths((*CONNECTION, *self.token_module.options))
        arguments = {**_whm_module.host_arguments(self.token_module, values), **paths}
        table = _whm_module.option_table(self.token_module)
        return HostAnswer.parse(self._run_on_host(self.token_module.name, table, arguments, sources)).result
