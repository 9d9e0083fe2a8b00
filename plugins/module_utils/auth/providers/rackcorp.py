# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""RackCorp: a JWT by API key or by login, five ways to authenticate a call, and calls by `cmd` or by path.

Sources: portal.rackcorp.com/docs (jwt-tokens, session, device, dns), and the public clients of RackCorpCloud. Private to this collection.
"""

from __future__ import annotations

import typing as t

from .. import errors
from ..errors import CONFIGURATION, AuthError
from ..option import BY_PATH, Option, Options, option
from ..provider import Account, Provider, given_token, require
from ..token import Token, jwt_lifetime

if t.TYPE_CHECKING:
    from ..call import Call, Outcome
    from ..client import Client, Reply, Request

ENDPOINT = "json.php"
TOKEN_PATH = "customer/jsonwebtoken"
READING_VERBS = ("get", "getall", "iscurrent", "list", "search", "lookup", "getstatus", "gethistory")
SECRET_NAMES = ("login", "token", "secret", "credential", "password", "apikey")
WINDOW = 100
CREDENTIAL_KEYS = ("APIUUID", "APISECRET", "USERSESSIONID")
# Members of a reply that are no payload: what is said about it, and what went wrong.
SAID = ("code", "message", "debug")
WRONG = ("fault", "error")


class RackCorp(Provider):
    name = "rackcorp"
    title = "RackCorp"
    default_url = "https://api.rackcorp.net/api/rest/v2.9"
    options = (
        option("rackcorp", "api_url"),
        option("rackcorp", "api_uuid", env=("RACKCORP_API_UUID", "RACKCORP_APIUUID")),
        option("rackcorp", "api_secret", env=("RACKCORP_API_SECRET", "RACKCORP_APISECRET"), secret=True),
        option("rackcorp", "username"),
        option("rackcorp", "password", secret=True),
        option("rackcorp", "otp", secret=True),
        option("rackcorp", "totp_secret", secret=True),
        option("rackcorp", "token", secret=True),
        option("rackcorp", "session_id", secret=True),
        option("rackcorp", "login", default="auto", choices=("auto", "api_key", "password")),
        option("rackcorp", "jwt_request_method", default="GET", choices=("GET", "POST")),
    )
    module_options = (option("rackcorp", "auth", default="bearer", choices=("bearer", "cookie", "basic", "body", "session")),)
    call_options = (Option("cmd"), Option("params", "dict"), *BY_PATH)

    # -- who asks ------------------------------------------------------------------------------------------------

    def base(self, options: Options) -> str:
        """The base address; of one that names `json.php`, as RACKCORP_API_URL does for other tools (go-acme/lego), what is before it."""
        url, end = super().base(options), f"/{ENDPOINT}"
        return url[: -len(end)] if url.endswith(end) else url

    def account(self, options: Options) -> Account:
        auth, url = options.get("auth") or "bearer", self.base(options)
        given = Token(options["session_id"]) if auth == "session" and options.get("session_id") else None
        if auth in ("bearer", "cookie"):
            given = given_token(self.title, options.get("token"))
        if self.direct(options):
            require(options, "api_uuid", "api_secret", why=f"for auth {auth}")
        method = "given" if given else "api_key" if self.direct(options) else self._login_method(options, auth)
        by_key = method == "api_key"
        pair = f"{options.get('api_uuid')}:{options.get('api_secret')}" if by_key else ""
        return Account(
            self.name,
            self.title,
            url,
            str((options.get("api_uuid") if by_key else options.get("username")) or ""),
            scope=("session" if auth == "session" else "jwt", method),
            credential=(options["api_secret"],) if by_key else (str(options.get("password") or ""), str(options.get("totp_secret") or "")),
            once=() if by_key else (str(options.get("otp") or ""),),
            given=given,
            clocked=method == "password" and bool(options.get("totp_secret")),
            totp=str(options.get("totp_secret") or "") if method == "password" else "",
            pairs=(pair,),
        )

    @staticmethod
    def _login_method(options: Options, auth: str) -> str:
        wanted = options.get("login") or "auto"
        if auth == "session":
            if wanted == "api_key":
                raise AuthError(CONFIGURATION, "auth session needs a session_id or a login with username and password; an API key gives a JWT")
            wanted = "password"
        has_key, has_user = bool(options.get("api_uuid") or options.get("api_secret")), bool(options.get("username") or options.get("password"))
        if wanted == "auto":
            if not has_key and not has_user:
                raise AuthError(CONFIGURATION, "no credentials; give api_uuid and api_secret, or username and password, or a token")
            wanted = "api_key" if (options.get("api_uuid") and options.get("api_secret")) or not has_user else "password"
        if wanted == "api_key":
            require(options, "api_uuid", "api_secret", why="to get a JWT by API key")
        else:
            require(options, "username", "password", why="to log in")
            if options.get("otp") and options.get("totp_secret"):
                raise AuthError(CONFIGURATION, "otp and totp_secret exclude each other; give one")
        return wanted

    def direct(self, options: Options) -> str:
        return "api_secret" if options.get("auth") in ("basic", "body") else ""

    # -- login ---------------------------------------------------------------------------------------------------

    def login(self, options: Options, client: Client, now: float, otp: str | None) -> Token:
        from .. import wire
        from ..client import Request

        account = self.account(options)
        kind, method = account.scope
        if method == "api_key":
            headers = {"Authorization": wire.basic(account.principal, options["api_secret"])}
            request = Request(options.get("jwt_request_method") or "GET", wire.below(account.api_url, TOKEN_PATH), headers)
            hint = "check api_uuid and api_secret, and that the key may be used from here"
        else:
            body: dict[str, t.Any] = {"cmd": "session.login", "username": options["username"], "password": options["password"]}
            if kind == "jwt":
                body["jwt"] = 1
            code = otp or options.get("otp")
            if code:
                body["2fatoken"] = code
            request = Request("POST", wire.below(account.api_url, ENDPOINT), json=body, once=bool(code))
            hint = "check username, password and the one-time code (otp or totp_secret)"
        reply = client.send(request)
        answer = _object(reply, "the login")
        if reply.status >= 400 or not _agreed(answer):
            raise self._refused(reply, answer, "the login", errors.CREDENTIALS, hint)
        return self._granted(reply, kind, answer, now)

    @staticmethod
    def _granted(reply: Reply, kind: str, body: dict[str, t.Any], now: float) -> Token:
        session = str(body.get("sessionId") or "")
        # Vendor pages disagree where the JWT is: docs/jwt-tokens.html, docs/session.html.
        jwt = str(body.get("token") or reply.cookies.get("JWTSESSIONID") or (session if session.count(".") == 2 else ""))
        value = session if kind == "session" else jwt
        if not value:
            raise reply.failed(
                AuthError(errors.PROTOCOL, f"the login succeeded, but its reply holds no {'session id' if kind == 'session' else 'JWT'}; check api_url")
            )
        return Token(value, jwt_lifetime(value, now))

    # -- calls ---------------------------------------------------------------------------------------------------

    def call(self, options: Options) -> Call:
        from .. import wire
        from ..call import Call

        cmd, params = options.get("cmd"), options.get("params") or {}
        if bool(cmd) == bool(options.get("path")):
            raise AuthError(CONFIGURATION, "give either cmd or path; cmd calls json.php, path the REST interface")
        if cmd and any(options.get(name) for name in ("query", "body")):
            raise AuthError(CONFIGURATION, "query and body belong to path; the arguments of a cmd go into params")
        if not cmd and params:
            raise AuthError(CONFIGURATION, "params belongs to cmd; a path takes query and body")
        body = wire.structured(options.get("body"))
        given = {str(key).upper() for part in (params, body, options.get("query")) if isinstance(part, dict) for key in part}
        stray = [name for name in CREDENTIAL_KEYS if name in given]
        if stray:
            raise AuthError(
                CONFIGURATION,
                f"params, query and body must not hold {', '.join(stray)}; credentials have options of their own, and auth says how they are sent",
            )
        secret = any(name in str(cmd or options.get("path")).lower() for name in SECRET_NAMES)
        if not cmd:
            return self._first_page(wire.path_call(options, secret=secret), options)
        reads = str(cmd).rsplit(".", 1)[-1].lower() in READING_VERBS
        return self._first_page(Call(str(cmd), "POST", ENDPOINT, body={**params, "cmd": cmd}, reads=reads, secret=secret), options)

    @staticmethod
    def _first_page(call: Call, options: Options) -> Call:
        if not options.get("all_pages"):
            return call
        return _asking(call, {"resWindow": WINDOW, **_asked(call)})

    def request(self, options: Options, call: Call, token: str) -> Request:
        from .. import wire
        from ..client import Request

        auth = options.get("auth") or "bearer"
        body, headers = call.body, {}
        if auth == "bearer":
            headers["Authorization"] = f"Bearer {token}"
        elif auth == "cookie":
            headers["Cookie"] = f"JWTSESSIONID={token}"
        elif auth == "basic":
            headers["Authorization"] = wire.basic(options["api_uuid"], options["api_secret"])
        else:
            if body is not None and not isinstance(body, dict):
                raise AuthError(CONFIGURATION, f"auth {auth} puts the credential into the body, which must be a dictionary then")
            secret = {"USERSESSIONID": token} if auth == "session" else {"APIUUID": options["api_uuid"], "APISECRET": options["api_secret"]}
            body = {**(body or {}), **secret}
        return Request(call.method, wire.below(self.base(options), call.path), headers, call.query or None, json=body, repeatable=call.reads)

    def read(self, call: Call, reply: Reply) -> Outcome:
        from .. import wire
        from ..call import Outcome

        bodiless = wire.bodiless(call, reply)
        body = {} if bodiless else _object(reply, call.name)
        hint = "the account or the API key may lack the right to do this, or the token may be dead, so grant the right or give another token"
        if reply.status >= 400 or not (bodiless or _agreed(body)):
            raise self._refused(reply, body, call.name, errors.FORBIDDEN, hint)
        data = {name: value for name, value in body.items() if name not in SAID}
        meta: dict[str, t.Any] = {name: body[name] for name in SAID if name in body}
        return Outcome(data, meta, secret=call.secret or wire.carries_secret(body))

    def _refused(self, reply: Reply, body: dict[str, t.Any], what: str, denied: str, hint: str) -> AuthError:
        """The error for a reply in which RackCorp did not say OK; most come with HTTP 200."""
        from .. import wire

        fault = body.get("fault") or {}
        if not isinstance(fault, dict):
            fault = {"faultstring": fault}
        code, message, fields = body.get("code"), body.get("message") or fault.get("faultstring"), body.get("error")
        if code is None or _is_ok(code):
            code = fault.get("faultcode")
        if reply.status < 400 and not (code or message or fields):
            return reply.unreadable()
        if isinstance(fields, dict) and fields:
            message = f"{message or 'wrong fields'} ({', '.join(f'{name}: {text}' for name, text in fields.items())})"
        # Where there is neither a code nor a status, the words say it.
        said = code if code or reply.status >= 400 else message
        if str(said).upper().replace(" ", "_") == "ACCESS_DENIED" or reply.status in (401, 403):
            kind = errors.CREDENTIALS if reply.status == 401 else errors.FORBIDDEN if reply.status == 403 else denied
            return wire.refused(reply, what, kind, code=code, message=message, hint=hint, token_refused=reply.status != 403)
        credential_at_fault = denied == errors.CREDENTIALS and reply.status < 500 and reply.status != 429
        return wire.refused(reply, what, self._kind(reply, denied, str(message)), code=code, message=message, hint=hint if credential_at_fault else "")

    @staticmethod
    def _kind(reply: Reply, denied: str, message: str) -> str | None:
        if reply.status >= 400:
            return None
        if denied == errors.CREDENTIALS:
            # A login that is answered with anything but OK was refused for what it sent.
            return errors.CREDENTIALS
        # There is no code of its own for it: terraform-provider-rackcorp matches on the message too.
        return errors.NOT_FOUND if "not find" in message.lower() or "not found" in message.lower() else errors.INVALID_REQUEST

    # -- pages ---------------------------------------------------------------------------------------------------

    def items(self, call: Call, data: t.Any) -> tuple[str | None, list[t.Any]]:
        found = {name: _rows(value) for name, value in data.items()}
        name = call.member or _listed(call, {name: rows for name, rows in found.items() if rows})
        return name, found.get(name, []) if name else []

    def next_page(self, options: Options, call: Call, outcome: Outcome) -> Call | None:
        from .. import wire

        items = self.items(call, outcome.data)[1]
        reached = (wire.number_of(_asked(call).get("resStart")) or 0) + len(items)
        totals = [wire.number_of(outcome.data.get(name)) for name in ("matches", "count")]
        total = next((one for one in totals if one is not None), None)
        if not items or (reached >= total if total is not None else not wire.may_go_on(len(items), _window(call))):
            return None
        return _asking(call, {**_asked(call), "resStart": reached})


def _object(reply: Reply, what: str) -> dict[str, t.Any]:
    """The body, which is an object in every reply, also in a refusal. Raises where it is none."""
    from .. import wire

    body = wire.body_of(reply, what)
    if not isinstance(body, dict):
        raise reply.unreadable()
    return body


def _is_ok(code: t.Any) -> bool:
    return str(code).upper() == "OK"


def _agreed(body: dict[str, t.Any]) -> bool:
    """Whether RackCorp said OK: HTTP says nothing. Where it gave no code, a payload says so, but neither words alone nor a fault."""
    code, fault = body.get("code"), body.get("fault")
    if isinstance(fault, dict) and ("faultstring" in fault or "faultcode" in fault):
        return False
    if code is not None:
        return _is_ok(code)
    return not fault and any(value is not None for name, value in body.items() if name not in (*SAID, *WRONG))


def _asked(call: Call) -> t.Mapping[str, t.Any]:
    """What a call asks for, which page of it too."""
    return call.body if call.path == ENDPOINT and isinstance(call.body, dict) else call.query


def _asking(call: Call, asked: t.Mapping[str, t.Any]) -> Call:
    return call.having(body=asked) if _asked(call) is call.body else call.having(query=asked)


def _window(call: Call) -> int:
    from .. import wire

    return wire.number_of(_asked(call).get("resWindow")) or WINDOW


def _rows(value: t.Any) -> list[t.Any]:
    """A member's value as a list. PHP turns a list with gaps into an object: dns.domain.getall answers one."""
    if isinstance(value, dict) and all(isinstance(item, dict) for item in value.values()):
        return list(value.values())
    return value if isinstance(value, list) else []


def _listed(call: Call, found: dict[str, list[t.Any]]) -> str | None:
    """The member that paging splits, of all that hold a list; the longest one may be a list of warnings. `None`: there is none.

    It is as long as a page, or else has the name of what was asked for, or else holds objects.
    """
    window, noun = _window(call), _noun(call)

    def likeness(name: str) -> tuple[bool, bool, bool, int]:
        rows = found[name]
        return len(rows) == window, name == "data" or noun in name.lower(), all(isinstance(row, dict) for row in rows), len(rows)

    return max(found, key=likeness, default=None)


def _noun(call: Call) -> str:
    """What a call is about: `device` for device.getall, and for the path devices."""
    if call.path == ENDPOINT:
        return call.name.lower().rpartition(".")[0].rpartition(".")[2]
    return call.path.rstrip("/").rpartition("/")[2].lower().rstrip("s")
