# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are damaged, foreign or in the way: a miss or a warning, never an error."""

from __future__ import annotations

import base64
import fcntl
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cache.herd import Herd, herd, one_warning, values
from cache.lab import NOBODY, Host, entry_of, is_hit, is_root
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache import files
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.crypto import CacheKey

Measured = Callable[[str, Any], None]


# -- entries -----------------------------------------------------------------------------------------------------


def test_every_flipped_bit_and_every_length(host: Host, measured: Measured) -> None:
    """Fails when an entry is not authenticated as a whole."""
    host.token()
    entry = entry_of(host)
    whole = entry.read_bytes()
    cases = 0
    for place in range(len(whole)):
        entry.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :])
        assert not is_hit(host)
        entry.write_bytes(whole[:place])
        assert not is_hit(host)
        cases += 2
    for more in (b"\0", whole, os.urandom(70_000)):
        entry.write_bytes(whole + more)
        assert not is_hit(host)
        cases += 1
    entry.write_bytes(whole)
    assert is_hit(host)
    measured("damage.flips_and_lengths", cases)
    measured("damage.accepted", 0)


def test_two_entries_swapped(host: Host, emulator: Emulator) -> None:
    """Fails when the name is not part of what is authenticated: the token of one host would go to another that has the same credential."""
    elsewhere = emulator.url("vss").replace("127.0.0.1", "localhost")
    assert host.token("vss") != host.token("vss", api_url=elsewhere)
    one, two = host.entries()
    one.rename(host.directory / "third")
    two.rename(one)
    (host.directory / "third").rename(two)
    before = emulator.logins("vss")
    assert not is_hit(host)
    values(herd(2, lambda number: host.token("vss", api_url=(emulator.url("vss"), elsewhere)[number])))
    assert emulator.logins("vss") == before + 2


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 30)


def put_aside(path: Path) -> Path:
    return path.rename(path.parent / "aside")


def instead(make: Callable[[Path], object]) -> Callable[[Path], object]:
    """Something else in the place of a file."""

    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


def full_directory(path: Path) -> None:
    path.mkdir()
    (path / "file").touch()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "one gigabyte": sparse,
    "a pipe": instead(lambda path: os.mkfifo(path, 0o600)),
    "a link to itself": lambda path: path.symlink_to(put_aside(path)),
    "a dangling link": instead(lambda path: path.symlink_to("/nonexistent")),
    "a directory": instead(Path.mkdir),
    "a full directory": instead(full_directory),
    "mode 0644": lambda path: path.chmod(0o644),
    "mode 0666": lambda path: path.chmod(0o666),
    "mode 0620": lambda path: path.chmod(0o620),
    "another owner": lambda path: os.chown(path, NOBODY, NOBODY),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_entry_that_is_something_else(host: Host, emulator: Emulator, measured: Measured, without: Callable[[str], None], damage: str) -> None:
    """Fails when what is no private regular file is read, or when it stays in the way of a new entry."""
    if damage == "another owner" and not is_root():
        without("files of another owner, which only root can make")
    old = host.token()
    DAMAGES[damage](entry_of(host))
    assert not is_hit(host)
    answers = herd(4, lambda _number: host.token())
    assert len(set(values(answers))) == 1
    assert answers[0].value != old
    assert not any(one.warnings for one in answers)
    assert is_hit(host)
    assert emulator.logins("vss") == 2
    measured("damage.kinds_healed", len(DAMAGES))


@pytest.mark.parametrize("damage", ["a pipe", "a dangling link", "a directory", "a full directory", "mode 0644", "one gigabyte", "another owner"])
def test_a_lock_file_that_is_something_else(host: Host, emulator: Emulator, without: Callable[[str], None], damage: str) -> None:
    """Fails when a task hangs on what should be a lock file, or goes on without one."""
    if damage == "another owner" and not is_root():
        without("files of another owner, which only root can make")
    host.token()
    (lock,) = host.directory.glob("*.lock")
    DAMAGES[damage](lock)
    entry_of(host).unlink()
    answers = herd(8, lambda _number: host.token())
    assert len(set(values(answers))) == 1
    assert not any(one.warnings for one in answers)
    assert emulator.logins("vss") == 2


def test_another_form_of_a_record_is_a_miss(host: Host, emulator: Emulator) -> None:
    """Fails when an entry that another release of the collection has written makes a task fail."""
    host.token()
    entry = entry_of(host)
    key = CacheKey(files.load_key(str(host.key_path)) or b"")
    for strange in ({}, {"provider": "vss"}, {"provider": "vss", "api_url": "", "principal": "", "more": 1}):
        entry.write_bytes(key.seal(entry.name, strange))
        assert not is_hit(host)
    values(herd(2, lambda _number: host.token()))
    assert emulator.logins("vss") == 2


# -- keys --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damaged", [False, True])
def test_racers_end_up_with_one_key(host: Host, measured: Measured, damaged: bool) -> None:
    """Fails when the key is not put in its place by a link, or when a damaged key is taken away without a lock."""

    def made(path: str, _number: int) -> bytes:
        return files.make_key(path)

    for number in range(4):
        path = host.root / str(number) / "key"
        if damaged:
            path.parent.mkdir(parents=True)
            path.write_bytes(b"not a key")
            path.chmod(0o600)
        keys = values(herd(64, partial(made, str(path))))
        assert len(set(keys)) == 1
        assert files.load_key(str(path)) == keys[0]
        assert [one.name for one in path.parent.iterdir()] == ["key"]
        assert path.stat().st_mode & 0o777 == 0o600
    measured("key.different_keys_of_64_racers", len(set(keys)))


def test_a_damaged_key_is_taken_away_under_a_lock(host: Host) -> None:
    """Fails when a racer that has seen the damage takes away the key that another one has put there meanwhile."""
    host.root.mkdir()
    host.key_path.write_bytes(b"not a key")
    host.key_path.chmod(0o600)
    good = base64.urlsafe_b64encode(b"k" * 32)
    with Herd(8, lambda _number: files.make_key(str(host.key_path))) as racers:
        # Opened only now: the racers must not hold it too.
        descriptor = os.open(host.root, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        racers.go()
        time.sleep(0.3)
        assert host.key_path.read_bytes() == b"not a key"
        host.key_path.write_bytes(good)
        os.close(descriptor)
        assert set(values(racers.answers())) == {good}


def test_a_key_that_others_could_read_is_not_used(host: Host, emulator: Emulator) -> None:
    """Fails when such a key seals anything, when it is thrown away, or when the task fails for it."""
    host.root.mkdir()
    key = b"A" * 43 + b"=\n"
    host.key_path.write_bytes(key)
    host.key_path.chmod(0o644)
    answers = herd(8, lambda _number: host.token())
    assert len(set(values(answers))) == 1
    one_warning(answers, "for this run only", str(host.key_path))
    assert emulator.logins("vss") == 1
    assert host.key_path.read_bytes() == key
    assert CacheKey(key.strip()).unseal(entry_of(host).name, entry_of(host).read_bytes()) is None


def test_a_lost_key_is_a_miss(host: Host, emulator: Emulator) -> None:
    """Fails when entries of an older key make a task fail."""
    host.token()
    host.key_path.unlink()
    values(herd(8, lambda _number: host.token()))
    assert emulator.logins("vss") == 2
