# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the actions for the cache do: always on the controller, whatever the host of the task, for the cache is only there. Private to this collection."""

from __future__ import annotations

import typing as t
from abc import abstractmethod

from ..module_utils.auth.budget import Budget
from ..module_utils.auth.cache.record import Record, Stamp
from ..module_utils.auth.cache.view import CACHE_OPTIONS, EXPIRED, REVOKING, SYSTEM_OPTIONS, shown, sorted_records, state_of
from ..module_utils.auth.client import Client
from ..module_utils.auth.errors import CONFIGURATION, CREDENTIALS, NETWORK, AuthError
from ..module_utils.auth.option import COMMON, Options
from ..module_utils.auth.provider import Account, Provider, Revocation
from ..module_utils.auth.token import Token
from ._engine import store_of
from ._options import resolved, without_itself
from ._secrets import guarded
from ._task import TaskAction

TABLE = (*CACHE_OPTIONS, *SYSTEM_OPTIONS, *COMMON)
WHERE = "The token cache"


class CacheAction(TaskAction):
    """A task on the cache of the controller."""

    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        try:
            environ = self._whole_environ()
            result.update(self._done(task_vars or {}, environ))
        except AuthError as failure:
            result.update({"failed": True, "changed": False, **failure.located(WHERE).as_result()})
        return result

    @abstractmethod
    def _done(self, variables: dict[str, t.Any], environ: t.Mapping[str, str]) -> dict[str, t.Any]:
        """The task's result. Raises an error of ours."""


class Listed(CacheAction):
    """`token_cache_info`."""

    def _done(self, variables: dict[str, t.Any], environ: t.Mapping[str, str]) -> dict[str, t.Any]:
        options = resolved(COMMON, self._task.args, variables, self._templar.template, environ)
        now = Stamp.now()
        store = store_of(options)
        entries = [shown(record, now) for _name, record in sorted_records(store)]
        return {"changed": False, "backend": store.backend if store else "none", "entries": entries}


class Emptied(CacheAction):
    """`token_cache`."""

    def _done(self, variables: dict[str, t.Any], environ: t.Mapping[str, str]) -> dict[str, t.Any]:
        options = resolved(TABLE, self._task.args, variables, self._templar.template, environ)
        given = {one.name: self._task.args[one.name] for one in SYSTEM_OPTIONS if options[one.name] is not None}
        if given and not (options["provider"] and options["revoke"]):
            raise AuthError(CONFIGURATION, f"{', '.join(sorted(given))}: options of a system are for revoke, and need provider to say whose they are")
        store, now = store_of(options), Stamp.now()
        chosen = [
            (name, record)
            for name, record in sorted_records(store)
            if options["provider"] in (None, record.provider) and not (options["expired_only"] and state_of(record, now) != EXPIRED)
        ]
        if store is None or not chosen:
            return {"changed": False, "removed": 0, "revoked": 0, "entries": []}

        def of_system(provider: Provider) -> Options:
            known = {one.name for one in (*provider.options, *COMMON)}
            direct = {name: value for name, value in self._task.args.items() if name in known}
            return resolved((*provider.options, *COMMON), direct, without_itself(provider, variables), self._templar.template, environ)

        revoker = Revoker(store.seal(), of_system, environ, Budget(options["max_wait"]))
        entries = []
        for name, record in chosen:
            told, reason = (None, "") if self._task.check_mode or not options["revoke"] else revoker.revoked(record, now)
            stays = told is False and record.provider in REVOKING
            if not stays and not self._task.check_mode:
                store.remove(name)
            entries.append({**shown(record, now), "removed": not stays, "revoked": told, **({"reason": reason} if reason else {})})
        return _reported(entries, revoker.failure)


def _reported(entries: list[dict[str, t.Any]], failure: AuthError | None) -> dict[str, t.Any]:
    removed, revoked = sum(one["removed"] for one in entries), sum(one["revoked"] is True for one in entries)
    result = {"changed": bool(removed or revoked), "removed": removed, "revoked": revoked, "entries": entries}
    stay = [one for one in entries if not one["removed"]]
    if stay:
        told = "; ".join(dict.fromkeys(one["reason"] for one in stay))
        msg = f"{WHERE}: {len(stay)} of {len(entries)} tokens could not be revoked and stay in the cache: {told}"
        result.update({"failed": True, **(failure.as_result() if failure else {}), "msg": msg})
    return result


class Revoker:
    """Takes tokens back at their systems. An account that failed once is not tried again: that could lock it."""

    def __init__(self, seal: t.Any, of_system: t.Callable[[Provider], Options], environ: t.Mapping[str, str], budget: Budget) -> None:
        self._seal, self._of_system, self._environ, self._budget = seal, of_system, environ, budget
        self._failed: dict[tuple[str, str, str], str] = {}
        # The first one.
        self.failure: AuthError | None = None

    def revoked(self, record: Record, now: Stamp) -> tuple[bool | None, str]:
        """Whether the token is revoked now (`None`: there was nothing to revoke), and why not."""
        provider = REVOKING.get(record.provider)
        how = provider.revocation if provider else None
        if record.token is None or not (record.fresh(now) or (how and how.keeps_expired)):
            return None, ""
        if provider is None or how is None:
            return False, "the system has no way to revoke a token before its end"
        account = (record.provider, record.api_url, record.principal)
        if account in self._failed:
            return False, self._failed[account]
        where = provider.title
        secrets: tuple[str, ...] = ()
        try:
            options = self._of_system(provider)
            account_given, token = self._credential(provider, how, options, record)
            where, secrets = account_given.where, guarded(account_given, options, self._environ).secrets
            client = Client(options, provider.timeout, environ=self._environ, budget=self._budget)
            if provider.revoke(options, client, token):
                return True, ""
            return False, f"{where}: the account's list of tokens does not tell which one it is; revoke it there by hand"
        except AuthError as failure:
            reason = str(failure.located(where, secrets))
            self.failure = self.failure or failure
            if failure.kind in (CREDENTIALS, NETWORK):
                self._failed[account] = reason
            return False, reason

    def _credential(self, provider: Provider, how: Revocation, options: Options, record: Record) -> tuple[Account, Token]:
        """Who revokes, and the token. Raises where the credential is not this entry's: it must not be tried at another system or account."""
        placed = bool(provider.default_url or options.get("api_url") or options.get("host"))
        if not placed:
            options["api_url"] = record.api_url
        account = provider.account(options)
        token = record.reveal(self._seal, account)
        if (account.api_url, account.principal) != (record.api_url, record.principal):
            given, needed = f"{account.principal or 'nobody'} at {account.api_url}", f"{record.principal} at {record.api_url}"
            raise AuthError(CONFIGURATION, f"the credential is one of {given}, and the token is one of {needed}; give the credential of that account")
        if token is None and not placed:
            raise AuthError(CONFIGURATION, "no address is given, and the credential is not the one that the token was got with; give host, or that credential")
        if how.by_name:
            return account, token or Token("", extra=(record.token or {})["extra"])
        if token is None:
            raise AuthError(CONFIGURATION, f"the token was got with another credential of {record.principal}; give that one")
        return account, token
