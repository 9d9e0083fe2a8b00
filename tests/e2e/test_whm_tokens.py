# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of WHM's tokens in playbooks, as wanted state."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from e2e.stage import Run, Stage
from e2e.whm import BY_PASSWORD, DAY, RESELLER, SYSTEM, WAYS, asked, info, looked_up, token, tokens_of, works
from emulator.client import Emulator

# -- wanted state ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_a_life(way: str, emulator: Emulator, whm: Callable[..., Run]) -> None:
    wanted: dict[str, Any] = {"name": "deploy", "acls": ["list-accts", "acct-summary"], "expires_at": "+30d", "whitelist_ips": ["127.0.0.0/8", "2001:db8::/48"]}
    spelled = {**wanted, "acls": ["acct-summary", "list-accts"], "whitelist_ips": ["2001:0db8:0000::1/48", "127.0.0.1/255.0.0.0"]}
    run = whm(
        token("create", "made", **wanted),
        works("{{ made.token }}"),
        token("again", **spelled),
        token("less", name="deploy", acls=["list-accts"]),
        token("less again", name="deploy", acls=["list-accts"]),
        token("rename", name="deploy", new_name="deploy-2"),
        token("rename again", name="deploy", new_name="deploy-2"),
        works("{{ made.token }}", "still works"),
        token("open", name="deploy-2", expires_at="never", whitelist_ips=[]),
        info(),
        token("revoke", name="deploy-2", state="absent"),
        token("revoke again", name="deploy-2", state="absent"),
        works("{{ made.token }}", "is gone"),
        play=WAYS[way],
    ).good()
    changed = {name: run.result(name)["changed"] for name in run.tasks if "works" not in name and name not in ("create", "is gone", "info")}
    assert changed == {
        "again": False, "less": True, "less again": False, "rename": True, "rename again": False, "open": True, "revoke": True, "revoke again": False,
    }  # fmt: skip
    assert not run.failed("works")
    assert not run.failed("still works")
    assert run.result("is gone")["error"]["kind"] == "credentials"
    found = run.result("rename")["api_token"]
    assert found["acls"] == ["list-accts"]
    assert found["whitelist_ips"] == ["127.0.0.0/8", "2001:db8::/48"]
    assert abs(found["expires_at"] - time.time() - 30 * DAY) < 60
    last = tokens_of(run)["deploy-2"]
    assert (last["expires_at"], last["whitelist_ips"], last["expired"], last["in_use"]) == (None, [], False, False)
    assert run.result("revoke")["revoked"] == ["deploy-2"]
    assert run.result("revoke again")["revoked"] == []
    assert "censored" in run.result("create")


def test_a_diff_has_no_secret_and_check_mode_sends_nothing(emulator: Emulator, whm: Callable[..., Run]) -> None:
    tasks = [token("new", name="a", acls=["list-accts"]), token("change", name="b", acls=["list-accts", "ssl"]), token("gone", name="b", state="absent")]
    whm(token("before", name="b", acls=["list-accts"])).good()
    before = len(emulator.log())
    run = whm(*tasks, args=["--check", "--diff"]).good()
    assert {record["function"] for record in emulator.log(since=before)} == {"api_token_list", "api_token_get_details", "myprivs"}
    assert all(run.result(name)["changed"] for name in ("new", "change", "gone"))
    assert run.result("new")["api_token"] == {
        "name": "a", "acls": ["list-accts"], "create_time": None, "expires_at": None, "expired": False, "whitelist_ips": [],
    }  # fmt: skip
    assert "token" not in run.result("new")
    assert run.result("change")["diff"]["before"]["acls"] == ["list-accts"]
    assert '+        "ssl"' in run.output


def test_what_is_created_is_shown_nowhere(emulator: Emulator, whm: Callable[..., Run], stage: Stage) -> None:
    keep = {"name": "keep", "ansible.builtin.copy": {"content": "{{ made.token }}", "dest": str(stage.inputs / "secret"), "mode": "0600"}, "no_log": True}
    for way in WAYS.values():
        run = whm(token("create", "made", name=f"t{len(emulator.log())}", acls=["list-accts"]), keep, play=way, args=["--diff"], verbosity=5).good()
        secret = (stage.inputs / "secret").read_text()
        assert re.fullmatch(r"[A-Z0-9]{32}", secret)
        assert secret not in run.output
        assert secret not in str(run.records)


def test_bad_options_send_nothing(emulator: Emulator, whm: Callable[..., Run]) -> None:
    bad: list[dict[str, Any]] = [
        {},
        {"name": "x" * 51, "acls": ["ssl"]},
        {"name": "a b", "state": "absent"},
        {"name": "a", "acls": []},
        {"name": "a", "acls": ["ssl"], "expires_at": "30d"},
        {"name": "a", "acls": ["ssl"], "whitelist_ips": ["localhost"]},
        {"name": "a", "acls": ["ssl"], "all_privileges": True},
        {"names": ["a"]},
        {"name": "a", "acl": ["ssl"]},
    ]
    run = whm(*({**token(str(number), **options), "ignore_errors": True} for number, options in enumerate(bad))).good()
    told = [run.result(str(number)) for number in range(len(bad))]
    assert {one["error"]["kind"] for one in told} == {"configuration"}
    where = f"WHM at {urlsplit(emulator.url('whm')).netloc}: "
    assert [one["msg"] for one in told if not one["msg"].startswith(where)] == []
    assert emulator.log() == []


def test_nothing_is_created_with_every_privilege_by_accident(emulator: Emulator, whm: Callable[..., Run]) -> None:
    run = whm(token("create", name="t"))
    assert "give acls, or all_privileges" in run.result("create")["msg"]
    assert asked(emulator) == ["api_token_list"]


@pytest.mark.parametrize("who", [{}, RESELLER, BY_PASSWORD])
def test_all_privileges_are_those_of_the_caller(who: Mapping[str, Any], emulator: Emulator, whm: Callable[..., Run]) -> None:
    run = whm(token("create", name="t", all_privileges=True), token("again", name="t", all_privileges=True), info(names=["t", "automation"]), whm=who).good()
    assert run.result("again")["changed"] is False
    found = tokens_of(run)
    assert found["t"]["acls"] == found["automation"]["acls"]
    assert found["automation"]["in_use"] is (who != BY_PASSWORD)


def test_a_refused_privilege_is_told(whm: Callable[..., Run]) -> None:
    run = whm(token("create", name="t", acls=["kill-acct"]), whm=RESELLER)
    assert run.result("create")["error"]["kind"] == "configuration"
    assert "the account does not have the privilege kill-acct" in run.result("create")["msg"]


def test_what_has_expired_is_swept_by_the_clock_of_the_server(emulator: Emulator, whm: Callable[..., Run]) -> None:
    whm(
        token("short", name="short", acls=["list-accts"], expires_at="+1h"),
        token("long", name="long", acls=["list-accts"], expires_at="+3d"),
        token("system", name="web1-trust", acls=["clustering"], expires_at="+1h"),
    ).good()
    emulator.clock(DAY)
    run = whm(info(), token("sweep", expired=True, state="absent"), token("again", expired=True, state="absent")).good()
    assert {name: one["expired"] for name, one in tokens_of(run).items()} == {
        "automation": False,
        "long": False,
        SYSTEM: False,
        "short": True,
        "web1-trust": True,
    }
    assert run.result("sweep")["revoked"] == ["short"]
    assert run.result("again")["changed"] is False


@pytest.mark.parametrize("settings", [{}, {"times_as_strings": True, "update_keeps_whitelist": True, "revoke_missing_ok": False}])
@pytest.mark.parametrize("who", [{}, RESELLER])
def test_every_form_of_reply_gives_the_same(who: Mapping[str, Any], settings: Mapping[str, Any], emulator: Emulator, whm: Callable[..., Run]) -> None:
    emulator.settings(whm=settings)
    wanted: dict[str, Any] = {"name": "t", "acls": ["list-accts"], "expires_at": 1900000000, "whitelist_ips": ["127.0.0.1"]}
    run = whm(
        token("create", **wanted),
        token("again", **wanted),
        token("as text", **{**wanted, "expires_at": "2030-03-17T17:46:40Z"}),
        token("clear", name="t", whitelist_ips=[]),
        info(names=["t"]),
        token("gone", names=["t", "nobody"], state="absent"),
        whm=who,
    ).good()
    assert [run.result(name)["changed"] for name in ("again", "as text", "clear", "gone")] == [False, False, True, True]
    (found,) = run.result("info")["api_tokens"]
    assert {name: found[name] for name in ("acls", "expires_at", "whitelist_ips", "in_use")} == {
        "acls": ["list-accts"], "expires_at": 1900000000, "whitelist_ips": [], "in_use": False,
    }  # fmt: skip


# -- guards ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [{}, RESELLER])
@pytest.mark.parametrize("way", ["here", "become"])
def test_the_token_in_use_is_guarded(way: str, who: Mapping[str, Any], emulator: Emulator, whm: Callable[..., Run]) -> None:
    guarded = [
        token("revoke", name="automation", state="absent"),
        token("narrow", name="automation", acls=["list-accts"]),
        token("end", name="automation", expires_at="+1d"),
        token("limit", name="automation", whitelist_ips=["127.0.0.1"]),
    ]
    run = whm(
        *({**task, "ignore_errors": True} for task in guarded), info(), token("force", name="automation", state="absent", force=True), whm=who, play=WAYS[way]
    ).good()
    for task in guarded:
        assert "is the token that this task authenticates with" in run.result(task["name"])["msg"]
    assert tokens_of(run)["automation"]["in_use"] is True
    assert {one for one in asked(emulator) if one in ("api_token_update", "api_token_revoke")} == {"api_token_revoke"}
    assert run.result("force")["revoked"] == ["automation"]


def test_a_password_uses_no_token(emulator: Emulator, whm: Callable[..., Run]) -> None:
    run = whm(token("revoke", name="automation", state="absent"), whm=BY_PASSWORD).good()
    assert run.result("revoke")["changed"] is True
    assert "api_token_get_details" not in asked(emulator)


def test_tokens_of_systems_are_guarded(emulator: Emulator, whm: Callable[..., Run]) -> None:
    run = whm(
        {**token("revoke", name=SYSTEM, state="absent"), "ignore_errors": True},
        {**token("rename", name=SYSTEM, new_name="mine"), "ignore_errors": True},
        token("force", name=SYSTEM, state="absent", force=True),
    ).good()
    assert all("created for itself" in run.result(name)["msg"] for name in ("revoke", "rename"))
    assert run.result("force")["revoked"] == [SYSTEM]


def test_older_servers_cannot_tell_which_token_is_in_use(emulator: Emulator, whm: Callable[..., Run]) -> None:
    whm(token("other", name="other", acls=["list-accts"])).good()
    emulator.settings(whm={"version": 97})
    run = whm(
        {**token("own", name="automation", state="absent"), "ignore_errors": True},
        info(),
        token("another", name="other", state="absent"),
    ).good()
    assert "may be the token that this task authenticates with" in run.result("own")["msg"]
    assert "version 98" in run.result("own")["msg"]
    assert run.result("another")["changed"] is True
    assert {name: one["in_use"] for name, one in tokens_of(run).items()} == {"automation": None, "other": False, SYSTEM: False}


def test_an_older_server_knows_the_only_token(emulator: Emulator, whm: Callable[..., Run]) -> None:
    emulator.settings(whm={"version": 97})
    assert tokens_of(whm(info(), whm=RESELLER).good())["automation"]["in_use"] is True


# -- on another host -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["remote"])
def test_a_password_stays_on_the_controller(way: str, emulator: Emulator, whm: Callable[..., Run]) -> None:
    run = whm(
        {**token("create", name="t", acls=["list-accts"]), "ignore_errors": True}, {**info(), "ignore_errors": True}, play=WAYS[way], whm=BY_PASSWORD
    ).good()
    for name in ("create", "info"):
        assert "credentials do not leave the controller" in run.result(name)["msg"]
        assert "use a token, or delegate_to: localhost" in run.result(name)["msg"]
    assert emulator.log() == []


def test_async_never_creates(emulator: Emulator, whm: Callable[..., Run], stage: Stage) -> None:
    whm(token("before", name="t", acls=["list-accts"])).good()
    before = len(emulator.log())
    background = {"async": 30, "poll": 1}
    run = whm(
        {**token("create", name="u", acls=["list-accts"]), **background, "ignore_errors": True},
        {**token("change", name="t", expires_at=1900000000), **background},
        {**token("revoke", name="t", state="absent"), **background},
    ).good()
    assert "rest in the job's file under async" in run.result("create")["msg"]
    assert run.result("change")["api_token"]["expires_at"] == 1900000000
    assert run.result("revoke")["revoked"] == ["t"]
    assert "api_token_create" not in [one["function"] for one in emulator.log(since=before)]


# -- races and broken connections ------------------------------------------------------------------------------------


def test_hosts_that_want_the_same_token_end_with_one(emulator: Emulator, whm: Callable[..., Run]) -> None:
    run = whm(token("create", "made", name="t", acls=["list-accts"]), hosts=8, forks=8).good()
    created = [record for record in emulator.log(system="whm") if record["function"] == "api_token_create" and record["ok"]]
    assert len(created) == 1
    assert sum(one["changed"] for one in run.results("create").values()) == 1


def test_hosts_that_revoke_the_same_token_agree(emulator: Emulator, whm: Callable[..., Run]) -> None:
    emulator.settings(whm={"revoke_missing_ok": False})
    whm(token("create", name="t", acls=["list-accts"])).good()
    whm(token("revoke", name="t", state="absent"), info(names=["t"]), hosts=8, forks=8).good()


def test_a_lost_reply_is_told_and_not_repeated(emulator: Emulator, whm: Callable[..., Run]) -> None:
    emulator.fault({"system": "whm", "action": "drop", "match": {"function": "api_token_create"}})
    run = whm({**token("create", name="t", acls=["list-accts"]), "ignore_errors": True}, token("again", name="t", acls=["list-accts"])).good()
    assert "t may have been created all the same, and its secret would be lost" in run.result("create")["msg"]
    assert asked(emulator).count("api_token_create") == 1
    assert run.result("again")["changed"] is False


@pytest.mark.parametrize("who", [{}, BY_PASSWORD])
def test_a_reply_that_is_cut_short_shows_no_new_secret(who: Mapping[str, Any], emulator: Emulator, whm: Callable[..., Run]) -> None:
    emulator.fault({"system": "whm", "action": "truncated", "times": None, "match": {"function": "api_token_create"}})
    run = whm(
        {**token("create", name="t", acls=["list-accts"]), "ignore_errors": True},
        looked_up("mint", "acls=['list-accts']", ignore_errors=True),
        whm=who,
        verbosity=3,
    ).good()
    assert run.result("create")["error"]["kind"] == "protocol"
    assert not re.search(r"\b[A-Z0-9]{20,32}\b", run.output.replace("CANARYWHMROOTTOKEN0A1B2C3D4E5F6G", ""))
