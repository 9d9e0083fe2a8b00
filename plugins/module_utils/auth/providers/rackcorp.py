# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""RackCorp: a JWT by API key or by login, five ways to authenticate a call, calls by command or by path.

Sources: https://portal.rackcorp.com/docs (jwt-tokens, session, device, dns) and the public clients at https://github.com/RackCorpCloud.
"""

from __future__ import annotations

import typing as t

from .. import errors
from ..errors import ApiError, configuration_error
from ..http.messages import Request
from ..jwt import lifetime
from ..model import Account, Call, CallResult, Token
from ..options import PATH_CALL, Option, Options, option
from . import replies
from .base import TOKEN, Provider, how_to_set, require, supplied_token

if t.TYPE_CHECKING:
    from ..http.messages import Response
    from ..http.session import HttpSession

ENDPOINT = "json.php"
TOKEN_PATH = "customer/jsonwebtoken"
READING_VERBS = ("get", "getall", "iscurrent", "list", "search", "lookup", "getstatus", "gethistory")
SECRET_NAMES = ("login", "token", "secret", "credential", "password", "apikey")
PAGE_SIZE = 100
CREDENTIAL_KEYS = ("APIUUID", "APISECRET", "USERSESSIONID")
# Members of a reply beside the payload: what the system says about it, and what went wrong.
ENVELOPE = ("code", "message", "debug")
FAILURES = ("fault", "error")
# Alternatives of the credential.
API_KEY, LOGIN, SESSION_ID = "API key", "login", "session"
ACCESS_HINT = "check api_uuid and api_secret, and that the API key has the permission to do this"
SESSION_HINT = "the account may not be permitted to do this, or the session may have ended; grant the permission or log in again"
TOKEN_HINT = "the account may not be permitted to do this, or the token may be invalid; grant the permission or give another token"


class RackCorp(Provider):
    name = "rackcorp"
    title = "RackCorp"
    default_url = "https://api.rackcorp.net/api/rest/v2.9"
    options = (
        option("rackcorp", "api_url", group="address"),
        option("rackcorp", "api_uuid", env=("RACKCORP_API_UUID", "RACKCORP_APIUUID"), group="credential", alternative=API_KEY),
        option("rackcorp", "api_secret", env=("RACKCORP_API_SECRET", "RACKCORP_APISECRET"), secret=True, group="credential", alternative=API_KEY),
        option("rackcorp", "username", group="credential", alternative=LOGIN),
        option("rackcorp", "password", secret=True, group="credential", alternative=LOGIN),
        option("rackcorp", "otp", secret=True, trim=True, group="credential", alternative=LOGIN),
        option("rackcorp", "totp_secret", secret=True, trim=True, group="credential", alternative=LOGIN),
        option("rackcorp", "token", secret=True, trim=True, group="credential", alternative=TOKEN),
        option("rackcorp", "session_id", secret=True, trim=True, group="credential", alternative=SESSION_ID),
        option("rackcorp", "login", default="auto", choices=("auto", "api_key", "password")),
        option("rackcorp", "jwt_request_method", default="GET", choices=("GET", "POST")),
    )
    module_options = (option("rackcorp", "auth", default="bearer", choices=("bearer", "cookie", "basic", "body", "session")),)
    call_options = (Option("cmd"), Option("params", "dict"), *PATH_CALL)

    def __init__(self, values: Options) -> None:
        super().__init__(values)
        self.auth: str = values.get("auth") or "bearer"

    @classmethod
    def credential_alternatives(cls, values: t.Mapping[str, t.Any]) -> tuple[str, ...]:
        auth, login = values.get("auth") or "bearer", values.get("login") or "auto"
        if auth in ("basic", "body"):
            return (API_KEY,)
        if auth == "session":
            return (SESSION_ID, LOGIN)
        return {"auto": (TOKEN, API_KEY, LOGIN), "api_key": (TOKEN, API_KEY), "password": (TOKEN, LOGIN)}[login]

    # -- who asks ------------------------------------------------------------------------------------------------

    def find_base_url(self) -> str:
        """Return the base address. Other tools (lego) write it with `json.php` at its end, which is accepted."""
        url, end = super().find_base_url(), f"/{ENDPOINT}"
        return url[: -len(end)] if url.endswith(end) else url

    @property
    def credential_option(self) -> str:
        return "api_secret" if self.auth in ("basic", "body") else ""

    def identify(self) -> Account:
        values = self.values
        if self.auth == "session":
            supplied = Token(values["session_id"]) if values.get("session_id") else None
        else:
            supplied = None if self.credential_option else supplied_token(values.get("token"))
        kind = "session" if self.auth == "session" else "jwt"
        account = Account(self.name, self.title, self.base_url, "", scope=(kind, "given"), supplied_token=supplied)
        if supplied:
            return account
        if self._uses_api_key():
            uuid, secret = values["api_uuid"], values["api_secret"]
            return account._replace(principal=uuid, scope=(kind, "api_key"), credential=(secret,), derived_secrets=(f"{uuid}:{secret}",))
        totp_secret = str(values.get("totp_secret") or "")
        return account._replace(
            principal=values["username"],
            scope=(kind, "password"),
            credential=(values["password"], totp_secret),
            one_time_codes=(str(values.get("otp") or ""),),
            depends_on_clock=bool(totp_secret),
            totp_secret=totp_secret,
        )

    def _uses_api_key(self) -> bool:
        """Return whether the API key authenticates, or else a login. Raises a configuration error if neither can."""
        values, login = self.values, self.values.get("login") or "auto"
        if self.credential_option:
            require(values, self._table(), "api_uuid", "api_secret", purpose=f"for auth {self.auth}")
            return True
        if self.auth == "session" and login == "api_key":
            raise configuration_error("auth session needs a session_id or a login with username and password", "an API key gives a JWT")
        has_key, has_user = values.get("api_uuid") or values.get("api_secret"), values.get("username") or values.get("password")
        if login == "auto" and not has_key and not has_user and self.auth != "session":
            ways = "; ".join(how_to_set(known) for known in self.options if known.name in ("api_uuid", "api_secret", "username", "password", "token"))
            raise configuration_error("no credentials", f"give api_uuid and api_secret, or username and password, or a token ({ways})")
        if self.auth != "session" and (login == "api_key" or (login == "auto" and has_key)):
            require(values, self._table(), "api_uuid", "api_secret", purpose="to get a JWT by API key")
            return True
        require(values, self._table(), "username", "password", purpose="to log in")
        if values.get("otp") and values.get("totp_secret"):
            raise configuration_error("otp and totp_secret exclude each other", "give one")
        return False

    @classmethod
    def _table(cls) -> tuple[Option, ...]:
        return (*cls.options, *cls.module_options)

    # -- login ---------------------------------------------------------------------------------------------------

    def login(self, http: HttpSession, now: float, otp: str | None) -> Token:
        kind, method = self.account.scope
        if method == "api_key":
            headers = {"Authorization": replies.basic_auth(self.account.principal, self.values["api_secret"])}
            request = Request(self.values.get("jwt_request_method") or "GET", replies.join_url(self.base_url, TOKEN_PATH), headers)
            hint = "check api_uuid and api_secret, and that the key may be used from this address"
        else:
            body: dict[str, t.Any] = {"cmd": "session.login", "username": self.values["username"], "password": self.values["password"]}
            if kind == "jwt":
                body["jwt"] = 1
            code = otp or self.values.get("otp")
            if code:
                body["2fatoken"] = code
            request = Request("POST", replies.join_url(self.base_url, ENDPOINT), json=body, single_use=bool(code))
            hint = "check username, password and the one-time code (otp or totp_secret)"
        response = http.send(request)
        reply = replies.decode_object(response, replies.LOGIN)
        if response.status >= 400 or not _is_success(reply):
            raise self._refusal(response, reply, replies.LOGIN, errors.CREDENTIALS, hint)
        return self._token(response, kind, reply, now)

    @staticmethod
    def _token(response: Response, kind: str, reply: dict[str, t.Any], now: float) -> Token:
        session = str(reply.get("sessionId") or "")
        # The vendor's pages disagree on where the JWT is: https://portal.rackcorp.com/docs/jwt-tokens.html, …/session.html
        jwt = str(reply.get("token") or response.cookies.get("JWTSESSIONID") or (session if session.count(".") == 2 else ""))
        value = session if kind == "session" else jwt
        if not value:
            expected = "session id" if kind == "session" else "JWT"
            raise response.error(errors.PROTOCOL, f"the login succeeded, but its reply holds no {expected}", "check api_url")
        return Token(value, lifetime(value, now))

    # -- calls ---------------------------------------------------------------------------------------------------

    def plan(self, arguments: t.Mapping[str, t.Any]) -> Call:
        cmd, params = str(arguments.get("cmd") or "").strip(), arguments.get("params") or {}
        if bool(cmd) == bool(arguments.get("path")):
            raise configuration_error("give either cmd or path", "cmd calls json.php, path the REST interface")
        if cmd and any(arguments.get(name) for name in ("query", "body")):
            raise configuration_error("query and body belong to path", "put the arguments of a cmd into params")
        if not cmd and params:
            raise configuration_error("params belongs to cmd", "a path takes query and body")
        body = replies.parse_body(arguments.get("body"))
        keys = {str(key).upper() for part in (params, body, arguments.get("query")) if isinstance(part, dict) for key in part}
        stray = [name for name in CREDENTIAL_KEYS if name in keys]
        if stray:
            hint = "credentials have options of their own, and auth says how they are sent"
            raise configuration_error(f"params, query and body must not hold {', '.join(stray)}", hint)
        secret = any(name in str(cmd or arguments.get("path")).lower() for name in SECRET_NAMES)
        if not cmd:
            call = replies.plan_path_call(arguments)._replace(secret_reply=secret)
            if self.auth in ("body", "session") and call.body is not None and not isinstance(call.body, dict):
                raise configuration_error(f"auth {self.auth} puts the credential into the body, which must be a dictionary then", "use another auth")
            return call
        read_only = cmd.rsplit(".", 1)[-1].lower() in READING_VERBS
        return Call(cmd, "POST", ENDPOINT, body={**params, "cmd": cmd}, read_only=read_only, secret_reply=secret)

    def request(self, call: Call, token: str) -> Request:
        body, headers = call.body, {}
        if self.auth == "bearer":
            headers["Authorization"] = f"Bearer {token}"
        elif self.auth == "cookie":
            headers["Cookie"] = f"JWTSESSIONID={token}"
        elif self.auth == "basic":
            headers["Authorization"] = replies.basic_auth(self.values["api_uuid"], self.values["api_secret"])
        elif self.auth == "session":
            body = {**(body or {}), "USERSESSIONID": token}
        else:
            body = {**(body or {}), "APIUUID": self.values["api_uuid"], "APISECRET": self.values["api_secret"]}
        url = replies.join_url(self.base_url, call.path)
        return Request(call.method, url, headers, call.query or None, json=body, repeatable=call.read_only)

    def parse(self, call: Call, response: Response) -> CallResult:
        if replies.has_no_body(call, response):
            if response.status < 400:
                return CallResult(None)
            body: dict[str, t.Any] = {}
        else:
            body = replies.decode_object(response, call.name)
        if response.status >= 400 or not _is_success(body):
            hint = ACCESS_HINT if self.credential_option else SESSION_HINT if self.auth == "session" else TOKEN_HINT
            error = self._refusal(response, body, call.name, errors.FORBIDDEN, hint)
            repeated = replies.repeated_base_hint(call, self.base_url) if response.status == 404 else ""
            raise error.replace(hint=repeated) if repeated else error
        data = {name: value for name, value in body.items() if name not in ENVELOPE}
        return CallResult(data, {name: body[name] for name in ENVELOPE if name in body})

    def _refusal(self, response: Response, body: dict[str, t.Any], action: str, denied: str, hint: str) -> ApiError:
        """Return the error for a reply that does not say OK; most of them come with HTTP 200.

        :param denied: the kind of ACCESS_DENIED, which stands for a rejected login, a dead token and a missing permission alike.
        """
        fault = body.get("fault") or {}
        if not isinstance(fault, dict):
            fault = {"faultstring": fault}
        code, fields = body.get("code"), body.get("error")
        message = body.get("message") or fault.get("faultstring") or (fields if isinstance(fields, str) else None) or body.get("debug")
        if code is None or _is_ok(code):
            code = fault.get("faultcode")
        if response.status < 400 and not (code or message or fields):
            return response.invalid_body("a reply with a code or data")
        if isinstance(fields, dict) and fields:
            message = f"{message or 'wrong fields'} ({', '.join(f'{name}: {text}' for name, text in fields.items())})"
        # Without a code and a status, only the words say it.
        verdict = code if code or response.status >= 400 else message
        if str(verdict).upper().replace(" ", "_") == "ACCESS_DENIED" or response.status in (401, 403):
            kind = {401: errors.CREDENTIALS, 403: errors.FORBIDDEN}.get(response.status, denied)
            return replies.refusal(response, action, kind, code=code, message=message, hint=hint, token_refused=response.status != 403)
        if denied == errors.CREDENTIALS:
            # A login that is answered with anything but OK was refused for what it sent.
            kind_of_login = replies.kind_of_status(response.status) if response.status >= 500 or response.status in (404, 429) else denied
            return replies.refusal(response, action, kind_of_login, code=code, message=message, hint=hint if kind_of_login == denied else "")
        return replies.refusal(response, action, self._kind(response, str(message)), code=code, message=message)

    @staticmethod
    def _kind(response: Response, message: str) -> str | None:
        if response.status >= 400:
            return None
        # There is no code for it; https://github.com/RackCorpCloud/terraform-provider-rackcorp matches on the message too.
        return errors.NOT_FOUND if "not find" in message.lower() or "not found" in message.lower() else errors.INVALID_REQUEST

    # -- pages ---------------------------------------------------------------------------------------------------

    def first_page(self, call: Call) -> Call:
        return _with_arguments(call, {"resWindow": PAGE_SIZE, **_arguments(call)})

    def next_page(self, call: Call, result: CallResult) -> Call | None:
        if not isinstance(result.data, dict):
            return None
        items = self.page_items(call, result.data)[1]
        reached = (replies.to_int(_arguments(call).get("resStart")) or 0) + len(items)
        totals = (replies.to_int(result.data.get(name)) for name in ("matches", "count"))
        total = next((number for number in totals if number is not None), None)
        if not items or (reached >= total if total is not None else not replies.has_more_pages(len(items), _page_size(call))):
            return None
        return _with_arguments(call, {**_arguments(call), "resStart": reached})

    def page_items(self, call: Call, data: t.Any) -> tuple[str | None, list[t.Any]]:
        lists = {name: _rows(value) for name, value in data.items()} if isinstance(data, dict) else {}
        name = call.list_key or _paged_list(call, {name: rows for name, rows in lists.items() if rows})
        return name, lists.get(name, []) if name else []


def _is_ok(code: t.Any) -> bool:
    return str(code).upper() == "OK"


def _is_success(body: dict[str, t.Any]) -> bool:
    """Return whether RackCorp said OK; the HTTP status says nothing. Without a code, a payload means OK, but neither words alone nor a fault."""
    code, fault = body.get("code"), body.get("fault")
    if isinstance(fault, dict) and ("faultstring" in fault or "faultcode" in fault):
        return False
    if code is not None:
        return _is_ok(code)
    return not fault and any(value is not None for name, value in body.items() if name not in (*ENVELOPE, *FAILURES))


def _arguments(call: Call) -> t.Mapping[str, t.Any]:
    """Return the arguments of a call, among them which page it asks for."""
    return call.body if call.path == ENDPOINT and isinstance(call.body, dict) else call.query


def _with_arguments(call: Call, arguments: t.Mapping[str, t.Any]) -> Call:
    return call._replace(body=arguments) if _arguments(call) is call.body else call._replace(query=arguments)


def _page_size(call: Call) -> int:
    return replies.to_int(_arguments(call).get("resWindow")) or PAGE_SIZE


def _rows(value: t.Any) -> list[t.Any]:
    """Return a member's value as a list. PHP turns a list with gaps into an object, as dns.domain.getall shows."""
    if isinstance(value, dict) and all(isinstance(item, dict) for item in value.values()):
        return list(value.values())
    return value if isinstance(value, list) else []


def _paged_list(call: Call, lists: dict[str, list[t.Any]]) -> str | None:
    """Return the key of the list that is split into pages; the longest one may be a list of warnings. `None` if there is no list.

    It is as long as a page, or else has the name of what was asked for, or else holds objects.
    """
    window, noun = _page_size(call), _noun(call)

    def likeness(name: str) -> tuple[bool, bool, bool, int]:
        rows = lists[name]
        return len(rows) == window, name == "data" or noun in name.lower(), all(isinstance(row, dict) for row in rows), len(rows)

    return max(lists, key=likeness, default=None)


def _noun(call: Call) -> str:
    """Return what a call is about: `device` for device.getall and for the path devices."""
    if call.path == ENDPOINT:
        return call.name.lower().rpartition(".")[0].rpartition(".")[2]
    return call.path.rstrip("/").rpartition("/")[2].lower().rstrip("s")
