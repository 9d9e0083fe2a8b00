# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries: ages by two clocks, what is usable, which failures stand, what other hosts get, and the stored form."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.clocks import Timestamp
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.crypto import CacheKey
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.records import MAX_FAILURES, CacheEntry, FailureScope, RefreshFailure
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import Account, Token

KEY = CacheKey(b"k" * 32)
ACCOUNT = Account("vss", "VSS", "https://vss.example.com", "user", credential=("secret",))
SCOPE = FailureScope(1)


def at(seconds: float, wall: float = 0.0, boot_id: str = "boot") -> Timestamp:
    return Timestamp(1e9 + seconds + wall, seconds, boot_id)


def with_token(token: Token, now: Timestamp, entry: CacheEntry | None = None, margin: float = 30.0) -> CacheEntry:
    return (entry or CacheEntry.of(ACCOUNT)).with_token(KEY, ACCOUNT, token, now, margin=margin)


def full_entry() -> CacheEntry:
    """An entry in which no member is empty."""
    entry = with_token(Token("abc", 1000.0, 1e9 + 1000, extra={"name": "n"}), at(0))
    error = ApiError(errors.RATE_LIMITED, "slow down", "wait", status=429, code="c", message="m", retry_after=50.0)
    return entry.with_failure(FailureScope(1, 2), error, at(1))._replace(scope=("jwt",), clock_offset=33.0, refresh_failure=RefreshFailure(at(2), 60.0))


@pytest.mark.parametrize(
    ("then", "now", "age"),
    [
        (at(0), at(100), 100),
        (at(0), at(100, wall=-3600), 100),
        (at(0), at(100, wall=3600), 3700),
        (at(0, boot_id="before"), at(100), 100),
        (at(5000, boot_id="before"), at(5, wall=5095), 100),
        (at(100, boot_id="before"), at(0), None),
        (at(1, boot_id="before"), at(0), -1),
        (at(0, boot_id=""), at(100, boot_id=""), 100),
    ],
)
def test_ages(then: Timestamp, now: Timestamp, age: float | None) -> None:
    """Fails when a clock that was set back makes something younger, or when the future counts as the present."""
    assert then.age(now) == age


@pytest.mark.parametrize(("life", "usable"), [(3600.0, 3570.0), (200.0, 180.0), (2.0, 1.8), (0.0, 0.0), (-5.0, 0.0), (None, 870.0), (math.nan, 870.0)])
def test_how_long_a_token_is_usable(life: float | None, usable: float) -> None:
    """Fails when the margin is wrong for short lives, or when a lifetime that makes no sense is believed."""
    entry = with_token(Token("abc", life), at(0))
    assert entry.token is not None
    assert entry.token.usable_seconds == pytest.approx(usable)
    assert entry.is_usable(at(max(0.0, usable - 0.1))) == (usable > 0)
    assert not entry.is_usable(at(usable + 0.1))
    assert entry.stale_after >= 1e9 + usable


@pytest.mark.parametrize("token", [Token("abc", math.inf, math.inf), Token("abc", math.nan, math.nan)])
def test_a_lifetime_without_end_can_be_stored(token: Token) -> None:
    """Fails when an endless life becomes a time that no file system and no list of entries can show, or makes the entry a miss."""
    entry = with_token(token, at(0))
    assert entry.stale_after < 2e9
    assert entry.expires_at is None
    assert CacheEntry.from_json(KEY.unseal("n", KEY.seal("n", entry.to_json()))) == entry


def test_the_same_token_is_masked_once() -> None:
    """Fails when a token that the system gives again is masked anew: two masks of one text tell guesses of the credential apart."""
    first = with_token(Token("abcdef", 100.0), at(0))
    second = with_token(Token("abcdef", 100.0), at(50), first)
    third = with_token(Token("ghijkl", 100.0), at(60), second)
    assert first.token is not None
    assert second.token is not None
    assert third.token is not None
    assert (first.token.salt, first.token.masked) == (second.token.salt, second.token.masked)
    assert second.token.requested_at == at(50)
    assert third.token.salt != first.token.salt


def test_unlocking_is_for_the_holder_of_the_credential() -> None:
    """Fails when another credential gets a token, or when a shape that does not exist is an error."""
    entry = with_token(Token("abcdef", 100.0, extra={"name": "n"}), at(0))
    token = entry.unlock(KEY, ACCOUNT)
    assert token == Token("abcdef", 100.0, None, from_cache=True, extra={"name": "n"})
    assert entry.unlock(KEY, ACCOUNT._replace(credential=("other",))) is None
    assert entry.token is not None
    assert entry._replace(token=entry.token._replace(shape="x")).unlock(KEY, ACCOUNT) is None


def test_failures_are_few() -> None:
    """Fails when an entry grows with every other wrong credential."""
    entry = CacheEntry.of(ACCOUNT)
    for number in range(100):
        entry = entry.with_failure(FailureScope(number), ApiError(errors.CREDENTIALS, "rejected"), at(number))
    assert len(entry.failures) == MAX_FAILURES
    assert entry.standing_failure([FailureScope(99)], at(100)) is not None


def test_an_error_comes_back_as_it_was() -> None:
    """Fails when what a user needs to know is lost, or when the time to wait does not count down."""
    stored = CacheEntry.from_json(full_entry().to_json())
    assert stored is not None
    scopes = [FailureScope(1, 2)]
    error = stored.standing_failure(scopes, at(21))
    assert error is not None
    assert (error.kind, error.problem, error.hint) == (errors.RATE_LIMITED, "slow down", "wait")
    assert (error.status, error.code, error.message, error.retry_after) == (429, "c", "m", 30.0)
    assert stored.standing_failure([FailureScope(1)], at(21)) is None
    assert stored.standing_failure(scopes, at(52)) is None
    assert stored.standing_failure(scopes, at(52), since=at(1)) is not None
    assert stored.standing_failure(scopes, at(52), since=at(2)) is None


def test_states() -> None:
    """Fails when a rejection hides a usable token, or cannot be seen beside one."""
    rejected = CacheEntry.of(ACCOUNT).with_failure(SCOPE, ApiError(errors.CREDENTIALS, "rejected"), at(0))
    assert (rejected.state(at(1)), rejected.refused(at(1)), rejected.expires_at, rejected.extra) == ("refused", True, None, {})
    assert (rejected.state(at(61)), rejected.refused(at(61))) == ("expired", False)
    both = with_token(Token("abc", 1000.0, 1e9 + 1000), at(0), rejected)
    assert (both.state(at(1)), both.refused(at(1)), both.expires_at) == ("fresh", True, 1e9 + 1000)
    down = CacheEntry.of(ACCOUNT).with_failure(SCOPE, ApiError(errors.SERVER, "out of order"), at(0))
    assert (down.state(at(1)), down.refused(at(1))) == ("expired", False)


def test_other_hosts_count_for_themselves() -> None:
    """Fails when a moment of one host is read by the clocks of another."""
    entry = with_token(Token("abc", 1000.0, expires_at=1e9 + 1000), at(0))
    entry = entry.with_failure(SCOPE, ApiError(errors.CREDENTIALS, "rejected"), at(40))._replace(clock_offset=77.0)
    shared = CacheEntry.from_json(entry.for_other_hosts(at(50)).to_json())
    assert shared is not None
    there = shared.from_other_host(25.0, at(5, wall=-90_000, boot_id="there"))
    now = at(6, wall=-90_000, boot_id="there")
    assert there.token_age(now) == pytest.approx(76)
    assert there.clock_offset == 0
    assert there.expires_at is not None
    assert there.expires_at - now.wall == pytest.approx(1000 - 76)
    assert there.standing_failure([SCOPE], at(28, wall=-90_000, boot_id="there")) is not None
    assert there.standing_failure([SCOPE], at(31, wall=-90_000, boot_id="there")) is None


def test_what_is_from_the_future_is_not_shared() -> None:
    """Fails when a wrong clock of one host reaches the others."""
    entry = with_token(Token("abc", 1000.0), at(500, boot_id="x")).with_failure(SCOPE, ApiError(errors.SERVER, "x"), at(500, boot_id="x"))
    shared = entry.for_other_hosts(at(0))
    assert (shared.token, shared.failures) == (None, ())


def test_merging() -> None:
    """Fails when an older token or failure wins, when what is true of one host is lost, or when the same token seems new each time."""
    older = with_token(Token("old", 1000.0), at(0))._replace(clock_offset=33.0, refresh_failure=RefreshFailure(at(50), 60.0))
    newer = with_token(Token("new", 1000.0), at(100)).with_failure(SCOPE, ApiError(errors.SERVER, "newer"), at(120))
    older = older.with_failure(SCOPE, ApiError(errors.SERVER, "older"), at(110))
    for mine, theirs in ((older, newer), (newer, older)):
        both = mine.merge(theirs, at(200))
        assert both.token is newer.token
        assert both.clock_offset == mine.clock_offset
        assert [failure.error.problem for failure in both.failures] == ["newer"]
        assert both.refresh_failure is None
    same = older.for_other_hosts(at(120)).from_other_host(5.0, at(124))
    both = older.merge(same, at(130))
    assert both.token is older.token
    assert both.refresh_failure == older.refresh_failure
    # A system may renew a token without changing its text.
    renewed = with_token(Token("old", 1000.0), at(100), older)
    assert renewed.token is not None
    assert older.merge(renewed, at(200)).token is renewed.token
    assert renewed.merge(older, at(200)).token is renewed.token


def test_the_stored_form() -> None:
    """Fails when the form of an entry changes: then `SCHEMA` in crypto.py must, and this test with it."""
    entry = full_entry()
    stored = entry.to_json()
    assert list(stored) == ["provider", "api_url", "principal", "scope", "token", "failures", "clock_offset", "refresh_failure"]
    token = "fingerprint salt shape masked lifetime expires_at extra requested_at request_seconds usable_seconds refresh_seconds replaced_refused"
    assert list(stored["token"]) == token.split()
    assert list(stored["failures"][0]) == ["scope", "error", "failed_at", "stands_for", "repetitions"]
    assert sorted(stored["failures"][0]["error"]) == ["code", "hint", "kind", "message", "problem", "retry_after", "status"]
    again = CacheEntry.from_json(json.loads(json.dumps(stored)))
    assert again is not None
    assert again.to_json() == json.loads(json.dumps(stored))


def damaged_forms(stored: Any) -> Iterator[Any]:
    """The stored form with each of its members missing, of another type, or doubled."""
    for name, value in stored.items() if isinstance(stored, dict) else enumerate(stored):
        for wrong in (object, True, "text", 1, 1.5, math.nan, [], {}, [1], {"a": 1}, None):
            if type(wrong) is not type(value):
                copy = {**stored} if isinstance(stored, dict) else list(stored)
                copy[name] = wrong
                yield copy
        if isinstance(stored, dict):
            yield {key: item for key, item in stored.items() if key != name}
            yield {**stored, "more": 1}
        if isinstance(value, (dict, list)):
            for inner in damaged_forms(value):
                copy = {**stored} if isinstance(stored, dict) else list(stored)
                copy[name] = inner
                yield copy


def use(entry: CacheEntry) -> None:
    """Do with an entry all that a reader does."""
    now = at(10)
    entry.unlock(KEY, ACCOUNT)
    entry.state(now), entry.needs_refresh(now), entry.stale_after, entry.refused(now), entry.expires_at
    entry.standing_failure([SCOPE, FailureScope(1, 2)], now, at(0))
    entry.merge(full_entry(), now).for_other_hosts(now).from_other_host(1.0, now).to_json()


def test_a_damaged_form_is_a_miss() -> None:
    """Fails when what another release, or nobody, has written is an exception in a task, when it is read or when it is used."""
    cases = accepted = 0
    for damaged in (*damaged_forms(full_entry().to_json()), None, [], "text", 1, {}):
        entry = CacheEntry.from_json(damaged)
        cases += 1
        if entry is not None:
            accepted += 1
            use(entry)
    assert cases > 300
    assert 0 < accepted < cases / 4
