# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""University of Toronto VSS / ITS Private Cloud: a token for 24 hours by user, password and one-time code; asynchronous changes.

Sources: https://eis-vss.atlassian.net/wiki (Authentication, VSS Service, Change Request), pyvss and vss-cli on PyPI.
"""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

from .. import errors
from ..errors import ApiError, configuration_error
from ..http.messages import Request
from ..jwt import decode_claims, lifetime
from ..model import Account, Call, CallResult, Revocation, Token
from ..options import PATH_CALL, Option, option
from . import replies
from .base import TOKEN, Provider, how_to_set, require, supplied_token

if t.TYPE_CHECKING:
    from ..http.messages import Response
    from ..http.session import HttpSession

DAY = 86400.0
MAX_TOKEN_PAGES = 100
FINISHED = ("PROCESSED", "SCHEDULED")
FAILED = ("ERROR", "ERROR_RETRY", "CANCELLED", "REFUSED", "MISSED")
# Spellings of older releases.
SPELLINGS = {"ERROR_PROCESSED": "ERROR", "ERROR_RETRYING": "ERROR_RETRY"}
LOGIN = "login"
# The zones that the API writes by name: Toronto's, and UTC.
ZONES = {"EST": -5, "EDT": -4, "UTC": 0, "GMT": 0, "Z": 0}
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ T](?:[A-Za-z]{3},? )?(\d\d):(\d\d):(\d\d)(?:\.\d+)?\s*([A-Za-z]+|[+-]\d\d:?\d\d)?")


class Vss(Provider):
    name = "vss"
    title = "VSS"
    default_url = "https://cloud-api.eis.utoronto.ca"
    revocation = Revocation()
    options = (
        option("vss", "api_url", env=("VSS_API_URL", "VSS_ENDPOINT"), group="address"),
        option("vss", "username", env=("VSS_USER", "VSS_API_USER"), group="credential", alternative=LOGIN),
        option("vss", "password", env=("VSS_USER_PASS", "VSS_API_USER_PASS"), secret=True, group="credential", alternative=LOGIN),
        option("vss", "otp", env=("VSS_USER_OTP", "VSS_API_USER_OTP"), secret=True, trim=True, group="credential", alternative=LOGIN),
        option("vss", "totp_secret", secret=True, trim=True, group="credential", alternative=LOGIN),
        option("vss", "token", env=("VSS_TOKEN", "VSS_API_TOKEN"), secret=True, trim=True, group="credential", alternative=TOKEN),
    )
    call_options = (*PATH_CALL, Option("wait", "bool", default=False), Option("wait_timeout", "float", default=3600.0, per_call=True))

    # -- who asks ------------------------------------------------------------------------------------------------

    def identify(self) -> Account:
        values = self.values
        supplied = supplied_token(values.get("token"))
        username, password, totp_secret = (str(values.get(name) or "") for name in ("username", "password", "totp_secret"))
        if not supplied:
            if not username and not password:
                ways = "; ".join(how_to_set(known) for known in self.options if known.name in ("username", "password", "token"))
                raise configuration_error("no credentials", f"give username and password, or a token ({ways})")
            require(values, self.options, "username", "password", purpose="to log in")
            if values.get("otp") and totp_secret:
                raise configuration_error("otp and totp_secret exclude each other", "give one")
        return Account(
            self.name,
            self.title,
            self.base_url,
            username,
            credential=(password, totp_secret),
            one_time_codes=(str(values.get("otp") or ""),),
            supplied_token=supplied,
            depends_on_clock=bool(totp_secret),
            totp_secret=totp_secret,
            derived_secrets=(f"{username}:{password}",) if password else (),
        )

    # -- login ---------------------------------------------------------------------------------------------------

    def login(self, http: HttpSession, now: float, otp: str | None) -> Token:
        headers = {"Authorization": replies.basic_auth(self.account.principal, self.values["password"])}
        code = otp or self.values.get("otp") or None
        url = replies.join_url(self.base_url, "auth/request-token")
        # The official client always sends the member, null without a code.
        response = http.send(Request("POST", url, headers, json={"otp": code}, single_use=bool(code)))
        body = replies.decode_object(response, replies.LOGIN)
        status = replies.effective_status(response, body)
        if status >= 400:
            raise self._login_refusal(response, body, status)
        value = str(body.get("token") or "")
        if not value:
            raise response.error(errors.PROTOCOL, "the login succeeded, but its reply holds no token", "check api_url")
        return Token(value, replies.to_lifetime(body.get("duration")) or lifetime(value, now) or DAY)

    @staticmethod
    def _login_refusal(response: Response, body: dict[str, t.Any], status: int) -> ApiError:
        code, message, kind = body.get("error"), body.get("message"), errors.CREDENTIALS
        words = f"{code} {message}"
        if status == 429 or status >= 500:
            kind, hint = replies.kind_of_status(status), ""
        elif "TotpEnforcement" in words:
            hint = "this account must enable multi-factor authentication first; then give totp_secret"
        elif "otp" in words:
            hint = "the one-time code is missing or wrong; give otp or totp_secret, and check this machine's clock"
        elif status in (404, 405, 410):
            kind, hint = errors.NOT_FOUND, "check api_url"
        else:
            hint = "check username and password, and that this account may use the API"
        return replies.refusal(response, replies.LOGIN, kind, code=code, message=message, hint=hint)

    # -- calls ---------------------------------------------------------------------------------------------------

    def plan(self, arguments: t.Mapping[str, t.Any]) -> Call:
        call = replies.plan_path_call(arguments)
        wait = arguments["wait_timeout"] if arguments.get("wait") else None
        return call._replace(wait=wait, secret_reply=call.path.startswith(("auth/", "tf/")))

    def request(self, call: Call, token: str) -> Request:
        base = self.base_url
        if call.path.startswith("/"):
            # From a link of the system: a whole path below its own origin.
            parts = urlsplit(base)
            base = f"{parts.scheme}://{parts.netloc}"
        url = replies.join_url(base, call.path.lstrip("/"))
        return Request(call.method, url, self.headers(token), call.query or None, json=call.body, repeatable=call.read_only)

    def parse(self, call: Call, response: Response) -> CallResult:
        return replies.parse_envelope(call, response, "error", base_url=self.base_url)

    # -- pages and asynchronous requests -------------------------------------------------------------------------

    def next_page(self, call: Call, result: CallResult) -> Call | None:
        pages = result.meta.get("pages")
        url = pages.get("next_url") if isinstance(pages, dict) else None
        return self._follow(call, str(url)) if url else None

    def poll_calls(self, call: Call, result: CallResult) -> list[Call]:
        if result.status != 202 or (result.data is None and not result.meta):
            return []
        places = (part.get("_links") for part in (result.data, result.meta) if isinstance(part, dict))
        link = next((links["request"] for links in places if isinstance(links, dict) and links.get("request")), None)
        if not link:
            problem = f"{call.name} was accepted, but the reply does not say where to follow it"
            raise ApiError(errors.PROTOCOL, problem, "look at the account's requests")
        urls = [str(url) for url in (link if isinstance(link, list) else [link])]
        return [self._follow(call, url)._replace(name=f"request {url.rstrip('/').rsplit('/', 1)[-1]}", all_pages=False) for url in urls]

    def _follow(self, call: Call, url: str) -> Call:
        """Return a reading call for a link in a reply. Raises if it leads to another host, which must not see the token."""
        try:
            parts = urlsplit(url)
        except ValueError:
            hint = "check the service and any proxy on the way"
            raise ApiError(errors.PROTOCOL, "the reply holds a link that is not an address", hint) from None
        if parts.netloc and not replies.is_same_origin(self.base_url, url):
            problem = f"the reply links to another host ({parts.scheme}://{parts.hostname}), which must not see the token"
            raise ApiError(errors.PROTOCOL, problem, "set api_url to the service's own address")
        query = parse_qs(parts.query, keep_blank_values=True)
        return Call(call.name, "GET", "/" + parts.path.lstrip("/"), query, read_only=True, all_pages=call.all_pages, list_key=call.list_key)

    def is_finished(self, result: CallResult) -> bool:
        data = result.data if isinstance(result.data, dict) else {}
        status = str(data.get("status") or "").upper().replace(" ", "_")
        status = SPELLINGS.get(status, status)
        if status in FAILED:
            message = data.get("message")
            reasons = message.get("errors") if isinstance(message, dict) else message
            words = "; ".join(map(str, reasons)) if isinstance(reasons, list) else str(reasons or "")
            problem = f"request {data.get('id')} ended as {status} ({words or 'no reason was given'})"
            raise ApiError(errors.SERVER, problem, "look at the request, and correct the call", code=status, message=words or None)
        return status in FINISHED

    # -- revocation ----------------------------------------------------------------------------------------------

    def revoke(self, http: HttpSession, token: Token) -> bool:
        """Disable a token. It is looked up in the account's list, because the API cannot name it by its value."""
        page: Call | None = Call("the list of tokens", "GET", "v2/user/token", {"expand": 1, "per_page": 100}, read_only=True)
        entries: list[t.Any] = []
        try:
            for _number in range(MAX_TOKEN_PAGES):
                if page is None:
                    break
                result = self.parse(page, http.send(self.request(page, token.value)))
                entries += result.data if isinstance(result.data, list) else []
                page = self.next_page(page, result)
        except ApiError as error:
            if error.token_refused:
                # It is invalid already.
                return True
            raise
        number = _own_entry(token.value, entries, complete=page is None)
        if number is None:
            return False
        disable = Call("the revocation", "PUT", f"v2/user/token/{number}")
        self.parse(disable, http.send(self.request(disable, token.value)))
        return True


def _own_entry(token: str, entries: list[t.Any], complete: bool) -> str | None:
    """Return the id of the token itself in the account's list, or `None` if it cannot be told from others.

    In a complete list, the only valid entry is that of the token with which the list was requested.
    """
    valid = [entry for entry in entries if isinstance(entry, dict) and entry.get("valid") is not False]
    try:
        claims = decode_claims(token)
    except ValueError:
        claims = {}
    names = {str(claims[name]) for name in ("jti", "id", "token_id") if claims.get(name) is not None}
    possible = [entry for entry in valid if not _contradicts(entry, claims)]
    by_name = [entry for entry in possible if str(entry.get("id")) in names]
    by_times = [entry for entry in possible if _is_at(entry.get("created_on"), claims.get("iat")) and _is_at(entry.get("expiration"), claims.get("exp"))]
    by_time = [entry for entry in possible if _is_at(entry.get("created_on"), claims.get("iat")) or _is_at(entry.get("expiration"), claims.get("exp"))]
    for matches in (by_name, by_times, by_time, valid if complete else []):
        if len(matches) == 1:
            return str(matches[0].get("id"))
    return None


def _contradicts(entry: dict[str, t.Any], claims: t.Mapping[str, t.Any]) -> bool:
    """Return whether an entry expires at another time than the token says: a number that they share is then a coincidence."""
    expiration, claim = parse_time(entry.get("expiration")), claims.get("exp")
    return expiration is not None and isinstance(claim, (int, float)) and not _is_at(expiration, claim)


def _is_at(value: t.Any, claim: t.Any) -> bool:
    """Return whether a time of the API is the same second as a claim, or the next."""
    if value is None or not isinstance(claim, (int, float)):
        return False
    seconds = parse_time(value)
    return seconds is not None and abs(seconds - claim) <= 1


def parse_time(value: t.Any) -> float | None:
    """Return a time that the API writes as epoch seconds or as text in epoch seconds; `None` if it is neither.

    Texts look like `2020-04-21 Tue 02:10:03 EDT` or `2026-01-01T00:00:00-05:00`; without a zone they are UTC.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    match = TIME.fullmatch(str(value).strip())
    if not match:
        return None
    zone = (match.group(7) or "UTC").upper()
    if zone[0] in "+-":
        minutes = int(zone[1:3]) * 60 + int(zone[-2:])
        offset = timedelta(minutes=-minutes if zone[0] == "-" else minutes)
    elif zone in ZONES:
        offset = timedelta(hours=ZONES[zone])
    else:
        return None
    try:
        year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
        return (datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc) - offset).timestamp()
    except ValueError:
        return None
