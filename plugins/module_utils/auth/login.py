# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way to a token on a miss: one process logs in, the others get what it got, or the error that it met. Private to this collection."""

from __future__ import annotations

import os
import random
import time
import typing as t
from dataclasses import replace

from . import errors, totp
from .broker import Attempt, Broker, Login
from .cache.files import read_private
from .cache.files import replace as replace_file
from .cache.lock import Lock, NoLocks
from .cache.record import Record, Stamp
from .errors import AuthError
from .token import Token

if t.TYPE_CHECKING:
    from .cache.seal import Seal
    from .cache.store import FileStore
    from .provider import Account

# A token that replaced a refused one is not replaced for this long, in seconds.
REPLACE_EVERY = 60.0
# Nor is a failed refresh ahead of time tried again.
REFRESH_AGAIN = 60.0
CLOCK_MATTERS = 20.0
# Failures on the way, which other settings may cure; the rest is the system's own state.
ON_THE_WAY = (errors.NETWORK, errors.TLS, errors.PROTOCOL, errors.CONFIGURATION)


def obtained(broker: Broker, account: Account, login: Login, *, refresh: bool = False, refused: Token | None = None) -> Token:
    """A new token, from this process' login or from the one that another process makes meanwhile."""
    store, started = broker.store, Stamp.now()
    seal = None if store is None else store.usable()
    if store is None or seal is None:
        return _attempt(account, login, None, Record.of(account), broker)[0]
    wanted = _Wanted(broker, account, seal, started, refresh, refused)
    wanted.answer(store.read(account.identity), before=True)
    if wanted.token is not None:
        return wanted.token
    lock = _waited_for(store, wanted)
    try:
        if wanted.token is not None:
            return wanted.token
        record = store.read(account.identity) or Record.of(account)
        wanted.answer(record)
        if wanted.token is not None:
            return wanted.token
        return _log_in(store, wanted, login, record)
    finally:
        if lock is not None:
            lock.release()


def refreshed_ahead(broker: Broker, account: Account, login: Login) -> Token | None:
    """A new token while the old one still works; `None` when another process sees to it, or when it failed."""
    store = broker.store
    seal = None if store is None else store.usable()
    if store is None or seal is None:
        return None
    try:
        lock = store.try_lock(account.identity)
    except (OSError, NoLocks):
        return None
    if lock is None:
        return None
    try:
        record = store.read(account.identity) or Record.of(account)
        if not record.due(Stamp.now()):
            return None
        started = Stamp.now()
        try:
            token, offset = _attempt(account, login, seal, record, broker, patient=False)
        except AuthError:
            record.refresh_not_before = time.time() + REFRESH_AGAIN
            store.write(account.identity, record)
            return None
        return _keep(store, seal, account, record, token, offset, started, broker.margin, replaced=False)
    finally:
        lock.release()


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
        self.transport_tag = seal.tag(("transport", *broker.transport))
        self.credential_tag = seal.tag((*account.credential, *account.once))

    def answer(self, record: Record | None, before: bool = False) -> None:
        """Take a token that serves; raise a failure that stands. `before`: nobody else's login has been waited for yet."""
        if record is None:
            return
        now = Stamp.now()
        token = record.reveal(self.seal, self.account) if record.fresh(now) else None
        if token is not None and self._serves(record, token):
            self.token = token
            return
        failure = record.failure((self.credential_tag, self.transport_tag, None), now, None if before else self.started)
        if failure is not None:
            raise failure.located(self.account.where)

    def _serves(self, record: Record, token: Token) -> bool:
        if self.refused is not None:
            return token.value != self.refused.value
        if not self.refresh or record.token is None:
            return True
        at = Stamp(**record.token["at"])
        return at.boot_id == self.started.boot_id and at.boot >= self.started.boot

    def tag_for(self, error: AuthError) -> int | None:
        if error.definite:
            return self.credential_tag
        return self.transport_tag if error.kind in ON_THE_WAY else None


def _waited_for(store: FileStore, wanted: _Wanted) -> Lock | None:
    """The lock, unless the wait for it brought an answer; `None` also where the file system has no locks."""
    waited, pause = time.monotonic(), 0.01
    while True:
        try:
            lock = store.try_lock(wanted.account.identity)
        except (OSError, NoLocks):
            store.disturbed(f"{store.directory} cannot hold locks")
            # Without locks only chance keeps a herd apart: the first ones' token is there for the rest.
            time.sleep(random.uniform(0, 2))
            return None
        if lock is not None:
            return lock
        wanted.answer(store.read(wanted.account.identity))
        if wanted.token is not None:
            return None
        if not wanted.broker.budget.sleep(random.uniform(0.5, 1) * pause):
            seconds = round(time.monotonic() - waited)
            raise AuthError(
                errors.NETWORK,
                f"another process has been logging in for more than {seconds} seconds and has not ended; look for a hanging task, or raise max_wait",
            ).located(wanted.account.where)
        pause = min(0.1, pause * 1.5)


def _log_in(store: FileStore, wanted: _Wanted, login: Login, record: Record) -> Token:
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
        token, offset = _attempt(account, login, wanted.seal, record, wanted.broker)
    except AuthError as error:
        if refused_one:
            record.token = None
        record.note(wanted.tag_for(error), error, Stamp.now())
        store.write(account.identity, record)
        raise
    return _keep(store, wanted.seal, account, record, token, offset, started, wanted.broker.margin, replaced=wanted.refused is not None)


def _is_refused(record: Record, wanted: _Wanted) -> bool:
    kept = record.reveal(wanted.seal, wanted.account)
    return wanted.refused is not None and kept is not None and kept.value == wanted.refused.value


def _replaced_lately(record: Record) -> bool:
    age = record.age(Stamp.now())
    return bool(record.token and record.token["replaced"] and age is not None and age < REPLACE_EVERY)


def _keep(
    store: FileStore, seal: Seal, account: Account, record: Record, token: Token, offset: float, started: Stamp, margin: float, *, replaced: bool
) -> Token:
    record.clock_offset = offset
    record.put(seal, account, token, started, replaces_refused=replaced, margin=margin)
    store.write(account.identity, record)
    return token


def _attempt(account: Account, login: Login, seal: Seal | None, record: Record, broker: Broker, patient: bool = True) -> tuple[Token, float]:
    """One login; a second one only where the first was refused and the system's clock turns out to be another than thought."""
    offset = record.clock_offset
    started = time.time()
    attempt = Attempt(0.0, patient=patient)
    for again in (True, False):
        attempt.now = time.time() + offset
        try:
            attempt.otp = _one_time_code(account, seal, offset, broker) if account.totp else None
            # A code may have been worth waiting for.
            attempt.now = time.time() + offset
            started = time.time()
            token = login(attempt)
            break
        except AuthError as error:
            error.located(account.where, account.secrets)
            known = attempt.clock_offset
            cured = account.clocked and error.kind == errors.CREDENTIALS and known is not None and abs(known - offset) > CLOCK_MATTERS
            if not again or not cured or known is None:
                raise
            offset = known
    ends = token.expires_at if token.lifetime is None else started + token.lifetime
    return replace(token, expires_at=ends), offset


def _one_time_code(account: Account, seal: Seal | None, offset: float, broker: Broker) -> str:
    """A code that no process has sent before; waits for the next one if it must. Raises when that takes too long."""
    if seal is None or broker.store is None:
        return totp.code(account.totp, totp.step_of(time.time() + offset))
    # The same 16 bits on every system: they tell nothing, and two addresses of one system share them.
    name = f"totp-{seal.tag((account.totp,)):04x}"
    path = os.path.join(broker.store.directory, name)
    while True:
        lock = broker.store.try_lock_path(path + ".lock")
        if lock is not None:
            try:
                last = int(read_private(path) or b"0")
                step = totp.step_of(time.time() + offset)
                if step > last or last - step > 2 * CLOCK_MATTERS:
                    replace_file(path, str(step).encode())
                    return totp.code(account.totp, step)
                pause = (last + 1) * totp.STEP - (time.time() + offset)
            except (OSError, ValueError):
                return totp.code(account.totp, totp.step_of(time.time() + offset))
            finally:
                lock.release()
        else:
            pause = 0.05
        if not broker.budget.sleep(max(0.05, pause)):
            raise AuthError(
                errors.CREDENTIALS, f"every one-time code of the next {round(pause)} seconds has been used already; try again later, or raise max_wait"
            ).located(account.where)
