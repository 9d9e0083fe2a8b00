# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cPanel/WHM: WHM API 1 with `Authorization: whm user:token`, or Basic with a password, and UAPI functions of a cPanel user.

Sources: https://api.docs.cpanel.net/whm/introduction, https://api.docs.cpanel.net/whm/tokens, https://api.docs.cpanel.net/guides/guide-to-api-authentication
and the vendor's clients https://github.com/cpanel/p5-cPanel-APIClient and https://github.com/CpanelInc/cPanel-PublicAPI.
"""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urlsplit

from ... import errors
from ...errors import ApiError, configuration_error
from ...http.messages import Request
from ...model import Account, Call, CallResult, Token
from ...options import Option, option
from .. import replies
from ..base import TOKEN, Provider, how_to_set, parse_api_url
from .envelopes import open_envelope, unwrap_uapi

if t.TYPE_CHECKING:
    from ...http.messages import Response

CHUNK = 500
READING_PREFIXES = ("list", "get", "fetch", "show", "has_", "is_", "count_", "read_", "emailtrack_", "twofactorauth_get_")
READING_NAMES = (
    "accountsummary",
    "acctcounts",
    "api_token_get_details",
    "api_token_list",
    "applist",
    "batch_list",
    "domainuserdata",
    "dumpzone",
    "gethostname",
    "installed_versions",
    "loadavg",
    "lookupnsip",
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
# The parameter that names the function which these carry.
CARRIERS = {"uapi_cpanel": "cpanel.function", "cpanel": "cpanel_jsonapi_func"}
SECRET_NAMES = (
    "token_create",
    "tokens_create",
    "create_api_token",
    "create_user_session",
    "accesshash",
    "passw",
    "_secret",
    "private_key",
    "fetchsslinfo",
    "fetch_key",
    "generatessl",
)
DENIED = re.compile(
    r"(access|permission) denied|not (authorized|permitted)|not allowed to|insufficient (privilege|permission|right)"
    r"|(not have|lacks?|requires?|without|need) .{0,40}(privilege|permission|access|acl\b)",
    re.IGNORECASE,
)
UNKNOWN = re.compile(
    r"unknown app|not found|could not find|does not exist|no such|do(es)? not (own|control)|invalid user|undefined subroutine",
    re.IGNORECASE,
)
UNKNOWN_FUNCTION = re.compile(r"unknown app", re.IGNORECASE)
CPANEL_PORTS = (2082, 2083)
PASSWORD = "password"
# The variant of a call whose envelope within the envelope is the user's.
UAPI = "uapi"
UAPI_KEYS = ("user", "module", "function", "params")
# Functions that give a token the privileges in `acl`.
ACL_FUNCTIONS = ("api_token_create", "api_token_update", "wp_dashboard_create_api_token")
IDENTIFIER = re.compile(r"[A-Za-z0-9_]+")


class Whm(Provider):
    name = "whm"
    title = "WHM"
    # Suspending one account has been seen to take 53 seconds.
    timeout = 120.0
    options: t.ClassVar[tuple[Option, ...]] = (
        option("whm", "host", group="address", alternative="host"),
        option("whm", "port", "int", default=2087, positive=True, group="address", alternative="host"),
        option("whm", "api_url", group="address", alternative="api_url"),
        option("whm", "username", default="root", group="credential"),
        option("whm", "token", env=("WHM_API_TOKEN",), secret=True, trim=True, group="credential", alternative=TOKEN),
        option("whm", "password", secret=True, group="credential", alternative=PASSWORD),
    )
    call_options = (Option("function"), Option("params", "dict"), Option("method", default="POST", choices=("POST", "GET")), Option("uapi", "dict"))

    # -- who asks ------------------------------------------------------------------------------------------------

    def find_base_url(self) -> str:
        """Return where the server is: `api_url`, or else `host` and `port`."""
        if self.values.get("api_url"):
            return parse_api_url(self.values["api_url"])
        host = str(self.values.get("host") or "")
        if not host:
            table = {known.name: known for known in self.options}
            raise configuration_error("missing host", f"{how_to_set(table['host'])}, or the whole address in api_url")
        if "/" in host or "@" in host or any(ord(sign) < 33 for sign in host):
            raise configuration_error("host must be a bare name or address", "a whole address belongs in api_url")
        if host.count(":") == 1:
            raise configuration_error("host must be a bare name or address", "the port has an option of its own, port")
        port = int(self.values.get("port") or 2087)
        if port > 65535:
            raise configuration_error(f"port must be a port number, at most 65535, and not {port}", "correct it")
        return parse_api_url(f"https://{f'[{host}]' if host.count(':') > 1 and not host.startswith('[') else host}:{port}")

    def identify(self) -> Account:
        user, token, password = self._user, self.values.get("token"), self.values.get("password")
        if not token and not password:
            table = {known.name: known for known in self.options}
            raise configuration_error("no credentials", f"give token, or password ({how_to_set(table['token'])}; {how_to_set(table['password'])})")
        if any(ord(sign) < 33 for sign in f"{user}{token or ''}"):
            raise configuration_error("username and token must not contain blanks or line breaks", "copy the token again")
        if ":" in f"{user}{token or ''}":
            raise configuration_error("username and token must not contain colons", "give the name in username and the secret alone in token")
        return Account(
            self.name,
            self.title,
            self.base_url,
            user,
            credential=(str(token or password),),
            supplied_token=Token(token) if token else None,
            derived_secrets=(f"{user}:{token or password}",),
        )

    @property
    def _user(self) -> str:
        return str(self.values.get("username") or "root")

    @property
    def credential_option(self) -> str:
        return "" if self.values.get("token") else "password"

    def headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"whm {self._user}:{token}"}

    # -- calls ---------------------------------------------------------------------------------------------------

    def plan(self, arguments: t.Mapping[str, t.Any]) -> Call:
        function, params, uapi = str(arguments.get("function") or ""), arguments.get("params") or {}, arguments.get("uapi")
        method = arguments.get("method") or "POST"
        if uapi is not None:
            if function or params:
                raise configuration_error("give either function with params or uapi", "the parameters of a UAPI function belong into uapi.params")
            return plan_uapi(uapi, method)
        if not function:
            raise configuration_error("missing function", "give the name of a WHM API 1 function, or a UAPI function of a cPanel user in uapi")
        if not IDENTIFIER.fullmatch(function):
            raise configuration_error("function must be the bare name of a WHM API 1 function", "give a name such as listaccts")
        if function in ACL_FUNCTIONS and "acls" in params:
            # WHM would ignore it, and give the token every privilege of the account.
            raise configuration_error("params: WHM calls the list of privileges acl, not acls", "correct the name")
        if function in ACL_FUNCTIONS and "acl" in params and _is_empty(params["acl"]):
            raise configuration_error("params: acl is empty, which WHM takes as every privilege of the account", "name at least one privilege")
        secret = any(name in function.lower() for name in SECRET_NAMES)
        return Call(function, method, f"json-api/{function}", flatten_params(params), read_only=is_reading(function, params), secret_reply=secret)

    def request(self, call: Call, token: str) -> Request:
        headers = self.headers(token) if token else {"Authorization": replies.basic_auth(self._user, self.values["password"])}
        fields = {**call.query, "api.version": "1"}
        url = replies.join_url(self.base_url, call.path)
        if call.method == "GET":
            return Request("GET", url, headers, fields, repeatable=call.read_only)
        # In the body, because web servers write addresses to their logs.
        return Request("POST", url, headers, form=fields, repeatable=call.read_only)

    def parse(self, call: Call, response: Response) -> CallResult:
        if replies.has_no_body(call, response):
            return CallResult(None)
        if b"tfa_login_form" in response.body and not response.body.lstrip().startswith(b"{"):
            hint = "this account's password needs two-factor authentication; use an API token"
            raise replies.refusal(response, call.name, errors.CREDENTIALS, hint=hint)
        if response.status in (401, 403):
            self._check_denied(call, response)
        body = replies.decode_object(response, call.name)
        envelope = open_envelope(body)
        if call.variant == UAPI:
            envelope = unwrap_uapi(envelope)
        if response.status >= 400 or not envelope.success:
            raise self._failure(call, response, None if envelope.success else envelope.reason)
        return CallResult(envelope.data, dict(envelope.meta))

    def _check_denied(self, call: Call, response: Response) -> None:
        """Raise if WHM rejected the credential; a function that is denied answers with metadata."""
        try:
            body = response.json()
        except ApiError:
            body = None
        if response.status == 403 and isinstance(body, dict) and "metadata" in body:
            return
        denial = body.get("cpanelresult") if isinstance(body, dict) else None
        reason = denial.get("error") if isinstance(denial, dict) else None
        hint = "check username and the token or password, whether the token has expired, and from which addresses it may be used"
        if urlsplit(self.base_url).port in CPANEL_PORTS:
            hint = f"port {urlsplit(self.base_url).port} is cPanel's; WHM listens on port 2087; if the port is right, {hint}"
        raise replies.refusal(response, call.name, errors.CREDENTIALS, message=reason, hint=hint, quote_body=body is None)

    @staticmethod
    def _failure(call: Call, response: Response, reason: t.Any) -> ApiError:
        """Return the error of a call that WHM answered with a reason."""
        text = str(reason or "no reason was given")
        kind, hint = errors.INVALID_REQUEST, "correct the function's params"
        if DENIED.search(text) or response.status == 403:
            kind, hint = errors.FORBIDDEN, "the token or the account lacks a privilege for it; grant it or use another token"
        elif UNKNOWN.search(text):
            kind, hint = errors.NOT_FOUND, "check the names in function and params, and the server's version"
        if response.status >= 500 or response.status in (404, 429):
            # The status says more than the words.
            kind, hint = "", ""
        return replies.refusal(response, call.name, kind or None, message=text, hint=hint)

    def fallback(self, call: Call, error: ApiError) -> Call | None:
        """Return a UAPI call through `cpanel`, for servers before version 86, which do not have `uapi_cpanel`."""
        if call.variant == UAPI and call.path.endswith("/uapi_cpanel") and UNKNOWN_FUNCTION.search(error.message or ""):
            names = {"cpanel.user": "cpanel_jsonapi_user", "cpanel.module": "cpanel_jsonapi_module", "cpanel.function": "cpanel_jsonapi_func"}
            fields = {names.get(name, name): value for name, value in call.query.items()}
            return call._replace(path="json-api/cpanel", query={**fields, "cpanel_jsonapi_apiversion": "3"})
        return None

    # -- pages ---------------------------------------------------------------------------------------------------

    def first_page(self, call: Call) -> Call:
        if call.variant == UAPI:
            return call._replace(query={"api.paginate": "1", "api.paginate_size": str(CHUNK), "api.paginate_start": "1", **call.query})
        chunk = {"api.chunk.enable": "1", "api.chunk.verbose": "1", "api.chunk.size": str(CHUNK), "api.chunk.start": "1"}
        return call._replace(query={**chunk, **call.query})

    def next_page(self, call: Call, result: CallResult) -> Call | None:
        parameter, total = self._page(call, result)
        reached = (replies.to_int(call.query.get(parameter)) or 1) + len(self.page_items(call, result.data)[1])
        if total is None or reached > total:
            return None
        return call._replace(query={**call.query, parameter: str(reached)})

    @staticmethod
    def _page(call: Call, result: CallResult) -> tuple[str, int | None]:
        """Return the parameter that asks for a page by its first record, and how many records there are in all."""
        if call.variant == UAPI:
            metadata = result.meta.get("metadata")
            paginate = metadata.get("paginate") if isinstance(metadata, dict) else None
            return "api.paginate_start", replies.to_int(paginate.get("total_results")) if isinstance(paginate, dict) else None
        chunk = result.meta.get("chunk")
        return "api.chunk.start", replies.to_int(chunk.get("records")) if isinstance(chunk, dict) else None

    def page_items(self, call: Call, data: t.Any) -> tuple[str | None, list[t.Any]]:
        if isinstance(data, dict):
            lists = {name: value for name, value in data.items() if isinstance(value, list)}
            name = call.list_key if call.list_key in lists else next(iter(lists), None)
            return name, lists.get(name, []) if name else []
        return None, data if isinstance(data, list) else []


def plan_uapi(uapi: t.Mapping[str, t.Any], method: str) -> Call:
    """Return the call of a cPanel user's UAPI function: `{user, module, function, params}`. Raises a configuration error."""
    unknown = sorted(str(key) for key in uapi if key not in UAPI_KEYS)
    missing = [key for key in UAPI_KEYS[:3] if not uapi.get(key)]
    if unknown or missing:
        problem = f"uapi has no member {', '.join(unknown)}" if unknown else f"uapi lacks {' and '.join(missing)}"
        raise configuration_error(problem, "it takes user, module, function and params, such as {user: alice, module: Email, function: list_pops}")
    user, module, function = (str(uapi[key]).strip() for key in UAPI_KEYS[:3])
    if not (IDENTIFIER.fullmatch(module) and IDENTIFIER.fullmatch(function)):
        raise configuration_error("uapi: module and function must be bare names", "give names such as Email and list_pops")
    params = uapi.get("params") or {}
    if not isinstance(params, dict):
        raise configuration_error("uapi: params must be a dictionary", "correct it")
    fields = {"cpanel.user": user, "cpanel.module": module, "cpanel.function": function, **flatten_params(params)}
    return Call(
        f"{module}::{function} of {user}",
        method,
        "json-api/uapi_cpanel",
        fields,
        read_only=function.startswith(READING_PREFIXES),
        secret_reply=any(name in f"{module}_{function}".lower() for name in SECRET_NAMES),
        variant=UAPI,
    )


def _is_empty(acl: t.Any) -> bool:
    """Return whether a parameter names no privilege, in any of its forms; it would not be sent then, or be sent as an empty text."""
    items = acl if isinstance(acl, (list, dict)) else [acl]
    return not any(str(item).strip() for item in items if item is not None)


def flatten_params(params: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Return parameters as form fields: a list becomes name, name-1, …; a boolean 1 or 0; null is left out. Raises a configuration error."""
    fields: dict[str, str] = {}
    for name, value in params.items():
        if isinstance(value, dict):
            raise configuration_error(f"params: {name} must not be a dictionary", "WHM takes text, numbers, booleans and lists of them")
        for index, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, (dict, list)):
                raise configuration_error(f"params: {name} must be a plain list", "WHM takes text, numbers, booleans and lists of them")
            if item is not None:
                fields[f"{name}-{index}" if index else str(name)] = _field(name, item)
    return fields


def _field(name: str, value: t.Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    try:
        return str(value)
    except ValueError:
        # Python writes no whole number of more than some thousand digits.
        raise configuration_error(f"params: {name} is a number with too many digits", "correct it") from None


def is_reading(function: str, params: t.Mapping[str, t.Any]) -> bool:
    """Return whether a function changes nothing, as far as its name shows; the HTTP method says nothing."""
    if function in CARRIERS:
        return str(params.get(CARRIERS[function], "")).startswith(READING_PREFIXES)
    return function in READING_NAMES or function.startswith(READING_PREFIXES)
