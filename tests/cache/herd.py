# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many real processes at once: forked, held at a barrier, let go together, each with an answer of its own."""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache import store
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError

Work = Callable[[int], Any]


@dataclass
class Answer:
    """What one process ended with. ``crash`` is the traceback of what must never happen; all is empty for a killed one."""

    number: int
    value: Any = None
    kind: str = ""
    error: str = ""
    crash: str = ""
    seconds: float = 0.0
    ended: float = 0.0
    dead: bool = False
    warnings: list[str] = field(default_factory=list)


class Herd:
    """``n`` processes that do ``work(number)``. A context manager: none of them outlives it."""

    def __init__(self, n: int, work: Work) -> None:
        self._files = Path(tempfile.mkdtemp(prefix="herd-"))
        # Some of them become another user.
        self._files.chmod(0o777)
        gate, self._opener = os.pipe()
        self.pids = [self._forked(number, work, gate) for number in range(n)]
        os.close(gate)
        self._waiting = dict(zip(self.pids, range(n), strict=True))

    def _forked(self, number: int, work: Work, gate: int) -> int:
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.close(self._opener)
            os.read(gate, 1)
            (self._files / f"{number}.new").write_bytes(pickle.dumps(performed(number, work)))
            (self._files / f"{number}.new").rename(self._files / str(number))
            status = 0
        finally:
            os._exit(status)

    def go(self) -> Herd:
        """Open the barrier."""
        os.close(self._opener)
        self._opener = -1
        return self

    def answers(self, seconds: float = 60.0) -> list[Answer]:
        """All answers, in the order of the processes. Fails when one has not ended in time."""
        if self._opener != -1:
            self.go()
        deadline = time.monotonic() + seconds
        while self._waiting and time.monotonic() < deadline:
            for pid in [one for one in self._waiting if os.waitpid(one, os.WNOHANG)[0]]:
                del self._waiting[pid]
            time.sleep(0.005)
        late = len(self._waiting)
        self.close()
        assert not late, f"{late} processes had not ended after {seconds:g} seconds"
        found = [self._answer(number) for number in range(len(self.pids))]
        shutil.rmtree(self._files)
        return found

    def _answer(self, number: int) -> Answer:
        try:
            answer: Answer = pickle.loads((self._files / str(number)).read_bytes())
        except FileNotFoundError:
            return Answer(number, dead=True)
        return answer

    def kill(self, number: int, how: signal.Signals = signal.SIGKILL) -> None:
        os.kill(self.pids[number], how)

    def close(self) -> None:
        if self._opener != -1:
            os.close(self._opener)
            self._opener = -1
        for pid in self._waiting:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self._waiting = {}

    def __enter__(self) -> Herd:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
        shutil.rmtree(self._files, ignore_errors=True)


def performed(number: int, work: Work) -> Answer:
    """Do the work in this process."""
    answer, began = Answer(number), time.monotonic()
    warnings.clear()
    store._given.clear()
    try:
        answer.value = work(number)
    except ApiError as error:
        answer.kind, answer.error = error.kind, str(error)
    except BaseException:
        answer.crash = traceback.format_exc()
    answer.seconds, answer.ended = time.monotonic() - began, time.monotonic()
    answer.warnings = list(warnings)
    return answer


# What the process at hand was warned of.
warnings: list[str] = []


class _Warnings(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        warnings.append(record.getMessage())


logging.getLogger("apiauth.tokens").addHandler(_Warnings(logging.WARNING))


def herd(n: int, work: Work, seconds: float = 60.0) -> list[Answer]:
    """Let ``n`` processes work at once."""
    with Herd(n, work) as processes:
        return processes.go().answers(seconds)


def slack(n: int) -> float:
    """Seconds beyond a promise that this machine may take, as busy as it is just now: what so many processes need for next to nothing.

    Half a second at least; promises are about waiting, not about how fast a machine starts processes.
    """
    began = time.monotonic()
    herd(n, lambda _number: None)
    return max(0.5, 3 * (time.monotonic() - began))


def sound(answers: Sequence[Answer]) -> Sequence[Answer]:
    """The same answers, after a look that no process ended with anything but a value or an error of ours."""
    crashes = [one.crash for one in answers if one.crash]
    assert not crashes, crashes[0]
    return answers


def values(answers: Sequence[Answer]) -> list[Any]:
    """What the processes returned; all must have succeeded."""
    errors = [one.error or "dead" for one in sound(answers) if one.error or one.dead]
    assert not errors, f"{len(errors)} of {len(answers)} failed: {errors[0]}"
    return [one.value for one in answers]


def errors(answers: Sequence[Answer]) -> set[str]:
    """The different errors of processes that must all have failed."""
    assert all(one.error for one in sound(answers)), f"{sum(not one.error for one in answers)} of {len(answers)} did not fail"
    return {one.error for one in answers}


def one_warning(answers: Sequence[Answer], *words: str, each: bool = False) -> None:
    """One of the processes was warned, in these words; or each of them, where none can know of the others."""
    told = [one for answer in answers for one in answer.warnings]
    assert len(told) == (len(answers) if each else 1), told
    assert all(word in one for word in words for one in told), told
