# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plays that are measured.

No filter is used in them: the first one of a worker loads every filter plugin there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.runner import MEASURED, Runner

Task = Mapping[str, Any]


@dataclass(frozen=True)
class Play:
    """Tasks that each host runs `times` times.

    `company`: an action of ours is in the play, so the parent of all workers has loaded it. `known_ca`: it also knows the CA, from its environment.
    """

    name: str
    task: Task
    hosts: int
    times: int = 1
    company: bool = False
    known_ca: bool = False

    @property
    def count(self) -> int:
        return self.hosts * self.times

    @property
    def start(self) -> str:
        return f"start of {self.hosts} hosts{' with an action of ours' if self.company else ''}{' and a known CA' if self.known_ca else ''}"

    def tasks(self) -> list[Task]:
        measured: list[Task] = [{**self.task, "tags": [MEASURED]}] * self.times
        # Belongs to the start: for its one host the action is loaded, and does nothing.
        company: Task = {"apiauth.tokens.rackcorp_api": {"cmd": "device.getall"}, "when": False, "run_once": True}
        return [company, *measured] if self.company else measured


def plays(runner: Runner, hosts: int) -> dict[str, Play]:
    token = runner.token()
    # One device: what is long to show is long for `debug` too, and stands beside as a list of 45.
    call = {"cmd": "device.get", "params": {"deviceId": 5001}}
    request = by_hand(runner, token, {"cmd": "device.get", "deviceId": 5001})
    uri = {**request, "method": "POST", "body_format": "json", "ca_path": runner.variables["apiauth_ca_path"]}
    env = {"debug": {"msg": "{{ lookup('env', 'HOME') }}"}}
    jwt = {"debug": {"msg": "{{ lookup('apiauth.tokens.rackcorp_jwt') }}"}}
    found = (
        Play("debug", {"debug": {"msg": "a text"}}, hosts, 2),
        Play("call, given token", {"apiauth.tokens.rackcorp_api": {**call, "token": token}}, hosts, 2, company=True),
        Play("call, given token, known CA", {"apiauth.tokens.rackcorp_api": {**call, "token": token}}, hosts, 2, company=True, known_ca=True),
        Play("call, cached JWT", {"apiauth.tokens.rackcorp_api": call}, hosts, 2, company=True),
        Play("call, cached JWT, known CA", {"apiauth.tokens.rackcorp_api": call}, hosts, 2, company=True, known_ca=True),
        Play("call, cached JWT, 45 devices", {"apiauth.tokens.rackcorp_api": {"cmd": "device.getall"}}, hosts, 2, company=True),
        Play("requests alone, known CA", {"requests_alone": request}, hosts, 2),
        Play("uri", {"ansible.builtin.uri": uri}, max(2, hosts // 12)),
        Play("lookup env", env, hosts, 2),
        Play("lookup rackcorp_jwt", jwt, hosts, 2),
        Play("lookup env, in company", env, hosts, 2, company=True),
        Play("lookup rackcorp_jwt, in company", jwt, hosts, 2, company=True),
    )
    return {one.name: one for one in found}


def by_hand(runner: Runner, token: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call at RackCorp as the arguments of what has no collection: an address, a body and headers."""
    return {"url": f"{runner.variables['rackcorp_api_url']}/json.php", "body": body, "headers": {"Authorization": f"Bearer {token}"}}


def many_calls(calls: int, concurrency: int) -> list[Task]:
    """One task of many calls."""
    return Play("calls", {"apiauth.tokens.rackcorp_api": {"calls": [{"cmd": "device.getall"}] * calls, "concurrency": concurrency}}, 1, company=True).tasks()


def many_requests(runner: Runner, calls: int, threads: int) -> list[Task]:
    """One task of the same calls by `requests` alone, in a pool of threads."""
    request = by_hand(runner, runner.token(), {"cmd": "device.getall"})
    return Play("requests", {"requests_alone": {**request, "calls": calls, "threads": threads}}, 1, company=True).tasks()
