# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where options come from, in Ansible's own order, and that what arrives is plain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible import constants
from ansible.errors import AnsibleUndefinedVariable

from ansible_collections.apiauth.tokens.plugins.module_utils._call_module import table
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import AuthError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.option import COMMON, Option, Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.provider import Provider
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.netography import Netography
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.rackcorp import RackCorp
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.vss import Vss
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm import Whm
from ansible_collections.apiauth.tokens.plugins.plugin_utils import _options
from ansible_collections.apiauth.tokens.plugins.plugin_utils._options import Sources, paths, place, resolved

PROVIDERS: tuple[Provider, ...] = (RackCorp(), Whm(), Netography(), Vss())
EVERY = list({one.name + str(one.variable): one for provider in PROVIDERS for one in table(provider)}.values())
CONFIGURED = [one for one in EVERY if one.variable]
# Four values of each type that are told apart, as text.
VALUES = {
    "str": ["one", "two", "three", "four"],
    "path": ["/one", "/two", "/three", "/four"],
    "int": ["1", "2", "3", "4"],
    "float": ["1.5", "2.5", "3.5", "4.5"],
    "bool": ["true", "false", "true", "false"],
}


class Marked(str):
    """As Ansible marks its texts."""

    __slots__ = ()


@pytest.fixture
def ini(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    """Write an `ansible.cfg` of this test's own."""
    path = tmp_path / "ansible.cfg"
    monkeypatch.setattr(constants, "CONFIG_FILE", str(path))
    _options._ini.cache_clear()

    def write(text: str) -> Path:
        path.write_text(text, encoding="utf-8")
        _options._ini.cache_clear()
        return path

    yield write
    _options._ini.cache_clear()


def template(value: Any) -> Any:
    return value


def found(one: Option, direct: Any = None, variable: Any = None, environ: dict[str, str] | None = None) -> Any:
    given = {} if direct is None else {one.name: direct}
    variables = {} if variable is None else {one.variable: variable}
    return resolved((one,), given, variables, template, environ or {})[one.name]


def texts(one: Option) -> list[str]:
    """Four values, those of choices as far as there are any."""
    return [one.choices[number % len(one.choices)] for number in range(4)] if one.choices else VALUES[one.type]


@pytest.mark.parametrize("one", CONFIGURED, ids=lambda one: one.variable)
def test_each_option_comes_from_each_place_in_order(one: Option, ini: Callable[[str], Path]) -> None:
    from ansible_collections.apiauth.tokens.plugins.module_utils.auth.convert import convert

    values = [convert(one, text) for text in texts(one)]
    ini(f"[apiauth]\n{one.variable} = {texts(one)[3]}\n")
    environ = {one.env[0]: texts(one)[2]}
    assert found(one, texts(one)[0], texts(one)[1], environ) == values[0]
    assert found(one, None, texts(one)[1], environ) == values[1]
    assert found(one, None, None, environ) == values[2]
    secret = one.secret and not one.ini
    assert found(one) == (one.default if secret else values[3])
    ini("")
    assert found(one) == one.default


@pytest.mark.parametrize("one", [one for one in CONFIGURED if len(one.env) > 1], ids=lambda one: one.variable)
def test_other_names_in_the_environment(one: Option, ini: Callable[[str], Path]) -> None:
    first, second = one.env[:2]
    assert found(one, environ={second: "two"}) == "two"
    assert found(one, environ={second: "two", first: "one"}) == "one"
    assert found(one, environ={second: "two", first: ""}) == "two"


def test_names_in_the_environment() -> None:
    names = {one.variable: one.env for provider in PROVIDERS for one in provider.options}
    assert names["rackcorp_api_uuid"] == ("RACKCORP_API_UUID", "RACKCORP_APIUUID")
    assert names["rackcorp_api_secret"] == ("RACKCORP_API_SECRET", "RACKCORP_APISECRET")
    assert names["rackcorp_token"] == ("RACKCORP_TOKEN",)
    assert names["rackcorp_session_id"] == ("RACKCORP_SESSION_ID",)
    assert names["whm_token"] == ("WHM_API_TOKEN",)
    assert names["whm_host"] == ("WHM_HOST",)
    assert names["whm_password"] == ("WHM_PASSWORD",)
    assert names["netography_netosecret"] == ("NETOSECRET",)
    assert names["vss_username"] == ("VSS_USER", "VSS_API_USER")
    assert names["vss_password"] == ("VSS_USER_PASS", "VSS_API_USER_PASS")
    assert names["vss_otp"] == ("VSS_USER_OTP", "VSS_API_USER_OTP")
    assert names["vss_token"] == ("VSS_TOKEN", "VSS_API_TOKEN")
    assert names["vss_api_url"] == ("VSS_API_URL", "VSS_ENDPOINT")
    assert all(names[f"{provider.name}_api_url"][0] == f"{provider.name.upper()}_API_URL" for provider in PROVIDERS)


def test_secrets_are_not_read_from_the_ini_file(ini: Callable[[str], Path]) -> None:
    ini("[apiauth]\nrackcorp_api_secret = word\nrackcorp_username = me\napiauth_cache_key = word\napiauth_proxy = http://p:1\n")
    options = resolved((*RackCorp.options, *COMMON), {}, {}, template, {})
    assert (options["api_secret"], options["cache_key"], options["username"], options["proxy"]) == (None, None, "me", "http://p:1")


def test_empty_is_not_given(ini: Callable[[str], Path]) -> None:
    ini("[apiauth]\nvss_username = ini\n")
    one = next(one for one in Vss.options if one.name == "username")
    assert found(one, "", "", {"VSS_USER": ""}) == "ini"
    assert found(one, "", "variable") == "variable"
    ini("[apiauth]\nvss_username =\n")
    assert found(one) is None
    refresh = next(one for one in COMMON if one.name == "refresh")
    assert found(refresh, False, True) is False


def test_a_path_in_the_ini_file_is_relative_to_it(ini: Callable[[str], Path]) -> None:
    one = next(one for one in COMMON if one.name == "ca_path")
    path = ini("[apiauth]\napiauth_ca_path = certs/ca.pem\n")
    assert found(one) == str(path.parent / "certs" / "ca.pem")
    ini("[apiauth]\napiauth_ca_path = /etc/ca.pem\n")
    assert found(one) == "/etc/ca.pem"


def test_paths_for_another_host(ini: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """As they are written: the home directory and the variables of this machine are none of that host's."""
    monkeypatch.setenv("CERTS", "/here")
    path = ini("[apiauth]\napiauth_ca_path = certs/ca.pem\napiauth_client_key = ~/key.pem\n")
    sources = Sources({}, {"apiauth_client_cert": Marked("{{ certs }}/cert.pem")}, lambda text: Marked(text.replace("{{ certs }}", "$CERTS")), {})
    found = paths(COMMON, sources)
    assert found == {"ca_path": str(path.parent / "certs" / "ca.pem"), "client_cert": "$CERTS/cert.pem", "client_key": "~/key.pem"}
    assert {type(one) for one in found.values()} == {str}
    assert resolved(COMMON, *sources)["client_cert"] == "/here/cert.pem"
    assert paths(COMMON, Sources({"ca_path": "~/ca.pem"}, {}, template, {"APIAUTH_CLIENT_CERT": "~/c.pem"}))["ca_path"] == "~/ca.pem"


@pytest.mark.parametrize("text", ["[apiauth\nbroken", "", "[defaults]\nforks = 5\n", "apiauth_retries = 7\n"])
def test_an_ini_file_without_us(ini: Callable[[str], Path], text: str) -> None:
    ini(text)
    assert resolved(COMMON, {}, {}, template, {})["retries"] == 3


def test_no_ini_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for path in (None, str(tmp_path / "none.cfg")):
        monkeypatch.setattr(constants, "CONFIG_FILE", path)
        _options._ini.cache_clear()
        assert resolved(COMMON, {}, {}, template, {})["retries"] == 3
    _options._ini.cache_clear()


def test_values_of_the_ini_file_are_taken_as_they_are(ini: Callable[[str], Path]) -> None:
    ini("[apiauth]\nvss_username = 100%(x)s%  ; a comment\nAPIAUTH_RETRIES = 7\n")
    assert resolved((*Vss.options, *COMMON), {}, {}, template, {})["username"] == "100%(x)s%"
    assert resolved(COMMON, {}, {}, template, {})["retries"] == 7


def test_an_option_that_does_not_exist() -> None:
    with pytest.raises(AuthError) as caught:
        resolved((Option("username"), Option("password", secret=True)), {"usrname": "Secret-Word", "frob": 1}, {}, template, {})
    assert caught.value.kind == "configuration"
    assert str(caught.value) == "there is no option frob, usrname; the options are password, username"


@pytest.mark.parametrize(
    ("direct", "variables", "environ", "told"),
    [
        ({"retries": "Secret-Word"}, {}, {}, "retries must be a whole number of zero or more"),
        ({}, {"apiauth_retries": ["Secret-Word"]}, {}, "retries must be a whole number of zero or more (it comes from the variable apiauth_retries)"),
        ({}, {}, {"APIAUTH_RETRIES": "Secret-Word"}, "retries must be a whole number of zero or more (it comes from APIAUTH_RETRIES in the environment)"),
        ({}, {}, {"APIAUTH_CACHE": "Secret-Word"}, "cache must be one of file, redis, none (it comes from APIAUTH_CACHE in the environment)"),
        ({"cache_key": ["Secret-Word"]}, {}, {}, "cache_key must be a string"),
        ({"timeout": 0}, {}, {}, "timeout must be a number above zero"),
    ],
)
def test_errors_say_where_and_quote_nothing(direct: dict[str, Any], variables: dict[str, Any], environ: dict[str, str], told: str) -> None:
    with pytest.raises(AuthError) as caught:
        resolved(COMMON, direct, variables, template, environ)
    assert (caught.value.kind, str(caught.value)) == ("configuration", told)


def test_an_error_names_the_ini_file(ini: Callable[[str], Path]) -> None:
    path = ini("[apiauth]\napiauth_retries = Secret-Word\n")
    with pytest.raises(AuthError) as caught:
        resolved(COMMON, {}, {}, template, {})
    assert str(caught.value) == f"retries must be a whole number of zero or more (it comes from apiauth_retries in {path})"


def test_zero_is_a_number_of_retries_and_of_seconds_to_wait() -> None:
    options = resolved(COMMON, {"retries": 0, "max_wait": "0"}, {}, template, {})
    assert (options["retries"], options["max_wait"]) == (0, 0.0)


def test_variables_are_templated() -> None:
    seen: list[Any] = []

    def templated(value: Any) -> Any:
        seen.append(value)
        return Marked(str(value).replace("{{ word }}", "templated"))

    options = resolved(Vss.options, {}, {"vss_username": "{{ word }}", "vss_password": "x {{ word }}", "other": "{{ none }}"}, templated, {})
    assert (options["username"], options["password"]) == ("templated", "x templated")
    assert {type(value) for value in options.values() if value is not None} == {str}
    assert sorted(seen) == ["x {{ word }}", "{{ word }}"]


def test_variables_that_are_not_wanted_are_not_templated() -> None:
    def never(_value: Any) -> Any:
        raise AssertionError

    options = resolved(Vss.options, {"username": "direct"}, {"vss_username": "{{ undefined }}"}, never, {})
    assert options["username"] == "direct"


def test_a_variable_that_is_undefined() -> None:
    def undefined(_value: Any) -> Any:
        raise AnsibleUndefinedVariable("'Secret-Word' is undefined in {{ Secret-Word }}")

    with pytest.raises(AuthError) as caught:
        resolved(Vss.options, {}, {"vss_password": "{{ Secret-Word }}"}, undefined, {"VSS_USER_PASS": "other"})
    assert caught.value.kind == "configuration"
    assert str(caught.value) == "the variable vss_password is undefined or cannot be templated; look at what it refers to"
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("provider", "direct", "variables", "environ", "told"),
    [
        (Vss(), {}, {}, {}, "VSS at cloud-api.eis.utoronto.ca"),
        (Vss(), {"api_url": "https://one/x"}, {"vss_api_url": "https://two"}, {}, "VSS at one"),
        (Vss(), {"nonsense": 1}, {"vss_api_url": "https://two", "vss_username": "{{ broken }}"}, {}, "VSS at two"),
        (Vss(), {}, {}, {"VSS_ENDPOINT": "https://three:1"}, "VSS at three:1"),
        # Not the default address, which is not the one that was meant.
        (Vss(), {}, {"vss_api_url": "{{ broken }}"}, {}, "VSS"),
        (Vss(), {"api_url": {"a": 1}}, {}, {}, "VSS"),
        (Whm(), {}, {}, {}, "WHM"),
        (Whm(), {"host": "h"}, {}, {}, "WHM at h:2087"),
        (Whm(), {"host": "h", "port": "none"}, {"whm_password": "{{ broken }}"}, {}, "WHM at h:2087"),
        (Whm(), {"host": ["h"]}, {}, {"WHM_PORT": "1"}, "WHM"),
        (Whm(), {"api_url": "https://one:1"}, {"whm_host": "{{ broken }}"}, {}, "WHM at one:1"),
    ],
)  # fmt: skip
def test_the_place_of_an_error(provider: Provider, direct: dict[str, Any], variables: dict[str, Any], environ: dict[str, str], told: str) -> None:
    def broken(value: Any) -> Any:
        if "broken" in value:
            raise AnsibleUndefinedVariable("no")
        return value

    assert place(provider, Sources(direct, variables, broken, environ)) == told


STRANGE = ("half \ud800", "\udfff", "end \0", "9" * 5000, 10**400, 10**5000, 1e11, float("nan"), True, [10**5000], ["\ud800"], {"a": 10**400})


@pytest.mark.parametrize("one", EVERY, ids=lambda one: str(one.variable or one.name))
def test_strange_values(one: Option) -> None:
    """Each is taken, or refused in this collection's words; what was taken has bytes."""
    refused: list[AuthError] = []
    for value in STRANGE:
        try:
            taken = found(one, value)
        except AuthError as failure:
            refused.append(failure)
        else:
            assert one.type not in ("str", "path") or taken.encode("utf-8", "surrogateescape")
    assert {failure.kind for failure in refused} <= {"configuration"}
    assert [str(failure) for failure in refused if not str(failure).startswith(f"{one.name} ")] == []


def test_nested_arguments_become_plain() -> None:
    direct = {"cmd": Marked("device.get"), "params": {Marked("a"): [Marked("b"), {"c": Marked("d")}]}}
    options = resolved(table(RackCorp()), direct, {}, template, {})
    assert options["cmd"].__class__ is str
    ((name, (first, second)),) = options["params"].items()
    assert {type(one) for one in (name, first, second["c"])} == {str}
    assert isinstance(options, Options)


@pytest.mark.parametrize("value", ["https://evil.example", False, 8080])
def test_what_a_host_reported_is_refused(value: Any) -> None:
    """Facts become variables by themselves; used, they would steer where a credential goes."""
    variables = {"vss_api_url": value, "ansible_facts": {"vss_api_url": value}}
    with pytest.raises(AuthError, match="vss_api_url is a fact that the managed host reported") as caught:
        _options.resolved(Vss.options, {}, variables, lambda text: text, {})
    assert caught.value.kind == "configuration"


def test_a_variable_that_beats_a_fact_is_used() -> None:
    """The host reported something else, or what is used before the variable anyway."""
    variables = {"vss_api_url": "https://mine.example", "ansible_facts": {"vss_api_url": "https://evil.example"}}
    assert _options.resolved(Vss.options, {}, variables, lambda text: text, {})["api_url"] == "https://mine.example"
