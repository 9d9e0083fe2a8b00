# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that stand for the same thing: the nearest source decides; and what a managed host reports decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible.errors import AnsibleUndefinedVariable
from ansible.utils.unsafe_proxy import wrap_var
from engine.trust import written

from ansible_collections.apiauth.tokens.plugins.module_utils._call_module import option_table
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.base import Provider
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.netography import Netography
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.rackcorp import RackCorp
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.vss import Vss
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.api import Whm
from ansible_collections.apiauth.tokens.plugins.plugin_utils._option_sources import OptionSources


class Templar:
    """Replaces `{{ name }}` by the variable of this name."""

    def __init__(self, variables: dict[str, Any]) -> None:
        self.available_variables = variables

    def template(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("{{"):
            name = value.strip("{} ")
            if name not in self.available_variables:
                raise AnsibleUndefinedVariable(f"{name} is undefined")
            return self.template(self.available_variables[name])
        return value

    def copy_with_new_env(self, available_variables: dict[str, Any]) -> Templar:
        return type(self)(available_variables)


def resolve(provider: type[Provider], arguments: Any = None, variables: Any = None, environ: Any = None) -> Options:
    """Resolve all options of a call module."""
    sources = OptionSources(arguments or {}, variables or {}, Templar(variables or {}), environ or {})
    return sources.resolve(option_table(provider), provider)


@pytest.mark.parametrize(
    ("provider", "arguments", "variables", "environ", "expected"),
    [
        (Whm, {"host": "whm2"}, {}, {"WHM_API_URL": "https://whm1:1"}, {"host": "whm2", "api_url": None, "port": 2087}),
        (Whm, {"host": "whm2"}, {}, {"WHM_HOST": "whm1", "WHM_PORT": "1"}, {"host": "whm2", "port": 2087}),
        (Whm, {"host": "whm2"}, {"whm_port": 12087}, {}, {"host": "whm2", "port": 12087}),
        (Whm, {}, {"whm_api_url": "https://whm2"}, {"WHM_HOST": "whm1"}, {"api_url": "https://whm2", "host": None}),
        (Whm, {"password": "p"}, {}, {"WHM_API_TOKEN": "T", "WHM_USERNAME": "reseller"}, {"password": "p", "token": None, "username": "reseller"}),
        (Whm, {"username": "reseller"}, {}, {"WHM_USERNAME": "root", "WHM_PASSWORD": "p"}, {"username": "reseller", "password": None}),
        (RackCorp, {"username": "u", "password": "p"}, {}, {"RACKCORP_API_UUID": "i", "RACKCORP_API_SECRET": "s"}, {"api_uuid": None, "api_secret": None}),
        (RackCorp, {"api_uuid": "i", "api_secret": "s"}, {}, {"RACKCORP_TOKEN": "T"}, {"token": None, "api_uuid": "i"}),
        (RackCorp, {}, {"rackcorp_api_uuid": "i"}, {"RACKCORP_API_SECRET": "s"}, {"api_uuid": "i", "api_secret": "s"}),
        (RackCorp, {"login": "password"}, {}, {"RACKCORP_API_SECRET": "s", "RACKCORP_PASSWORD": "p"}, {"api_secret": None, "password": "p"}),
        (RackCorp, {"auth": "basic"}, {}, {"RACKCORP_API_SECRET": "s", "RACKCORP_TOKEN": "T"}, {"api_secret": "s", "token": None}),
        (Vss, {"username": "u", "password": "p"}, {"vss_token": "T"}, {"VSS_TOKEN": "T"}, {"token": None}),
        (Vss, {"token": ""}, {"vss_token": "T"}, {"VSS_USER": "u", "VSS_USER_PASS": "p"}, {"token": None, "username": "u", "password": "p"}),
        (Vss, {"token": "A"}, {"vss_username": "{{ undefined }}"}, {}, {"token": "A", "username": None}),
        (Netography, {"netosecret": "e30="}, {}, {"NETOGRAPHY_TOKEN": "T"}, {"netosecret": "e30=", "token": None}),
        (Netography, {"netosecret": "e30=", "appname": "a"}, {}, {}, {"netosecret": "e30=", "appname": "a"}),
    ],
)
def test_the_nearest_source_decides(provider: type[Provider], arguments: Any, variables: Any, environ: Any, expected: dict[str, Any]) -> None:
    """Fails when each option is resolved by itself."""
    values = resolve(provider, arguments, variables, environ)
    assert {name: values[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("provider", "arguments", "environ", "names"),
    [
        (Whm, {"token": "T", "password": "p"}, {}, "password and token"),
        (Whm, {"api_url": "https://h", "host": "h"}, {}, "api_url and host"),
        (Whm, {}, {"WHM_API_TOKEN": "T", "WHM_PASSWORD": "p"}, "password and token"),
        (Vss, {"token": "T", "username": "u"}, {}, "token and username"),
        (RackCorp, {"token": "T", "api_secret": "s"}, {}, "api_secret and token"),
    ],
)
def test_one_source_must_not_give_two(provider: type[Provider], arguments: Any, environ: Any, names: str) -> None:
    with pytest.raises(ApiError, match=f"{names} exclude each other") as caught:
        resolve(provider, arguments, environ=environ)
    assert caught.value.kind == "configuration"


def test_a_value_that_is_ignored_is_not_called_missing_without_a_reason() -> None:
    """The variables describe another account than the password of the task."""
    variables = {"vss_username": "ada", "vss_password": "hers"}
    values = resolve(Vss, {"password": "his", "api_url": "https://vss.example"}, variables)
    with pytest.raises(ApiError) as caught:
        Vss(values).identify()
    reason = "the variable vss_username is not used, because the variable vss_password differs from the nearer one"
    assert str(caught.value) == f"missing username to log in; {reason}; username and password belong together, so give both in the same place"


@pytest.mark.parametrize("value", ["https://evil.example", False, 8080, "{{ other }}"])
def test_what_a_host_reported_is_refused(value: Any) -> None:
    """Facts become variables by themselves; used, they would steer where a credential goes."""
    value = wrap_var(value)  # as core marks what a host reports
    variables = {"vss_api_url": value, "other": "x", "ansible_facts": {"vss_api_url": value}}
    with pytest.raises(ApiError, match="the variable vss_api_url is a fact that the managed host reported") as caught:
        resolve(Vss, variables=variables)
    assert caught.value.kind == "configuration"


def test_a_variable_must_not_lead_to_what_a_host_reported() -> None:
    """The host shadows a variable of the inventory that the option's own variable names."""
    reported = wrap_var("https://evil.example")
    variables = {"vss_api_url": "{{ vss_base }}", "vss_base": reported, "ansible_facts": {"vss_base": reported}}
    with pytest.raises(ApiError, match="the variable vss_api_url refers to vss_base, which the managed host reported as a fact"):
        resolve(Vss, variables=variables)


def test_what_the_author_wrote_is_used() -> None:
    """A variable that beats the fact, and a fact that the author names as such."""
    variables: dict[str, Any] = {"vss_api_url": written("https://mine.example"), "ansible_facts": {"vss_api_url": "https://evil.example"}}
    assert resolve(Vss, variables=variables)["api_url"] == "https://mine.example"
    variables = {"vss_api_url": "{{ ansible_fqdn }}", "ansible_fqdn": "https://fact.example", "ansible_facts": {"fqdn": "https://fact.example"}}
    assert resolve(Vss, variables=variables)["api_url"] == "https://fact.example"


@pytest.mark.parametrize(
    "value",
    [
        "{{ base | default('https://other.example') }}",
        "{{ vars.base }}",
        "{{ vars['base'] }}",
        "{% if true %}{{ base }}{% endif %}",
        "{{ chain }}",
        "{{ many[0] }}",
    ],
)
def test_the_names_behind_a_template(value: str) -> None:
    """What a template gives without the facts and with them differs, so it refers to one of them."""
    variables = {"vss_api_url": value, "chain": "{{ base }}", "many": ["{{ base }}"], "base": wrap_var("x"), "ansible_facts": {"base": wrap_var("x")}}

    class WithAndWithout(Templar):
        def template(self, value: Any) -> Any:
            return "https://with.example" if "base" in self.available_variables else "https://without.example"

    sources = OptionSources({}, variables, WithAndWithout(variables), {})
    with pytest.raises(ApiError, match="the variable vss_api_url refers to base, which the managed host reported as a fact"):
        sources.resolve(option_table(Vss), Vss)


@pytest.mark.parametrize("value", ["https://base.example/{{ own }}", "{{ ansible_facts.base }}", "{{ ansible_facts['sub'].base }}"])
def test_words_that_are_no_variables(value: str) -> None:
    """A word in the text around an expression, and a fact that is named as such."""
    variables = {"vss_api_url": value, "own": "x", "base": wrap_var("x"), "ansible_facts": {"base": wrap_var("x"), "sub": {"base": "x"}}}

    class Constant(Templar):
        def template(self, value: Any) -> Any:
            return "https://mine.example" if "base" not in self.available_variables else "https://other.example"

    assert OptionSources({}, variables, Constant(variables), {}).resolve(option_table(Vss), Vss)["api_url"] == "https://mine.example"


class LookingUp(Templar):
    """A templar whose lookup asks for the same option once more, as a token variable that is defined by the system's own lookup does."""

    def __init__(self, variables: dict[str, Any], look: Callable[[LookingUp], str]) -> None:
        super().__init__(variables)
        self._look = look

    def template(self, value: Any) -> Any:
        return self._look(self) if value == "{{ minted }}" else super().template(value)

    def copy_with_new_env(self, available_variables: dict[str, Any]) -> LookingUp:
        return LookingUp(available_variables, self._look)


@pytest.mark.parametrize(("is_lookup", "token"), [(False, "minted-with-p"), (True, None)])
def test_a_token_variable_that_leads_to_the_systems_own_lookup(is_lookup: bool, token: str | None) -> None:
    """The task gets the token; the lookup itself does not, for it would ask itself without end."""
    variables = {"whm_token": "{{ minted }}", "whm_password": "p"}

    def look(templar: LookingUp) -> str:
        inner = OptionSources({}, variables, templar, {}, skip_own_lookup=True).resolve(option_table(Whm), Whm)
        assert inner["token"] is None
        return f"minted-with-{inner['password']}"

    values = OptionSources({}, variables, LookingUp(variables, look), {}, skip_own_lookup=is_lookup).resolve(option_table(Whm), Whm)
    assert values["token"] == token


def test_only_a_lookup_of_the_same_system_is_its_own() -> None:
    """The name of the collection in a template means nothing by itself."""
    variables = {"whm_token": "{{ lookup('apiauth.tokens.whm_token') }}", "whm_password": "{{ apiauth.tokens.whm }}", "apiauth.tokens.whm": "p"}
    values = OptionSources({}, variables, Templar(variables), {}, skip_own_lookup=True).resolve(option_table(Whm), Whm)
    assert (values["token"], values["password"]) == (None, "p")
