# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings of settings that look like options and are none go through Ansible's display, once, and never concern real options."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import COMMON
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.vss import Vss
from ansible_collections.apiauth.tokens.plugins.plugin_utils import _core, _logging, _summary
from ansible_collections.apiauth.tokens.plugins.plugin_utils._lookup import run_lookup
from ansible_collections.apiauth.tokens.plugins.plugin_utils._preload import preload_for_workers


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list to which Ansible's display adds its warnings, in a process in which nothing was logged before."""
    for name in [name for name in os.environ if name.startswith("APIAUTH_")]:
        monkeypatch.delenv(name)
    shown: list[str] = []
    monkeypatch.setattr(_logging.display, "warning", shown.append)
    logger = logging.getLogger("apiauth.tokens")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "propagate", True)
    return shown


def test_a_misspelt_variable(warnings: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Fails when options are read before the log is connected to the display: Python would write the warning to standard error."""
    monkeypatch.setenv("APIAUTH_TIMEOT", "5")
    assert run_lookup(Vss, None, [], {}, {"token": "opaque", "cache": "none"}) == ["opaque"]
    assert warnings == ["apiauth.tokens: the environment variable APIAUTH_TIMEOT is not an option of this collection; did you mean APIAUTH_TIMEOUT?"]
    assert caplog.records == []


@pytest.mark.parametrize("name", ["VSS_PASSWORD", "VSS_PASWORD"])
def test_a_variable_with_the_name_that_others_have(name: str, warnings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when the password in VSS_PASSWORD is ignored without a word, because no name is close to it."""
    monkeypatch.setenv(name, "CANARY")
    run_lookup(Vss, None, [], {}, {"token": "opaque", "cache": "none"})
    assert warnings == [f"apiauth.tokens: the environment variable {name} is not an option of this collection; did you mean VSS_USER_PASS?"]


def test_a_key_without_its_prefix(warnings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when `retries` in the section [apiauth] is ignored without a word."""
    monkeypatch.setattr(_core, "ini_settings", lambda: {"retries": "1", "whm_host": "whm1.example.com"})
    run_lookup(Vss, None, [], {}, {"token": "opaque", "cache": "none"})
    assert warnings == ["apiauth.tokens: retries in the section [apiauth] of ansible.cfg is not an option of this collection; did you mean apiauth_retries?"]


def test_keys_of_another_system_are_for_its_own_tasks(warnings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when `whm_api_url` is taken for a slip of `vss_api_url`."""
    monkeypatch.setattr(_core, "ini_settings", lambda: {"whm_api_url": "https://whm1.example.com", "rackcorp_login": "password", "whm_nonsense": "x"})
    run_lookup(Vss, None, [], {}, {"token": "opaque", "cache": "none"})
    assert warnings == []


def test_a_common_option_with_the_prefix_of_a_system(warnings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when `vss_timeout` is taken for a slip of `vss_otp`, which is spelt alike and means something else."""
    monkeypatch.setattr(_core, "ini_settings", lambda: {"vss_timeout": "5"})
    run_lookup(Vss, None, [], {}, {"token": "opaque", "cache": "none"})
    assert warnings == [
        "apiauth.tokens: vss_timeout in the section [apiauth] of ansible.cfg is not an option of this collection; did you mean apiauth_timeout?"
    ]


@pytest.mark.parametrize("name", _summary.VARIABLES)
def test_variables_of_the_callback_are_no_slips(name: str, warnings: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(name, str(tmp_path / "summary"))
    run_lookup(Vss, None, [], {}, {"token": "opaque", "cache": "none"})
    assert warnings == []


def test_a_key_that_is_nobodys(warnings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_core, "ini_settings", lambda: {"foo": "bar"})
    run_lookup(Vss, None, [], {}, {"token": "opaque", "cache": "none"})
    assert warnings == ["apiauth.tokens: foo in the section [apiauth] of ansible.cfg is not an option of this collection"]


def test_real_options_are_known(warnings: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Fails when a part of the tables is checked as if it were all of them, for example what is loaded before workers start."""
    values = {"bool": "true", "int": "5", "float": "5", "path": "/nowhere", "str": "none"}
    for option in COMMON:
        for name in option.env:
            monkeypatch.setenv(name, values[option.type])
    preload_for_workers()
    run_lookup(Vss, None, [], {}, {"token": "opaque", "proxy": "", "client_cert": "", "client_key": "", "ca_path": "", "cache_redis_url": ""})
    assert warnings == []
    assert caplog.records == []
