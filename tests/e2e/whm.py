# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks about WHM's tokens, and what came of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from e2e.stage import BECOME, REMOTE, Run
from emulator.accounts import accounts
from emulator.client import Emulator

Tasks = list[dict[str, Any]]

HOUR = 3600
DAY = 24 * HOUR
MINTED = re.compile(r"apiauth-\d{14}-[0-9a-f]{8}")
SYSTEM = "reverse_trust_0e8d9a44-5d1c-4f6e-9c50-6f6f2f3d7a10"
WAYS: Mapping[str, Mapping[str, Any]] = {"here": {}, "become": BECOME, "remote": {"vars": dict(REMOTE)}}


def token(title: str, register: str = "", /, **options: Any) -> dict[str, Any]:
    """A task of whm_api_token; `title` is its name."""
    more = {"register": register} if register else {}
    return {"name": title, "apiauth.tokens.whm_api_token": options, **more}


def info(**options: Any) -> dict[str, Any]:
    return {"name": "info", "apiauth.tokens.whm_api_token_info": options}


def works(secret: str, title: str = "works") -> dict[str, Any]:
    """A call with a token that may list accounts."""
    return {"name": title, "apiauth.tokens.whm_api": {"function": "listaccts", "token": secret}, "ignore_errors": True}


def looked_up(title: str, arguments: str, **more: Any) -> dict[str, Any]:
    """A task that notes what the lookup gave, less its secret."""
    expression = f"lookup('apiauth.tokens.whm_token', output='details', {arguments})"
    return {"name": title, "ansible.builtin.debug": {"msg": f"{{{{ {expression} | combine({{'token': 1, 'headers': 1}}) }}}}"}, **more}


def cache(title: str, **options: Any) -> dict[str, Any]:
    """A task of token_cache."""
    return {"name": title, "apiauth.tokens.token_cache": options}


BY_PASSWORD: Mapping[str, Any] = {"token": None, "password": accounts()["whm"]["password"]}
RESELLER: Mapping[str, Any] = {name: value for name, value in accounts()["whm_reseller"].items() if name != "password"}


def tokens_of(run: Run) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in run.result("info")["api_tokens"]}


def asked(emulator: Emulator) -> list[str]:
    return [one["function"] for one in emulator.log(system="whm")]
