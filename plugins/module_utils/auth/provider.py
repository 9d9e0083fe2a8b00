# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contract of a system: all that is special to it, behind one small class. Private to this collection.

A call flows through it in one direction: `account` (who asks) → `login` (the network, only on a miss) → `call` (what is asked)
→ `request` (how it looks on the wire, with exactly one credential) → `read` (what the reply means).
"""

from __future__ import annotations

import typing as t
from abc import ABC, abstractmethod
from urllib.parse import urlsplit

from .errors import CONFIGURATION, AuthError
from .token import Token, jwt_expiry

if t.TYPE_CHECKING:
    from .call import Call, Outcome
    from .client import Client, Reply, Request
    from .option import Option, Options


class Account(t.NamedTuple):
    """Who asks which system for what; shows no secret when printed.

    `principal` and `scope` are shown and stored, `credential` (lasting) and `once` (one-time codes) never are.
    `given` is a token that the user brought. `clocked` says that a login depends on the time of day, so that a wrong clock
    can be the reason of a refusal, and each request for one is another (its `Request` says `once`).
    `totp` is the key of one-time codes that this collection computes.
    `pairs` are further spellings of the secrets that a server could echo, such as a Basic pair.
    """

    provider: str
    title: str
    api_url: str
    principal: str
    scope: tuple[str, ...] = ()
    credential: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    given: Token | None = None
    clocked: bool = False
    totp: str = ""
    pairs: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Account({', '.join(map(repr, self.identity))})"

    @property
    def where(self) -> str:
        return f"{self.title} at {urlsplit(self.api_url).netloc}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that must not be shown."""
        given = (self.given.value,) if self.given else ()
        return tuple(filter(None, (*self.credential, *self.once, *self.pairs, *given, self.totp)))

    @property
    def identity(self) -> tuple[str, ...]:
        return (self.provider, self.api_url, self.principal, *self.scope)


class Revocation(t.NamedTuple):
    """How a system takes tokens back. `keeps_expired`: also one that has ended is still there and has to go.

    `by_name`: a token is known by the name among its `extra`, so any credential of its account will do, not the one alone that it was got with.
    """

    keeps_expired: bool = False
    by_name: bool = False


class Provider(ABC):
    """A system. Subclasses say what is special; what they leave alone behaves as here."""

    name: t.ClassVar[str]
    title: t.ClassVar[str]
    options: t.ClassVar[tuple[Option, ...]]
    # Options of the module alone, and the arguments of one call.
    module_options: t.ClassVar[tuple[Option, ...]] = ()
    call_options: t.ClassVar[tuple[Option, ...]] = ()
    timeout: t.ClassVar[float] = 30.0
    default_url: t.ClassVar[str] = ""
    # `None` where nobody can take a token back before its end.
    revocation: t.ClassVar[Revocation | None] = None
    # The options that say where the system is.
    address: t.ClassVar[tuple[str, ...]] = ("api_url", "host", "port")

    def base(self, options: Options) -> str:
        """The address that calls are made below. Raises a configuration error."""
        return api_url(options, self.default_url)

    def where(self, options: Options) -> str:
        """The system and its host as far as they are known, for errors that come up before the account is."""
        try:
            return f"{self.title} at {urlsplit(self.base(options)).netloc}"
        except AuthError:
            return self.title

    @abstractmethod
    def account(self, options: Options) -> Account:
        """Who asks; checks the options without any network. Raises a configuration error."""

    def login(self, options: Options, client: Client, now: float, otp: str | None) -> Token:
        """A new token. `now` is the system's time in epoch seconds as far as it is known, `otp` a computed one-time code.

        One login request, never more, whose refusal is an error. A system whose tokens are always brought has none.
        """
        raise AuthError(CONFIGURATION, "there is no login that gives a token; give one")

    def headers(self, options: Options, token: str) -> dict[str, str]:
        """What authenticates a request with this token, for other tools."""
        return {"Authorization": f"Bearer {token}"}

    def direct(self, options: Options) -> str:
        """The option whose value would itself authenticate a call; empty where a token does."""
        return ""

    @abstractmethod
    def call(self, options: Options) -> Call:
        """A task's arguments as a call; checks them without any network. Raises a configuration error."""

    @abstractmethod
    def request(self, options: Options, call: Call, token: str) -> Request:
        """The call on the wire, authenticated by the token, or by the credential where `direct` says so."""

    @abstractmethod
    def read(self, call: Call, reply: Reply) -> Outcome:
        """What the reply means. Raises an error of the right kind when the system refused or failed."""

    def next_page(self, options: Options, call: Call, outcome: Outcome) -> Call | None:
        """The call for the page after this one, `None` after the last."""
        return None

    def items(self, call: Call, data: t.Any) -> tuple[str | None, list[t.Any]]:
        """The member of a page's payload that holds the list which paging splits (`None`: the payload itself), and that list.

        Of a further page it is `call.member`, what the first page told.
        """
        return None, data if isinstance(data, list) else [data]

    def poll(self, options: Options, call: Call, outcome: Outcome) -> list[Call]:
        """The calls that tell how the asynchronous requests of this outcome stand; none where there are none."""
        return []

    def ended(self, outcome: Outcome) -> bool:
        """Whether a polled request has ended well. Raises when it has ended badly."""
        return True

    def revoke(self, options: Options, client: Client, token: Token) -> bool:
        """Take a cached token back, where `revocation` says that the system can; `False` where it cannot be told which one it is there."""
        return False


def given_token(title: str, token: str | None) -> Token | None:
    """A token that the user brought, unless it is a JWT that has expired."""
    if not token:
        return None
    # Imported here: without a given token no clock is read.
    import time

    expiry = jwt_expiry(token)
    if expiry is not None and expiry <= time.time():
        ago = round(time.time() - expiry)
        raise AuthError(CONFIGURATION, f"the given token has expired {ago} seconds ago; give a new one, or the credentials in its place")
    return Token(token, expires_at=expiry)


def api_url(options: Options, default: str | None = None) -> str:
    """The base address without a slash at its end. Raises a configuration error when it is no such address."""
    url = str(options.get("api_url") or default or "").rstrip("/")
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid:
        raise AuthError(CONFIGURATION, "api_url must look like https://host/path")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise AuthError(CONFIGURATION, "api_url must hold neither a user name, nor a password, nor a query; credentials have options of their own")
    return url


def require(options: Options, *names: str, why: str = "") -> None:
    """Name every option of these that is missing."""
    missing = [name for name in names if not options.get(name)]
    if missing:
        reason = f" {why}" if why else ""
        raise AuthError(CONFIGURATION, f"missing {' and '.join(missing)}{reason}; give it as an option, a variable or in the environment")
