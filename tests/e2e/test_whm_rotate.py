# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is stored works at every moment, whenever the role whm_token_rotate is killed, and the next run leaves one token."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from e2e.rotation import ROLE, STORES, VAULT_PASSWORD, Rotation
from e2e.stage import Stage
from emulator.client import Emulator, wait_until

HOUR = 3600
MONTH = 30 * 86400
AT_ONCE = 3
MOST = 60
REFERENCE = f"h{MOST}"


def steps(rotation: Rotation, host: str, **settings: Any) -> list[str]:
    """The names of the tasks of a whole rotation, in order, however often one name comes."""
    log = rotation.stage.root / "steps"
    rotation.run(args=["--limit", host], hosts=MOST, env=killing(0, log), **settings).good()
    return log.read_text().splitlines()


def place(names: list[str], ending: str) -> int:
    """Which step that is, from 1."""
    return next(number for number, name in enumerate(names, 1) if name.endswith(ending))


def killing(number: int, log: Path | None = None) -> dict[str, str | None]:
    return {"ANSIBLE_CALLBACKS_ENABLED": "e2e_records,e2e_killer", "E2E_KILL_AT": str(number), "E2E_STEPS": str(log) if log else None}


@dataclass(frozen=True)
class Rotating:
    """A kind of rotation that is killed: its store, what is there before it, and what whole runs leave beside the current token."""

    store: str = "file"
    # Whether there is nothing at all before.
    first: bool = False
    # How many tokens are left over from earlier rotations, beside the stored one.
    leftovers: int = 0
    grace: int = 0
    # From where to before where, by the ends of their names, its steps are those of the first kind, and do the same. There it is not killed again.
    shared: tuple[str, str] = ("", "")


SHARED = ("", "Hand the successor over")
ROTATING = {
    "file": Rotating(),
    "tasks": Rotating("tasks", shared=SHARED),
    # The vault is handed over as a file is, so what is killed is its first rotation.
    "vault, the first": Rotating("vault", first=True, shared=("", "Create the successor")),
    "awx, with a grace": Rotating("awx", leftovers=1, grace=HOUR, shared=SHARED),
}


@pytest.mark.parametrize("kind", ROTATING)
def test_killed_at_every_step(rotation: Rotation, new_stage: Callable[[str], Stage], kind: str) -> None:
    """Every step, as it begins, that is after the one before it; a whole run follows each kill."""
    rotating = ROTATING[kind]
    rotation.store = rotating.store
    settings: dict[str, Any] = {"whm_token_rotate_grace": rotating.grace}

    def prepared(host: str) -> None:
        for number in range(rotating.leftovers):
            rotation.create(f"rot-{host}-2025010100000{number}", acl="list-accts")
        if not rotating.first:
            rotation.begun(host)
        elif rotating.store == "awx":
            rotation.awx.add(host)

    prepared(REFERENCE)
    names = steps(rotation, REFERENCE, **settings)
    assert len(names) >= 20, names
    shared = range(*(place(names, ending) for ending in rotating.shared))
    hosts = {f"h{number:02d}": number for number in range(1, len(names) + 1) if number not in shared}
    for host in hosts:
        prepared(host)
    before = {host: rotation.stored(host) for host in hosts}

    def killed(host: str) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
        alone = replace(rotation, stage=new_stage(f"killed-{host}"), places=rotation.places)
        env = {**killing(hosts[host]), "ANSIBLE_HOME": str(rotation.stage.ansible_home)}
        run = alone.run(args=["--limit", host], hosts=MOST, env=env, **settings)
        assert run.rc == -signal.SIGKILL, run.output
        step, secret = names[hosts[host] - 1], rotation.stored(host)
        assert secret or rotating.first, f"killed at {step!r}: nothing is stored"
        assert not secret or rotation.works(secret), f"killed at {step!r}: what is stored does not work"
        return rotation.state(host, before[host])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        states = dict(zip(hosts, pool.map(killed, hosts), strict=True))
    # Made, handed over, noted.
    assert len(set(states.values())) >= 3, states
    # It is not the age that makes it go on, but what was left behind.
    rotation.run(args=["--limit", ",".join(hosts)], hosts=MOST, whm_token_rotate_max_age=MONTH, **settings).good()
    created = place(names, "Check that it was created")
    for host, number in hosts.items():
        # What AWX holds cannot be read, so one that was made may have been in use as well as the one before it. Both are given the grace.
        perhaps = rotating.store == "awx" and any(name.endswith("-new") for name in states[host][0])
        secret = rotation.whole(host, old=1 + perhaps if rotating.grace else 0)
        assert (secret == before[host]) == (number < created and not rotating.first), (host, names[number - 1], states[host])
    assert len({rotation.stored(host) for host in hosts}) == len(hosts)


def test_from_the_first_token_on(rotation: Rotation, emulator: Emulator) -> None:
    """One of exactly the name is the first old one. What only looks alike is left alone. The age decides, and a second run changes nothing."""
    first = rotation.create("rot-h01", acl="list-accts")
    others = {name: rotation.create(name, acl="list-accts") for name in ("rot-h01-prod", "rot-h01-20260101", "rot-h01-20260101000000-extra", "rot-h0")}
    run = rotation.run(whm_token_rotate_max_age=MONTH, whm_token_rotate_grace=3600, whm_token_rotate_expires_at="+30d").good()
    assert "changed=0" not in run.output
    names = sorted(set(rotation.tokens()) - set(others))
    assert names[0] == "rot-h01"
    assert re.fullmatch(r"rot-h01-\d{14}", names[1])
    assert len(names) == 2
    secret = rotation.place().read_text()
    assert rotation.works(first), "within its grace the old one works"
    assert rotation.works(secret)
    assert rotation.place().stat().st_mode & 0o777 == 0o600
    made = rotation.tokens()[names[1]]
    assert made["expires_at"] == pytest.approx(made["create_time"] + MONTH, abs=5)
    assert rotation.tokens()["rot-h01"]["expires_at"] == made["create_time"] + 3600
    assert "changed=0" in rotation.run(whm_token_rotate_max_age=MONTH, whm_token_rotate_grace=3600).good().output
    emulator.clock(3700)
    assert not rotation.works(first), "WHM ends the grace without the role"
    rotation.run(whm_token_rotate_max_age=MONTH, whm_token_rotate_grace=3600).good()
    assert set(rotation.tokens()) == {names[1], *others} - {"rot-h0"}
    assert all(rotation.works(other) for other in others.values())
    assert rotation.place().read_text() == secret
    rotation.run(whm_token_rotate_max_age=0).good()
    assert rotation.place().read_text() != secret
    assert not rotation.works(secret)


def test_the_age_is_that_of_what_is_stored(rotation: Rotation, emulator: Emulator) -> None:
    emulator.clock(-7200)
    old = rotation.begun()
    emulator.clock(0)
    rotation.run(whm_token_rotate_max_age=10000).good()
    assert rotation.whole() == old
    rotation.run(whm_token_rotate_max_age=7000).good()
    assert rotation.whole() != old
    rotation.place().unlink()
    rotation.run(whm_token_rotate_max_age=7000).good()
    rotation.whole()


def test_check_mode_changes_nothing(rotation: Rotation, emulator: Emulator) -> None:
    old = rotation.begun()
    run = rotation.run(args=["--check", "--diff"]).good()
    assert "rot-h01: rotate, because every run does" in run.output
    assert "changed=0" not in run.output
    assert rotation.whole() == old
    changing = [record["function"] for record in emulator.log(system="whm", ok=True) if not record["function"].endswith(("_list", "_details", "myprivs"))]
    assert changing == ["api_token_create"], "that of the test alone"


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "h01": ({"name": "rot h01"}, "whm_token_rotate_name must be"),
    "h02": ({"name": "transfer-x"}, "WHM gives to tokens of its own"),
    "h03": ({"acls": []}, "whm_token_rotate_acls or whm_token_rotate_all_privileges"),
    "h04": ({"all_privileges": True}, "whm_token_rotate_acls or whm_token_rotate_all_privileges"),
    "h05": ({"path": "places/h05"}, "absolute path"),
    "h06": ({"path": "/nowhere/token"}, "directory that exists"),
    "h07": ({"path": "{{ users_file }}.notes"}, "holds something other than a token"),
    "h08": ({"store": "tasks", "tasks": "nowhere.yml"}, "file of tasks that exists"),
    "h09": ({"store": "awx", "awx_credential": "nobody"}, "0 times"),
    "h10": ({"store": "awx", "awx_credential": "h10", "awx_field": "nothing"}, "no field nothing"),
    "h11": ({"store": "awx", "awx_credential": "h10", "awx_token": "wrong"}, "HTTP status 401"),
    "h12": ({"store": "vault"}, "whm_token_rotate_vault_secret"),
    "h13": ({"max_age": -1}, "seconds, 0 or more"),
    "h14": ({"expires_at": "2001-09-10"}, "which is in the past"),
    "h15": ({"acls": ["no such privilege"]}, "acls must be names of privileges"),
}


def test_bad_input_costs_no_token(rotation: Rotation, emulator: Emulator) -> None:
    notes = rotation.places / "h07.notes"
    notes.write_text("Do not lose this.")
    rotation.awx.add("h10")
    rotation.store = "awx"
    good = {key.removeprefix("whm_token_rotate_"): value for key, value in rotation.variables().items() if key.startswith("whm_token_rotate_")}
    good |= {"store": "file", "path": f"{rotation.places}/{{{{ inventory_hostname }}}}"}
    names = {name for wrong, _message in WRONG.values() for name in wrong} | set(good)
    chosen = {host: {name: {**good, **wrong}[name] for name in names if name in {**good, **wrong}} for host, (wrong, _message) in WRONG.items()}
    variables: dict[str, Any] = {f"whm_token_rotate_{name}": f"{{{{ chosen[inventory_hostname].{name} }}}}" for name in names}
    defaults = {"all_privileges": False, "tasks": "", "expires_at": "never", "awx_field": "token", "max_age": 0}
    for values in chosen.values():
        for name in names:
            values.setdefault(name, defaults.get(name, ""))
    run = rotation.run(hosts=len(WRONG), chosen=chosen, **variables)
    assert run.rc != 0
    for host, (_wrong, message) in WRONG.items():
        told = [str(record["result"].get("msg")) for record in run.records if record["host"] == host and record["event"] == "failed"]
        assert told, f"{host} did not fail"
        assert message in told[-1], (host, told)
    assert not [record for record in emulator.log(system="whm") if record["function"] == "api_token_create" and record["ok"] and "h14" not in record["body"]]
    assert notes.read_text() == "Do not lose this."
    assert not rotation.tokens("h14"), "one that could never work is revoked"


def test_a_linked_directory(rotation: Rotation) -> None:
    """Directories such as /etc/app are often links to where the current release is."""
    (rotation.places / "releases").mkdir()
    (rotation.places / "current").symlink_to("releases")
    rotation.run(whm_token_rotate_path=f"{rotation.places}/current/token").good()
    assert rotation.works((rotation.places / "releases" / "token").read_text())


def test_one_token_for_two_places_is_refused(rotation: Rotation, emulator: Emulator) -> None:
    """In a loop over the role, the second place would revoke what the first one holds."""
    first, second = rotation.places / "first", rotation.places / "second"
    loop: dict[str, Any] = {"name": "Rotate", "ansible.builtin.include_role": {"name": ROLE}, "loop": [str(first), str(second)]}
    run = rotation.run(plays=[{"tasks": [loop]}], whm_token_rotate_path="{{ item }}")
    assert run.rc != 0
    told = [str(record["result"].get("msg")) for record in run.records if record["event"] == "failed"]
    assert told
    assert "belongs to the store file in" in told[0]
    assert str(first) in told[0]
    assert rotation.works(first.read_text())
    assert not second.exists()
    loop["loop"] = [{"name": "rot-h01-a", "path": str(first)}, {"name": "rot-h01-b", "path": str(second)}]
    rotation.run(plays=[{"tasks": [loop]}], whm_token_rotate_path="{{ item.path }}", whm_token_rotate_name="{{ item.name }}").good()
    assert rotation.works(first.read_text())
    assert rotation.works(second.read_text())


def test_nothing_secret_is_shown_or_left(rotation: Rotation) -> None:
    """At the highest verbosity, and anywhere on the disk but in the store."""
    secrets = []
    for store, host in zip(STORES, ("h01", "h02", "h03", "h04"), strict=True):
        one = replace(rotation, store=store, places=rotation.places)
        secrets.append(one.begun(host))
        run = one.run(args=["--limit", host, "--diff"], hosts=4, verbosity=5, env={"ANSIBLE_PIPELINING": None}).good()
        secrets.append(one.whole(host))
        for secret in (*secrets, VAULT_PASSWORD, rotation.awx.token):
            assert secret not in run.output
    kept = {rotation.place("h01"), rotation.place("h03")}
    for path in rotation.stage.root.rglob("*"):
        if path.is_file() and path not in kept and rotation.stage.inputs not in path.parents and not path.name.startswith("records"):
            assert not [secret for secret in secrets if secret.encode() in path.read_bytes()], path


def test_the_role_rotates_its_own_token(rotation: Rotation) -> None:
    own: dict[str, Any] = {"whm_password": None, "whm_token": "{{ lookup('ansible.builtin.file', whm_token_rotate_path) }}"}
    first = rotation.create("rot-h01", **{"acl-0": "list-accts", "acl-1": "manage-api-tokens"})
    rotation.place().write_text(first)
    run = rotation.run(**own)
    assert run.rc != 0
    assert "Add manage-api-tokens to whm_token_rotate_acls" in run.output
    assert list(rotation.tokens()) == ["rot-h01"]
    rotation.run(**own, whm_token_rotate_acls=["list-accts", "manage-api-tokens"]).good()
    second = rotation.whole()
    # As a text that stays the same during the run.
    rotation.run(whm_password=None, whm_token=second, whm_token_rotate_acls=["list-accts", "manage-api-tokens"], whm_token_rotate_grace=60).good()
    third = rotation.whole(old=1)
    assert len({first, second, third}) == 3


def test_what_goes_wrong_at_the_server(rotation: Rotation, emulator: Emulator) -> None:
    """An answer that is lost, a hand-over that is refused, and another run at the same time: what is stored goes on to work."""
    old = rotation.begun()
    emulator.fault({"system": "whm", "action": "drop", "match": {"function": "api_token_create"}})
    assert rotation.run().rc != 0
    assert rotation.stored() == old
    assert len(rotation.tokens()) == 2
    emulator.fault({"system": "whm", "action": "delay", "delay": 3, "match": {"function": "myprivs"}, "times": None})
    before = len(emulator.log(system="whm", function="api_token_create"))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(rotation.run)
        # The successor is verified by myprivs, which takes a while.
        assert wait_until(lambda: len(emulator.log(system="whm", function="api_token_create")) > before, 60)
        rotation.create("rot-h01-29990101000000-new", acl="list-accts")
        run = running.result()
    assert run.rc != 0
    assert "another run is rotating it now" in run.output
    assert rotation.stored() == old
    assert rotation.works(old)
    assert len(rotation.tokens()) == 3, "its own successor is revoked, and no other"
    rotation.run().good()
    assert rotation.whole() != old


def test_awx(rotation: Rotation) -> None:
    """By number, beside other fields, and where the login may not write."""
    rotation.store = "awx"
    old = rotation.begun()
    rotation.awx.writable = False
    run = rotation.run()
    assert run.rc != 0
    assert "AWX could not store the new token" in run.output
    assert rotation.stored() == old
    assert rotation.works(old)
    rotation.awx.writable = True
    rotation.run(whm_token_rotate_awx_credential=1).good()
    assert rotation.whole() != old
    assert rotation.awx.inputs("h01")["pin"] == "kept"


def test_the_password_of_the_vault(rotation: Rotation) -> None:
    """From Ansible's own setting, a file or a program. A wrong one costs neither the vault nor a token."""
    rotation.store = "vault"
    old = rotation.begun()
    program = rotation.stage.inputs / "vault-password"
    program.write_text(f"#!/bin/sh\necho '{VAULT_PASSWORD}'\n")
    program.chmod(0o700)
    run = rotation.run(whm_token_rotate_vault_secret="wrong")
    assert run.rc != 0
    assert "Unable to decrypt" in run.output or "Decryption failed" in run.output
    assert rotation.whole() == old
    rotation.run(whm_token_rotate_vault_secret=None, env={"ANSIBLE_VAULT_PASSWORD_FILE": str(program)}).good()
    assert rotation.whole() != old
    program.chmod(0o600)
    program.write_text(f"{VAULT_PASSWORD}\n")
    secret = rotation.whole()
    rotation.run(whm_token_rotate_vault_secret=None, env={"ANSIBLE_VAULT_PASSWORD_FILE": str(program)}).good()
    assert rotation.whole() != secret
