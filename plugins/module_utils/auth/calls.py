# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls: from a task's options to its result, the same on the controller and on any other host. Private to this collection."""

from __future__ import annotations

import threading
import time
import typing as t
from dataclasses import dataclass, field, replace

from . import errors
from .call import Call, Outcome
from .convert import convert
from .errors import AuthError
from .option import Option, Options, secrets_of
from .redact import holds
from .token import Token
from .wire import READING_METHODS

if t.TYPE_CHECKING:
    from .client import Client
    from .provider import Provider

MOST_PAGES = 10_000
POLL_FIRST, POLL_MOST = 0.5, 5.0

CALLS: tuple[Option, ...] = (
    Option("mutates", default="auto", choices=("auto", "true", "false"), inherited=True),
    Option("all_pages", "bool", default=False, inherited=True),
    Option("calls", "list", elements="dict"),
    Option("concurrency", "int", default=4, positive=True),
)


class Tokens(t.Protocol):
    """Where a call's token comes from."""

    def get(self) -> Token:
        """The token to use."""

    def replacement(self, refused: Token) -> Token:
        """Another one than the refused. Raises when there is none."""


class GivenToken:
    """The one token that a module got from the controller."""

    def __init__(self, value: str) -> None:
        self._token = Token(value)

    def get(self) -> Token:
        return self._token

    def replacement(self, refused: Token) -> Token:
        raise AuthError(errors.CREDENTIALS, "the token was refused", token_refused=True)


class NoToken:
    """In place of tokens, where there is none to get: every call that would be sent fails with the reason."""

    def __init__(self, reason: AuthError) -> None:
        self._reason = reason

    def get(self) -> Token:
        raise self._reason.copied()

    def replacement(self, refused: Token) -> Token:
        raise self._reason.copied()


class SharedTokens:
    """One token for all calls of a task, fetched at the first use and replaced at most once.

    A login that failed is not tried again by the other calls: a wrong password must not be sent as often as there are calls.
    """

    def __init__(self, fetch: t.Callable[[], Token], replaced: t.Callable[[Token], Token]) -> None:
        self._fetch, self._replace = fetch, replaced
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._failure: AuthError | None = None
        self._refused: set[str] = set()

    def get(self) -> Token:
        with self._lock:
            if self._failure is not None:
                raise self._failure.copied()
            if self._token is None:
                try:
                    self._token = self._fetch()
                except AuthError as failure:
                    self._failure = failure.copied()
                    raise
            return self._token

    def replacement(self, refused: Token) -> Token:
        with self._lock:
            if self._token is not None and self._token.value != refused.value:
                return self._token
            if self._refused:
                raise AuthError(errors.CREDENTIALS, "the token was refused", token_refused=True)
            self._refused.add(refused.value)
            # A token that another process got meanwhile is as good as a new one, so it counts as replaced once.
            self._token = self._replace(refused)
            return self._token


@dataclass(frozen=True)
class Report:
    """A task's result; `secret` says that it must not be printed, `refused` which calls another token may cure."""

    result: dict[str, t.Any] = field(repr=False)
    secret: bool = False
    refused: tuple[int, ...] = ()


@dataclass
class Caller:
    """Makes calls for one task."""

    provider: Provider
    options: Options
    client: Client
    tokens: Tokens
    where: str
    # Secrets in spellings that only the system's provider knows.
    pairs: tuple[str, ...] = field(default=(), repr=False)

    def run(self, call: Call) -> Outcome:
        """A call with all its pages, and followed to its end."""
        outcome = self._once(call)
        try:
            whole = self._all_pages(call, outcome) if call.all_pages else outcome
            return whole if call.wait is None else self._waited(call, call.wait, whole)
        except AuthError as failure:
            # What came after may not have been sent, but the call itself was.
            failure.sent = True
            failure.tries += outcome.tries
            if failure.kind == errors.PROTOCOL and failure.status is None:
                # What the call's own reply holds cannot be followed.
                failure.status = outcome.status
            if not call.reads:
                # Nobody may make it once more, with another token, for what follows it.
                failure.token_refused = False
                if failure.changed is None:
                    failure.changed = True
                    failure.located(self.where, self.secrets())
                    failure.text += "; the call itself was made, so do not make it again"
            raise

    def secrets(self) -> tuple[str, ...]:
        return (*secrets_of(self.provider.options, self.options), *self.pairs)

    def _once(self, call: Call) -> Outcome:
        token = None if self.provider.direct(self.options) else self.tokens.get()
        try:
            return self._sent(call, token)
        except AuthError as refusal:
            if token is None or not (refusal.token_refused and token.from_cache):
                raise
            first = refusal
        try:
            token = self.tokens.replacement(token)
        except AuthError as failure:
            raise (first if failure.token_refused else failure) from None
        try:
            outcome = self._sent(call, token)
        except AuthError as failure:
            failure.tries += first.tries
            raise
        return replace(outcome, tries=outcome.tries + first.tries)

    def _sent(self, call: Call, token: Token | None) -> Outcome:
        value = token.value if token else ""
        secrets = (*self.secrets(), value) if value else self.secrets()
        try:
            reply = self.client.send(self.provider.request(self.options, call, value))
            outcome = self.provider.read(call, reply)
        except AuthError as failure:
            raise failure.located(self.where, secrets) from None
        return replace(outcome, status=reply.status, tries=reply.tries, secret=outcome.secret or holds(reply.text(), secrets))

    def _all_pages(self, call: Call, first: Outcome) -> Outcome:
        """The first page, with the items of all others added to it; as it is where there are none."""
        member, more = self.provider.items(call, first.data)
        call, begin, page, tries, secret = call.having(member=member), more, first, first.tries, first.secret
        rest: list[t.Any] = []
        for number in range(2, MOST_PAGES + 2):
            following = self.provider.next_page(self.options, call, page)
            if following is None:
                break
            if not (call.reads or following.method in READING_METHODS):
                refusal = AuthError(
                    errors.CONFIGURATION,
                    f"{call.name} was made, but not again for its other pages, because it may change something; set mutates to false if it only reads",
                    status=first.status,
                )
                refusal.changed = True
                raise refusal.located(self.where)
            if number > MOST_PAGES:
                raise AuthError(errors.PROTOCOL, f"{call.name} has more than {MOST_PAGES} pages; ask for less, or make the calls one by one").located(
                    self.where
                )
            call, before = following, more
            page = self._once(call)
            more = self.provider.items(call, page.data)[1]
            tries, secret = tries + page.tries, secret or page.secret
            if not more or more == before:
                # A server that ignores paging would give the same page for ever.
                break
            rest += more
        if rest:
            whole = [*begin, *rest]
            first = replace(first, data=whole if member is None else {**first.data, member: whole})
        return replace(first, tries=tries, secret=secret)

    def _waited(self, call: Call, seconds: float, accepted: Outcome) -> Outcome:
        """The outcome of the asynchronous requests that the system made of the call, which may take this long all together."""
        polls = self.provider.poll(self.options, call, accepted)
        if not polls:
            return accepted
        deadline = time.monotonic() + seconds
        ended: list[Outcome] = []
        for poll in polls:
            try:
                ended.append(self._polled(poll, seconds, deadline))
            except AuthError as failure:
                failure.tries += sum(one.tries for one in ended)
                raise
        data = ended[0].data if len(ended) == 1 else [one.data for one in ended]
        return replace(ended[-1], data=data, tries=accepted.tries + sum(one.tries for one in ended), secret=any(one.secret for one in (accepted, *ended)))

    def _polled(self, poll: Call, seconds: float, deadline: float) -> Outcome:
        pause, tries = POLL_FIRST, 0
        try:
            while True:
                outcome = self._once(poll)
                tries += outcome.tries
                if self._ended(outcome):
                    return replace(outcome, tries=tries)
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AuthError(
                        errors.SERVER,
                        f"{poll.name} has not ended within {seconds:g} seconds; raise wait_timeout, or look at the request later",
                        status=outcome.status,
                    ).located(self.where)
                # The last look is at the very end.
                time.sleep(min(pause, left))
                pause = min(POLL_MOST, pause * 1.5)
        except AuthError as failure:
            failure.tries += tries
            raise

    def _ended(self, outcome: Outcome) -> bool:
        try:
            return self.provider.ended(outcome)
        except AuthError as failure:
            failure.status, failure.changed = outcome.status, False
            raise failure.located(self.where, self.secrets()) from None


def planned(provider: Provider, options: Options) -> list[Call]:
    """The calls that a task asks for, checked without any network. Raises a configuration error."""
    if options.get("calls") is None:
        return [_decided(provider, options)]
    given = [one.name for one in provider.call_options if not one.inherited and options.get(one.name) not in (None, one.default)]
    if given:
        raise AuthError(errors.CONFIGURATION, f"calls takes the place of {', '.join(given)}; give one or the other")
    if not options["calls"]:
        raise AuthError(errors.CONFIGURATION, "calls is empty; give at least one call")
    return [_item(provider, options, number, item) for number, item in enumerate(options["calls"], 1)]


def _item(provider: Provider, options: Options, number: int, item: t.Any) -> Call:
    known = {one.name: one for one in (*provider.call_options, *(one for one in CALLS if one.inherited))}
    if not isinstance(item, dict):
        raise AuthError(errors.CONFIGURATION, f"call {number} must be a dictionary")
    unknown = sorted(str(name) for name in set(item) - set(known))
    if unknown:
        raise AuthError(errors.CONFIGURATION, f"call {number} has no option {', '.join(unknown)}; it takes {', '.join(sorted(known))}")
    defaults = {name: one.default for name, one in known.items() if not one.inherited}
    try:
        values = {name: convert(known[name], value) for name, value in item.items() if value is not None}
        mine = Options({**options, **defaults, **values})
        return _decided(provider, mine)
    except AuthError as failure:
        raise AuthError(failure.kind, f"call {number}: {failure.text}") from None


def _decided(provider: Provider, options: Options) -> Call:
    """The call with what the user said of it. One that may change something gets no arguments for paging that the user did not give."""
    call, mutates = provider.call(options), options.get("mutates", "auto")
    reads = call.reads if mutates == "auto" else mutates == "false"
    if options.get("all_pages") and not reads:
        call = provider.call(Options({**options, "all_pages": False}))
    return call.having(reads=reads, all_pages=bool(options.get("all_pages")))


def perform(caller: Caller | t.Callable[[], Caller], calls: t.Sequence[Call], options: Options, check_mode: bool) -> Report:
    """All calls of a task and what came of them. A failed one does not stop the others."""
    sent = [not check_mode or call.reads for call in calls]
    made = (caller if isinstance(caller, Caller) else caller()) if any(sent) else None

    def one(number: int) -> Report:
        return _reported(made, calls[number]) if sent[number] and made is not None else Report({"changed": True, "sent": False})

    workers = min(max(1, int(options.get("concurrency") or 1)), len(calls))
    if workers == 1:
        reports = [one(number) for number in range(len(calls))]
    else:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(workers) as pool:
            reports = list(pool.map(one, range(len(calls))))
    return reports[0] if options.get("calls") is None else combined(reports)


def _reported(caller: Caller, call: Call) -> Report:
    try:
        outcome = caller.run(call)
    except AuthError as failure:
        failure.located(caller.where, caller.secrets())
        result = {"failed": True, "changed": bool(failure.changed), "sent": failure.sent, "tries": failure.tries, **failure.as_result()}
        return Report(result, refused=(0,) if failure.token_refused else ())
    result = {"changed": not call.reads, "sent": True, "status": outcome.status, "data": outcome.data, "meta": outcome.meta, "tries": outcome.tries}
    return Report(result, outcome.secret)


def combined(reports: t.Sequence[Report]) -> Report:
    """The result of a task with `calls`."""
    results = [{"failed": False, **report.result} for report in reports]
    failed = [(number, one) for number, one in enumerate(results, 1) if one["failed"]]
    whole: dict[str, t.Any] = {"changed": any(one["changed"] for one in results), "results": results}
    if failed:
        number, first = failed[0]
        others = f" ({len(failed)} of {len(results)} calls failed)" if len(results) > 1 else ""
        whole.update(failed=True, msg=f"call {number}: {first['msg']}{others}", status=first["status"], error=first["error"])
    return Report(whole, any(report.secret for report in reports), tuple(number for number, report in enumerate(reports) if report.refused))
