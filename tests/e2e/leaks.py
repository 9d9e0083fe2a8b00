# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of the tests, how to make Ansible show as much as it can, and where any of them came out."""

from __future__ import annotations

import re
from collections.abc import Mapping

from e2e.cases import WRONG
from e2e.hunt import Hunt, given_out
from e2e.stage import Run, Stage
from emulator.accounts import accounts, canaries, netosecret
from emulator.client import Emulator

# What the cases use beside the accounts of the emulator.
MADE_UP = (WRONG, "CANARYproxy-password", "CANARYredis-password", netosecret())
GIVEN = ("CANARYGIVENTOKEN0123456789", "CANARYWRONGTOKEN0123456789")
TOKENS = (*GIVEN, *(values["token"] for values in accounts().values() if "token" in values))
LOUD: Mapping[str, str] = {
    "ANSIBLE_KEEP_REMOTE_FILES": "1",
    "ANSIBLE_CACHE_PLUGIN": "jsonfile",
    "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "1",
    "ANSIBLE_SHOW_TASK_PATH_ON_FAILURE": "1",
    "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
}


def loud(stage: Stage, **more: str) -> dict[str, str]:
    return {**LOUD, "ANSIBLE_LOG_PATH": str(stage.log), "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(stage.root / "facts"), **more}


def leaks(stage: Stage, run: Run, emulator: Emulator, *more: str) -> list[str]:
    """Every place where a secret is. The token alone may rest in what Ansible packs for a host, when it is told to keep that."""
    tokens = {*TOKENS, *given_out(emulator.log())}
    credentials = {*canaries(), *MADE_UP, *more} - {*TOKENS}
    packed = list(stage.root.rglob("AnsiballZ_*"))
    whole, credential = Hunt(credentials | tokens), Hunt(credentials)
    found = [f"the output: {one}" for one in whole.in_bytes(run.output.encode())]
    found += whole.in_files(stage.root, but=[stage.inputs, *packed])
    # Without the packed program itself, in which names of systems come close to what is looked for.
    texts = {path: re.sub(rb"[A-Za-z0-9+/=]{500,}", b"", path.read_bytes()) for path in packed}
    return found + [f"{path}: {one}" for path, text in texts.items() for one in credential.in_bytes(text, jwts=False)]
