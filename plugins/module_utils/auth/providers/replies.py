# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the requests and replies of several systems have in common."""

from __future__ import annotations

import base64
import json
import re
import typing as t
from urllib.parse import quote, unquote, urlsplit

from .. import errors
from ..errors import ApiError, configuration_error
from ..model import Call, CallResult

if t.TYPE_CHECKING:
    from ..http.messages import Response

DEFAULT_PORTS = {"http": 80, "https": 443}
READING_METHODS = ("GET", "HEAD", "OPTIONS")
LOGIN = "the login"

_HINTS = {
    errors.CREDENTIALS: "check the credentials",
    errors.FORBIDDEN: "the account is not permitted to do this; grant the permission or use another account",
    errors.RATE_LIMITED: "make fewer calls, or raise max_wait",
    errors.NOT_FOUND: "check the name",
    errors.INVALID_REQUEST: "correct the call and its parameters",
    errors.SERVER: "check that the service is up, and try again later",
    errors.PROTOCOL: "check api_url and any proxy on the way",
}
TOKEN_REFUSED = "the token is invalid, expired or revoked; give another one, or the credentials"


# -- requests --------------------------------------------------------------------------------------------------------


def basic_auth(user: str, password: str) -> str:
    """Return the value of an Authorization header for Basic authentication (RFC 7617, in UTF-8).

    Raises a configuration error for a user name with a colon: everything after it would be taken as the password.
    """
    if ":" in user:
        raise configuration_error("the user name contains a colon", "give the name alone")
    return "Basic " + base64.b64encode(f"{user}:{password}".encode("utf-8", "surrogateescape")).decode("ascii")


def join_url(base: str, path: str) -> str:
    """Return an address below the base, with whatever the path contains quoted."""
    return f"{base}/{quote(path, safe='/:@!$&()*+,;=~%-._')}"


def plan_path_call(arguments: t.Mapping[str, t.Any]) -> Call:
    """Return the call of `path`, `method`, `query` and `body`. Raises a configuration error."""
    path = str(arguments.get("path") or "").strip().lstrip("/")
    if not path:
        raise configuration_error("missing path", "give the path of the call below api_url")
    # HTTP clients and servers take %2e for a dot.
    dotted = {".", ".."} & set(re.split(r"[/\\]", unquote(path)))
    if dotted or any(sign in path for sign in ("://", "?", "#")) or any(ord(sign) < 33 or ord(sign) == 127 for sign in path):
        raise configuration_error("path must be a plain path below api_url, without a host, dots, blanks or a query", "give the query in query")
    method = arguments.get("method") or "GET"
    query = arguments.get("query") or {}
    check_query(query)
    return Call(f"{method} {path}", method, path, query, parse_body(arguments.get("body")), read_only=method in READING_METHODS)


def check_query(query: t.Mapping[str, t.Any]) -> None:
    """Raise a configuration error if a query holds what an address cannot: dictionaries, or lists within lists."""
    for name, value in query.items():
        items = value if isinstance(value, list) else [value]
        if any(isinstance(item, (dict, list)) for item in items):
            raise configuration_error(f"query: {name} must be text, a number, a boolean or a list of them", "write nested data as the API documents it")


def parse_body(body: t.Any) -> t.Any:
    """Return a body; one that was written as JSON text is parsed. Raises a configuration error."""
    if isinstance(body, str) and body.strip()[:1] in ("{", "["):
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise configuration_error("body looks like JSON but cannot be parsed", "correct it") from None
    return body


def is_same_origin(base: str, url: str) -> bool:
    """Return whether an address leads to the host of another.

    A service behind a proxy may link to itself by http, or name the usual port.
    """
    try:
        first, second = urlsplit(base), urlsplit(url)
        ports = (first.port or DEFAULT_PORTS.get(first.scheme), second.port or DEFAULT_PORTS.get(second.scheme))
    except ValueError:
        return False
    same_port = ports[0] == ports[1] or (first.scheme, second.scheme, *ports) == ("https", "http", 443, 80)
    return first.hostname == second.hostname and second.scheme in DEFAULT_PORTS and same_port


# -- refusals --------------------------------------------------------------------------------------------------------


def kind_of_status(status: int) -> str:
    """Return the kind of error that an HTTP status stands for, as most systems use it."""
    kinds = {401: errors.CREDENTIALS, 403: errors.FORBIDDEN, 404: errors.NOT_FOUND, 410: errors.NOT_FOUND, 429: errors.RATE_LIMITED}
    if status in kinds:
        return kinds[status]
    return errors.SERVER if status >= 500 else errors.INVALID_REQUEST if status >= 400 else errors.PROTOCOL


def refusal(
    response: Response,
    action: str,
    kind: str | None = None,
    *,
    code: t.Any = None,
    message: t.Any = None,
    hint: str = "",
    token_refused: bool = False,
    quote_body: bool = False,
) -> ApiError:
    """Return the error for a reply that says no: what was refused, in the system's words, and what to do.

    :param action: what was refused, such as `the login` or a call's name.
    :param code: the system's own code; anything that is no text is quoted as JSON.
    :param quote_body: quote the body because the system gave neither a code nor a message.
    """
    kind = kind or kind_of_status(response.status)
    code, message = _as_text(code), _as_text(message)
    words = ": ".join(part for part in (code, message) if part) or (response.excerpt() if quote_body else "")
    verb = "failed" if kind in (errors.SERVER, errors.PROTOCOL) else "was refused"
    if kind == errors.NOT_FOUND and not hint and (action == LOGIN or not (code or message)):
        # The page of a web server, which knows nothing of the system's names. A login names nothing but its address.
        hint = response.advice_about_address() if action == LOGIN else f"check the name; {response.advice_about_address()}"
    error = response.error(
        kind,
        f"{action} {verb}",
        hint or _HINTS.get(kind, "check the call"),
        code=code,
        message=message,
        token_refused=token_refused,
        server_text=f"HTTP {response.status}" + (f", {words}" if words else ""),
    )
    if kind == errors.RATE_LIMITED and error.retry_after is not None:
        seconds = error.retry_after
        return error.replace(hint=f"wait {seconds:.0f} seconds, or raise max_wait and retries" if seconds >= 1 else "try again, or raise retries")
    return error


def _as_text(value: t.Any) -> str | None:
    """Return what a system says as text; a structure stays JSON, in which secrets can be found."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# -- bodies ----------------------------------------------------------------------------------------------------------


def decode_body(response: Response, action: str) -> t.Any:
    """Return the decoded JSON body.

    Raises an error of the status' kind if the body is not JSON and the status says enough, or a protocol error.
    """
    try:
        return response.json()
    except ApiError:
        if response.status in (401, 403, 404, 410, 429) or response.status >= 500:
            raise refusal(response, action, token_refused=response.status == 401, quote_body=True) from None
        raise


def decode_object(response: Response, action: str) -> dict[str, t.Any]:
    """Return the body, which must be a JSON object. Raises as `decode_body` does."""
    body = decode_body(response, action)
    if not isinstance(body, dict):
        raise response.invalid_body("a JSON object")
    return body


def has_no_body(call: Call, response: Response) -> bool:
    """Return whether a reply has no body, as it may: a success of a change without one, HTTP 204 and 205, and HEAD."""
    if response.status in (204, 205) or call.method == "HEAD":
        return True
    return not call.read_only and response.status < 300 and not response.body.strip()


def effective_status(response: Response, body: t.Any) -> int:
    """Return the status that a reply means: HTTP's own, or that of an error in the body of what HTTP calls a success.

    A payload may have a `status` or a `message` of its own, so only a number of 400 to 599 with words and without data is an error. The `code` in
    `meta` belongs to no payload, so it needs no words.
    """
    if response.status >= 400 or not isinstance(body, dict) or body.get("data") is not None:
        return response.status
    meta = body.get("meta")
    words = body.get("message") or body.get("error")
    codes = (to_int(body.get("status")) if words else None, to_int(meta.get("code")) if isinstance(meta, dict) else None)
    return next((code for code in codes if code is not None and 400 <= code < 600), response.status)


def parse_envelope(call: Call, response: Response, code_key: str, *, base_url: str = "") -> CallResult:
    """Return the payload in `data` and the rest of the envelope; without `data` the whole body is the payload.

    :param code_key: the member that names an error.
    :param base_url: the base address; a call whose path begins with what it ends with gets a hint about that.
    :raises ApiError: of the right kind if the system refused or failed.
    """
    body = None if has_no_body(call, response) else decode_body(response, call.name)
    status = effective_status(response, body)
    if status >= 400:
        members = body if isinstance(body, dict) else {}
        meta = members["meta"] if isinstance(members.get("meta"), dict) else {}
        code, message = members.get(code_key, meta.get("code")), members.get("message", meta.get("message"))
        hint = TOKEN_REFUSED if status == 401 else repeated_base_hint(call, base_url) if status == 404 else ""
        raise refusal(response, call.name, kind_of_status(status), code=code, message=message, hint=hint, token_refused=status == 401)
    if not isinstance(body, dict) or "data" not in body:
        return CallResult(body)
    rest = {name: value for name, value in body.items() if name not in ("data", "meta")}
    meta = body.get("meta")
    return CallResult(body["data"], {**(meta if isinstance(meta, dict) else {}), **rest})


def repeated_base_hint(call: Call, base_url: str) -> str:
    """Return a hint if a call's path begins with what the base address ends with, as users copy it from documentation."""
    segments, path = urlsplit(base_url).path.strip("/").split("/"), call.path.strip("/") + "/"
    ends = ("/".join(segments[number:]) for number in range(len(segments)))
    repeated = next((end for end in ends if end and path.startswith(f"{end}/")), "")
    return f"the path repeats {repeated}, which api_url ends with already; leave it out of path" if repeated else ""


# -- values ----------------------------------------------------------------------------------------------------------


def has_more_pages(received: int, requested: int) -> bool:
    """Return whether a page without a total may be followed by another: it is full, or a round number, as a server's own maximum would be."""
    return received > 0 and (received >= requested or received % 10 == 0)


def to_int(value: t.Any) -> int | None:
    """Return a count, which some systems send as text; `None` if it is none."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def to_lifetime(value: t.Any) -> float | None:
    """Return the seconds that a login grants; `None` if they are missing or make no sense."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if 0 < seconds < 10 * 366 * 86400 else None
