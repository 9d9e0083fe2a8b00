# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WHM's tokens, minted by the lookup."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from e2e.stage import Run
from e2e.whm import BY_PASSWORD, HOUR, MINTED, SYSTEM, asked, cache, info, looked_up, token, tokens_of, works
from emulator.accounts import accounts
from emulator.client import Emulator


@pytest.mark.parametrize("who", [{}, BY_PASSWORD, {**accounts()["whm_reseller"], "token": None}])
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
        ("acls=['ssl'], ttl=0", "ttl must be at least a second"),
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


def test_no_privileges_are_never_all_of_them(emulator: Emulator, whm: Callable[..., Run]) -> None:
    """Also when a token with all of them is in the cache."""
    wants = {"everything": "all_privileges=true", "nothing": "acls=[]", "blank": "acls=['']"}
    run = whm(*(looked_up(name, want, ignore_errors=True) for name, want in wants.items()), whm=BY_PASSWORD).good()
    assert not run.failed("everything")
    for name, why in {"nothing": "acls is empty", "blank": "acls must be names of privileges"}.items():
        assert run.failed(name)
        assert why in run.result(name)["msg"]


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
