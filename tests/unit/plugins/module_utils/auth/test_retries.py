# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a request is sent again, and how long that may take."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from emulator.client import Emulator
from engine.clients import Waits, client, closed_port, failure, ping

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.budget import Budget
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.client import Client, Request, wait_asked
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import AuthError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.option import Options

# -- once more, or not ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("repeatable", [True, False])
def test_what_cannot_have_arrived_is_sent_again(repeatable: bool) -> None:
    waits = Waits()
    error = failure(client(waits=waits, retries=3), Request("POST", f"http://127.0.0.1:{closed_port()}/x", repeatable=repeatable))
    assert (error.kind, error.tries, error.sent, len(waits.asked)) == ("network", 4, False, 3)
    assert str(error) == "the connection was refused or the host is unreachable; check the host, the port and any firewall"


def test_a_host_that_does_not_exist() -> None:
    error = failure(client(retries=1), Request("GET", "https://no-such-host.invalid/x", repeatable=True))
    assert (error.kind, error.tries, error.sent) == ("network", 2, False)
    assert "the host name cannot be resolved" in str(error)


@pytest.mark.parametrize(("repeatable", "requests"), [(True, 3), (False, 1)])
@pytest.mark.parametrize("fault", [{"action": "hang"}, {"action": "drop"}, {"action": "cut"}, {"action": "cut", "after": 200}, {"action": "raw"}])
def test_what_may_have_arrived_is_sent_again_only_if_it_changes_nothing(emulator: Emulator, fault: dict[str, Any], repeatable: bool, requests: int) -> None:
    emulator.fault({"system": "vss", "times": None, **fault})
    error = failure(client(retries=2, timeout=0.2), ping(emulator.http, repeatable=repeatable))
    within_body = "after" in fault
    kind, status = ("protocol", 401) if within_body else ("protocol" if fault["action"] == "raw" else "network", None)
    assert (error.kind, error.status, error.tries, error.sent, len(emulator.log())) == (kind, status, requests, True, requests)
    told = {
        "cut": "the reply (HTTP 401) is cut off" if within_body else "the server closed the connection without a reply",
        "hang": "no reply within 0.2 seconds; raise timeout",
        "drop": "the server closed the connection without a reply; look whether the service is well, and whether it wants a client_cert",
        "raw": "what answers there does not speak HTTP; check api_url, and any proxy on the way",
    }
    assert told[fault["action"]] in str(error)


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize(("status", "always"), [(429, True), (503, True), (502, False), (504, False)])
def test_statuses_that_are_worth_another_try(emulator: Emulator, status: int, always: bool, repeatable: bool) -> None:
    emulator.fault({"system": "vss", "action": "status", "status": status, "times": 2})
    reply = client(retries=3).send(ping(emulator.http, repeatable=repeatable))
    again = always or repeatable
    assert (reply.status, reply.tries, len(emulator.log())) == ((401, 3, 3) if again else (status, 1, 1))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 410, 418, 425, 500, 501, 505])
def test_statuses_that_are_not(emulator: Emulator, status: int) -> None:
    emulator.fault({"system": "vss", "action": "status", "status": status, "times": None})
    reply = client(retries=3).send(ping(emulator.http))
    assert (reply.status, reply.tries, len(emulator.log())) == (status, 1, 1)


@pytest.mark.parametrize("retries", [0, 1, 5])
def test_the_number_of_tries(emulator: Emulator, retries: int) -> None:
    emulator.fault({"system": "vss", "action": "status", "status": 503, "times": None})
    assert client(retries=retries).send(ping(emulator.http)).tries == retries + 1


# -- waiting -------------------------------------------------------------------------------------------------------


def test_backoff_is_jittered_and_grows() -> None:
    seen: list[list[float]] = []
    for _turn in range(30):
        waits = Waits(1e9)
        failure(client(waits=waits, retries=5), Request("GET", "http://127.0.0.1:1/x", repeatable=True))
        seen.append(waits.asked)
    for number, column in enumerate(zip(*seen, strict=True), 1):
        assert all(0 <= one <= 0.5 * 2**number for one in column)
        assert max(column) > 0.5 * 2**number / 2 > min(column)


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [({"retry_after": 7}, 7.0), ({"retry_after": 0}, 0.0), ({"retry_after": 1.5}, 1.5), ({"retry_after_date": 20}, 20.0), ({"reset": 30}, 30.0)],
)
@pytest.mark.parametrize("skew", [0, 3600, -3600])
def test_as_long_as_the_server_asks(emulator: Emulator, fault: dict[str, Any], seconds: float, skew: float) -> None:
    """By the server's own clock, whatever ours says."""
    emulator.clock(skew)
    emulator.fault({"system": "vss", "action": "rate_limit", **fault})
    waits = Waits()
    assert client(waits=waits, retries=1).send(ping(emulator.http, repeatable=False)).tries == 2
    assert waits.asked == [pytest.approx(seconds, abs=1.1)]


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (503, {"Retry-After": "3"}, 3.0),
        (503, {"X-RateLimit-Reset": "60"}, None),
        (429, {"X-RateLimit-Reset": "60"}, 60.0),
        (429, {"X-RateLimit-Reset": "1700000030.5", "Date": "Tue, 14 Nov 2023 22:13:20 GMT"}, 30.5),
        (429, {"X-RateLimit-Reset": "1600000000", "Date": "Tue, 14 Nov 2023 22:13:20 GMT"}, 0.0),
        (429, {"Retry-After": "2", "X-RateLimit-Reset": "60"}, 2.0),
        (429, {"Retry-After": "soon"}, None),
        (429, {"Retry-After": "-5"}, None),
        (429, {"Retry-After": "²"}, None),
        (429, {"Retry-After": "9" * 400}, None),
        (429, {"Retry-After": "Fri, 99 Foo 2023 99:99:99 GMT"}, None),
        (429, {"Retry-After": "Tue, 14 Nov 2023 22:13:00 GMT", "Date": "Tue, 14 Nov 2023 22:13:20 GMT"}, 0.0),
        (429, {}, None),
    ],
)
def test_what_a_server_asks_for(status: int, headers: dict[str, str], seconds: float | None) -> None:
    assert wait_asked(status, headers, time.time()) == seconds


def test_the_budget_is_never_exceeded(emulator: Emulator) -> None:
    emulator.fault({"system": "vss", "action": "rate_limit", "retry_after": 0.2, "times": None})
    made = Client(Options(retries=50), 5.0, environ={}, budget=Budget(0.5))
    started = time.monotonic()
    reply = made.send(ping(emulator.http))
    assert (reply.status, reply.tries) == (429, 3)
    assert time.monotonic() - started < 2
    assert made.budget.left == pytest.approx(0.1)
    assert made.send(ping(emulator.http)).tries == 1


def test_the_budget_is_shared_by_threads() -> None:
    budget = Budget(0.1)
    granted: list[bool] = []
    threads = [threading.Thread(target=lambda: granted.append(budget.sleep(0.01))) for _number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (granted.count(True), len(granted)) in ((10, 40), (9, 40))
    assert budget.left >= 0


def test_what_was_asked_for_is_told(emulator: Emulator) -> None:
    emulator.fault({"system": "vss", "action": "rate_limit", "retry_after": 99})
    reply = client(waits=Waits(1), retries=3).send(ping(emulator.http))
    error = reply.failed(AuthError("rate_limited", "x"))
    assert (error.retry_after, error.status, error.tries, error.sent) == (99.0, 429, 1, True)
