# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a request is sent again, and how long that may take."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest
from emulator.client import Emulator
from engine.clients import NotedWaits, closed_port, failure, http_session, ping
from engine.servers import REPLY, Server, answering, head

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.messages import Request
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.retries import WaitBudget

# -- whether -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("repeatable", "single_use"), [(True, False), (False, False), (False, True)])
def test_what_cannot_have_arrived_is_sent_again(repeatable: bool, single_use: bool) -> None:
    budget, port = NotedWaits(), closed_port()
    request = Request("POST", f"http://127.0.0.1:{port}/x", repeatable=repeatable, single_use=single_use)
    error = failure(http_session(budget=budget, retries=3), request)
    assert (error.kind, error.tries, error.sent, len(budget.asked)) == ("network", 4, False, 3)
    assert error.problem == f"cannot connect to 127.0.0.1:{port}: Connection refused"
    assert error.hint == "check the host, the port and any firewall"


def test_a_host_that_does_not_exist() -> None:
    error = failure(http_session(retries=1), Request("GET", "https://no-such-host.invalid/x"))
    assert (error.kind, error.tries, error.sent) == ("network", 2, False)
    assert error.problem.startswith("the host name no-such-host.invalid cannot be resolved: ")


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "hang": ({"action": "hang"}, "no reply from 127.0.0.1:{port} within 0.2 seconds (read timeout); raise timeout"),
    "drop": ({"action": "drop"}, "127.0.0.1:{port} closed the connection without a reply ("),
    "cut": ({"action": "cut"}, "127.0.0.1:{port}"),
    "cut_body": ({"action": "cut", "after": 200}, "the reply (HTTP 401) is incomplete: the connection was closed too early"),
    "raw": ({"action": "raw"}, "invalid HTTP response from 127.0.0.1:{port}; check api_url and any proxy on the way"),
}


@pytest.mark.parametrize(("repeatable", "single_use", "requests"), [(True, False, 3), (False, False, 1), (True, True, 1)])
@pytest.mark.parametrize("name", FAULTS)
def test_what_may_have_arrived_is_sent_again_only_if_it_does_no_harm(emulator: Emulator, name: str, repeatable: bool, single_use: bool, requests: int) -> None:
    fault, told = FAULTS[name]
    emulator.fault({"system": "vss", "times": None, **fault})
    error = failure(http_session(retries=2, timeout=0.2), ping(emulator.http)._replace(repeatable=repeatable, single_use=single_use))
    # The status has arrived, and it is a refusal.
    requests = 1 if name == "cut_body" else requests
    assert (error.tries, error.sent, len(emulator.log())) == (requests, True, requests)
    assert (error.kind, error.status) == {"cut_body": ("protocol", 401), "raw": ("protocol", None)}.get(name, ("network", None))
    assert told.format(port=emulator.http.rpartition(":")[2]) in str(error)


@pytest.mark.parametrize(("repeatable", "single_use"), [(True, False), (False, False), (True, True)])
@pytest.mark.parametrize(("status", "always"), [(429, True), (503, True), (502, False), (504, False)])
def test_statuses_that_are_worth_another_try(emulator: Emulator, status: int, always: bool, repeatable: bool, single_use: bool) -> None:
    emulator.fault({"system": "vss", "action": "status", "status": status, "times": 2})
    reply = http_session(retries=3).send(ping(emulator.http)._replace(repeatable=repeatable, single_use=single_use))
    again = (always or repeatable) and not single_use
    assert (reply.status, reply.tries, len(emulator.log())) == ((401, 3, 3) if again else (status, 1, 1))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 410, 418, 425, 500, 501, 505])
def test_statuses_that_are_not(emulator: Emulator, status: int) -> None:
    emulator.fault({"system": "vss", "action": "status", "status": status, "times": None})
    reply = http_session(retries=3).send(ping(emulator.http))
    assert (reply.status, reply.tries, len(emulator.log())) == (status, 1, 1)


@pytest.mark.parametrize("stop", [False, True])
@pytest.mark.parametrize(("status", "tries"), [(200, 2), (401, 1), (403, 1), (404, 1), (500, 1), (429, 2), (502, 2), (503, 2)])
def test_of_a_reply_that_is_cut_off_the_status_decides(status: int, tries: int, stop: bool) -> None:
    """Fails when a refusal is asked for again because its body was not complete."""

    def cut(talk: socket.socket) -> None:
        head(talk)
        talk.sendall(f"HTTP/1.1 {status} x\r\nContent-Length: 99\r\n\r\nno".encode())
        if stop:
            time.sleep(0.4)

    with Server(cut) as server:
        error = failure(http_session(retries=1, timeout=0.2), Request("GET", f"http://127.0.0.1:{server.port}/", repeatable=True))
    assert (error.status, error.tries, server.connections) == (status, tries, tries)


@pytest.mark.parametrize("retries", [0, 1, 5])
def test_the_number_of_tries(emulator: Emulator, retries: int) -> None:
    emulator.fault({"system": "vss", "action": "status", "status": 503, "times": None})
    assert http_session(retries=retries).send(ping(emulator.http)).tries == retries + 1
    assert http_session(retries=9).send(ping(emulator.http), retries=retries).tries == retries + 1


def test_another_timeout_for_one_request(emulator: Emulator) -> None:
    emulator.fault({"system": "vss", "action": "hang"})
    started = time.monotonic()
    assert "within 0.2 seconds" in str(failure(http_session(timeout=30.0), ping(emulator.http), timeout=0.2))
    assert time.monotonic() - started < 5


# -- how long ------------------------------------------------------------------------------------------------------


def test_backoff_has_full_jitter_and_grows() -> None:
    seen: list[list[float]] = []
    for _turn in range(30):
        budget = NotedWaits(1e9)
        failure(http_session(budget=budget, retries=5), Request("GET", "http://127.0.0.1:1/x", repeatable=True))
        seen.append(budget.asked)
    for number, column in enumerate(zip(*seen, strict=True), 1):
        assert all(0 <= seconds <= 0.5 * 2**number for seconds in column)
        assert max(column) > 0.5 * 2**number / 2 > min(column)


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [({"retry_after": 7}, 7.0), ({"retry_after": 1.5}, 1.5), ({"retry_after_date": 20}, 20.0), ({"reset": 30}, 30.0)],
)
@pytest.mark.parametrize("skew", [0, 3600, -3600])
def test_as_long_as_the_server_asks(emulator: Emulator, fault: dict[str, Any], seconds: float, skew: float) -> None:
    """By the server's own clock, whatever ours says."""
    emulator.clock(skew)
    emulator.fault({"system": "vss", "action": "rate_limit", **fault})
    budget = NotedWaits()
    assert http_session(budget=budget, retries=1).send(ping(emulator.http, repeatable=False)).tries == 2
    assert budget.asked == [pytest.approx(seconds, abs=1.1)]


@pytest.mark.parametrize("fault", [{}, {"retry_after": 0}, {"retry_after_date": 0}, {"retry_after_date": -20}, {"reset": -20}])
def test_no_server_gets_all_tries_at_once(emulator: Emulator, fault: dict[str, Any]) -> None:
    """Fails when a time of zero, or one that is over, is waited for instead of the backoff."""
    emulator.fault({"system": "vss", "action": "rate_limit", "times": None, **fault})
    budget = NotedWaits()
    assert http_session(budget=budget, retries=3).send(ping(emulator.http, repeatable=False)).tries == 4
    assert len(budget.asked) == 3
    assert min(budget.asked) > 0


def test_the_budget_is_never_exceeded(emulator: Emulator) -> None:
    emulator.fault({"system": "vss", "action": "rate_limit", "retry_after": 0.2, "times": None})
    budget = WaitBudget(0.5)
    session = http_session(budget=budget, retries=50)
    started = time.monotonic()
    reply = session.send(ping(emulator.http))
    assert (reply.status, reply.tries) == (429, 3)
    assert 0.4 <= time.monotonic() - started < 2
    assert budget.left == pytest.approx(0.1)
    assert session.send(ping(emulator.http)).tries == 1


def test_what_exceeds_the_budget_is_refused_at_once(emulator: Emulator) -> None:
    emulator.fault({"system": "vss", "action": "rate_limit", "retry_after": 99})
    started = time.monotonic()
    reply = http_session(budget=WaitBudget(4), retries=3).send(ping(emulator.http))
    assert time.monotonic() - started < 3.5
    error = reply.error("rate_limited", "x")
    assert (error.retry_after, error.status, error.tries, error.sent) == (99.0, 429, 1, True)


def _wait_together(budget: WaitBudget, waits: list[float]) -> list[bool]:
    granted: list[bool] = []
    threads = [threading.Thread(target=lambda seconds=seconds: granted.append(budget.sleep(seconds))) for seconds in waits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return granted


def test_threads_that_wait_together_use_up_the_time_on_the_clock() -> None:
    """Fails if the waits are added up, which would be 4 s."""
    budget = WaitBudget(0.5)
    assert _wait_together(budget, [0.2] * 20) == [True] * 20
    assert 0.1 <= budget.left <= 0.301
    assert _wait_together(budget, [0.1, 0.05, 0.01]) == [True] * 3
    assert -0.001 <= budget.left <= 0.21
    assert not budget.sleep(0.3)


def test_waits_one_after_the_other_add_up() -> None:
    budget = WaitBudget(0.1)
    assert [budget.sleep(0.04) for _turn in range(3)] == [True, True, False]
    assert budget.left == pytest.approx(0.02)
    assert (WaitBudget(-1).left, WaitBudget(0).sleep(0.0), WaitBudget(0).sleep(0.01)) == (0.0, True, False)


def test_a_server_that_has_hung_up_is_noticed_before_anything_is_sent() -> None:
    """Also a request that must not be sent twice survives a connection that was closed while it was idle."""
    with Server(answering(REPLY)) as server:
        session = http_session()
        for number in range(1, 4):
            reply = session.send(Request("POST", f"http://127.0.0.1:{server.port}/", single_use=True))
            assert (reply.tries, server.connections) == (1, number)
            # The end of the connection must have arrived; nobody could know of it earlier.
            time.sleep(0.05)


def test_what_somebody_else_waited_is_told() -> None:
    """Fails when the waiting of a managed host is missing in a summary."""
    told: list[float] = []
    budget = WaitBudget(10.0, on_wait=told.append)
    budget.lower_to(7.0)
    budget.lower_to(9.0)
    budget.lower_to(-1.0)
    assert (told, budget.left) == ([3.0, 7.0], 0.0)
