# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VSS: a token is revoked by its number in the account's list, where it must not be mistaken for another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import jwt
import pytest
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.jwt import decode_claims
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import Token
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.vss import parse_time

ZONES = ("UTC", "America/Toronto", "Asia/Kolkata", "Pacific/Kiritimati")


def revoke(job: Any, token: Token) -> bool:
    """Revoke a token as the account of this task."""
    return bool(job.client.provider.revoke(job.client.http, token))


def works(task: Callable[..., Any], token: Token) -> bool:
    return not task("vss", "", token=token.value, path="v2/user").result().get("failed")


def disabled(emulator: Emulator) -> list[str]:
    """Return the numbers of the tokens that the server was asked to disable."""
    return [request["path"].rsplit("/", 1)[-1] for request in emulator.log() if request["method"] == "PUT"]


def answer(emulator: Emulator, *lists: dict[str, Any]) -> None:
    """Make the server answer with these lists of tokens, the last one again and again, and accept every revocation."""
    for body in lists:
        emulator.fault(
            {"system": "vss", "action": "status", "status": 200, "json": body, "match": {"method": "GET"}, "times": None if body is lists[-1] else 1}
        )
    emulator.fault({"system": "vss", "action": "status", "status": 204, "match": {"method": "PUT"}})


def test_only_the_token_itself_is_revoked(task: Callable[..., Any], emulator: Emulator) -> None:
    job = task("vss")
    emulator.clock(-100)
    other = job.token()
    emulator.clock(0)
    # Not the one that the task has already.
    token = task("vss").token()
    assert revoke(job, token) is True
    assert works(task, other)
    assert not works(task, token)


def test_tokens_that_cannot_be_told_apart_are_left_alone(task: Callable[..., Any], emulator: Emulator) -> None:
    while True:
        tokens = [task("vss").token() for _number in range(2)]
        if len({decode_claims(token.value)["iat"] for token in tokens}) == 1:
            break
        emulator.reset()
    assert revoke(task("vss"), tokens[0]) is False
    assert all(works(task, token) for token in tokens)


def test_the_only_token_is_revoked(task: Callable[..., Any]) -> None:
    job = task("vss")
    token = job.token()
    assert revoke(job, token) is True
    assert task("vss", "", token=token.value, path="v2/user").result()["error"]["kind"] == "credentials"
    assert revoke(job, token) is True


FIRST_PAGE = [{"id": number, "valid": number == 5} for number in range(1, 101)]


@pytest.mark.parametrize(("last", "revoked"), [([{"id": 101, "valid": False}], ["5"]), ([{"id": 101, "valid": True}], [])])
def test_every_page_of_the_list_counts(task: Callable[..., Any], emulator: Emulator, last: list[dict[str, Any]], revoked: list[str]) -> None:
    """Fails if the only valid token of the first page is revoked although there is another one."""
    job = task("vss", "", token="opaque")
    following = f"{emulator.url('vss')}/v2/user/token?page=2"
    answer(emulator, {"data": FIRST_PAGE, "meta": {"pages": {"next_url": following}}}, {"data": last, "meta": {"pages": {"next_url": None}}})
    assert revoke(job, Token("opaque")) is bool(revoked)
    assert disabled(emulator) == revoked


def test_nothing_is_revoked_if_the_list_has_no_end(task: Callable[..., Any], emulator: Emulator) -> None:
    """Fails if the only valid token so far is revoked."""
    job = task("vss", "", token="opaque")
    pages = {"pages": {"next_url": f"{emulator.url('vss')}/v2/user/token?page=2"}}
    answer(emulator, {"data": FIRST_PAGE, "meta": pages}, {"data": [{"id": 101, "valid": False}], "meta": pages})
    assert revoke(job, Token("opaque")) is False
    assert disabled(emulator) == []


def test_a_number_that_two_tokens_share_by_chance(task: Callable[..., Any], emulator: Emulator) -> None:
    now = int(time.time())
    token = jwt.encode({"jti": "5", "iat": now, "exp": now + 60}, "k" * 32)
    answer(emulator, {"data": [{"id": 5, "valid": True, "expiration": now + 9000}, {"id": 6, "valid": True, "expiration": now + 60}]})
    assert revoke(task("vss", "", token=token), Token(token)) is True
    assert disabled(emulator) == ["6"]


# -- times -----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """This machine's time zone, which must make no difference."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2020-04-21 Tue 02:10:03 EDT", 1587449403.0),
        ("2020-04-21 Tue 02:10:03 EST", 1587453003.0),
        ("2020-04-21 Tue, 06:10:03 UTC", 1587449403.0),
        ("2020-04-21 06:10:03", 1587449403.0),
        ("2020-04-21T06:10:03Z", 1587449403.0),
        ("2020-04-21T06:10:03.25Z", 1587449403.0),
        ("2020-04-21T02:10:03-04:00", 1587449403.0),
        ("2020-04-21 02:10:03 -0400", 1587449403.0),
        ("2020-04-21T11:40:03+05:30", 1587449403.0),
        ("2020-01-21 Tue 02:10:03 EST", 1579590603.0),
        (" 2020-04-21 Tue 02:10:03 edt ", 1587449403.0),
        (1587449403, 1587449403.0),
        (1587449403.5, 1587449403.5),
    ],
)
def test_times_are_read_alike_in_every_time_zone(zone: str, text: Any, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize("value", [None, True, "", "soon", "2020-04-21", "2020-13-41 Tue 02:10:03 EDT", "2020-04-21 Tue 02:10:03 XYZ", [], {}])
def test_what_is_no_time(value: Any) -> None:
    assert parse_time(value) is None


def written(seconds: int, hours: int = -4, name: str = "EDT") -> str:
    """Return a time as the API writes it."""
    moment = datetime.fromtimestamp(seconds, UTC).astimezone(timezone(timedelta(hours=hours)))
    return moment.strftime(f"%Y-%m-%d %a %H:%M:%S {name}")


@pytest.mark.parametrize(("hours", "name"), [(-4, "EDT"), (-5, "EST"), (0, "UTC")])
def test_the_right_token_is_revoked_by_its_times_in_every_time_zone(task: Callable[..., Any], emulator: Emulator, zone: str, hours: int, name: str) -> None:
    """Several valid tokens differ by an hour or by a few seconds only."""
    now = int(time.time())
    starts = {"11": now - 3600, "12": now, "13": now + 3600, "14": now - 3, "15": now + 3}
    entries = [
        {"id": int(number), "valid": True, "created_on": written(start, hours, name), "expiration": written(start + 86400, hours, name)}
        for number, start in starts.items()
    ]
    token = jwt.encode({"iat": now, "exp": now + 86400}, "k" * 32)
    answer(emulator, {"data": entries, "meta": {"pages": {"next_url": None}}})
    assert revoke(task("vss", "", token=token), Token(token)) is True
    assert disabled(emulator) == ["12"]
