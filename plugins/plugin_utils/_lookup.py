# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every token lookup does. Private to this collection."""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleError

from ..module_utils.auth.errors import CONFIGURATION, AuthError
from ..module_utils.auth.option import COMMON, Option
from ..module_utils.auth.provider import Account, Provider
from ._engine import engine
from ._options import Sources, place, resolved, without_itself
from ._secrets import guarded, mark

if t.TYPE_CHECKING:
    from ansible.plugins.lookup import LookupBase

OUTPUT = Option("output", default="token", choices=("token", "headers", "details"))


def looked_up(
    provider: Provider, lookup: LookupBase, terms: t.Sequence[t.Any], variables: t.Mapping[str, t.Any] | None, direct: t.Mapping[str, t.Any]
) -> list[t.Any]:
    """The token of the options, in the form that `output` asks for. Raises `AnsibleError`."""
    account: Account | None = None
    sources = Sources(direct, without_itself(provider, variables or {}), lookup._templar.template, os.environ)
    try:
        if terms:
            raise AuthError(CONFIGURATION, "this lookup takes no terms, only named options")
        options = resolved((*provider.options, *COMMON, OUTPUT), *sources)
        account = guarded(provider.account(options), options, os.environ)
        broker, login, _budget = engine(provider, options, os.environ)
        token = broker.token(account, login, refresh=options["refresh"])
    except AuthError as failure:
        raise AnsibleError(str(failure.located(account.where if account else place(provider, sources)))) from None
    headers = provider.headers(options, token.value)
    mark(token.value, *headers.values())
    if options["output"] == "token":
        return [token.value]
    if options["output"] == "headers":
        return [headers]
    details = {
        "token": token.value,
        "headers": headers,
        "expires_at": token.expires_at if token.expires_at is None else int(token.expires_at),
        "provider": provider.name,
        "principal": account.principal,
        "from_cache": token.from_cache,
    }
    return [details]
