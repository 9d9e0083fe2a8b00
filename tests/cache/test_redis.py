# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that share one cache through Redis: one login for all, and what the address of the server may say."""

from __future__ import annotations

import functools
import importlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import pyotp
import pytest
from cache.herd import errors, herd, slack, values
from cache.lab import EACH, HOSTS, VM_LIST, Host, all_of, clock_moved, hosts_of, later
from cache.redis_server import PASSWORD, RedisServer, free_port
from emulator.accounts import accounts
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache import redis_client
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.redis import describe_address
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError

Measured = Callable[[str, Any], None]
pytestmark = pytest.mark.usefixtures("redis_is_here")


def pass_time(server: RedisServer, seconds: float) -> None:
    """What ``later`` is for processes, for the server's countdowns."""
    client = server.client()
    for key in client.keys("*"):
        client.pexpire(key, max(1, client.pttl(key) - round(seconds * 1000)))


# -- one for all -------------------------------------------------------------------------------------------------


def test_one_login_for_all_hosts(hosts: list[Host], emulator: Emulator, measured: Measured) -> None:
    """Fails when a host does not ask the others, or does not wait for one that is logging in."""
    emulator.settings(vss={"login_delay": 0.3})
    answers = all_of(hosts)
    assert len(set(values(answers))) == 1
    assert emulator.logins("vss") == 1
    assert not [one for answer in answers for one in answer.warnings]
    measured("redis.logins_of_4_hosts_with_16_processes", emulator.logins("vss"))
    measured("redis.slowest_seconds", max(one.seconds for one in answers))


@pytest.mark.parametrize("failure", ["refused", "unavailable", "rate limited"])
def test_one_failure_for_all_hosts(hosts: list[Host], server: RedisServer, emulator: Emulator, measured: Measured, failure: str) -> None:
    """Fails when a failure stays on the host that met it, or keeps others longer than it may."""
    emulator.settings(vss={"login_delay": 0.2})
    match = {"login": True}
    if failure == "unavailable":
        emulator.fault({"system": "vss", "action": "status", "status": 503, "match": match, "delay": 0.2})
    if failure == "rate limited":
        emulator.fault({"system": "vss", "action": "rate_limit", "retry_after": 90, "match": match, "delay": 0.2})
    options: dict[str, Any] = {"password": "wrong"} if failure == "refused" else {}
    assert len({re.sub("[0-9.]+", "", one) for one in errors(all_of(hosts, **options))}) == 1
    assert emulator.logins("vss") == 1
    measured(f"redis.logins_{failure}", emulator.logins("vss"))
    if failure != "unavailable":
        errors(all_of(hosts, **options))
        assert emulator.logins("vss") == 1
    pass_time(server, 100)
    with later(100):
        assert set(errors(all_of(hosts, **options)) if options else values(all_of(hosts)))
    assert emulator.logins("vss") == 2


def test_a_corrected_credential_is_tried_at_once(hosts: list[Host], emulator: Emulator) -> None:
    """Fails when another host's refusal is not bound to its credential."""
    errors(herd(1, lambda _number: hosts[0].token(password="wrong")))
    assert len(set(values(all_of(hosts)))) == 1
    assert emulator.logins("vss") == 2


def test_a_refused_token_is_replaced_once(hosts: list[Host], emulator: Emulator, measured: Measured) -> None:
    """Fails when a host whose token is refused does not look whether another host has a new one."""
    values(all_of(hosts))
    emulator.revoke("vss")
    emulator.settings(vss={"login_delay": 0.2})
    answers = herd(HOSTS * EACH, lambda number: hosts[number % HOSTS].task().call(VM_LIST))
    assert {status for status, _tries in values(answers)} == {200}
    assert emulator.logins("vss") == 2
    measured("redis.logins_after_401", emulator.logins("vss") - 1)


def test_one_host_refreshes(hosts: list[Host], server: RedisServer, emulator: Emulator, measured: Measured) -> None:
    """Fails when each host refreshes for itself, or waits for the one that does."""
    emulator.settings(vss={"token_ttl": 1000.0, "login_delay": 1.0})
    (old,) = set(values(all_of(hosts)))
    pass_time(server, 860)
    with later(860):
        answers = all_of(hosts)
        assert values(answers).count(old) == HOSTS * EACH - 1
        assert sorted(one.seconds for one in answers)[-2] < 0.9 + slack(HOSTS * EACH)
        assert emulator.logins("vss") == 2
    # A host that has met the refresh of another one looks again after some seconds; one process does, the others go on meanwhile.
    with later(870):
        values(all_of(hosts))
        assert old not in values(all_of(hosts))
    assert emulator.logins("vss") == 2
    measured("redis.logins_of_a_refresh", emulator.logins("vss") - 1)


def test_clocks_of_hosts_are_not_compared(hosts: list[Host], emulator: Emulator) -> None:
    """Fails when an entry's age on another host depends on that host's clock."""
    emulator.settings(vss={"token_ttl": 7200.0})
    token = hosts[0].token()

    def ahead(step: float, host: Host) -> Any:
        def work(_number: int) -> tuple[str, float]:
            from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache import clocks

            clocks.boot_id = functools.lru_cache(maxsize=1)(lambda: f"machine {step}")
            with clock_moved(step):
                found = host.task().token()
                return found.value, (found.expires_at or 0) - time.time()

        return values(herd(1, work))[0]

    for step, host in ((3600.0, hosts[1]), (-3600.0, hosts[2])):
        value, left = ahead(step, host)
        assert value == token
        assert 7190 < left <= 7200
    assert emulator.logins("vss") == 1


def test_no_code_is_sent_by_two_hosts(hosts: list[Host], emulator: Emulator, measured: Measured) -> None:
    """Fails when hosts remember used codes each for itself."""
    offset = (30 - 1.5 - time.time()) % 30
    emulator.clock(offset)
    other = emulator.url("vss").replace("127.0.0.1", "localhost")

    def work(number: int) -> str:
        with clock_moved(offset):
            return hosts[number % 2].token("vss_mfa", **({"api_url": other} if number % 2 else {}))

    assert len(set(values(herd(32, work)))) == 2
    assert emulator.counts()["vss"]["otp_replays"] == 0
    assert emulator.counts()["vss"]["logins_ok"] == emulator.logins("vss") == 2
    measured("redis.codes_sent_twice", emulator.counts()["vss"]["otp_replays"])


def test_no_typed_code_is_sent_by_two_hosts(hosts: list[Host], emulator: Emulator) -> None:
    """Fails when a host does not ask whether another one has sent the code, or when one that was not sent is lost."""
    here, unreachable = emulator.url("vss"), f"http://127.0.0.1:{free_port()}"
    there = here.replace("127.0.0.1", "localhost")
    code = pyotp.TOTP(accounts()["vss_mfa"]["totp_secret"]).now()

    def work(host: Host, address: str) -> str:
        return host.token("vss_mfa", totp_secret=None, otp=code, api_url=address)

    errors(herd(1, lambda _number: work(hosts[0], unreachable)))
    values(herd(1, lambda _number: work(hosts[1], here)))
    (refused,) = errors(herd(1, lambda _number: work(hosts[2], there)))
    assert "the one-time code in otp has been used" in refused
    assert emulator.logins("vss") == 1


def test_what_the_server_holds_is_sealed(hosts: list[Host], server: RedisServer) -> None:
    """Fails when a token, a name or an address is readable at the server, or when something is kept for ever."""
    token = hosts[0].token()
    client = server.client()
    keys = client.keys("*")
    assert len(keys) == 1
    assert all(client.pttl(key) > 0 for key in keys)
    held = str([(key, client.get(key)) for key in keys])
    for word in (token, token.split(".")[1], token.rsplit(".", 1)[-1], "vsskey1", "127.0.0.1", "CANARY", "vss"):
        assert word not in held
    # Another key of the cache is another cache.
    stranger = Host(hosts[0].emulator, hosts[0].root / "stranger", server.url, key="another key")
    assert stranger.token() != token


def test_listing_and_removing(hosts: list[Host], emulator: Emulator) -> None:
    """Fails when entries of other hosts are not listed, or when a removed entry comes back from the server."""
    hosts[0].token()
    assert hosts[0].store().backend == "redis"
    listed = hosts[1].store().entries()
    assert [entry.provider for _name, entry in listed] == ["vss"]
    hosts[1].store().remove(listed[0][0])
    hosts[1].token()
    assert emulator.logins("vss") == 2


# -- configuration -----------------------------------------------------------------------------------------------


def acl_line() -> str:
    """The line that the guide tells users to copy."""
    guide = (Path(__file__).parents[2] / "docs" / "docsite" / "rst" / "guide_cache.rst").read_text()
    (found,) = re.findall(r"^ +(user apiauth .*)$", guide, re.MULTILINE)
    return str(found)


def test_tls_and_the_users_that_the_guide_tells(emulator: Emulator, tmp_path: Path, measured: Measured) -> None:
    """Fails when the guide's line lacks a command or allows none of the keys, or when certificates are not checked."""
    user = acl_line().replace("PASSWORD", PASSWORD)
    with RedisServer(tmp_path / "redis", tls=True, users=["user default off", user]) as server:

        def url(password: str = PASSWORD, ca: str = "ca.pem") -> str:
            return f"rediss://apiauth:{quote(password, safe='')}@127.0.0.1:{server.port}/0?ssl_ca_certs={server.directory / ca}"

        hosts = hosts_of(emulator, url(), tmp_path)
        answers = all_of(hosts)
        assert len(set(values(answers))) == 1
        assert emulator.logins("vss") == 1
        assert not [one for answer in answers for one in answer.warnings]
        values(herd(1, lambda _number: hosts[0].token("vss_mfa")))
        (names,) = values(herd(1, lambda _number: hosts[2].store().names()))
        assert len(names) == 2
        (removed,) = herd(1, lambda _number: list(map(hosts[0].store().remove, names)))
        assert not removed.warnings
        measured("redis.tls_and_acl_logins", 1)
        for number, (bad, word) in enumerate(
            ((url(password="CANARY-wrong"), "rejects the user"), (url(ca="other-ca.pem"), "TLS"), (url(ca="missing.pem"), "missing"))
        ):
            stranger = Host(emulator, tmp_path / f"bad{number}", bad)
            (answer,) = herd(1, functools.partial(token_of, stranger))
            assert answer.value
            assert len(answer.warnings) == 1
            assert word in answer.warnings[0]
            assert "CANARY" not in answer.warnings[0]


def test_a_socket_of_this_machine(server: RedisServer, emulator: Emulator, tmp_path: Path) -> None:
    """Fails when a ``unix://`` address does not work."""
    assert len(set(values(all_of(hosts_of(emulator, f"unix://{server.socket}", tmp_path, 2))))) == 1
    assert emulator.logins("vss") == 1


@pytest.mark.parametrize(
    "url",
    [
        f"http://user:{PASSWORD}@host/0",
        "redis://",
        f"redis://:{PASSWORD}@127.0.0.1:port/0",
        f"redis://:{PASSWORD}@127.0.0.1:99999/0",
        "CANARY",
        "redis://:CANARY@127.0.0.1:1/0?socket_timeout=CANARY",
        "redis://:CANARY@127.0.0.1:1/0?no_such_parameter=CANARY",
        "unix://",
    ],
)
def test_an_address_that_makes_no_sense(emulator: Emulator, tmp_path: Path, url: str) -> None:
    """Fails when it is no configuration error, or when the error quotes the address."""
    (answer,) = herd(1, lambda _number: Host(emulator, tmp_path / "host", url).token())
    assert answer.kind == "configuration"
    assert "cache_redis_url" in answer.error
    assert "CANARY" not in answer.error
    assert emulator.logins("vss") == 0


def token_of(host: Host, _number: int) -> str:
    return host.token()


def test_without_the_library(emulator: Emulator, tmp_path: Path) -> None:
    """Fails when a missing library is a traceback, or is silently done without."""

    def work(_number: int) -> str:
        # Python takes this for a module that is not there.
        cast("dict[str, object]", sys.modules)["redis"] = None
        importlib.reload(redis_client)
        return Host(emulator, tmp_path / "host", f"redis://127.0.0.1:{free_port()}").token()

    (answer,) = herd(1, work)
    assert answer.kind == "configuration"
    assert "library redis" in answer.error
    assert emulator.logins("vss") == 0


def test_the_password_is_shown_nowhere(tmp_path: Path) -> None:
    """Fails when an object or an error that holds the address shows it."""
    url = f"redis://:{quote(PASSWORD, safe='')}@127.0.0.1:1/0"
    store = Host(Emulator(directory=tmp_path), tmp_path / "host", url).store()
    assert "CANARY" not in repr(store)
    assert "CANARY" not in repr(store.lease())
    with pytest.raises(ApiError) as raised:
        describe_address(url.replace("redis:", "ftp:"))
    assert "CANARY" not in str(raised.value)
    arguments = subprocess.run(["ps", "-o", "args=", "-p", str(os.getpid())], capture_output=True, text=True, check=False).stdout
    assert "CANARY" not in arguments
