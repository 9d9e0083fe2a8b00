# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role preflight: what it finds, what it costs, and what it shows."""

from __future__ import annotations

import re
import textwrap
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
import yaml
from e2e.hunt import Hunt, given_out
from e2e.stage import BECOME, COLLECTION, CORE, Run, Stage
from emulator.accounts import accounts, canaries
from emulator.client import Emulator

ROLE = "apiauth.tokens.preflight"
SYSTEMS = ("rackcorp", "whm", "netography", "vss")
SHOW: dict[str, Any] = {"name": "show", "ansible.builtin.debug": {"msg": "{{ preflight_results | default([]) }}"}}
Preflight = Callable[..., Run]


@pytest.fixture
def preflight(stage: Stage, emulator: Emulator, variables: Callable[..., dict[str, Any]]) -> Preflight:
    """Runs the role with the credentials of all four systems, and shows its results whatever comes of it.

    `wrong` replaces variables, and leaves out those that are None.
    """

    def run(wrong: dict[str, Any] | None = None, *, systems: tuple[str, ...] = SYSTEMS, plays: list[dict[str, Any]] | None = None, **rest: Any) -> Run:
        known = {name: value for system in systems for name, value in variables(system).items()}
        whole = {name: value for name, value in {**known, **(wrong or {})}.items() if value is not None}
        tasks = [{"block": [{"ansible.builtin.include_role": {"name": ROLE}}], "always": [SHOW]}]
        return stage.playbook(plays or [{"hosts": "all", "gather_facts": False, "tasks": tasks}], extra_vars=whole, **rest)

    return run


def rows(run: Run) -> dict[str, dict[str, Any]]:
    return {row["system"]: row for row in run.result("show")["msg"]}


def summary(run: Run) -> str:
    """What the last failure says."""
    return str([record["result"]["msg"] for record in run.records if record["event"] == "failed"][-1])


def logins(emulator: Emulator) -> dict[str, int]:
    return {system: emulator.logins(system) for system in ("rackcorp", "netography", "vss")}


def test_all_is_well(preflight: Preflight, emulator: Emulator) -> None:
    """A login for each account at first, none after that. The table has a line for each system."""
    run = preflight({"whm_password": None}).good()
    found = rows(run)
    assert list(found) == list(SYSTEMS)
    assert {system: row["authenticated"] for system, row in found.items()} == {
        "rackcorp": "new login",
        "whm": "given token",
        "netography": "new login",
        "vss": "new login",
    }
    assert [row["problem"] for row in found.values()] == [""] * 4
    assert found["vss"]["account"] == "vsskey1"
    assert found["whm"]["account"] == "root"
    assert found["whm"]["expires_at"] is None
    assert all(row["host"].startswith("127.0.0.1:") for row in found.values())
    assert all(1 <= row["milliseconds"] < 60_000 for row in found.values())
    ends = found["netography"]["expires_at"]
    assert ends == pytest.approx(time.time() + 86400, abs=120)
    assert found["netography"]["expires"] == time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(ends))
    table = run.result(f"{ROLE} : Show the results")["msg"]
    assert [line.split()[0] for line in table] == ["system", *SYSTEMS]
    assert all(line.endswith("OK") for line in table[1:])
    assert logins(emulator) == {"rackcorp": 1, "netography": 1, "vss": 1}
    again = rows(preflight({"whm_password": None}, args=["--check"]).good())
    assert {again[system]["authenticated"] for system in logins(emulator)} == {"cached token"}
    assert logins(emulator) == {"rackcorp": 1, "netography": 1, "vss": 1}


def test_two_of_four_are_wrong(preflight: Preflight, emulator: Emulator) -> None:
    """Both are in one message, each with its system and its host, and the other two are checked too. A wrong password is tried once."""
    wrong = {"vss_password": "not it", "whm_token": "NOTIT0123456789", "whm_password": None}
    run = preflight(wrong)
    assert run.rc != 0
    found = rows(run)
    assert {system: row["kind"] for system, row in found.items()} == {"rackcorp": "", "whm": "credentials", "netography": "", "vss": "credentials"}
    assert {system for system, row in found.items() if row["problem"]} == {"whm", "vss"}
    message = summary(run)
    assert message.startswith("2 of 4 credentials have a problem: (1) WHM at ")
    assert "; (2) VSS at " in message
    for system in ("whm", "vss"):
        assert found[system]["problem"] in message
        assert "127.0.0.1" in found[system]["problem"]
    assert found["vss"]["account"] == "vsskey1"
    assert logins(emulator) == {"rackcorp": 1, "netography": 1, "vss": 1}
    # In one run, because a refusal is only shared for a minute.
    role = {"block": [{"ansible.builtin.include_role": {"name": ROLE}}], "rescue": [SHOW]}
    preflight({**wrong, "vss_password": "not it either"}, plays=[{"hosts": "all", "gather_facts": False, "tasks": [role, role]}]).good()
    assert logins(emulator) == {"rackcorp": 1, "netography": 1, "vss": 2}


def test_only_what_is_configured(preflight: Preflight, stage: Stage, emulator: Emulator) -> None:
    """From variables or from the environment; an empty variable is none, one that cannot be templated is a problem, and nothing at all is one too."""
    vss = {"VSS_USER": accounts()["vss"]["username"], "VSS_USER_PASS": accounts()["vss"]["password"], "VSS_API_URL": emulator.url("vss")}
    run = preflight({"whm_token": "", "whm_password": "", "netography_api_url": emulator.url("netography")}, systems=("rackcorp",), env=vss).good()
    assert list(rows(run)) == ["rackcorp", "vss"]
    assert rows(run)["vss"]["account"] == "vsskey1"
    run = preflight({"vss_password": "{{ nowhere }}"}, systems=("vss",))
    assert run.rc != 0
    # Core 2.18 fails before the role can say which variable it is.
    assert ("the variable vss_password is undefined" if CORE >= (2, 19) else "'nowhere' is undefined") in summary(run)
    run = preflight({"vss_api_url": "{{ nowhere }}"}, systems=("vss",))
    assert run.rc != 0
    assert ("the variable vss_api_url is undefined" if CORE >= (2, 19) else "'nowhere' is undefined") in summary(run)
    run = preflight(systems=())
    assert run.rc != 0
    assert "There is nothing to check" in summary(run)
    run = preflight({"preflight_systems": ["whm"]}, systems=())
    assert run.rc != 0
    assert rows(run)["whm"]["kind"] == "configuration"


def test_privileges(preflight: Preflight, variables: Callable[..., dict[str, Any]]) -> None:
    reseller = variables("whm", "whm_reseller", password=None)
    good = {**reseller, "preflight_require_acls": ["list-accts", "create-acct"]}
    preflight(good, systems=()).good()
    run = preflight({**good, "preflight_require_acls": ["list-accts", "kill-acct", "kill-dns"]}, systems=())
    assert run.rc != 0
    assert "resell lacks the privileges kill-acct, kill-dns" in summary(run)
    assert rows(run)["whm"]["kind"] == "forbidden"
    root = variables("whm", token=None, password=accounts()["whm"]["password"])
    preflight({**root, "preflight_require_acls": ["kill-acct"]}, systems=()).good()


def test_a_token_that_expires_soon(preflight: Preflight, emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    """Of tokens that were given, WHM's and JWTs; those that are renewed cause no warning."""
    made: dict[str, Any] = {
        "name": "made",
        "apiauth.tokens.whm_api_token": {"name": "short", "acls": ["list-accts", "manage-api-tokens"], "expires_at": "+2h"},
        "register": "made",
    }
    role = {"name": "role", "ansible.builtin.include_role": {"name": ROLE}, "vars": {"whm_token": "{{ made.token }}"}}
    known = {name: value for name, value in variables("whm", token=None).items() if name != "whm_password"}
    made["apiauth.tokens.whm_api_token"]["password"] = "{{ root_password }}"
    known["root_password"] = accounts()["whm"]["password"]
    task_names = f"{ROLE} : Warn of tokens that expire soon"
    run = stage.tasks(made, role, {**SHOW}, extra_vars=known).good()
    assert rows(run)["whm"]["expires_at"] == pytest.approx(time.time() + 7200, abs=60)
    (warning,) = run.result(task_names)["msg"]
    assert warning.startswith("WARNING: the token of WHM at 127.0.0.1:")
    assert rows(run)["whm"]["expires"] in warning
    made["apiauth.tokens.whm_api_token"]["name"] = "shorter"
    run = stage.tasks(made, role, SHOW, extra_vars={**known, "preflight_warn_within": 3600}).good()
    assert "msg" not in run.result(task_names)
    run = preflight({"whm_password": None}).good()
    assert "msg" not in run.result(task_names), "a JWT of an hour that is renewed"


def test_a_given_token_that_is_not_known(preflight: Preflight, emulator: Emulator) -> None:
    """RackCorp answers OK for it, so the role has to look into the reply. Catches a check of the status alone."""
    token = jwt.encode({"exp": int(time.time()) + 600}, "any key, for nobody verifies it here", algorithm="HS256")
    run = preflight({"rackcorp_token": token, "rackcorp_api_url": emulator.url("rackcorp")}, systems=())
    assert run.rc != 0
    assert "RackCorp at 127.0.0.1" in summary(run)
    assert "does not accept the token" in summary(run)
    assert token not in run.output


def test_a_cached_token_that_was_revoked(preflight: Preflight, emulator: Emulator) -> None:
    """It is replaced, with one login for each account."""
    preflight({"whm_password": None}).good()
    before = logins(emulator)
    for system in before:
        emulator.revoke(system)
    preflight({"whm_password": None}).good()
    assert logins(emulator) == {system: count + 1 for system, count in before.items()}


def test_no_secret_is_shown(preflight: Preflight, emulator: Emulator, stage: Stage) -> None:
    """At the highest verbosity, when all is well and when nothing is."""
    everything = {"name": "all", "ansible.builtin.debug": {"msg": "{{ hostvars[inventory_hostname] | dict2items | selectattr('key', 'search', 'preflight') }}"}}
    tasks = [{"block": [{"ansible.builtin.include_role": {"name": ROLE}}], "always": [SHOW, everything]}]
    good = preflight(plays=[{"hosts": "all", "gather_facts": False, "tasks": tasks}], verbosity=5).good()
    wrong = {name: f"CANARY{number}wrong" * 2 for number, name in enumerate(("rackcorp_api_secret", "netography_appkey", "vss_password", "whm_token"))}
    bad = preflight(wrong, plays=[{"hosts": "all", "gather_facts": False, "tasks": tasks}], verbosity=5)
    assert bad.rc != 0
    assert summary(bad).startswith("4 of 4")
    hunt = Hunt([*canaries(), *wrong.values(), *given_out(emulator.log())])
    assert hunt.in_bytes(good.output.encode()) == []
    assert hunt.in_bytes(bad.output.encode()) == []


@pytest.mark.parametrize("how", ["run_once", "loop", "become"])
def test_plays(preflight: Preflight, emulator: Emulator, stage: Stage, how: str) -> None:
    """Once for several hosts, with facts for all of them; in a loop with `item` in its variables; with become for the whole play."""
    plays: dict[str, list[dict[str, Any]]] = {
        "run_once": [{"hosts": "all", "roles": [{"role": ROLE, "run_once": True}], "tasks": [SHOW]}],
        "loop": [
            {
                "hosts": "all",
                "tasks": [
                    {
                        "ansible.builtin.include_role": {"name": ROLE},
                        "loop": [{"who": "root", "system": "whm"}, {"who": "vsskey1", "system": "vss"}],
                        "vars": {"whm_username": "{{ item.who }}", "vss_username": "{{ item.who }}", "preflight_systems": ["{{ item.system }}"]},
                    },
                    SHOW,
                ],
            }
        ],
        "become": [{"hosts": "all", "become": True, "roles": [ROLE], "tasks": [SHOW]}],
    }
    wrong: dict[str, Any] = {"whm_password": None}
    if how == "loop":
        wrong |= {"whm_username": None, "vss_username": None}
    become = {f"ansible_{name}": value for name, value in BECOME.items()} if how == "become" else {}
    run = preflight(wrong, plays=plays[how], hosts=2, host_vars=become).good()
    shown = run.results("show")
    assert set(shown) == {"h01", "h02"}
    assert all([row["problem"] for row in result["msg"]] == [""] * (1 if how == "loop" else 4) for result in shown.values())
    if how == "run_once":
        assert len(emulator.log(system="whm", function="myprivs")) == 1
    assert emulator.logins("vss") == 1


GUIDE = COLLECTION / "docs" / "docsite" / "rst" / "guide_preflight.rst"
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"^\.\. code-block:: yaml\+jinja\n\n((?:(?: {4}.*)?\n)+)", GUIDE.read_text(), re.MULTILINE)]


def test_the_playbooks_of_the_guide_run(preflight: Preflight, stage: Stage) -> None:
    assert len(BLOCKS) == 2
    report = stage.tmp / "report"
    for block in BLOCKS:
        preflight({"whm_password": None}, plays=yaml.safe_load(block)).good()
    assert not report.exists()
    run = preflight({"vss_password": "not it", "report_file": str(report)}, plays=yaml.safe_load(BLOCKS[1]))
    assert run.rc != 0
    assert "vss: see the report" in run.output
    assert [row["system"] for row in yaml.safe_load(report.read_text())] == ["vss"]
