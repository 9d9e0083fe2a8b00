# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Short-lived WHM tokens: what a fleet shares is not the credential, but a token that is minted with it. Private to this collection.

This file is what a hit pays for; the rest of the life of a token is in `whm_lifecycle`.
"""

from __future__ import annotations

import typing as t

from ..errors import CONFIGURATION, AuthError
from ..option import Option, Options
from .whm import Whm

if t.TYPE_CHECKING:
    from ..client import Client
    from ..provider import Account
    from ..token import Token


class WhmMint(Whm):
    """WHM for the lookup: a login creates a token. A token is a credential here as a password is."""

    options = (
        *Whm.options,
        Option("acls", "list", elements="str"),
        Option("all_privileges", "bool", default=False),
        Option("ttl", "int", default=3600),
        Option("whitelist_ips", "list", elements="str"),
        Option("name_prefix", default="apiauth"),
    )

    def account(self, options: Options) -> Account:
        acls, everything = options["acls"], options["all_privileges"]
        if acls is None and not everything:
            raise AuthError(CONFIGURATION, "missing acls or all_privileges, without which WHM would grant everything; give one")
        if acls is not None and everything:
            raise AuthError(CONFIGURATION, "acls and all_privileges exclude each other; give one")
        if acls is not None and not acls:
            # Said before the cache is asked: what must not be minted must not come from there either.
            from .whm_tokens import NO_ACLS

            raise AuthError(CONFIGURATION, NO_ACLS)
        account = super().account(options)
        # What is minted depends on all of these, so each combination has a token of its own.
        parts = (sorted(set(map(str, acls or ()))), sorted(set(map(str, options["whitelist_ips"] or ()))))
        scope = ("minted", options["name_prefix"], str(options["ttl"]), "privileges" if everything else "acls", *(",".join(part) for part in parts))
        return account._replace(given=None, scope=scope)

    def login(self, options: Options, client: Client, now: float, otp: str | None) -> Token:
        # Imported here: a hit mints nothing.
        from .whm_lifecycle import minted

        return minted(options, client, now)
