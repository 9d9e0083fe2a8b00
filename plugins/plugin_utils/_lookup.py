# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every token lookup does."""

from __future__ import annotations

import os
import typing as t

from ..module_utils.auth.errors import ApiError, configuration_error
from ..module_utils.auth.options import COMMON, Option
from . import _logging, _secrets
from ._clients import open_client, refresh_since
from ._option_sources import OptionSources
from ._variables import TokenLookupError

if t.TYPE_CHECKING:
    from ..module_utils.auth.providers.base import Provider

OUTPUT = Option("output", default="token", choices=("token", "headers", "details"))


def run_lookup(
    provider_class: type[Provider], templar: t.Any, terms: t.Sequence[t.Any], variables: t.Mapping[str, t.Any], arguments: t.Mapping[str, t.Any]
) -> list[t.Any]:
    """Return a token in the form that `output` asks for, in a list. Raises `TokenLookupError`."""
    _logging.attach()
    sources = OptionSources(arguments, variables, templar, os.environ, skip_own_lookup=True)
    table = (*provider_class.options, *COMMON, OUTPUT)
    target = ""
    try:
        if terms:
            raise configuration_error("this lookup takes no terms", "give named options")
        values = sources.resolve(table, provider_class)
        provider = provider_class(values)
        target = provider.target
        client = open_client(provider, values, os.environ, sources)
        token = client.token(refresh=values["refresh"], since=refresh_since(sources) if values["refresh"] else None)
    except ApiError as error:
        raise TokenLookupError(error.with_target(target or sources.target(provider_class, table))) from None
    headers = provider.headers(token.value)
    _secrets.register(*headers.values())
    if values["output"] == "token":
        return [token.value]
    if values["output"] == "headers":
        return [headers]
    details = {
        "token": token.value,
        "headers": headers,
        "expires_at": None if token.expires_at is None else int(token.expires_at),
        "provider": provider.name,
        "principal": client.account.principal,
        "from_cache": token.from_cache,
    }
    return [details]
