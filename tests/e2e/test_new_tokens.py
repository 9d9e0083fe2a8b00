# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secret of a new WHM token is shown once by WHM. It must not be lost, and not be shown."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from e2e.cases import NAMESPACE
from e2e.stage import REMOTE, Run, Stage
from e2e.whm import asked, info, token, tokens_of, works
from emulator.accounts import accounts
from emulator.client import Emulator

ROOT = accounts()["whm"]
SECRET = re.compile(r"\b[A-Z0-9]{32}\b")
PLACES: Mapping[str, Mapping[str, Any]] = {"here": {}, "remote": {"vars": dict(REMOTE)}}


def secrets_in(text: str) -> list[str]:
    """What looks like the secret of a token, less what tests know."""
    return [found for found in SECRET.findall(text) if "CANARY" not in found]


# -- what is shown -----------------------------------------------------------------------------------------------


def ad_hoc(stage: Stage, emulator: Emulator, *arguments: str, module: str = "whm_api_token", args: str = "name=x acls=list-accts") -> Run:
    env = {"WHM_API_URL": emulator.url("whm"), "WHM_API_TOKEN": ROOT["token"], "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1"}
    return stage.run("ansible", "localhost", "-m", f"{NAMESPACE}.{module}", "-a", args, *arguments, env=env)


def rests(text: str) -> list[dict[str, Any]]:
    """What warnings show of the results that are hidden, each once."""
    # Core breaks lines where a terminal ends, core 2.18 also behind a hyphen.
    flat = re.sub(r"(?<=\w)- (?=\w)", "-", " ".join(text.split()))
    found = [json.JSONDecoder().raw_decode(flat, match.end())[0] for match in re.finditer(r"the rest of it is (?=\{)", flat)]
    return [rest for number, rest in enumerate(found) if rest not in found[:number]]


@pytest.mark.parametrize("verbosity", [(), ("-vvvv",)])
def test_an_ad_hoc_task_hides_the_secret_alone(verbosity: tuple[str, ...], emulator: Emulator, stage: Stage) -> None:
    """The name, the privileges and the rest are shown; a warning says how to get at the secret."""
    run = ad_hoc(stage, emulator, *verbosity).good()
    assert "CHANGED" in run.output or "changed" in run.output
    assert secrets_in(run.output) == []
    (shown,) = rests(run.output)
    assert shown["changed"] is True
    assert shown["api_token"]["name"] == "x"
    assert shown["api_token"]["acls"] == ["list-accts"]
    flat = " ".join(run.output.split())
    assert "WARNING" in flat
    assert "register" in flat
    assert "dest" in flat


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("verbosity", [0, 4])
def test_a_playbook_hides_the_secret_alone(verbosity: int, place: str, emulator: Emulator, whm: Callable[..., Run]) -> None:
    """Registered, it is whole. The warning speaks to those who did not register it."""
    tasks = [
        token("created", "made", name="x", acls=["list-accts"]),
        works("{{ made.token }}"),
        token("lost", name="y", acls=["list-accts"]),
        {**token("looped", "many", name="{{ item }}", acls=["list-accts"]), "loop": ["z1", "z2"]},
        works("{{ many.results[1].token }}", "works from a loop"),
    ]
    run = whm(*tasks, play=PLACES[place], verbosity=verbosity).good()
    assert secrets_in(run.output) == []
    assert not run.failed("works")
    assert not run.failed("works from a loop")
    shown = {rest["api_token"]["name"]: rest["api_token"]["acls"] for rest in rests(run.output)}
    assert shown == {name: ["list-accts"] for name in ("x", "y", "z1", "z2")}
    assert "register" in " ".join(run.output.split())
    assert secrets_in(json.dumps(run.records)) == []


def test_diff_is_shown_with_a_new_token(emulator: Emulator, whm: Callable[..., Run]) -> None:
    run = whm(token("created", "made", name="x", acls=["list-accts"]), args=["--diff"]).good()
    assert "list-accts" in run.output
    assert secrets_in(run.output) == []


# -- dest --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_the_secret_goes_to_a_file(place: str, emulator: Emulator, stage: Stage, whm: Callable[..., Run]) -> None:
    """With mode 0600, the token alone; once more is no change and leaves the file."""
    file = stage.root / "secret"
    options = {"name": "x", "acls": ["list-accts"], "dest": str(file)}
    run = whm(token("created", **options), token("again", **options), play=PLACES[place], verbosity=4).good()
    secret = file.read_text().rstrip("\n")
    assert SECRET.fullmatch(secret)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret not in run.output
    assert (run.result("created")["changed"], run.result("again")["changed"]) == (True, False)
    assert run.result("created")["api_token"]["name"] == "x"
    assert not whm(works(secret)).good().failed("works")
    assert [path.name for path in stage.root.iterdir() if "secret" in path.name] == ["secret"]


@pytest.mark.parametrize("place", PLACES)
def test_the_mode_of_the_file(place: str, emulator: Emulator, stage: Stage, whm: Callable[..., Run]) -> None:
    file = stage.root / "secret"
    whm(token("created", name="x", acls=["list-accts"], dest=str(file), mode="0640"), play=PLACES[place]).good()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@pytest.mark.parametrize("place", PLACES)
def test_a_place_that_cannot_be_written_creates_nothing(place: str, emulator: Emulator, stage: Stage, whm: Callable[..., Run]) -> None:
    """Otherwise there would be a token that nobody has."""
    plain = stage.root / "plain"
    plain.write_text("")
    places = {"no directory": str(stage.root / "nowhere" / "secret"), "a directory": str(stage.root), "below a file": str(plain / "secret"), "empty": " "}
    tasks = [{**token(name, name="x", acls=["list-accts"], dest=where), "ignore_errors": True} for name, where in places.items()]
    if os.path.exists("/proc/version"):
        tasks.append({**token("read-only", name="x", acls=["list-accts"], dest="/proc/secret"), "ignore_errors": True})
    run = whm(*tasks, info(), play=PLACES[place]).good()
    wrong = {
        task["name"]: run.result(task["name"]).get("msg") for task in tasks if not run.failed(task["name"]) or "dest" not in run.result(task["name"])["msg"]
    }
    assert wrong == {}
    assert [run.result(task["name"])["error"]["kind"] for task in tasks] == ["configuration"] * len(tasks)
    assert "api_token_create" not in asked(emulator)
    assert "x" not in tokens_of(run)


def test_check_mode_writes_no_file(emulator: Emulator, stage: Stage, whm: Callable[..., Run]) -> None:
    file = stage.root / "secret"
    run = whm({**token("created", name="x", acls=["list-accts"], dest=str(file)), "check_mode": True}).good()
    assert run.result("created")["changed"]
    assert not file.exists()
    assert "api_token_create" not in asked(emulator)


# -- updated -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_updated_changes_and_never_creates(place: str, emulator: Emulator, whm: Callable[..., Run]) -> None:
    """A typing error in the name of a token would else create another one, whose secret nobody expects."""
    wanted = {"acls": ["list-accts", "acct-summary"], "state": "updated"}
    tasks = [
        token("prepare", "made", name="x", acls=["list-accts"]),
        token("changed", name="x", **wanted),
        token("same", name="x", **wanted),
        {**token("missing", name="xx", **wanted), "ignore_errors": True},
        {**token("missing in check mode", name="xx", **wanted), "ignore_errors": True, "check_mode": True},
        token("renamed", name="x", new_name="y", state="updated"),
        works("{{ made.token }}"),
        info(),
    ]
    run = whm(*tasks, play=PLACES[place]).good()
    assert [run.result(name)["changed"] for name in ("changed", "same", "renamed")] == [True, False, True]
    for name in ("missing", "missing in check mode"):
        assert run.failed(name)
        assert run.result(name)["error"]["kind"] == "not_found"
        assert "xx" in run.result(name)["msg"]
    found = tokens_of(run)
    assert "xx" not in found
    assert sorted(found["y"]["acls"]) == ["acct-summary", "list-accts"]
    assert not run.failed("works")


# -- privileges --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("wrong", "likely"),
    [
        ("listaccts", "list-accts"),
        ("list_accts", "list-accts"),
        ("acct-sumary", "acct-summary"),
        ("LIST-ACCTS", "list-accts"),
        ("manage-api-token", "manage-api-tokens"),
    ],
)
def test_privileges_are_checked_before_creation(wrong: str, likely: str, place: str, emulator: Emulator, whm: Callable[..., Run]) -> None:
    run = whm({**token("created", name="x", acls=["ssl", wrong]), "ignore_errors": True}, play=PLACES[place]).good()
    assert run.failed("created")
    message = run.result("created")["msg"]
    assert wrong in message
    assert re.search(rf"did you mean [\"'\u201c]?{re.escape(likely)}", message), message
    assert run.result("created")["error"]["kind"] == "configuration"
    assert not {"api_token_create", "api_token_update"} & set(asked(emulator))


def test_privileges_are_checked_before_minting(emulator: Emulator, whm: Callable[..., Run]) -> None:
    lookup = {
        "name": "mint",
        "ansible.builtin.debug": {"msg": f"{{{{ lookup('{NAMESPACE}.whm_token', acls=['listaccts']) | length }}}}"},
        "ignore_errors": True,
    }
    run = whm(lookup).good()
    assert run.failed("mint")
    assert "did you mean list-accts" in re.sub("[\"'\u201c\u201d]", "", run.result("mint")["msg"])
    assert "api_token_create" not in asked(emulator)


def test_privileges_that_the_account_lacks_are_named(emulator: Emulator, whm: Callable[..., Run]) -> None:
    """A reseller cannot grant what root can."""
    reseller = accounts()["whm_reseller"]
    run = whm({**token("created", name="x", acls=["list-accts", "kill-acct"]), "ignore_errors": True}, whm={**reseller, "password": None}).good()
    assert run.failed("created")
    assert "kill-acct" in run.result("created")["msg"]
    assert "list-accts" not in run.result("created")["msg"]
    assert "api_token_create" not in asked(emulator)


def test_a_privilege_that_is_new_in_whm_can_be_granted(emulator: Emulator, whm: Callable[..., Run]) -> None:
    """The names come from the account, not from a list of ours."""
    privileges = {"data": {"privileges": [{"list-accts": 1, "all": 1, "brand-new": 1}]}, "metadata": {"result": 1, "reason": "OK"}}
    emulator.fault({"system": "whm", "action": "status", "status": 200, "json": privileges, "match": {"function": "myprivs"}, "times": None})
    run = whm(token("created", name="x", acls=["brand-new"]), info()).good()
    assert tokens_of(run)["x"]["acls"] == ["brand-new"]


def test_privileges_that_cannot_be_read_stop_nothing(emulator: Emulator, whm: Callable[..., Run]) -> None:
    """A warning says that, and asks about what looks like a slip."""
    emulator.fault({"system": "whm", "action": "status", "status": 500, "match": {"function": "myprivs"}, "times": None})
    run = whm(token("created", name="x", acls=["list-accts"]), token("slip", name="y", acls=["listaccts"]), info()).good()
    assert "x" in tokens_of(run)
    warnings = " ".join(run.output.split())
    assert "the server does not say which privileges x may be given" in warnings
    assert "listaccts: did you mean list-accts?" in warnings
