# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task reports about its calls."""

from __future__ import annotations

import json
import typing as t

from ..errors import ApiError
from ..model import Call, CallResult
from ..providers.replies import join_url
from ..redact import Redactor
from ..reply_secrets import secrets_sent

if t.TYPE_CHECKING:
    from ..providers.base import Provider

Result = t.Dict[str, t.Any]


class CallReport(t.NamedTuple):
    """What became of one call: a result, an error, or neither if it was not sent."""

    call: Call
    result: CallResult | None = None
    error: ApiError | None = None

    @property
    def secret(self) -> str:
        """Which secret the reply holds, in a few words; empty if there is none."""
        return self.result.secret if self.result else ""

    @property
    def token_refused(self) -> bool:
        """Whether the call may succeed with another token."""
        return bool(self.error and self.error.token_refused)

    def as_result(self) -> Result:
        """Return the call as a task's result: `changed`, `sent`, and `status`, `data`, `meta` and `tries`, or `failed` and what the error says."""
        if self.error is not None:
            return self.error.as_result()
        if self.result is None:
            return {"changed": True, "sent": False}
        result = self.result
        return {
            "changed": not self.call.read_only,
            "sent": True,
            "status": result.status,
            "data": result.data,
            "meta": dict(result.meta),
            "tries": result.tries,
        }


def combine(results: t.Sequence[Result]) -> Result:
    """Return the result of a task with `calls` from the results of each."""
    marked = [{"failed": False, **result} for result in results]
    failures = [(number, result) for number, result in enumerate(marked, 1) if result["failed"]]
    whole: Result = {"changed": any(result["changed"] for result in marked), "results": marked}
    if failures:
        number, first = failures[0]
        others = f" ({len(failures)} of {len(marked)} calls failed)" if len(marked) > 1 else ""
        whole.update(failed=True, msg=f"call {number}: {first['msg']}{others}", status=first["status"], error=first["error"])
    return whole


def preview(provider: Provider, call: Call) -> str:
    """Return what a call would send, for a diff: the method, the address and the parameters, without secrets."""
    redactor = Redactor(secrets_sent(call.query, call.body))
    parts = [f"{call.method} {join_url(provider.base_url, call.path.lstrip('/'))}"]
    for name, value in (("parameters", call.query), ("body", call.body)):
        if value:
            parts.append(f"{name}: {json.dumps(value, indent=2, sort_keys=True, default=str, ensure_ascii=False)}")
    return redactor.clean("\n".join(parts)) + "\n"
