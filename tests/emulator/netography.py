# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netography (Vectra) Fusion: a signed request token is changed into a bearer token; ``{"meta", "data"}`` envelopes."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt

from .accounts import ACCOUNTS
from .store import TokenStore, same
from .system import Description, Settings, System
from .wire import BadBody, Call, Json, Reply, integer, json_reply, no_content

PREFIX = "api/v1/"
FLOWS = 120
BULK_LIMIT = 10000


@dataclass
class NetographySettings(Settings):
    """``iat_window``: seconds that the request token's ``iat`` may be behind the clock. ``iat_ahead``: how many it may be ahead."""

    token_ttl: float = 86400.0
    iat_window: float = 300.0
    iat_ahead: float = 300.0
    jti_once: bool = True
    flows: int = FLOWS


class Refused(Exception):
    """An error in the API's shape."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.name = name
        self.message = message


BAD_TOKEN = (401, "Unauthorized", "Access token is missing or invalid")
BAD_LOGIN = (401, "Unauthorized", "Missing or invalid credentials")
NOT_FOUND = (404, "NotFound", "Not found")
BAD_REQUEST = (400, "BadRequest", "The request is not valid")


class Netography(System[NetographySettings]):
    name = "netography"
    settings_type = NetographySettings

    def clear(self) -> None:
        self.tokens = TokenStore(self.clock)
        self.refresh_tokens = TokenStore(self.clock)
        self.seen_jti: set[tuple[str, str]] = set()
        self.shared = {account["shortname"]: account["shared_secret"] for account in _accounts()}
        self.app_keys = {account["appname"]: account["appkey"] for account in _accounts()}
        self.devices: dict[int, Json] = {
            number: {"id": number, "name": f"router{number}", "ips": [f"198.51.100.{number}"], "samplerate": 1000, "enabled": True} for number in range(1, 6)
        }
        self.labels: dict[tuple[str, str], Json] = {("192.0.2.1", "name"): {"ip": "192.0.2.1", "context": "name", "labels": ["web"]}}

    def revoke_all(self) -> int:
        return self.tokens.revoke_all()

    def describe(self, call: Call) -> Description:
        path = call.path.removeprefix(PREFIX).strip("/")
        return Description(f"{call.method} {path}", login=path == "auth/token")

    def refusal(self) -> Reply:
        return self._error(*BAD_TOKEN)

    def error(self, status: int, message: str) -> Reply:
        return self._error(status, "TooManyRequests" if status == 429 else "Error", message)

    @staticmethod
    def _error(status: int, name: str, message: str) -> Reply:
        return json_reply({"status": status, "name": name, "message": message}, status)

    def handle(self, call: Call) -> Reply:
        try:
            if not call.path.startswith(PREFIX):
                raise Refused(*NOT_FOUND)
            path = call.path.removeprefix(PREFIX).strip("/")
            if path == "auth/token":
                return self._login(call)
            self._authenticate(call)
            return self._route(call, path)
        except BadBody:
            return self._error(*BAD_REQUEST)
        except Refused as refused:
            return self._error(refused.status, refused.name, refused.message)

    # authentication

    def _authenticate(self, call: Call) -> None:
        scheme, value = call.authorization()
        if scheme:
            call.saw(scheme)
        issued = self.tokens.find(value) if scheme == "bearer" else None
        if issued is None:
            raise Refused(*BAD_TOKEN)
        call.principal = issued.principal

    def _login(self, call: Call) -> Reply:
        if call.method != "POST":
            raise Refused(*NOT_FOUND)
        call.saw("jwt")
        if call.authorization()[0]:
            call.saw(call.authorization()[0])
        claims = self._verified(str(call.json_object().get("jwt") or ""))
        call.principal = f"{claims['shortname']}/{claims['appname']}"
        return self._granted(call.principal)

    def _verified(self, token: str) -> Json:
        """The claims, if the token is signed with the account's secret, fresh, new and names a key that exists."""
        try:
            header = jwt.get_unverified_header(token)
            unverified = jwt.decode(token, options={"verify_signature": False})
            secret = self.shared[str(unverified.get("shortname"))]
            claims: Json = jwt.decode(token, secret, algorithms=["HS256"], options={"verify_iat": False, "verify_exp": False, "verify_sub": False})
        except (jwt.PyJWTError, KeyError) as error:
            raise Refused(*BAD_LOGIN) from error
        if header.get("typ") != "JWT" or not self._fresh(claims) or not self._known_key(claims):
            raise Refused(*BAD_LOGIN)
        return claims

    def _fresh(self, claims: Json) -> bool:
        iat, jti = claims.get("iat"), claims.get("jti")
        if not isinstance(iat, int) or not -self.settings.iat_window <= iat - self.clock.now() <= self.settings.iat_ahead:
            return False
        mark = (str(claims.get("appname")), str(jti))
        # A text (RFC 7519), whatever the version of the library that has decoded it.
        if not isinstance(jti, str) or (self.settings.jti_once and mark in self.seen_jti):
            return False
        self.seen_jti.add(mark)
        return True

    def _known_key(self, claims: Json) -> bool:
        key = self.app_keys.get(str(claims.get("appname")))
        return key is not None and same(key, str(claims.get("appkey")))

    def _granted(self, principal: str) -> Reply:
        ttl = self.settings.token_ttl
        issued = self.tokens.issue_jwt(principal, ttl, {"iss": f"realms/{principal.partition('/')[0]}", "typ": "Bearer"})
        return json_reply({
            "access_token": issued.value,
            "expires_in": int(ttl),
            "refresh_expires_in": int(ttl),
            "refresh_token": self.refresh_tokens.issue_jwt(principal, ttl, {"typ": "Refresh"}).value,
            "token_type": "bearer",
            "id_token": "",
            "not-before-policy": 0,
            "session-state": str(uuid.uuid4()),
            "scope": "profile email",
        })  # fmt: skip

    # resources

    def _route(self, call: Call, path: str) -> Reply:
        routes: dict[tuple[str, str], Callable[[Call, str], Reply]] = {
            ("GET", "devices"): lambda _call, _rest: _listed(list(self.devices.values())),
            ("GET", "device"): lambda _call, rest: _listed([self._device(rest)]),
            ("POST", "device"): lambda call, _rest: self._create_device(call),
            ("DELETE", "device"): self._delete_device,
            ("POST", "search/flow"): lambda call, _rest: self._search(call),
            ("POST", "stats/flow/agg"): lambda call, _rest: self._aggregate(call),
            ("POST", "intel/lookup/ips"): lambda call, _rest: self._lookup(call),
            ("GET", "labels/ips"): lambda _call, rest: self._show_labels(rest),
            ("POST", "labels/ips"): lambda call, _rest: self._set_labels(call),
            ("PUT", "labels/ips"): lambda call, _rest: self._set_labels(call),
            ("PUT", "labels/ips/bulk"): lambda call, _rest: self._set_labels(call),
            ("DELETE", "labels/ips/bulk"): lambda call, _rest: self._delete_labels(call),
            ("DELETE", "labels/ips"): lambda _call, rest: self._delete_label(rest),
            ("GET", "api-keys"): lambda _call, _rest: _listed([{"appname": name} for name in self.app_keys]),
            ("POST", "api-keys"): lambda call, _rest: self._create_key(call),
            ("PUT", "api-keys"): lambda _call, rest: self._renew_key(rest),
            ("DELETE", "api-keys"): lambda _call, rest: self._delete_key(rest),
        }
        for length in range(path.count("/") + 1, 0, -1):
            parts = path.split("/")
            found = routes.get((call.method, "/".join(parts[:length])))
            if found:
                return found(call, "/".join(parts[length:]))
        raise Refused(*NOT_FOUND)

    def _device(self, wanted: str) -> Json:
        found = self.devices.get(integer(wanted, -1))
        if found is None:
            raise Refused(404, "NotFound", "Device not found")
        return found

    def _create_device(self, call: Call) -> Reply:
        """A single device is answered as a list."""
        body = call.json_object()
        if not body.get("name") or not body.get("ips"):
            raise Refused(400, "BadRequest", "name and ips are required")
        number = max(self.devices, default=0) + 1
        self.devices[number] = {**body, "id": number}
        return _listed([self.devices[number]])

    def _delete_device(self, _call: Call, rest: str) -> Reply:
        del self.devices[self._device(rest)["id"]]
        return no_content()

    def _search(self, call: Call) -> Reply:
        body = call.json_object()
        if "start" not in body or "end" not in body:
            raise Refused(400, "BadRequest", "start and end are required")
        first, size = integer(body.get("from"), 0), integer(body.get("size"), 100)
        last = min(first + size, self.settings.flows)
        return _listed([{"id": f"flow-{number}", "srcip": f"192.0.2.{number % 250}", "dstport": 443, "bits": number * 8} for number in range(first, last)])

    @staticmethod
    def _aggregate(call: Call) -> Reply:
        series = call.json_object().get("series") or [{"metric": "bits"}]
        return _listed([{"series": one, "value": 42} for one in series])

    @staticmethod
    def _lookup(call: Call) -> Reply:
        body = call.json()
        asked = body if isinstance(body, list) else body.get("ips", [])
        return _listed([{"ip": ip, "asn": 64500, "country": "CA", "reputation": []} for ip in asked])

    def _show_labels(self, rest: str) -> Reply:
        ip, _sep, context = rest.partition("/")
        return _listed([row for key, row in self.labels.items() if ip in ("", "all", key[0]) and context in ("", key[1])])

    @staticmethod
    def _label_rows(call: Call) -> list[Json]:
        body = call.json()
        rows = body if isinstance(body, list) else [body]
        if len(rows) > BULK_LIMIT or not all(isinstance(row, dict) and row.get("ip") and row.get("context") for row in rows):
            raise Refused(400, "BadRequest", "ip and context are required")
        return rows

    def _set_labels(self, call: Call) -> Reply:
        """One label is answered as an object."""
        rows = self._label_rows(call)
        self.labels.update({(row["ip"], row["context"]): row for row in rows})
        return json_reply({"meta": {"code": 200, "count": len(rows)}, "data": rows[0] if len(rows) == 1 else rows})

    def _delete_labels(self, call: Call) -> Reply:
        for row in self._label_rows(call):
            self.labels.pop((row["ip"], row["context"]), None)
        return no_content()

    def _delete_label(self, rest: str) -> Reply:
        ip, _sep, context = rest.partition("/")
        if self.labels.pop((ip, context), None) is None:
            raise Refused(404, "NotFound", "Label not found")
        return no_content()

    def _create_key(self, call: Call) -> Reply:
        """The only time that the key is shown."""
        name = str(call.json_object().get("appname") or "")
        if not name or name in self.app_keys:
            raise Refused(400, "BadRequest", "appname is missing or taken")
        self.app_keys[name] = secrets.token_urlsafe(24)
        return json_reply({"meta": {"code": 200, "count": 1}, "data": {"appname": name, "appkey": self.app_keys[name]}})

    def _renew_key(self, rest: str) -> Reply:
        name, _sep, action = rest.partition("/")
        if action != "regen" or name not in self.app_keys:
            raise Refused(*NOT_FOUND)
        self.app_keys[name] = secrets.token_urlsafe(24)
        return json_reply({"meta": {"code": 200, "count": 1}, "data": {"appname": name, "appkey": self.app_keys[name]}})

    def _delete_key(self, name: str) -> Reply:
        if self.app_keys.pop(name, None) is None:
            raise Refused(404, "NotFound", "API key not found")
        return no_content()


def _accounts() -> list[dict[str, str]]:
    return [account for name, account in ACCOUNTS.items() if name.startswith("netography")]


def _listed(rows: list[Any]) -> Reply:
    return json_reply({"meta": {"code": 200, "count": len(rows)}, "data": rows})
