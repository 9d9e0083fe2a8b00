# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine as one task uses it, without Ansible and without a cache."""

from __future__ import annotations

from typing import Any

from ansible_collections.apiauth.tokens.plugins.module_utils._call_module import Outcome, execute, option_table
from ansible_collections.apiauth.tokens.plugins.module_utils._convert import convert
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.calls.plan import plan_calls
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.calls.run import SharedToken
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.client import ApiClient
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import Token
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import ConnectionSettings, Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.base import Provider
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.netography import Netography
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.rackcorp import RackCorp
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.vss import Vss
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.api import Whm

PROVIDERS: dict[str, type[Provider]] = {"rackcorp": RackCorp, "whm": Whm, "netography": Netography, "vss": Vss}


def resolved(provider_class: type[Provider], **given: Any) -> Options:
    """Return all options of a call module, the given ones converted as they are for a task, the others at their defaults."""
    known = {option.name: option for option in option_table(provider_class)}
    values = Options({name: option.default for name, option in known.items()})
    values.update({name: convert(known[name], value) for name, value in given.items() if value is not None})
    return values


class Task:
    """The engine as one task uses it, without a cache. `cached`: its token counts as one from the cache."""

    def __init__(self, provider_class: type[Provider], options: dict[str, Any], cached: bool = False, environ: dict[str, str] | None = None) -> None:
        self.values = resolved(provider_class, **options)
        self.cached = cached
        self.environ = environ or {}
        self.logins = 0
        self._provider_class = provider_class
        self._client: ApiClient | None = None

    @property
    def client(self) -> ApiClient:
        """The client, made when it is first used: options that cannot be used are the task's error."""
        if self._client is None:
            provider = self._provider_class(self.values)
            settings = ConnectionSettings.from_options(self.values, provider.timeout)
            self._client = ApiClient(provider, settings, None, self.environ)
        return self._client

    def token(self) -> Token:
        """Return a new token, or the supplied one."""
        self.logins += 1
        try:
            token = self.client.token()
        except ApiError as error:
            raise error.with_target(self._provider_class.title) from None
        return token if self.client.account.supplied_token else token._replace(from_cache=self.cached)

    def outcome(self, check_mode: bool = False) -> Outcome:
        """Return what becomes of the task's calls. Raises an `ApiError` if nothing can be sent."""
        provider = self._provider_class(self.values)
        calls = plan_calls(provider, self.values, convert)
        tokens = SharedToken(self.token, lambda _refused: self.token())
        return execute(provider, self.values, calls, lambda: self.client.runner(tokens), check_mode=check_mode, diff_mode=False)

    def result(self, check_mode: bool = False) -> dict[str, Any]:
        """Return the result of the task."""
        return self.outcome(check_mode).result
