# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The contract of a provider: all that is special to one system, in one class.

A provider is bound to a task's options once and asked from then on. A call flows through it in one direction: `account` (who asks) → `login` (one
request, only without a cached token) → `plan` (a task's arguments as a call) → `request` (the call on the wire, with exactly one credential) →
`parse` (what the reply means).
"""

from __future__ import annotations

import time
import typing as t
from abc import ABC, abstractmethod
from datetime import datetime, timezone
from functools import cached_property
from urllib.parse import urlsplit

from ..errors import ApiError, configuration_error
from ..jwt import expiry_claim
from ..model import Account, Call, CallResult, Revocation, Token, describe_target

if t.TYPE_CHECKING:
    from ..http.messages import Request, Response
    from ..http.session import HttpSession
    from ..options import Option, Options

# An alternative of the group "credential": a token that the user supplies.
TOKEN = "token"


class Provider(ABC):
    """One system. Subclasses say what is special about it; whatever they leave out behaves as here.

    :param values: the resolved options of `options`, and of `module_options` if the provider serves a module.
    """

    name: t.ClassVar[str]
    title: t.ClassVar[str]
    options: t.ClassVar[tuple[Option, ...]]
    # Options of the module alone, and the arguments of one call.
    module_options: t.ClassVar[tuple[Option, ...]] = ()
    call_options: t.ClassVar[tuple[Option, ...]] = ()
    # Pairs of alternatives of a group that one source may give together.
    compatible: t.ClassVar[tuple[tuple[str, str], ...]] = ()
    timeout: t.ClassVar[float] = 30.0
    default_url: t.ClassVar[str] = ""
    # How the system revokes a token before it expires; `None` if it cannot.
    revocation: t.ClassVar[Revocation | None] = None

    def __init__(self, values: Options) -> None:
        self.values = values

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    @classmethod
    def credential_alternatives(cls, values: t.Mapping[str, t.Any]) -> tuple[str, ...] | None:
        """Return which alternatives of the group "credential" may be used with the options outside of the group; `None` means all of them."""
        return None

    # -- who asks ------------------------------------------------------------------------------------------------

    @cached_property
    def base_url(self) -> str:
        """The address that calls are made below, without a slash at its end. Raises a configuration error."""
        return self.find_base_url()

    def find_base_url(self) -> str:
        """Work out the base address from the options. Raises a configuration error."""
        return parse_api_url(self.values.get("api_url") or self.default_url)

    @property
    def target(self) -> str:
        """The system and, as far as it is known, its host, for messages."""
        try:
            return describe_target(self.title, self.base_url)
        except ApiError:
            return self.title

    @cached_property
    def account(self) -> Account:
        """Who asks. Raises a configuration error for options that are missing or contradict each other; sends nothing."""
        return self.identify()

    @abstractmethod
    def identify(self) -> Account:
        """Work out the account from the options. Raises a configuration error."""

    @property
    def credential_option(self) -> str:
        """The option whose value itself would authenticate every call; empty if a token does."""
        return ""

    def login(self, http: HttpSession, now: float, otp: str | None) -> Token:
        """Return a new token.

        One login request, never more. A provider whose tokens are always supplied has none.

        :param now: the system's time, as far as it is known, in epoch seconds.
        :param otp: a one-time code that was computed for this login.
        :raises ApiError: of kind `credentials` if the system rejected the credential.
        """
        raise configuration_error("this system has no login that returns a token", "give a token")

    def headers(self, token: str) -> dict[str, str]:
        """Return the HTTP headers that authenticate a request with this token, for other tools."""
        return {"Authorization": f"Bearer {token}"}

    # -- calls ---------------------------------------------------------------------------------------------------

    @abstractmethod
    def plan(self, arguments: t.Mapping[str, t.Any]) -> Call:
        """Return the call that a task's arguments ask for. Raises a configuration error; sends nothing."""

    @abstractmethod
    def request(self, call: Call, token: str) -> Request:
        """Return the call on the wire, authenticated by the token, or by the credential if `credential_option` names one."""

    @abstractmethod
    def parse(self, call: Call, response: Response) -> CallResult:
        """Return what the reply means. Raises an `ApiError` of the right kind if the system refused or failed."""

    def fallback(self, call: Call, error: ApiError) -> Call | None:
        """Return another call that does the same, for servers that refused this one because they do not know it; `None` if there is none."""
        return None

    def first_page(self, call: Call) -> Call:
        """Return the call with whatever it needs to ask for the first page of all."""
        return call

    def next_page(self, call: Call, result: CallResult) -> Call | None:
        """Return the call for the page after this one, `None` after the last."""
        return None

    def page_items(self, call: Call, data: t.Any) -> tuple[str | None, list[t.Any]]:
        """Return the key of the list which is split into pages (`None`: the payload is the list), and the items of this page.

        For further pages the key is `call.list_key`, as found in the first one.
        """
        return None, data if isinstance(data, list) else [data]

    def poll_calls(self, call: Call, result: CallResult) -> list[Call]:
        """Return the calls that show the state of the asynchronous requests which the system made of a call; empty if there are none."""
        return []

    def is_finished(self, result: CallResult) -> bool:
        """Return whether a polled request has finished. Raises if it failed."""
        return True

    def revoke(self, http: HttpSession, token: Token) -> bool:
        """Revoke a cached token, if `revocation` says that the system can; return `False` if it cannot tell which one it is."""
        return False


def supplied_token(value: str | None) -> Token | None:
    """Return a token that the user supplied. Raises a configuration error if it is a JWT that has expired."""
    if not value:
        return None
    expiry = expiry_claim(value)
    if expiry is not None and expiry <= time.time():
        day = datetime.fromtimestamp(expiry, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
        raise configuration_error(f"the given token expired on {day}", "give a new one, or the credentials instead")
    return Token(value, expires_at=expiry)


def parse_api_url(url: str | None) -> str:
    """Return a base address without a slash at its end. Raises a configuration error if it is not one."""
    text = str(url or "").rstrip("/")
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid:
        # What stands before an @ may be a password.
        shown = f", and not {text[:100]!r}" if text and "@" not in text else ""
        raise configuration_error(f"api_url must look like https://host/path{shown}", "correct it")
    # With a slash in a password that is not encoded, its beginning would be taken for the port, which messages show.
    if "@" in text or parts.query or parts.fragment:
        raise configuration_error("api_url must not contain a user name, a password or a query", "credentials have options of their own")
    return text


def require(values: t.Mapping[str, t.Any], table: t.Iterable[Option], *names: str, purpose: str = "") -> None:
    """Raise a configuration error that names every missing option and where it may be set."""
    missing = [name for name in names if not values.get(name)]
    if missing:
        known = {option.name: option for option in table}
        reason = f" {purpose}" if purpose else ""
        ignored: t.Mapping[str, str] = getattr(values, "ignored", {})
        hints = [ignored.get(name) or how_to_set(known[name]) for name in missing]
        raise configuration_error(f"missing {' and '.join(missing)}{reason}", "; ".join(hints))


def how_to_set(option: Option) -> str:
    """Say where an option may be set, such as `set password as an option, the variable vss_password or the environment variable VSS_USER_PASS`."""
    if not option.variable:
        return f"set {option.name} as an option"
    return f"set {option.name} as an option, in the variable {option.variable} or in the environment variable {' or '.join(option.env)}"
