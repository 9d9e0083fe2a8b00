# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Netography (Vectra) Fusion: a request JWT signed with the account's shared secret is exchanged for a bearer token.

Sources: docs.netography.com (netosecret, create-a-netography-api-key, authentication), the vendor's OpenAPI. Private to this collection.
"""

from __future__ import annotations

import base64
import json
import secrets
import typing as t
import warnings
from urllib.parse import urlsplit

from .. import errors
from ..errors import CONFIGURATION, AuthError
from ..option import BY_PATH, Options, option
from ..provider import Account, Provider, api_url, given_token, require
from ..token import Token, jwt_lifetime

if t.TYPE_CHECKING:
    from ..call import Call, Outcome
    from ..client import Client, Reply, Request

READING_POSTS = ("search/", "stats/", "intel/lookup/")
PAGE_SIZE = 1000
# NETOSECRET's members and the options that win over them.
MEMBERS = {"url": "api_url", "shortname": "shortname", "appname": "appname", "sharedsecret": "shared_secret", "appkey": "appkey"}


class Netography(Provider):
    name = "netography"
    title = "Netography"
    default_url = "https://api.netography.com/api/v1"
    options = (
        option("netography", "api_url"),
        option("netography", "netosecret", env=("NETOSECRET",), secret=True),
        option("netography", "appname"),
        option("netography", "appkey", secret=True),
        option("netography", "shortname"),
        option("netography", "shared_secret", secret=True),
        option("netography", "token", secret=True),
    )
    call_options = BY_PATH

    # -- who asks ------------------------------------------------------------------------------------------------

    def base(self, options: Options) -> str:
        return api_url(self._held(options), self.default_url)

    def account(self, options: Options) -> Account:
        held = self._held(options)
        given = given_token(self.title, options.get("token"))
        if not given:
            require(held, "appname", "appkey", "shortname", "shared_secret", why="(netosecret holds all of them, or a token takes their place)")
        return Account(
            self.name,
            self.title,
            self.base(options),
            f"{held.get('shortname') or ''}/{held.get('appname') or ''}",
            credential=(str(held.get("appkey") or ""), str(held.get("shared_secret") or "")),
            given=given,
            clocked=True,
        )

    @staticmethod
    def _held(options: Options) -> Options:
        """The parts of NETOSECRET, and the single options, which win."""
        held = Options({name: options.get(name) for name in MEMBERS.values()})
        if not options.get("netosecret"):
            return held
        decoded = _decoded(options["netosecret"])
        for member, name in MEMBERS.items():
            if not held[name] and decoded.get(member):
                held[name] = _official_url(str(decoded[member])) if member == "url" else str(decoded[member])
        return held

    # -- login ---------------------------------------------------------------------------------------------------

    def login(self, options: Options, client: Client, now: float, otp: str | None) -> Token:
        from .. import wire
        from ..client import Request

        held = self._held(options)
        url = wire.below(self.base(options), "auth/token")
        reply = client.send(Request("POST", url, json={"jwt": self._request_token(held, now)}, once=True))
        what = "the login"
        body = wire.body_of(reply, what)
        if not isinstance(body, dict):
            raise reply.unreadable()
        status = wire.status_of(reply, body)
        if status >= 400:
            hints = dict.fromkeys((400, 401, 403), "check appname, appkey, shortname and shared_secret, and this machine's clock")
            hints[404] = "check api_url"
            raise wire.refused(reply, what, wire.kind_of(status), code=body.get("name"), message=body.get("message"), hint=hints.get(status, ""))
        if not body.get("access_token"):
            raise reply.failed(AuthError(errors.PROTOCOL, "the login succeeded, but its reply holds no access_token; check api_url"))
        value = str(body["access_token"])
        lifetimes = (wire.seconds_of(body.get("expires_in")), jwt_lifetime(value, now))
        return Token(value, min((one for one in lifetimes if one), default=None))

    @staticmethod
    def _request_token(held: Options, now: float) -> str:
        """The signed request, new for each attempt: whether a `jti` may be used again is not documented."""
        try:
            import jwt
        except ImportError:
            raise AuthError(CONFIGURATION, "the Python library PyJWT is missing on the controller; install it there") from None
        claims = {
            # The server's clock is known to half a second, and a token from the future is refused.
            "iat": int(now) - 1,
            # A text (RFC 7519): a strict reader refuses a number.
            "jti": secrets.token_hex(16),
            "appname": held["appname"],
            "appkey": held["appkey"],
            "shortname": held["shortname"],
        }
        with warnings.catch_warnings():
            # The length of the shared secret is Netography's choice.
            warnings.simplefilter("ignore")
            try:
                return str(jwt.encode(claims, held["shared_secret"], algorithm="HS256"))
            except (jwt.PyJWTError, ValueError):
                raise AuthError(CONFIGURATION, "shared_secret cannot sign a request; copy it again from Settings, API Keys") from None

    # -- calls ---------------------------------------------------------------------------------------------------

    def call(self, options: Options) -> Call:
        from .. import wire

        call = wire.path_call(options)
        reads = call.reads or (call.method == "POST" and call.path.startswith(READING_POSTS))
        secret = call.path.startswith(("auth/", "api-keys")) and not (call.path.startswith("api-keys") and call.method == "DELETE")
        if options.get("all_pages") and call.path.startswith("search/") and call.method == "POST":
            if not isinstance(call.body, dict):
                raise AuthError(CONFIGURATION, "body must be a dictionary for a search over all pages")
            return call.having(reads=reads, secret=secret, body={"size": PAGE_SIZE, **call.body})
        return call.having(reads=reads, secret=secret)

    def request(self, options: Options, call: Call, token: str) -> Request:
        from .. import wire
        from ..client import Request

        url = wire.below(self.base(options), call.path)
        return Request(call.method, url, self.headers(options, token), call.query or None, json=call.body, repeatable=call.reads)

    def read(self, call: Call, reply: Reply) -> Outcome:
        from .. import wire

        return wire.enveloped(call, reply, code="name")

    def next_page(self, options: Options, call: Call, outcome: Outcome) -> Call | None:
        from .. import wire

        if not isinstance(call.body, dict) or "size" not in call.body:
            return None
        items = self.items(call, outcome.data)[1]
        if not wire.may_go_on(len(items), wire.number_of(call.body["size"]) or PAGE_SIZE):
            return None
        return call.having(body={**call.body, "from": (wire.number_of(call.body.get("from")) or 0) + len(items)})


def _decoded(netosecret: str) -> dict[str, t.Any]:
    """The members of a NETOSECRET; padding, line breaks and the alphabet do not matter (docs.netography.com/reference/netosecret)."""
    text = "".join(netosecret.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        members = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8"))
    except ValueError:
        members = None
    if not isinstance(members, dict):
        raise AuthError(CONFIGURATION, "netosecret is not base64 of a JSON object; copy it again from Settings, API Keys")
    return members


def _official_url(url: str) -> str:
    """Documentation pages disagree on the path: /api/v1 is what works, /v1 is what one of them says."""
    parts = urlsplit(url.rstrip("/"))
    return f"{parts.scheme}://{parts.netloc}/api/v1" if parts.path in ("", "/v1") else url
