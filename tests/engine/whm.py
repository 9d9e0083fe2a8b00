# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A WHM server of a few lines that answers an HTTP session's requests, and whose tokens can be changed between two of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection
from typing import Any, cast

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.messages import Request, Response
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.session import HttpSession
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.api import Whm
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.token_api import TokenApi
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.redact import Redactor

NOW = 1_800_000_000
SECRET = "UWU28DCA23NKY76CN17MDPKM3O7EFQY8"
TARGET = "WHM at whm.example.com:2087"
Interference = Callable[["Server"], Any]


class Refused(Exception):
    """The server answers with `result: 0` and this reason."""


class Server:
    """Tokens by name, and what the account may do.

    :param own: the name of the token whose secret is `SECRET`.
    :param mine: the privileges of the account.
    :param ignores: parameters that this server does not know, such as `expires_at`.

    `before` holds functions that are called, each once, before a function of that name is executed.
    """

    def __init__(self, *tokens: dict[str, Any], own: str = "", version: int = 136, mine: str = "all", ignores: Collection[str] = ()) -> None:
        self.tokens = {token["name"]: token for token in tokens}
        self.own, self.version, self.mine, self.ignores = own, version, mine.split(), ignores
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.limits: list[dict[str, Any]] = []
        self.before: dict[str, list[Interference]] = {}

    @property
    def functions(self) -> list[str]:
        """The names of the functions that were called."""
        return [name for name, _params in self.calls]

    def sent(self, function: str) -> dict[str, str]:
        """Return the parameters of the only call of this function."""
        (params,) = [params for name, params in self.calls if name == function]
        return params

    # -- as an HTTP session ----------------------------------------------------------------------------------------

    @property
    def clock_offset(self) -> float:
        """The server's clock always says half a second past `NOW`."""
        return NOW + 0.5 - time.time()

    def send(self, request: Request, **limits: Any) -> Response:
        """Answer a request as WHM API 1 does. What `before` raises is raised here."""
        function = request.url.rsplit("/", 1)[-1]
        params = {name: value for name, value in request.form.items() if name != "api.version"}
        self.calls.append((function, params))
        self.limits.append(limits)
        interferences = self.before.get(function)
        reason, data = "OK", None
        try:
            if interferences:
                interferences.pop(0)(self)
            data = getattr(self, function)(params)
        except Refused as refused:
            reason = str(refused)
        body = {"data": data, "metadata": {"command": function, "version": 1, "result": int(reason == "OK"), "reason": reason}}
        headers = {"Content-Type": "application/json"}
        content = json.dumps(body).encode()
        return Response(200, headers, content, cookies={}, tries=1, target=TARGET, redactor=Redactor())

    def http(self) -> HttpSession:
        """Return this server in the place of a session."""
        return cast("HttpSession", self)

    def token_api(self, secret: str = "") -> TokenApi:
        """Return the tokens as a task sees them that authenticates with this token, or with a password."""
        values = Options(api_url="https://whm.example.com:2087", token=secret, password="" if secret else "word")
        return TokenApi.over_http(Whm(values), self.http())

    # -- functions -------------------------------------------------------------------------------------------------

    def api_token_list(self, _params: dict[str, str]) -> Any:
        return {"tokens": {name: {**token, "acls": dict.fromkeys(token["acls"], 1)} for name, token in self.tokens.items()}}

    def myprivs(self, _params: dict[str, str]) -> Any:
        return {"privileges": [{**dict.fromkeys(self.mine, "1"), "digest-auth": ""}]}

    def api_token_get_details(self, params: dict[str, str]) -> Any:
        if self.version < 98:
            raise Refused('Unknown app ("api_token_get_details") requested for this version (1) of the API.')
        assert params["token"] == SECRET
        return self.tokens.get(self.own)

    def api_token_create(self, params: dict[str, str]) -> Any:
        name = params["token_name"]
        if name in self.tokens:
            raise Refused("A conflicting API token already exists.")
        self.tokens[name] = self._state(params, {"name": name, "create_time": NOW})
        return {**self.tokens[name], "token": SECRET}

    def api_token_update(self, params: dict[str, str]) -> Any:
        old = self.tokens.pop(params["token_name"], None)
        if old is None:
            raise Refused("The API token does not exist.")
        name = params.get("new_name", old["name"])
        self.tokens[name] = self._state(params, {**old, "name": name})
        return self.tokens[name]

    def api_token_revoke(self, params: dict[str, str]) -> None:
        names = [value for key, value in params.items() if key.startswith("token_name")]
        missing = [name for name in names if name not in self.tokens]
        if missing:
            raise Refused(f"{missing} does not exist.")
        for name in names:
            del self.tokens[name]

    def _state(self, params: dict[str, str], old: dict[str, Any]) -> dict[str, Any]:
        params = {key: value for key, value in params.items() if key.rstrip("-0123456789") not in self.ignores}
        addresses = [value for key, value in params.items() if key.startswith("whitelist_ip")]
        acls = [value for key, value in params.items() if key == "acl" or key.startswith("acl-")]
        return {
            **old,
            "acls": acls or self.mine,
            "expires_at": int(params.get("expires_at", 0)) or None,
            "whitelist_ips": None if addresses in ([], ["any"]) else addresses,
        }


def entry(name: str, acls: str = "list-accts", expires_at: int | None = None, whitelist_ips: list[str] | None = None) -> dict[str, Any]:
    """Return a token as the server stores it."""
    return {"name": name, "acls": acls.split(), "create_time": NOW - 5, "expires_at": expires_at, "whitelist_ips": whitelist_ips}
