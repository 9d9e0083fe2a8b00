# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make bench``: the speed promises, measured over HTTPS with a private CA. Prints tables, and writes the figures as JSON."""

from __future__ import annotations

import argparse
import json
import operator
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from emulator.client import Emulator

from bench.arithmetic import Bar, Kind, Round, Spent, typical
from bench.plays import many_calls, many_requests, plays
from bench.runner import COLLECTION, CORES, RunError, Runner

FORBIDDEN = ("requests", "urllib3", "jwt", "redis", "ssl")
CONCURRENCY = (1, 4, 16)
DELAY = 0.02
# How many calls a playbook makes for which whole runs are compared, start included.
WHOLE = 200
BARE = "requests alone"


def tasks_of_hosts(runner: Runner, hosts: int, rounds: int) -> tuple[list[Round], dict[str, Kind]]:
    """Every kind of run in turn, so that all of them meet the same weather."""
    known = plays(runner, hosts)
    books = {name: runner.playbook(f"play{number}", play.tasks()) for number, (name, play) in enumerate(known.items())}
    starts = {play.start: name for name, play in known.items()}
    # Fills the cache, and the bytecode caches of what has one.
    for name, play in known.items():
        runner.run(books[name], min(play.hosts, 2))
    found: list[Round] = []
    for number in range(rounds):
        one: dict[str, Spent] = {}
        for start, name in starts.items():
            one[start] = runner.run(books[name], known[name].hosts, start_only=True, known_ca=known[name].known_ca)
        for name, play in known.items():
            one[name] = runner.run(books[name], play.hosts, known_ca=play.known_ca)
        found.append(one)
        say(f"round {number + 1} of {rounds}", end="\r" if number + 1 < rounds else "\n")
    return found, {name: Kind(name, play.start, play.count) for name, play in known.items()}


def tasks_of_calls(runner: Runner, calls: int, rounds: int, delay: float) -> list[dict[str, Any]]:
    """Seconds above the start of one task with many calls, for each concurrency, and of as many requests by a bare pool of threads."""
    tasks = {str(concurrency): many_calls(calls, concurrency) for concurrency in CONCURRENCY}
    tasks[BARE] = many_requests(runner, calls, max(CONCURRENCY))
    books = {name: runner.playbook(f"calls{number}", each) for number, (name, each) in enumerate(tasks.items())}
    if delay:
        runner.emulator.fault({"system": "rackcorp", "action": "delay", "delay": delay, "times": None, "match": {"login": False}})
    found: list[Round] = []
    for _number in range(rounds):
        one = {"start": runner.run(books[BARE], 1, start_only=True)}
        one.update({name: runner.run(book, 1) for name, book in books.items()})
        found.append(one)
    runner.emulator.clear_faults()
    rows, bare = [], Kind(BARE, "start", calls)
    for name in books:
        spent = typical([{"task": one[name].without(one["start"])} for one in found], lambda one: one["task"])
        rate = typical([{"bare": bare.cost(one), "task": Kind(name, "start", calls).cost(one)} for one in found], lambda one: one["bare"].over(one["task"]))
        rows.append({"calls": calls, "delay": delay, "concurrency": name, **asdict(spent), "per_second": calls / spent.wall, "rate_of_bare": rate.wall})
    return rows


def cached_hit(runner: Runner) -> dict[str, Any]:
    variables = runner.root / "variables.json"
    variables.write_text(json.dumps(runner.variables))
    return dict(json.loads(runner.measured([sys.executable, str(Path(__file__).parent / "hit.py"), str(variables)])[1]))


def measured(runner: Runner, arguments: argparse.Namespace) -> dict[str, Any]:
    began = time.time()
    rounds, kinds = tasks_of_hosts(runner, arguments.hosts, arguments.rounds)
    costs = {name: typical(rounds, kind.cost) for name, kind in kinds.items()}

    def ratio(name: str, other: str) -> Spent:
        return typical(rounds, lambda one: kinds[name].cost(one).over(kinds[other].cost(one)))

    def difference(name: str, other: str) -> Spent:
        return typical(rounds, lambda one: kinds[name].cost(one).without(kinds[other].cost(one)))

    def whole(name: str, other: str) -> Spent:
        """Compare whole runs of `WHOLE` calls, start included, worked out from the start and the cost of one call."""

        def run(one: Round, kind: Kind) -> Spent:
            start, each = one[kind.start], kind.cost(one)
            return Spent(start.wall + each.wall * WHOLE / 1000, start.cpu + each.cpu * WHOLE / 1000)

        return typical(rounds, lambda one: run(one, kinds[name]).over(run(one, kinds[other])))

    figures = {
        "call / requests alone, given token": ratio("call, given token, known CA", "requests alone, known CA"),
        "call / requests alone, cached JWT": ratio("call, cached JWT, known CA", "requests alone, known CA"),
        "call / debug, given token": ratio("call, given token", "debug"),
        "call / debug, cached JWT": ratio("call, cached JWT", "debug"),
        "call / debug, cached JWT, known CA": ratio("call, cached JWT, known CA", "debug"),
        "requests alone / debug": ratio("requests alone, known CA", "debug"),
        "uri / call, given token": ratio("uri", "call, given token"),
        "uri / call, cached JWT": ratio("uri", "call, cached JWT"),
        f"uri / call, a whole run of {WHOLE}": whole("uri", "call, cached JWT"),
        "lookup over env": difference("lookup rackcorp_jwt", "lookup env"),
        "lookup over env, in company": difference("lookup rackcorp_jwt, in company", "lookup env, in company"),
    }
    hit = cached_hit(runner)
    calls = tasks_of_calls(runner, arguments.calls, arguments.rounds, 0.0)
    if arguments.delayed:
        # Waiting does not vary, so one round says it.
        calls += tasks_of_calls(runner, arguments.calls, 1, DELAY)
    starts = {name: typical(rounds, operator.itemgetter(name)) for name in sorted({kind.start for kind in kinds.values()})}
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
        "cores": CORES,
        "rounds": arguments.rounds,
        "hosts": arguments.hosts,
        "start_seconds": {name: asdict(spent) for name, spent in starts.items()},
        "host_milliseconds": {name: asdict(spent) for name, spent in costs.items()},
        "figures": {name: asdict(spent) for name, spent in figures.items()},
        "hit": hit,
        "calls": calls,
    }


def bars(found: dict[str, Any]) -> list[Bar]:
    """The promises. They are about the clock; what processors spent stands beside."""
    figures, hit = found["figures"], found["hit"]
    most = next(one for one in found["calls"] if not one["delay"] and one["concurrency"] == str(max(CONCURRENCY)))
    heavy = [name for name in hit["imported"] if name.partition(".")[0] in FORBIDDEN]
    return [
        Bar("call / requests alone, given token", figures["call / requests alone, given token"]["wall"], 1.2),
        Bar("call / requests alone, cached JWT", figures["call / requests alone, cached JWT"]["wall"], 1.3),
        Bar("uri / call, given token", figures["uri / call, given token"]["wall"], 10, at_least=True),
        Bar("cached lookup over lookup('env')", figures["lookup over env"]["wall"], 12, "ms"),
        Bar("the same, an action of ours in the play", figures["lookup over env, in company"]["wall"], 7, "ms"),
        Bar(f"{most['calls']} calls of one task, rate / bare pool of {most['concurrency']} threads", most["rate_of_bare"], 0.6, at_least=True),
        Bar("a hit, once its code is loaded", hit["second"], 1, "ms"),
        Bar(f"of {', '.join(FORBIDDEN)}, a hit imports", len(heavy), 0),
    ]


def show(found: dict[str, Any], promises: Sequence[Bar]) -> None:
    say(f"{found['hosts']} hosts, {found['cores']} forks, HTTPS with a private CA, medians of {found['rounds']} rounds; start-up is subtracted\n")
    table(("a run that does nothing", "wall s", "CPU s"), [(name, *both(spent, 2)) for name, spent in found["start_seconds"].items()])
    table(("one task on one host", "wall ms", "CPU ms"), [(name, *both(spent, 1)) for name, spent in found["host_milliseconds"].items()])
    table(("compared, round by round", "wall", "CPU"), [(name, *both(spent, 2)) for name, spent in found["figures"].items()])
    hit = found["hit"]
    rows = [("load the plugin", hit["load"]), ("first use", hit["first"]), ("second use", hit["second"])]
    table(("a cached lookup inside a worker", "CPU ms"), [(name, f"{value:.2f}") for name, value in rows])
    say(f"  {len(hit['imported'])} modules are imported for it\n")
    table(
        ("calls of one task", "server's delay ms", "at a time", "wall s", "CPU s", "calls/s", "of bare"),
        [
            (
                one["calls"],
                f"{1000 * one['delay']:.0f}",
                one["concurrency"],
                *both(one, 2),
                f"{one['per_second']:.0f}",
                f"{one['rate_of_bare']:.2f}",
            )
            for one in found["calls"]
        ],
    )
    rows_of_bars = []
    for promise in promises:
        limit = f"{'>=' if promise.at_least else '<='} {promise.limit:g} {promise.unit}".rstrip()
        rows_of_bars.append((promise.what, f"{promise.found:.2f}", limit, "met" if promise.met else "NOT MET"))
    table(("promise", "found", "bar", ""), rows_of_bars)


def both(spent: dict[str, float], digits: int) -> tuple[str, str]:
    return f"{spent['wall']:.{digits}f}", f"{spent['cpu']:.{digits}f}"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    cells = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        say("  " + "   ".join(cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(zip(row, widths, strict=True))))
    say()


def say(text: str = "", end: str = "\n") -> None:
    print(text, end=end, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--no-delayed", dest="delayed", action="store_false", help="leave out the calls to a slow server")
    parser.add_argument("--json", type=Path, default=COLLECTION / "tests" / "output" / "bench.json")
    arguments = parser.parse_args()
    # So that an end from outside ends what was started here too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with tempfile.TemporaryDirectory(prefix="apiauth-bench-") as root, Emulator() as emulator:
            found = measured(Runner(Path(root), emulator), arguments)
    except (RunError, ValueError) as error:
        say(f"bench: {error}")
        return 2
    except KeyboardInterrupt:
        return 130
    promises = bars(found)
    show(found, promises)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps({**found, "bars": [{**asdict(promise), "met": promise.met} for promise in promises]}, indent=2) + "\n")
    say(f"The figures are in {arguments.json}.")
    return 0 if all(promise.met for promise in promises) else 1


if __name__ == "__main__":
    sys.exit(main())
