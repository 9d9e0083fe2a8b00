# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records: ages by two clocks, what is fresh, what is due, what failures stand, what other hosts get."""

from __future__ import annotations

import math

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache import outcome
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.record import Record, Stamp
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.seal import Seal
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import AuthError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.provider import Account
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.token import Token

SEAL = Seal(b"k" * 32)
ACCOUNT = Account("vss", "VSS", "https://vss.example.com", "user", credential=("secret",))
MARK: outcome.Mark = (1, None)


def at(seconds: float, wall: float = 0.0, boot_id: str = "boot") -> Stamp:
    return Stamp(1e9 + seconds + wall, seconds, boot_id)


def kept(token: Token, now: Stamp, record: Record | None = None, margin: float = 30.0) -> Record:
    record = record or Record.of(ACCOUNT)
    outcome.put(record, SEAL, ACCOUNT, token, now, replaces_refused=False, margin=margin, marks=())
    return record


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
def test_ages(then: Stamp, now: Stamp, age: float | None) -> None:
    """Fails when a clock that was set back makes something younger, or when the future counts as the present."""
    assert then.age(now) == age


@pytest.mark.parametrize(("life", "fresh"), [(3600.0, 3570.0), (200.0, 180.0), (2.0, 1.8), (0.0, 0.0), (-5.0, 0.0), (None, 870.0), (math.nan, 870.0)])
def test_how_long_a_token_is_fresh(life: float | None, fresh: float) -> None:
    """Fails when the margin is wrong for short lives, or when a lifetime that makes no sense is believed."""
    record = kept(Token("abc", life), at(0))
    assert record.token is not None
    assert record.token["fresh"] == pytest.approx(fresh)
    assert record.fresh(at(max(0.0, fresh - 0.1))) == (fresh > 0)
    assert not record.fresh(at(fresh + 0.1))
    assert outcome.kept_until(record) >= 1e9 + fresh


def test_a_lifetime_without_end_can_be_written() -> None:
    """Fails when an endless life becomes a time that no file system knows."""
    record = kept(Token("abc", math.inf), at(0))
    assert outcome.kept_until(record) < 2e9
    assert SEAL.open("n", SEAL.close("n", record.dump())) == record.dump()


def test_the_same_token_is_masked_once() -> None:
    """Fails when a token that the system gives again is masked anew: two masks of one text tell guesses of the credential apart."""
    record = kept(Token("abcdef", 100.0), at(0))
    first = dict(record.token or {})
    kept(Token("abcdef", 100.0), at(50), record)
    assert record.token is not None
    assert (record.token["salt"], record.token["text"]) == (first["salt"], first["text"])
    assert record.token["at"] != first["at"]
    kept(Token("ghijkl", 100.0), at(60), record)
    assert record.token["salt"] != first["salt"]


def test_reveal_is_for_the_holder() -> None:
    """Fails when another credential gets a token."""
    record = kept(Token("abcdef", 100.0), at(0))
    found = record.reveal(SEAL, ACCOUNT)
    assert found is not None
    assert (found.value, found.from_cache) == ("abcdef", True)
    assert record.reveal(SEAL, Account("vss", "VSS", "https://vss.example.com", "user", credential=("other",))) is None


def test_failures_are_few() -> None:
    """Fails when an entry grows with every other wrong credential."""
    record = Record.of(ACCOUNT)
    for number in range(100):
        outcome.note(record, (number, None), AuthError(errors.CREDENTIALS, "refused"), at(number))
    assert len(record.failures) == outcome.MOST_FAILURES
    assert outcome.failure(record, [(99, None)], at(100)) is not None
    assert record.refused(at(100))
    assert not record.refused(at(2000))


def test_an_error_comes_back_as_it_was() -> None:
    """Fails when what a user needs to know is lost, or when the time to wait does not go on."""
    record = Record.of(ACCOUNT)
    outcome.note(record, MARK, AuthError(errors.RATE_LIMITED, "slow down", status=429, code="c", message="m", retry_after=50.0), at(0))
    found = outcome.failure(record, [MARK], at(20))
    assert found is not None
    assert (found.kind, found.text, found.status, found.code, found.message, found.retry_after) == (errors.RATE_LIMITED, "slow down", 429, "c", "m", 30.0)
    assert outcome.failure(record, [MARK], at(51)) is None
    assert outcome.failure(record, [MARK], at(51), since=at(0)) is not None
    assert outcome.failure(record, [MARK], at(51), since=at(1)) is None


def test_other_hosts_count_for_themselves() -> None:
    """Fails when a moment of one host is read by the clocks of another."""
    record = kept(Token("abc", 1000.0, expires_at=1e9 + 1000), at(0))
    outcome.note(record, MARK, AuthError(errors.CREDENTIALS, "refused"), at(40))
    record.clock_offset = 77.0
    there = outcome.rebased(outcome.aged(record, at(50)), 25.0, at(5, wall=-90_000, boot_id="there"))
    assert there is not None
    now = at(6, wall=-90_000, boot_id="there")
    assert there.age(now) == pytest.approx(76)
    assert there.clock_offset == 0
    assert there.token is not None
    assert there.token["expires_at"] - now.wall == pytest.approx(1000 - 76)
    assert outcome.failure(there, [MARK], at(28, wall=-90_000, boot_id="there")) is not None
    assert outcome.failure(there, [MARK], at(31, wall=-90_000, boot_id="there")) is None


def test_merging() -> None:
    """Fails when an older token wins, when what is true of one host is lost, or when the same token seems new each time."""
    older, newer = kept(Token("old", 1000.0), at(0)), kept(Token("new", 1000.0), at(100))
    older.clock_offset = 33.0
    now = at(200)
    for mine, theirs in ((older, newer), (newer, older)):
        both = outcome.merged(mine, theirs, now)
        assert both is not None
        assert both.token is newer.token
        assert both.clock_offset == mine.clock_offset
    same = outcome.rebased(outcome.aged(older, at(10)), 5.0, at(14))
    both = outcome.merged(older, same, at(20))
    assert both is not None
    assert both.token is older.token
    assert outcome.merged(None, older, now) is older
    assert outcome.merged(older, None, now) is older


def test_the_stored_form() -> None:
    """Fails when the form of a record changes: then `SCHEMA` in seal.py must, and this list with it."""
    record = kept(Token("abc", 1000.0), at(0))
    outcome.note(record, MARK, AuthError(errors.CREDENTIALS, "refused"), at(1))
    assert list(record.dump()) == ["provider", "api_url", "principal", "scope", "token", "failures", "clock_offset", "refresh_failed"]
    token = ["tag", "salt", "shape", "text", "lifetime", "expires_at", "extra", "at", "took", "fresh", "refresh", "replaced"]
    assert list(record.token or {}) == token
    assert list(record.failures[0]) == ["tag", "once", "definite", "keep", "at", "error", "count"]
    assert Record.load({**record.dump(), "more": 1}) is None
    assert Record.load(None) is None
