# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine as one task uses it, without Ansible and without a cache."""

from __future__ import annotations

import time
from typing import Any

from emulator.totp import code_at

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.broker import Attempt, login_of
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.budget import Budget
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.calls import CALLS, Caller, Report, SharedTokens, perform, planned
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.client import Client
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.convert import convert
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import AuthError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.option import COMMON, Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.provider import Provider
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.netography import Netography
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.rackcorp import RackCorp
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.vss import Vss
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm import Whm
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.token import Token

PROVIDERS: dict[str, type[Provider]] = {"rackcorp": RackCorp, "whm": Whm, "netography": Netography, "vss": Vss}


class Task:
    """The engine as one task uses it, without a cache. `cached`: its token counts as one from the cache."""

    def __init__(self, provider: Provider, options: dict[str, Any], cached: bool = False, environ: dict[str, str] | None = None) -> None:
        self.provider = provider
        table = (*provider.options, *provider.module_options, *provider.call_options, *CALLS, *COMMON)
        known = {one.name: one for one in table}
        self.options = Options({name: one.default for name, one in known.items()})
        self.options.update({name: convert(known[name], value) for name, value in options.items() if value is not None})
        self.cached = cached
        self.environ = environ or {}
        self.budget = Budget(self.options["max_wait"])
        self.client = Client(self.options, provider.timeout, environ=self.environ, budget=self.budget)
        self.fetched = 0

    def token(self) -> Token:
        """A new token, or the given one."""
        account = self.provider.account(self.options)
        self.fetched += 1
        if account.given is not None:
            return account.given
        code = None
        if account.totp:
            code = code_at(account.totp, time.time())
        try:
            token = login_of(self.provider, self.options, self.budget, self.environ)(Attempt(time.time(), code))
        except AuthError as failure:
            raise failure.located(account.where, account.secrets) from None
        return Token(token.value, token.lifetime, token.expires_at, self.cached)

    def report(self, check_mode: bool = False) -> Report:
        calls = planned(self.provider, self.options)

        def caller() -> Caller:
            account = self.provider.account(self.options)
            tokens = SharedTokens(self.token, lambda _refused: self.token())
            return Caller(self.provider, self.options, self.client, tokens, account.where, account.secrets)

        return perform(caller, calls, self.options, check_mode)

    def result(self, check_mode: bool = False) -> dict[str, Any]:
        return self.report(check_mode).result
