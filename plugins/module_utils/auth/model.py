# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The data that flows through the engine: tokens, accounts, calls and their results.

All of it is immutable and shows no secret when printed. These are named tuples and not data classes because every worker loads this file
for a cached token, and a data class takes several times as long to define.
"""

from __future__ import annotations

import typing as t
from urllib.parse import urlsplit


class Token(t.NamedTuple):
    """A token, ready to use.

    `lifetime` is the number of seconds that the system granted, counted from the request, or `None` if the system did not say.
    `expires_at` is in epoch seconds by this machine's clock. `extra` holds facts about the token that are not secret.
    """

    value: str
    lifetime: float | None = None
    expires_at: float | None = None
    from_cache: bool = False
    extra: t.Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"Token(expires_at={self.expires_at}, from_cache={self.from_cache})"


class Account(t.NamedTuple):
    """Who asks which system for which kind of token.

    `principal` and `scope` may be shown and stored. `credential` (valid until it is changed) and `one_time_codes` (typed by a person, valid once)
    are never stored. `supplied_token` is a token that the user gave. `totp_secret` is the key from which one-time codes are computed.
    `depends_on_clock` says that the time of day is part of a login, so that a wrong clock can be why it was rejected.
    `derived_secrets` are other forms of the secrets that a server may echo, such as `user:password`.
    """

    provider: str
    title: str
    api_url: str
    principal: str
    scope: tuple[str, ...] = ()
    credential: tuple[str, ...] = ()
    one_time_codes: tuple[str, ...] = ()
    supplied_token: Token | None = None
    depends_on_clock: bool = False
    totp_secret: str = ""
    derived_secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Account({', '.join(map(repr, self.identity))})"

    @property
    def target(self) -> str:
        """The system and its host, for messages."""
        return describe_target(self.title, self.api_url)

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells the account's cache entry from all others; no secret is part of it."""
        return (self.provider, self.api_url, self.principal, *self.scope)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must not be shown."""
        supplied = (self.supplied_token.value,) if self.supplied_token else ()
        return tuple(filter(None, (*self.credential, *self.one_time_codes, *self.derived_secrets, *supplied, self.totp_secret)))


class Revocation(t.NamedTuple):
    """How a system revokes tokens.

    `includes_expired`: an expired token still exists at the system and has to be revoked too. `by_name`: the system identifies a token by the
    `name` in its `extra`, so any credential of the account will do, not only the one that the token was requested with.
    """

    includes_expired: bool = False
    by_name: bool = False


class Call(t.NamedTuple):
    """One API call in the terms of its system; `name` is what messages call it.

    `read_only`: it changes nothing. `secret_reply`: its reply is known to hold a secret. `all_pages`: fetch every page. `list_key` names the member
    of the payload that holds the list which is split into pages (`None`: the payload is the list). `wait` is for how many seconds at most the
    system's asynchronous request is followed until it finishes (`None`: it is not followed). `variant` tells calls of one system apart that it
    treats differently. `as_text`: a reply that is not JSON is a result too.
    """

    name: str
    method: str
    path: str
    query: t.Mapping[str, t.Any] = {}
    body: t.Any = None
    read_only: bool = False
    secret_reply: bool = False
    all_pages: bool = False
    list_key: str | None = None
    wait: float | None = None
    variant: str = ""
    as_text: bool = False

    def __repr__(self) -> str:
        return f"Call({self.name!r}, {self.method!r}, {self.path!r})"


class CallResult(t.NamedTuple):
    """What a reply means: the payload, the rest of its envelope, the HTTP status, and how many requests it took.

    `secret` says in a few words which secret the reply holds; it is empty if there is none. `body` is the reply as it came, if the call asks for it.
    """

    data: t.Any
    meta: t.Mapping[str, t.Any] = {}
    status: int = 200
    tries: int = 1
    secret: str = ""
    body: bytes = b""

    def __repr__(self) -> str:
        return f"CallResult(status={self.status}, tries={self.tries})"


def describe_target(title: str, api_url: str) -> str:
    """Return the system and its host as messages name them, such as `WHM at whm1.example.com:2087`."""
    host = urlsplit(api_url).netloc.rpartition("@")[2]
    return f"{title} at {host}" if host else title
