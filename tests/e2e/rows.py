# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of tasks: one playbook runs all rows, and one test each judges the result of a row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from e2e.cases import CREDENTIALS, LOOKUPS, NAMESPACE, QUICK, READS, lookup, minted
from e2e.stage import REMOTE, Run
from emulator.accounts import accounts
from emulator.client import Emulator

# A lookup, a module on the controller, the same with `calls`, and a module on another host.
WAYS = ("lookup", "here", "calls", "remote")
MODULE_WAYS = WAYS[1:]
# Requests to addresses below this path are counted as sent by a task that must send nothing.
NEVER = "never-asked"
PYTHON_ERRORS = ("Traceback", "Unhandled exception", "NoneType", "object has no attribute", "KeyError", "TypeError", "ValueError", "IndexError",
                 "out of range", "Unexpected failure", "<class", "not iterable", "not subscriptable", "unhashable", "invalid literal")  # fmt: skip
# What ansible-core before 2.19 adds to the message of every lookup that fails.
CORES_OWN = re.compile(r"An unhandled exception occurred while running the lookup plugin '[\w.]+'\. Error was a <class 'ansible\.errors\.AnsibleError'>, ")


@dataclass(frozen=True)
class Row:
    """A task and what must come of it.

    `options` are arguments, `variables` are variables of the task, `environment` is the environment of the task (modules only). `<vss>` in a text
    stands for the emulator's address of VSS. `kind` is the kind of error (empty: the task succeeds); `words` are regular expressions, and each must
    match the message.
    """

    name: str
    way: str
    system: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    variables: Mapping[str, Any] = field(default_factory=dict, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    call: Mapping[str, Any] | None = None
    kind: str = ""
    words: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.system} {self.way}: {self.name}"

    @property
    def marker(self) -> str:
        """What finds this row's call in the log of the emulator."""
        return re.sub(r"\W+", "-", self.title)

    def task(self, emulator: Emulator) -> dict[str, Any]:
        """The task, whose errors are ignored."""
        made = self._task()
        variables = {**made.pop("vars", {}), **self.variables}
        whole = {**made, "vars": variables, "ignore_errors": True, **({"environment": dict(self.environment)} if self.environment else {})}
        resolved: dict[str, Any] = with_addresses(whole, emulator)
        return resolved

    def _task(self) -> dict[str, Any]:
        if self.way == "lookup":
            return lookup(self.title, LOOKUPS[self.system], {**self._quick(), **minted(self.system), **self.options})
        call = marked_call(self.system, self.marker) if self.call is None else self.call
        arguments = {**self._quick(), **self.options, **({"calls": [dict(call)]} if self.way == "calls" else call)}
        return {"name": self.title, f"{NAMESPACE}.{self.system}_api": arguments, **({"vars": dict(REMOTE)} if self.way == "remote" else {})}

    def _quick(self) -> dict[str, Any]:
        """No waiting, unless the row itself says something about it."""
        said = {*self.variables, *(name.lower() for name in self.environment)}
        return {name: value for name, value in QUICK.items() if f"apiauth_{name}" not in said}


def marked_call(system: str, marker: str) -> dict[str, Any]:
    """A call that reads, with a parameter that the system ignores and the log shows."""
    return {**READS[system], "query" if system in ("netography", "vss") else "params": {"marker": marker}}


def with_addresses(value: Any, emulator: Emulator) -> Any:
    """The value with `<system>` replaced by the address of the system."""
    if isinstance(value, str):
        for system in LOOKUPS:
            value = value.replace(f"<{system}>", emulator.url(system))
        return value
    if isinstance(value, Mapping):
        return {key: with_addresses(item, emulator) for key, item in value.items()}
    if isinstance(value, list):
        return [with_addresses(item, emulator) for item in value]
    return value


def known_variables(emulator: Emulator, *systems: str) -> dict[str, Any]:
    """Variables of accounts; WHM's is a token, so that it works from every host."""
    found: dict[str, Any] = {}
    for system in systems or LOOKUPS:
        names = ("username", "token") if system == "whm" else CREDENTIALS[system]
        given = {**{name: accounts()[system][name] for name in names}, "api_url": f"<{system}>"}
        found |= {f"{system}_{name}": value for name, value in given.items()}
    resolved: dict[str, Any] = with_addresses(found, emulator)
    return resolved


def never(system: str, row: str) -> str:
    """An address below which nothing may be requested."""
    return f"<{system}>/{NEVER}/{re.sub(r'[^A-Za-z0-9]+', '-', row)}"


@dataclass(frozen=True)
class Played:
    """The run of a table and the emulator's log of it."""

    run: Run
    log: list[dict[str, Any]] = field(repr=False)

    def message(self, row: Row) -> str:
        return CORES_OWN.sub("", str(self.run.result(row.title).get("msg", "")))

    def error(self, row: Row) -> dict[str, Any]:
        """The `error` of the result, or of the only one of `calls`."""
        result = self.run.result(row.title)
        first = (result.get("results") or [{}])[0]
        found: dict[str, Any] = result.get("error") or (first.get("error") if isinstance(first, dict) else None) or {}
        return found

    def call(self, row: Row) -> dict[str, Any]:
        """The request that this row's call sent last."""
        found = [record for record in self.log if row.marker in record["body"] + str(record["query"])]
        assert found, f"{row.title} has sent no call: {self.message(row)}"
        return found[-1]

    def login(self, row: Row) -> dict[str, Any] | None:
        """The login directly before this row's call, if there was one."""
        before = [record for record in self.log if record["number"] == self.call(row)["number"] - 1]
        return before[0] if before and before[0]["login"] else None

    def sent_nothing(self) -> list[str]:
        """The paths of requests that must not have been sent."""
        return [record["path"] for record in self.log if NEVER in record["path"]]

    def check(self, row: Row) -> None:
        """The row has succeeded, or failed with its kind and words and without Python's own words."""
        message = self.message(row)
        if not row.kind:
            assert not self.run.failed(row.title), message
            return
        assert self.run.failed(row.title), f"has not failed: {self.run.result(row.title)}"
        problems = [f"no {word!r}" for word in row.words if not re.search(word, message, re.IGNORECASE)]
        problems += [f"says {word!r}" for word in PYTHON_ERRORS if word in message]
        if row.way != "lookup" and (self.error(row).get("kind") or "") not in row.kind.split("|"):
            problems.append(f"kind {self.error(row).get('kind')}, not {row.kind}")
        asked = [record["path"] for record in self.log if f"{NEVER}/{re.sub(r'[^A-Za-z0-9]+', '-', row.title)}/" in record["path"] + "/"]
        problems += [f"sent {path}" for path in asked]
        assert not problems, f"{', '.join(problems)}: {message}"


def by_way(ways: Iterable[str], name: str, system: str, *args: Any, **more: Any) -> list[Row]:
    """The same row for several ways."""
    return [Row(name, way, system, *args, **more) for way in ways]
