# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One task at one system: the provider, its HTTP session, the cache and the broker, in one object.

A login and the calls after it share one connection pool. What a cached token does not need is made when it is first used.
"""

from __future__ import annotations

import logging
import time
import typing as t
from functools import cached_property

from .broker import Broker
from .errors import ApiError
from .events import CACHED_TOKEN, LOGIN, REFRESH, WAIT, Event, Observer, ignore
from .http.retries import WaitBudget
from .login import REFRESH_TIMEOUT
from .model import Account, Token
from .redact import Redactor

if t.TYPE_CHECKING:
    from .cache.clocks import Timestamp
    from .cache.store import FileStore
    from .calls.run import CallRunner, TokenSource
    from .http.messages import Request, Response
    from .http.session import HttpSession
    from .options import ConnectionSettings
    from .providers.base import Provider

logger = logging.getLogger("apiauth.tokens")
PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")


class ApiClient:
    """One task at one system.

    :param provider: the system, bound to the task's options.
    :param settings: how requests travel.
    :param store: where tokens are cached; `None` without a cache.
    :param environ: the task's environment, for proxies and certificates.
    :param on_token: called with each token that is about to be used.
    :param on_event: called with each event that a summary counts.
    """

    def __init__(
        self,
        provider: Provider,
        settings: ConnectionSettings,
        store: FileStore | None,
        environ: t.Mapping[str, str],
        on_token: t.Callable[[Token], None] = lambda token: None,
        on_event: Observer = ignore,
    ) -> None:
        self.provider = provider
        self.settings = settings
        self.store = store
        self.environ = environ
        self.account: Account = provider.account
        self.redactor = Redactor(self.account.secrets)
        self.budget = WaitBudget(settings.max_wait, on_wait=lambda seconds: on_event(Event(WAIT, seconds)))
        self._on_token = on_token
        self.on_event = on_event

    def __repr__(self) -> str:
        return f"ApiClient({self.account.target!r})"

    @cached_property
    def http(self) -> HttpSession:
        """The connections of this task."""
        # Imported here: a cached lookup sends nothing, and loading requests takes 60 ms in a worker.
        from .http.session import HttpSession

        return HttpSession(self.settings, environ=self.environ, budget=self.budget, target=self.account.target, redactor=self.redactor)

    @cached_property
    def broker(self) -> Broker:
        # A token that expires within the time that a call may take is as good as expired.
        margin = max(30.0, self.settings.timeout)
        scope, route = self.settings.scope, self.settings.route
        if not self.settings.proxy:
            route += tuple(f"{name}={self.environ[name]}" for name in PROXY_VARIABLES if self.environ.get(name))
        return Broker(self, self.store, self.budget, margin=margin, connection_scope=scope, route=route, retries=self.settings.retries)

    # -- tokens --------------------------------------------------------------------------------------------------

    def token(self, *, refresh: bool = False, since: Timestamp | None = None) -> Token:
        """Return a valid token: the one that the user supplied, a cached one, or a new one. Raises the login's error.

        :param refresh: one that was requested after `since`, or after now.
        """
        token = self.account.supplied_token or self.broker.token(refresh=refresh, since=since)
        self._announce(token)
        return token

    def replace_token(self, refused: Token) -> Token:
        """Return another token than one that the system refused. Raises if a new one would not help, or the login's error."""
        token = self.broker.replace(refused)
        self._announce(token)
        return token

    def _announce(self, token: Token) -> None:
        self.redactor.add(token.value)
        self._on_token(token)
        if token.from_cache:
            self.on_event(Event(CACHED_TOKEN))

    # -- what the broker needs of a system -----------------------------------------------------------------------

    def login(self, now: float, otp: str | None, *, retry: bool) -> Token:
        """Log in once. Raises an `ApiError` whose `sent` says whether the system may have received the login.

        :param now: the system's time in epoch seconds.
        :param retry: whether it may be repeated; a refresh is tried once and not for long, because the cached token is still valid.
        """
        http = self.http if retry else t.cast("HttpSession", _RefreshSession(self.http, self.settings))
        started, error_kind = time.monotonic(), ""
        try:
            return self.provider.login(http, now, otp)
        except ApiError as error:
            error_kind = error.kind
            raise
        finally:
            seconds = time.monotonic() - started
            self.on_event(Event(LOGIN if retry else REFRESH, seconds, error_kind))
            logger.debug("%s: login as %s took %.0f ms", self.account.target, self.account.principal or "nobody", seconds * 1000)

    @property
    def clock_offset(self) -> float | None:
        """How far the system's clock is ahead of this machine's, in seconds, as its last reply showed."""
        return self.http.clock_offset

    # -- calls ---------------------------------------------------------------------------------------------------

    def runner(self, tokens: TokenSource | None = None, *, refresh: bool = False) -> CallRunner:
        """Return what makes calls for this task, with a token of its own unless `tokens` is given."""
        # Imported here: a cached lookup makes no calls.
        from .calls.run import CallRunner, SharedToken

        tokens = tokens or SharedToken(lambda: self.token(refresh=refresh), self.replace_token)
        return CallRunner(self.provider, self.http, tokens, self.redactor, self.account.target, self.on_event)


class _RefreshSession:
    """The HTTP session for a refresh that nobody waits for: no retries, and a short timeout."""

    def __init__(self, http: HttpSession, settings: ConnectionSettings) -> None:
        self._http = http
        self._timeout = min(settings.timeout, REFRESH_TIMEOUT)

    def send(self, request: Request, **_limits: t.Any) -> Response:
        return self._http.send(request, timeout=self._timeout, retries=0)

    @property
    def clock_offset(self) -> float | None:
        return self._http.clock_offset
