# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RackCorp's own command-line client from PyPI against the emulator."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from emulator.client import Emulator
from emulator.totp import code_at

Accounts = dict[str, dict[str, str]]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def configured(emulator: Emulator, tmp_path: Path) -> Callable[..., Path]:
    """Write the client's configuration."""

    def write(**values: str) -> Path:
        own = {"user": "", "password": "", "token": "", "key": "", "secret": "", **{name: value.replace("%", "%%") for name, value in values.items()}}
        url = f"{emulator.root('rackcorp')}/api/rest/v2.4/json.php"
        path = tmp_path / "rcapi.ini"
        path.write_text(
            f"[rackcorp]\nuser = {own['user']}\npassword = {own['password']}\ntoken = {own['token']}\n"
            f"[api]\nurl = {url}\nkey = {own['key']}\nsecret = {own['secret']}\n"
        )
        return path

    return write


def call(run: Run, config: Path, *arguments: str, stdin: str = "") -> str:
    """Return the last line that the client prints."""
    return run("rackcorp", "rcapi", "--config-file", str(config), *arguments, stdin=stdin).stdout.strip().splitlines()[-1]


def test_a_session_is_kept_and_used_again(run: Run, emulator: Emulator, who: Accounts, configured: Callable[..., Path]) -> None:
    """The client logs in without ``jwt``. Fails when the login answers no ``sessionId``, or the session is not accepted."""
    account = who["rackcorp"]
    config = configured(user=account["username"], password=account["password"])
    devices = json.loads(call(run, config, "exec", "device.getall"))
    assert (devices["code"], len(devices["devices"])) == ("OK", 20)
    assert json.loads(call(run, config, "do", "cmd=dns.domain.getall", "exactName=example.net"))["matches"] == 1
    assert emulator.logins("rackcorp") == 1
    assert emulator.log(system="rackcorp")[-1]["kinds"] == ["session"]


def test_refusals_are_read_from_fault(run: Run, who: Accounts, configured: Callable[..., Path]) -> None:
    """The client reads ``fault`` of every refusal, and breaks where an older command has none."""
    account = who["rackcorp"]
    config = configured(user=account["username"], password="wrong")
    assert call(run, config, "exec", "device.getall") == "FAIL: ACCESS_DENIED error: Invalid username or password"
    config = configured(user=account["username"], password=account["password"])
    assert call(run, config, "do", "cmd=device.get", "id=1") == "FAIL: FAULT error: Could not find device"


def test_a_second_factor(run: Run, emulator: Emulator, who: Accounts, configured: Callable[..., Path]) -> None:
    account = who["rackcorp_2fa"]
    config = configured(user=account["username"], password=account["password"], token="asked")
    code = code_at(account["totp_secret"], time.time())
    assert json.loads(call(run, config, "exec", "session.iscurrent", stdin=f"{code}\n"))["code"] == "OK"
    assert "otp" in emulator.log(system="rackcorp", login=True)[-1]["kinds"]


def test_an_api_key(run: Run, emulator: Emulator, who: Accounts, configured: Callable[..., Path]) -> None:
    account = who["rackcorp"]
    config = configured(user="unused", password="unused")
    key = ("--api-key", account["api_uuid"], "--api-secret", account["api_secret"])
    assert json.loads(call(run, config, *key, "exec", "loadbalancer.getall"))["count"] == 1
    assert emulator.log(system="rackcorp")[-1]["kinds"][0] == "body"
