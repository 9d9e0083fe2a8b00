# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables core made of the facts that a host reported, with core's own record of facts: a core that moves it fails here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible import constants
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from engine.trust import MARKS_TRUSTED, reported, written

from ansible_collections.apiauth.tokens.plugins.plugin_utils import _core


def variables_of_run(facts: Mapping[str, Any], own: Mapping[str, Any] | None = None, others: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the variables of the host h01, which reported these facts, after `set_fact`; h02 reported others."""
    loader = DataLoader()
    inventory = InventoryManager(loader, sources=["h01,h02,"])
    manager = VariableManager(loader, inventory)
    HostVars(inventory, manager, loader)
    manager.set_host_facts("h01", dict(facts))
    manager.set_host_facts("h02", dict(others or {}))
    if own:
        manager.set_nonpersistent_facts("h01", dict(own))
    variables: dict[str, Any] = manager.get_vars(host=inventory.get_host("h01"))
    return {**variables, "vars": dict(variables)}


@pytest.mark.parametrize(
    ("facts", "own", "expected"),
    [
        ({"vss_token": reported("evil")}, {}, {"vss_token"}),
        ({"vss_token": reported("evil")}, {"vss_token": written("mine")}, set()),
        ({"vss_token": reported("evil")}, {"vss_token": reported("from a registered result")}, set()),
        ({"vss_token": reported("evil")}, {"vss_token": 7}, set()),
        # A trusted text among the facts is what `set_fact` with `cacheable` leaves; before core 2.19 no fact is trusted.
        ({"vss_token": written("mine")}, {}, set() if MARKS_TRUSTED else {"vss_token"}),
        ({"vss_token": written("mine")}, {"vss_token": written("mine")}, set()),
        ({"vss_timeout": 7}, {}, {"vss_timeout"}),
        ({"vss_list": [1, 2]}, {}, {"vss_list"}),
        # The same name in ansible_facts.
        ({"vss_api_url": reported("evil"), "ansible_vss_api_url": reported("x")}, {}, {"vss_api_url"}),
        ({"ansible_domain": reported("example.com")}, {"domain": reported("x")}, set()),
        ({"conf": {"url": reported("evil"), "_ansible_x": 1}}, {}, {"conf"}),
        ({}, {"vss_token": reported("x")}, set()),
    ],
)
def test_facts_that_a_host_reported(facts: Mapping[str, Any], own: Mapping[str, Any], expected: set[str]) -> None:
    """What the author of the play set is no fact of the host, although the host may have reported one of that name too."""
    variables = variables_of_run(facts, own)
    found = _core.reported_facts(variables)
    assert found == expected
    kept = _core.without_facts(variables, found)
    assert set(variables) - set(kept) == expected
    assert set(variables["vars"]) - set(kept["vars"]) == set(variables) - set(kept)


def test_facts_that_are_merged_into_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `hash_behaviour = merge` a dictionary may be half the author's and half the host's."""
    monkeypatch.setattr(constants, "DEFAULT_HASH_BEHAVIOUR", "merge")
    for facts, expected in (({"b": reported("evil")}, {"conf"}), ({"b": 1}, {"conf"}), ({"b": written("x")}, set() if MARKS_TRUSTED else {"conf"})):
        assert _core.reported_facts(variables_of_run({"conf": facts}, {"conf": {"a": written("x")}})) == expected


def test_facts_that_are_no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    get = constants.config.get_config_value
    monkeypatch.setattr(constants.config, "get_config_value", lambda name, *rest, **named: name != "INJECT_FACTS_AS_VARS" and get(name, *rest, **named))
    assert _core.reported_facts({"region": "x", "ansible_facts": {"region": "x"}}) == set()


def test_facts_of_other_hosts() -> None:
    variables = variables_of_run({}, others={"region_url": reported("evil"), "ansible_domain": reported("example.com")})
    hosts = _core.without_facts(variables, ())["hostvars"]
    assert variables["hostvars"]["h02"]["region_url"] == "evil"
    assert "region_url" not in hosts["h02"]
    assert hosts["h02"]["ansible_domain"] == hosts["h02"]["ansible_facts"]["domain"] == "example.com"
    assert "h03" not in hosts


def test_variables_without_a_run() -> None:
    """Where core says nothing about the run, each name in `ansible_facts` counts."""
    facts = {"api_url": reported("evil"), "ansible_host": reported("h"), "elsewhere": 1}
    variables = {"api_url": reported("evil"), "ansible_host": reported("h"), "own": written("x"), "ansible_facts": facts}
    assert _core.reported_facts(variables) == {"api_url"}
    assert _core.without_facts(variables, {"api_url"}) == {"ansible_host": "h", "own": "x", "ansible_facts": facts}
    for nonsense in (None, "text", ["own"]):
        assert _core.reported_facts({"own": 1, "ansible_facts": nonsense}) == set()
