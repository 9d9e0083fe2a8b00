# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From calls to results: one call with its token, its pages and its asynchronous requests, and all calls of a task."""

from __future__ import annotations

import logging
import math
import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from .. import errors
from ..errors import ApiError
from ..events import CALL, Event, Observer, ignore
from ..model import Call, CallResult, Token
from ..providers.replies import READING_METHODS
from ..reply_secrets import secret_in_reply, secrets_sent
from .reports import CallReport

if t.TYPE_CHECKING:
    from ..http.messages import Response
    from ..http.session import HttpSession
    from ..providers.base import Provider
    from ..redact import Redactor

logger = logging.getLogger("apiauth.tokens")

MAX_PAGES = 10_000
POLL_FIRST, POLL_MAX = 0.5, 5.0
# Media types of replies that are no text which a user may have asked for: JSON that is broken, a web page, and none at all.
NOT_A_TEXT = ("application/json", "text/json", "text/html", "application/xhtml+xml", "")
# Seconds between two lines that say how far a long task is.
PROGRESS_EVERY = 5.0
# For how many seconds before its expiry a token that is refused counts as expired.
CLOCK_TOLERANCE = 2.0


class TokenSource(t.Protocol):
    """Where a call's token comes from."""

    def get(self) -> Token:
        """Return the token to use."""

    def may_replace(self, refused: Token) -> bool:
        """Return whether another token than the refused one may help."""

    def replace(self, refused: Token) -> Token:
        """Return another token than the refused one. Raises if there is none."""


class SuppliedToken:
    """The one token that a module received from the controller."""

    def __init__(self, value: str) -> None:
        self._token = Token(value)

    def get(self) -> Token:
        return self._token

    def may_replace(self, refused: Token) -> bool:
        return False

    def replace(self, refused: Token) -> Token:
        raise token_refused()


class SharedToken:
    """One token for all calls of a task, requested by the first of them and replaced at most once, and whenever it has expired.

    The other calls do not repeat a login that failed: a wrong password must not be sent as often as there are calls.
    """

    def __init__(self, request: t.Callable[[], Token], replace: t.Callable[[Token], Token]) -> None:
        self._request, self._replace = request, replace
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._error: ApiError | None = None
        self._is_replacement = False
        # When the token expires, by a clock that nobody can set.
        self._ends = math.inf

    def get(self) -> Token:
        with self._lock:
            if self._error is not None:
                raise self._error.replace()
            if self._token is None:
                try:
                    self._keep(self._request())
                except ApiError as error:
                    self._error = error
                    raise
            return t.cast("Token", self._token)

    def may_replace(self, refused: Token) -> bool:
        """Return whether the token may have been refused because it is old: it is from the cache, or it has expired since it was requested."""
        with self._lock:
            return refused.from_cache or self._token is None or self._token.value != refused.value or self._has_expired()

    def replace(self, refused: Token) -> Token:
        with self._lock:
            if self._token is not None and self._token.value != refused.value:
                return self._token
            if self._is_replacement and not self._has_expired():
                raise token_refused()
            self._is_replacement = True
            # A token that another process got meanwhile is as good as a new one.
            return self._keep(self._replace(refused))

    def _keep(self, token: Token) -> Token:
        self._token = token
        self._ends = math.inf if token.expires_at is None else time.monotonic() + token.expires_at - time.time()
        return token

    def _has_expired(self) -> bool:
        # The system's clock may be a little ahead.
        return time.monotonic() > self._ends - CLOCK_TOLERANCE


def token_refused() -> ApiError:
    return ApiError(errors.CREDENTIALS, "the token was refused", token_refused=True)


class Progress:
    """Says from time to time how far a long task is."""

    def __init__(self, target: str, total: int | None = None) -> None:
        self._target, self._total = target, total
        self._done, self._next = 0, time.monotonic() + PROGRESS_EVERY

    def add(self, what: str, more: int = 1) -> None:
        """Count a step; log a line if the last one is a while ago."""
        self._done += more
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + PROGRESS_EVERY
            share = f"{self._done} of {self._total}" if self._total else str(self._done)
            logger.info("%s: %s %s", self._target, share, what)


class CallRunner:
    """Makes calls for one task at one system. Safe to use from several threads."""

    def __init__(self, provider: Provider, http: HttpSession, tokens: TokenSource, redactor: Redactor, target: str, on_event: Observer = ignore) -> None:
        self.provider = provider
        self.http = http
        self.tokens = tokens
        self.redactor = redactor
        self.target = target
        self._on_event = on_event

    def run(self, call: Call) -> CallResult:
        """Make a call, fetch all its pages and follow it to its end. Raises an `ApiError` that says what became of it."""
        self.redactor.add(*secrets_sent(call.query, call.body))
        try:
            # Without a token, nothing is sent, and what a login says is nothing about the call.
            self._token()
        except ApiError as error:
            raise self._complete(error) from None
        started, error_kind = time.monotonic(), ""
        try:
            return self._run(call)
        except ApiError as error:
            error_kind = error.kind
            raise
        finally:
            self._on_event(Event(CALL, time.monotonic() - started, error_kind, self.redactor.clean(call.name)))

    def _run(self, call: Call) -> CallResult:
        try:
            call, result = self._send_with_fallback(call)
        except ApiError as error:
            raise self._complete(self._change_made(call, error)) from None
        try:
            whole = self._all_pages(call, result) if call.all_pages else result
            return whole if call.wait is None else self._wait(call, call.wait, whole)
        except ApiError as error:
            raise self._complete(_after(call, result, error)) from None

    @staticmethod
    def _change_made(call: Call, error: ApiError) -> ApiError:
        """Return the error of a change whose reply was a success by its status, but could not be read: the change was made all the same.

        The error of a login, after the call itself was refused, says that nothing was sent.
        """
        if call.read_only or not error.sent or error.kind != errors.PROTOCOL or error.status is None or not 200 <= error.status < 300:
            return error
        return error.replace(changed=True, token_refused=False, hint=f"the call was made, so do not repeat it; {error.hint}")

    def _complete(self, error: ApiError) -> ApiError:
        """Return the error as a task reports it: with the system's name, and clean of secrets."""
        clean = self.redactor.clean
        message, code = (None if text is None else clean(str(text)) for text in (error.message, error.code))
        return error.replace(target=error.target or self.target, problem=clean(error.problem), hint=clean(error.hint), message=message, code=code)

    def _token(self) -> Token | None:
        """Return the token for a request; `None` if the credential itself authenticates it. Raises the error of a login."""
        return None if self.provider.credential_option else self.tokens.get()

    # -- one request ---------------------------------------------------------------------------------------------

    def _send_with_fallback(self, call: Call) -> tuple[Call, CallResult]:
        """Return the call that the system knows, which further pages need too, and its result."""
        try:
            return call, self._send(call)
        except ApiError as error:
            other, refused = self.provider.fallback(call, error), error
            if other is None:
                raise
        logger.debug("%s: %s is not known there, trying another way", self.target, call.name)
        with _after_tries(refused.tries):
            result = self._send(other)
        return other, result._replace(tries=result.tries + refused.tries)

    def _send(self, call: Call) -> CallResult:
        """Return the result of one request; if the token is refused, of a second one with another token."""
        token = self._token()
        try:
            return self._try(call, token)
        except ApiError as error:
            if token is None or not (error.token_refused and self.tokens.may_replace(token)):
                raise
            refusal = error
        logger.debug("%s: the token was refused (HTTP %s), getting another one", self.target, refusal.status)
        try:
            token = self.tokens.replace(token)
        except ApiError as error:
            raise (refusal if error.token_refused else error) from None
        with _after_tries(refusal.tries):
            result = self._try(call, token)
        return result._replace(tries=result.tries + refusal.tries)

    def _try(self, call: Call, token: Token | None) -> CallResult:
        value = token.value if token else ""
        self.redactor.add(value)
        response = self.http.send(self.provider.request(call, value))
        result = self._parse(call, response)
        secret = result.secret or secret_in_reply({"data": result.data, "meta": dict(result.meta)}, self.redactor)
        if not secret and call.secret_reply:
            secret = f"the reply to {call.name}"
        return result._replace(status=response.status, tries=response.tries, secret=secret, body=response.body if call.as_text else b"")

    def _parse(self, call: Call, response: Response) -> CallResult:
        if call.as_text and response.status < 300 and response.body.strip() and not _is_json(response):
            return CallResult(response.text(), {"content_type": response.media_type})
        try:
            return self.provider.parse(call, response)
        except ApiError as error:
            if error.kind != errors.PROTOCOL or response.status >= 300 or response.media_type in NOT_A_TEXT:
                raise
            hint = f"set as_text or dest if {call.name} answers with {response.media_type}"
            raise error.replace(hint=f"{error.hint}; {hint}" if error.hint else hint) from None

    # -- pages ---------------------------------------------------------------------------------------------------

    def _all_pages(self, call: Call, first: CallResult) -> CallResult:
        """Return the first page with the items of all others added to it; as it is if there are none."""
        list_key, items = self.provider.page_items(call, first.data)
        current, previous_items, page = call._replace(list_key=list_key), items, first
        tries, secret, more = first.tries, first.secret, []
        progress = Progress(self.target)
        for number in range(2, MAX_PAGES + 2):
            following = self.provider.next_page(current, page)
            if following is None:
                break
            if not (call.read_only or following.method in READING_METHODS):
                problem = f"{call.name} was made, but not again for its other pages, because it may change something"
                raise ApiError(errors.CONFIGURATION, problem, "set mutates to false if it only reads", status=first.status, changed=True)
            if number > MAX_PAGES:
                raise ApiError(errors.PROTOCOL, f"{call.name} has more than {MAX_PAGES} pages", "ask for less, or make the calls one by one")
            page, current = self._send(following), following
            page_items = self.provider.page_items(current, page.data)[1]
            tries, secret = tries + page.tries, secret or page.secret
            if not page_items or page_items == previous_items:
                # A server that ignores paging would return the same page for ever.
                break
            more += page_items
            previous_items = page_items
            progress.add(f"pages of {call.name}")
        if more:
            whole = [*items, *more]
            first = first._replace(data=whole if list_key is None else {**first.data, list_key: whole})
        return first._replace(tries=tries, secret=secret)

    # -- asynchronous requests -----------------------------------------------------------------------------------

    def _wait(self, call: Call, seconds: float, accepted: CallResult) -> CallResult:
        """Return the result of the asynchronous requests that the system made of a call. All together may take so many seconds."""
        polls = self.provider.poll_calls(call, accepted)
        if not polls:
            return accepted
        deadline = time.monotonic() + seconds
        results: list[CallResult] = []
        for poll in polls:
            with _after_tries(sum(result.tries for result in results)):
                results.append(self._poll(poll, seconds, deadline))
        data = results[0].data if len(results) == 1 else [result.data for result in results]
        tries = accepted.tries + sum(result.tries for result in results)
        secret = next((result.secret for result in (accepted, *results) if result.secret), "")
        return results[-1]._replace(data=data, tries=tries, secret=secret)

    def _poll(self, poll: Call, seconds: float, deadline: float) -> CallResult:
        pause, tries, progress = POLL_FIRST, 0, Progress(self.target)
        try:
            while True:
                result = self._send(poll)
                tries += result.tries
                if self._is_finished(result):
                    return result._replace(tries=tries)
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    problem = f"{poll.name} has not finished within {seconds:g} seconds"
                    raise ApiError(errors.SERVER, problem, "raise wait_timeout, or look at the request later", status=result.status)
                progress.add(f"times looked whether {poll.name} has finished")
                # The last look is at the very end.
                time.sleep(min(pause, remaining))
                pause = min(POLL_MAX, pause * 1.5)
        except ApiError as error:
            raise error.replace(tries=error.tries + tries) from None

    def _is_finished(self, result: CallResult) -> bool:
        try:
            return self.provider.is_finished(result)
        except ApiError as error:
            raise error.replace(status=result.status, changed=False) from None


@contextmanager
def _after_tries(tries: int) -> t.Iterator[None]:
    """Add the requests that were sent before to the count of an error."""
    try:
        yield
    except ApiError as error:
        raise error.replace(tries=error.tries + tries) from None


def _is_json(response: Response) -> bool:
    try:
        response.json()
    except ApiError:
        return False
    return True


def _after(call: Call, result: CallResult, error: ApiError) -> ApiError:
    """Return an error that came up after the call itself had succeeded: nobody may repeat a change for what follows it."""
    status = result.status if error.status is None and error.kind == errors.PROTOCOL else error.status
    error = error.replace(sent=True, tries=error.tries + result.tries, status=status)
    if call.read_only:
        return error
    if error.changed is None:
        hint = f"{error.hint}; " if error.hint else ""
        error = error.replace(changed=True, hint=f"{hint}the call itself was made, so do not repeat it")
    return error.replace(token_refused=False)


# -- all calls of a task ---------------------------------------------------------------------------------------------


def run_calls(make_runner: t.Callable[[], CallRunner], calls: t.Sequence[Call], *, concurrency: int, check_mode: bool) -> list[CallReport]:
    """Return what became of each call, in their order. One that fails does not stop the others.

    :param make_runner: called once, if anything is sent at all.
    :param concurrency: how many calls run at a time.
    :param check_mode: do not send calls that change something.
    """
    to_send = [not check_mode or call.read_only for call in calls]
    runner = make_runner() if any(to_send) else None
    progress = Progress(runner.target if runner else "", len(calls))

    def run(number: int) -> CallReport:
        if not to_send[number] or runner is None:
            return CallReport(calls[number])
        report = _run(runner, calls[number])
        progress.add("calls made")
        return report

    workers = min(max(1, concurrency), len(calls))
    if workers == 1:
        return [run(number) for number in range(len(calls))]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, range(len(calls))))


def _run(runner: CallRunner, call: Call) -> CallReport:
    try:
        return CallReport(call, result=runner.run(call))
    except ApiError as error:
        return CallReport(call, error=error)
