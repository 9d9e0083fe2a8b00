"""Run the project's checks.

    tools/with-venv python tools/checks             all of them, two at a time
    tools/with-venv python tools/checks --cores     those that are run on every ansible-core
    tools/with-venv python tools/checks NAME...     these
    tools/with-venv python tools/checks NAME -- ARGUMENT...     one, with more arguments for its tool

The last line is ``N passed, N failed``, and the exit status says the same.
"""

from __future__ import annotations

import concurrent.futures
import os
import re
import signal
import sys
import time

import tree
from counts import Counts
from job import Job, stop_all
from steps import STEPS, Step

TAIL = 150
NOISE = re.compile(
    r"\s*(WARNING: Location |Looking in |Collecting |Downloading |Processing |Using cached |Requirement already |Installing |Successfully installed |\S*━|$)"
)


def main(arguments: list[str]) -> int:
    names, extra = split(arguments)
    by_name = {step.name: step for step in STEPS}
    if names == ["--help"]:
        print(__doc__)
        for step in STEPS:
            print(f"  {step.name:<12} {step.about}")
        return 0
    if names == ["--cores"]:
        chosen = [step for step in STEPS if step.cores]
    elif not names:
        chosen = [step for step in STEPS if not step.named]
    elif unknown := sorted(set(names) - set(by_name)):
        print(f"no such step: {', '.join(unknown)}. There are: {', '.join(by_name)}", file=sys.stderr)
        return 2
    else:
        chosen = [by_name[name] for name in names]
    flavour = os.environ.get("APIAUTH_CORE") or "main"
    echo = len(chosen) == 1
    started = time.monotonic()
    jobs = run(chosen, [Job(step.name, flavour, extra, echo) for step in chosen])
    report(jobs, flavour, time.monotonic() - started)
    total = sum((job.done for job in jobs), Counts())
    (tree.BUILD / "logs" / flavour / "total").write_text(f"{total.passed} {total.failed} {total.skipped}\n")
    print(total.line(), flush=True)
    return 0 if total.failed == 0 and total.passed > 0 else 1


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in arguments:
        return arguments, []
    index = arguments.index("--")
    return arguments[:index], arguments[index + 1 :]


def run(steps: list[Step], jobs: list[Job]) -> list[Job]:
    """Two at a time, and those that measure time one after the other when the others are done."""
    pairs = list(zip(steps, jobs, strict=True))
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        try:
            list(pool.map(perform, [pair for pair in pairs if not pair[0].alone]))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            stop_all()
            raise
    for pair in pairs:
        if pair[0].alone:
            perform(pair)
    return jobs


def perform(pair: tuple[Step, Job]) -> None:
    step, job = pair
    print(f"--- {step.name}: {step.about}", flush=True)
    job.perform(step.action)
    if job.echo:
        return
    lines = [f"--- {step.name}: {verdict(job)} in {job.seconds:.0f} s"]
    if not job.ok:
        log = [line for line in job.log.read_text().splitlines() if not NOISE.match(line)]
        lines += [f"--- the end of {job.log}:", *log[-TAIL:], f"--- end of {step.name}"]
    print("\n".join(lines), flush=True)


def verdict(job: Job) -> str:
    return "ok" if job.ok else "FAILED"


def report(jobs: list[Job], flavour: str, seconds: float) -> None:
    print(f"\n{'step':<14}{'':<10}{'passed':>8}{'failed':>8}{'skipped':>9}{'time':>8}   ({flavour})")
    for job in jobs:
        numbers = f"{job.done.passed:>8}{job.done.failed:>8}{job.done.skipped:>9}{job.seconds:>6.0f} s"
        print(f"{job.name:<14}{verdict(job):<10}{numbers}   {job.note}".rstrip())
    print(f"{'all':<14}{'':<35}{seconds:>6.0f} s\n")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("interrupted")
