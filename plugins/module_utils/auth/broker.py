# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way to a token: a cached one, or one login for everybody who needs it.

Of all processes that need a token for an account, one logs in; the others wait and use its token, or get its error. Hosts that share a cache do the same
among themselves.
"""

from __future__ import annotations

import logging
import random
import re
import time

from . import errors
from .cache.clocks import Timestamp
from .cache.codes import UsedCodes
from .cache.crypto import CacheKey
from .cache.locks import FileLock, LocksUnsupported
from .cache.records import CacheEntry, FailureScope, RefreshFailure
from .cache.store import FileStore, Lease
from .errors import ApiError
from .http.retries import LONG_WAIT, WaitBudget
from .login import CodeUnavailable, Login, LoginSource
from .model import Account, Token

logger = logging.getLogger("apiauth.tokens")
# For how many seconds a token that replaced a refused one is not replaced again, and a failed refresh is not repeated.
REPLACE_EVERY = 60.0
REFRESH_EVERY = 60.0
# After how many seconds a process looks again at a refresh that another host has begun.
REFRESH_RECHECK = 5.0
# How often waiting processes look, in seconds; also for how long a dead leader can delay them.
POLL_MIN, POLL_MAX = 0.01, 0.08
# How much longer than the margin (at least the time-out of one request) a host may keep the lease without renewing it, in seconds.
LEASE_EXTRA = 10.0
# Failures of the connection, which other settings may avoid. The rest is the system's own state.
CONNECTION_KINDS = (errors.NETWORK, errors.TLS, errors.PROTOCOL)


class Broker:
    """Tokens for the account of a source.

    :param store: where tokens are cached, if anywhere.
    :param margin: for how many seconds before its expiry a token is no longer handed out.
    :param connection_scope: the connection settings; a failed connection is shared with tasks that have the same ones.
    :param route: the proxy and the client's certificate; a login that the system rejected is shared with tasks that have the same ones.
    :param retries: how often a login that the system did not process is sent again, if the same request must not be sent twice.
    """

    def __init__(
        self,
        source: LoginSource,
        store: FileStore | None,
        budget: WaitBudget,
        *,
        margin: float = 30.0,
        connection_scope: tuple[str, ...] = (),
        route: tuple[str, ...] = (),
        retries: int = 3,
    ) -> None:
        self.source = source
        self.store = store
        self.budget = budget
        self.margin = margin
        self.retries = retries
        self.connection_scope = connection_scope
        self.route = route

    @property
    def lease_seconds(self) -> float:
        """For how long a host has the lease, if it does not renew it."""
        return self.margin + LEASE_EXTRA

    def token(self, *, refresh: bool = False, since: Timestamp | None = None) -> Token:
        """Return a token that works as far as anybody knows; with `refresh` one that was requested after `since`, or after this call began.

        Raises the error of a login, which may be that of another process.
        """
        account = self.source.account
        if account.supplied_token is not None:
            return account.supplied_token
        since = since or Timestamp.now() if refresh else None
        cached = None if self.store is None else self._cached_token(self.store, account, since)
        return cached or self._request_token("refresh was requested" if refresh else "no usable token is cached", since=since)

    def replace(self, refused: Token) -> Token:
        """Return another token than the one that the system refused. Raises an error if a new one would not help, or the error of the login."""
        if self.source.account.supplied_token is not None:
            raise ApiError(errors.CREDENTIALS, "the token was refused", "give another one", target=self.source.account.target, token_refused=True)
        return self._request_token("the system refused the token", refused=refused)

    def _cached_token(self, store: FileStore, account: Account, since: Timestamp | None) -> Token | None:
        entry, key, now = store.read(account.identity), store.key(), Timestamp.now()
        token = entry.unlock(key, account) if entry is not None and key is not None and entry.is_usable(now) else None
        if entry is None or token is None or (since is not None and not entry.was_requested_since(since)):
            return None
        newer = self._refresh(store) if entry.needs_refresh(now) else None
        if newer is not None:
            return newer
        logger.debug("%s: using the cached token of %s, usable for another %.0f seconds", account.target, account.principal, entry.usable_for(now))
        return token

    def _request_token(self, reason: str, *, since: Timestamp | None = None, refused: Token | None = None) -> Token:
        store, key = self.store, None
        if store is not None:
            key = store.prepare() or (store.key() if store.lease() else None)
        if store is None or key is None:
            account = self.source.account
            logger.debug("%s: requesting a token for %s, without a cache (%s)", account.target, account.principal, reason)
            return Login(self.source, self.budget, UsedCodes(store, None), retries=self.retries).run()
        return _TokenRequest(self, store, key, reason, since=since, refused=refused).run()

    def _refresh(self, store: FileStore) -> Token | None:
        """Return a new token while the cached one still works; `None` if another process is requesting one, or if that failed."""
        key = store.prepare()
        if key is None:
            return None
        try:
            lock = store.lock(self.source.account.identity)
        except LocksUnsupported:
            return None
        if lock is None:
            return None
        try:
            return _TokenRequest(self, store, key, "the cached token expires soon").refresh(lock)
        finally:
            lock.release()


class _TokenRequest:
    """What one task does to get a token that is not, or must not be, the cached one."""

    def __init__(self, broker: Broker, store: FileStore, key: CacheKey, reason: str, *, since: Timestamp | None = None, refused: Token | None = None) -> None:
        self.account = broker.source.account
        self._broker = broker
        self._store = store
        self._key = key
        self._reason = reason
        # The token must have been requested since then.
        self._since = since
        self._refused = refused
        self._began = Timestamp.now()
        codes = tuple(filter(None, self.account.one_time_codes))
        code_fingerprint = key.fingerprint16(("one-time code", *codes)) if codes else None
        route = key.fingerprint16(("route", *map(_without_password, broker.route))) if broker.route else None
        self._credential = FailureScope(key.fingerprint16(self.account.credential), code_fingerprint, route)
        self._connection = FailureScope(key.fingerprint16(("connection", *map(_without_password, broker.connection_scope))))
        self._system = FailureScope()
        self._scopes = (self._credential, self._connection, self._system)

    def run(self) -> Token:
        """Return the token that this process requests, or that another one requests meanwhile. Raises the error of either."""
        token = self._answer_from(self._store.read(self.account.identity))
        if token is not None:
            return token
        lock, token = self._lock_or_answer()
        if token is not None:
            return token
        try:
            return self._answer_from(self._store.read(self.account.identity), self._began) or self._lead(lock)
        finally:
            if lock is not None:
                lock.release()

    def refresh(self, lock: FileLock) -> Token | None:
        """Return a new token, or `None` if that fails or another host is requesting one. The caller has the lock."""
        identity, lease = self.account.identity, self._store.lease()
        try:
            entry = self._entry(lease)
            if lease is not None and entry.needs_refresh(Timestamp.now()):
                if not lease.acquire(identity, lock, self._broker.lease_seconds):
                    logger.debug("%s: another host is refreshing the token of %s", self.account.target, self.account.principal)
                    self._store.write(identity, entry._replace(refresh_failure=RefreshFailure(Timestamp.now(), REFRESH_RECHECK)))
                    return None
                entry = self._entry(lease)
            now = Timestamp.now()
            if not entry.needs_refresh(now) or entry.standing_failure(self._scopes, now) is not None:
                return entry.unlock(self._key, self.account) if entry.is_usable(now) else None
            try:
                return self._log_in(entry, lease, refreshing=True)
            except ApiError as error:
                logger.debug("%s: the refresh failed, so the cached token stays in use: %s", self.account.target, error)
                return None
        finally:
            if lease is not None:
                lease.release()

    # -- what the cache answers ----------------------------------------------------------------------------------

    def _answer_from(self, entry: CacheEntry | None, waiting_since: Timestamp | None = None) -> Token | None:
        """Return the token of an entry if it is what this task needs. Raises the error of a failure that stands, or that happened while the task waited."""
        if entry is None:
            return None
        now = Timestamp.now()
        token = entry.unlock(self._key, self.account) if entry.is_usable(now) else None
        if entry.token is not None and token is not None and self._is_needed(entry, token):
            if waiting_since is not None:
                logger.debug("%s: using the token of %s that another process requested", self.account.target, self.account.principal)
            return token
        failure = entry.standing_failure(self._scopes, now, waiting_since)
        if failure is not None:
            logger.debug("%s: not logging in as %s, because another task's login failed: %s", self.account.target, self.account.principal, failure)
            raise failure.with_target(self.account.target)
        return None

    def _is_needed(self, entry: CacheEntry, token: Token) -> bool:
        if self._refused is not None:
            return token.value != self._refused.value
        return self._since is None or entry.was_requested_since(self._since)

    def _entry(self, lease: Lease | None) -> CacheEntry:
        """Return what this host and the others have cached, and store it here, so that the next process of this host need not ask."""
        mine = self._store.read(self.account.identity) or CacheEntry.of(self.account)
        theirs = None if lease is None else lease.read(self.account.identity)
        if theirs is None:
            return mine
        merged = mine.merge(theirs, Timestamp.now())
        if merged.token is not mine.token or len(merged.failures) != len(mine.failures):
            self._store.write(self.account.identity, merged)
        return merged

    # -- waiting -------------------------------------------------------------------------------------------------

    def _lock_or_answer(self) -> tuple[FileLock | None, Token | None]:
        """Return the lock, or the token that came while waiting for it; neither if there are no locks."""
        wait = _Wait(self.account, self._broker.budget, "another process on this host")
        while True:
            try:
                lock = self._store.lock(self.account.identity)
            except LocksUnsupported:
                if self._store.is_prepared:
                    self._store.warn("simultaneous tasks may each log in for themselves")
                    # Without locks only chance keeps simultaneous tasks apart: the token of the first is there for the rest.
                    self._broker.budget.sleep(random.uniform(0, min(2.0, self._broker.budget.left)))
                return None, None
            token = None if lock is not None else self._answer_from(self._store.read(self.account.identity), self._began)
            if lock is not None or token is not None:
                return lock, token
            wait.sleep()

    def _lead(self, lock: FileLock | None) -> Token:
        """Return a token from another host, or log in if no host has one; at most one process of each host does this."""
        lease = self._store.lease()
        try:
            if lease is not None:
                wait = _Wait(self.account, self._broker.budget, "a process on another host (the lease does not say which)")
                while not lease.acquire(self.account.identity, lock, self._broker.lease_seconds):
                    token = self._answer_from(self._entry(lease), self._began)
                    if token is not None:
                        return token
                    wait.sleep()
            entry = self._entry(lease)
            return self._answer_from(entry, self._began) or self._log_in(entry, lease)
        finally:
            if lease is not None:
                lease.release()

    # -- logging in ----------------------------------------------------------------------------------------------

    def _log_in(self, entry: CacheEntry, lease: Lease | None, *, refreshing: bool = False) -> Token:
        """Log in, and store the result for the others, a token or an error."""
        account, broker = self.account, self._broker
        known = entry.unlock(self._key, account)
        refused_is_cached = self._refused is not None and known is not None and known.value == self._refused.value
        if refused_is_cached and entry.replaced_refused_within(REPLACE_EVERY, Timestamp.now()):
            problem = "the token was refused, and so was the one before it, so a new login would not help"
            hint = "check the account's permissions and the system's clock"
            raise ApiError(errors.CREDENTIALS, problem, hint, target=account.target, status=401, token_refused=True)
        logger.debug("%s: requesting a token for %s (%s)", account.target, account.principal, self._reason)
        started = Timestamp.now()
        login = Login(broker.source, broker.budget, UsedCodes(self._store, lease), clock_offset=entry.clock_offset, retries=broker.retries)

        def keep_lease(waiting: float) -> None:
            # A system may ask for a longer wait than the lease lasts.
            if lease is not None:
                lease.renew(waiting + broker.lease_seconds)

        try:
            with broker.budget.announcing(keep_lease):
                token = login.run(retry=not refreshing)
        except ApiError as error:
            entry = entry._replace(clock_offset=login.clock_offset, token=None if refused_is_cached else entry.token)
            entry = self._with_failure(entry, error, refreshing)
            if refused_is_cached or entry.token is not None or entry.failures or entry.refresh_failure is not None:
                self._save(entry, lease)
            raise
        entry = entry._replace(clock_offset=login.clock_offset)
        replaced_refused = self._refused is not None
        entry = entry.with_token(self._key, account, token, started, replaced_refused=replaced_refused, margin=broker.margin, scopes=self._scopes)
        self._save(entry, lease)
        return token

    def _with_failure(self, entry: CacheEntry, error: ApiError, refreshing: bool) -> CacheEntry:
        now, pause = Timestamp.now(), REFRESH_EVERY
        # What is wrong with the options or the code of one task does not concern others.
        if error.kind != errors.CONFIGURATION and not isinstance(error, CodeUnavailable):
            scope = self._credential if error.definite else self._connection if error.kind in CONNECTION_KINDS else self._system
            entry = entry.with_failure(scope, error, now)
            pause = max(pause, entry.failures[-1].stands_for)
        return entry._replace(refresh_failure=RefreshFailure(now, pause)) if refreshing else entry

    def _save(self, entry: CacheEntry, lease: Lease | None) -> None:
        self._store.write(self.account.identity, entry)
        if lease is not None:
            lease.write(self.account.identity, entry)


def _without_password(setting: str) -> str:
    """Return a setting without the password of a proxy: nothing but 16 bits may be stored about a secret."""
    return re.sub("//[^/]*@", "//", setting)


class _Wait:
    """Looking again and again while another process logs in, within the budget of the task."""

    def __init__(self, account: Account, budget: WaitBudget, leader: str) -> None:
        self._account = account
        self._budget = budget
        self._leader = leader
        self._began = time.monotonic()
        self._looking_since = self._began
        self._pause = 0.0
        self._explained = False

    def sleep(self) -> None:
        """Wait for a moment. Raises an error if the task may not wait any longer."""
        # A server of the cache may be slow. Looking is waiting too, and at most half of the time is spent on it.
        looked = time.monotonic() - self._looking_since
        self._budget.lower_to(self._budget.left - looked)
        waited, target, principal = time.monotonic() - self._began, self._account.target, self._account.principal
        if not self._pause:
            self._pause = POLL_MIN
            logger.debug("%s: waiting for %s, which is requesting a token for %s", target, self._leader, principal)
        if waited > LONG_WAIT and not self._explained:
            self._explained = True
            logger.info("%s: still waiting after %.0f seconds for %s, which is requesting a token for %s", target, waited, self._leader, principal)
        pause = min(max(random.uniform(0.5, 1) * self._pause, looked), self._budget.left)
        if not pause or not self._budget.sleep(pause):
            problem = f"another process has been logging in for more than {round(waited)} seconds and has not finished"
            raise ApiError(errors.NETWORK, problem, "look for a hanging task, or raise max_wait", target=target)
        self._pause = min(POLL_MAX, self._pause * 1.5)
        self._looking_since = time.monotonic()
