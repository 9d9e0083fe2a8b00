# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation says is what the option tables, the modules' argument specs and the action groups say."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import ansible.release
import pytest
import yaml
from ansible.module_utils import basic
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import get_docstring

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Option

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = "ansible_collections.apiauth.tokens.plugins"
# What antsibull-docs lists among a lookup's options, but is none.
TERMS = "_terms"


def names(directory: str) -> list[str]:
    return sorted(path.stem for path in (ROOT / "plugins" / directory).glob("*.py") if path.stem != "__init__")


MODULES, LOOKUPS = names("modules"), names("lookup")
PLUGINS = [(kind, name) for kind in ("modules", "lookup", "callback", "filter", "test") for name in names(kind)]


def documentation(kind: str, name: str) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """What ansible-doc reads: the documentation with its fragments, the examples, the return values."""
    file = ROOT / "plugins" / kind / f"{name}.py"
    doc, examples, returns, _metadata = get_docstring(str(file), fragment_loader, collection_name="apiauth.tokens", is_module=kind == "modules")
    return doc or {}, examples or "", returns or {}


class Seen(BaseException):
    """Ends a plugin as soon as it has shown its options; no plugin catches it."""

    def __init__(self, found: Any) -> None:
        super().__init__()
        self.found = found


def lookup_table(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Option]:
    """The options that a lookup really resolves."""

    def resolve(_self: Any, table: Iterable[Option], *_rest: Any) -> Any:
        raise Seen({option.name: option for option in table})

    plugin = importlib.import_module(f"{PACKAGE}.lookup.{name}")
    monkeypatch.setattr(importlib.import_module(f"{PACKAGE}.plugin_utils._option_sources").OptionSources, "resolve", resolve)
    lookup = plugin.LookupModule()
    # What core gives it before it runs; nothing is templated here.
    lookup._templar = type("Templar", (), {"template": staticmethod(lambda value: value)})
    with pytest.raises(Seen) as seen:
        lookup.run([], {})
    table: dict[str, Option] = seen.value.found
    return table


def argument_spec(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """The argument spec that a module really has."""

    def init(_self: Any, argument_spec: dict[str, Any], **_rest: Any) -> None:
        raise Seen(argument_spec)

    monkeypatch.setattr(basic.AnsibleModule, "__init__", init)
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    with pytest.raises(Seen) as seen:
        module.main()
    spec: dict[str, dict[str, Any]] = seen.value.found
    return spec


def shape(entry: Any) -> dict[str, Any]:
    """Type, default, choices and elements, of a documented option or of one in an argument spec."""
    shown = {name: entry.get(name) for name in ("default", "choices", "elements")}
    return {"type": entry.get("type", "str"), "required": bool(entry.get("required")), **shown}


def sources(option: Option) -> dict[str, list[dict[str, str]]]:
    """Where an option comes from, as documentation has it. A secret has no place in ansible.cfg."""
    if not option.variable:
        return {}
    found = {"vars": [{"name": option.variable}], "env": [{"name": name} for name in option.env]}
    return found if option.secret and not option.ini else {**found, "ini": [{"section": "apiauth", "key": option.variable}]}


@pytest.mark.parametrize(("kind", "name"), PLUGINS)
def test_every_plugin_is_documented(kind: str, name: str) -> None:
    doc, examples, returns = documentation(kind, name)
    assert doc.get("module" if kind == "modules" else "name") == name
    assert doc["short_description"]
    assert doc["description"]
    assert doc["version_added"]
    assert returns or kind == "callback"
    assert all(task["name"] for task in yaml.safe_load(examples) or [])


@pytest.mark.parametrize("name", LOOKUPS)
def test_a_lookup_documents_its_options_and_where_they_come_from(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = lookup_table(name, monkeypatch)
    documented = {key: entry for key, entry in documentation("lookup", name)[0]["options"].items() if key != TERMS}
    assert sorted(documented) == sorted(table)
    for key, entry in documented.items():
        option = table[key]
        choices = list(option.choices) or None
        assert shape(entry) == shape({"type": option.type, "default": option.default, "choices": choices, "elements": option.elements}), key
        assert {place: entry[place] for place in ("vars", "env", "ini") if place in entry} == sources(option), key


@pytest.mark.parametrize("name", MODULES)
def test_a_module_documents_its_options(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = argument_spec(name, monkeypatch)
    documented = documentation("modules", name)[0]["options"]
    assert sorted(documented) == sorted(spec)
    for key, entry in documented.items():
        assert shape(entry) == shape(spec[key]), key


@pytest.mark.parametrize("name", LOOKUPS)
def test_a_module_hides_what_a_lookup_takes_for_a_secret(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {key: option.secret for key, option in lookup_table(name, monkeypatch).items()}
    module = next(one for one in MODULES if one == f"{name.split('_')[0]}_api")
    spec = argument_spec(module, monkeypatch)
    shared = sorted(set(spec) & set(secrets))
    assert "token" in shared
    assert {key: spec[key]["no_log"] for key in shared} == {key: secrets[key] for key in shared}


def action_groups() -> dict[str, list[str]]:
    groups: dict[str, list[str]] = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    return groups


def test_action_groups_hold_the_modules() -> None:
    groups = action_groups()
    assert sorted(groups.pop("all")) == MODULES
    assert {group: sorted(members) for group, members in groups.items()} == {
        group: [name for name in MODULES if name.startswith(f"{group}_")] for group in groups
    }
    assert {name.split("_")[0] for name in LOOKUPS} == set(groups)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_documents_its_action_groups(name: str) -> None:
    attribute = documentation("modules", name)[0]["attributes"]["action_group"]
    assert sorted(attribute["membership"]) == sorted(f"apiauth.tokens.{group}" for group, members in action_groups().items() if name in members)


def test_every_module_has_an_action_plugin() -> None:
    assert names("action") == MODULES


@pytest.mark.parametrize("name", LOOKUPS)
def test_a_lookup_keeps_its_documentation_at_run_time(name: str) -> None:
    """`ansible-config list -t lookup` reads the definitions of the options from there."""
    assert yaml.safe_load(importlib.import_module(f"{PACKAGE}.lookup.{name}").DOCUMENTATION)["name"] == name


@pytest.mark.parametrize("name", LOOKUPS)
def test_a_lookup_says_which_options_are_secret(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that core 2.22 masks their values, as in `ansible-config dump`. The validate-modules of core 2.18 does not know the key."""
    marked = {option for option, facts in documentation("lookup", name)[0]["options"].items() if facts.get("secret")}
    secret = {option.name for option in lookup_table(name, monkeypatch).values() if option.secret}
    assert secret
    assert marked == (set() if ansible.release.__version__.startswith("2.18.") else secret)


@pytest.mark.parametrize("name", LOOKUPS)
def test_the_guide_lists_where_options_come_from(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = (ROOT / "docs" / "docsite" / "rst" / "guide_auth.rst").read_text()
    table = [option for option in lookup_table(name, monkeypatch).values() if option.variable]
    assert table != []
    for option in table:
        environment = ", ".join(f"``{one}``" for one in option.env)
        row = f"    * - ``{option.name}``\n      - ``{option.variable}``\n      - {environment}\n      -{' yes' if option.secret else ''}\n"
        assert row in guide, option.variable
