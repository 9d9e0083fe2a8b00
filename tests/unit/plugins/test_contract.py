# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users have written into playbooks, environments and `ansible.cfg`: names and defaults, as literal values that no table of the code gives."""

from __future__ import annotations

import configparser
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants

from ansible_collections.apiauth.tokens.plugins.module_utils import _whm_module
from ansible_collections.apiauth.tokens.plugins.module_utils._cache_module import CACHE_OPTIONS, SYSTEM_OPTIONS
from ansible_collections.apiauth.tokens.plugins.module_utils._call_module import option_table
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import COMMON, ConnectionSettings, Option, Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.base import Provider
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.netography import Netography
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.rackcorp import RackCorp
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.vss import Vss
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.api import Whm
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.manage import INFO, MANAGE
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.mint import WhmMint
from ansible_collections.apiauth.tokens.plugins.plugin_utils import _registry
from ansible_collections.apiauth.tokens.plugins.plugin_utils._lookup import OUTPUT
from ansible_collections.apiauth.tokens.plugins.plugin_utils._option_sources import OptionSources

# By variable: what it is without any source, two values as text and as they are used, its names in the environment, and whether it is a secret.
Row = tuple[Any, tuple[str, str], tuple[Any, Any], tuple[str, ...], bool]
TEXT, TEXTS = ("one", "two"), ("one", "two")
YES, BOOLS = ("yes", "no"), (True, False)


def text(*names: str, default: str | None = None, secret: bool = False) -> Row:
    return default, TEXT, TEXTS, names, secret


COMMON_ROWS: dict[str, Row] = {
    "apiauth_validate_certs": (True, YES, BOOLS, ("APIAUTH_VALIDATE_CERTS",), False),
    "apiauth_ca_path": (None, ("/a", "/b"), ("/a", "/b"), ("APIAUTH_CA_PATH",), False),
    "apiauth_client_cert": (None, ("/a", "/b"), ("/a", "/b"), ("APIAUTH_CLIENT_CERT",), False),
    "apiauth_client_key": (None, ("/a", "/b"), ("/a", "/b"), ("APIAUTH_CLIENT_KEY",), False),
    "apiauth_proxy": text("APIAUTH_PROXY"),
    "apiauth_timeout": (None, ("1.5", "2"), (1.5, 2.0), ("APIAUTH_TIMEOUT",), False),
    "apiauth_retries": (3, ("1", "2"), (1, 2), ("APIAUTH_RETRIES",), False),
    "apiauth_max_wait": (60.0, ("1.5", "2"), (1.5, 2.0), ("APIAUTH_MAX_WAIT",), False),
    "apiauth_allow_http": (False, YES, BOOLS, ("APIAUTH_ALLOW_HTTP",), False),
    "apiauth_cache": ("file", ("redis", "none"), ("redis", "none"), ("APIAUTH_CACHE",), False),
    "apiauth_cache_dir": (None, ("/a", "/b"), ("/a", "/b"), ("APIAUTH_CACHE_DIR",), False),
    "apiauth_cache_key": text("APIAUTH_CACHE_KEY", secret=True),
    "apiauth_cache_redis_url": text("APIAUTH_CACHE_REDIS_URL", secret=True),
    "apiauth_refresh": (False, YES, BOOLS, ("APIAUTH_REFRESH",), False),
}
RACKCORP_ROWS: dict[str, Row] = {
    "rackcorp_api_url": text("RACKCORP_API_URL"),
    "rackcorp_api_uuid": text("RACKCORP_API_UUID", "RACKCORP_APIUUID"),
    "rackcorp_api_secret": text("RACKCORP_API_SECRET", "RACKCORP_APISECRET", secret=True),
    "rackcorp_username": text("RACKCORP_USERNAME"),
    "rackcorp_password": text("RACKCORP_PASSWORD", secret=True),
    "rackcorp_otp": text("RACKCORP_OTP", secret=True),
    "rackcorp_totp_secret": text("RACKCORP_TOTP_SECRET", secret=True),
    "rackcorp_token": text("RACKCORP_TOKEN", secret=True),
    "rackcorp_session_id": text("RACKCORP_SESSION_ID", secret=True),
    "rackcorp_login": ("auto", ("api_key", "password"), ("api_key", "password"), ("RACKCORP_LOGIN",), False),
    "rackcorp_jwt_request_method": ("GET", ("POST", "GET"), ("POST", "GET"), ("RACKCORP_JWT_REQUEST_METHOD",), False),
}
WHM_ROWS: dict[str, Row] = {
    "whm_host": text("WHM_HOST"),
    "whm_port": (2087, ("1", "2"), (1, 2), ("WHM_PORT",), False),
    "whm_api_url": text("WHM_API_URL"),
    "whm_username": text("WHM_USERNAME", default="root"),
    "whm_token": text("WHM_API_TOKEN", secret=True),
    "whm_password": text("WHM_PASSWORD", secret=True),
}
NETOGRAPHY_ROWS: dict[str, Row] = {
    "netography_api_url": text("NETOGRAPHY_API_URL"),
    "netography_netosecret": text("NETOSECRET", secret=True),
    "netography_appname": text("NETOGRAPHY_APPNAME"),
    "netography_appkey": text("NETOGRAPHY_APPKEY", secret=True),
    "netography_shortname": text("NETOGRAPHY_SHORTNAME"),
    "netography_shared_secret": text("NETOGRAPHY_SHARED_SECRET", secret=True),
    "netography_token": text("NETOGRAPHY_TOKEN", secret=True),
}
VSS_ROWS: dict[str, Row] = {
    "vss_api_url": text("VSS_API_URL", "VSS_ENDPOINT"),
    "vss_username": text("VSS_USER", "VSS_API_USER"),
    "vss_password": text("VSS_USER_PASS", "VSS_API_USER_PASS", secret=True),
    "vss_otp": text("VSS_USER_OTP", "VSS_API_USER_OTP", secret=True),
    "vss_totp_secret": text("VSS_TOTP_SECRET", secret=True),
    "vss_token": text("VSS_TOKEN", "VSS_API_TOKEN", secret=True),
}
GROUPS: list[tuple[tuple[Option, ...], str, dict[str, Row]]] = [
    (COMMON, "apiauth_", COMMON_ROWS),
    (RackCorp.options, "rackcorp_", RACKCORP_ROWS),
    (Whm.options, "whm_", WHM_ROWS),
    (Netography.options, "netography_", NETOGRAPHY_ROWS),
    (Vss.options, "vss_", VSS_ROWS),
]
EVERY = [pytest.param(options, prefix, variable, row, id=variable) for options, prefix, rows in GROUPS for variable, row in rows.items()]


@pytest.fixture(autouse=True)
def ini(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Write an `ansible.cfg`; without it there is none."""
    path = str(tmp_path / "ansible.cfg")
    monkeypatch.setattr(constants, "CONFIG_FILE", path)

    def write(content: str) -> None:
        parser = configparser.ConfigParser(inline_comment_prefixes=(";",))
        parser.read_string(content)
        monkeypatch.setitem(constants.config._parsers, path, parser)

    return write


def resolve(options: tuple[Option, ...], arguments: Mapping[str, Any], variables: Mapping[str, Any], environ: Mapping[str, str]) -> Options:
    templar = SimpleNamespace(template=lambda value: value)
    return OptionSources(arguments, variables, templar, environ).resolve(options)


def of(options: tuple[Option, ...], direct: Mapping[str, Any] | None = None, variables: Mapping[str, Any] | None = None, **environ: str) -> Options:
    return resolve(options, direct or {}, variables or {}, environ)


def in_environment(options: tuple[Option, ...], name: str, value: str, **variables: str) -> Options:
    return resolve(options, {}, variables, {name: value})


@pytest.mark.parametrize(("options", "prefix", "rows"), GROUPS, ids=[prefix for _options, prefix, _rows in GROUPS])
def test_the_options_and_their_defaults(options: tuple[Option, ...], prefix: str, rows: dict[str, Row]) -> None:
    assert of(options) == {variable[len(prefix) :]: row[0] for variable, row in rows.items()}


@pytest.mark.parametrize(("options", "prefix", "variable", "row"), EVERY)
def test_where_an_option_is_read_from(options: tuple[Option, ...], prefix: str, variable: str, row: Row, ini: Callable[[str], None]) -> None:
    default, (first, second), (one, two), names, secret = row
    name = variable[len(prefix) :]
    assert of(options, {name: first}, {variable: second})[name] == one
    for environment in names:
        assert in_environment(options, environment, second, **{variable: first})[name] == one
        assert in_environment(options, environment, second)[name] == two
    ini(f"[apiauth]\n{variable} = {first}\n")
    assert of(options)[name] == (default if secret else one)
    for environment in names:
        assert in_environment(options, environment, second)[name] == two


def test_the_first_name_in_the_environment_wins() -> None:
    assert of(RackCorp.options, RACKCORP_APIUUID="two", RACKCORP_API_UUID="one")["api_uuid"] == "one"
    assert of(RackCorp.options, RACKCORP_APISECRET="two", RACKCORP_API_SECRET="one")["api_secret"] == "one"
    assert of(Vss.options, VSS_ENDPOINT="two", VSS_API_URL="one")["api_url"] == "one"
    assert of(Vss.options, VSS_API_USER="two", VSS_USER="one")["username"] == "one"
    assert of(Vss.options, VSS_API_USER_PASS="two", VSS_USER_PASS="one")["password"] == "one"
    assert of(Vss.options, VSS_API_USER_OTP="two", VSS_USER_OTP="one")["otp"] == "one"
    assert of(Vss.options, VSS_API_TOKEN="two", VSS_TOKEN="one")["token"] == "one"


def test_secrets() -> None:
    """What is hidden: the tables' secrets, and a proxy, which may carry a password but may stand in `ansible.cfg`."""
    hidden = {one.variable for options, _prefix, _rows in GROUPS for one in options if one.secret}
    assert hidden == {variable for _options, _prefix, rows in GROUPS for variable, row in rows.items() if row[4]} | {"apiauth_proxy"}


CHOICES = {
    "apiauth_cache": {"file", "redis", "none"},
    "rackcorp_login": {"auto", "api_key", "password"},
    "rackcorp_jwt_request_method": {"GET", "POST"},
    "rackcorp_auth": {"bearer", "cookie", "basic", "body", "session"},
}


def test_choices() -> None:
    known = {one.variable: set(one.choices) for options in (COMMON, RackCorp.options, RackCorp.module_options) for one in options if one.choices}
    assert known == CHOICES
    assert (OUTPUT.name, OUTPUT.default, OUTPUT.choices) == ("output", "token", ("token", "headers", "details"))
    assert {name: of(RackCorp.module_options, RACKCORP_AUTH=name)["auth"] for name in CHOICES["rackcorp_auth"]} == {
        name: name for name in CHOICES["rackcorp_auth"]
    }
    assert of(RackCorp.module_options) == {"auth": "bearer"}


@pytest.mark.parametrize(
    ("provider", "name", "title", "timeout", "url"),
    [
        (RackCorp, "rackcorp", "RackCorp", 30.0, "https://api.rackcorp.net/api/rest/v2.9"),
        (Netography, "netography", "Netography", 30.0, "https://api.netography.com/api/v1"),
        (Vss, "vss", "VSS", 30.0, "https://cloud-api.eis.utoronto.ca"),
        (Whm, "whm", "WHM", 120.0, None),
        (WhmMint, "whm", "WHM", 120.0, None),
    ],
)
def test_systems(provider: type[Provider], name: str, title: str, timeout: float, url: str | None) -> None:
    options = of((*provider.options, *COMMON))
    assert (provider.name, provider.title) == (name, title)
    settings = ConnectionSettings.from_options(options, provider.timeout)
    assert (settings.timeout, settings.retries, settings.max_wait) == (timeout, 3, 60.0)
    assert ConnectionSettings.from_options({**options, "timeout": 7.0}, provider.timeout).timeout == 7.0

    def base_url(**given: Any) -> str:
        return provider(Options({**options, **given})).base_url

    if url is None:
        with pytest.raises(ApiError, match="missing host"):
            base_url()
        assert base_url(host="whm1.example.com") == "https://whm1.example.com:2087"
        assert base_url(host="whm1.example.com", port=8443) == "https://whm1.example.com:8443"
        assert base_url(host="h", api_url="https://other/x/") == "https://other/x"
    else:
        assert base_url() == url
        assert base_url(api_url="https://other/x/") == "https://other/x"


CALLS = {"mutates": "auto", "all_pages": False, "calls": None, "concurrency": 4, "as_text": False, "dest": None, "mode": None}
PATH_CALL = {"path": None, "method": "GET", "query": None, "body": None}


@pytest.mark.parametrize(
    ("options", "defaults"),
    [
        (option_table(RackCorp), {"cmd": None, "params": None, "auth": "bearer", **PATH_CALL, **CALLS}),
        (option_table(Whm), {"function": None, "params": None, "method": "POST", "uapi": None, **CALLS}),
        (option_table(Netography), {**PATH_CALL, **CALLS}),
        (option_table(Vss), {"wait": False, "wait_timeout": 3600.0, **PATH_CALL, **CALLS}),
        (WhmMint.options, {"acls": None, "all_privileges": False, "ttl": 3600, "whitelist_ips": None, "name_prefix": "apiauth"}),
        (_whm_module.option_table(INFO), {"names": None}),
        (
            _whm_module.option_table(MANAGE),
            {
                "name": None, "names": None, "state": "present", "acls": None, "all_privileges": False, "expires_at": None, "whitelist_ips": None,
                "new_name": None, "expired": False, "force": False, "dest": None, "mode": None,
            },
        ),
        (CACHE_OPTIONS, {"state": "absent", "provider": None, "expired_only": False, "revoke": False}),
    ],
    ids=["rackcorp_api", "whm_api", "netography_api", "vss_api", "whm_token", "whm_api_token_info", "whm_api_token", "token_cache"],
)  # fmt: skip
def test_arguments_and_their_defaults(options: tuple[Option, ...], defaults: dict[str, Any]) -> None:
    """Beside the options that have variables, of the system and in common. These are arguments alone, but for `auth`."""
    own = tuple(one for one in options if not one.variable or one.name == "auth")
    assert of(own) == defaults
    anywhere = {one.variable for one in options if one.variable} - {"rackcorp_auth"}
    assert not anywhere or anywhere in [set(rows) | extra for _options, _prefix, rows in GROUPS for extra in (set(), set(COMMON_ROWS))]


def test_token_cache_takes_the_options_of_the_systems_that_revoke() -> None:
    """The table of a module is written out, because a module on another host cannot look for providers."""
    systems = _registry.systems()
    expected = {option.name: (option.type, option.secret) for name in _registry.revoking() for option in systems[name].options}
    assert {option.name: (option.type, option.secret) for option in SYSTEM_OPTIONS} == expected
