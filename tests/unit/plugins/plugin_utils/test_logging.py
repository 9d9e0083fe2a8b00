# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine logs is shown by Ansible's own display, each level in its way and once."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from ansible_collections.apiauth.tokens.plugins.plugin_utils import _logging

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


@pytest.fixture
def logger(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    """The engine's logger, as nothing has attached anything to it."""
    logger = logging.getLogger("apiauth.tokens")
    before = logger.level
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "propagate", True)
    yield logger
    logger.setLevel(before)


def shown(level: str, verbosity: int, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """Log one message; return standard output and standard error, each in one line without colours."""
    monkeypatch.setattr(_logging.display, "verbosity", verbosity)
    _logging.attach()
    # Core shows the same warning only once in a process.
    logger.log(LEVELS[level], "100%% of %s, %s at %d", "50%s", level, verbosity)
    captured = capsys.readouterr()
    return " ".join(captured.out.split()), " ".join(captured.err.split())


@pytest.mark.parametrize("verbosity", [0, 2, 3, 4])
@pytest.mark.parametrize("level", LEVELS)
def test_where_a_level_is_shown(
    level: str, verbosity: int, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Decisions at `-vvv` only, progress always, and warnings as Ansible's, on standard error; a percent sign is shown as it is."""
    monkeypatch.setenv("ANSIBLE_NOCOLOR", "1")
    text = f"apiauth.tokens: 100% of 50%s, {level} at {verbosity}"
    expected = {"debug": (text if verbosity >= 3 else "", ""), "info": (text, "")}.get(level, ("", f"[WARNING]: {text}"))
    assert shown(level, verbosity, logger, monkeypatch, capsys) == expected


def test_a_message_is_shown_by_one_handler_however_often_it_is_attached(logger: logging.Logger) -> None:
    for _time in range(3):
        _logging.attach()
    assert [type(handler) for handler in logger.handlers] == [_logging.DisplayHandler]


def test_handlers_of_others_get_nothing(logger: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    """`ANSIBLE_LOG_PATH` has a handler at the root, which gets what the display shows."""
    logger.warning("before")
    _logging.attach()
    logger.warning("after")
    assert [record.getMessage() for record in caplog.records] == ["before"]


def test_each_task_has_its_own_verbosity(logger: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker is a fork of a process that has attached the handler already."""
    for verbosity, level in ((0, logging.INFO), (3, logging.DEBUG), (2, logging.INFO)):
        monkeypatch.setattr(_logging.display, "verbosity", verbosity)
        _logging.attach()
        assert logger.level == level
