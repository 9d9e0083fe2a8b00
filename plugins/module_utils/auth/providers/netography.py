# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Netography (Vectra) Fusion: a request JWT, signed with the account's shared secret, is exchanged for a bearer token.

Sources: https://docs.netography.com/reference/netosecret, https://docs.netography.com/reference/authentication and the vendor's OpenAPI document.
"""

from __future__ import annotations

import base64
import json
import secrets
import typing as t
import warnings
from functools import cached_property
from urllib.parse import urlsplit

from .. import errors
from ..errors import configuration_error
from ..http.messages import Request
from ..jwt import lifetime
from ..model import Account, Call, CallResult, Token
from ..options import PATH_CALL, option
from . import replies
from .base import TOKEN, Provider, how_to_set, parse_api_url, require, supplied_token

if t.TYPE_CHECKING:
    from ..http.messages import Response
    from ..http.session import HttpSession

READING_POSTS = ("search/", "stats/", "intel/lookup/")
# Replies of these hold tokens and keys.
SECRET_PATHS = ("auth/", "api-keys")
PAGE_SIZE = 1000
# Alternatives of the credential.
NETOSECRET, KEYS = "netosecret", "API key"
# The members of a NETOSECRET and the options that override them.
MEMBERS = {"url": "api_url", "shortname": "shortname", "appname": "appname", "sharedsecret": "shared_secret", "appkey": "appkey"}


class Netography(Provider):
    name = "netography"
    title = "Netography"
    default_url = "https://api.netography.com/api/v1"
    options = (
        option("netography", "api_url", group="address"),
        option("netography", "netosecret", env=("NETOSECRET",), secret=True, trim=True, group="credential", alternative=NETOSECRET),
        option("netography", "appname", group="credential", alternative=KEYS),
        option("netography", "appkey", secret=True, group="credential", alternative=KEYS),
        option("netography", "shortname", group="credential", alternative=KEYS),
        option("netography", "shared_secret", secret=True, group="credential", alternative=KEYS),
        option("netography", "token", secret=True, trim=True, group="credential", alternative=TOKEN),
    )
    compatible = ((NETOSECRET, KEYS),)
    call_options = PATH_CALL

    # -- who asks ------------------------------------------------------------------------------------------------

    @cached_property
    def credentials(self) -> dict[str, str]:
        """The parts of NETOSECRET by the names of their options; an option of its own wins over its part. Raises a configuration error."""
        parts = {name: str(self.values.get(name) or "") for name in MEMBERS.values()}
        if self.values.get("netosecret"):
            decoded = _decode_netosecret(self.values["netosecret"])
            for member, name in MEMBERS.items():
                if not parts[name] and decoded.get(member):
                    parts[name] = _official_url(str(decoded[member])) if member == "url" else str(decoded[member])
        return parts

    def find_base_url(self) -> str:
        return parse_api_url(self.values.get("api_url") or self.credentials["api_url"] or self.default_url)

    def identify(self) -> Account:
        supplied, parts = supplied_token(self.values.get("token")), self.credentials
        names = ("appname", "appkey", "shortname", "shared_secret")
        missing = [name for name in names if not parts[name]]
        if missing and not supplied:
            if len(missing) == len(names):
                ways = "; ".join(how_to_set(known) for known in self.options if known.name in (*names, "netosecret", "token"))
                raise configuration_error("no credentials", f"give netosecret, or its parts {', '.join(names)}, or a token ({ways})")
            require(parts, self.options, *names)
        return Account(
            self.name,
            self.title,
            self.base_url,
            f"{parts['shortname']}/{parts['appname']}",
            credential=(parts["appkey"], parts["shared_secret"]),
            supplied_token=supplied,
            depends_on_clock=True,
        )

    # -- login ---------------------------------------------------------------------------------------------------

    def login(self, http: HttpSession, now: float, otp: str | None) -> Token:
        url = replies.join_url(self.base_url, "auth/token")
        response = http.send(Request("POST", url, json={"jwt": self._sign_request(now)}, single_use=True))
        body = replies.decode_object(response, replies.LOGIN)
        status = replies.effective_status(response, body)
        if status >= 400:
            hints = dict.fromkeys((400, 401, 403), "check appname, appkey, shortname and shared_secret, and this machine's clock")
            hints[404] = "check api_url"
            kind, hint = replies.kind_of_status(status), hints.get(status, "")
            raise replies.refusal(response, replies.LOGIN, kind, code=body.get("name"), message=body.get("message"), hint=hint)
        value = str(body.get("access_token") or "")
        if not value:
            raise response.error(errors.PROTOCOL, "the login succeeded, but its reply holds no access_token", "check api_url")
        lifetimes = (replies.to_lifetime(body.get("expires_in")), lifetime(value, now))
        return Token(value, min((seconds for seconds in lifetimes if seconds), default=None))

    def _sign_request(self, now: float) -> str:
        """Return a signed request, a new one for each attempt: whether a `jti` may be used twice is not documented."""
        try:
            # Optional: only this system signs anything.
            import jwt
        except ImportError:
            raise configuration_error("the Python library PyJWT is missing on the controller", "install it there") from None
        parts = self.credentials
        claims = {
            # The server's clock is known to half a second, and a token from the future is refused.
            "iat": int(now) - 1,
            # Text as RFC 7519 defines it, although the vendor's sample sends a number.
            "jti": secrets.token_hex(16),
            "appname": parts["appname"],
            "appkey": parts["appkey"],
            "shortname": parts["shortname"],
        }
        with warnings.catch_warnings():
            # PyJWT warns about short keys, whose length is Netography's choice.
            warnings.simplefilter("ignore")
            try:
                return str(jwt.encode(claims, parts["shared_secret"], algorithm="HS256"))
            except (jwt.PyJWTError, ValueError):
                raise configuration_error("shared_secret cannot sign a request", "copy it again from Settings, API Keys") from None

    # -- calls ---------------------------------------------------------------------------------------------------

    def plan(self, arguments: t.Mapping[str, t.Any]) -> Call:
        call = replies.plan_path_call(arguments)
        read_only = call.read_only or (call.method == "POST" and call.path.startswith(READING_POSTS))
        secret = call.path.startswith(SECRET_PATHS) and not (call.path.startswith("api-keys") and call.method == "DELETE")
        return call._replace(read_only=read_only, secret_reply=secret)

    def request(self, call: Call, token: str) -> Request:
        url = replies.join_url(self.base_url, call.path)
        return Request(call.method, url, self.headers(token), call.query or None, json=call.body, repeatable=call.read_only)

    def parse(self, call: Call, response: Response) -> CallResult:
        return replies.parse_envelope(call, response, "name", base_url=self.base_url)

    def first_page(self, call: Call) -> Call:
        if not (call.path.startswith("search/") and call.method == "POST"):
            return call
        if not isinstance(call.body, dict):
            raise configuration_error("body must be a dictionary for a search over all pages", "correct it")
        return call._replace(body={"size": PAGE_SIZE, **call.body})

    def next_page(self, call: Call, result: CallResult) -> Call | None:
        if not isinstance(call.body, dict) or "size" not in call.body:
            return None
        items = self.page_items(call, result.data)[1]
        if not replies.has_more_pages(len(items), replies.to_int(call.body["size"]) or PAGE_SIZE):
            return None
        return call._replace(body={**call.body, "from": (replies.to_int(call.body.get("from")) or 0) + len(items)})


def _decode_netosecret(netosecret: str) -> dict[str, t.Any]:
    """Return the members of a NETOSECRET. Padding, line breaks and the URL-safe alphabet are accepted.

    https://docs.netography.com/reference/netosecret
    """
    text = "".join(netosecret.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        members = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8"))
    except ValueError:
        members = None
    if not isinstance(members, dict):
        raise configuration_error("netosecret is not base64 of a JSON object", "copy it again from Settings, API Keys")
    return members


def _official_url(url: str) -> str:
    """Return the address with the path that works: the vendor's pages disagree about `/api/v1` and `/v1`."""
    parts = urlsplit(url.rstrip("/"))
    return f"{parts.scheme}://{parts.netloc}/api/v1" if parts.path in ("", "/v1") else url
