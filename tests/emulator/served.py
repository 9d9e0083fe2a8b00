# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request that the server has read, and an answer that it has not sent yet: all that the systems see of HTTP."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

Json = dict[str, Any]
JSON_TYPE = "application/json"


class BadBody(Exception):
    """The body is not what its reader needs."""


@dataclass
class ServedRequest:
    """One request. The systems add whom they took the caller for and which kinds of credentials they saw.

    ``entry`` is the name of the entry that it came by (``whm`` or ``cpanel``, and so on), ``mount`` what stands before the path: ``/vss``, or nothing
    on a port that a system has to itself.
    """

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes
    peer: str
    port: int
    origin: str
    tls: bool
    entry: str = ""
    mount: str = ""
    kinds: list[str] = field(default_factory=list)
    principal: str = ""

    def saw(self, kind: str) -> None:
        if kind not in self.kinds:
            self.kinds.append(kind)

    def authorization(self) -> tuple[str, str]:
        """Scheme in lower case, and the rest."""
        scheme, _sep, value = self.headers.get("Authorization", "").partition(" ")
        return scheme.lower(), value.strip()

    def basic(self) -> tuple[str, str] | None:
        """User and password, if the request has Basic credentials in UTF-8."""
        scheme, value = self.authorization()
        if scheme != "basic":
            return None
        try:
            user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return (user, password) if colon else ("", "")

    def bearer(self) -> str | None:
        scheme, value = self.authorization()
        return value if scheme == "bearer" else None

    def json(self) -> Any:
        """The body as JSON; an empty one is an empty object."""
        if not self.body.strip():
            return {}
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise BadBody(str(error)) from error

    def json_object(self) -> Json:
        value = self.json()
        if not isinstance(value, dict):
            raise BadBody("the body is not a JSON object")
        return value

    def form(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)

    def argument(self, name: str, default: str = "") -> str:
        """The last value of a query parameter."""
        return dict(self.query).get(name, default)


@dataclass
class Answer:
    """One answer. ``ok`` is false for a refusal, whatever its HTTP status."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    reason: str | None = None
    ok: bool = True

    def __post_init__(self) -> None:
        self.ok = self.ok and self.status < 400

    def json(self) -> Any:
        return json.loads(self.body)

    def head(self) -> dict[str, str]:
        typed = {"Content-Type": self.content_type} if self.content_type else {}
        return {**typed, **self.headers}

    def render(self, date: str) -> bytes:
        """The reply as it goes over the wire, for faults that send it in parts and then close."""
        reason = self.reason or HTTPStatus(self.status).phrase
        head = {"Date": date, "Content-Length": str(len(self.body)), "Connection": "close", **self.head()}
        lines = [f"HTTP/1.1 {self.status} {reason}", *(f"{name}: {value}" for name, value in head.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


def json_answer(data: Any, status: int = 200, ok: bool = True, headers: dict[str, str] | None = None, compact: bool = False) -> Answer:
    """Write JSON; ``compact`` without blanks, as PHP and Perl write it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":") if compact else None)
    return Answer(status=status, body=text.encode(), headers=dict(headers or {}), ok=ok)


def no_content() -> Answer:
    return Answer(status=204, content_type="")


def integer(value: object, default: int) -> int:
    """A number that may come as a string."""
    try:
        return int(str(value))
    except ValueError:
        return default
