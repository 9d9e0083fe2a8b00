# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the checks make of their tools' output: a wrong count would turn a red run green."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = Path(__file__).resolve().parents[3] / "tools" / "checks" / "counts.py"


@pytest.fixture(name="counts", scope="module")
def fixture_counts() -> ModuleType:
    spec = importlib.util.spec_from_file_location("checks_counts", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("output", "code", "expected"),
    [
        ("2 passed in 0.77s\n", 0, "2 passed, 0 failed"),
        ("====== 1 failed, 3 passed, 2 skipped, 1 error in 61.02s (0:01:01) ======\n", 1, "3 passed, 2 failed, 2 skipped"),
        ("===== 4 passed in 1.39s =====\n...\n===== 5 passed, 1 xfailed, 2 warnings in 2s =====\n", 0, "10 passed, 0 failed"),
        ("no tests ran in 0.01s\n", 5, "0 passed, 1 failed"),
        ("", 0, "0 passed, 0 failed"),
        ("Segmentation fault\n", -11, "0 passed, 1 failed"),
    ],
)
def test_pytest(counts: ModuleType, output: str, code: int, expected: str) -> None:
    assert counts.pytest(output, code).line() == expected


@pytest.mark.parametrize(
    ("output", "code", "expected"),
    [
        ('Running sanity test "pep8"\nRunning sanity test "import" on Python 3.9\n', 0, "2 passed, 0 failed"),
        (
            'Running sanity test "pep8"\nRunning sanity test "pylint"\nFATAL: The 1 sanity test(s) listed below (out of 2) failed. See\npep8\n',
            1,
            "1 passed, 1 failed",
        ),
        ("WARNING: All targets skipped.\n", 0, "0 passed, 0 failed"),
        ("FATAL: Python has no pip\n", 1, "0 passed, 1 failed"),
    ],
)
def test_sanity(counts: ModuleType, output: str, code: int, expected: str) -> None:
    assert counts.sanity(output, code).line() == expected


@pytest.mark.parametrize(
    ("output", "code", "expected"),
    [
        ("Running cache integration test role\nRunning calls integration test role\n", 0, "2 passed, 0 failed"),
        ("Running cache integration test role\nRunning calls integration test role\n", 1, "1 passed, 1 failed"),
        ("", 1, "0 passed, 1 failed"),
    ],
)
def test_integration(counts: ModuleType, output: str, code: int, expected: str) -> None:
    assert counts.integration(output, code).line() == expected


def test_molecule(counts: ModuleType) -> None:
    output = "INFO [default > verify] Executed: Successful\nDETAILS\ndefault > verify: Executed: Successful\nother > verify: Executed: Successful\n"
    assert counts.molecule(output, 0).line() == "2 passed, 0 failed"
    assert counts.molecule("default > converge: Executed: Failed\n", 1).line() == "0 passed, 1 failed"
