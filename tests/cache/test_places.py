# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories that are open to others, foreign, full, read-only or gone: tokens are kept elsewhere or not at all, with one warning."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cache.herd import Answer, errors, herd, one_warning, sound, values
from cache.lab import NOBODY, Host, entry_of, is_hit, is_root
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError

Measured = Callable[[str, Any], None]


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777])
def test_modes_do_not_depend_on_the_umask(host: Host, measured: Measured, mask: int) -> None:
    """Fails when files or directories are made with the modes that the umask leaves."""

    def work(_number: int) -> str:
        # What is above our own directory is the user's affair.
        (host.root / "cache").mkdir(parents=True)
        os.umask(mask)
        return host.token()

    values(herd(1, work))
    assert host.directory.stat().st_mode & 0o777 == 0o700
    assert host.key_path.stat().st_mode & 0o777 == 0o600
    assert entry_of(host).stat().st_mode & 0o777 == 0o600
    assert all(path.stat().st_mode & 0o077 == 0 for path in host.directory.iterdir())
    assert is_hit(host)
    measured("modes.directory", oct(host.directory.stat().st_mode & 0o777))
    measured("modes.entry", oct(entry_of(host).stat().st_mode & 0o777))


def test_a_directory_that_all_may_write(host: Host, emulator: Emulator) -> None:
    """Fails when entries are read from it before it is closed to others, or when it stays open."""
    host.token()
    host.directory.chmod(0o777)
    assert not is_hit(host)
    values(herd(4, lambda _number: host.token()))
    assert host.directory.stat().st_mode & 0o777 == 0o700
    assert emulator.logins("vss") == 1


@pytest.mark.parametrize("obstacle", ["a file", "a link", "a pipe"])
def test_a_directory_that_is_something_else(host: Host, emulator: Emulator, obstacle: str) -> None:
    """Fails when a link is followed, when the task fails, or when it is warned more than once; the workers of a run still share."""
    host.directory.parent.mkdir(parents=True)
    elsewhere = host.root / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    if obstacle == "a file":
        host.directory.touch()
    elif obstacle == "a link":
        host.directory.symlink_to(elsewhere)
    else:
        os.mkfifo(host.directory)
    answers = herd(8, lambda _number: host.token())
    assert len(set(values(answers))) == 1
    assert emulator.logins("vss") == 1
    one_warning(answers, "for this run only", str(host.directory))
    assert not list(elsewhere.iterdir())


def as_nobody(host: Host, prepare: Callable[[], object] = lambda: None) -> list[Answer]:
    """What four processes of an ordinary user meet."""

    def work(_number: int) -> str:
        if is_root():
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        prepare()
        return host.token()

    return herd(4, work)


@pytest.fixture
def open_host(emulator: Emulator) -> Iterator[Host]:
    """A host whose directories an ordinary user may enter."""
    root = Path(tempfile.mkdtemp(prefix="cache-"))
    root.chmod(0o777)
    yield Host(emulator, root)
    subprocess.run(["chmod", "-R", "u+rwx", str(root)], check=True)
    shutil.rmtree(root)


def test_a_directory_of_another_user(open_host: Host, emulator: Emulator, without: Callable[[str], None]) -> None:
    """Fails when the owner is not looked at."""
    if not is_root():
        without("directories of another owner, which only root can make")
    open_host.token()
    open_host.directory.parent.chmod(0o777)
    (open_host.root / "cache").chmod(0o755)
    answers = as_nobody(open_host)
    assert len(set(values(answers))) == 1
    one_warning(answers, "for this run only", "not a directory of this user")
    assert emulator.logins("vss") == 2


def nowhere(host: Host) -> Host:
    """A host without any directory that could be made."""
    return Host(host.emulator, Path("/proc/apiauth"), options=host.options)


def test_no_directory_at_all(host: Host, emulator: Emulator, measured: Measured) -> None:
    """Fails when the task fails without a home, or when it is not told why every process logs in."""
    answers = herd(4, lambda _number: nowhere(host).token())
    assert len(set(values(answers))) == 4
    one_warning(answers, "tokens are not cached", "cache_dir", each=True)
    assert emulator.logins("vss") == 4
    measured("nowhere.warnings_of_a_process", len(answers[0].warnings))


def test_a_wrong_credential_without_a_directory(host: Host) -> None:
    """Fails when the error of the login is hidden by the one about the directory."""
    assert "check username and password" in errors(herd(1, lambda _number: nowhere(host).token(password="wrong"))).pop()


@pytest.mark.parametrize("warm", [False, True])
def test_files_may_not_grow(host: Host, emulator: Emulator, warm: bool) -> None:
    """Fails when a write that ends early is an error of the task or leaves half an entry, or when a process is warned twice."""
    if warm:
        host.token()

    def work(_number: int) -> tuple[str, str]:
        _soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        try:
            task = host.task()
            return task.token(refresh=True).value, task.token().value
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

    answers = herd(2, work)
    values(answers)
    one_warning(answers, "tokens are not cached", each=True)
    assert not [one for one in host.directory.iterdir() if one.name.startswith(".new-")]
    assert is_hit(host) == warm


def test_what_is_cached_for_this_run_only_can_be_listed_and_removed(host: Host, emulator: Emulator) -> None:
    """Fails when only the first directory is listed, although tokens rest in the other."""
    (host.root / "cache").parent.mkdir(parents=True, exist_ok=True)
    (host.root / "cache").write_text("in the way")
    token = host.token()
    store = host.store()
    ((name, entry),) = store.entries()
    assert (entry.provider, store.names()) == ("vss", [name])
    store.remove(name)
    assert host.store().entries() == []
    assert host.token() != token


def test_an_entry_that_stays_is_an_error(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when an entry in a directory that cannot be written counts as removed."""
    host.token()
    store = host.store()
    ((name, _entry),) = store.entries()

    def refuse(_path: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(ApiError, match="cannot be written") as raised:
        store.remove(name)
    assert str(raised.value).startswith(f"{host.directory} cannot be written (Permission denied)")
    monkeypatch.undo()
    store.remove(name)
    store.remove(name)


@contextmanager
def small_disk(path: Path, options: str) -> Iterator[None]:
    path.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def fill(path: Path, content: bytes) -> None:
    with suppress(OSError):
        for number in range(100):
            (path / f"ballast{number}").write_bytes(content)
    assert number < 99


def test_a_disk_that_may_only_be_read(host: Host, emulator: Emulator, without: Callable[[str], None]) -> None:
    """Fails when entries on it are not used, or when nothing is kept although the run's own directory could be."""
    # Longer than it takes all processes to begin: a refresh is shared by those that want it at the same time.
    emulator.settings(vss={"login_delay": 0.5})
    disk = host.root / "cache"
    try:
        with small_disk(disk, "size=100k"):
            old = host.token()
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
            assert set(values(herd(4, lambda _number: host.token()))) == {old}
            answers = herd(4, lambda _number: host.task().token(refresh=True).value)
            assert len(set(values(answers))) == 1
            one_warning(answers, "for this run only", "cannot be written")
            assert emulator.logins("vss") == 2
    except (subprocess.CalledProcessError, FileNotFoundError):
        without("a disk that may only be read, which takes the right to mount one")


@pytest.mark.parametrize("options", ["size=16k", "nr_inodes=5"])
@pytest.mark.parametrize("warm", [False, True])
def test_a_full_disk(host: Host, emulator: Emulator, without: Callable[[str], None], options: str, warm: bool) -> None:
    """Fails when the task fails for want of space, when it is warned more than once, or when the run's own directory is not tried."""
    # Longer than it takes all processes to begin: a refresh is shared by those that want it at the same time.
    emulator.settings(vss={"login_delay": 0.5})
    try:
        with small_disk(host.root / "cache", options):
            if warm:
                host.token()
            fill(host.root / "cache", b"x" * (4096 if "size" in options else 0))
            answers = herd(8, lambda _number: host.task().token(refresh=True).value)
            assert len(set(values(answers))) == 1
            assert all(len(one.warnings) <= 1 for one in answers)
            assert any("for this run only" in one for answer in answers for one in answer.warnings)
            if warm:
                sound(herd(2, lambda _number: host.token()))
    except (subprocess.CalledProcessError, FileNotFoundError):
        without("a disk that is full, which takes the right to mount one")


def test_the_directory_goes_away(host: Host, emulator: Emulator) -> None:
    """Fails when a process that has used the directory before does not make it again."""
    task = host.task()
    task.token()
    shutil.rmtree(host.directory)
    answers = herd(4, lambda _number: task.token().value)
    assert len(set(values(answers))) == 1
    assert not any(one.warnings for one in answers)
    assert emulator.logins("vss") == 2
    # Even between the login and the writing of what it brought.
    assert task.store is not None
    entry = task.store.read(task.account.identity)
    assert entry is not None
    shutil.rmtree(host.directory)
    assert task.store.write(task.account.identity, entry)
    assert is_hit(host)
