# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two clients of VSS's makers from PyPI, beside pyvss, against the emulator: vss-cli and mcp-vss."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from emulator.accounts import basic_header
from emulator.client import Emulator
from emulator.totp import code_at

Accounts = dict[str, dict[str, str]]
Run = Callable[..., subprocess.CompletedProcess[str]]
Cli = Callable[..., Any]


def token_of(emulator: Emulator, account: dict[str, str], **body: str) -> str:
    return str(requests.post(emulator.url("vss") + "/auth/request-token", headers=basic_header(account), json=body, timeout=10).json()["token"])


@pytest.fixture
def cli(run: Run, emulator: Emulator, who: Accounts) -> Cli:
    """Run ``vss-cli`` with one token for all commands, and return what it prints as JSON."""
    token = token_of(emulator, who["vss"])

    def call(*arguments: str) -> Any:
        login = {"VSS_ENDPOINT": emulator.root("vss"), "VSS_TOKEN": token}
        ended = run("vss-cli", "vss-cli", "--output", "json", "--no-wait", *arguments, **login)
        return json.loads(ended.stdout) if ended.stdout.strip() else None

    return call


def test_tokens_are_listed_shown_and_removed(cli: Cli, emulator: Emulator, who: Accounts) -> None:
    """Fails when a time, a filter or the members of a token are others than the client knows."""
    token_of(emulator, who["vss"])
    first, second = sorted(cli("token", "ls"), key=lambda row: int(row["id"]))
    assert first["created_on"].split()[1] in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    assert [row["id"] for row in cli("token", "ls", "-f", f"id=gt,{first['id']}")] == [second["id"]]
    (shown,) = cli("token", "get", str(second["id"]))
    assert (shown["type"], shown["duration"], shown["valid"]) == ("ACCESS", 86400, True)
    cli("token", "rm", str(second["id"]))
    assert [row["id"] for row in cli("token", "ls")] == [first["id"]]


def test_machines_are_listed(cli: Cli) -> None:
    rows = cli("compute", "vm", "ls", "-f", "name=%vm0%", "-s", "name=desc")
    assert [row["name"][-2:] for row in rows] == ["09", "08", "07", "06", "05", "04", "03", "02", "01"]
    assert (rows[0]["power_state"], rows[0]["folder"]["path"]) == ("poweredOn", "VSS > Development")


def test_a_machine_is_switched_off_by_its_name(cli: Cli, emulator: Emulator) -> None:
    """The client asks for 3,000 machines at once and looks for the name itself. Fails when a page has a smaller limit."""
    emulator.settings(vss={"polls": 1, "machines": 130})
    (accepted,) = cli("compute", "vm", "set", "vm130", "state", "off", "--confirm")
    (change,) = cli("request", "change", "ls")
    assert (change["id"], change["status"], change["vm_moref"], change["attribute"]) == (accepted["request"]["id"], "PENDING", "vm-230", "state")
    statuses = [cli("request", "change", "get", str(change["id"]))[0]["status"] for _turn in range(2)]
    assert statuses == ["PENDING", "PROCESSED"]
    assert cli("compute", "vm", "get", "vm-230", "state")[0]["state"]["power_state"] == "poweredOff"
    assert [row["status"] for row in cli("request", "change", "ls", "-f", "status=eq,PROCESSED")] == ["PROCESSED"]


def test_a_login_with_a_code(run: Run, emulator: Emulator, who: Accounts) -> None:
    """Fails when the client's way of sending the code and of reading the token does not work."""
    account = who["vss_mfa"]
    login = {"VSS_USER": account["username"], "VSS_USER_PASS": account["password"], "VSS_ENDPOINT": emulator.root("vss")}
    code = code_at(account["totp_secret"], time.time())
    ended = run("vss-cli", "vss-cli", "--output", "json", "token", "ls", VSS_USER_OTP=code, **login)
    assert json.loads(ended.stdout)[0]["valid"] is True
    again = run("vss-cli", "vss-cli", "token", "ls", VSS_USER_OTP=code, check=False, **login)
    assert again.returncode != 0
    assert "InvalidParameterValue: otp" in again.stderr + again.stdout


def test_the_typed_client_reads_machines_and_networks(run: Run, emulator: Emulator, who: Accounts) -> None:
    """mcp-vss checks every member of a machine. Fails when one is missing or of another type, or when a list has addresses."""
    script = """
import asyncio, json, sys
from mcp_server_vss.client import VssApiClient
from mcp_server_vss.exceptions import VssError
from mcp_server_vss.server import handle_nets, handle_vms
token, url = sys.argv[1:]

async def main():
    async with VssApiClient(token, url) as client:
        machines = await handle_vms(client, "v2/vm?per_page=200&filter=name,like,%vm0%")
        networks = await handle_nets(client, "v2/network")
    try:
        async with VssApiClient("wrong", url) as client:
            await handle_vms(client, "")
    except VssError as error:
        print(json.dumps([[vm.power_state for vm in machines.vms], machines.vms[0].to_text(), networks.networks[0].name, str(error)]))

asyncio.run(main())
"""
    ended = run("mcp-vss", "python", "-c", script, token_of(emulator, who["vss"]), emulator.root("vss"))
    states, text, network, error = json.loads(ended.stdout)
    assert states == ["poweredOn"] * 9
    assert "Folder: VSS > Development\n" in text
    assert network == "VL-0002-NETWORK"
    assert "Unauthorized" in error
