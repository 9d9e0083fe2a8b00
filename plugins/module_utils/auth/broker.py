# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way to a token: the cache if it holds a fresh one, else one login for everybody. Private to this collection.

This file is what a hit pays for; all that a miss needs is in `login`.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .cache.record import Stamp

# The most that a task which has a token that works gives to getting a newer one, in seconds.
IMPATIENT = 10.0

if t.TYPE_CHECKING:
    from .budget import Budget
    from .cache.store import FileStore
    from .option import Options
    from .provider import Account, Provider
    from .token import Token


@dataclass(eq=False)
class Attempt:
    """One login: the system's time as far as known (epoch seconds), a one-time code, and whether it may take its time.

    Told back: `clock_offset`, how far the system's clock turned out to be ahead, in seconds, and `sent`, whether the system may have got the login.
    """

    now: float
    otp: str | None = field(default=None, repr=False)
    patient: bool = True
    clock_offset: float | None = None
    sent: bool = False


Login = t.Callable[[Attempt], "Token"]


def login_of(provider: Provider, options: Options, budget: Budget, environ: t.Mapping[str, str]) -> Login:
    """The system's login as the broker wants it."""

    def login(attempt: Attempt) -> Token:
        # Imported here: a hit sends nothing.
        from .client import Client
        from .errors import AuthError

        client = Client(options, provider.timeout, environ=environ, budget=budget)
        if not attempt.patient:
            client.retries, client.timeout = 0, min(client.timeout, IMPATIENT)
        try:
            token = provider.login(options, client, attempt.now, attempt.otp)
            attempt.sent = True
            return token
        except AuthError as refusal:
            attempt.sent = refusal.sent
            # It is about a login: no call was made yet, and no other token would help.
            refusal.tries, refusal.sent, refusal.token_refused = 0, False, False
            raise
        finally:
            attempt.clock_offset = client.clock_offset

    return login


@dataclass(eq=False)
class Broker:
    """Tokens for accounts. `margin` is how long before its end a token is no longer handed out, in seconds;
    `transport` says how requests travel, so that a failure on the way is not blamed on another way. `retries` is how often a
    login that the system has not taken is made anew, where its request must not be sent twice.
    """

    store: FileStore | None
    budget: Budget
    margin: float = 30.0
    transport: tuple[str, ...] = field(default=(), repr=False)
    retries: int = 3

    def token(self, account: Account, login: Login, *, refresh: bool = False) -> Token:
        """A token that works as far as anybody knows. Raises the login's error, also one that another process met."""
        if account.given is not None:
            return account.given
        record = None if self.store is None else self.store.read(account.identity)
        if record is not None and self.store is not None and not refresh:
            now, seal = Stamp.now(), self.store.seal()
            token = record.reveal(seal, account) if seal is not None and record.fresh(now) else None
            if token is not None and not record.due(now):
                return token
            if token is not None:
                from .login import refreshed_ahead

                return refreshed_ahead(self, account, login) or token
        from .login import obtained

        return obtained(self, account, login, refresh=refresh)

    def replacement(self, account: Account, login: Login, refused: Token) -> Token:
        """Another token than the refused one. Raises where a new one would not help, or the login's error."""
        from .login import obtained

        return obtained(self, account, login, refused=refused)
