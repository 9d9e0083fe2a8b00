"""What a tool's output says about how much was checked. A step that checked nothing has failed."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def line(self) -> str:
        """The closing line of a run."""
        text = f"{self.passed} passed, {self.failed} failed"
        return f"{text}, {self.skipped} skipped" if self.skipped else text


PYTEST_SUMMARY = re.compile(r"^(?:=+ )?((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s(?: \([\d:]+\))?(?: =+)?$", re.MULTILINE)


def pytest(output: str, exit_code: int) -> Counts:
    """Sum over all runs of pytest in the output."""
    total = Counts()
    for summary in PYTEST_SUMMARY.findall(output):
        words = {word: int(number) for number, word in re.findall(r"(\d+) ([a-z]+)", summary)}
        total += Counts(
            passed=words.get("passed", 0) + words.get("xfailed", 0),
            failed=sum(words.get(word, 0) for word in ("failed", "error", "errors", "xpassed")),
            skipped=words.get("skipped", 0),
        )
    return at_least_one_failed(total, exit_code)


def sanity(output: str, exit_code: int) -> Counts:
    """ansible-test names each sanity test when it starts, and at the end how many failed."""
    started = len(re.findall(r'^Running sanity test "', output, re.MULTILINE))
    found = re.search(r"^(?:FATAL|ERROR): The (\d+) sanity test", output, re.MULTILINE)
    failed = int(found.group(1)) if found else 0
    return at_least_one_failed(Counts(passed=max(started - failed, 0), failed=failed), exit_code)


def integration(output: str, exit_code: int) -> Counts:
    """ansible-test stops at the first target that fails."""
    started = len(re.findall(r"^Running \S+ integration test (?:role|script)", output, re.MULTILINE))
    return Counts(passed=started) if exit_code == 0 else Counts(passed=max(started - 1, 0), failed=1)


def molecule(output: str, exit_code: int) -> Counts:
    """Each scenario ends with its own verification."""
    verified = len(re.findall(r"verify: Executed: Successful", output))
    return at_least_one_failed(Counts(passed=verified), exit_code)


def one(output: str, exit_code: int) -> Counts:
    """A command that is one check."""
    del output
    return Counts(passed=1) if exit_code == 0 else Counts(failed=1)


def at_least_one_failed(counts: Counts, exit_code: int) -> Counts:
    if exit_code != 0 and counts.failed == 0:
        counts.failed = 1
    return counts
