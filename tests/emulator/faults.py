# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A script of faults: rules that are matched in order and used up."""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from html import escape
from typing import Any

from .issued import Clock
from .log import Record
from .served import Answer, ServedRequest
from .system import System

MATCHES = ("path", "cmd", "function", "login", "method")


@dataclass
class Rule:
    """One fault. ``skip`` matching requests pass first, then ``times`` of them meet it (null: all)."""

    action: str
    system: str | None = None
    match: dict[str, Any] = field(default_factory=dict)
    times: int | None = 1
    skip: int = 0
    name: str = ""
    delay: float = 0.0
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    json: Any = None
    after: int = 0
    location: str = ""
    mib: float = 65.0
    pause: float = 0.05
    retry_after: float | None = None
    retry_after_date: float | None = None
    reset: float | None = None

    @classmethod
    def parse(cls, raw: dict[str, Any]) -> Rule:
        unknown = set(raw) - {known.name for known in fields(cls)}
        if unknown or raw.get("action") not in _PLAYS or set(raw.get("match") or {}) - set(MATCHES):
            raise ValueError(f"not a fault rule: {raw!r}; actions: {', '.join(_PLAYS)}; match: {', '.join(MATCHES)}")
        rule = cls(**raw)
        if rule.action == "refuse_token":
            rule.match = {"login": False, **rule.match}
        return rule

    def fits(self, record: Record) -> bool:
        if self.system is not None and self.system != record.system:
            return False
        return all(_fits(key, expected, record) for key, expected in self.match.items())


def _fits(key: str, expected: Any, record: Record) -> bool:
    if key == "login":
        return record.login is bool(expected)
    if key == "method":
        return record.method == str(expected).upper()
    value = getattr(record, "function" if key == "cmd" else key)
    return re.search(str(expected), value) is not None


class Script:
    """The rules that are still to be used."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def take(self, record: Record) -> Rule | None:
        """The first rule that meets this request."""
        for rule in self.rules:
            if rule.times == 0 or not rule.fits(record):
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            if rule.times is not None:
                rule.times -= 1
            record.fault = rule.name or rule.action
            return rule
        return None


@dataclass(frozen=True)
class Raw:
    """Bytes to put on the wire as they are, after which the connection is closed; ``pause`` seconds between small pieces."""

    data: bytes
    pause: float = 0.0


class Hang(Exception):
    """The request is never answered."""


@dataclass
class FaultContext:
    """What a fault can reach: the request, the system, the clock, and the function that makes the true answer."""

    request: ServedRequest
    system: System[Any]
    clock: Clock
    execute: Callable[[], Answer]


async def play(rule: Rule, context: FaultContext) -> Answer | Raw:
    if rule.delay:
        await asyncio.sleep(rule.delay)
    outcome = _PLAYS[rule.action](rule, context)
    if isinstance(outcome, Answer):
        outcome.headers.update(rule.headers)
        if rule.action != "status" and rule.status is not None:
            outcome.status = rule.status
        outcome.ok = outcome.ok and outcome.status < 400
    return outcome


def _status(rule: Rule, context: FaultContext) -> Answer:
    status = rule.status or 500
    if rule.json is not None:
        return Answer(status, json.dumps(rule.json).encode())
    if rule.body is not None:
        return Answer(status, rule.body.encode(), "text/plain")
    return context.system.error(status, "Scripted error")


def _delay(_rule: Rule, context: FaultContext) -> Answer:
    return context.execute()


def _cut(rule: Rule, context: FaultContext) -> Raw:
    """Nothing is executed unless a part of the answer has to be sent."""
    return Raw(context.execute().render(context.clock.http_date())[: rule.after] if rule.after else b"")


def _drop(_rule: Rule, context: FaultContext) -> Raw:
    context.execute()
    return Raw(b"")


def _garbage(_rule: Rule, _context: FaultContext) -> Answer:
    return Answer(200, bytes(range(256)) * 2)


def _raw(rule: Rule, _context: FaultContext) -> Raw:
    return Raw((rule.body or "\x00\x01 this is not HTTP\r\n\r\n").encode())


def _html(_rule: Rule, _context: FaultContext) -> Answer:
    return Answer(200, b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>Back soon</h1></body></html>", "text/html")


def _empty(_rule: Rule, _context: FaultContext) -> Answer:
    return Answer(200, b"")


def _truncated(_rule: Rule, context: FaultContext) -> Answer:
    reply = context.execute()
    reply.body = reply.body[: max(1, len(reply.body) * 2 // 3)]
    return reply


def _rate_limit(rule: Rule, context: FaultContext) -> Answer:
    reply = context.system.error(429, "Too many requests")
    if rule.retry_after is not None:
        reply.headers["Retry-After"] = f"{rule.retry_after:g}"
    if rule.retry_after_date is not None:
        reply.headers["Retry-After"] = context.clock.http_date(rule.retry_after_date)
    if rule.reset is not None:
        reply.headers["X-RateLimit-Reset"] = str(int(context.clock.now() + rule.reset))
    return reply


def _redirect(rule: Rule, _context: FaultContext) -> Answer:
    return Answer(302, b"", "text/html", {"Location": rule.location})


def _hang(_rule: Rule, _context: FaultContext) -> Answer:
    raise Hang


def _huge(rule: Rule, _context: FaultContext) -> Answer:
    return Answer(200, b'{"data": "' + b"x" * int(rule.mib * 1024 * 1024) + b'"}')


def _echo(_rule: Rule, context: FaultContext) -> Answer:
    """An error page that repeats the request: what authenticates it first, where an excerpt would show it, as sent and in base64; the body as HTML too."""
    request = context.request
    lines = {name: f"{name}: {value}" for name, value in request.headers.items()}
    secret = [lines.pop(name) for name in list(lines) if name.lower() in ("authorization", "cookie")]
    body = request.body.decode("utf-8", "replace")
    encoded = [b64encode(line.encode()).decode() for line in secret if "Basic" not in line]
    texts = [*encoded, *secret, body, f"{request.method} {request.path} {request.query}", *lines.values()]
    page = f"<html><pre>{chr(10).join(texts)}</pre><h1>Internal Server Error</h1><pre>{escape(body)}</pre></html>"
    return Answer(500, page.encode("utf-8", "replace"), "text/html; charset=utf-8")


def _refuse_token(_rule: Rule, context: FaultContext) -> Answer:
    return context.system.refusal()


def _drip(rule: Rule, context: FaultContext) -> Raw:
    return Raw(context.execute().render(context.clock.http_date()), rule.pause)


_PLAYS: dict[str, Callable[[Rule, FaultContext], Answer | Raw]] = {
    "status": _status,
    "delay": _delay,
    "cut": _cut,
    "drop": _drop,
    "garbage": _garbage,
    "raw": _raw,
    "html": _html,
    "empty": _empty,
    "truncated": _truncated,
    "rate_limit": _rate_limit,
    "redirect": _redirect,
    "hang": _hang,
    "huge": _huge,
    "echo": _echo,
    "refuse_token": _refuse_token,
    "drip": _drip,
}
