# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays that use the role whm_token_rotate: loops, several hosts, handlers, and how much they show."""

from __future__ import annotations

from typing import Any

import pytest
from e2e.rotation import ROLE, Rotation
from emulator.client import Emulator

MONTH = 30 * 86400


def created(emulator: Emulator) -> int:
    return len(emulator.log(system="whm", function="api_token_create"))


# -- loops ---------------------------------------------------------------------------------------------------------


def test_include_role_in_a_loop(rotation: Rotation) -> None:
    """Every variable of the role, and the connection, come from `item`. Catches a loop of the role's own whose variable is called `item`."""
    wanted: list[dict[str, Any]] = [
        {"name": "rot-h01", "path": f"{rotation.places}/h01", "grace": 60, "acls": ["list-accts"], "user": "root"},
        {"name": "rot-h02", "path": f"{rotation.places}/h02", "grace": 3600, "acls": ["list-accts", "acct-summary"], "user": "root"},
    ]
    for host in ("h01", "h02"):
        rotation.begun(host)
    given = ("name", "path", "grace", "acls")
    task = {
        "ansible.builtin.include_role": {"name": ROLE},
        "loop": wanted,
        "loop_control": {"label": "{{ item.name }}"},
        "vars": {**{f"whm_token_rotate_{name}": f"{{{{ item.{name} }}}}" for name in given}, "whm_username": "{{ item.user }}"},
    }
    dropped: dict[str, Any] = {f"whm_token_rotate_{name}": None for name in given}
    rotation.run(plays=[{"tasks": [task]}], whm_username=None, **dropped).good()
    for number, one in enumerate(wanted, 1):
        rotation.whole(f"h{number:02d}", old=1)
        old, new = sorted(rotation.tokens(f"h{number:02d}").values(), key=lambda token: str(token["name"]))
        assert old["expires_at"] == new["create_time"] + one["grace"]
        assert sorted(name for name, granted in new["acls"].items() if granted) == sorted(one["acls"])


def test_variables_that_change_meanwhile(rotation: Rotation) -> None:
    """What the role was given at its start holds until its end."""
    task = {
        "ansible.builtin.include_role": {"name": ROLE},
        "vars": {
            "whm_token_rotate_name": "rot-h01-{{ 10 ** 9 | random }}",
            "whm_token_rotate_path": f"{rotation.places}/{{{{ 10 ** 9 | random }}}}",
        },
    }
    rotation.run(plays=[{"tasks": [task]}], whm_token_rotate_name=None, whm_token_rotate_path=None).good()
    (name,) = rotation.tokens()
    assert not name.endswith("-new")
    (place,) = rotation.places.iterdir()
    assert rotation.works(place.read_text())


# -- several hosts -------------------------------------------------------------------------------------------------

BY_DEFAULTS = {"group/apiauth.tokens.whm": {"api_url": "{{ my_api_url }}", "username": "root", "password": "{{ my_password }}"}}


@pytest.mark.parametrize("how", ["variables", "module_defaults", "serial", "vault"])
def test_several_hosts_with_one_name_are_refused(rotation: Rotation, emulator: Emulator, how: str) -> None:
    """Before anything is created, and also the later ones of several batches."""
    rotation.store = "vault" if how == "vault" else "file"
    play: dict[str, Any] = {"roles": [ROLE]}
    variables: dict[str, Any] = {"whm_token_rotate_name": "rot-h01"}
    if how == "module_defaults":
        known = rotation.variables()
        play["module_defaults"] = BY_DEFAULTS
        variables |= {"my_api_url": known["whm_api_url"], "my_password": known["whm_password"], "whm_api_url": None, "whm_password": None, "whm_username": None}
    if how == "serial":
        play["serial"] = 1
    run = rotation.run(plays=[play], hosts=3, **variables)
    assert run.rc != 0
    if how == "serial":
        # The first batch cannot know of the next one.
        assert created(emulator) == 1
        assert "The hosts h01, h02 all rotate" in run.output
        rotation.whole()
        return
    assert created(emulator) == 0
    assert run.output.count("The hosts h01, h02, h03 all rotate the token rot-h01 of the same server") >= 3
    assert list(rotation.places.iterdir()) == []


def test_one_name_on_one_host_of_several(rotation: Rotation, emulator: Emulator) -> None:
    """With run_once, and with a limit to one host."""
    rotation.run(plays=[{"roles": [{"role": ROLE, "run_once": True}]}], hosts=3, whm_token_rotate_name="rot-h01").good()
    rotation.whole()
    rotation.run(args=["--limit", "h01"], hosts=3, whm_token_rotate_name="rot-h01").good()
    rotation.whole()
    assert created(emulator) == 2


def test_one_name_on_several_servers(rotation: Rotation, emulator: Emulator) -> None:
    """Hosts that are themselves the servers rotate tokens of the same name at the same time: two accounts stand for two servers here."""
    rotation.begun("h01")
    accounts = {"h01": "root", "h02": "resell"}
    known = rotation.variables()
    variables = {
        "who": accounts,
        "passwords": {"root": known["whm_password"], "resell": rotation.reseller_password},
        "my_api_url": known["whm_api_url"],
        "whm_token_rotate_name": "rot-h01",
        **dict.fromkeys(("whm_api_url", "whm_username", "whm_password")),
    }
    play = {
        "module_defaults": {
            "group/apiauth.tokens.whm": {
                "api_url": "{{ my_api_url }}",
                "username": "{{ who[inventory_hostname] }}",
                "password": "{{ passwords[who[inventory_hostname]] }}",
            }
        },
        "roles": [ROLE],
    }
    before = created(emulator)
    rotation.run(plays=[play], hosts=2, **variables).good()
    assert created(emulator) == before + 2
    assert rotation.works(rotation.place("h01").read_text())
    assert rotation.works(rotation.place("h02").read_text(), user="resell")


# -- what it tells -------------------------------------------------------------------------------------------------

TELLING: dict[str, Any] = {
    "roles": [ROLE],
    "tasks": [{"name": "told", "ansible.builtin.debug": {"msg": "{{ whm_token_rotate_rotated }}"}}],
    "handlers": [{"name": "followed", "ansible.builtin.debug": {"msg": "followed"}, "listen": "whm_token_rotate_rotated"}],
}


def told(run: Any) -> tuple[bool, bool]:
    return run.good().result("told")["msg"], "followed" in run.tasks


def test_whether_it_rotated(rotation: Rotation) -> None:
    """In a fact, and for handlers."""
    assert told(rotation.run(plays=[TELLING])) == (True, True)
    assert told(rotation.run(plays=[TELLING], whm_token_rotate_max_age=MONTH)) == (False, False)
    assert told(rotation.run(plays=[TELLING], args=["--check"])) == (True, True)


def test_handlers_follow_a_rotation_that_was_interrupted(rotation: Rotation) -> None:
    """The new token was stored, and the run ended before its handlers. Catches a report that only follows a hand-over of the same run."""
    rotation.begun()
    secret = rotation.create("rot-h01-20260102000000-new", acl="list-accts")
    rotation.place().write_text(secret)
    assert told(rotation.run(plays=[TELLING], whm_token_rotate_max_age=MONTH)) == (True, True)
    assert rotation.whole() == secret


def test_few_lines_where_nothing_is_due(rotation: Rotation) -> None:
    """Also while a predecessor has its grace."""
    rotation.run(whm_token_rotate_grace=3600).good()
    rotation.run(whm_token_rotate_grace=3600).good()
    run = rotation.run(whm_token_rotate_max_age=MONTH, whm_token_rotate_grace=3600).good()
    rotation.whole(old=1)
    assert "changed=0" in run.output
    assert len(run.tasks) <= 12, run.tasks
    assert run.output.count("\n") < 60, run.output


def test_no_secret_is_left_in_facts(rotation: Rotation) -> None:
    """Neither after a good run, nor after one that failed and was rescued. Catches secrets that are only forgotten at the end of a rotation."""
    old = rotation.begun()
    show = {"name": "all", "ansible.builtin.debug": {"msg": "{{ hostvars[inventory_hostname] | dict2items | rejectattr('key', 'in', ['whm_password']) }}"}}
    role = {"ansible.builtin.include_role": {"name": ROLE}}
    for variables in ({"whm_token_rotate_max_age": MONTH}, {}, {"whm_token_rotate_acls": ["no such privilege"]}):
        rescued = {"block": [role], "rescue": [{"ansible.builtin.debug": {"msg": "rescued"}}]}
        run = rotation.run(plays=[{"tasks": [rescued, show]}], verbosity=5, **variables).good()
        secret = rotation.whole()
        assert secret not in run.output
        assert old not in run.output
