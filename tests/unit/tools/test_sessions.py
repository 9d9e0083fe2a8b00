# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the output of a session counts for: a wrong count would turn a red run green."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

SOURCE = Path(__file__).resolve().parents[3] / "tools" / "sessions.py"


@pytest.fixture(name="sessions", scope="module")
def fixture_sessions() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tools_sessions", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


SANITY = 'Running sanity test "pep8"\nRunning sanity test "import" on Python 3.9\n'
ROLES = "Running cache integration test role\nRunning calls integration test role\n"
VERIFIED = "INFO [default > verify] Executed: Successful\ndefault > verify: Executed: Successful\nother > verify: Executed: Successful\n"
LINT = "222 files already formatted\nSuccess: no issues found in 190 source files\nSuccess: no issues found in 8 source files\n"


@pytest.mark.parametrize(
    ("session", "output", "exit_code", "expected"),
    [
        ("unit", "2 passed in 0.77s\n", 0, "2 passed, 0 failed"),
        ("unit", "====== 1 failed, 3 passed, 2 skipped, 1 error in 61.02s (0:01:01) ======\n", 1, "3 passed, 2 failed, 2 skipped"),
        ("units", "===== 4 passed in 1.39s =====\n...\n===== 5 passed, 1 xfailed, 2 warnings in 2s =====\n", 0, "10 passed, 0 failed"),
        ("unit", "1 xpassed in 1s\n", 1, "0 passed, 1 failed"),
        ("unit", "3 passed in 1s\nnox > Command python -m pytest failed\n", 1, "3 passed, 1 failed"),
        ("unit", "4 skipped in 0.01s\n", 0, "0 passed, 1 failed, 4 skipped"),
        ("unit", "no tests ran in 0.01s\n", 5, "0 passed, 1 failed"),
        ("unit", "", 0, "0 passed, 1 failed"),
        ("unit", "Segmentation fault\n", -11, "0 passed, 1 failed"),
        ("sanity", SANITY, 0, "2 passed, 0 failed"),
        ("sanity", f"SKIPPED: pylint\n{SANITY}", 0, "2 passed, 0 failed, 1 skipped"),
        ("sanity", f"{SANITY}FATAL: The 1 sanity test(s) listed below (out of 2) failed. See\npep8\n", 1, "1 passed, 1 failed"),
        ("sanity", f"{SANITY}Traceback\n", 1, "1 passed, 1 failed"),
        ("sanity", "WARNING: All targets skipped.\n", 0, "0 passed, 1 failed"),
        ("sanity", "FATAL: Python has no pip\n", 1, "0 passed, 1 failed"),
        ("integration", ROLES, 0, "2 passed, 0 failed"),
        ("integration", ROLES, 1, "1 passed, 1 failed"),
        ("integration", "", 1, "0 passed, 1 failed"),
        ("molecule", VERIFIED, 0, "2 passed, 0 failed"),
        ("molecule", "default > converge: Executed: Failed\n", 1, "0 passed, 1 failed"),
        ("lint", LINT, 0, "3 passed, 0 failed"),
        ("lint", LINT.replace("222", "0"), 0, "2 passed, 1 failed"),
        ("lint", LINT, 1, "3 passed, 1 failed"),
        ("ansible-lint", "Passed: 0 failure(s), 0 warning(s) in 0 files processed of 316 encountered.\n", 0, "0 passed, 1 failed"),
        ("a session without an entry in REPORTS", "ok\n", 0, "0 passed, 1 failed"),
    ],
)
def test_count(sessions: ModuleType, session: str, output: str, exit_code: int, expected: str) -> None:
    assert sessions.closing_line(sessions.count(session, output, exit_code)) == expected


PYTEST_FAILED = """tests/e2e/test_fleet.py::test_one_login FAILED
FAILED tests/e2e/test_fleet.py::test_one_login - assert 2 == 1
1 failed, 3 passed in 2.01s
nox > Command python -m pytest tests/e2e failed with exit code 1
nox > Session e2e failed.
"""


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (
            PYTEST_FAILED,
            [
                "FAILED tests/e2e/test_fleet.py::test_one_login - assert 2 == 1",
                "nox > Command python -m pytest tests/e2e failed with exit code 1",
            ],
        ),
        ("guide.rst:4: WARNING: undefined label\n" * 9, ["guide.rst:4: WARNING: undefined label"] * 5),
        ("one\ntwo\nthree\nfour\n", ["two", "three", "four"]),
        ("", []),
    ],
)
def test_reasons(sessions: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: str, expected: list[str]) -> None:
    """Fails when the table at the end does not say why a session failed."""
    monkeypatch.setattr(sessions, "ROOT", tmp_path)
    monkeypatch.delenv("APIAUTH_CORE", raising=False)
    file = sessions.log_of("2.18:units")
    file.parent.mkdir(parents=True)
    file.write_text(log)
    assert file == tmp_path / ".build" / "logs" / "2.18" / "units.log"
    assert sessions.reasons("2.18:units") == expected
    assert sessions.reasons("units") == []


def test_the_output_of_a_session_has_no_colours(sessions: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when a program that colours its output where CI is set makes its session count as failed."""
    wrapper = tmp_path / "with-venv"
    wrapper.write_text('#!/bin/sh\necho "CI=$CI NO_COLOR=$NO_COLOR FORCE_COLOR=$FORCE_COLOR"\n')
    wrapper.chmod(0o755)
    monkeypatch.setattr(sessions, "ROOT", tmp_path)
    monkeypatch.setattr(sessions, "WITH_VENV", str(wrapper))
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("FORCE_COLOR", "1")
    sessions.run("docs", [], echo=False)
    assert sessions.log_of("docs").read_text() == "CI=true NO_COLOR=1 FORCE_COLOR=\n"


def test_continuous_integration_runs_every_supported_core() -> None:
    """Fails when a core is added to the Makefile, or removed there, and the workflow does not follow."""
    root = SOURCE.parents[1]
    (cores,) = re.findall(r"^cores \?= (.+)$", (root / "Makefile").read_text(), re.MULTILINE)
    workflow = yaml.safe_load((root / ".github" / "workflows" / "ci.yml").read_text())
    commands = workflow["jobs"]["test"]["strategy"]["matrix"]["command"]
    assert commands == ["make test", *(f"make matrix cores={core}" for core in cores.split())]
