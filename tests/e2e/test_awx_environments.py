# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an execution environment gets is what the code imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import yaml
from e2e.stage import BIN, COLLECTION

DEFINITION = COLLECTION / "extensions" / "ee" / "execution-environment.yml"
REQUIREMENTS = COLLECTION / "meta" / "ee-requirements.txt"
# Names of distributions by the modules that they bring.
DISTRIBUTIONS = {"jwt": "PyJWT", "requests": "requests", "urllib3": "requests", "redis": "redis", "socks": "PySocks"}
# What comes with ansible-core.
OF_CORE = {"ansible", "cryptography", "jinja2", "yaml", "packaging"}


def imported(directory: Path) -> set[str]:
    """Return the top-level modules that the code imports, wherever in a file, except Python's own and the collection's."""
    found = set()
    for path in directory.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {name.name.split(".")[0] for name in node.names}
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"ansible_collections"}


def names(text: str) -> set[str]:
    """Return the names of requirements, one a line."""
    return {match[0] for line in text.splitlines() if (match := re.match(r"[A-Za-z][A-Za-z0-9._-]*(?=[<>=~ ]|$)", line.strip()))}


def optional() -> set[str]:
    """Return what the comments of the requirements call optional."""
    text = REQUIREMENTS.read_text().split("# Optional")[1]
    return set(re.findall(r"^#   (\w+)>=", text, re.MULTILINE))


def run(*command: str | Path) -> str:
    ended = subprocess.run([str(BIN / str(command[0])), *map(str, command[1:])], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def test_every_import_is_required_or_optional() -> None:
    """Fails when a plugin imports a package that nobody installs."""
    needed = {DISTRIBUTIONS.get(module, module) for module in imported(COLLECTION / "plugins") - OF_CORE}
    assert needed >= {"PyJWT", "redis"}, "what is there for certain is found"
    assert needed <= names(REQUIREMENTS.read_text()) | optional()
    assert names(REQUIREMENTS.read_text()) == {"requests", "PyJWT"}
    assert optional() == {"redis", "PySocks"}


def test_ansible_builder_reads_the_requirements(collections: Path) -> None:
    output = run("ansible-builder", "introspect", "--sanitize", collections)
    python = yaml.safe_load(output)["python"]
    assert {re.split("[<>=]", line)[0].lower() for line in python} == {"requests", "pyjwt"}


def test_the_definition_can_be_built(tmp_path: Path) -> None:
    """Up to the point where a container engine would take over."""
    run("ansible-builder", "create", "--file", DEFINITION, "--context", tmp_path, "--output-filename", "Containerfile")
    text = (tmp_path / "Containerfile").read_text()
    assert 'EE_BASE_IMAGE="quay.io/centos/centos:stream9"' in text
    assert 'PYCMD="/usr/bin/python3.12"' in text
    assert 'ANSIBLE_INSTALL_REFS="ansible-core' in text
    galaxy = yaml.safe_load((tmp_path / "_build" / "requirements.yml").read_text())
    assert galaxy["collections"] == [{"name": "apiauth.tokens"}]
    assert names((tmp_path / "_build" / "requirements.txt").read_text()) == {"redis"}


def test_the_guide_shows_the_definition() -> None:
    guide = (COLLECTION / "docs" / "docsite" / "rst" / "guide_awx.rst").read_text()
    block = re.search(r"\.\. code-block:: yaml\n\n((?: {4}.*\n|\n)+)", guide)
    assert block is not None
    assert yaml.safe_load(block[1]) == yaml.safe_load(DEFINITION.read_text())
