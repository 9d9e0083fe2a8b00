# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every system's requests and replies have in common. Private to this collection."""

from __future__ import annotations

import base64
import json
import re
import typing as t
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

from . import errors
from .call import Call, Outcome
from .errors import CONFIGURATION, AuthError

if t.TYPE_CHECKING:
    from .client import Reply
    from .option import Options

# Characters of a body that is no JSON, in an error.
EXCERPT = 200
DEFAULT_PORTS = {"http": 80, "https": 443}
READING_METHODS = ("GET", "HEAD", "OPTIONS")

# Names of members, whatever their case and with or without underscores and dashes. Not a token that only marks a page.
_SECRET_KEYS = re.compile(
    r"(cp)?(access|refresh|id|api|auth|session|bearer|security|user|login)*token|(access)?jwt|jwtsessionid|(user)?sessionid|accesshash|netosecret"
    r"|(api|app|shared|client|access|secret|totp|otp|mfa|tfa|2fa|s3)*secret((access)?key)?|(app|api)key|(ssh|rsa|ssl)?privatekey"
    r"|(user|root|admin|db|new|old)*(passw(or)?d|pass|passphrase)|recoverycodes?",
    re.IGNORECASE,
)
_NO_MARKS = str.maketrans("", "", "_-")
_NO_SECRET = ("", "0", "1")

_HINTS = {
    errors.CREDENTIALS: "check the credentials",
    errors.FORBIDDEN: "the account lacks the right to do this, so grant it or use another account",
    errors.RATE_LIMITED: "make fewer calls, or raise max_wait",
    errors.NOT_FOUND: "check the name",
    errors.INVALID_REQUEST: "correct what was asked for",
    errors.SERVER: "look whether the service is well, and try again later",
    errors.PROTOCOL: "check api_url, and any proxy on the way",
}


def basic(user: str, password: str) -> str:
    """The value of an Authorization header (RFC 7617, in UTF-8)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode("utf-8", "surrogateescape")).decode("ascii")


def below(base: str, path: str) -> str:
    """An address below the base, whatever the path looks like."""
    return f"{base}/{quote(path, safe='/:@!$&()*+,;=~%-._')}"


def path_call(options: Options, **changes: t.Any) -> Call:
    """The call of `path`, `method`, `query` and `body`. Raises a configuration error."""
    path = str(options.get("path") or "").lstrip("/")
    if not path:
        raise AuthError(CONFIGURATION, "missing path; give the path of the call, below api_url")
    # A client takes %2e for a dot.
    dotted = {".", ".."} & set(re.split(r"[/\\]", unquote(path)))
    if dotted or any(sign in path for sign in ("://", "?", "#")) or any(ord(sign) < 33 or ord(sign) == 127 for sign in path):
        raise AuthError(CONFIGURATION, "path must be a plain path below api_url, without a host, dots, blanks or a query; give the query in query")
    method = options.get("method") or "GET"
    call = Call(f"{method} {path}", method, path, options.get("query") or {}, structured(options.get("body")), reads=method in READING_METHODS)
    return call.having(**changes)


def structured(body: t.Any) -> t.Any:
    """A body that was written as JSON text is what it says, not a string. Raises a configuration error."""
    if isinstance(body, str) and body.strip()[:1] in ("{", "["):
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise AuthError(CONFIGURATION, "body looks like JSON, but is not; correct it") from None
    return body


def same_origin(base: str, url: str) -> bool:
    """Whether an address leads to the host of another; a service behind a proxy may call its own http, or name the usual port."""
    try:
        one, other = urlsplit(base), urlsplit(url)
        ports = (one.port or DEFAULT_PORTS.get(one.scheme), other.port or DEFAULT_PORTS.get(other.scheme))
    except ValueError:
        return False
    same_port = ports[0] == ports[1] or (one.scheme, other.scheme, *ports) == ("https", "http", 443, 80)
    return one.hostname == other.hostname and other.scheme in DEFAULT_PORTS and same_port


def kind_of(status: int) -> str:
    """The kind of error of an HTTP status, as most systems mean it."""
    kinds = {401: errors.CREDENTIALS, 403: errors.FORBIDDEN, 404: errors.NOT_FOUND, 410: errors.NOT_FOUND, 429: errors.RATE_LIMITED}
    if status in kinds:
        return kinds[status]
    return errors.SERVER if status >= 500 else errors.INVALID_REQUEST if status >= 400 else errors.PROTOCOL


def refused(
    reply: Reply, what: str, kind: str | None = None, *, code: t.Any = None, message: t.Any = None, hint: str = "", token_refused: bool = False
) -> AuthError:
    """The error for a reply in which the system said no: what was refused, in whose words, and what to do."""
    kind = kind or kind_of(reply.status)
    code, message = _words(code), _words(message)
    told = ": ".join(part for part in (code, message) if part)
    verb = "failed" if kind in (errors.SERVER, errors.PROTOCOL) else "was refused"
    error = AuthError(
        kind,
        f"{what} {verb}",
        code=code,
        message=message,
        token_refused=token_refused,
        said=f"HTTP {reply.status}" + (f", {told}" if told else ""),
        advice=hint or _HINTS.get(kind, "check the call"),
    )
    reply.failed(error)
    if kind == errors.RATE_LIMITED and error.retry_after is not None:
        error.advice = f"wait {error.retry_after:.0f} seconds, or raise max_wait and retries" if error.retry_after >= 1 else "try again, or raise retries"
    return error


def _words(told: t.Any) -> str | None:
    """What a system says, as text; what it says in parts stays JSON, in which secrets can be found."""
    return told if told is None or isinstance(told, str) else json.dumps(told, ensure_ascii=False)


def body_of(reply: Reply, what: str) -> t.Any:
    """The decoded body. Where it is not JSON: an error of the status' kind, or of the protocol when the status says nothing."""
    try:
        return reply.json()
    except AuthError as unreadable:
        if reply.status in (401, 403, 429) or reply.status >= 500:
            error = refused(reply, what, token_refused=reply.status == 401)
            error.said, error.most = ", ".join(filter(None, (error.said, reply.excerpt()))), EXCERPT
            raise error from None
        raise unreadable


def bodiless(call: Call, reply: Reply) -> bool:
    """Whether a reply, a refusal too, has no body by its nature."""
    return reply.status in (204, 205) or call.method == "HEAD"


def status_of(reply: Reply, body: t.Any) -> int:
    """The status that a reply means: HTTP's own, or that of an error in the body of what HTTP calls a success.

    A payload may have a `status` or a `message` of its own, so an error is only what has the number of one, words beside it, and no data. The `code`
    in `meta` belongs to no payload, so it needs no words.
    """
    if reply.status >= 400 or not isinstance(body, dict) or body.get("data") is not None:
        return reply.status
    meta, told = body.get("meta"), body.get("message") or body.get("error")
    found = (number_of(body.get("status")) if told else None, number_of(meta.get("code")) if isinstance(meta, dict) else None)
    return next((one for one in found if one is not None and 400 <= one < 600), reply.status)


def enveloped(call: Call, reply: Reply, code: str) -> Outcome:
    """What a reply means that has its payload in `data` and the rest in `meta` and beside; without `data` the whole body is the payload.

    `code` is the member that names an error. Raises an error of the right kind when the system refused or failed.
    """
    body = None if bodiless(call, reply) else body_of(reply, call.name)
    status = status_of(reply, body)
    if status >= 400:
        told = body if isinstance(body, dict) else {}
        meta = told["meta"] if isinstance(told.get("meta"), dict) else {}
        name, message = told.get(code, meta.get("code")), told.get("message", meta.get("message"))
        hint = "the token was refused, so give another one or the credentials" if status == 401 else ""
        raise refused(reply, call.name, kind_of(status), code=name, message=message, hint=hint, token_refused=status == 401)
    secret = call.secret or carries_secret(body)
    if not isinstance(body, dict) or "data" not in body:
        return Outcome(body, secret=secret)
    rest = {name: value for name, value in body.items() if name not in ("data", "meta")}
    meta = body.get("meta")
    return Outcome(body["data"], {**(meta if isinstance(meta, dict) else {}), **rest}, secret=secret)


def carries_secret(data: t.Any) -> bool:
    """Whether a reply's body, all of which is shown, holds a member that is a secret by its name: a text, or a list of them.

    What can only be a flag is none: WHM lists the privilege `passwd` as `"1"`.
    """
    todo = [data]
    while todo:
        one = todo.pop()
        if isinstance(one, list):
            todo += one
        elif isinstance(one, dict):
            for name, value in one.items():
                if isinstance(value, str):
                    if value not in _NO_SECRET and _tells_secret(name):
                        return True
                elif isinstance(value, dict):
                    todo.append(value)
                elif isinstance(value, list):
                    if value and all(isinstance(item, str) and item for item in value):
                        if _tells_secret(name):
                            return True
                    else:
                        todo += value
    return False


# The items of a list have the same members, thousands of times.
@lru_cache(maxsize=1024)
def _tells_secret(name: str) -> bool:
    return _SECRET_KEYS.fullmatch(name.translate(_NO_MARKS)) is not None


def may_go_on(got: int, asked: int) -> bool:
    """Whether more may follow a page without a total: it is full, or as long as a server's own maximum would be, a round number."""
    return got > 0 and (got >= asked or got % 10 == 0)


def number_of(value: t.Any) -> int | None:
    """A count that some systems send as text; JSON can hold a number that is too large for one."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def seconds_of(value: t.Any) -> float | None:
    """A lifetime in a login's reply; `None` where it is missing or makes no sense."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if 0 < seconds < 10 * 366 * 86400 else None
