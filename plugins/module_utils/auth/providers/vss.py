# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""University of Toronto VSS / ITS Private Cloud: a token of 24 hours by user, password and one-time code; asynchronous changes.

Sources: eis-vss.atlassian.net/wiki (Authentication, VSS Service, Change Request), pyvss and vss-cli 2026.4.0. Private to this collection.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone
from urllib.parse import parse_qs, urlsplit

from .. import errors
from ..errors import CONFIGURATION, AuthError
from ..option import BY_PATH, Option, Options, option
from ..provider import Account, Provider, Revocation, given_token, require
from ..token import Token, jwt_claims, jwt_lifetime

if t.TYPE_CHECKING:
    from ..call import Call, Outcome
    from ..client import Client, Reply, Request

DAY = 86400.0
MOST_TOKEN_PAGES = 100
ENDED = ("PROCESSED", "SCHEDULED")
FAILED = ("ERROR", "ERROR_RETRY", "CANCELLED", "REFUSED", "MISSED")
# Spellings of older releases.
SPELLINGS = {"ERROR_PROCESSED": "ERROR", "ERROR_RETRYING": "ERROR_RETRY"}


class Vss(Provider):
    name = "vss"
    title = "VSS"
    default_url = "https://cloud-api.eis.utoronto.ca"
    revocation = Revocation()
    options = (
        option("vss", "api_url", env=("VSS_API_URL", "VSS_ENDPOINT")),
        option("vss", "username", env=("VSS_USER", "VSS_API_USER")),
        option("vss", "password", env=("VSS_USER_PASS", "VSS_API_USER_PASS"), secret=True),
        option("vss", "otp", env=("VSS_USER_OTP", "VSS_API_USER_OTP"), secret=True),
        option("vss", "totp_secret", secret=True),
        option("vss", "token", env=("VSS_TOKEN", "VSS_API_TOKEN"), secret=True),
    )
    call_options = (*BY_PATH, Option("wait", "bool", default=False), Option("wait_timeout", "float", default=3600.0, inherited=True))

    # -- who asks ------------------------------------------------------------------------------------------------

    def account(self, options: Options) -> Account:
        given = given_token(self.title, options.get("token"))
        if not given:
            require(options, "username", "password", why="to log in (or a token)")
            if options.get("otp") and options.get("totp_secret"):
                raise AuthError(CONFIGURATION, "otp and totp_secret exclude each other; give one")
        return Account(
            self.name,
            self.title,
            self.base(options),
            str(options.get("username") or ""),
            credential=(str(options.get("password") or ""), str(options.get("totp_secret") or "")),
            once=(str(options.get("otp") or ""),),
            given=given,
            clocked=bool(options.get("totp_secret")),
            totp=str(options.get("totp_secret") or ""),
            pairs=(f"{options.get('username')}:{options.get('password')}",) if options.get("password") else (),
        )

    # -- login ---------------------------------------------------------------------------------------------------

    def login(self, options: Options, client: Client, now: float, otp: str | None) -> Token:
        from .. import wire
        from ..client import Request

        account = self.account(options)
        headers = {"Authorization": wire.basic(account.principal, options["password"])}
        code = otp or options.get("otp") or None
        # The official client always sends the member, null when there is no code.
        reply = client.send(Request("POST", wire.below(account.api_url, "auth/request-token"), headers, json={"otp": code}, once=bool(code)))
        body = wire.body_of(reply, "the login")
        if not isinstance(body, dict):
            raise reply.unreadable()
        status = wire.status_of(reply, body)
        if status >= 400:
            raise self._login_refused(reply, body, status)
        if not body.get("token"):
            raise reply.failed(AuthError(errors.PROTOCOL, "the login succeeded, but its reply holds no token; check api_url"))
        value = str(body["token"])
        return Token(value, wire.seconds_of(body.get("duration")) or jwt_lifetime(value, now) or DAY)

    @staticmethod
    def _login_refused(reply: Reply, body: dict[str, t.Any], status: int) -> AuthError:
        from .. import wire

        code, message = body.get("error"), body.get("message")
        told, kind = f"{code} {message}", errors.CREDENTIALS
        if status == 429 or status >= 500:
            return wire.refused(reply, "the login", wire.kind_of(status), code=code, message=message)
        if "TotpEnforcement" in told:
            hint = "this account must enable multi-factor authentication first; then give totp_secret"
        elif "otp" in told:
            hint = "the one-time code is missing or wrong, so give otp or totp_secret, and check this machine's clock"
        elif status in (404, 405, 410):
            kind, hint = errors.NOT_FOUND, "check api_url"
        else:
            hint = "check username and password, and that this account may use the API"
        return wire.refused(reply, "the login", kind, code=code, message=message, hint=hint)

    # -- calls ---------------------------------------------------------------------------------------------------

    def call(self, options: Options) -> Call:
        from .. import wire

        call = wire.path_call(options, wait=options["wait_timeout"] if options.get("wait") else None)
        return call.having(secret=call.path.startswith(("auth/", "tf/")))

    def request(self, options: Options, call: Call, token: str) -> Request:
        from .. import wire
        from ..client import Request

        base = self.base(options)
        if call.path.startswith("/"):
            # From an address that the system gave: whole, below its own origin.
            base = "{0.scheme}://{0.netloc}".format(urlsplit(base))
        url = wire.below(base, call.path.lstrip("/"))
        return Request(call.method, url, self.headers(options, token), call.query or None, json=call.body, repeatable=call.reads)

    def read(self, call: Call, reply: Reply) -> Outcome:
        from .. import wire

        return wire.enveloped(call, reply, code="error")

    # -- pages and asynchronous requests -------------------------------------------------------------------------

    def next_page(self, options: Options, call: Call, outcome: Outcome) -> Call | None:
        pages = outcome.meta.get("pages")
        url = pages.get("next_url") if isinstance(pages, dict) else None
        return _linked(options, call, str(url)) if url else None

    def poll(self, options: Options, call: Call, outcome: Outcome) -> list[Call]:
        if outcome.status != 202:
            return []
        places = (one.get("_links") for one in (outcome.data, outcome.meta) if isinstance(one, dict))
        found = next((links["request"] for links in places if isinstance(links, dict) and links.get("request")), None)
        if not found:
            raise AuthError(errors.PROTOCOL, f"{call.name} was accepted, but the reply does not say where to follow it; look at the account's requests")
        urls = [str(url) for url in (found if isinstance(found, list) else [found])]
        return [_linked(options, call, url).having(name=f"request {url.rstrip('/').rsplit('/', 1)[-1]}") for url in urls]

    def ended(self, outcome: Outcome) -> bool:
        data = outcome.data if isinstance(outcome.data, dict) else {}
        status = str(data.get("status") or "").upper().replace(" ", "_")
        status = SPELLINGS.get(status, status)
        if status in FAILED:
            message = data.get("message")
            reasons = message.get("errors") if isinstance(message, dict) else message
            told = "; ".join(map(str, reasons)) if isinstance(reasons, list) else str(reasons or "")
            raise AuthError(
                errors.SERVER,
                f"request {data.get('id')} ended as {status} ({told or 'no reason was given'}); look at the request, and correct what was asked for",
                code=status,
                message=told or None,
            )
        return status in ENDED

    # -- revoke --------------------------------------------------------------------------------------------------

    def revoke(self, options: Options, client: Client, token: Token) -> bool:
        """Disable a token: found in the account's list, for the API has no way to name it by its value."""
        from ..call import Call

        page: Call | None = Call("the list of tokens", "GET", "v2/user/token", {"expand": 1, "per_page": 100}, reads=True)
        entries: list[t.Any] = []
        try:
            for _number in range(MOST_TOKEN_PAGES):
                if page is None:
                    break
                outcome = self.read(page, client.send(self.request(options, page, token.value)))
                entries += outcome.data if isinstance(outcome.data, list) else []
                page = self.next_page(options, page, outcome)
        except AuthError as failure:
            if failure.token_refused:
                # Dead already.
                return True
            raise
        number = _own_entry(token.value, entries, whole=page is None)
        if number is None:
            return False
        disabled = Call("the revocation", "PUT", f"v2/user/token/{number}")
        self.read(disabled, client.send(self.request(options, disabled, token.value)))
        return True


def _linked(options: Options, call: Call, url: str) -> Call:
    """A reading call of an address that a reply held. Raises when it leads to another host, which must not see the token."""
    from .. import wire
    from ..call import Call

    try:
        parts = urlsplit(url)
    except ValueError:
        raise AuthError(errors.PROTOCOL, "the reply holds a link that is no address; look at the service, and at any proxy on the way") from None
    if parts.netloc and not wire.same_origin(Vss().base(options), url):
        raise AuthError(
            errors.PROTOCOL,
            f"the reply links to another host ({parts.scheme}://{parts.hostname}), which must not see the token; set api_url to the service's own address",
        )
    return Call(call.name, "GET", "/" + parts.path.lstrip("/"), parse_qs(parts.query, keep_blank_values=True), reads=True, all_pages=call.all_pages)


def _own_entry(token: str, entries: list[t.Any], whole: bool) -> str | None:
    """The number of the token itself in the account's list; `None` where it cannot be told from others.

    In a whole list, the only entry that is valid is that of the token which the list was asked for with.
    """
    valid = [entry for entry in entries if isinstance(entry, dict) and entry.get("valid") is not False]
    try:
        claims = jwt_claims(token)
    except ValueError:
        claims = {}
    names = {str(claims[name]) for name in ("jti", "id", "token_id") if claims.get(name) is not None}
    by_name = [entry for entry in valid if str(entry.get("id")) in names and not _contradicts(entry, claims)]
    by_time = [entry for entry in valid if _same_moment(entry.get("created_on"), claims.get("iat")) or _same_moment(entry.get("expiration"), claims.get("exp"))]
    for found in (by_name, by_time, valid if whole else []):
        if len(found) == 1:
            return str(found[0].get("id"))
    return None


def _contradicts(entry: dict[str, t.Any], claims: t.Mapping[str, t.Any]) -> bool:
    """Whether an entry ends at another time than the token says: then a number that they share is chance."""
    told, claim = _epoch(entry.get("expiration")), claims.get("exp")
    return told is not None and isinstance(claim, (int, float)) and not _same_moment(told, claim)


def _same_moment(told: t.Any, claim: t.Any) -> bool:
    if told is None or not isinstance(claim, (int, float)):
        return False
    seconds = _epoch(told)
    return seconds is not None and abs(seconds - claim) <= 1


def _epoch(told: t.Any) -> float | None:
    """A moment that the API writes as epoch seconds or as text."""
    if isinstance(told, (int, float)):
        return float(told)
    for form in ("%Y-%m-%d %H:%M:%S %Z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S"):
        try:
            return datetime.strptime(str(told), form).replace(tzinfo=timezone.utc).timestamp()
        except ValueError:
            continue
    return None
