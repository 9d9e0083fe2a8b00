# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cPanel/WHM: WHM API 1 with `Authorization: whm user:token`, or Basic with a password; replies in three kinds of envelope.

Sources: api.docs.cpanel.net (WHM API 1, tokens, introduction), the clients cpanel/p5-cPanel-APIClient and CpanelInc/cPanel-PublicAPI.
Private to this collection.
"""

from __future__ import annotations

import re
import typing as t

from .. import errors
from ..errors import CONFIGURATION, AuthError
from ..option import Option, Options, option
from ..provider import Account, Provider, Revocation, api_url
from ..token import Token

if t.TYPE_CHECKING:
    from ..call import Call, Outcome
    from ..client import Client, Reply, Request

CHUNK = 500
READING_PREFIXES = ("list", "get", "fetch", "show", "has_", "is_", "count_", "read_")
READING_NAMES = (
    "accountsummary",
    "api_token_list",
    "api_token_get_details",
    "applist",
    "batch_list",
    "domainuserdata",
    "dumpzone",
    "gethostname",
    "installed_versions",
    "loadavg",
    "myprivs",
    "nvget",
    "parse_dns_zone",
    "php_get_installed_versions",
    "resellerstats",
    "resolvedomainname",
    "servicestatus",
    "systemloadavg",
    "verify_token",
    "version",
)
SECRET_NAMES = ("token_create", "create_api_token", "create_user_session", "accesshash", "passw", "_secret", "private_key", "fetchsslinfo", "fetch_key")
DENIED = (
    r"(access|permission) denied|not (authorized|permitted)|not allowed to|insufficient (privilege|permission|right)"
    r"|(not have|lacks?|requires?|without|need) .{0,40}(privilege|permission|access|acl\b)"
)
UNKNOWN = r"unknown app|not found|does not exist|no such|do(es)? not own|invalid user"


class Whm(Provider):
    name = "whm"
    title = "WHM"
    # Suspending an account alone has been seen to take 53 seconds.
    timeout = 120.0
    revocation = Revocation(keeps_expired=True, by_name=True)
    options: t.ClassVar[tuple[Option, ...]] = (
        option("whm", "host"),
        option("whm", "port", "int", default=2087, positive=True),
        option("whm", "api_url"),
        option("whm", "username", default="root"),
        option("whm", "token", env=("WHM_API_TOKEN",), secret=True),
        option("whm", "password", secret=True),
    )
    call_options = (Option("function"), Option("params", "dict"), Option("method", default="POST", choices=("POST", "GET")))

    # -- who asks ------------------------------------------------------------------------------------------------

    def base(self, options: Options) -> str:
        """Where the server is: `api_url`, else `host` and `port`."""
        if options.get("api_url"):
            return api_url(options)
        host = str(options.get("host") or "")
        if not host:
            raise AuthError(CONFIGURATION, "missing host; give the server's name in host, or its whole address in api_url")
        if "/" in host or "@" in host or any(ord(sign) < 33 for sign in host):
            raise AuthError(CONFIGURATION, "host must be a bare name or address; a whole address belongs in api_url")
        if host.count(":") == 1:
            raise AuthError(CONFIGURATION, "host must be a bare name or address; the port has an option of its own, port")
        port = int(options.get("port") or 2087)
        if port > 65535:
            raise AuthError(CONFIGURATION, "port must be a port number, at most 65535")
        return api_url(Options(api_url=f"https://{f'[{host}]' if host.count(':') > 1 and not host.startswith('[') else host}:{port}"))

    def account(self, options: Options) -> Account:
        user, token, password = str(options.get("username") or "root"), options.get("token"), options.get("password")
        if not token and not password:
            raise AuthError(CONFIGURATION, "no credentials; give token, or password")
        if any(ord(sign) < 33 for sign in f"{user}{token or ''}"):
            raise AuthError(CONFIGURATION, "username and token must hold no blank and no line break; copy the token again")
        return Account(
            self.name,
            self.title,
            self.base(options),
            user,
            credential=(str(token or password),),
            given=Token(token) if token else None,
            pairs=(f"{user}:{token or password}",),
        )

    def direct(self, options: Options) -> str:
        return "" if options.get("token") else "password"

    def headers(self, options: Options, token: str) -> dict[str, str]:
        return {"Authorization": f"whm {options.get('username') or 'root'}:{token}"}

    # -- calls ---------------------------------------------------------------------------------------------------

    def call(self, options: Options) -> Call:
        from ..call import Call

        function, params = str(options.get("function") or ""), options.get("params") or {}
        if not function:
            raise AuthError(CONFIGURATION, "missing function; give the name of a WHM API 1 function")
        if not re.fullmatch(r"[A-Za-z0-9_]+", function):
            raise AuthError(CONFIGURATION, "function must be the bare name of a WHM API 1 function, such as listaccts")
        sent = flattened(params)
        if options.get("all_pages"):
            sent = {"api.chunk.enable": "1", "api.chunk.verbose": "1", "api.chunk.size": str(CHUNK), "api.chunk.start": "1", **sent}
        return Call(
            function,
            options.get("method") or "POST",
            f"json-api/{function}",
            sent,
            reads=reads(function, params),
            secret=any(name in function for name in SECRET_NAMES),
        )

    def request(self, options: Options, call: Call, token: str) -> Request:
        from .. import wire
        from ..client import Request

        headers = self.headers(options, token) if token else {"Authorization": wire.basic(str(options.get("username") or "root"), options["password"])}
        fields = {**call.query, "api.version": "1"}
        url = wire.below(self.base(options), call.path)
        if call.method == "GET":
            return Request("GET", url, headers, fields, repeatable=call.reads)
        # In the body, because web servers write addresses to their logs.
        return Request("POST", url, headers, form=fields, repeatable=call.reads)

    def read(self, call: Call, reply: Reply) -> Outcome:
        from .. import wire

        if b"tfa_login_form" in reply.body and not reply.body.lstrip().startswith(b"{"):
            raise wire.refused(reply, call.name, errors.CREDENTIALS, hint="this account's password needs a second factor, so use an API token")
        try:
            body = wire.body_of(reply, call.name)
        except AuthError as failure:
            raise self._denied(failure) if reply.status in (401, 403) else failure from None
        if not isinstance(body, dict):
            raise reply.unreadable()
        # A function that is denied answers with metadata; only the denial of a bad credential has another form.
        denial = body.get("cpanelresult")
        if reply.status == 401 or (reply.status == 403 and "metadata" not in body):
            reason = denial.get("error") if isinstance(denial, dict) else None
            raise self._denied(wire.refused(reply, call.name, errors.CREDENTIALS, message=reason))
        return self._outcome(call, reply, body)

    @staticmethod
    def _denied(failure: AuthError) -> AuthError:
        """WHM's refusal of a credential, in whatever form it came."""
        failure.kind, failure.token_refused = errors.CREDENTIALS, False
        failure.advice = "check username and the token or password, whether the token has expired, and from which addresses it may be used"
        return failure

    def _outcome(self, call: Call, reply: Reply, body: dict[str, t.Any]) -> Outcome:
        from .. import wire
        from ..call import Outcome

        told = _told(body)
        if reply.status >= 400 or not told.succeeded:
            raise self._failure(call, reply, None if told.succeeded else told.reason)
        return Outcome(told.data, dict(told.meta), secret=call.secret or wire.carries_secret(body))

    @staticmethod
    def _failure(call: Call, reply: Reply, reason: t.Any) -> AuthError:
        """The error of a call that WHM answered with a reason: HTTP 200 says nothing."""
        from .. import wire

        text = str(reason or "no reason was given")
        kind, hint = errors.INVALID_REQUEST, "correct the function's params"
        if re.search(DENIED, text, re.IGNORECASE) or reply.status == 403:
            kind, hint = errors.FORBIDDEN, "the token or the account lacks a privilege for it, so grant it or use another token"
        elif re.search(UNKNOWN, text, re.IGNORECASE):
            kind, hint = errors.NOT_FOUND, "check the names in function and params, and the server's version"
        if reply.status >= 500 or reply.status in (404, 429):
            # The status says more than the words.
            kind, hint = "", ""
        return wire.refused(reply, call.name, kind or None, message=text, hint=hint)

    # -- pages ---------------------------------------------------------------------------------------------------

    def items(self, call: Call, data: t.Any) -> tuple[str | None, list[t.Any]]:
        if isinstance(data, dict):
            lists = {name: value for name, value in data.items() if isinstance(value, list)}
            name = call.member or next(iter(lists), None)
            return name, lists.get(name, []) if name else []
        return None, data if isinstance(data, list) else []

    def next_page(self, options: Options, call: Call, outcome: Outcome) -> Call | None:
        from .. import wire

        chunk = outcome.meta.get("chunk")
        if not isinstance(chunk, dict):
            return None
        reached = (wire.number_of(call.query.get("api.chunk.start")) or 1) + len(self.items(call, outcome.data)[1])
        records = wire.number_of(chunk.get("records"))
        if records is None or reached > records:
            return None
        return call.having(query={**call.query, "api.chunk.start": str(reached)})

    # -- revoke --------------------------------------------------------------------------------------------------

    def revoke(self, options: Options, client: Client, token: Token) -> bool:
        """Revoke by name, which needs a credential that may manage tokens: a minted token need not."""
        name = token.extra.get("name")
        if not name:
            return False
        from .whm_lifecycle import door_of

        door_of(options, client).revoke([name])
        return True


def flattened(params: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Parameters as form fields: a list becomes name, name-1, …; a boolean 1 or 0; what is null is left out."""
    fields: dict[str, str] = {}
    for name, value in params.items():
        if isinstance(value, dict):
            raise AuthError(CONFIGURATION, f"params: {name} must not be a dictionary; WHM takes text, numbers, booleans and lists of them")
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, (dict, list)):
                raise AuthError(CONFIGURATION, f"params: {name} must be a plain list; WHM takes text, numbers, booleans and lists of them")
            if item is not None:
                fields[f"{name}-{index}" if index else str(name)] = _as_text(name, item)
    return fields


def _as_text(name: str, value: t.Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    try:
        return str(value)
    except ValueError:
        # Python writes no whole number of more than some thousand digits.
        raise AuthError(CONFIGURATION, f"params: {name} is a number with too many digits") from None


def reads(function: str, params: t.Mapping[str, t.Any]) -> bool:
    """Whether a function changes nothing, as far as its name tells; the HTTP method says nothing."""
    inner = {"uapi_cpanel": "cpanel.function", "cpanel": "cpanel_jsonapi_func"}.get(function)
    if inner is not None:
        return str(params.get(inner, "")).startswith(READING_PREFIXES)
    return function in READING_NAMES or function.startswith(READING_PREFIXES)


class _Told(t.NamedTuple):
    """What a body tells: the payload, the rest of the envelope, whether it is a success, and if not, why."""

    data: t.Any
    meta: t.Mapping[str, t.Any] = {}
    succeeded: bool = True
    reason: t.Any = None


def _told(body: dict[str, t.Any]) -> _Told:
    """The same from each of the envelopes; a body in none of them is the payload."""
    metadata, result, api2 = body.get("metadata"), body.get("result"), body.get("cpanelresult")
    if isinstance(metadata, dict) and "result" in metadata:
        return _of_api_1(body.get("data"), metadata)
    if isinstance(api2, dict):
        data, event, error = api2.get("data"), api2.get("event"), api2.get("error")
        refused = error or _says_no(data) or _says_no(event)
        return _Told(data, _without(api2, "data"), not refused, error or _reason_in(data) or _reason_in(event))
    if isinstance(result, dict) and "status" in result:
        return _Told(result.get("data"), _without(body, "result"), _is_yes(result["status"]), _joined(result.get("errors")))
    if _is_uapi(body):
        # UAPI itself, as port 2083 answers it.
        return _Told(body.get("data"), _without(body, "data"), _is_yes(body["status"]), _joined(body["errors"]))
    return _Told(body, {}, *_refusal_in(body))


def _of_api_1(data: t.Any, metadata: dict[str, t.Any]) -> _Told:
    uapi = data.get("uapi") if isinstance(data, dict) else None
    if _is_yes(metadata["result"]) and isinstance(uapi, dict):
        # The outer result is 1 even where the function behind it failed.
        return _Told(data, metadata, _is_yes(uapi.get("status", 1)), _joined(uapi.get("errors")))
    return _Told(data, metadata, _is_yes(metadata["result"]), metadata.get("reason"))


def _refusal_in(body: dict[str, t.Any]) -> tuple[bool, t.Any]:
    """Whether a body without an envelope is a success, and if not, why."""
    if "error" in body and _says_no(body.get("data")):
        return False, body["error"] or _reason_in(body["data"])
    if _is_no(body.get("status")) and body.get("statusmsg"):
        # API 0.
        return False, body["statusmsg"]
    # The envelope of API 1, without what makes it a success.
    return "metadata" not in body or "errors" in body, _reason_in(body.get("metadata"))


def _without(members: dict[str, t.Any], name: str) -> dict[str, t.Any]:
    return {one: value for one, value in members.items() if one != name}


def _is_yes(told: t.Any) -> bool:
    return told is True or str(told) == "1"


def _is_no(told: t.Any) -> bool:
    return told is False or str(told) == "0"


def _says_no(data: t.Any) -> bool:
    """Whether a payload, or what API 2 tells of its run in `event`, is a refusal: replies without metadata have it there."""
    return isinstance(data, dict) and _is_no(data.get("result"))


def _reason_in(told: t.Any) -> t.Any:
    return told.get("reason") if isinstance(told, dict) else None


def _is_uapi(body: dict[str, t.Any]) -> bool:
    """Whether a body is UAPI's envelope. Without data only a failure is: else its members may be a payload."""
    return "status" in body and "errors" in body and ("data" in body or (_is_no(body["status"]) and bool(body["errors"])))


def _joined(told: t.Any) -> str | None:
    return "; ".join(map(str, told)) if isinstance(told, list) else told
