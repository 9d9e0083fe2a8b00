# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run nox sessions, two at a time, and count what they checked.

    python tools/sessions.py [CORE:]SESSION... [--alone SESSION...] [-- ARGUMENT...]

Sessions after ``--alone`` measure time: they run one by one when the others have finished. ``2.18:units`` runs on ansible-core 2.18.
The last line is ``N passed, N failed[, N skipped]``. A session that reports no check fails.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WITH_VENV = str(ROOT / "tools" / "with-venv")
MINUTES = 40  # a session that takes longer is stopped
TAIL = 100

# What a session's output must contain: each pattern at least once, or it fails. Each line that matches is one check that passed.
REPORTS = {
    "sanity": [r'^Running sanity test "'],
    "integration": [r"^Running \S+ integration test (?:role|script)"],
    "molecule": [r"verify: Executed: Successful"],
    "lint": [r"^[1-9]\d* files already formatted", r"no issues found in [1-9]\d* source files"],
    "docs": [r"^build succeeded\.$"],
    "docs-check": [r"^nox > antsibull-docs lint-collection-docs"],
    "ansible-lint": [r"Passed.*: 0 failure.* in [1-9]\d* files"],
    "license-check": [r"^\* Files with license information: [1-9]"],
    "extra-checks": [r"/no-unwanted-files\.py ", r"/action-groups\.py ", r"/no-trailing-whitespace\.py "],
    "build-import-check": [r"Importer processing completed successfully"],
    "package": [r"^checked: "],
    "ee": [r"^checked: "],
}
# The last line of pytest; ansible-test units prints one for each part of the tests.
PYTEST = re.compile(r"^(?:=+ )?((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s(?: \([\d:]+\))?(?: =+)?$", re.MULTILINE)
WORDS = {"xfailed": "passed", "xpassed": "failed", "error": "failed", "errors": "failed"}
REASON = re.compile(r"^(?:FAILED|ERROR|FATAL)\b|: error\b|\b(?:ERROR|WARNING|CRITICAL): |^nox > Command .* failed|fatal: \[")
COLOURS = ("FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS", "ANSIBLE_FORCE_COLOR")
"""Variables that make programs colour their output: colours would be between the words that are counted."""
_running: set[int] = set()


def count(session: str, output: str, exit_code: int) -> Counter[str]:
    """Return how many checks ``passed``, ``failed`` and were ``skipped`` according to the output of a session."""
    counts: Counter[str] = Counter(skipped=len(re.findall(r"^SKIPPED: ", output, re.MULTILINE)))
    if session in REPORTS:
        found = [len(re.findall(pattern, output, re.MULTILINE)) for pattern in REPORTS[session]]
        counts += Counter(passed=sum(found), failed=found.count(0))
    for summary in PYTEST.findall(output):
        for number, word in re.findall(r"(\d+) ([a-z]+)", summary):
            counts[WORDS.get(word, word)] += int(number)
    if exit_code and session in ("sanity", "integration"):
        # ansible-test names a test when it starts, so one that failed was counted as passed above.
        sanity = re.search(r"^(?:FATAL|ERROR): The (\d+) sanity test", output, re.MULTILINE)
        failed = min(int(sanity.group(1)) if sanity else 1, counts["passed"])
        counts.update(passed=-failed, failed=failed)
    if not counts["failed"] and (exit_code or not counts["passed"]):
        counts["failed"] = 1
    return counts


def log_of(name: str) -> Path:
    """Return the file with the output of ``[CORE:]SESSION``."""
    core, session = name.rpartition(":")[::2]
    return ROOT / ".build" / "logs" / (core or os.environ.get("APIAUTH_CORE") or "main") / f"{session}.log"


def reasons(name: str) -> list[str]:
    """Return the lines of a failed session's output that say what failed, at most five."""
    log = log_of(name)
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return [line.strip()[:200] for line in lines if REASON.search(line)][:5] or lines[-3:]


def closing_line(counts: Counter[str]) -> str:
    line = f"{counts['passed']} passed, {counts['failed']} failed"
    return f"{line}, {counts['skipped']} skipped" if counts["skipped"] else line


def run(name: str, arguments: list[str], echo: bool) -> Counter[str]:
    """Run one session with nox, write its output to .build/logs, and return its counts."""
    core, session = name.rpartition(":")[::2]
    env = {name: value for name, value in os.environ.items() if name not in COLOURS}
    env |= {"APIAUTH_CORE": core or os.environ.get("APIAUTH_CORE", ""), "NO_COLOR": "1"}  # Sphinx colours its output where CI is set
    if core and subprocess.run([WITH_VENV, "--python"], env=env, stdout=subprocess.DEVNULL, check=False).returncode == 1:
        print(f"--- {name}: NOT CHECKED, because the Python that this ansible-core needs is not installed", flush=True)
        return Counter(skipped=1)
    log = log_of(name)
    log.parent.mkdir(parents=True, exist_ok=True)
    # Two runs of the same session in one checkout would share a copy of the collection: the second one waits.
    with log.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        print(f"--- {name}: started", flush=True)
        started = time.monotonic()
        command = [WITH_VENV, "nox", "--noxfile", str(ROOT / "noxfile.py"), "--session", session, "--", *arguments]
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        assert process.stdout is not None
        _running.add(process.pid)
        timer = threading.Timer(MINUTES * 60, stop, [process.pid])
        timer.start()
        with log.open("wb", buffering=0) as file:
            while chunk := os.read(process.stdout.fileno(), 65536):
                file.write(chunk)
                if echo:
                    os.write(sys.stdout.fileno(), chunk)
        process.wait()
        timer.cancel()
        _running.discard(process.pid)
        output = log.read_text(errors="replace")
    counts = count(session, output, process.returncode)
    if counts["failed"] and not echo:
        print(f"--- the end of {log.relative_to(ROOT)}:", *output.splitlines()[-TAIL:], f"--- end of {name}", sep="\n")
    result = f"{'FAILED' if counts['failed'] else 'ok'} in {time.monotonic() - started:.0f} s: {closing_line(counts)}"
    print(f"--- {name}: {result}{', stopped' if process.returncode < 0 else ''}", flush=True)
    return counts


def stop(group: int) -> None:
    """End a session and everything it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
        time.sleep(2)
        os.killpg(group, signal.SIGKILL)


def split(words: list[str], mark: str) -> tuple[list[str], list[str]]:
    index = words.index(mark) if mark in words else len(words)
    return words[:index], words[index + 1 :]


def main(words: list[str]) -> int:
    names, arguments = split(words, "--")
    together, alone = split(names, "--alone")
    echo = len(together + alone) == 1
    with ThreadPoolExecutor(max_workers=2) as pool:
        try:
            results = list(pool.map(lambda name: run(name, arguments, echo), together))
            results += [pool.submit(run, name, arguments, echo).result() for name in alone]
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for group in list(_running):
                stop(group)
            raise
    print()
    for name, counts in zip(together + alone, results, strict=True):
        print(f"{name:<24}{'FAILED' if counts['failed'] else '':<8}{closing_line(counts)}")
        if counts["failed"]:
            print(*(f"    {line}" for line in reasons(name)), sep="\n")
    total: Counter[str] = sum(results, Counter())
    print(f"\n{closing_line(total)}", flush=True)
    return 0 if total["passed"] and not total["failed"] else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("interrupted")
