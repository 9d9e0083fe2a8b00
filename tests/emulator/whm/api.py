# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The paths of WHM (port 2087) and cPanel (port 2083), and how both say no."""

from __future__ import annotations

import re
from typing import Any

from ..accounts import ACCOUNTS
from ..served import JSON_TYPE, Answer, ServedRequest
from ..system import Description, System
from .auth import Gate, Hulk
from .cpanel import execute, through_cpanel, whm_answer
from .functions import DENIED, Functions
from .model import WhmSettings
from .params import Params, last_of
from .sessions import SESSION_PATH, Sessions, cookie, redirect

PREFIX = "json-api/"
LOGIN_FUNCTIONS = ("api_token_create", "login")
EXECUTE = re.compile(r"^execute/([^/]+)/([^/]+)$")
NOT_FOUND = b"<html><body><h1>404 Not Found</h1></body></html>"


class Whm(System[WhmSettings]):
    name = "whm"
    # WHM and cPanel are two ports of one server.
    mounts = ("whm", "cpanel")
    settings_type = WhmSettings

    def clear(self) -> None:
        self.hulk = Hulk(self.clock)
        self.sessions = Sessions(self.clock)
        self.functions = Functions(self.clock, lambda: self.settings, self.sessions)
        self.gate = Gate(self.clock, lambda: self.settings, self.functions.tokens, self.hulk, self.sessions)

    def changed(self, values: dict[str, Any]) -> None:
        if "accounts" in values:
            self.functions.reset_accounts()

    def revoke_all(self) -> int:
        return self.functions.tokens.revoke_all() + self.sessions.revoke_all()

    @staticmethod
    def _split(request: ServedRequest) -> tuple[str, str]:
        """Return the session's part of the path, or an empty text, and the rest."""
        found = SESSION_PATH.match(request.path)
        return (found.group(1), found.group(2)) if found else ("", request.path)

    def describe(self, request: ServedRequest) -> Description:
        function = self._split(request)[1].removeprefix(PREFIX).strip("/")
        return Description(function, login=function in LOGIN_FUNCTIONS)

    # Answers.

    def refusal(self) -> Answer:
        if self.settings.denial == "html":
            return self._token_denied()
        body = {"cpanelresult": {"apiversion": "2", "error": DENIED, "data": {"reason": DENIED, "result": "0"}, "type": "text"}}
        answer = whm_answer(body, ok=False, status=403)
        answer.content_type, answer.reason = "text/plain; charset=utf-8", "Forbidden Access denied"
        return answer

    @staticmethod
    def _token_denied() -> Answer:
        return Answer(401, b"<html><body><h1>401 Token Denied</h1></body></html>", "text/html", reason="Token Denied")

    def error(self, status: int, message: str) -> Answer:
        return Answer(status, f"<html><body><h1>{message}</h1></body></html>".encode(), "text/html")

    def handle(self, request: ServedRequest) -> Answer:
        session, rest = self._split(request)
        params: Params = [*request.query, *request.form()]
        if rest.strip("/") == "login":
            return self._log_in(request, params)
        answer = self._handle_cpanel(request, session, rest, params) if request.entry == "cpanel" else self._handle_whm(request, session, rest, params)
        if answer.content_type == JSON_TYPE:
            answer.content_type = f"{JSON_TYPE}; charset=utf-8"
        return answer

    def _handle_whm(self, request: ServedRequest, session: str, rest: str, params: Params) -> Answer:
        if not rest.startswith(PREFIX):
            return Answer(404, NOT_FOUND, "text/html")
        caller = self.gate.whm_caller(request, session)
        if caller is None:
            return self._token_denied() if "cookie" in request.kinds else self.refusal()
        if self.settings.denial == "tfa" and "basic" in request.kinds:
            return self._second_factor_page()
        function = rest.removeprefix(PREFIX).strip("/")
        if function in self.settings.ignored_by:
            params = [(name, value) for name, value in params if re.sub(r"-\d+$", "", name) not in self.settings.ignored]
        return self.functions.call(function, caller, params, request)

    @staticmethod
    def _second_factor_page() -> Answer:
        return Answer(200, b'<html><body><form id="tfa_login_form"></form></body></html>', "text/html", ok=False)

    def _handle_cpanel(self, request: ServedRequest, session: str, rest: str, params: Params) -> Answer:
        """UAPI below ``execute/``, API 1, 2 and 3 at ``json-api/cpanel``, and the addresses of dynamic DNS, which need no credential."""
        if rest.startswith("cpanelwebcall/"):
            return self._web_call(rest.partition("/")[2])
        found = EXECUTE.match(rest)
        if not found and rest.strip("/") != "json-api/cpanel":
            return Answer(404, NOT_FOUND, "text/html")
        user = self.functions.accounts.user(self.gate.cpanel_user(request, session))
        if user is None:
            return self._token_denied() if "cookie" in request.kinds else self.refusal()
        return execute(user, found.group(1), found.group(2), params) if found else through_cpanel(user, params)

    def _web_call(self, identifier: str) -> Answer:
        user = self.functions.accounts.user(ACCOUNTS["cpanel"]["username"])
        if user is None or identifier not in user.dynamic_names:
            return Answer(404, b"Not found\n", "text/plain")
        return Answer(200, b"OK\n", "text/plain")

    def _log_in(self, request: ServedRequest, params: Params) -> Answer:
        """Answer a session's path and set its cookie: as JSON with ``login_only=1``, else by a redirect."""
        known = self.sessions.find(last_of(params, "session"))
        if known is not None:
            return redirect(known, request.mount)
        request.saw("password")
        accounts, service = (("cpanel",), "cpaneld") if request.entry == "cpanel" else (("whm", "whm_reseller"), "whostmgrd")
        request.principal = self.gate.by_password(request, last_of(params, "user"), last_of(params, "pass"), accounts)
        only = last_of(params, "login_only") == "1"
        if not request.principal:
            return self._bad_login(only)
        if self.settings.denial == "tfa":
            return self._second_factor_page()
        session = self.sessions.open(request.principal, service)
        if not only:
            return redirect(session, request.mount)
        answer = whm_answer({"status": 1, "redirect": f"/{session.path}/", "security_token": f"/{session.path}"})
        answer.headers.update(cookie(session))
        return answer

    @staticmethod
    def _bad_login(only: bool) -> Answer:
        if only:
            return whm_answer({"status": 0, "message": "invalid_login"}, ok=False, status=401)
        return Answer(401, b"<html><body><div>The login is invalid.</div></body></html>", "text/html", reason="Access Denied")
