# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that a task asks for: written at once and whole, with their mode, and refused before anything else if they cannot be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.destination import Destination, parse_mode
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.fixture(autouse=True)
def wide_umask() -> Any:
    """Modes must not depend on the umask."""
    old = os.umask(0)
    yield
    os.umask(old)


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "reply"
    assert Destination(str(path)).write(b"text") == str(path)
    assert path.read_bytes() == b"text"
    assert mode_of(path) == 0o600
    assert os.listdir(tmp_path) == ["reply"]


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ApiError, match="is a directory; give the path of a file"):
        Destination(f"{tmp_path}/new/")
    with pytest.raises(ApiError, match="cannot be written"):
        Destination(str(tmp_path)).prepare()


@pytest.mark.parametrize("path", ["", " ", "\n"])
def test_a_path_without_a_name_is_refused(path: str) -> None:
    """Fails when a file of blanks is written to wherever the task runs."""
    with pytest.raises(ApiError, match="dest is empty"):
        Destination(path)


@pytest.mark.parametrize(("mode", "number"), [("0640", 0o640), ("644", 0o644), ("0o600", 0o600), (0o640, 0o640), ("755", 0o755)])
def test_a_mode_is_set_on_new_and_on_present_files(tmp_path: Path, mode: Any, number: int) -> None:
    path = tmp_path / "reply"
    for content in (b"first", b"second"):
        Destination(str(path), mode).write(content)
        assert path.read_bytes() == content
        assert mode_of(path) == number


def test_only_regular_files_are_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (str(pipe), "/dev/null"):
        with pytest.raises(ApiError, match=r"cannot be written \(it is not a regular file\)"):
            Destination(path).prepare()
    assert os.listdir(tmp_path) == ["pipe"]


def test_what_is_reserved_is_not_left(tmp_path: Path) -> None:
    path = tmp_path / "reply"
    for content in (b"text", b"x" * 9000):
        written = Destination(str(path))
        written.prepare()
        written.write(content)
        assert path.read_bytes() == content


def test_another_mode_is_a_difference(tmp_path: Path) -> None:
    path = tmp_path / "reply"
    Destination(str(path)).write(b"text")
    assert [Destination(str(path), mode).differs(b"text") for mode in (None, "0600", "0640")] == [False, False, True]


@pytest.mark.parametrize(("present", "expected"), [(0o640, 0o640), (0o666, 0o660), (0o755, 0o750)])
def test_without_a_mode_a_present_file_keeps_its_own_but_for_others(tmp_path: Path, present: int, expected: int) -> None:
    path = tmp_path / "reply"
    path.write_text("old")
    path.chmod(present)
    Destination(str(path)).write(b"new")
    assert mode_of(path) == expected


def test_another_group_does_not_get_the_permissions_of_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when a file whose group cannot be kept is readable for the group of whoever runs the task."""
    path = tmp_path / "reply"
    path.write_text("old")
    path.chmod(0o640)

    def refuse(*_arguments: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    Destination(str(path)).write(b"new")
    assert mode_of(path) == 0o600


@pytest.mark.parametrize("mode", [None, ""])
def test_no_mode(mode: Any) -> None:
    assert parse_mode(mode) is None


@pytest.mark.parametrize("mode", ["rw-r--r--", "9", "0x1ff", "u=rw", True, -1, 0o10000, 6.0, "64", "064000", 640, 600, "4755"])
def test_what_is_no_mode(mode: Any) -> None:
    with pytest.raises(ApiError, match="mode must be an octal number such as '0600'") as caught:
        parse_mode(mode)
    assert caught.value.kind == "configuration"


@pytest.mark.parametrize(("mode", "read"), [(400, "0620"), (440, "0670"), (444, "0674"), (500, "0764")])
def test_a_mode_without_quotes_that_would_let_others_write(mode: int, read: str) -> None:
    """Fails when a file that was to be read by its owner alone can be written by its group."""
    with pytest.raises(ApiError) as caught:
        parse_mode(mode)
    assert str(caught.value) == (
        f'mode {mode} is not in quotes, so it may mean 0{mode} or, as YAML reads numbers, {read}; quote the one that you mean, such as "0{mode}"'
    )


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o444, 0o600, 0o640, 0o644, 0o660, 0o664, 0o700, 0o750, 0o755])
def test_numbers_as_yaml_reads_octal_ones(mode: int) -> None:
    """Fails when 0400 without quotes, which Ansible's own modules accept, is taken for a decimal number."""
    assert parse_mode(mode) == mode


def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "place" / "target", tmp_path / "link"
    target.parent.mkdir()
    target.write_text("old")
    link.symlink_to(target)
    Destination(str(link)).write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert os.listdir(target.parent) == ["target"]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """Fails if the file itself is written: whoever has opened the old one goes on reading it whole."""
    path = tmp_path / "reply"
    path.write_text("old text")
    with path.open() as reader:
        before = path.stat().st_ino
        Destination(str(path)).write(b"new")
        assert reader.read() == "old text"
    assert path.stat().st_ino != before


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "reply"
    path.write_text("old")

    def full(_source: str, _target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ApiError, match=r"cannot be written \(No space left on device\); choose another place") as caught:
        Destination(str(path)).write(b"new")
    assert caught.value.kind == "configuration"
    assert caught.value.changed is True
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["reply"]


def test_a_place_that_cannot_be_written_is_refused_before(tmp_path: Path) -> None:
    for path in (tmp_path / "missing" / "reply", tmp_path):
        with pytest.raises(ApiError, match=f"dest {path} cannot be written .*; create its directory, or choose another place") as caught:
            Destination(str(path)).prepare()
        assert caught.value.kind == "configuration"
        assert caught.value.changed is None
    assert os.listdir(tmp_path) == []


def test_a_prepared_file_that_is_not_needed_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "reply"
    path.write_text("old")
    destination = Destination(str(path))
    destination.prepare()
    assert len(os.listdir(tmp_path)) == 2
    assert path.read_text() == "old"
    destination.discard()
    destination.discard()
    assert os.listdir(tmp_path) == ["reply"]


def test_a_prepared_file_is_private_from_the_beginning(tmp_path: Path) -> None:
    Destination(str(tmp_path / "reply"), "0644").prepare()
    (temporary,) = tmp_path.iterdir()
    assert mode_of(temporary) == 0o600


def test_whether_writing_would_change_the_file(tmp_path: Path) -> None:
    path = tmp_path / "reply"
    destination = Destination(str(path))
    assert destination.differs(b"") is True
    path.write_bytes(b"text")
    assert destination.differs(b"text") is False
    assert destination.differs(b"other") is True
