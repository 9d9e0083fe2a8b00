# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What core itself masks in everything that it prints, once it is registered as a secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from e2e.cases import LOOKUPS, NAMESPACE
from e2e.leaks import leaks, loud
from e2e.stage import CORE, Stage
from emulator.client import Emulator

# Older ones have no function to register a secret with, which `_core.register_secrets` tells too.
pytestmark = pytest.mark.skipif(CORE < (2, 22), reason="ansible-core before 2.22 has no Secrets API; make matrix runs this file on 2.22")


@pytest.mark.parametrize("lookup", sorted(LOOKUPS.values()))
def test_ansible_config_masks_the_values_of_secret_options(lookup: str, stage: Stage) -> None:
    names = ("RACKCORP_API_SECRET", "RACKCORP_PASSWORD", "WHM_API_TOKEN", "NETOSECRET", "VSS_USER_PASS", "VSS_TOTP_SECRET", "APIAUTH_CACHE_KEY")
    env = {"VSS_USER": "vsskey1", **{name: f"CANARY{name}0123456789" for name in names}}
    run = stage.run("ansible-config", "dump", "-t", "lookup", "--only-changed", f"{NAMESPACE}.{lookup}", env=env)
    assert "CANARY" not in run.output
    assert "cache_key(env: APIAUTH_CACHE_KEY) = $REDACTED$" in run.output


def test_core_masks_tokens_and_headers(emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    """Where a play itself prints them: they are registered with core."""
    for output in ("token", "headers", "details"):
        shown = {"name": "shown", "ansible.builtin.debug": {"msg": f"{{{{ lookup('apiauth.tokens.vss_token', output='{output}') }}}}"}}
        run = stage.tasks(shown, extra_vars=variables("vss"), env=loud(stage), verbosity=5).good()
        assert leaks(stage, run, emulator) == []
        assert "$REDACTED$" in json.dumps(run.result("shown"))
