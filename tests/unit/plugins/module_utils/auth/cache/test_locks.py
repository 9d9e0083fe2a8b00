# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks of one process; what many processes do to them is tested in tests/cache."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache import locks
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.locks import LocksUnsupported, try_lock


def test_one_holder(tmp_path: Path) -> None:
    """Fails when a lock is given twice, or is not given back."""
    path = str(tmp_path / "lock")
    held = try_lock(path)
    assert held is not None
    assert try_lock(path) is None
    held.release()
    held.release()
    again = try_lock(path)
    assert again is not None
    again.release_and_delete()
    assert not Path(path).exists()


def test_the_file_is_private(tmp_path: Path) -> None:
    """Fails when others could hold the lock."""
    held = try_lock(str(tmp_path / "lock"))
    assert held is not None
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
    held.release()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ESTALE])
def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Fails when that is an error of the task."""

    def flock(*_arguments: Any) -> None:
        raise OSError(number, "no locks")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(LocksUnsupported):
        try_lock(str(tmp_path / "lock"))
    assert not locks._held


def test_no_directory(tmp_path: Path) -> None:
    """Fails when a missing directory looks like a lock that is held."""
    with pytest.raises(FileNotFoundError):
        try_lock(str(tmp_path / "missing" / "lock"))
