# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API tokens of one WHM account: list, create, update and revoke them, and what protects those that must not be touched.

Source of each function: https://api.docs.cpanel.net/openapi/whm/operation/<function>/
"""

from __future__ import annotations

import time
import typing as t

from ... import errors
from ...errors import ApiError, configuration_error
from ...model import Call, CallResult
from .api import Whm
from .privileges import OwnPrivileges, same_privileges
from .tokens import ApiToken, is_system_name, state_params

if t.TYPE_CHECKING:
    from ...http.session import HttpSession

# What WHM may answer if there is no token of that name, or one already.
MAY_BE_A_RACE = (errors.INVALID_REQUEST, errors.NOT_FOUND, errors.FORBIDDEN)


class TokenApi:
    """One account's tokens at one server.

    :param provider: who authenticates.
    :param run: makes a call.
    :param clock: returns the server's time in epoch seconds, as far as it is known.
    """

    def __init__(self, provider: Whm, run: t.Callable[[Call], CallResult], clock: t.Callable[[], float] = time.time) -> None:
        self.provider = provider
        self.run = run
        self.clock = clock

    @classmethod
    def over_http(cls, provider: Whm, http: HttpSession, **limits: t.Any) -> TokenApi:
        """Return the API for a caller that needs nothing but its HTTP session; `limits` are passed to its `send`."""

        def run(call: Call) -> CallResult:
            return provider.parse(call, http.send(provider.request(call, provider.values.get("token") or ""), **limits))

        return cls(provider, run, server_clock(http))

    @property
    def own_token(self) -> str:
        """The token that authenticates, empty if a password does."""
        return self.provider.values.get("token") or ""

    def call(self, function: str, **params: t.Any) -> t.Any:
        """Return the data of one function's reply."""
        return self.run(self.provider.plan({"function": function, "params": params})).data

    def list_tokens(self) -> dict[str, ApiToken]:
        """Return the account's tokens by name."""
        data = self.call("api_token_list")
        entries = data.get("tokens") if isinstance(data, dict) else None
        if isinstance(entries, dict):
            tokens = [ApiToken.from_reply(entry, str(name)) for name, entry in entries.items() if isinstance(entry, dict)]
        elif entries is None or isinstance(entries, list):
            # Perl may write an empty object as a list, or as nothing.
            tokens = [ApiToken.from_reply(entry) for entry in entries or [] if isinstance(entry, dict)]
        else:
            raise ApiError(errors.PROTOCOL, "the list of tokens has an unknown form", "check api_url", sent=True)
        return {token.name: token for token in tokens}

    def own_privileges(self) -> OwnPrivileges:
        """Return what the caller may do."""
        return OwnPrivileges.from_reply(self.call("myprivs"))

    def create(self, token: ApiToken, all_privileges: bool) -> tuple[ApiToken, str]:
        """Create a token; return it as WHM did, and its secret."""
        data = self.call("api_token_create", token_name=token.name, **state_params(token, all_privileges, clear=False))
        secret = data.get("token") if isinstance(data, dict) else None
        if not secret:
            raise ApiError(errors.PROTOCOL, "the reply holds no secret", "check api_url and any proxy on the way", sent=True)
        return ApiToken.from_reply(data, token.name), str(secret)

    def update(self, before: ApiToken, after: ApiToken, all_privileges: bool) -> ApiToken:
        """Change a token; return it as WHM did. The whole state is sent, because WHM resets what is not."""
        rename = {"new_name": after.name} if after.name != before.name else {}
        data = self.call("api_token_update", token_name=before.name, **rename, **state_params(after, all_privileges, clear=True))
        return ApiToken.from_reply(data, after.name) if isinstance(data, dict) and "acls" in data else after

    def revoke(self, names: t.Sequence[str]) -> None:
        """Revoke tokens. One that does not exist any more is as good."""
        try:
            self.call("api_token_revoke", token_name=list(names))
        except ApiError as error:
            if error.kind not in MAY_BE_A_RACE:
                raise
            tokens = self.list_tokens()
            remaining = [name for name in names if name in tokens]
            if len(remaining) == len(names):
                raise
            if remaining:
                self.call("api_token_revoke", token_name=remaining)

    def own_names(self, tokens: t.Mapping[str, ApiToken]) -> tuple[frozenset[str], bool]:
        """Return the names that the authenticating token may have, and whether that is certain.

        WHM says so since version 98. Before, a token with other privileges than the caller's cannot be it.
        """
        if not self.own_token:
            return frozenset(), True
        live = frozenset(name for name, token in tokens.items() if not token.is_expired(self.clock()))
        try:
            data = self.call("api_token_get_details", token=self.own_token)
            if isinstance(data, dict) and data.get("name") in tokens:
                return frozenset({str(data["name"])}), True
        except ApiError as error:
            if error.kind not in MAY_BE_A_RACE:
                raise
        if len(live) == 1:
            return live, True
        try:
            own = self.own_privileges().granted
        except ApiError as error:
            if error.kind not in MAY_BE_A_RACE:
                raise
            return live, False
        return frozenset(name for name in live if same_privileges(tokens[name].acls, own)) or live, False

    def guard(self, names: t.Collection[str], tokens: t.Mapping[str, ApiToken], action: str, force: bool, *, own: bool = True) -> None:
        """Raise a configuration error if a system's token or (with `own`) the one in use would be touched, unless that is forced.

        :param action: what would be done, such as `revoked`.
        """
        if force or not names:
            return
        for name in sorted(names):
            if is_system_name(name):
                raise configuration_error(f"{name} is a token that WHM or another server created for itself", f"set force if it shall be {action} all the same")
        if not own:
            return
        possible, certain = self.own_names(tokens)
        for name in sorted(possible & set(names)):
            if certain:
                hint = f"set force if it shall be {action} all the same, or use another token"
                raise configuration_error(f"{name} is the token that this task authenticates with", hint)
            problem = f"{name} may be the token that this task authenticates with, which only servers since version 98 can say"
            raise configuration_error(problem, f"set force if it shall be {action} all the same, or use the password")


def server_clock(http: HttpSession) -> t.Callable[[], float]:
    """Return a function that returns the server's time in epoch seconds, as far as its replies have shown it."""
    return lambda: time.time() + (http.clock_offset or 0.0)
