# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins and a call at the emulator, as plain as they can be: the tests of the cache are not about providers."""

from __future__ import annotations

import secrets
import time
import warnings
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import jwt
import requests

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth import login as login_module
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import Account, Token

TITLES = {"vss": "VSS", "rackcorp": "RackCorp", "netography": "Netography"}
KINDS = {400: errors.CREDENTIALS, 401: errors.CREDENTIALS, 403: errors.CREDENTIALS, 404: errors.NOT_FOUND, 429: errors.RATE_LIMITED}


def source_of(system: str, options: Mapping[str, Any]) -> EmulatorSource:
    """The source of tokens for an account at a system; the options are those of the collection."""
    return EmulatorSource(system, options)


class EmulatorSource:
    """A ``LoginSource`` for one account at the emulator."""

    def __init__(self, system: str, options: Mapping[str, Any]) -> None:
        self.options = options
        self.clock_offset: float | None = None
        self._by_key = system == "rackcorp" and "api_secret" in options and options.get("login") != "password"
        self._session = options.get("auth") == "session"
        totp = str(options.get("totp_secret") or "")
        principal, credential = str(options.get("username")), (str(options.get("password")), totp)
        if self._by_key:
            principal, credential = options["api_uuid"], (options["api_secret"], "")
        if system == "netography":
            principal, credential = f"{options['shortname']}/{options['appname']}", (options["appkey"], options["shared_secret"])
        self.account = Account(
            system,
            TITLES[system],
            options["api_url"],
            principal,
            scope=("session" if self._session else "jwt", "api_key" if self._by_key else "password") if system == "rackcorp" else (),
            credential=credential,
            one_time_codes=(str(options.get("otp") or ""),),
            depends_on_clock=system == "netography" or bool(totp),
            totp_secret=totp,
        )

    def login(self, now: float, otp: str | None, *, patient: bool) -> Token:
        timeout = self.options["timeout"] if patient else min(self.options["timeout"], login_module.REFRESH_TIMEOUT)
        code = otp or self.options.get("otp")
        body = getattr(self, f"_{self.account.provider}")(now, code, timeout)
        value = body.get("access_token") or body.get("token") or (body.get("sessionId") if self._session else None)
        if not value:
            kind = errors.CREDENTIALS if body.get("code") not in (None, "OK") else errors.PROTOCOL
            raise ApiError(kind, "the login was rejected", "check username and password", status=200, sent=True)
        return Token(str(value), None if self._session else _lifetime(str(value), body))

    def _vss(self, _now: float, code: str | None, timeout: float) -> dict[str, Any]:
        return self._json("POST", "/auth/request-token", timeout, headers=_basic(self.options["username"], self.options["password"]), json={"otp": code})

    def _rackcorp(self, _now: float, code: str | None, timeout: float) -> dict[str, Any]:
        if self._by_key:
            return self._json("GET", "/customer/jsonwebtoken", timeout, headers=_basic(self.options["api_uuid"], self.options["api_secret"]))
        wanted = {} if self._session else {"jwt": 1}
        body = {
            "cmd": "session.login",
            "username": self.options["username"],
            "password": self.options["password"],
            **wanted,
            **({"2fatoken": code} if code else {}),
        }
        return self._json("POST", "/json.php", timeout, json=body)

    def _netography(self, now: float, _code: str | None, timeout: float) -> dict[str, Any]:
        names = ("appname", "appkey", "shortname")
        claims = {"iat": int(now) - 1, "jti": secrets.token_hex(16), **{name: self.options[name] for name in names}}
        with warnings.catch_warnings():
            # The length of the shared secret is Netography's choice.
            warnings.simplefilter("ignore")
            signed = jwt.encode(claims, self.options["shared_secret"], algorithm="HS256")
        return self._json("POST", "/auth/token", timeout, json={"jwt": signed})

    def call(self, path: str, token: str) -> int:
        """Make a call and return its HTTP status."""
        return self._send("GET", path, 10.0, headers={"Authorization": f"Bearer {token}"}).status_code

    def _json(self, method: str, path: str, timeout: float, **request: Any) -> dict[str, Any]:
        response = self._send(method, path, timeout, **request)
        status = response.status_code
        if status >= 400:
            retry_after = float(response.headers["Retry-After"]) if "Retry-After" in response.headers else None
            kind = KINDS.get(status, errors.SERVER)
            raise ApiError(kind, f"the login failed (HTTP {status})", "check username and password", status=status, retry_after=retry_after, sent=True)
        try:
            body = response.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise ApiError(errors.PROTOCOL, "the reply is not the JSON that was expected", status=status, sent=True)
        return body

    def _send(self, method: str, path: str, timeout: float, **request: Any) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            started = time.time()
            try:
                response = session.request(method, self.account.api_url + path, timeout=timeout, **request)
            except requests.RequestException as failure:
                refused = "NewConnectionError" in repr(failure) or isinstance(failure, requests.ConnectTimeout)
                raise ApiError(errors.NETWORK, "no connection" if refused else "no reply", sent=not refused) from None
            # The header has whole seconds, cut off.
            self.clock_offset = parsedate_to_datetime(response.headers["Date"]).timestamp() + 0.5 - (started + time.time()) / 2
            return response


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": requests.auth._basic_auth_str(user.encode(), password.encode())}


def _lifetime(value: str, body: Mapping[str, Any]) -> float | None:
    """The shorter of what the reply and the claims of the token say, in seconds."""
    claims = jwt.decode(value, options={"verify_signature": False})
    stated = body.get("duration") or body.get("expires_in")
    return min(float(claims["exp"] - claims["iat"]), float(stated or "inf"))
