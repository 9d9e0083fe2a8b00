# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation that is made from the option tables is the one that they describe now."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]
# Where generated files are; everything else stays as it is.
PLACES = ("plugins/doc_fragments", "plugins/modules", "meta", "docs/docsite/rst", "roles/preflight")


@pytest.fixture(name="generator", scope="module")
def fixture_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_generate", ROOT / "tools" / "reference" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_of_it_is_up_to_date(generator: ModuleType) -> None:
    """Fails if an option or a description is changed, or a generated file is edited, without `make generate`."""
    files: dict[Path, str] = generator.generate(ROOT)
    assert [str(path.relative_to(ROOT)) for path, text in files.items() if not path.exists() or path.read_text() != text] == []
    # Four systems, each with a fragment and RETURN; common, calls and attributes; action groups; the guide; the role preflight.
    assert len(files) == 4 + 4 + 3 + 1 + 1 + 1


@pytest.fixture(name="copy")
def fixture_copy(tmp_path: Path) -> Path:
    for place in PLACES:
        shutil.copytree(ROOT / place, tmp_path / place, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("plugins/doc_fragments/vss.py", "options:", "choices:"),
        ("plugins/modules/whm_api.py", "returned:", "Returned:"),
        ("plugins/doc_fragments/attributes.py", "membership: [apiauth.tokens.vss, ", "membership: ["),
        ("meta/runtime.yml", "netography_api", "netography_apis"),
        ("docs/docsite/rst/guide_auth.rst", "``NETOSECRET``", "``SECRET``"),
        ("roles/preflight/vars/main.yml", "- WHM_API_TOKEN", "- WHM_TOKEN"),
    ],
)
def test_an_edited_file_is_noticed_and_written_again(
    generator: ModuleType, name: str, before: str, after: str, copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copy / name
    good = path.read_text()
    assert before in good
    path.write_text(good.replace(before, after))
    monkeypatch.setattr(sys, "argv", ["generate.py", str(copy), "--check"])
    assert generator.main() == 1
    assert capsys.readouterr().out == f"{name} is not up to date: run make generate\n"
    monkeypatch.setattr(sys, "argv", ["generate.py", str(copy)])
    assert generator.main() == 0
    assert (path.read_text(), capsys.readouterr().out) == (good, "1 files written\n")


@pytest.mark.parametrize(
    ("name", "mark"),
    [("plugins/modules/vss_api.py", "RETURN = "), ("docs/docsite/rst/guide_auth.rst", ".. BEGIN "), ("plugins/doc_fragments/attributes.py", "# END ")],
)
def test_a_file_that_has_no_place_for_it_is_an_error(generator: ModuleType, name: str, mark: str, copy: Path) -> None:
    path = copy / name
    path.write_text(path.read_text().replace(mark, ""))
    with pytest.raises(SystemExit, match=r"has no RETURN|there is no block"):
        generator.generate(copy)


def test_a_system_that_preflight_does_not_offer_is_an_error(generator: ModuleType, copy: Path) -> None:
    path = copy / "roles" / "preflight" / "meta" / "argument_specs.yml"
    path.write_text(path.read_text().replace("netography, vss]", "netography]"))
    with pytest.raises(SystemExit, match="the choices of preflight_systems are not the systems"):
        generator.generate(copy)
