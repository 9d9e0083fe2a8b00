# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a request may be sent again, and how long a task may wait for that."""

from __future__ import annotations

import random
import threading
import time
import typing as t
from contextlib import contextmanager

if t.TYPE_CHECKING:
    from .messages import Request

# A wait of more seconds than this is shown to the user.
LONG_WAIT = 5.0
# The server refused the request before it acted on it, so even a login or a change may be sent again.
REFUSED = (429, 503)
# The server may have carried out the request.
UNCERTAIN = (502, 504)


class WaitBudget:
    """The time that all waiting of one task may take, in seconds. Safe to use from several threads.

    Threads that wait at the same time use up the time that passes on the clock, not the sum of their waits.

    :param seconds: how long all waiting may take.
    :param on_wait: called with the seconds that each wait costs.
    """

    def __init__(self, seconds: float, on_wait: t.Callable[[float], None] = lambda seconds: None) -> None:
        self._on_wait = on_wait
        self._announce_to: t.Callable[[float], None] = _nobody
        self._left = max(0.0, seconds)
        self._lock = threading.Lock()
        # Until this time (monotonic) somebody is waiting already, and that wait is paid for.
        self._paid_until = 0.0

    @property
    def left(self) -> float:
        """How many seconds may still be spent."""
        return self._left

    def lower_to(self, seconds: float) -> None:
        """Leave at most so many seconds, because somebody else spent the rest for this task."""
        with self._lock:
            spent = self._left - max(0.0, seconds)
            self._left -= max(0.0, spent)
        if spent > 0:
            self._on_wait(spent)

    @contextmanager
    def announcing(self, listener: t.Callable[[float], None]) -> t.Iterator[None]:
        """Tell somebody of each wait before it begins, and how long it is."""
        self._announce_to = listener
        try:
            yield
        finally:
            self._announce_to = _nobody

    def announce(self, seconds: float) -> None:
        """Say that the task goes on after so many seconds."""
        self._announce_to(seconds)

    def sleep(self, seconds: float) -> bool:
        """Wait for `seconds` and return `True`, or return `False` at once if that is more than is left."""
        with self._lock:
            now = time.monotonic()
            cost = max(0.0, now + seconds - max(now, self._paid_until))
            if cost > self._left:
                return False
            self._left -= cost
            self._paid_until = max(self._paid_until, now + seconds)
        self.announce(seconds)
        if cost:
            self._on_wait(cost)
        time.sleep(seconds)
        return True


def _nobody(seconds: float) -> None:
    """Nobody listens."""


def may_repeat_after_status(request: Request, status: int) -> bool:
    """Return whether a request may be sent again after a response with this status."""
    if request.single_use:
        return False
    return status in REFUSED or (status in UNCERTAIN and request.repeatable)


def may_repeat_after_failure(request: Request, sent: bool) -> bool:
    """Return whether a request may be sent again after the connection failed; `sent`: the server may have received it."""
    return not sent or (request.repeatable and not request.single_use)


def backoff_seconds(tries: int) -> float:
    """Return how long to wait after this many tries, with full jitter.

    See https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return random.uniform(0, 0.5 * 2**tries)
