# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulated VSS against the client that its own makers wrote."""

from __future__ import annotations

import time

import pytest
from emulator.client import Emulator
from emulator.totp import code_at
from pyvss.exceptions import VssError
from pyvss.manager import VssManager

Accounts = dict[str, dict[str, str]]


@pytest.fixture
def manager(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> VssManager:
    for name in ("VSS_API_TOKEN", "VSS_API_USER", "VSS_API_USER_PASS", "VSS_API_USER_OTP", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return VssManager(api_endpoint=emulator.url("vss"))


def test_logs_in_and_lists_all_machines(manager: VssManager, emulator: Emulator, who: Accounts) -> None:
    token = manager.get_token(who["vss"]["username"], who["vss"]["password"])
    assert manager.tf_enabled is False
    machines = manager.get_vms(show_all=True, per_page=10)
    assert len({machine["uuid"] for machine in machines}) == 23
    assert manager.whoami()["username"] == who["vss"]["username"]
    pages = emulator.log(system="vss", function="GET v2/vm")
    assert len(pages) == 3
    assert {page["headers"]["Authorization"] for page in pages} == {f"Bearer {token}"}


def test_second_factor(manager: VssManager, emulator: Emulator, who: Accounts) -> None:
    account = who["vss_mfa"]
    with pytest.raises(VssError, match="InvalidParameterValue: otp"):
        manager.get_token(account["username"], account["password"])
    code = code_at(account["totp_secret"], time.time())
    manager.get_token(account["username"], account["password"], code)
    assert manager.tf_enabled is True
    with pytest.raises(VssError, match="InvalidParameterValue: otp"):
        manager.get_token(account["username"], account["password"], code)
    assert emulator.counts()["vss"]["otp_replays"] == 1


def test_wrong_password_and_no_permission_look_the_same(manager: VssManager, who: Accounts) -> None:
    texts = set()
    for user, password in ((who["vss"]["username"], "wrong"), (who["vss_barred"]["username"], who["vss_barred"]["password"])):
        with pytest.raises(VssError, match="Please authenticate to get your token") as caught:
            manager.get_token(user, password)
        texts.add(str(caught.value))
    assert len(texts) == 1


def test_power_state_by_way_of_a_change_request(manager: VssManager, emulator: Emulator, who: Accounts) -> None:
    emulator.settings(vss={"polls": 0})
    manager.get_token(who["vss"]["username"], who["vss"]["password"])
    machine = manager.get_vms()[0]
    accepted = manager.power_off_vm(machine["uuid"])
    assert manager.wait_for_request(accepted["_links"]["request"], "vm_uuid", "PROCESSED") == machine["uuid"]
    assert manager.get_vm(machine["uuid"])["state"]["power_state"] == "poweredOff"
    assert manager.is_powered_off_vm(machine["moref"])


def test_tokens_are_listed_disabled_and_deleted(manager: VssManager, who: Accounts) -> None:
    manager.get_token(who["vss"]["username"], who["vss"]["password"])
    manager.get_token(who["vss"]["username"], who["vss"]["password"])
    first, second = sorted(manager.get_user_tokens(show_all=True), key=lambda token: token["id"])
    assert manager.disable_user_token(first["id"])["status"] == 204
    assert manager.get_user_token(first["id"])["valid"] is False
    assert manager.delete_user_token(first["id"])["status"] == 204
    manager.disable_user_token(second["id"])
    with pytest.raises(VssError, match="unauthorized"):
        manager.whoami()
