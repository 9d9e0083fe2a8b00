# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache, shown and emptied by tasks, and what was minted or logged in taken back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cache.redis_server import RedisServer
from e2e.stage import Run, Stage
from e2e.whm import BY_PASSWORD, MINTED, WAYS, Tasks, asked, cache, info, looked_up, tokens_of
from emulator.accounts import accounts
from emulator.client import Emulator

Variables = Callable[..., dict[str, Any]]


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
    assert "give provider and revoke" in without.result("whose")["msg"]


@pytest.mark.usefixtures("redis_is_here")
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


@pytest.mark.usefixtures("redis_is_here")
def test_what_a_dead_server_holds_is_not_removed(stage: Stage, variables: Variables, tmp_path: Path) -> None:
    """Fails when a task says that a token is removed, or that there was none, although the server could not be asked."""
    with RedisServer(tmp_path / "redis") as server:
        known = {**variables("whm", **BY_PASSWORD), "apiauth_cache": "redis", "apiauth_cache_key": "CANARY key", "apiauth_cache_redis_url": server.url}
        stage.tasks(looked_up("mint", "acls=['list-accts']"), extra_vars=known).good()
        server.stop()
        removals: Tasks = [{**cache(name), "ignore_errors": True} for name in ("first", "again")]
        run = stage.tasks(*removals, dict(CACHE_INFO), extra_vars=known).good()
    first, again = run.result("first"), run.result("again")
    assert (first["changed"], first["removed"]) == (False, 0)
    assert [one["removed"] for one in first["entries"]] == [False]
    assert first["msg"].startswith("The token cache: 1 of 1 tokens stay in the cache: the Redis server at 127.0.0.1")
    assert (again["changed"], again["removed"]) == (False, 0)
    assert "so tokens that only it holds were not removed" in again["msg"]
    assert "so tokens that only it holds are not listed" in str(run.result("cached")["warnings"])
