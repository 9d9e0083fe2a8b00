# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tell ansible-core which texts are secret, where it can be told (2.22 and later). Private to this collection."""

from __future__ import annotations

import base64
import typing as t
from urllib.parse import quote

from ..module_utils.auth.option import PROXY_ENV

if t.TYPE_CHECKING:
    from ..module_utils.auth.option import Options
    from ..module_utils.auth.provider import Account

try:
    from ansible.module_utils.secrets import register_secrets
except ImportError:
    register_secrets = None

# Core matches whole texts, so each spelling is one of its own; shorter ones it refuses.
SHORTEST = 4
PROXIES = tuple(dict.fromkeys(name for names in PROXY_ENV.values() for name in names))


def guarded(account: Account, options: Options, environ: t.Mapping[str, str]) -> Account:
    """The account, with what the proxy on the way to it must not have shown among its secrets, all of which are marked."""
    if options["proxy"] or any(environ.get(name) for name in PROXIES):
        # Imported here: a cached token needs no proxy.
        from ..module_utils.auth.proxy import proxy_secrets

        account = account._replace(pairs=(*account.pairs, *proxy_secrets(account.api_url, options, environ)))
    mark(*account.secrets)
    return account


def mark(*secrets: str) -> None:
    """Mark secrets, with their base64 and URL-encoded spellings."""
    if register_secrets is None:
        return
    found: set[str] = set()
    for secret in secrets:
        # As it is sent: bytes of the environment that are no UTF-8 are kept as they were.
        raw = secret.encode("utf-8", "surrogateescape")
        found.update((secret, quote(raw, safe=""), base64.b64encode(raw).decode("ascii")))
    register_secrets([one for one in found if len(one) >= SHORTEST])
