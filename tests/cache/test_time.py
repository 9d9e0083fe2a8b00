# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clocks that are wrong or that somebody sets, and one-time codes."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from cache.herd import herd, sound, values
from cache.lab import Host, clock_moved, later, system_of
from emulator.accounts import accounts
from emulator.client import Emulator

Measured = Callable[[str, Any], None]
HOUR = 3600.0


@pytest.mark.parametrize("step", [HOUR, -HOUR])
@pytest.mark.parametrize("account", ["vss", "netography"])
def test_a_step_of_this_clock(host: Host, emulator: Emulator, measured: Measured, account: str, step: float) -> None:
    """Fails when a step back makes an old token young again, or when a step makes every process log in."""
    emulator.settings(**{account: {"token_ttl": 3 * HOUR}})
    old = host.token(account)

    def stepped(_number: int) -> str:
        with clock_moved(step):
            return host.token(account)

    before = emulator.logins(account)
    told = values(herd(16, stepped))
    more = emulator.logins(account) - before
    assert len(set(told)) == 1
    assert more <= 1
    with later(3.1 * HOUR):
        assert old not in values(herd(4, stepped))
    measured(f"clock.more_logins_after_a_step_{account}_{step:+.0f}", more)


@pytest.mark.parametrize("offset", [600.0, -600.0])
@pytest.mark.parametrize("account", ["vss", "netography", "vss_mfa", "rackcorp_2fa"])
def test_a_server_whose_clock_is_wrong(host: Host, emulator: Emulator, measured: Measured, account: str, offset: float) -> None:
    """Fails when signed requests and codes are not made for the server's time, or its offset is forgotten after the first login."""
    system = account.split("_")[0]
    emulator.settings(**{system: {"token_ttl": HOUR}})
    emulator.clock(offset)
    told = values(herd(16, lambda _number: host.token(account)))
    assert len(set(told)) == 1
    first = emulator.logins(system)
    assert first <= 2
    with later(29):
        # The emulator's clock goes on by itself only. With more than 29 seconds, and half a second by which the offset is a guess, a code could be
        # two steps ahead, which is beyond its drift. One process: a second login would wait for another code.
        values(herd(1, lambda _number: host.task(account).token(refresh=True).value))
    assert emulator.logins(system) == first + 1
    measured(f"clock.more_logins_with_a_server_{offset:+.0f}_{account}", first - 1)


def test_a_token_lives_by_the_servers_count(host: Host, emulator: Emulator) -> None:
    """Fails when the end of a token is compared with this machine's clock instead of its age."""
    for offset in (600.0, -600.0):
        emulator.reset()
        emulator.settings(rackcorp={"token_ttl": HOUR})
        emulator.clock(offset)
        token = host.task("rackcorp").token(refresh=True)
        assert token.lifetime == HOUR
        assert abs((token.expires_at or 0) - time.time() - HOUR) < 5
        with later(HOUR - 10):
            assert host.token("rackcorp") != token.value


def test_an_offset_that_is_gone_costs_one_login(host: Host, emulator: Emulator) -> None:
    """Fails when the stored offset is believed for ever."""
    emulator.clock(600.0)
    host.token("netography")
    emulator.clock(0.0)
    before = emulator.logins("netography")
    host.task("netography").token(refresh=True)
    assert emulator.logins("netography") - before == 2
    host.task("netography").token(refresh=True)
    assert emulator.logins("netography") - before == 3


def test_a_file_from_the_future_is_a_miss(host: Host, emulator: Emulator) -> None:
    """Fails when an entry that another machine with a fast clock wrote counts as fresh until that time has come."""

    def from_the_future(_number: int) -> str:
        from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache import clocks

        clocks.boot_id = functools.lru_cache(maxsize=1)(lambda: "another machine")
        with clock_moved(2 * HOUR):
            return host.token()

    (old,) = values(herd(1, from_the_future))
    assert host.token() != old
    assert emulator.logins("vss") == 2


# -- one-time codes ----------------------------------------------------------------------------------------------


def before_a_boundary(seconds: float) -> float:
    """The offset at which both clocks would be so many seconds before a new code begins."""
    return (30 - seconds - time.time()) % 30


def test_no_code_is_sent_twice(host: Host, emulator: Emulator, measured: Measured) -> None:
    """Fails when used codes are not remembered, or are remembered for one identity only."""
    offset = before_a_boundary(1.5)
    emulator.clock(offset)
    other = emulator.url("vss").replace("127.0.0.1", "localhost")
    assert other != emulator.url("vss")

    def work(number: int) -> str:
        with clock_moved(offset):
            return host.token("vss_mfa", **({"api_url": other} if number % 2 else {}))

    told = values(herd(64, work))
    assert len(set(told)) == 2
    counts = emulator.counts()["vss"]
    assert counts["logins"] == counts["logins_ok"] == 2
    assert counts["otp_replays"] == 0
    measured("totp.codes_sent_twice", counts["otp_replays"])
    measured("totp.logins_of_two_identities", counts["logins"])


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("name", ["vss_mfa", "rackcorp_2fa"])
def test_a_login_that_was_not_taken_is_made_again_with_another_code(host: Host, emulator: Emulator, name: str, status: int) -> None:
    """Fails when what is sent again after 429 or 503 is the same request: its code would be a used one, or one that has run out."""
    system = system_of(name)
    offset = before_a_boundary(1.5)
    emulator.clock(offset)
    emulator.fault({"system": system, "action": "status", "status": status, "retry_after": 0, "match": {"login": True}})

    def work(_number: int) -> str:
        with clock_moved(offset):
            return host.token(name, retries=1, **({"login": "password"} if system == "rackcorp" else {}))

    values(herd(1, work))
    codes = [record["body"] for record in emulator.log(system=system, login=True)]
    assert len(codes) == len(set(codes)) == 2


@pytest.mark.parametrize(("retries", "max_wait", "requests"), [(0, 60.0, 1), (2, 60.0, 3), (2, 0.0, 1)])
def test_how_often_a_login_is_made_again(host: Host, emulator: Emulator, retries: int, max_wait: float, requests: int) -> None:
    """Fails when the options for further tries do not bound it, or when a signed request goes out twice."""
    emulator.fault({"system": "netography", "action": "status", "status": 503, "retry_after": 0.01, "times": None, "match": {"login": True}})
    (told,) = herd(1, lambda _number: host.token("netography", retries=retries, max_wait=max_wait))
    assert told.kind == "server"
    sent = [record["body"] for record in emulator.log(system="netography", login=True)]
    assert len(sent) == len(set(sent)) == requests


@pytest.mark.parametrize("name", ["vss_mfa", "rackcorp_2fa"])
def test_a_given_code_is_sent_once(host: Host, emulator: Emulator, name: str) -> None:
    """Fails when a code that a person typed is sent again after 503."""
    system = system_of(name)
    emulator.fault({"system": system, "action": "status", "status": 503, "retry_after": 0, "times": None, "match": {"login": True}})
    given = {"totp_secret": None, "otp": "123456", "retries": 3, **({"login": "password"} if system == "rackcorp" else {})}
    (told,) = herd(1, lambda _number: host.token(name, **given))
    assert (told.kind, emulator.logins(system)) == ("server", 1)


@pytest.mark.parametrize("name", ["vss_mfa", "rackcorp_2fa"])
def test_a_given_code_is_not_sent_by_a_later_login(host: Host, emulator: Emulator, name: str) -> None:
    """Fails when a code that a person typed is sent once more by another process, also to renew a token that still works."""
    system, code = system_of(name), pyotp.TOTP(accounts()[name]["totp_secret"]).now()
    emulator.settings(**{system: {"token_ttl": 1000.0}})
    given = {"totp_secret": None, "otp": code, "retries": 0, **({"login": "password"} if system == "rackcorp" else {})}
    # What was never sent is not used.
    (unsent,) = herd(1, lambda _number: host.token(name, **given, api_url="http://127.0.0.1:1"))
    assert unsent.kind == "network"
    values(herd(1, lambda _number: host.token(name, **given)))

    with later(900):
        values(herd(4, lambda _number: host.token(name, **given)))
    (told,) = herd(1, lambda _number: host.task(name, **given).token(refresh=True).value)
    assert (told.kind, "has been used for a login already; give a new one" in told.error, emulator.logins(system)) == ("credentials", True, 1)


def test_a_code_used_by_a_fast_clock_is_not_used_again(host: Host, emulator: Emulator) -> None:
    """Fails when only the last code is remembered, so that a clock that was set back sends older ones once more."""
    emulator.settings(vss={"totp_once": False})
    moments = (0.0, 31.0, 62.0, -HOUR, 62.0, 31.0, 0.0)
    for moment in moments:
        emulator.clock(moment)

        def work(_number: int, moment: float = moment) -> str:
            with clock_moved(moment):
                return host.task("vss_mfa", max_wait=0.0).token(refresh=True).value

        sound(herd(1, work))
    codes = [record["body"] for record in emulator.log(system="vss", login=True)]
    assert len(codes) == len(set(codes)) == 4


def test_a_task_that_may_not_wait_says_so(host: Host, emulator: Emulator) -> None:
    """Fails when a task waits for the next code longer than its budget, or when its impatience becomes everybody's error."""
    emulator.clock(before_a_boundary(2.0))
    offset = before_a_boundary(2.0)

    def work(number: int) -> str:
        with clock_moved(offset):
            return host.task("vss_mfa", max_wait=10.0 * number).token(refresh=True).value

    values(herd(1, lambda _number: work(0)))
    (told,) = herd(1, lambda _number: work(0))
    assert told.kind == "rate_limited"
    assert "one-time code" in told.error
    assert values(herd(1, lambda _number: work(1)))


def test_a_damaged_list_of_codes_still_counts(host: Host, emulator: Emulator) -> None:
    """Fails when what is in such a file matters: damage would make a code free again."""
    emulator.settings(vss={"totp_once": False})
    # Not by this process: what a process itself has sent it knows without a file.
    values(herd(1, lambda _number: host.token("vss_mfa")))
    for path in host.directory.glob("totp-*"):
        path.write_bytes(b"\xff" * 100)
    (told,) = herd(1, lambda _number: host.task("vss_mfa", max_wait=0.0).token(refresh=True).value)
    assert "one-time code" in told.error
    assert emulator.logins("vss") == 1
