# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lookups hand over, and how their errors read."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from ansible import constants
from ansible.errors import AnsibleError
from emulator.client import Emulator
from engine.servers import Server, echoing

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.base import Provider
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.netography import Netography
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.rackcorp import RackCorp
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.vss import Vss
from ansible_collections.apiauth.tokens.plugins.plugin_utils import _core, _secrets
from ansible_collections.apiauth.tokens.plugins.plugin_utils._lookup import run_lookup

PROVIDERS: dict[str, type[Provider]] = {"rackcorp": RackCorp, "netography": Netography, "vss": Vss}
Look = Callable[..., Any]


@pytest.fixture
def look(emulator: Emulator, who: dict[str, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """``look('vss', output='headers')``: the one value of a lookup as the emulator's account of this system."""
    for name in ("VSS_TOKEN", "VSS_API_TOKEN", "RACKCORP_TOKEN", "NETOSECRET"):
        monkeypatch.delenv(name, raising=False)

    def found(system: str, *terms: str, variables: dict[str, Any] | None = None, **direct: Any) -> Any:
        # One kind of credential; the emulator's account of RackCorp has two.
        account = {name: value for name, value in who[system].items() if system != "rackcorp" or name.startswith("api_")}
        templar = SimpleNamespace(template=lambda value: value)
        given = {"api_url": emulator.url(system), "cache_dir": str(tmp_path / "cache"), "cache_key": "k" * 20, "retries": 0, **account, **direct}
        (value,) = run_lookup(PROVIDERS[system], templar, terms, variables or {}, {name: value for name, value in given.items() if value is not None})
        return value

    return found


@pytest.mark.parametrize("system", PROVIDERS)
def test_a_token(look: Look, emulator: Emulator, system: str) -> None:
    token = look(system)
    assert token.__class__ is str
    assert look(system) == token
    assert look(system, output="headers") == {"Authorization": f"Bearer {token}"}
    assert emulator.logins(system) == 1


@pytest.mark.parametrize(("system", "principal"), [("rackcorp", "5f0c9d1e-7a34-4b7c-9a55-0e1f2d3c4b5a"), ("netography", "acme/automation"), ("vss", "vsskey1")])
def test_details(look: Look, system: str, principal: str) -> None:
    first, second = look(system, output="details"), look(system, output="details")
    assert set(first) == {"token", "headers", "expires_at", "provider", "principal", "from_cache"}
    assert (first["provider"], first["principal"], first["from_cache"], second["from_cache"]) == (system, principal, False, True)
    assert isinstance(first["expires_at"], int)
    assert first["headers"] == {"Authorization": f"Bearer {first['token']}"}


def test_refresh(look: Look, emulator: Emulator) -> None:
    first = look("vss")
    second = look("vss", refresh=True)
    assert first != second == look("vss")
    assert emulator.logins("vss") == 2


def test_refresh_of_a_run(look: Look, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when what is set for a run costs a login for each task, or when a run is content with the token of an earlier one."""
    old = look("vss")
    for number in range(2):
        (tmp_path / f"run{number}").mkdir()
        monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path / f"run{number}"))
        tokens = {look("vss", variables={"apiauth_refresh": True}) for _task in range(3)}
        assert len(tokens) == 1
        assert old not in tokens
        (old,) = tokens
    assert emulator.logins("vss") == 3
    # A task that has the option itself means itself.
    assert look("vss", variables={"apiauth_refresh": True}, refresh=True) != old


def test_a_supplied_token(look: Look, emulator: Emulator) -> None:
    assert look("vss", token="opaque", username=None, password=None, output="details") == {
        "token": "opaque",
        "headers": {"Authorization": "Bearer opaque"},
        "expires_at": None,
        "provider": "vss",
        "principal": "",
        "from_cache": False,
    }
    assert emulator.log() == []


def test_a_variable_that_is_this_lookup_itself(look: Look) -> None:
    assert look("vss", variables={"vss_token": "{{ lookup('apiauth.tokens.vss_token') }}"}).count(".") == 2


@pytest.mark.parametrize(
    ("terms", "direct", "told"),
    [
        (("x",), {}, "VSS at {host}: this lookup takes no terms; give named options (configuration)"),
        (("x",), {"api_url": None}, "VSS at cloud-api.eis.utoronto.ca: this lookup takes no terms; give named options (configuration)"),
        ((), {"usrname": "Secret-Word"}, "VSS at {host}: there is no option usrname; did you mean username? (configuration)"),
        ((), {"output": "Secret Word!"}, "VSS at {host}: output must be one of token, headers, details"),
        ((), {"password": ["Secret-Word"]}, "VSS at {host}: password must be a string"),
        ((), {"api_url": ["Secret-Word"]}, "VSS: api_url must be a string"),
        ((), {"api_url": "Secret Word!"}, "VSS: api_url must look like https://host/path, and not"),
        (
            (),
            {"password": None},
            "VSS at {host}: missing password to log in; set password as an option, in the variable vss_password or in the environment variable "
            "VSS_USER_PASS or VSS_API_USER_PASS",
        ),
        (
            (),
            {"password": "Secret-Word"},
            "the login was refused (HTTP 401, unauthorized: Please authenticate to get your token.); check username and password",
        ),
        ((), {"api_url": "http://api.example.com"}, "VSS at api.example.com: plain http would send secrets in clear text"),
        ((), {"api_url": "https://127.0.0.1:1"}, "VSS at 127.0.0.1:1: cannot connect to 127.0.0.1:1: Connection refused"),
        ((), {"cache": "redis", "cache_key": None}, "cache redis needs cache_key"),
    ],
)
def test_errors(look: Look, emulator: Emulator, terms: tuple[str, ...], direct: dict[str, Any], told: str) -> None:
    with pytest.raises(AnsibleError) as caught:
        look("vss", *terms, **direct)
    assert told.format(host=urlsplit(emulator.url("vss")).netloc) in str(caught.value)
    assert "Secret-Word" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_proxy_that_repeats_its_password(look: Look, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    seen: set[str] = set()
    monkeypatch.setattr(_core, "register_secrets", seen.update)
    with Server(echoing(502)) as server:
        proxy = f"http://me:pr%40xy-Word-1@127.0.0.1:{server.port}"
        if by == "environment":
            monkeypatch.setenv("http_proxy", proxy)
        with pytest.raises(AnsibleError) as caught:
            look("vss", api_url="http://api.example", allow_http=True, proxy=proxy if by == "option" else None)
    assert "VSS at api.example: the login failed (HTTP 502" in str(caught.value)
    assert "********" in str(caught.value)
    for secret in ("pr@xy-Word-1", "pr%40xy-Word-1", base64.b64encode(b"me:pr@xy-Word-1").decode()):
        assert secret not in str(caught.value)
    assert {"pr@xy-Word-1", "me:pr@xy-Word-1"} <= seen


def test_secrets_are_registered_where_the_core_can(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()
    monkeypatch.setattr(_core, "register_secrets", seen.update)
    _secrets.register("a b/ü", "xyz")
    assert seen == {"a b/ü", "a%20b%2F%C3%BC", "YSBiL8O8", "eHl6"}
    seen.clear()
    # A byte of the environment that is no UTF-8.
    _secrets.register("pass\udcff")
    assert seen == {"pass\udcff", "pass%FF", "cGFzc/8="}
    monkeypatch.setattr(_core, "register_secrets", None)
    _secrets.register("anything")
    assert "anything" not in seen
