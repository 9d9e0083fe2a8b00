# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the actions for the cache do: always on the controller, whatever the host of the task, because the cache is only there."""

from __future__ import annotations

import typing as t
from abc import abstractmethod

from ..module_utils._cache_module import CACHE_OPTIONS, SYSTEM_OPTIONS
from ..module_utils.auth.cache.clocks import Timestamp
from ..module_utils.auth.cache.records import EXPIRED, REFUSED, CacheEntry
from ..module_utils.auth.calls.reports import Result
from ..module_utils.auth.errors import CONFIGURATION, CREDENTIALS, NETWORK, ApiError, configuration_error
from ..module_utils.auth.http.retries import WaitBudget
from ..module_utils.auth.model import Token
from ..module_utils.auth.options import COMMON
from . import _registry
from ._action import TokenAction
from ._clients import open_client, open_store
from ._option_sources import OptionSources

if t.TYPE_CHECKING:
    from ..module_utils.auth.cache.store import FileStore
    from ..module_utils.auth.client import ApiClient
    from ..module_utils.auth.providers.base import Provider

TARGET = "The token cache"


class CacheAction(TokenAction):
    """A task on the cache of the controller."""

    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        result: Result = super().run(tmp, task_vars)
        try:
            result.update(self._execute(self._sources(task_vars or {})))
        except ApiError as error:
            result.update(error.with_target(TARGET).as_result())
        return result

    @abstractmethod
    def _execute(self, sources: OptionSources) -> Result:
        """Return the task's result. Raises an `ApiError`."""


class TokenCacheInfoAction(CacheAction):
    """`token_cache_info`."""

    def _execute(self, sources: OptionSources) -> Result:
        values = sources.resolve(COMMON)
        store, now = open_store(values), Timestamp.now()
        entries = [shown for _name, entry in (store.entries() if store else ()) for shown in describe_all(entry, now)]
        missing = store.unreachable() if store else None
        warnings = {"warnings": [f"{TARGET}: {missing.problem}, so tokens that only it holds are not listed"]} if missing else {}
        return {"changed": False, "backend": store.backend if store else "none", "entries": entries, **warnings}


class TokenCacheAction(CacheAction):
    """`token_cache`."""

    def _execute(self, sources: OptionSources) -> Result:
        values = sources.resolve((*CACHE_OPTIONS, *SYSTEM_OPTIONS, *COMMON))
        systems = sorted(_registry.systems())
        if values["provider"] not in (None, *systems):
            raise configuration_error(f"provider must be one of {', '.join(systems)}, and not {values['provider'][:60]!r}", "correct it")
        given = sorted(option.name for option in SYSTEM_OPTIONS if values[option.name] is not None)
        if given and not (values["provider"] and values["revoke"]):
            raise configuration_error(f"{', '.join(given)} are options of a system and are for revoke", "give provider and revoke with them")
        store, now = open_store(values), Timestamp.now()
        chosen = [
            (name, entry)
            for name, entry in (store.entries() if store else ())
            if values["provider"] in (None, entry.provider) and not (values["expired_only"] and entry.state(now) != EXPIRED)
        ]
        if store is None:
            return _summarize([], None)
        revoker = Revoker(store, sources, WaitBudget(values["max_wait"]))
        entries, failure = [], store.unreachable()
        for name, entry in chosen:
            revoked, reason = (None, "") if self._task.check_mode or not values["revoke"] else revoker.revoke(entry, now)
            stays = revoked is False and entry.provider in _registry.revoking()
            if not stays and not self._task.check_mode:
                try:
                    store.remove(name)
                except ApiError as error:
                    failure, stays, reason = failure or error, True, str(error)
            entries.append({**describe(entry, now), "removed": not stays, "revoked": revoked, **({"reason": reason} if reason else {})})
        return _summarize(entries, revoker.error, failure)


def describe(entry: CacheEntry, now: Timestamp) -> Result:
    """Return an entry as a task's result shows it."""
    expiry = entry.expires_at
    return {
        "provider": entry.provider,
        "api_url": entry.api_url,
        "principal": entry.principal,
        "state": entry.state(now),
        "expires_at": None if expiry is None else int(expiry),
    }


def describe_all(entry: CacheEntry, now: Timestamp) -> list[Result]:
    """Return an entry as `token_cache_info` shows it, and a rejected login that stands beside a usable token as one of its own."""
    shown = describe(entry, now)
    refused = {**shown, "state": REFUSED, "expires_at": None}
    return [shown, refused] if entry.is_usable(now) and entry.refused(now) else [shown]


def _summarize(entries: list[Result], error: ApiError | None, not_removed: ApiError | None = None) -> Result:
    """Return the result of a task; `error` is the first failure to revoke a token, and `not_removed` the first to find or remove an entry."""
    removed, revoked = sum(entry["removed"] for entry in entries), sum(entry["revoked"] is True for entry in entries)
    result: Result = {"changed": bool(removed or revoked), "removed": removed, "revoked": revoked, "entries": entries}
    remaining = [entry for entry in entries if not entry["removed"]]
    if remaining:
        reasons = "; ".join(dict.fromkeys(entry["reason"] for entry in remaining))
        what = "stay in the cache" if not_removed else "could not be revoked and stay in the cache"
        msg = f"{TARGET}: {len(remaining)} of {len(entries)} tokens {what}: {reasons}"
        first = error or not_removed
        result.update({**(first.as_result() if first else {}), "failed": True, "changed": result["changed"], "msg": msg})
    elif not_removed:
        missing = not_removed.replace(problem=f"{not_removed.problem}, so tokens that only it holds were not removed")
        result.update({**missing.with_target(TARGET).as_result(), "changed": result["changed"]})
    return result


class Revoker:
    """Revokes tokens at their systems. An account that failed once is not tried again: that could lock it."""

    def __init__(self, store: FileStore, sources: OptionSources, budget: WaitBudget) -> None:
        self._store = store
        self._sources = sources
        self._budget = budget
        self._failed: dict[tuple[str, str, str], str] = {}
        # The first one.
        self.error: ApiError | None = None

    def revoke(self, entry: CacheEntry, now: Timestamp) -> tuple[bool | None, str]:
        """Return whether the token is revoked now (`None`: there was nothing to revoke), and why not."""
        provider_class = _registry.revoking().get(entry.provider)
        how = provider_class.revocation if provider_class is not None else None
        if entry.token is None or not (entry.is_usable(now) or (how is not None and how.includes_expired)):
            return None, ""
        if provider_class is None:
            return False, "the system has no way to revoke a token before it expires"
        account = (entry.provider, entry.api_url, entry.principal)
        if account in self._failed:
            return False, self._failed[account]
        target = provider_class.title
        try:
            client, token = self._open(_registry.systems()[entry.provider], provider_class, entry)
            target = client.account.target
            if client.provider.revoke(client.http, token):
                return True, ""
            return False, f"{target}: the account's list of tokens does not show which one it is; revoke it there by hand"
        except ApiError as error:
            located = error.with_target(target)
            self.error = self.error or located
            if error.kind in (CREDENTIALS, NETWORK):
                self._failed[account] = str(located)
            return False, str(located)

    def _open(self, system: type[Provider], provider_class: type[Provider], entry: CacheEntry) -> tuple[ApiClient, Token]:
        """Return who revokes, and the token. Raises if the credential is not this entry's: it must not be tried at another system or account."""
        table = (*system.options, *COMMON)
        known = {option.name for option in table}
        arguments = {name: value for name, value in self._sources.arguments.items() if name in known}
        sources = OptionSources(arguments, self._sources.variables, self._sources.templar, self._sources.environ, skip_own_lookup=True)
        values = sources.resolve(table, system)
        has_address = bool(system.default_url or values.get("api_url") or values.get("host"))
        if not has_address:
            values["api_url"] = entry.api_url
        return self._check_account(open_client(provider_class(values), values, sources.environ, sources), provider_class, entry, has_address)

    def _check_account(self, client: ApiClient, provider_class: type[Provider], entry: CacheEntry, has_address: bool) -> tuple[ApiClient, Token]:
        account, key = client.account, self._store.key()
        client.budget = self._budget
        token = None if key is None else entry.unlock(key, account)
        if (account.api_url, account.principal) != (entry.api_url, entry.principal):
            given, needed = f"{account.principal or 'nobody'} at {account.api_url}", f"{entry.principal} at {entry.api_url}"
            raise ApiError(CONFIGURATION, f"the credential is one of {given}, and the token is one of {needed}", "give the credential of that account")
        if token is None and not has_address:
            problem = "no address is given, and the credential is not the one that the token was requested with"
            raise ApiError(CONFIGURATION, problem, "give host, or that credential")
        if provider_class.revocation is not None and provider_class.revocation.by_name:
            return client, token or Token("", extra=entry.extra)
        if token is None:
            raise ApiError(CONFIGURATION, f"the token was requested with another credential of {entry.principal}", "give that one")
        return client, token
