# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way to a token on a miss: one process logs in, the others get what it got, or the error that it met. Private to this collection."""

from __future__ import annotations

import random
import re
import time
import typing as t

from . import errors, totp
from .broker import Attempt, Broker, Login
from .cache import codes, keep, outcome
from .cache.lock import Lock, NoLocks
from .cache.record import Record, Stamp
from .client import NOT_TAKEN, pause
from .errors import AuthError
from .token import Token

if t.TYPE_CHECKING:
    from .cache.seal import Seal
    from .cache.shared import Circle
    from .cache.store import FileStore
    from .provider import Account

# A token that replaced a refused one is not replaced for this long, in seconds.
REPLACE_EVERY = 60.0
# Nor is a failed refresh ahead of time tried again.
REFRESH_AGAIN = 60.0
# How soon a process looks again at a refresh that another host has begun.
REFRESH_ELSEWHERE = 5.0
CLOCK_MATTERS = 20.0
# How often waiting processes look; also how long a dead holder can keep them.
LOOK_FIRST, LOOK_MOST = 0.01, 0.08
# The longest that another host's login is believed to go on, beyond the time-out of one request, in seconds.
LEASE_MORE = 10.0
# Failures on the way, which other settings may cure; the rest is the system's own state.
ON_THE_WAY = (errors.NETWORK, errors.TLS, errors.PROTOCOL)


def obtained(broker: Broker, account: Account, login: Login, *, refresh: bool = False, refused: Token | None = None) -> Token:
    """A new token, from this process' login or from the one that another process makes meanwhile."""
    store, started = broker.store, Stamp.now()
    seal = None if store is None else keep.usable(store) or (store.seal() if store.circle() else None)
    if store is None or seal is None:
        return _attempt(account, login, Record.of(account), broker, None)
    wanted = _Wanted(broker, account, seal, started, refresh, refused)
    wanted.answer(keep.read(store, account.identity), before=True)
    if wanted.token is not None:
        return wanted.token
    lock = _waited_for(store, wanted)
    try:
        wanted.answer(keep.read(store, account.identity))
        return wanted.token or _first_here(store, wanted, login, lock)
    finally:
        if lock is not None:
            lock.release()


def refreshed_ahead(broker: Broker, account: Account, login: Login) -> Token | None:
    """A new token while the old one still works; `None` when another process sees to it, or when it failed."""
    store = broker.store
    seal = None if store is None else keep.usable(store)
    if store is None or seal is None:
        return None
    try:
        lock = keep.lock_of(store, account.identity)
    except NoLocks:
        return None
    if lock is None:
        return None
    circle = store.circle()
    try:
        wanted = _Wanted(broker, account, seal, Stamp.now(), False, None)
        record = _pulled(store, circle, wanted)
        if circle is not None and record.due(Stamp.now()):
            if not circle.enter(account.identity, lock, broker.margin + LEASE_MORE):
                _refresh_failed(store, account, record, REFRESH_ELSEWHERE)
                return None
            record = _pulled(store, circle, wanted)
        now = Stamp.now()
        if not record.due(now) or outcome.failure(record, wanted.marks, now) is not None:
            return record.reveal(seal, account) if record.fresh(now) else None
        try:
            return _log_in(store, circle, wanted, login, record, patient=False)
        except AuthError:
            return None
    finally:
        if circle is not None:
            circle.leave()
        lock.release()


class _NoCode(AuthError):
    """No one-time code was free in time: a matter of this task, which is no news for others."""


class _Wanted:
    """What this process waits for, and the answers that the cache can give to it."""

    def __init__(self, broker: Broker, account: Account, seal: Seal, started: Stamp, refresh: bool, refused: Token | None) -> None:
        self.broker = broker
        self.account = account
        self.seal = seal
        self.started = started
        self.refresh = refresh
        self.refused = refused
        self.token: Token | None = None
        # Passwords of proxies are left out: a failure on the way stands for seconds, and nothing is stored about a secret but these 16 bits.
        transport = [re.sub("//[^/]*@", "//", one) for one in broker.transport]
        once = tuple(filter(None, account.once))
        self.credential_mark: outcome.Mark = (seal.tag(account.credential), seal.tag(("once", *once)) if once else None)
        self.transport_mark: outcome.Mark = (seal.tag(("transport", *transport)), None)
        self.marks: tuple[outcome.Mark, ...] = (self.credential_mark, self.transport_mark, (None, None))

    def record(self) -> Record:
        """What the cache of this host holds."""
        store = self.broker.store
        return (keep.read(store, self.account.identity) if store is not None else None) or Record.of(self.account)

    def answer(self, record: Record | None, before: bool = False) -> None:
        """Take a token that serves; raise a failure that stands. `before`: nobody else's login has been waited for yet."""
        if record is None:
            return
        now = Stamp.now()
        token = record.reveal(self.seal, self.account) if record.fresh(now) else None
        if token is not None and self._serves(record, token):
            self.token = token
            return
        failure = outcome.failure(record, self.marks, now, None if before else self.started)
        if failure is not None:
            raise failure.located(self.account.where)

    def _serves(self, record: Record, token: Token) -> bool:
        if self.refused is not None:
            return token.value != self.refused.value
        # One that was on its way when this process began is new enough: it was not in the cache then.
        return not self.refresh or record.token is None or Stamp(**record.token["at"]).since(self.started, record.token["took"])

    def mark_for(self, error: AuthError) -> outcome.Mark:
        if error.definite:
            return self.credential_mark
        return self.transport_mark if error.kind in ON_THE_WAY else (None, None)


class _Patience:
    """Looking again and again, within the budget of the task."""

    def __init__(self, wanted: _Wanted) -> None:
        self.wanted = wanted
        self.began, self.pause = time.monotonic(), LOOK_FIRST

    def wait(self) -> None:
        """Raises when the task may not wait any longer."""
        if not self.wanted.broker.budget.sleep(random.uniform(0.5, 1) * self.pause):
            seconds = round(time.monotonic() - self.began)
            raise AuthError(
                errors.NETWORK,
                f"another process has been logging in for more than {seconds} seconds and has not ended; look for a hanging task, or raise max_wait",
            ).located(self.wanted.account.where)
        self.pause = min(LOOK_MOST, self.pause * 1.5)


def _waited_for(store: FileStore, wanted: _Wanted) -> Lock | None:
    """The lock, unless the wait for it brought an answer; `None` also where there are no locks."""
    patience = _Patience(wanted)
    while True:
        try:
            lock = keep.lock_of(store, wanted.account.identity)
        except NoLocks:
            if store.ready:
                keep.warn(store, "simultaneous tasks may each log in for themselves")
                # Without locks only chance keeps a herd apart: the first ones' token is there for the rest.
                wanted.broker.budget.sleep(random.uniform(0, min(2.0, wanted.broker.budget.left)))
            return None
        if lock is not None:
            return lock
        wanted.answer(keep.read(store, wanted.account.identity))
        if wanted.token is not None:
            return None
        patience.wait()


def _first_here(store: FileStore, wanted: _Wanted, login: Login, lock: Lock | None) -> Token:
    """What the one process of this host does that may: ask the other hosts, and log in if none of them has."""
    circle = store.circle()
    try:
        if circle is not None:
            patience = _Patience(wanted)
            while not circle.enter(wanted.account.identity, lock, wanted.broker.margin + LEASE_MORE):
                wanted.answer(_pulled(store, circle, wanted))
                if wanted.token is not None:
                    return wanted.token
                patience.wait()
        record = _pulled(store, circle, wanted)
        wanted.answer(record)
        return wanted.token or _log_in(store, circle, wanted, login, record)
    finally:
        if circle is not None:
            circle.leave()


def _pulled(store: FileStore, circle: Circle | None, wanted: _Wanted) -> Record:
    """What this host knows, with what other hosts have left; kept here, so that the next process of this host need not ask."""
    mine = wanted.record()
    theirs = None if circle is None else circle.read(wanted.account.identity)
    if theirs is None:
        return mine
    both = outcome.merged(mine, theirs, Stamp.now()) or mine
    if both.token is not mine.token or len(both.failures) != len(mine.failures):
        keep.write(store, wanted.account.identity, both)
    return both


def _log_in(store: FileStore, circle: Circle | None, wanted: _Wanted, login: Login, record: Record, patient: bool = True) -> Token:
    """Log in under the lock and leave the outcome, good or bad, for the others."""
    account = wanted.account
    refused_one = _is_refused(record, wanted)
    if refused_one and _replaced_lately(record):
        raise AuthError(
            errors.CREDENTIALS,
            "the token was refused, and so was the one before it; a new login would not help, so look at the account's rights and at the system's clock",
            status=401,
            token_refused=True,
        ).located(account.where)
    started = Stamp.now()
    try:
        token = _attempt(account, login, record, wanted.broker, circle, patient=patient)
        outcome.put(record, wanted.seal, account, token, started, replaces_refused=wanted.refused is not None, margin=wanted.broker.margin, marks=wanted.marks)
        return token
    except AuthError as error:
        if refused_one:
            record.token = None
        stands = 0.0
        if error.kind != errors.CONFIGURATION and not isinstance(error, _NoCode):
            stands = outcome.note(record, wanted.mark_for(error), error, Stamp.now())
        if not patient:
            record.refresh_failed = {"at": Stamp.now()._asdict(), "wait": max(REFRESH_AGAIN, stands)}
        raise
    finally:
        # What is wrong with the options alone is no news for others.
        if refused_one or record.token or record.failures or record.refresh_failed:
            keep.write(store, account.identity, record)
            if circle is not None:
                circle.write(account.identity, record)


def _refresh_failed(store: FileStore, account: Account, record: Record, wait: float) -> None:
    record.refresh_failed = {"at": Stamp.now()._asdict(), "wait": wait}
    keep.write(store, account.identity, record)


def _is_refused(record: Record, wanted: _Wanted) -> bool:
    kept = record.reveal(wanted.seal, wanted.account)
    return wanted.refused is not None and kept is not None and kept.value == wanted.refused.value


def _replaced_lately(record: Record) -> bool:
    """Whether a token that replaced a refused one has been refused too soon; one that has run out meanwhile had its time."""
    now = Stamp.now()
    age = record.age(now)
    return bool(record.token and record.token["replaced"] and age is not None and age < REPLACE_EVERY and record.fresh(now))


def _attempt(account: Account, login: Login, record: Record, broker: Broker, circle: Circle | None, patient: bool = True) -> Token:
    """One login; another one only where the system has not taken the first, or refused it and its clock turns out to be another than thought."""
    attempt, corrected, tries, typed = Attempt(0.0, patient=patient), False, 0, _typed_code(account)
    if typed and not codes.is_free(broker.store, typed, 0):
        raise _NoCode(errors.CREDENTIALS, "the one-time code in otp has been used for a login already; give a new one, or totp_secret").located(account.where)
    while True:
        offset, tries = record.clock_offset, tries + 1
        try:
            attempt.otp = _one_time_code(account, offset, broker, circle, patient) if account.totp else None
            # A code may have been worth waiting for.
            started = time.time()
            attempt.now = started + offset
            token = login(attempt)
            return token._replace(expires_at=token.expires_at if token.lifetime is None else started + token.lifetime)
        except AuthError as error:
            error.located(account.where, account.secrets)
            if not account.clocked:
                raise
            wrong_clock = not corrected and error.kind == errors.CREDENTIALS and _differs(attempt.clock_offset, offset)
            corrected = corrected or wrong_clock
            if not wrong_clock and not (patient and tries <= broker.retries and error.status in NOT_TAKEN and pause(broker.budget, tries, error.retry_after)):
                raise
        finally:
            if typed and attempt.sent:
                codes.claim(broker.store, circle, typed, 0)
            if attempt.clock_offset is not None:
                record.clock_offset = attempt.clock_offset if abs(attempt.clock_offset) > CLOCK_MATTERS else 0.0


def _typed_code(account: Account) -> str:
    """What tells a one-time code of a person from all others; empty where there is none."""
    return "" if account.totp or not any(account.once) else "\0".join((*account.credential, *account.once))


def _differs(found: float | None, thought: float) -> bool:
    return found is not None and abs(found - thought) > CLOCK_MATTERS


def _one_time_code(account: Account, offset: float, broker: Broker, circle: Circle | None, patient: bool) -> str:
    """A code that no process has sent before; waits for the next one if it must. Raises when that takes too long."""
    totp.decoded(account.totp)
    while True:
        now = time.time() + offset
        step = totp.step_of(now)
        if codes.claim(broker.store, circle, account.totp, step):
            return totp.code(account.totp, step)
        pause = (step + 1) * totp.STEP - now
        if not patient or not broker.budget.sleep(pause + 0.01):
            raise _NoCode(
                errors.RATE_LIMITED,
                f"every one-time code of the next {round(pause)} seconds has been used already; try again later, or raise max_wait",
                retry_after=pause,
            ).located(account.where)
