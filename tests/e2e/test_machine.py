# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines on which nothing is where it should be: no home, no name, no permissions."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e.cases import NAMESPACE
from e2e.stage import BIN, Stage
from emulator.client import Emulator

# In no passwd. The capability is for the tests' own Python, which may lie in a directory that only root may enter.
NOBODY = 54_321
AS_NOBODY = (
    "setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--inh-caps=+dac_read_search",
    "--ambient-caps=+dac_read_search",
)
# What a file system without permissions does: every file has the same mode, whatever it was given.
IGNORES_CHMOD = """
import os, stat

ROOT = os.environ["E2E_NO_CHMOD"]

def _inside(place):
    try:
        path = os.readlink(f"/proc/self/fd/{place}") if isinstance(place, int) else os.path.abspath(os.fsdecode(place))
    except (OSError, TypeError):
        return False
    return path.startswith(ROOT)

def _shown(found):
    values = list(found)
    values[0] = stat.S_IFMT(found.st_mode) | 0o777
    extra = {name: getattr(found, name) for name in ("st_atime_ns", "st_mtime_ns", "st_ctime_ns", "st_blocks", "st_blksize", "st_rdev")}
    return os.stat_result(values, extra)

def _wrap(name):
    real = getattr(os, name)
    def wrapped(place, *args, **named):
        found = real(place, *args, **named)
        dir_fd = named.get("dir_fd")
        return _shown(found) if _inside(place) or (dir_fd is not None and _inside(dir_fd)) else found
    setattr(os, name, wrapped)

for _name in ("stat", "lstat", "fstat"):
    _wrap(_name)
os.chmod = lambda *args, **named: None
os.fchmod = lambda *args, **named: None
os.supports_dir_fd.update({os.stat, os.lstat})
os.supports_follow_symlinks.update({os.stat})
os.supports_fd.update({os.stat})
"""
PING: dict[str, Any] = {f"{NAMESPACE}.vss_api": {"path": "v2/ping"}}
TOKEN = {"ansible.builtin.debug": {"msg": f"{{{{ lookup('{NAMESPACE}.vss_token') | length > 0 }}}}"}}


def warnings(output: str) -> list[str]:
    """Each warning as one line."""
    found: list[str] = []
    for line in output.splitlines():
        if line.startswith("[WARNING]"):
            found.append(line)
        elif found and line and not line.startswith(("PLAY", "TASK", "ok:", "changed:", "fatal:", "[")):
            found[-1] += f" {line}"
    return found


@pytest.mark.parametrize("hosts", [1, 8])
def test_a_file_system_without_permissions(hosts: int, emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    """The cache cannot be private there. One login serves the whole run all the same, from a directory of the run, and one warning says why."""
    site = stage.inputs / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(IGNORES_CHMOD)
    env = {"PYTHONPATH": os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])]), "E2E_NO_CHMOD": str(stage.ansible_home / "apiauth")}
    emulator.settings(vss={"login_delay": 0.2})
    tasks = [{"name": "call", **PING}, {"name": "again", **PING}, {"name": "lookup", **TOKEN}]
    run = stage.tasks(*tasks, hosts=hosts, forks=8, extra_vars=variables("vss"), env=env, timeout=60).good()
    assert emulator.logins("vss") == 1
    about = [one for one in warnings(run.output) if "cache" in one]
    assert len(about) == 1, about
    assert str(stage.ansible_home / "apiauth") in about[0].replace(" ", "") or "apiauth" in about[0]
    assert not [path for path in (stage.ansible_home / "apiauth").rglob("*") if path.is_file() and path.suffix not in ("", ".lock") and "token" in path.name]


@pytest.fixture
def strangers_stage(collections: Path) -> Iterator[Stage]:
    """A stage whose directories belong to somebody without a name, below a directory that everybody may enter."""
    if os.getuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("only root can become a user that does not exist, with setpriv of util-linux")
    top = Path(tempfile.mkdtemp(prefix="e2e-nobody-", dir="/tmp"))
    top.chmod(0o755)
    stage = Stage(top / "stage", collections)
    yield stage
    shutil.rmtree(top)


def as_nobody(stage: Stage, playbook: str, env: dict[str, str | None]) -> subprocess.CompletedProcess[bytes]:
    """ansible-playbook as a user that no passwd knows."""
    book = stage.inputs / "playbook.yml"
    book.write_text(playbook)
    command = [str(BIN / "ansible-playbook"), "-i", str(stage.inventory(4)), "-f", "4", str(book)]
    environment = stage.environment(stage.root / "records.jsonl", env)
    for path in [stage.root, *stage.root.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)
    return subprocess.run(
        [*AS_NOBODY, *command],
        cwd=stage.cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )


PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - name: call
      apiauth.tokens.vss_api: {path: v2/ping}
    - name: lookup
      ansible.builtin.debug: {msg: "{{ lookup('apiauth.tokens.vss_token') | length > 0 }}"}
"""


@pytest.mark.parametrize("home", [None, "", "~", "relative"])
def test_no_home_and_no_name(home: str | None, emulator: Emulator, strangers_stage: Stage) -> None:
    """As in a container with an arbitrary user id. Nothing of ours is made in the project, least of all a directory called `~`."""
    stage = strangers_stage
    known = {"VSS_USER": "vsskey1", "VSS_USER_PASS": VSS_PASSWORD, "VSS_API_URL": emulator.url("vss")}
    env: dict[str, str | None] = {**known, "HOME": home, "ANSIBLE_HOME": None, "ANSIBLE_LOCAL_TEMP": str(stage.tmp), "ANSIBLE_CALLBACKS_ENABLED": None}
    done = as_nobody(stage, PLAYBOOK, env)
    output = done.stdout.decode()
    assert done.returncode == 0, output[-3000:]
    assert "Traceback" not in output
    ours = [path for path in stage.cwd.rglob("*") if "apiauth" in path.name]
    assert ours == []
    assert not (stage.cwd / "~" / ".ansible" / "apiauth").exists()
    assert emulator.logins("vss") == 1


VSS_PASSWORD = 'Vss:Pässwörd"+/% &üCANARY-vss-password'


@pytest.mark.parametrize("umask", ["000", "002", "027"])
@pytest.mark.parametrize("ansible_home", [True, False])
def test_the_directory_is_private_whatever_the_umask(
    umask: str, ansible_home: bool, emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]
) -> None:
    book = stage.inputs / "playbook.yml"
    book.write_text(PLAYBOOK)
    env = stage.environment(
        stage.root / "records.jsonl", {"ANSIBLE_HOME": str(stage.ansible_home) if ansible_home else None, "ANSIBLE_CALLBACKS_ENABLED": None}
    )
    env |= {"VSS_USER": "vsskey1", "VSS_USER_PASS": VSS_PASSWORD, "VSS_API_URL": emulator.url("vss"), "ANSIBLE_LOCAL_TEMP": str(stage.tmp)}
    command = [str(BIN / "ansible-playbook"), "-i", str(stage.inventory(1)), str(book)]
    shell = ["/bin/sh", "-c", 'umask "$1"; shift; exec "$@"', "sh", umask, *command]
    done = subprocess.run(shell, cwd=stage.cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
    assert done.returncode == 0, done.stdout.decode()[-3000:]
    home = stage.ansible_home if ansible_home else stage.home / ".ansible"
    top = home / "apiauth"
    modes = {str(path.relative_to(home)): stat.S_IMODE(path.stat().st_mode) for path in [top, *top.rglob("*")]}
    assert stat.S_IMODE(top.stat().st_mode) == 0o700
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}
    assert emulator.logins("vss") == 1
