# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Acme: a token by user name and password, for as long as the reply says; lists in pages that are numbered.

Private to this collection.
"""

from __future__ import annotations

import typing as t

from .. import errors
from ..errors import AuthError
from ..option import BY_PATH, Options, option
from ..provider import Account, Provider, given_token, require
from ..token import Token

if t.TYPE_CHECKING:
    from ..call import Call, Outcome
    from ..client import Client, Reply, Request


class Acme(Provider):
    name = "acme"
    title = "Acme"
    default_url = "https://api.acme.example/v1"
    options = (
        option("acme", "api_url"),
        option("acme", "username"),
        option("acme", "password", secret=True),
        option("acme", "token", secret=True),
    )
    call_options = BY_PATH

    def account(self, options: Options) -> Account:
        given = given_token(self.title, options.get("token"))
        if not given:
            require(options, "username", "password", why="to log in (or a token)")
        user, password = str(options.get("username") or ""), str(options.get("password") or "")
        return Account(self.name, self.title, self.base(options), user, credential=(password,), given=given)

    def login(self, options: Options, client: Client, now: float, otp: str | None) -> Token:
        from .. import wire
        from ..client import Request

        credential = {"user": options["username"], "password": options["password"]}
        reply = client.send(Request("POST", wire.below(self.base(options), "login"), json=credential))
        body = _object(reply, "the login")
        if reply.status >= 400:
            raise wire.refused(reply, "the login", message=body.get("error"), hint="check username and password" if reply.status == 401 else "")
        if not body.get("token"):
            raise reply.failed(AuthError(errors.PROTOCOL, "the login succeeded, but its reply holds no token; check api_url"))
        return Token(str(body["token"]), wire.seconds_of(body.get("seconds")))

    def call(self, options: Options) -> Call:
        from .. import wire

        return wire.path_call(options)

    def request(self, options: Options, call: Call, token: str) -> Request:
        from .. import wire
        from ..client import Request

        url = wire.below(self.base(options), call.path)
        return Request(call.method, url, self.headers(options, token), call.query or None, json=call.body, repeatable=call.reads)

    def read(self, call: Call, reply: Reply) -> Outcome:
        from .. import wire
        from ..call import Outcome

        body = _object(reply, call.name)
        if reply.status >= 400:
            raise wire.refused(reply, call.name, message=body.get("error"), token_refused=reply.status == 401)
        return Outcome(body.get("items", body), {"next": body.get("next")}, secret=wire.carries_secret(body))

    def next_page(self, options: Options, call: Call, outcome: Outcome) -> Call | None:
        page = outcome.meta["next"]
        return call.having(query={**call.query, "page": page}) if page else None


def _object(reply: Reply, what: str) -> dict[str, t.Any]:
    """The reply's body. Raises where it is not what Acme promises."""
    from .. import wire

    body = {} if reply.status == 204 else wire.body_of(reply, what)
    if not isinstance(body, dict):
        raise reply.unreadable()
    return body
