# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a task's arguments to calls: what is asked for, whether it changes anything, all of it checked before anything is sent."""

from __future__ import annotations

import typing as t
from difflib import get_close_matches

from ..errors import ApiError, configuration_error
from ..model import Call
from ..options import CALLS, Option, Options

if t.TYPE_CHECKING:
    from ..providers.base import Provider

Convert = t.Callable[[Option, t.Any], t.Any]


def plan_calls(provider: Provider, values: Options, convert: Convert) -> list[Call]:
    """Return the calls that a task asks for.

    :param values: the resolved options of the task.
    :param convert: returns a value in the type of its option, or raises a configuration error; used for the items of `calls`.
    :raises ApiError: of kind `configuration`.
    """
    if values.get("calls") is None:
        return [_plan(provider, values)]
    given = [option.name for option in provider.call_options if not option.per_call and values.get(option.name) not in (None, option.default)]
    given += ["dest"] if values.get("dest") else []
    if given:
        raise configuration_error(f"calls replaces {', '.join(given)}", "give one or the other")
    if not values["calls"]:
        raise configuration_error("calls is empty", "give at least one call")
    return [_plan_item(provider, values, number, item, convert) for number, item in enumerate(values["calls"], 1)]


def _plan_item(provider: Provider, values: Options, number: int, item: t.Any, convert: Convert) -> Call:
    known = {option.name: option for option in (*provider.call_options, *(option for option in CALLS if option.per_call))}
    if not isinstance(item, dict):
        raise configuration_error(f"call {number} must be a dictionary", "correct the list")
    unknown = sorted(str(name) for name in set(item) - set(known))
    if unknown:
        close = get_close_matches(unknown[0], known, 1, 0.5)
        hint = f"did you mean {close[0]}?" if close else f"it takes {', '.join(sorted(known))}"
        raise configuration_error(f"call {number} has no option {', '.join(unknown)}", hint)
    defaults = {name: option.default for name, option in known.items() if not option.per_call}
    try:
        own = {name: convert(known[name], value) for name, value in item.items() if value is not None}
        return _plan(provider, Options({**values, **defaults, **own}))
    except ApiError as error:
        raise error.replace(problem=f"call {number}: {error.problem}") from None


def _plan(provider: Provider, values: Options) -> Call:
    """Return the call with what the user said about it. One that may change something gets no arguments for paging that the user did not give."""
    call, mutates = provider.plan(values), values.get("mutates", "auto")
    read_only = call.read_only if mutates == "auto" else mutates == "false"
    as_text = bool(values.get("as_text") or values.get("dest"))
    call = call._replace(read_only=read_only, all_pages=bool(values.get("all_pages")), as_text=as_text)
    return provider.first_page(call) if call.all_pages and read_only else call
