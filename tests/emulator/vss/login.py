# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VSS's token endpoint, its second factor, and the tokens of an account."""

from __future__ import annotations

from collections.abc import Callable

from ..accounts import ACCOUNTS
from ..issued import Clock, Issued, IssuedTokens, same
from ..served import Answer, Json, ServedRequest, json_answer
from ..totp import Checker
from .limits import LoginWindow, Refused, VssSettings
from .times import old_stamp, stamp

NAMES = {401: "unauthorized", 404: "not found", 429: "too many requests", 503: "service unavailable"}


def failure(status: int, message: str, error: str = "") -> Answer:
    return json_answer({"error": error or NAMES.get(status, "error"), "message": message, "status": status}, status)


class Logins:
    def __init__(self, clock: Clock, settings: Callable[[], VssSettings], base: Callable[[ServedRequest], str]) -> None:
        self._clock = clock
        self._settings = settings
        self._base = base
        self._window = LoginWindow(clock)
        self.tokens = IssuedTokens(clock)
        self.totp = Checker()

    def request_token(self, request: ServedRequest, path: str) -> Answer:
        """``POST auth/request-token``: a password in Basic, and a code where the account needs one."""
        if request.method != "POST":
            raise Refused(405, "method not allowed", "Use POST.")
        headers, admitted = self._window.count(request.peer, self._settings())
        account = self._account(request)
        if not admitted:
            answer = failure(429, "Too many requests.")
            answer.headers.update(headers)
            return answer
        if account is None:
            return self._not_authenticated(request, path)
        request.principal = account["username"]
        self._second_factor(request, account)
        answer = json_answer(self._grant(request, account))
        answer.headers.update({"Allow": "POST, OPTIONS", **headers})
        return answer

    def second_factor_request(self, request: ServedRequest, path: str) -> Answer:
        """``POST tf/verify`` checks a code, ``POST tf/request-token`` has one sent."""
        if request.method != "POST":
            raise Refused(405, "method not allowed", "Use POST.")
        account = self._account(request)
        if account is None:
            return self._not_authenticated(request, path)
        request.principal = account["username"]
        if "totp_secret" not in account:
            raise Refused(self._settings().otp_status, "TotpEnforcement", "TotpEnforcement: Must enable TOTP")
        if path == "tf/request-token":
            return json_answer({"status": 200, "message": "A code has been sent."})
        self._second_factor(request, account)
        return json_answer({"status": 200, "message": "The code is valid."})

    @staticmethod
    def _account(request: ServedRequest) -> dict[str, str] | None:
        """Find the account of the Basic credentials. An account that is not permitted is refused like a wrong password."""
        if request.authorization()[0]:
            request.saw(request.authorization()[0])
        user, password = request.basic() or ("", "")
        for account in (ACCOUNTS["vss"], ACCOUNTS["vss_mfa"]):
            if account["username"] == user and same(account["password"], password):
                return account
        return None

    def _not_authenticated(self, request: ServedRequest, path: str) -> Answer:
        answer = failure(401, "Please authenticate to get your token.")
        answer.reason = "UNAUTHORIZED"
        answer.headers.update(
            {"Allow": "POST, OPTIONS", "Location": f"{self._base(request)}/{path}", "WWW-Authenticate": 'Basic realm="Authentication Required"'}
        )
        return answer

    def _second_factor(self, request: ServedRequest, account: dict[str, str]) -> None:
        body = request.json_object()
        secret, code = account.get("totp_secret"), str(body.get("otp") or "")
        settings = self._settings()
        if code:
            request.saw("otp")
        if secret is None:
            if settings.totp_required:
                raise Refused(settings.otp_status, "TotpEnforcement", "TotpEnforcement: Must enable TOTP")
            return
        if not self.totp.accept(secret, code, self._clock.now(), settings.totp_once):
            raise Refused(settings.otp_status, "InvalidParameterValue", "InvalidParameterValue: otp")

    def _grant(self, request: ServedRequest, account: dict[str, str]) -> Json:
        settings = self._settings()
        ttl = settings.token_ttl
        issued = self.tokens.issue_jwt(account["username"], ttl, {"otp": "totp_secret" in account})
        issued.notes.update(ip=request.peer, duration=int(ttl))
        body: Json = {"duration": int(ttl), "token": issued.value}
        if settings.shape == "current":
            return {**body, "exp": int(issued.expires), "exp_date": stamp(issued.expires), "type": "ACCESS"}
        until = {"valid_until": old_stamp(issued.expires)} if settings.shape == "2016-12" else {}
        return {**body, "user": account["username"], **until}

    def authenticate(self, request: ServedRequest) -> Issued | None:
        """Accept Bearer, or the token as a Basic user name with an empty password."""
        scheme, value = request.authorization()
        if scheme:
            request.saw(scheme)
        basic = request.basic()
        if basic is not None:
            value = basic[0] if not basic[1] else ""
        issued = self.tokens.find(value) if scheme in ("bearer", "basic") else None
        request.principal = issued.principal if issued else ""
        return issued

    # The tokens of an account.

    def rows(self, user: str) -> list[Json]:
        return [self.row(issued) for issued in self.tokens.tokens.values() if issued.principal == user]

    def row(self, issued: Issued) -> Json:
        now = self._clock.now()
        return {
            "id": issued.number,
            "created_on": stamp(issued.issued),
            "updated_on": stamp(issued.issued),
            "last_access": stamp(issued.last_used) if issued.last_used else None,
            "ip_address": issued.notes.get("ip", ""),
            "valid": issued.valid and now < issued.expires,
            "type": "ACCESS",
            "expiration": stamp(issued.expires),
            "duration": issued.notes.get("duration", 0),
        }

    def own(self, user: str, number: str) -> Issued:
        for found in self.tokens.tokens.values():
            if found.number == int(number) and found.principal == user:
                return found
        raise Refused(404, "not found", "Token not found.")

    def delete(self, issued: Issued) -> None:
        del self.tokens.tokens[issued.value]
