# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API below ``/_emulator/``: what tests read and change."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .faults import Rule
from .served import Answer, Json, integer, json_answer
from .whm import Whm

if TYPE_CHECKING:
    from .app import World

PREFIX = "/_emulator/"


async def handle(world: World, request: web.BaseRequest) -> Answer:
    action = _ACTIONS.get((request.method, request.path[len(PREFIX) :].strip("/")))
    if action is None:
        return json_answer({"error": "no such control", "known": [" ".join(key) for key in _ACTIONS]}, 404)
    try:
        body = json.loads(await request.read() or b"{}")
        return json_answer(action(world, {**dict(request.query), **(body if isinstance(body, dict) else {"rules": body})}))
    except (ValueError, TypeError, KeyError) as error:
        return json_answer({"error": f"{type(error).__name__}: {error}"}, 400)


def _log(world: World, asked: Json) -> Any:
    return world.log.dump(integer(asked.get("since"), 0))


def _counts(world: World, _asked: Json) -> Json:
    counts = world.log.counts(list(world.systems))
    return {name: {**count, "otp_replays": world.systems[name].replays()} for name, count in counts.items()}


def _reset(world: World, _asked: Json) -> Json:
    world.reset()
    return {}


def _settings(world: World, asked: Json) -> Json:
    for name, values in asked.items():
        world.systems[name].change(values)
    return _show_settings(world, {})


def _show_settings(world: World, _asked: Json) -> Json:
    return {name: vars(system.settings) for name, system in world.systems.items()}


def _fault(world: World, asked: Json) -> Json:
    """A list of rules is added to the script; an object is one rule; an object without anything clears the script."""
    raw = asked.get("rules", [asked] if asked else None)
    if raw is None:
        world.script.rules.clear()
    else:
        world.script.rules.extend([Rule.parse(rule) for rule in raw])
    return _faults(world, {})


def _faults(world: World, _asked: Json) -> Json:
    return {"rules": [vars(rule) for rule in world.script.rules]}


def _revoke(world: World, asked: Json) -> Json:
    return {"revoked": world.systems[asked["system"]].revoke_all()}


def _clock(world: World, asked: Json) -> Json:
    if "offset" in asked:
        world.clock.offset = float(asked["offset"])
    return {"offset": world.clock.offset, "now": world.clock.now()}


def _hulk(world: World, asked: Json) -> Json:
    whm = world.systems["whm"]
    if not isinstance(whm, Whm):
        raise TypeError("whm is not WHM")
    if asked.get("clear"):
        whm.hulk.clear()
    return whm.hulk.counters()


_ACTIONS: dict[tuple[str, str], Callable[[World, Json], Any]] = {
    ("GET", "log"): _log,
    ("GET", "counts"): _counts,
    ("GET", "settings"): _show_settings,
    ("GET", "fault"): _faults,
    ("GET", "clock"): _clock,
    ("GET", "hulk"): _hulk,
    ("POST", "reset"): _reset,
    ("POST", "settings"): _settings,
    ("POST", "fault"): _fault,
    ("POST", "revoke"): _revoke,
    ("POST", "clock"): _clock,
    ("POST", "hulk"): _hulk,
}
