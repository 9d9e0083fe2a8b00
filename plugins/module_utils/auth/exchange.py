# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One request and its reply: what of a call goes into them, what they may hold, and the limits of both. Private to this collection."""

from __future__ import annotations

import json
import socket
import ssl
import typing as t
import zlib
from contextlib import suppress
from urllib.parse import quote, urlencode, urlsplit

from . import errors
from .errors import AuthError
from .http11 import NotHTTP, TooSlow, reply_body, reply_head, request_bytes
from .trouble import cut_off, unanswered

if t.TYPE_CHECKING:
    from .client import Request
    from .http11 import Head, Stream
    from .transport import Connection

MAX_REPLY = 64 * 1024 * 1024
QUOTABLE = 65536
# A reply must be complete within this many times the timeout.
PATIENCE = 4
HEADERS = {"User-Agent": "apiauth.tokens", "Accept": "application/json", "Accept-Encoding": "gzip"}
CANNOT_CARRY = "the request holds something that HTTP or JSON cannot carry, such as NaN; look at the token, the user name and the call's arguments"
# The server has hung up before it took the whole of a request; over TLS that is told in other ways.
HUNG_UP = (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError)
# What an address may hold beside letters and digits (RFC 3986).
_IN_ADDRESS = "!#$%&'()*+,/:;=?@[]~"


class Written(t.NamedTuple):
    """A request as it goes out; shows nothing when printed."""

    target: str
    headers: dict[str, str]
    body: bytes | None

    def __repr__(self) -> str:
        return "Written()"


def written(request: Request) -> Written:
    """The request in HTTP's terms. Raises an error when HTTP or JSON cannot carry it."""
    headers = {**HEADERS, **request.headers}
    body: bytes | None = None
    parts = urlsplit(request.url)
    try:
        query = urlencode(_pairs(request.query), doseq=True) if request.query else ""
        target = quote(parts.path or "/", safe=_IN_ADDRESS)
        asked = "&".join(filter(None, (quote(parts.query, safe=_IN_ADDRESS), query)))
        if request.form:
            body = urlencode(_pairs(request.form), doseq=True).encode("ascii")
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif request.json is not None:
            body = json.dumps(request.json, allow_nan=False).encode("utf-8")
            headers["Content-Type"] = "application/json"
    except (ValueError, TypeError, RecursionError):
        raise AuthError(errors.INVALID_REQUEST, CANNOT_CARRY) from None
    return Written(f"{target}?{asked}" if asked else target, headers, body)


def _pairs(fields: t.Any) -> t.Any:
    """Fields without those that have no value; a boolean as JSON has it."""
    return [(name, _as_sent(value)) for name, value in fields.items() if value is not None] if isinstance(fields, dict) else fields


def _as_sent(value: t.Any) -> t.Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return [_as_sent(one) for one in value] if isinstance(value, list) else value


def exchange(connection: Connection, method: str, message: Written, timeout: float) -> tuple[Head, bytes]:
    """The reply's head and its whole body, decompressed. Raises `Failed`, or an error of ours."""
    connection.stream.expect(PATIENCE * timeout)
    head = _head(connection, method, message, timeout)
    return head, _body(connection.stream, method, head, timeout)


def _head(connection: Connection, method: str, message: Written, timeout: float) -> Head:
    target, headers = message.target, message.headers
    if connection.proxy is not None and connection.origin.startswith("http:"):
        target, headers = connection.origin + target, {**headers, **connection.proxy.headers()}
    try:
        sent = request_bytes(method, target, connection.host, headers, message.body)
    except ValueError:
        raise AuthError(errors.INVALID_REQUEST, CANNOT_CARRY) from None
    try:
        # A server may refuse a request before it has read the whole of it. What it says is worth more than that.
        with suppress(*HUNG_UP):
            connection.stream.sock.sendall(sent)
        return reply_head(connection.stream)
    except (OSError, NotHTTP, TooSlow) as failure:
        raise unanswered(failure, timeout) from None


def _body(stream: Stream, method: str, head: Head, timeout: float) -> bytes:
    """The whole body, bounded in size and in time: the timeout alone counts from each piece to the next."""
    body, status, inflate, taken = bytearray(), head.status, _inflater(head), 0
    try:
        for piece in reply_body(stream, method, head):
            taken += len(piece)
            body += piece if inflate is None else inflate.decompress(piece, MAX_REPLY + 1 - len(body))
            if max(taken, len(body)) > MAX_REPLY:
                raise _too_much(status, "is larger than 64 MiB; ask for less at a time")
    except TooSlow:
        raise _too_much(status, f"was not complete after {PATIENCE * timeout:g} seconds; ask for less at a time, or raise timeout") from None
    except zlib.error:
        raise _told(status, "the reply says that it is compressed, but is not; check api_url, and any proxy on the way") from None
    except socket.timeout as failure:
        raise unanswered(failure, timeout) from None
    except (OSError, NotHTTP):
        raise cut_off(status, bytes(body[:QUOTABLE])) from None
    if inflate is not None and body and not inflate.eof:
        raise cut_off(status, bytes(body[:QUOTABLE]))
    return bytes(body)


def _inflater(head: Head) -> t.Any:
    """What undoes the compression, `None` where there is none. Raises where it is one that was not asked for."""
    encoding = head.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return None
    if encoding in ("gzip", "x-gzip"):
        return zlib.decompressobj(16 + zlib.MAX_WBITS)
    raise _told(head.status, "the reply is compressed in a way that was not asked for; check api_url, and any proxy on the way")


def _too_much(status: int, told: str) -> AuthError:
    return _told(status, f"the reply (HTTP {status}) {told}")


def _told(status: int, told: str) -> AuthError:
    error = AuthError(errors.PROTOCOL, told, status=status)
    error.sent = True
    return error
