"""One emulator for all the tests of a step, and what they must know about it."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from job import Job, StepFailed

PATIENCE = 20.0


@contextlib.contextmanager
def running(copy: Path, job: Job) -> Iterator[dict[str, Any]]:
    """Run the emulator of a copy. Gives ``emulator`` (what it says of itself when it is ready) and ``accounts``."""
    package = copy / "tests" / "emulator"
    if not (package / "__main__.py").is_file():
        raise StepFailed("tests/emulator is missing")
    ready = job.log.with_suffix(".emulator.json")
    ready.unlink(missing_ok=True)
    certificates = job.log.with_suffix(".certificates")
    certificates.mkdir(exist_ok=True)
    command = [sys.executable, str(package), "--dir", str(certificates), "--ready-file", str(ready), "--parent-pid", str(os.getpid())]
    with job.log.with_suffix(".emulator.log").open("w") as log, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process:
        try:
            yield {"emulator": wait_for(ready, process, Path(log.name)), "accounts": accounts(package)}
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_for(ready: Path, process: subprocess.Popen[bytes], log: Path) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StepFailed(f"the emulator ended with exit status {process.returncode}:\n{log.read_text()}")
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            return json.loads(ready.read_text())
        time.sleep(0.05)
    raise StepFailed(f"the emulator was not ready after {PATIENCE:g} s:\n{log.read_text()}")


def accounts(package: Path) -> dict[str, Any]:
    """The accounts that the emulator knows, from its own file."""
    spec = importlib.util.spec_from_file_location("emulator_accounts", package / "accounts.py")
    if spec is None or spec.loader is None:
        raise StepFailed("tests/emulator/accounts.py cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    known: dict[str, Any] = module.accounts()
    return known
