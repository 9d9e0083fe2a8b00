# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credential types for AWX are up to date, AWX accepts them, and its own code injects them."""

from __future__ import annotations

import copy
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from e2e.awx import inject
from e2e.awx_files import NAMES, TYPES, document
from e2e.fake_awx_rules import Refused, check_type
from e2e.stage import COLLECTION


@pytest.fixture(name="generator", scope="module")
def fixture_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_awx", COLLECTION / "tools" / "generate_awx.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_files_are_up_to_date(generator: ModuleType) -> None:
    """Fails when an option is new, gone, or has another variable or choice; tools/generate_awx.py writes the files anew."""
    files = generator.generate(COLLECTION)
    assert {path.stem for path in files if path.parent == TYPES} == set(NAMES)
    assert [path.name for path, text in files.items() if path.read_text() != text] == []


@pytest.mark.parametrize("name", NAMES)
def test_awx_accepts_the_type(name: str) -> None:
    content = document(name)
    before = copy.deepcopy(content)
    check_type(content)
    assert content == before, "AWX would complete what it is sent, and it would differ from the file for ever"
    assert set(content["inputs"]["required"]) <= {field["id"] for field in content["inputs"]["fields"]}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda kind: kind["inputs"]["fields"][0].update(secret="yes"),
        lambda kind: kind["inputs"]["fields"][0].update(required=True),
        lambda kind: kind["inputs"]["fields"].append(kind["inputs"]["fields"][0]),
        lambda kind: kind["inputs"]["fields"][0].update(type="boolean", multiline=True),
        lambda kind: kind["injectors"]["env"].update(ANSIBLE_TIMEOUT="{{ host }}"),
        lambda kind: kind["injectors"]["env"].update(WHM_USER="{{ nobody }}"),
        lambda kind: kind["injectors"]["env"].update(WHM_USER="{{ host "),
        lambda kind: kind["injectors"]["env"].update(WHM_FILE="{{ tower.filename }}"),
        lambda kind: kind.update(kind="ssh"),
    ],
)
def test_the_fake_awx_refuses_what_awx_refuses(spoil: Callable[[dict[str, Any]], None]) -> None:
    content = document("whm")
    spoil(content)
    with pytest.raises(Refused):
        check_type(content)


@pytest.mark.parametrize("name", NAMES)
def test_all_fields_reach_the_job(name: str, tmp_path: Path, generator: ModuleType) -> None:
    """Fails when a field has no variable, a wrong one, or is shown though it is secret."""
    fields = document(name)["inputs"]["fields"]
    inputs = {field["id"]: field["choices"][-1] if "choices" in field else f'{field["id"]} "ä" {{{{ 7 }}}} $HOME' for field in fields}
    env, shown = inject(name, inputs, tmp_path)
    wanted = {}
    for option in generator.option_tables()[name]:
        if (name, option.name) in generator.EXCLUDED:
            continue
        if name == "apiauth_connection" and option.name in generator.FILES:
            path = Path(env[option.env[0]])
            assert path.read_text() == inputs[generator.FILES[option.name]]
            assert path.stat().st_mode & 0o077 == 0
            wanted[option.env[0]] = str(path)
        else:
            wanted[option.env[0]] = inputs[option.name]
            assert (shown[option.env[0]] != inputs[option.name]) == option.secret
    assert env == wanted


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("empty", [False, True])
def test_empty_fields_are_empty_variables(name: str, empty: bool, tmp_path: Path) -> None:
    """Fails when a field is a checkbox: AWX injects "False" for one that nobody touched, which for validate_certs would be dangerous."""
    inputs = {field["id"]: "" for field in document(name)["inputs"]["fields"]} if empty else {}
    env, _shown = inject(name, inputs, tmp_path)
    assert set(env.values()) == {""}


def test_the_first_choice_is_the_default(generator: ModuleType) -> None:
    """AWX replaces an empty field by its first choice when the credential is saved, so that must change nothing."""
    for name, table in generator.option_tables().items():
        defaults = {one.name: one.default for one in table}
        for field in document(name)["inputs"]["fields"]:
            if "choices" in field:
                default = defaults[field["id"]]
                assert field["choices"][0] == (str(default).lower() if isinstance(default, bool) else default), field["id"]
