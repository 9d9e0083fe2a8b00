# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One login at a system: its one-time code, the system's clock, and when the login is sent again."""

from __future__ import annotations

import logging
import time
import typing as t

from . import errors
from .cache.codes import UsedCodes
from .errors import ApiError
from .http.retries import LONG_WAIT, REFUSED, WaitBudget, backoff_seconds
from .model import Account, Token
from .totp import Totp

logger = logging.getLogger("apiauth.tokens")
# For how many seconds a login may take while a cached token still works.
REFRESH_TIMEOUT = 10.0
# A smaller difference of the clocks, in seconds, does not matter.
MIN_CLOCK_OFFSET = 20.0


class LoginSource(t.Protocol):
    """An account at a system that can log in."""

    @property
    def account(self) -> Account:
        """The account."""

    @property
    def clock_offset(self) -> float | None:
        """How many seconds the system's clock is ahead of this machine's, according to its last reply; `None` if no reply says."""

    def login(self, now: float, otp: str | None, *, retry: bool) -> Token:
        """Send one login request and return the token.

        :param now: the system's time as far as it is known, in epoch seconds.
        :param otp: a one-time code that was computed for it.
        :param retry: if not, the request is not repeated and takes at most `REFRESH_TIMEOUT` seconds.
        :raises ApiError: `sent` says whether the system may have received the login.
        """


class CodeUnavailable(ApiError):
    """No one-time code could be sent. This is true of one task alone, so it is not shared with others."""


class Login:
    """A login of a source's account. `clock_offset` is what is known of the system's clock, before and after `run` (see `LoginSource`)."""

    def __init__(self, source: LoginSource, budget: WaitBudget, codes: UsedCodes, *, clock_offset: float = 0.0, retries: int = 3) -> None:
        self.clock_offset = clock_offset
        self._source = source
        self._account = source.account
        self._budget = budget
        self._codes = codes
        self._retries = retries
        # Whether the system may have received a login.
        self._sent = False

    def run(self, *, retry: bool = True) -> Token:
        """Log in and return the token. Raises `ApiError`.

        The request is sent again only if the system did not process it, or if it rejected it and turns out to have another time than assumed.
        """
        typed = self._typed_code()
        # Before it is sent: another host, or a process without locks, may be about to send it too.
        if typed and not self._codes.claim(typed, 0):
            problem, hint = "the one-time code in otp has been used for a login already", "give a new one, or totp_secret"
            raise CodeUnavailable(errors.CREDENTIALS, problem, hint, target=self._account.target)
        try:
            return self._run(retry)
        finally:
            if typed and not self._sent:
                self._codes.give_back(typed, 0)

    def _run(self, retry: bool) -> Token:
        clock_corrected, tries = False, 0
        while True:
            assumed_offset, tries = self.clock_offset, tries + 1
            try:
                return self._try(retry)
            except CodeUnavailable:
                raise
            except ApiError as failure:
                # It is about a login: the call has not been sent, and another token would not help.
                error = failure.with_target(self._account.target).replace(tries=0, sent=False, token_refused=False)
            if not self._account.depends_on_clock:
                raise error
            found_offset = self._source.clock_offset
            clock_was_wrong = error.kind == errors.CREDENTIALS and found_offset is not None and abs(found_offset - assumed_offset) > MIN_CLOCK_OFFSET
            if clock_was_wrong and not clock_corrected:
                clock_corrected = True
                self._budget.announce(0.0)
                logger.debug("%s: sending the login again with the time of the system, whose clock is %+.0f seconds off", self._account.target, found_offset)
            elif not (retry and tries <= self._retries and error.status in REFUSED and self._wait_to_retry(tries, error)):
                raise error

    def _try(self, retry: bool) -> Token:
        otp = self._unused_code(retry) if self._account.totp_secret else None
        # Only now, because waiting for a code may have taken long.
        started = time.time()
        # An interruption comes when it likes, and then nobody knows.
        sent_before, self._sent = self._sent, True
        try:
            token = self._source.login(started + self.clock_offset, otp, retry=retry)
        except ApiError as failure:
            self._sent = sent_before or failure.sent
            raise
        finally:
            found = self._source.clock_offset
            if found is not None:
                self.clock_offset = found if abs(found) > MIN_CLOCK_OFFSET else 0.0
        return token._replace(expires_at=token.expires_at if token.lifetime is None else started + token.lifetime)

    def _wait_to_retry(self, tries: int, error: ApiError) -> bool:
        """Wait as long as the system asks, else exponentially longer with full jitter; return `False` if that is too long."""
        # Not at once, also if the system asks for no wait at all: all tries would reach it within milliseconds.
        seconds = error.retry_after or backoff_seconds(tries)
        return self._sleep(seconds, f"HTTP {error.status}, the login is sent again")

    def _typed_code(self) -> str:
        """Return what identifies a one-time code that a person typed; empty if there is none."""
        account = self._account
        return "" if account.totp_secret or not any(account.one_time_codes) else "\0".join((*account.credential, *account.one_time_codes))

    def _unused_code(self, retry: bool) -> str:
        """Return a computed code that nobody has sent before, and wait for the next one if necessary. Raises `CodeUnavailable`."""
        totp = Totp.parse(self._account.totp_secret)
        while True:
            now = time.time() + self.clock_offset
            step = totp.step_at(now)
            # By the key: another spelling of the same secret gives the same codes.
            if self._codes.claim(totp.key.hex(), step):
                return totp.code(step)
            seconds = (step + 1) * totp.period - now
            if not retry or not self._sleep(seconds + 0.01, "this one-time code has been used, the next one is sent"):
                problem = f"every one-time code of the next {round(seconds)} seconds has been used already"
                hint = "try again later, or raise max_wait"
                raise CodeUnavailable(errors.RATE_LIMITED, problem, hint, target=self._account.target, retry_after=seconds)

    def _sleep(self, seconds: float, reason: str) -> bool:
        if seconds <= self._budget.left:
            logger.log(logging.INFO if seconds > LONG_WAIT else logging.DEBUG, "%s: %s in %.1f seconds", self._account.target, reason, seconds)
        return self._budget.sleep(seconds)
