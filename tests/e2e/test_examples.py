# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example in the documentation runs, and every playbook in the README and the guides."""

from __future__ import annotations

import ast
import re
import shlex
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
import yaml
from e2e.cases import ENVIRONMENT
from e2e.stage import COLLECTION, Stage
from emulator.accounts import accounts, canaries, netosecret
from emulator.client import Emulator

FILES = sorted(path for kind in ("modules", "lookup", "filter", "test") for path in (COLLECTION / "plugins" / kind).glob("*.py") if path.stem != "__init__")
# The pages with playbooks; what others show is no YAML.
PAGES = [page for page in (COLLECTION / "README.md", *sorted((COLLECTION / "docs" / "docsite" / "rst").glob("*.rst"))) if "yaml\n" in page.read_text()]


def examples(source: str) -> list[dict[str, Any]]:
    """The tasks of a plugin's EXAMPLES."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "EXAMPLES":
            tasks: list[dict[str, Any]] = yaml.safe_load(ast.literal_eval(node.value))
            return tasks
    raise AssertionError("no EXAMPLES")


def reader(directory: Path) -> dict[str, Any]:
    """What the examples' reader has: credentials in the variables that are documented, and some of the reader's own."""
    portal, mfa, netography = (accounts()[name] for name in ("rackcorp_2fa", "vss_mfa", "netography"))
    return {
        "netography_netosecret": netosecret(),
        "backup_token_file": str(directory / "whm_backup_token"),
        "inventory_token_file": str(directory / "whm_token"),
        "mailbox_password": "CANARY of a mailbox",
        "my_address": "127.0.0.1",
        "my_appkey": netography["appkey"],
        "my_shared_secret": netography["shared_secret"],
        "my_token": jwt.encode({"exp": int(time.time()) + 600}, "any key, for nobody verifies it here", algorithm="HS256"),
        **{f"portal_{name}": portal[option] for name, option in (("user", "username"), ("password", "password"), ("totp_secret", "totp_secret"))},
        **{f"mfa_{name}": mfa[option] for name, option in (("user", "username"), ("password", "password"), ("totp_secret", "totp_secret"))},
    }


def blocks(text: str) -> list[str]:
    """The YAML in a page, in reStructuredText or Markdown."""
    indented = re.findall(r"^\.\. code-block:: yaml\n\n((?:(?: {4}.*)?\n)+)", text, re.MULTILINE)
    return [textwrap.dedent(one) for one in indented] + re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def without_servers(part: Any) -> Any:
    """Return plays or tasks without the WHM servers that they name, for which the emulator in `whm_api_url` stands in; the nearest source would win."""
    if isinstance(part, list):
        return [without_servers(item) for item in part]
    if isinstance(part, dict):
        whm = {name: {**value, "host": None} for name, value in part.items() if name.startswith("apiauth.tokens.whm_") and value and "host" in value}
        return {name: without_servers(value) for name, value in {**part, **whm}.items() if name != "whm_host"}
    return re.sub(r"(lookup\('apiauth\.tokens\.whm_token'), host='[^']+'", r"\1", part) if isinstance(part, str) else part


def plays(page: Path) -> list[list[dict[str, Any]]]:
    """What can be run of a page: plays, or tasks as a play. The rest, such as variables, is a mapping."""
    found = [block for block in map(yaml.safe_load, blocks(page.read_text())) if isinstance(block, list)]
    return [block if "hosts" in block[0] else [{"tasks": block}] for block in found]


def known(variables: Callable[..., dict[str, Any]], stage: Stage) -> dict[str, Any]:
    """The variables of all systems, each with one credential: two from one source are an error."""
    one_credential: dict[str, dict[str, None]] = {"rackcorp": {"username": None, "password": None}, "whm": {"password": None}, "netography": {}, "vss": {}}
    every = {name: value for system, left_out in one_credential.items() for name, value in variables(system, **left_out).items()}
    return {**every, **reader(stage.tmp)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_examples_run(path: Path, emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    tasks = without_servers(examples(path.read_text()))
    run = stage.tasks(*tasks, extra_vars=known(variables, stage)).good()
    assert run.tasks == [task["name"] for task in tasks]
    assert [secret for secret in canaries() if secret in run.output] == []
    if path.parent.name in ("modules", "lookup") and not path.stem.startswith("token_cache"):
        assert emulator.log(ok=True) != []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_playbooks_of_a_page_run(page: Path, emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    assert blocks(page.read_text()) != []
    for number, book in enumerate(plays(page), 1):
        run = stage.playbook(without_servers(book), extra_vars=known(variables, stage)).good()
        # A play of a role is for hosts that are not here; roles have tests of their own.
        tasks = [task["name"] for play in book for task in play.get("tasks", ())]
        assert sorted({*run.tasks}) == sorted({*tasks}), f"playbook {number}"
        assert [secret for secret in canaries() if secret in run.output] == []
        assert emulator.log(ok=True) != []


COMMANDS = sorted({
    line.strip()[2:]
    for page in (COLLECTION / "docs" / "docsite").rglob("*.rst")
    for line in page.read_text().splitlines()
    if line.strip().startswith("$ ansible localhost -m apiauth.tokens.") and not line.endswith("\\")
})  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_pages_run(command: str, emulator: Emulator, stage: Stage) -> None:
    """With credentials in the environment, as a newcomer types them."""
    env = {name: accounts()[system][option] for name, (system, option) in ENVIRONMENT.items()}
    addresses = {f"{system.upper()}_API_URL": emulator.url(system) for system in ("rackcorp", "whm", "netography", "vss")}
    run = stage.run(*shlex.split(command), env={**env, **addresses, "NETOSECRET": netosecret()}).good()
    assert "localhost | " in run.output
    assert [secret for secret in canaries() if secret in run.output] == []
    assert emulator.log(ok=True) != []


def test_there_is_a_first_command_for_each_system() -> None:
    assert {command.split()[3] for command in COMMANDS} >= {f"apiauth.tokens.{system}_api" for system in ("rackcorp", "whm", "netography", "vss")}
