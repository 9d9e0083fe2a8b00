# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drawing of the architecture guide is the one that its source describes, and names files that exist."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[3]
PLACES = ("plugins/plugin_utils", "plugins/module_utils/auth")


@pytest.fixture(name="drawing", scope="module")
def fixture_drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_drawing", ROOT / "tools" / "reference" / "drawing.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_it_is_up_to_date(drawing: ModuleType) -> None:
    """Fails if a box is changed without writing the drawing anew."""
    files: dict[Path, str] = drawing.generate(ROOT)
    assert [path.name for path, text in files.items() if path.read_text() != text] == []


def test_the_files_that_it_names_exist(drawing: ModuleType) -> None:
    """Fails if a file is renamed and the drawing is not."""
    named = [box.lines[0] for box in drawing.BOXES.values() if box.lines[0].endswith((".py", "/"))]
    assert len(named) >= 6
    assert [name for name in named if not any((ROOT / place / name).exists() for place in PLACES)] == []


def test_all_of_it_is_within_the_page(drawing: ModuleType) -> None:
    svg = ElementTree.fromstring((ROOT / drawing.FILE).read_text())
    boxes = svg.findall("{http://www.w3.org/2000/svg}rect")
    assert len(boxes) == len(drawing.BOXES)
    for box in boxes:
        x, y, width, height = (float(box.attrib[name]) for name in ("x", "y", "width", "height"))
        assert x + width <= drawing.WIDTH
        assert y + height <= drawing.HEIGHT
