# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private files and directories; what many processes and other users do to them is tested in tests/cache."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache import files


@pytest.fixture
def umask() -> object:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o277])
def test_directories_above_are_private_too(tmp_path: Path, umask: object, mask: int) -> None:
    """Fails when the directory of cache and key gets the mode that the umask leaves."""
    os.umask(mask)
    files.make_private_directory(str(tmp_path / "home" / "apiauth" / "cache" / "v1"))
    key = files.make_key(str(tmp_path / "home" / "apiauth" / "key"))
    for path in ("home", "home/apiauth", "home/apiauth/cache", "home/apiauth/cache/v1"):
        assert mode(tmp_path / path) == 0o700
    assert mode(tmp_path / "home/apiauth/key") == 0o600
    assert files.load_key(str(tmp_path / "home/apiauth/key")) == key


def test_directories_that_exist_are_left_alone(tmp_path: Path) -> None:
    """Fails when a directory that we did not create is closed, or our own is left open."""
    (tmp_path / "shared" / "v1").mkdir(parents=True)
    (tmp_path / "shared").chmod(0o755)
    (tmp_path / "shared" / "v1").chmod(0o777)
    files.make_private_directory(str(tmp_path / "shared" / "v1"))
    assert (mode(tmp_path / "shared"), mode(tmp_path / "shared" / "v1")) == (0o755, 0o700)


@pytest.mark.parametrize("path", ["~/x/v1", "x/v1", "", "."])
def test_paths_that_are_not_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Fails when a `~` that could not be expanded becomes a directory, or is read."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(files.Unusable, match="not an absolute path"):
        files.make_private_directory(path)
    with pytest.raises(files.Unusable, match="not an absolute path"):
        files.make_key(path)
    assert not list(tmp_path.iterdir())
    tmp_path.chmod(0o700)
    assert not files.is_private_directory(".")
    key = files.make_key(str(tmp_path / "key"))
    assert (files.load_key("key"), files.load_key(str(tmp_path / "key"))) == (None, key)


def test_a_key_is_not_written_where_others_can_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when a file system that ignores chmod gets a key: it would be there for all, and be unusable ever after."""
    monkeypatch.setattr(os, "fchmod", lambda descriptor, _mode: os.chmod(descriptor, 0o666))
    with pytest.raises(files.Unusable, match="does not store permissions"):
        files.make_key(str(tmp_path / "key"))
    assert not list(tmp_path.iterdir())


def test_a_replacement_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when a failed write leaves a temporary file, or changes the old content."""
    path = tmp_path / "file"
    files.replace_file(str(path), b"old", 1000.0)
    assert (path.read_bytes(), path.stat().st_mtime, mode(path)) == (b"old", 1000.0, 0o600)

    def fail(*_arguments: object) -> None:
        raise OSError("no")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no"):
        files.replace_file(str(path), b"new")
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
    assert files.read_private(str(path)) == b"old"


@pytest.mark.parametrize("path", ["/nonexistent", "a\0b", "/dev/null", "/etc"])
def test_what_cannot_be_read_is_nothing(path: str) -> None:
    """Fails when something else than a private file is read, or is an error."""
    assert files.read_private(path) is None
