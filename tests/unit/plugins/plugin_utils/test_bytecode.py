# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which code Python's own loader loads in place of Ansible's."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

from ansible_collections.apiauth.tokens.plugins.plugin_utils import _bytecode

PLUGINS = Path(_bytecode.__file__).resolve().parents[1]
OURS = "ansible_collections.apiauth.tokens.plugins"
AUTH = [str(PLUGINS / "module_utils" / "auth")]


def test_a_file_of_ours_is_loaded_by_python_which_keeps_bytecode() -> None:
    spec = _bytecode.Finder.find_spec(f"{OURS}.module_utils.auth.errors", AUTH)
    assert spec is not None
    assert spec.loader.__class__ is SourceFileLoader
    assert spec.origin == f"{AUTH[0]}/errors.py"
    assert spec.cached is not None
    assert spec.cached.endswith(".pyc")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (f"{OURS}.module_utils.auth.cache", AUTH),
        (f"{OURS}.module_utils.auth.nothing", AUTH),
        ("ansible_collections.apiauth.other.plugins.module_utils.auth.errors", AUTH),
        ("errors", AUTH),
        (f"{OURS}.module_utils.auth.errors", None),
        (f"{OURS}.module_utils.auth.errors", []),
    ],
)
def test_everything_else_is_left_to_the_finders_behind(name: str, path: list[str] | None) -> None:
    """Packages, which Ansible makes up where there is no file, and what is not ours."""
    assert _bytecode.Finder.find_spec(name, path) is None


def test_it_is_in_force_for_a_while_even_where_that_ends_badly() -> None:
    before = list(sys.meta_path)

    def failing() -> None:
        with _bytecode.cached_bytecode():
            assert sys.meta_path == [_bytecode.Finder, *before]
            raise ValueError("for example")

    with pytest.raises(ValueError, match="for example"):
        failing()
    assert sys.meta_path == before


def test_bytecode_that_exists_is_used_and_source_that_changed_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    name = f"{OURS}.module_utils.auth.sample"
    source = tmp_path / "sample.py"
    values = []
    for text in ("value = 1\n", "value = 1\n", "value = 'another'\n"):
        if not source.exists() or source.read_text() != text:
            source.write_text(text)
        spec = _bytecode.Finder.find_spec(name, [str(tmp_path)])
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        values.append(module.value)
        assert Path(spec.cached or "").is_file()
    assert values == [1, 1, "another"]
