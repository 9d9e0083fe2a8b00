# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A WHM server of a few lines, whose tokens can be interfered with between two calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.call import Call, Outcome
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import AuthError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm_lifecycle import Door

NOW = 1_800_000_000
SECRET = "UWU28DCA23NKY76CN17MDPKM3O7EFQY8"
Interference = Callable[["Server"], Any]


class Server:
    """Tokens by name, and what the account may do. `before` interferes, once, before a function is executed."""

    def __init__(self, *tokens: dict[str, Any], own: str = "", version: int = 136, mine: str = "all") -> None:
        self.tokens = {one["name"]: one for one in tokens}
        self.own, self.version, self.mine = own, version, mine.split()
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.before: dict[str, list[Interference]] = {}

    @property
    def functions(self) -> list[str]:
        return [name for name, _params in self.calls]

    def sent(self, function: str) -> dict[str, str]:
        """The parameters of the only call of this function."""
        (params,) = [params for name, params in self.calls if name == function]
        return params

    def run(self, call: Call) -> Outcome:
        params = dict(call.query)
        self.calls.append((call.name, params))
        waiting = self.before.get(call.name)
        if waiting:
            waiting.pop(0)(self)
        return Outcome(getattr(self, call.name)(params))

    def door(self, secret: str = "") -> Door:
        return Door(self.run, secret, lambda: float(NOW))

    def api_token_list(self, _params: dict[str, str]) -> Any:
        return {"tokens": {name: {**one, "acls": dict.fromkeys(one["acls"], 1)} for name, one in self.tokens.items()}}

    def myprivs(self, _params: dict[str, str]) -> Any:
        return {"privileges": [{**dict.fromkeys(self.mine, "1"), "news-of-others": ""}]}

    def api_token_get_details(self, params: dict[str, str]) -> Any:
        if self.version < 98:
            raise AuthError(errors.NOT_FOUND, 'Unknown app ("api_token_get_details") requested for this version (1) of the API.')
        assert params["token"] == SECRET
        return self.tokens.get(self.own)

    def api_token_create(self, params: dict[str, str]) -> Any:
        name = params["token_name"]
        if name in self.tokens:
            raise AuthError(errors.INVALID_REQUEST, "A conflicting API token already exists.")
        self.tokens[name] = self._state(params, {"name": name, "create_time": NOW})
        return {**self.tokens[name], "token": SECRET}

    def api_token_update(self, params: dict[str, str]) -> Any:
        old = self.tokens.pop(params["token_name"], None)
        if old is None:
            raise AuthError(errors.NOT_FOUND, "The API token does not exist.")
        name = params.get("new_name", old["name"])
        self.tokens[name] = self._state(params, {**old, "name": name})
        return self.tokens[name]

    def api_token_revoke(self, params: dict[str, str]) -> None:
        names = [value for key, value in params.items() if key.startswith("token_name")]
        missing = [name for name in names if name not in self.tokens]
        if missing:
            raise AuthError(errors.NOT_FOUND, f"{missing} does not exist.")
        for name in names:
            del self.tokens[name]

    def _state(self, params: dict[str, str], old: dict[str, Any]) -> dict[str, Any]:
        addresses = [value for key, value in params.items() if key.startswith("whitelist_ip")]
        acls = [value for key, value in params.items() if key == "acl" or key.startswith("acl-")]
        return {
            **old,
            "acls": acls or self.mine,
            "expires_at": int(params.get("expires_at", 0)) or None,
            "whitelist_ips": None if addresses in ([], ["any"]) else addresses,
        }


def entry(name: str, acls: str = "list-accts", expires_at: int | None = None, whitelist_ips: list[str] | None = None) -> dict[str, Any]:
    return {"name": name, "acls": acls.split(), "create_time": NOW - 5, "expires_at": expires_at, "whitelist_ips": whitelist_ips}
