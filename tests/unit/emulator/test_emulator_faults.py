# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fault script and the control API."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests
from emulator.client import Emulator, EmulatorError, wait_until

Accounts = dict[str, dict[str, str]]


@pytest.fixture
def call(http: requests.Session, emulator: Emulator, who: Accounts) -> Any:
    """A call that makes something, so that it shows whether it was executed."""
    account = who["rackcorp"]
    key = (account["api_uuid"], account["api_secret"])

    def send(**rest: Any) -> requests.Response:
        body = {"cmd": "order.create", "productCode": "X"}
        return http.post(emulator.url("rackcorp") + "/json.php", json=body, auth=key, allow_redirects=False, **rest)

    return send


def test_rules_are_used_up_in_order(call: Any, emulator: Emulator) -> None:
    emulator.fault({"action": "status", "status": 503, "skip": 1, "times": 2, "name": "busy"}, {"action": "status", "status": 500})
    assert [call().status_code for _turn in range(5)] == [500, 503, 503, 200, 200]
    assert [record["fault"] for record in emulator.log()] == ["status", "busy", "busy", None, None]
    assert [record["executed"] for record in emulator.log()] == [False, False, False, True, True]


def test_rules_choose_their_requests(call: Any, emulator: Emulator) -> None:
    others: list[dict[str, Any]] = [
        {"system": "vss"},
        {"match": {"cmd": "^order[.]get$"}},
        {"match": {"login": True}},
        {"match": {"method": "GET"}},
        {"match": {"path": "nothing"}},
    ]
    emulator.fault(*({"action": "status", "times": None, **other} for other in others))
    assert call().status_code == 200
    emulator.fault(
        {"system": "rackcorp", "action": "status", "times": None, "match": {"function": "order", "login": False, "method": "post", "path": "json[.]php"}}
    )
    assert [call().status_code for _turn in range(3)] == [500] * 3
    emulator.clear_faults()
    assert call().status_code == 200


@pytest.mark.parametrize("rule", [{"action": "explode"}, {"action": "status", "sttus": 1}, {"action": "status", "match": {"colour": "red"}}])
def test_a_wrong_rule_is_refused(emulator: Emulator, rule: dict[str, Any]) -> None:
    with pytest.raises(EmulatorError, match="not a fault rule"):
        emulator.fault(rule)


def test_a_wrong_setting_is_refused(emulator: Emulator) -> None:
    with pytest.raises(EmulatorError, match="vss has no setting tokenttl"):
        emulator.settings(vss={"tokenttl": 1})


@pytest.mark.parametrize(
    ("rule", "executed"),
    [
        ({"action": "cut"}, False),
        ({"action": "drop"}, True),
        ({"action": "raw"}, False),
    ],
)
def test_broken_connections(call: Any, emulator: Emulator, rule: dict[str, Any], executed: bool) -> None:
    emulator.fault(rule)
    with pytest.raises(requests.exceptions.ConnectionError):
        call()
    record = emulator.log()[-1]
    assert (record["executed"], record["status"], record["fault"]) == (executed, 0, rule["action"])
    assert call().status_code == 200


def test_a_cut_inside_the_body(call: Any, emulator: Emulator) -> None:
    emulator.fault({"action": "cut", "after": 180})
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        call()
    assert emulator.log()[-1]["executed"] is True


@pytest.mark.parametrize("action", ["garbage", "html", "empty", "truncated"])
def test_bodies_that_are_not_json(call: Any, emulator: Emulator, action: str) -> None:
    emulator.fault({"action": action})
    reply = call()
    assert reply.status_code == 200
    with pytest.raises(ValueError):
        reply.json()
    assert emulator.log()[-1]["executed"] is (action == "truncated")


def test_a_status_with_a_body_of_choice(call: Any, emulator: Emulator) -> None:
    emulator.fault({"action": "status", "status": 502, "json": {"a": 1}, "headers": {"X-A": "b"}}, {"action": "status", "status": 418, "body": "tea"})
    first, second = call(), call()
    assert (first.status_code, first.json(), first.headers["X-A"]) == (502, {"a": 1}, "b")
    assert (second.status_code, second.text) == (418, "tea")


def test_rate_limits(call: Any, emulator: Emulator) -> None:
    emulator.clock(1000)
    emulator.fault({"action": "rate_limit", "retry_after": 2}, {"action": "rate_limit", "retry_after_date": 30}, {"action": "rate_limit", "reset": 5})
    seconds, date, reset = call(), call(), call()
    assert [seconds.status_code, date.status_code, reset.status_code] == [429] * 3
    assert seconds.headers["Retry-After"] == "2"
    ahead = parsedate_to_datetime(date.headers["Retry-After"]) - parsedate_to_datetime(date.headers["Date"])
    assert 28 <= ahead.total_seconds() <= 31
    assert abs(int(reset.headers["X-RateLimit-Reset"]) - time.time() - 1005) < 3


def test_redirect_and_echo(call: Any, emulator: Emulator, who: Accounts) -> None:
    emulator.fault({"action": "redirect", "location": "https://elsewhere.example.com/"}, {"action": "echo"})
    redirect, echo = call(), call()
    assert (redirect.status_code, redirect.headers["Location"]) == (302, "https://elsewhere.example.com/")
    assert (echo.status_code, "Authorization: Basic " in echo.text, "order.create" in echo.text) == (500, True, True)


def test_delay_and_hang(call: Any, emulator: Emulator) -> None:
    emulator.fault({"action": "delay", "delay": 0.2}, {"action": "hang"})
    begin = time.monotonic()
    assert call().status_code == 200
    assert 0.2 <= time.monotonic() - begin < 1
    with pytest.raises(requests.exceptions.ReadTimeout):
        call(timeout=0.2)
    assert wait_until(lambda: emulator.log()[-1]["seconds"] is not None)
    assert emulator.log()[-1]["executed"] is False


def test_huge_and_drip(call: Any, emulator: Emulator) -> None:
    emulator.fault({"action": "huge", "mib": 3}, {"action": "drip", "pause": 0.005})
    assert len(call().content) > 3 * 1024 * 1024
    begin = time.monotonic()
    assert call().json()["code"] == "OK"
    assert time.monotonic() - begin > 0.1


@pytest.mark.parametrize(("system", "status"), [("rackcorp", 200), ("whm", 403), ("netography", 401), ("vss", 401)])
def test_a_good_token_can_be_refused(http: requests.Session, emulator: Emulator, system: str, status: int) -> None:
    emulator.fault({"system": system, "action": "refuse_token"})
    paths = {"rackcorp": "/json.php", "whm": "/json-api/version", "netography": "/devices", "vss": "/v2/user"}
    reply = http.get(emulator.url(system) + paths[system])
    assert (reply.status_code, emulator.log()[-1]["ok"], emulator.log()[-1]["fault"]) == (status, False, "refuse_token")


def test_logins_are_no_tokens(http: requests.Session, emulator: Emulator, who: Accounts) -> None:
    emulator.fault({"action": "refuse_token"})
    account = who["rackcorp"]
    reply = http.get(emulator.url("rackcorp") + "/customer/jsonwebtoken", auth=(account["api_uuid"], account["api_secret"]))
    assert reply.json()["code"] == "OK"
    assert emulator.faults()[0]["times"] == 1


def test_settings_delay_logins_and_reset_forgets(call: Any, http: requests.Session, emulator: Emulator, who: Accounts) -> None:
    emulator.settings(vss={"login_delay": 0.15})
    account = who["vss"]
    begin = time.monotonic()
    http.post(emulator.url("vss") + "/auth/request-token", auth=(account["username"], "wrong"))
    assert time.monotonic() - begin >= 0.15
    emulator.fault({"action": "hang"})
    emulator.clock(500)
    emulator.reset()
    assert (emulator.log(), emulator.faults(), emulator.logins("vss"), emulator.revoke("vss")) == ([], [], 0, 0)
    assert abs(parsedate_to_datetime(call().headers["Date"]).timestamp() - time.time()) < 3
