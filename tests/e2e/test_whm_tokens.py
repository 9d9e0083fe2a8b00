# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of WHM's tokens in playbooks: as wanted state, minted by the lookup, and taken back from the cache."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cache.redis_server import RedisServer
from e2e.stage import BECOME, REMOTE, Run, Stage
from emulator.accounts import accounts
from emulator.client import Emulator

Variables = Callable[..., dict[str, Any]]
Tasks = list[dict[str, Any]]

HOUR = 3600
DAY = 24 * HOUR
MINTED = re.compile(r"apiauth-\d{14}-[0-9a-f]{8}")
SYSTEM = "reverse_trust_0e8d9a44-5d1c-4f6e-9c50-6f6f2f3d7a10"
WAYS: Mapping[str, Mapping[str, Any]] = {"here": {}, "become": BECOME, "remote": {"vars": dict(REMOTE)}}


def token(title: str, register: str = "", /, **options: Any) -> dict[str, Any]:
    """A task of whm_api_token; `title` is its name."""
    more = {"register": register} if register else {}
    return {"name": title, "apiauth.tokens.whm_api_token": options, **more}


def info(**options: Any) -> dict[str, Any]:
    return {"name": "info", "apiauth.tokens.whm_api_token_info": options}


def works(secret: str, title: str = "works") -> dict[str, Any]:
    """A call with a token that may list accounts."""
    return {"name": title, "apiauth.tokens.whm_api": {"function": "listaccts", "token": secret}, "ignore_errors": True}


def looked_up(title: str, arguments: str, **more: Any) -> dict[str, Any]:
    """A task that notes what the lookup gave, less its secret."""
    expression = f"lookup('apiauth.tokens.whm_token', output='details', {arguments})"
    return {"name": title, "ansible.builtin.debug": {"msg": f"{{{{ {expression} | combine({{'token': 1, 'headers': 1}}) }}}}"}, **more}


@pytest.fixture
def whm(emulator: Emulator, stage: Stage, variables: Variables) -> Callable[..., Run]:
    """Runs tasks as root with its token; options given as `whm` replace those, `whm=None` gives none."""

    def run(*tasks: dict[str, Any], whm: Mapping[str, Any] | None = None, play: Mapping[str, Any] | None = None, **rest: Any) -> Run:
        known = variables("whm", **{"password": None, **(whm or {})})
        return stage.tasks(*tasks, play=play, extra_vars={**known, **rest.pop("extra_vars", {})}, **rest)

    return run


BY_PASSWORD: Mapping[str, Any] = {"token": None, "password": accounts()["whm"]["password"]}
RESELLER: Mapping[str, Any] = accounts()["whm_reseller"]


def tokens_of(run: Run) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in run.result("info")["api_tokens"]}


def asked(emulator: Emulator) -> list[str]:
    return [one["function"] for one in emulator.log(system="whm")]


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
    assert {record["function"] for record in emulator.log(since=before)} == {"api_token_list", "api_token_get_details"}
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
    assert {run.result(str(number))["error"]["kind"] for number in range(len(bad))} == {"configuration"}
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
    assert run.result("create")["error"]["kind"] == "forbidden"
    assert "kill-acct" in run.result("create")["msg"]


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
    assert all("made for itself" in run.result(name)["msg"] for name in ("revoke", "rename"))
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


@pytest.mark.parametrize("way", ["become", "remote"])
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
    assert "t may have been created nevertheless, and its secret would be lost" in run.result("create")["msg"]
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


# -- the lookup ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [{}, BY_PASSWORD, {**RESELLER, "token": None}])
def test_a_fleet_shares_one_minted_token(who: Mapping[str, Any], emulator: Emulator, whm: Callable[..., Run]) -> None:
    secret = "{{ lookup('apiauth.tokens.whm_token', acls=['list-accts']) }}"
    run = whm(works(secret), works(secret, "again"), looked_up("details", "acls=['list-accts']"), info(), hosts=12, forks=6, whm=who).good()
    assert emulator.logins("whm") == 1
    assert not run.failed("works")
    (minted,) = [one for one in run.result("info", "h01")["api_tokens"] if MINTED.fullmatch(one["name"])]
    assert minted["acls"] == ["list-accts"]
    details = run.result("details", "h01")["msg"]
    assert details == {
        "token": 1, "headers": 1, "provider": "whm", "principal": who.get("username", "root"), "from_cache": True, "expires_at": details["expires_at"],
    }  # fmt: skip
    assert abs(details["expires_at"] - minted["expires_at"]) <= 2
    assert abs(minted["expires_at"] - time.time() - HOUR) < 120


def test_a_wrong_password_is_tried_once_for_fifty_hosts(emulator: Emulator, whm: Callable[..., Run]) -> None:
    """The protection against brute force blocks an address after five bad logins."""
    emulator.settings(whm={"hulk_ip_limit": 2})
    bad = {**BY_PASSWORD, "password": "wrong:CANARY"}
    for _wave in range(2):
        run = whm(looked_up("mint", "acls=['list-accts']"), hosts=50, forks=10, whm=bad)
        assert run.rc != 0
        assert len(run.results("mint")) == 50
        assert all("check username" in one["msg"] for one in run.results("mint").values())
    assert len(emulator.log(system="whm")) == 1
    assert emulator.hulk()["accounts"] == {"root": 1}
    assert whm(looked_up("mint", "acls=['list-accts']"), whm=BY_PASSWORD).good().result("mint")["msg"]["from_cache"] is False


def test_different_wants_get_tokens_of_their_own(emulator: Emulator, whm: Callable[..., Run]) -> None:
    wants = ["acls=['list-accts']", "acls=['ssl', 'list-accts']", "all_privileges=true", "acls=['list-accts'], ttl=900",
             "acls=['list-accts'], name_prefix='ci'", "acls=['list-accts'], whitelist_ips=['127.0.0.0/8']"]  # fmt: skip
    again = ["acls=['list-accts', 'ssl']", "acls='list-accts'"]
    run = whm(*(looked_up(want, want) for want in [*wants, *again]), info(), whm=BY_PASSWORD).good()
    assert [run.result(want)["msg"]["from_cache"] for want in wants] == [False] * len(wants)
    assert [run.result(want)["msg"]["from_cache"] for want in again] == [True] * len(again)
    minted = {name: one for name, one in tokens_of(run).items() if MINTED.fullmatch(name.replace("ci-", "apiauth-"))}
    assert len(minted) == len(wants)
    assert sorted(len(one["acls"]) for one in minted.values())[:5] == [1, 1, 1, 1, 2]


def test_what_was_minted_before_is_swept_when_it_has_expired(emulator: Emulator, whm: Callable[..., Run]) -> None:
    whm(
        looked_up("first", "acls=['list-accts'], ttl=60"),
        looked_up("other prefix", "acls=['list-accts'], ttl=60, name_prefix='other'"),
        token("mine", name="apiauth-mine", acls=["list-accts"], expires_at="+60s"),
    ).good()
    emulator.clock(HOUR)
    run = whm(
        looked_up("refreshed", "acls=['list-accts'], ttl=60, refresh=true"),
        works("{{ lookup('apiauth.tokens.whm_token', acls=['list-accts'], ttl=60) }}"),
        info(),
    ).good()
    assert not run.failed("works")
    names = sorted(re.sub(r"-\d{14}-[0-9a-f]{8}", "-minted", name) for name in tokens_of(run))
    assert names == ["apiauth-minted", "automation", "other-minted", SYSTEM]
    (minted,) = [one for name, one in tokens_of(run).items() if MINTED.fullmatch(name)]
    assert 50 <= minted["expires_at"] - time.time() - HOUR <= 70


@pytest.mark.parametrize("function", ["api_token_list", "api_token_revoke"])
def test_a_sweep_that_fails_fails_no_lookup(function: str, emulator: Emulator, whm: Callable[..., Run]) -> None:
    whm(looked_up("first", "acls=['list-accts'], ttl=60")).good()
    emulator.clock(HOUR)
    emulator.fault({"system": "whm", "action": "status", "status": 503, "times": None, "match": {"function": function}})
    run = whm(looked_up("second", "acls=['list-accts'], refresh=true")).good()
    assert run.result("second")["msg"]["from_cache"] is False
    assert asked(emulator).count(function) in (1, 2)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("ttl=60", "missing acls or all_privileges"),
        ("acls=['ssl'], all_privileges=true", "exclude each other"),
        ("acls=[]", "acls is empty"),
        ("acls=['ssl'], ttl=0", "ttl must be a second or more"),
        ("acls=['ssl'], name_prefix='my prefix'", "name_prefix must be"),
        ("acls=['ssl'], name_prefix='transfer'", "name_prefix must be"),
        ("acls=['ssl'], whitelist_ips=['here']", "whitelist_ips must be"),
        ("acl=['ssl']", "there is no option acl"),
    ],
)
def test_bad_wants_mint_nothing(arguments: str, why: str, emulator: Emulator, whm: Callable[..., Run]) -> None:
    run = whm(looked_up("mint", arguments))
    assert why in run.result("mint")["msg"]
    assert emulator.log() == []


def test_the_variable_of_the_token_may_hold_the_lookup(emulator: Emulator, whm: Callable[..., Run]) -> None:
    """The way in which most people will write it."""
    variables = {"whm_token": "{{ lookup('apiauth.tokens.whm_token', acls=['list-accts']) }}"}
    run = whm({"name": "call", "apiauth.tokens.whm_api": {"function": "listaccts"}}, hosts=3, play={"vars": variables}, whm=BY_PASSWORD).good()
    assert len(run.results("call")) == 3
    assert emulator.logins("whm") == 1
    # What revokes is the password, not the token that is to be revoked.
    run = whm(cache("revoke", revoke=True), play={"vars": variables}, whm=BY_PASSWORD).good()
    assert run.result("revoke")["revoked"] == 1
    assert emulator.logins("whm") == 1


# -- the cache -------------------------------------------------------------------------------------------------------


def cache(title: str, **options: Any) -> dict[str, Any]:
    return {"name": title, "apiauth.tokens.token_cache": options}


CACHE_INFO: Mapping[str, Any] = {"name": "cached", "apiauth.tokens.token_cache_info": {}}
FILL: Tasks = [
    looked_up("minted", "acls=['list-accts']"),
    *(
        {"name": name, "ansible.builtin.debug": {"msg": f"{{{{ lookup('apiauth.tokens.{name}') | length }}}}"}}
        for name in ("rackcorp_jwt", "vss_token", "netography_token")
    ),
]


@pytest.fixture
def all_systems(variables: Variables) -> dict[str, Any]:
    found = {name: value for system in ("rackcorp", "vss", "netography") for name, value in variables(system).items()}
    return {"extra_vars": found, "whm": BY_PASSWORD}


@pytest.mark.parametrize("way", WAYS)
def test_the_cache_is_shown_without_secrets_from_every_host(way: str, all_systems: dict[str, Any], emulator: Emulator, whm: Callable[..., Run]) -> None:
    whm(*FILL, **all_systems).good()
    run = whm(dict(CACHE_INFO), play=WAYS[way], **all_systems).good()
    found = run.result("cached")
    assert (found["backend"], found["changed"]) == ("file", False)
    entries = found["entries"]
    assert [one["provider"] for one in entries] == ["netography", "rackcorp", "vss", "whm"]
    assert {one["state"] for one in entries} == {"fresh"}
    assert [one["api_url"] for one in entries] == [emulator.url(one["provider"]) for one in entries]
    assert entries[2]["principal"] == accounts()["vss"]["username"]
    assert all(one["expires_at"] > time.time() for one in entries)
    assert {frozenset(one) for one in entries} == {frozenset(("provider", "api_url", "principal", "state", "expires_at"))}


def test_what_was_minted_and_logged_in_is_taken_back(all_systems: dict[str, Any], emulator: Emulator, whm: Callable[..., Run]) -> None:
    run = whm(*FILL, cache("check", revoke=True), **all_systems, args=["--check"]).good()
    assert (run.result("check")["removed"], run.result("check")["revoked"]) == (4, 0)
    assert "api_token_revoke" not in asked(emulator)
    run = whm(cache("revoke", revoke=True), cache("again", revoke=True), dict(CACHE_INFO), info(), **all_systems).good()
    entries = {one["provider"]: one for one in run.result("revoke")["entries"]}
    assert {name: (one["removed"], one["revoked"]) for name, one in entries.items()} == {
        "whm": (True, True), "vss": (True, True), "rackcorp": (True, False), "netography": (True, False),
    }  # fmt: skip
    assert "no way to revoke" in entries["rackcorp"]["reason"]
    assert (run.result("revoke")["removed"], run.result("revoke")["revoked"]) == (4, 2)
    assert run.result("again") == {**run.result("again"), "changed": False, "removed": 0, "entries": []}
    assert run.result("cached")["entries"] == []
    assert not [name for name in tokens_of(run) if MINTED.fullmatch(name)]


def test_only_one_system_or_what_has_expired_is_removed(all_systems: dict[str, Any], emulator: Emulator, whm: Callable[..., Run]) -> None:
    run = whm(*FILL, cache("expired", expired_only=True), cache("vss", provider="vss"), dict(CACHE_INFO), **all_systems).good()
    assert run.result("expired")["changed"] is False
    assert run.result("vss")["removed"] == 1
    assert [one["provider"] for one in run.result("cached")["entries"]] == ["netography", "rackcorp", "whm"]
    assert emulator.counts()["vss"]["requests"] == 1


def test_a_refused_login_is_seen_and_can_be_forgotten(emulator: Emulator, whm: Callable[..., Run]) -> None:
    bad = {**BY_PASSWORD, "password": "wrong:CANARY"}
    tasks = [looked_up("mint", "acls=['list-accts']", ignore_errors=True), dict(CACHE_INFO), cache("expired", expired_only=True), cache("forget")]
    run = whm(*tasks, looked_up("again", "acls=['list-accts']", ignore_errors=True), whm=bad).good()
    (entry,) = run.result("cached")["entries"]
    assert (entry["state"], entry["expires_at"], entry["principal"]) == ("refused", None, "root")
    assert run.result("expired")["changed"] is False
    assert run.result("forget")["removed"] == 1
    assert emulator.logins("whm") == 2


def test_a_token_that_cannot_be_revoked_is_told_and_stays(emulator: Emulator, whm: Callable[..., Run]) -> None:
    whm(looked_up("one", "acls=['list-accts']"), looked_up("two", "acls=['ssl']"), whm=BY_PASSWORD).good()
    before = len(emulator.log())
    run = whm(cache("wrong", revoke=True, provider="whm", password="wrong:CANARY"), whm=BY_PASSWORD)
    told = run.result("wrong")
    assert (told["changed"], told["removed"], told["error"]["kind"]) == (False, 0, "credentials")
    assert "2 of 2 tokens could not be revoked and stay in the cache" in told["msg"]
    # Once, although there are two of them.
    assert [record["function"] for record in emulator.log(since=before)] == ["api_token_revoke"]
    for stranger in ({"username": "resell"}, {"api_url": emulator.url("whm").replace("127.0.0.1", "localhost")}):
        run = whm(cache("stranger", revoke=True), whm={**BY_PASSWORD, **stranger})
        assert "give the credential of that account" in run.result("stranger")["msg"]
    assert len(emulator.log(since=before)) == 1
    run = whm(cache("right", revoke=True), whm=BY_PASSWORD).good()
    assert (run.result("right")["removed"], run.result("right")["revoked"]) == (2, 2)


def test_the_credential_may_be_given_to_the_task(emulator: Emulator, whm: Callable[..., Run], stage: Stage) -> None:
    whm(looked_up("mint", "acls=['list-accts']"), whm=BY_PASSWORD).good()
    options = {"password": "{{ held }}"}
    # Without an address, the credential goes where it went before, and nowhere if it is another one.
    other = stage.tasks(cache("other", provider="whm", revoke=True, **options), extra_vars={"held": "another:CANARY"})
    assert "give host, or that credential" in other.result("other")["msg"]
    run = stage.tasks(cache("revoke", provider="whm", revoke=True, **options), extra_vars={"held": BY_PASSWORD["password"]}).good()
    assert run.result("revoke")["revoked"] == 1
    assert asked(emulator).count("api_token_revoke") == 1
    without = stage.tasks(cache("whose", revoke=True, **options), extra_vars={"held": "x"})
    assert "need provider" in without.result("whose")["msg"]


def test_a_cache_that_hosts_share_is_seen_and_emptied_from_each(
    emulator: Emulator, stage: Stage, new_stage: Callable[[str], Stage], variables: Variables, tmp_path: Path
) -> None:
    other = new_stage("other")
    with RedisServer(tmp_path / "redis") as server:
        shared = {"apiauth_cache": "redis", "apiauth_cache_key": "CANARY key of the cache", "apiauth_cache_redis_url": server.url}
        known = {**variables("whm", **BY_PASSWORD), **shared}
        stage.tasks(looked_up("mint", "acls=['list-accts']"), extra_vars=known).good()
        run = other.tasks(dict(CACHE_INFO), cache("revoke", revoke=True), {**CACHE_INFO, "name": "after"}, info(), extra_vars=known).good()
    assert run.result("cached")["backend"] == "redis"
    assert [one["state"] for one in run.result("cached")["entries"]] == ["fresh"]
    assert (run.result("revoke")["removed"], run.result("revoke")["revoked"]) == (1, 1)
    assert run.result("after")["entries"] == []
    assert not [name for name in tokens_of(run) if MINTED.fullmatch(name)]
