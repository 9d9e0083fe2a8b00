# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file in which the role whm_token_rotate stores a token: links, owners, modes, and a file that cannot be replaced."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
from e2e.rotation import Rotation
from e2e.stage import BECOME, BIN
from emulator.client import Emulator

MONTH = 30 * 86400


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def remains(rotation: Rotation) -> list[str]:
    """What lies beside the stored token."""
    return sorted(path.name for path in rotation.places.iterdir() if path.name != "h01")


@pytest.mark.parametrize("store", ["file", "vault"])
def test_symbolic_links_stay(rotation: Rotation, store: str) -> None:
    """The file that links lead to is replaced, in its own directory; a link that leads nowhere yet gets its file."""
    rotation.store = store
    old = rotation.begun()
    released = rotation.places / "released"
    released.mkdir()
    rotation.place().rename(released / "token")
    (rotation.places / "current").symlink_to("released")
    rotation.place().symlink_to("current/token")
    rotation.run().good()
    assert rotation.place().readlink() == Path("current/token")
    assert [path.name for path in released.iterdir()] == ["token"]
    assert not (released / "token").is_symlink()
    assert rotation.whole() != old
    (released / "token").unlink()
    rotation.run().good()
    assert rotation.place().is_symlink()
    rotation.whole()
    assert mode(released / "token") == 0o600


def test_a_hard_link_is_refused(rotation: Rotation, emulator: Emulator) -> None:
    """Its other name would go on to hold the token that is then revoked."""
    old = rotation.begun()
    os.link(rotation.place(), rotation.places / "other")
    run = rotation.run()
    assert run.rc != 0
    assert "must have no other name (hard link)" in run.output
    assert rotation.whole() == old
    assert len(emulator.log(system="whm", function="api_token_create")) == 1, "that of the test alone"


def test_a_directory_is_refused(rotation: Rotation, emulator: Emulator) -> None:
    rotation.place().mkdir()
    run = rotation.run()
    assert run.rc != 0
    assert f"{rotation.place()} cannot be read" in run.output
    assert not emulator.log(system="whm", function="api_token_create")


@pytest.mark.parametrize(("before", "after"), [(0o640, 0o640), (0o644, 0o640), (0o660, 0o660), (0o440, 0o440), (0o400, 0o400), (None, 0o600)])
def test_modes(rotation: Rotation, before: int | None, after: int) -> None:
    """Those who may read the old token may read the new one, but for others."""
    old = rotation.begun() if before else ""
    if before:
        rotation.place().chmod(before)
    rotation.run().good()
    assert mode(rotation.place()) == after
    assert rotation.whole() != old
    assert remains(rotation) == []


def test_the_owner_and_the_group_stay(rotation: Rotation) -> None:
    """Whoever is not root can only give the file to a group of their own."""
    owner, group = (65534, 12345) if os.geteuid() == 0 else (os.geteuid(), max(os.getgroups(), default=os.getegid()))
    rotation.begun()
    os.chown(rotation.place(), owner, group)
    rotation.place().chmod(0o640)
    rotation.run().good()
    found = rotation.place().stat()
    assert (found.st_uid, found.st_gid, mode(rotation.place())) == (owner, group, 0o640)


def fake(rotation: Rotation, program: str, text: str) -> dict[str, str | None]:
    """An environment in which a program of the host does what `text` says."""
    programs = rotation.stage.inputs / "bin"
    programs.mkdir(exist_ok=True)
    (programs / program).write_text(f"#!/bin/sh\n{text}\n")
    (programs / program).chmod(0o755)
    return {"PATH": os.pathsep.join([str(programs), str(BIN), os.environ["PATH"]])}


FAULTS = {
    "mount point": ("mv", "echo \"mv: cannot move '$2' to '$3': Device or resource busy\" >&2; exit 1", "Device or resource busy"),
    "full disk": ("cat", '"$REAL" > /dev/null; echo "cat: write error: No space left on device" >&2; exit 1', "No space left on device"),
    "owner": ("cp", '"$REAL" "$@"; for last; do :; done; chown 1 "$last"', "the file belongs to 0:0, which could not be kept"),
}


@pytest.mark.parametrize("store", ["file", "vault"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_that_cannot_be_replaced(rotation: Rotation, fault: str, store: str) -> None:
    """The reason is shown, nothing of the new token remains on the host or at WHM, and the old one works."""
    if fault == "owner" and os.geteuid() != 0:
        pytest.skip("only root may give a file away")
    rotation.store = store
    old = rotation.begun()
    program, text, reason = FAULTS[fault]
    env = fake(rotation, program, text.replace("$REAL", str(shutil.which(program))))
    run = rotation.run(env=env, verbosity=5)
    assert run.rc != 0
    assert f"{rotation.place()} was not replaced: " in run.output
    assert reason in run.output
    assert "The old token stays, and the new one was revoked" in run.output
    assert remains(rotation) == []
    assert rotation.whole() == old
    assert mode(rotation.place()) == 0o600
    rotation.run().good()
    assert rotation.whole() != old


def test_a_replacement_that_is_not_certain_revokes_nothing(rotation: Rotation) -> None:
    """The file was replaced, or changed, although the program failed. Catches a successor that is revoked by the exit code alone."""
    rotation.begun()
    env = fake(rotation, "mv", f'{shutil.which("mv")} "$@"; exit 1')
    rotation.run(env=env).good()
    second = rotation.whole()
    env = fake(rotation, "mv", 'for last; do :; done; echo somethingElse > "$last"; exit 1')
    run = rotation.run(env=env)
    assert run.rc != 0
    assert "No token was revoked" in run.output
    assert len(rotation.tokens()) == 2
    assert rotation.works(second)


def test_what_a_killed_replacement_left_is_removed(rotation: Rotation) -> None:
    rotation.begun()
    left = rotation.places / "h01.new"
    left.mkdir()
    (left / "token").write_text("left behind")
    rotation.run().good()
    rotation.whole()
    assert remains(rotation) == []


def test_what_is_not_the_roles_own_is_not_removed(rotation: Rotation) -> None:
    old = rotation.begun()
    notes = rotation.places / "h01.new"
    notes.write_text("Do not lose this.")
    run = rotation.run()
    assert run.rc != 0
    assert "File exists" in run.output
    assert notes.read_text() == "Do not lose this."
    assert rotation.whole() == old


@pytest.mark.parametrize("store", ["file", "vault", "tasks", "awx"])
def test_become_as_a_variable(rotation: Rotation, store: str) -> None:
    """It holds for the file on the host of the play, and for no call to an API and no file on the controller."""
    rotation.store = store
    old = rotation.begun()
    become = {f"ansible_{name}": value for name, value in BECOME.items()}
    run = rotation.run(host_vars=become, all_vars=become, verbosity=3, whm_token_rotate_grace=60).good()
    assert rotation.whole(old=1) != old
    assert ("BECOME-SUCCESS" in run.output) == (store in ("file", "tasks"))
    rotation.run(host_vars=become, all_vars=become, whm_token_rotate_max_age=MONTH).good()
