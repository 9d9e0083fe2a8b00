# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the callback `summary` learns what happened in all workers: each appends lines to a file whose path it inherits in its environment.

A result would not do: lookups have none, core shows every member of a result at `-v`, and core removes the hidden ones before callbacks see them.
"""

from __future__ import annotations

import json
import os
import typing as t

from ..module_utils.auth.events import CACHED_TOKEN, CALL, LOGIN, REFRESH, WAIT, Event, Observer, ignore

EVENTS_FILE = "APIAUTH_SUMMARY_EVENTS"
# These are no options of modules and lookups: the second is the option `file` of the callback.
VARIABLES = (EVENTS_FILE, "APIAUTH_SUMMARY_FILE")
# Kinds of errors that mean: the system did not let us.
REFUSALS = ("credentials", "forbidden", "rate_limited")


def observer(target: str) -> Observer:
    """Return what records the events at one system; nothing is recorded unless the callback is enabled.

    :param target: the system and its host, as messages name them.
    """
    path = os.environ.get(EVENTS_FILE)
    if not path:
        return ignore

    def record(event: Event) -> None:
        line = json.dumps({"target": target, **event._asdict()}) + "\n"
        try:
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
            try:
                # Lines of several processes do not mix: each is one write to a file opened for appending.
                os.write(file, line.encode())
            finally:
                os.close(file)
        except OSError:
            # A summary that lacks a line is better than a task that fails for it.
            pass

    return record


class SystemSummary:
    """What happened at one system on one host of it."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.logins = self.failed_logins = self.cached_tokens = self.refreshes = self.calls = self.failed_calls = self.refused = 0
        self.waited = 0.0
        self.slowest_call: dict[str, t.Any] | None = None

    def add(self, event: Event) -> None:
        """Count an event."""
        self.refused += event.error in REFUSALS
        if event.name == LOGIN:
            self.logins += 1
            self.failed_logins += bool(event.error)
        elif event.name == REFRESH:
            self.refreshes += 1
        elif event.name == CACHED_TOKEN:
            self.cached_tokens += 1
        elif event.name == WAIT:
            self.waited += event.seconds
        elif event.name == CALL:
            self.calls += 1
            self.failed_calls += bool(event.error)
            if self.slowest_call is None or event.seconds > self.slowest_call["seconds"]:
                self.slowest_call = {"call": event.call, "seconds": round(event.seconds, 3)}

    def as_dict(self) -> dict[str, t.Any]:
        """Return the counts by name; `waited` and `slowest_call.seconds` are in seconds."""
        return {**vars(self), "waited": round(self.waited, 3)}


def read_summaries(path: str) -> list[SystemSummary]:
    """Return a summary for each system in a file of events, sorted by name. Raises `OSError`; lines that are cut are left out."""
    summaries: dict[str, SystemSummary] = {}
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                fields = json.loads(line)
                target = fields.pop("target")
                summaries.setdefault(target, SystemSummary(target)).add(Event(**fields))
            except (ValueError, TypeError, KeyError, AttributeError):
                continue
    return [summaries[target] for target in sorted(summaries)]


def as_table(summaries: t.Sequence[SystemSummary]) -> str:
    """Return the summaries as a table with one line for each system."""
    heads = ("system", "logins", "cached tokens", "refreshes", "calls", "failed", "refused", "waited", "slowest call")
    rows: list[tuple[str, ...]] = [heads]
    for summary in summaries:
        slowest = summary.slowest_call
        counts = (summary.logins, summary.cached_tokens, summary.refreshes, summary.calls, summary.failed_logins + summary.failed_calls, summary.refused)
        last = f"{slowest['seconds']:.3f} s {slowest['call']}" if slowest else "-"
        rows.append((summary.target, *map(str, counts), f"{summary.waited:.1f} s", last))
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    # Names to the left, numbers to the right.
    return "\n".join(
        "  ".join(
            text.ljust(width) if column in (0, len(heads) - 1) else text.rjust(width) for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
