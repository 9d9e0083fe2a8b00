# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a WHM token expires: every way to write it, and when a token needs no change."""

from __future__ import annotations

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.expiry import Expiry

NOW = 1_800_000_000
DAY = 86400


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("never", 0), ("NEVER", 0), ("0", 0), (" never ", 0),
        ("1900000000", 1900000000), ("1900000000.0", 1900000000),
        ("2030-03-17T17:46:40Z", 1900000000), ("2030-03-17 17:46:40", 1900000000), ("2030-03-17 17:46:40+00:00", 1900000000),
        ("2030-03-17T19:46:40+02:00", 1900000000), ("2030-03-17T12:16:40.25-0530", 1900000000), ("20300317T174640z", 1900000000),
        ("2030-03-17T17:46Z", 1899999960), ("2030-03-17", 1899936000), ("20300317", 1899936000),
    ],
)  # fmt: skip
def test_a_moment_is_written_in_many_ways(text: str, at: int) -> None:
    assert Expiry.parse(text) == Expiry(at=at)


@pytest.mark.parametrize(("text", "seconds"), [("+30d", 30 * DAY), ("+1w", 7 * DAY), ("+12h30m", 45000), ("+90", 90), ("+90S", 90)])
def test_a_duration_counts_from_now(text: str, seconds: int) -> None:
    expiry = Expiry.parse(text)
    assert expiry == Expiry(after=seconds)
    assert expiry.moment(NOW + 0.9) == NOW + seconds


def test_never_is_no_moment() -> None:
    assert Expiry.parse("never").moment(NOW) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("30d", "must be epoch seconds"), ("+", "must be epoch seconds"), ("+3y", "must be epoch seconds"), ("tomorrow", "must be epoch seconds"),
        ("-5", "must be epoch seconds"), ("2030-13-01", "must be epoch seconds"), ("2030-02-30", "must be epoch seconds"),
        ("2030-01-01T25:00Z", "must be epoch seconds"),
        ("+0d", "must be after now"), ("+999999999999d", "must be after now"), ("1900000000000", "not milliseconds"), ("3600", "with its plus sign"),
        ("9" * 400, "must be epoch seconds"), ("9" * 400 + ".5", "must be epoch seconds"), ("+" + "9" * 5000, "must be epoch seconds"),
        ("+" + "9" * 59, "must be after now"),
    ],
)  # fmt: skip
def test_what_is_no_expiry_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ApiError, match=reason) as caught:
        Expiry.parse(text)
    assert caught.value.kind == "configuration"
    assert str(caught.value).startswith("expires_at ")


@pytest.mark.parametrize(
    ("text", "left", "is_met"),
    [
        ("+30d", 30 * DAY, True), ("+30d", 27 * DAY, True), ("+30d", 33 * DAY, True), ("+30d", 27 * DAY - 1, False), ("+30d", 33 * DAY + 1, False),
        ("+5m", 240, True), ("+5m", 239, False), ("+1m", 30, True), ("+1m", 29, False), ("+1m", 0, False), ("+1m", -5, False), ("+30d", None, False),
    ],
)  # fmt: skip
def test_a_duration_is_met_within_a_tenth_and_at_least_a_minute(text: str, left: int | None, is_met: bool) -> None:
    assert Expiry.parse(text).is_met_by(None if left is None else NOW + left, NOW) is is_met


@pytest.mark.parametrize(
    ("text", "present", "is_met"), [("never", None, True), ("never", NOW, False), ("1900000000", 1900000000, True), ("1900000000", 1900000001, False)]
)
def test_a_moment_is_met_to_the_second(text: str, present: int | None, is_met: bool) -> None:
    assert Expiry.parse(text).is_met_by(present, NOW) is is_met


@pytest.mark.parametrize("text", ["1700000000", "2023-11-14T22:13:20Z", str(NOW)])
def test_a_moment_in_the_past_is_refused(text: str) -> None:
    with pytest.raises(ApiError, match=r"expires_at is 20\d\d-.* UTC, which is in the past; give a later time, or use state absent") as caught:
        Expiry.parse(text).check(NOW)
    assert caught.value.kind == "configuration"


@pytest.mark.parametrize("text", ["never", "+1", str(NOW + 1)])
def test_a_moment_to_come_is_accepted(text: str) -> None:
    Expiry.parse(text).check(NOW)
