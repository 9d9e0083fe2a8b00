# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module of this collection answered on another host. That host may lie, so nothing in an answer is used unchecked."""

from __future__ import annotations

import json
import math
import typing as t

from ..module_utils._call_module import ANSWER
from ..module_utils.auth.calls.reports import Result
from ..module_utils.auth.errors import PROTOCOL, ApiError

# What core does for the controller with these members of any result is nothing that a module of this collection asks for.
NOT_OURS = ("add_host", "add_group", "ansible_stats", "invocation", ANSWER)
# These core itself adds to a result.
WARNINGS = ("warnings", "deprecations")
CORES_OWN = ("ansible_facts", "deprecations", "exception")
MAX_REASON = 100


class HostAnswer(t.NamedTuple):
    """A checked answer: the task's result, which calls another token may cure, which secret it holds, and how many seconds of waiting are left."""

    result: Result
    refused: tuple[int, ...] = ()
    secret: str = ""
    wait_left: float | None = None

    def __repr__(self) -> str:
        return f"HostAnswer(refused={self.refused})"

    @classmethod
    def parse(cls, raw: t.Mapping[str, t.Any], *, calls: int | None = None) -> HostAnswer:
        """Return the answer of a module.

        :param raw: the result as core returns it.
        :param calls: how many results there must be, for a task with `calls`.
        :raises ApiError: of kind `protocol` if the answer makes no sense.
        """
        core = _own_members(raw)
        text = raw.get(ANSWER)
        if text is None:
            # Core's own words about a module that did not run, or a job that has been started.
            if isinstance(raw.get("msg"), str) if raw.get("failed") else any(raw.get(name) for name in ("unreachable", "skipped", "ansible_job_id")):
                return cls(core)
            raise nonsense()
        try:
            answer = json.loads(text)
            result, secret, refused, wait_left = (answer[name] for name in ("result", "secret", "refused", "wait_left"))
            seconds = max(0.0, float(wait_left))
            valid = (
                isinstance(secret, str)
                and isinstance(refused, list)
                and _is_number(wait_left)
                and _is_result(result)
                and _are_consistent(result, refused, calls)
            )
        except (TypeError, ValueError, KeyError, OverflowError, RecursionError):
            valid = False
        if not valid:
            raise nonsense()
        shown = "".join(sign for sign in secret if sign.isprintable())[:MAX_REASON]
        reported = {name: value for name, value in result.items() if name not in (*NOT_OURS, *CORES_OWN) and not name.startswith("_ansible")}
        kept = {name: value for name, value in core.items() if name == "ansible_facts" or (name in WARNINGS and isinstance(value, (list, tuple)))}
        return cls({**kept, **reported}, tuple(sorted(set(refused))), shown, seconds)


def _own_members(raw: t.Mapping[str, t.Any]) -> Result:
    """Return what core itself put into a result, without what a module has no business to say."""
    result = {name: value for name, value in raw.items() if name not in NOT_OURS}
    facts = result.pop("ansible_facts", None)
    if isinstance(facts, t.Mapping):
        # Which interpreter core found on the host.
        found = {name: value for name, value in facts.items() if str(name).startswith("discovered_interpreter_")}
        if found:
            result["ansible_facts"] = found
    return result


def _are_consistent(result: Result, refused: list[int], calls: int | None) -> bool:
    """Return whether there is a result for each of `calls`, and whether calls that another token may cure are among the failed ones."""
    failed, rows = result.get("failed"), result.get("results", [])
    if calls is None and "results" in result:
        return False
    if calls is not None and "results" not in result:
        return bool(failed and not refused)
    if calls is not None and not (isinstance(rows, list) and len(rows) == calls and all(map(_is_result, rows))):
        return False
    return all(isinstance(number, int) and not isinstance(number, bool) and 0 <= number < (calls or 1) for number in refused) and bool(failed or not refused)


def _is_result(result: t.Any) -> bool:
    """Return whether the members that the controller reads have their types."""
    if not isinstance(result, dict) or not all(isinstance(name, str) for name in result):
        return False
    flags = all(isinstance(result.get(name, False), bool) for name in ("failed", "changed", "sent"))
    numbers = all(isinstance(number, int) and not isinstance(number, bool) for number in (result.get("tries", 0), result.get("status") or 0))
    warnings = result.get("warnings", [])
    texts = isinstance(result.get("token") or "", str) and isinstance(warnings, list) and all(isinstance(text, str) for text in warnings)
    if not (flags and numbers and texts):
        return False
    if result.get("failed"):
        error = result.get("error")
        return isinstance(result.get("msg"), str) and isinstance(error, dict) and isinstance(error.get("kind"), str) and "status" in result
    return "changed" in result


def _is_number(value: t.Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not (isinstance(value, float) and math.isnan(value))


def nonsense() -> ApiError:
    """Return the error for an answer that no module of this collection gives."""
    problem = "the managed host's answer makes no sense"
    return ApiError(PROTOCOL, problem, "check that host, or run the task on the controller with delegate_to: localhost", sent=True)
