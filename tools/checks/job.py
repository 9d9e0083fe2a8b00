"""A step while it runs: its log, its commands, its counts."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import counts
import tree
from counts import Counts

Counter = Callable[[str, int], Counts]
Environment = Mapping[str, str]


class StepFailed(Exception):
    """The step cannot go on. What it has to say is for the reader of the table."""


@dataclass
class Job:
    name: str
    flavour: str
    """Keeps the copies and logs of different ansible-cores apart."""
    arguments: Sequence[str] = ()
    echo: bool = False
    done: Counts = field(default_factory=Counts)
    seconds: float = 0.0
    note: str = ""

    @property
    def log(self) -> Path:
        return tree.BUILD / "logs" / self.flavour / f"{self.name}.log"

    @property
    def ok(self) -> bool:
        return self.done.failed == 0 and self.done.passed > 0

    def perform(self, action: Callable[[Job], None]) -> None:
        """Run the step to its end, whatever happens in it."""
        started = time.monotonic()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self.turn():
                action(self)
        except StepFailed as error:
            self.done.failed += 1
            self.say(f"{self.name}: {error}")
            self.note = str(error).splitlines()[0]
        except Exception as error:
            self.done.failed += 1
            self.say(traceback.format_exc())
            self.note = f"{type(error).__name__}: {error}".splitlines()[0]
        self.seconds = time.monotonic() - started
        if self.done.passed == 0 and self.done.failed == 0:
            self.done.failed = 1
            self.note = "it checked nothing"

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Of several runs at once in this checkout, the same step waits for its turn: they would share a copy."""
        with (self.log.parent / f".{self.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"--- {self.name}: waits for another run of it to end", flush=True)
                fcntl.flock(lock, fcntl.LOCK_EX)
            self.log.write_text("")
            yield

    def sync(self, tracked_only: bool = False) -> Path:
        """This step's own copy of the collection."""
        return tree.sync(f"{self.flavour}/{self.name}", tracked_only)

    def say(self, text: str) -> None:
        with self.log.open("a") as log:
            log.write(text + "\n")
        if self.echo:
            print(text, flush=True)

    def check(self, *command: str | Path, counter: Counter = counts.one, cwd: Path | None = None, env: Environment | None = None, minutes: float = 20) -> None:
        """Run a command and count what it checked. The step goes on if it fails."""
        code, output = self.call(*command, cwd=cwd, env=env, minutes=minutes)
        self.done += counter(output, code)

    def must(self, *command: str | Path, cwd: Path | None = None, env: Environment | None = None) -> str:
        """Run a command without which the step makes no sense."""
        code, output = self.call(*command, cwd=cwd, env=env)
        if code != 0:
            raise StepFailed(f"{Path(command[0]).name} failed with exit status {code}")
        return output

    def call(self, *command: str | Path, cwd: Path | None = None, env: Environment | None = None, minutes: float = 20) -> tuple[int, str]:
        words = [str(word) for word in command]
        self.say("$ " + " ".join(words))
        lines: list[str] = []
        with subprocess.Popen(
            words,
            cwd=cwd or tree.ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
            errors="replace",
        ) as process:
            running.add(process.pid)
            timer = threading.Timer(minutes * 60, stop, [process.pid])
            timer.start()
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    lines.append(line)
                    self.say(line.rstrip("\n"))
            except BaseException:
                stop(process.pid)
                raise
            finally:
                running.discard(process.pid)
                late = not timer.is_alive()
                timer.cancel()
        if late:
            self.say(f"stopped: it took longer than {minutes:g} minutes")
        return process.returncode, "".join(lines)


running: set[int] = set()
"""The commands that run now, each the leader of a process group."""


def stop_all() -> None:
    for pid in list(running):
        stop(pid)


def stop(pid: int) -> None:
    """End a command and what it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)
        time.sleep(2)
        os.killpg(pid, signal.SIGKILL)


def python_directories() -> list[str]:
    """Where the other Python versions are that ansible-test can use, newest last."""
    found = []
    for version in ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"):
        if version == "{}.{}".format(*sys.version_info[:2]):
            continue
        answer = subprocess.run([str(tree.ROOT / "tools" / "find-python"), version], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        if answer.returncode == 0:
            found.append(str(Path(answer.stdout.strip()).parent))
    return found
