# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the actions for WHM's tokens do: in this process on the controller, as a module elsewhere. Private to this collection."""

from __future__ import annotations

import typing as t

from ..module_utils._whm_module import answer, arguments, table
from ..module_utils.auth.errors import CONFIGURATION, AuthError
from ..module_utils.auth.option import CONNECTION, Options
from ..module_utils.auth.providers.whm import Whm
from ..module_utils.auth.providers.whm_lifecycle import Work
from ._options import Sources, paths, place, resolved
from ._secrets import guarded, mark
from ._task import TaskAction, only_token


class WhmTokenAction(TaskAction):
    """The task of one module for tokens."""

    work: t.ClassVar[Work]

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        environ = self._whole_environ()
        sources = Sources(self._task.args, task_vars or {}, self._templar.template, environ)
        try:
            options = resolved(table(self.work), *sources)
            wanted = self.work.wanted(options)
            guarded(Whm().account(options), options, environ)
            found = self._answer(options, wanted, sources)
        except AuthError as failure:
            found = {"failed": True, "changed": False, **failure.located(place(Whm(), sources)).as_result()}
        if found.get("token"):
            mark(found["token"])
            self._hide(result)
        result.update(found)
        return result

    def _answer(self, options: Options, wanted: t.Any, sources: Sources) -> dict[str, t.Any]:
        if self._is_here():
            return answer(self.work, options, sources.environ, self._task.check_mode)
        only_token(Whm(), options)
        creates = self.work.creates(wanted) and not self._task.check_mode
        if creates and self._task.async_val:
            raise AuthError(CONFIGURATION, "the secret of a new token would rest in the job's file under async; run the task without async")
        self._prepare_host(table(self.work))
        given = {**arguments(self.work, options), **paths(CONNECTION, sources)}
        return self._answer_there(self.work.module, given, sources.variables, quiet=creates)
