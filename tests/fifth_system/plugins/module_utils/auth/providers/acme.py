# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Acme: a token by user name and password, for as long as the reply says; lists in numbered pages.

Source: https://docs.acme.example/api
"""

from __future__ import annotations

import typing as t

from .. import errors
from ..http.messages import Request
from ..model import Account, Call, CallResult, Token
from ..options import PATH_CALL, option
from . import replies
from .base import TOKEN, Provider, require, supplied_token

if t.TYPE_CHECKING:
    from ..http.messages import Response
    from ..http.session import HttpSession


class Acme(Provider):
    name = "acme"
    title = "Acme"
    default_url = "https://api.acme.example/v1"
    options = (
        option("acme", "api_url", group="address"),
        option("acme", "username", group="credential", alternative="login"),
        option("acme", "password", secret=True, group="credential", alternative="login"),
        option("acme", "token", secret=True, trim=True, group="credential", alternative=TOKEN),
    )
    call_options = PATH_CALL

    def identify(self) -> Account:
        supplied = supplied_token(self.values.get("token"))
        if not supplied:
            require(self.values, self.options, "username", "password", purpose="to log in (or a token)")
        user, password = self.values.get("username") or "", self.values.get("password") or ""
        return Account(self.name, self.title, self.base_url, user, credential=(password,), supplied_token=supplied)

    def login(self, http: HttpSession, now: float, otp: str | None) -> Token:
        credential = {"user": self.values["username"], "password": self.values["password"]}
        response = http.send(Request("POST", replies.join_url(self.base_url, "login"), json=credential))
        body = replies.decode_object(response, replies.LOGIN)
        if response.status >= 400:
            hint = "check username and password" if response.status == 401 else ""
            raise replies.refusal(response, replies.LOGIN, message=body.get("error"), hint=hint)
        if not body.get("token"):
            raise response.error(errors.PROTOCOL, "the login succeeded, but its reply holds no token", "check api_url")
        return Token(str(body["token"]), replies.to_lifetime(body.get("seconds")))

    def plan(self, arguments: t.Mapping[str, t.Any]) -> Call:
        return replies.plan_path_call(arguments)

    def request(self, call: Call, token: str) -> Request:
        url = replies.join_url(self.base_url, call.path)
        return Request(call.method, url, self.headers(token), call.query or None, json=call.body, repeatable=call.read_only)

    def parse(self, call: Call, response: Response) -> CallResult:
        if replies.has_no_body(call, response):
            return CallResult(None)
        body = replies.decode_object(response, call.name)
        if response.status >= 400:
            raise replies.refusal(response, call.name, message=body.get("error"), token_refused=response.status == 401)
        return CallResult(body.get("items", body), {"next": body.get("next")})

    def next_page(self, call: Call, result: CallResult) -> Call | None:
        page = result.meta["next"]
        return call._replace(query={**call.query, "page": page}) if page else None
