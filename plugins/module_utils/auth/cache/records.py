# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the cache holds for one account: its token, the failures of its logins, and the system's clock.

Everything here is immutable; each change returns another entry. Durations are in seconds. A change of the stored form (`to_json`) needs another
`SCHEMA` in `crypto.py`. These are named tuples because every worker loads this file for a cached token (see `model.py`).
"""

from __future__ import annotations

import math
import os
import random
import typing as t

from ..errors import ApiError
from ..model import Account, Token
from .clocks import Timestamp, boot_seconds
from .crypto import CacheKey

# What RackCorp's own tools assume of a session; used if a system does not say how long a token is valid.
UNKNOWN_LIFETIME = 900.0
MAX_LIFETIME = 10 * 366 * 86400.0
# A refresh begins at a random moment between these shares of the lifetime.
REFRESH_FROM, REFRESH_TO = 0.75, 0.85
# The margin before the expiry is at most this share of the lifetime, so that there is time left to refresh in.
MAX_MARGIN_SHARE = 0.1
# For how long a failure stands: a rejected login, doubled by each repetition; any other failure, or as long as the system asks.
REJECTION_MIN, REJECTION_MAX = 60.0, 900.0
TRANSIENT_MIN, TRANSIENT_MAX = 2.0, 3600.0
MAX_FAILURES = 8
FRESH, EXPIRED, REFUSED = "fresh", "expired", "refused"

_INT, _STR, _BOOL, _NUMBER = (int,), (str,), (bool,), (int, float)
_NONE = type(None)
_TOKEN_FIELDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("salt", "shape", "masked"), _STR),
    **dict.fromkeys(("lifetime", "expires_at"), (int, float, _NONE)),
    **dict.fromkeys(("extra", "requested_at"), (dict,)),
    **dict.fromkeys(("request_seconds", "usable_seconds", "refresh_seconds"), _NUMBER),
    "fingerprint": _INT,
    "replaced_refused": _BOOL,
}
_ERROR_FIELDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("kind", "problem", "hint"), _STR),
    **dict.fromkeys(("code", "message"), (str, _NONE)),
    "status": (int, _NONE),
    "retry_after": (int, float, _NONE),
}
_FAILURE_FIELDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("scope", "error", "failed_at"), (dict,)),
    "stands_for": _NUMBER,
    "repetitions": _INT,
}
_ENTRY_FIELDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("provider", "api_url", "principal"), _STR),
    **dict.fromkeys(("scope", "failures"), (list,)),
    **dict.fromkeys(("token", "refresh_failure"), (dict, _NONE)),
    "clock_offset": _NUMBER,
}


def _checked(data: t.Any, types: t.Mapping[str, tuple[type, ...]]) -> dict[str, t.Any]:
    """Return a stored object if it has exactly these members with these types. Raises `ValueError`."""
    if not isinstance(data, dict) or data.keys() != types.keys():
        raise ValueError("not an object with the expected members")
    for name, allowed in types.items():
        # NaN differs from itself.
        if type(data[name]) not in allowed or data[name] != data[name]:
            raise ValueError(f"{name} has another type")
    return data


def _timestamp(data: t.Any) -> Timestamp:
    return Timestamp(**_checked(data, {"wall": _NUMBER, "boot": _NUMBER, "boot_id": _STR}))


class CachedToken(t.NamedTuple):
    """A token as it is stored: masked for its credential (see `crypto.py`).

    `fingerprint` is that of the credential. `lifetime`, `expires_at` and `extra` are those of the `Token`. `request_seconds` is how long the login took.
    `usable_seconds` and `refresh_seconds` say, counted from `requested_at`, until when it is handed out and from when it is refreshed.
    `replaced_refused`: it replaced a token that the system had refused.
    """

    fingerprint: int
    salt: str
    shape: str
    masked: str
    lifetime: float | None
    expires_at: float | None
    extra: t.Mapping[str, str]
    requested_at: Timestamp
    request_seconds: float
    usable_seconds: float
    refresh_seconds: float
    replaced_refused: bool

    def __repr__(self) -> str:
        return f"CachedToken(expires_at={self.expires_at})"

    @classmethod
    def from_json(cls, data: t.Any) -> CachedToken:
        fields = _checked(data, _TOKEN_FIELDS)
        if not all(isinstance(value, str) for value in fields["extra"].values()):
            raise ValueError("extra holds something that is not a text")
        return cls(**{**fields, "requested_at": _timestamp(fields["requested_at"])})

    def to_json(self) -> dict[str, t.Any]:
        return {**self._asdict(), "requested_at": self.requested_at._asdict()}


class FailureScope(t.NamedTuple):
    """What a failure depends on: 16 bits about the credential or the connection settings, 16 about a one-time code, and 16 about the way to the system.

    `None`: it does not depend on any. The way is apart from the credential, whose 16 bits are the same in all entries.
    """

    dependency: int | None = None
    one_time_code: int | None = None
    route: int | None = None

    @classmethod
    def from_json(cls, data: t.Any) -> FailureScope:
        return cls(**_checked(data, dict.fromkeys(cls._fields, (int, _NONE))))


class LoginFailure(t.NamedTuple):
    """A failed login that other tasks share for `stands_for` seconds; `repetitions` counts the rejections right before it."""

    scope: FailureScope
    error: ApiError
    failed_at: Timestamp
    stands_for: float
    repetitions: int

    @classmethod
    def from_json(cls, data: t.Any) -> LoginFailure:
        fields = _checked(data, _FAILURE_FIELDS)
        error = ApiError(**_checked(fields["error"], _ERROR_FIELDS))
        parts = {"scope": FailureScope.from_json(fields["scope"]), "error": error, "failed_at": _timestamp(fields["failed_at"])}
        return cls(**{**fields, **parts})

    def to_json(self) -> dict[str, t.Any]:
        error = {name: getattr(self.error, name) for name in _ERROR_FIELDS}
        return {**self._asdict(), "scope": self.scope._asdict(), "error": error, "failed_at": self.failed_at._asdict()}

    def stands(self, now: Timestamp) -> bool:
        age = self.failed_at.age(now)
        return age is not None and age < self.stands_for


class RefreshFailure(t.NamedTuple):
    """A refresh that failed while the token was still usable: none is tried for `pause` seconds after it."""

    failed_at: Timestamp
    pause: float

    @classmethod
    def from_json(cls, data: t.Any) -> RefreshFailure:
        fields = _checked(data, {"failed_at": (dict,), "pause": _NUMBER})
        return cls(_timestamp(fields["failed_at"]), fields["pause"])

    def to_json(self) -> dict[str, t.Any]:
        return {"failed_at": self.failed_at._asdict(), "pause": self.pause}


class CacheEntry(t.NamedTuple):
    """All that is cached for one account. `clock_offset` is how many seconds the system's clock is ahead of this machine's."""

    provider: str
    api_url: str
    principal: str
    scope: tuple[str, ...] = ()
    token: CachedToken | None = None
    failures: tuple[LoginFailure, ...] = ()
    clock_offset: float = 0.0
    refresh_failure: RefreshFailure | None = None

    @classmethod
    def of(cls, account: Account) -> CacheEntry:
        return cls(account.provider, account.api_url, account.principal, tuple(account.scope))

    @classmethod
    def from_json(cls, data: t.Any) -> CacheEntry | None:
        """Return an entry from its stored form; `None` if that is damaged or was written by another release."""
        try:
            fields = _checked(data, _ENTRY_FIELDS)
            token, refresh_failure = fields["token"], fields["refresh_failure"]
            return cls(
                fields["provider"],
                fields["api_url"],
                fields["principal"],
                tuple(map(str, fields["scope"])),
                None if token is None else CachedToken.from_json(token),
                tuple(map(LoginFailure.from_json, fields["failures"])),
                fields["clock_offset"],
                None if refresh_failure is None else RefreshFailure.from_json(refresh_failure),
            )
        except ValueError:
            return None

    def to_json(self) -> dict[str, t.Any]:
        return {
            **self._asdict(),
            "scope": list(self.scope),
            "token": None if self.token is None else self.token.to_json(),
            "failures": [failure.to_json() for failure in self.failures],
            "refresh_failure": None if self.refresh_failure is None else self.refresh_failure.to_json(),
        }

    # -- the token -----------------------------------------------------------------------------------------------

    def token_age(self, now: Timestamp) -> float | None:
        """Return the seconds since the token was requested; `None` without a token, or with one from the future."""
        return None if self.token is None else self.token.requested_at.age(now)

    def was_requested_since(self, moment: Timestamp) -> bool:
        """Return whether the token was requested since a moment, or was being requested then: it was not in the cache yet."""
        return self.token is not None and self.token.requested_at.is_since(moment, self.token.request_seconds)

    def usable_for(self, now: Timestamp) -> float:
        """Return for how many more seconds the token may be handed out; zero if it may not."""
        age = self.token_age(now)
        return 0.0 if age is None or self.token is None else max(0.0, self.token.usable_seconds - age)

    def is_usable(self, now: Timestamp) -> bool:
        return self.usable_for(now) > 0

    def needs_refresh(self, now: Timestamp) -> bool:
        """Return whether a new token should be requested while this one still works, and no refresh has failed lately."""
        age = self.token_age(now)
        if age is None or self.token is None or age < self.token.refresh_seconds:
            return False
        since_failure = None if self.refresh_failure is None else self.refresh_failure.failed_at.age(now)
        return self.refresh_failure is None or since_failure is None or since_failure >= self.refresh_failure.pause

    def replaced_refused_within(self, seconds: float, now: Timestamp) -> bool:
        """Return whether the token replaced a refused one in the last seconds, and has not expired since."""
        age = self.token_age(now)
        return self.token is not None and self.token.replaced_refused and age is not None and age < seconds and self.is_usable(now)

    def unlock(self, key: CacheKey, account: Account) -> Token | None:
        """Return the token if the account has the credential that it was requested with, whether it has expired or not."""
        token = self.token
        if token is None or token.fingerprint != key.fingerprint16(account.credential):
            return None
        try:
            value = key.unmask(token.shape, token.masked, account.credential, token.salt)
        except ValueError:
            return None
        return Token(value, token.lifetime, token.expires_at, from_cache=True, extra=token.extra)

    def with_token(
        self,
        key: CacheKey,
        account: Account,
        token: Token,
        requested_at: Timestamp,
        *,
        replaced_refused: bool = False,
        margin: float = 0.0,
        scopes: t.Collection[FailureScope] = (),
    ) -> CacheEntry:
        """Return the entry with a new token, which is usable until `margin` seconds before its expiry, and without the failures of these scopes."""
        known = self.unlock(key, account)
        if self.token is not None and known is not None and known.value == token.value:
            # If the same token were masked anew, someone with both copies could test guesses of the credential.
            salt, shape, masked = self.token.salt, self.token.shape, self.token.masked
        else:
            salt = os.urandom(16).hex()
            shape, masked = key.mask(token.value, account.credential, salt)
        lifetime = lifetime_of(token.lifetime)
        cached = CachedToken(
            key.fingerprint16(account.credential),
            salt,
            shape,
            masked,
            token.lifetime if token.lifetime is None or not math.isnan(token.lifetime) else None,
            token.expires_at if token.expires_at is None or math.isfinite(token.expires_at) else None,
            dict(token.extra),
            requested_at,
            request_seconds=max(0.0, boot_seconds() - requested_at.boot),
            usable_seconds=lifetime - min(margin, lifetime * MAX_MARGIN_SHARE),
            refresh_seconds=lifetime * random.uniform(REFRESH_FROM, REFRESH_TO),
            replaced_refused=replaced_refused,
        )
        failures = tuple(failure for failure in self.failures if failure.scope not in scopes)
        return self._replace(token=cached, failures=failures, refresh_failure=None)

    # -- failures ------------------------------------------------------------------------------------------------

    def with_failure(self, scope: FailureScope, error: ApiError, now: Timestamp) -> CacheEntry:
        """Return the entry with a failed login as its last failure, in place of an earlier one of the same scope."""
        repetitions = self._repetitions(scope, now) if error.definite else 0
        if error.definite:
            stands_for = min(REJECTION_MIN * 2**repetitions, REJECTION_MAX)
        else:
            stands_for = min(max(error.retry_after or 0.0, TRANSIENT_MIN), TRANSIENT_MAX)
        others = [failure for failure in self.failures if failure.scope != scope]
        return self._replace(failures=(*others[-MAX_FAILURES + 1 :], LoginFailure(scope, error, now, stands_for, repetitions)))

    def _repetitions(self, scope: FailureScope, now: Timestamp) -> int:
        """Return how many rejections came right before one that happens now."""
        for failure in self.failures:
            age = failure.failed_at.age(now)
            if failure.scope == scope and failure.error.definite and age is not None and age < 3 * failure.stands_for:
                return min(failure.repetitions + 1, 10)
        return 0

    def standing_failure(self, scopes: t.Collection[FailureScope], now: Timestamp, since: Timestamp | None = None) -> ApiError | None:
        """Return the error of a failure in these scopes that still stands, or that happened after `since`. Its `retry_after` counts from now."""
        for failure in self.failures:
            age = failure.failed_at.age(now)
            if failure.scope not in scopes or age is None:
                continue
            if age < failure.stands_for or (since is not None and failure.failed_at.is_since(since)):
                asked = failure.error.retry_after
                return failure.error if asked is None else failure.error.replace(retry_after=max(0.0, round(asked - age, 3)))
        return None

    # -- for people and for housekeeping -------------------------------------------------------------------------

    @property
    def expires_at(self) -> float | None:
        """When the token expires, in epoch seconds, if that is known."""
        return None if self.token is None else self.token.expires_at

    @property
    def extra(self) -> t.Mapping[str, str]:
        """Facts about the token that are not secret, such as what it is revoked by."""
        return {} if self.token is None else self.token.extra

    def refused(self, now: Timestamp) -> bool:
        """Return whether a rejected login still stands, for whichever credential."""
        return any(failure.error.definite and failure.stands(now) for failure in self.failures)

    def state(self, now: Timestamp) -> str:
        """Return `fresh` if the token would be used, else `refused` if a rejected login stands, else `expired`."""
        if self.is_usable(now):
            return FRESH
        return REFUSED if self.refused(now) else EXPIRED

    @property
    def stale_after(self) -> float:
        """When nothing in the entry is useful any more, in epoch seconds."""
        # Three times as long as a failure stands: until then the next one counts as its repetition.
        ends = [failure.failed_at.wall + 3 * failure.stands_for for failure in self.failures]
        if self.token is not None:
            ends.append(self.token.requested_at.wall + lifetime_of(self.token.lifetime))
        return max(ends, default=0.0)

    # -- other hosts ---------------------------------------------------------------------------------------------

    def for_other_hosts(self, now: Timestamp) -> CacheEntry:
        """Return the entry with ages in place of moments (as negative seconds), and without what is true of this host alone."""

        def as_age(moment: Timestamp) -> Timestamp | None:
            age = moment.age(now)
            return None if age is None else Timestamp(-age, -age, "")

        return self._with_moments(as_age, -now.wall)._replace(clock_offset=0.0, refresh_failure=None)

    def from_other_host(self, elapsed: float, now: Timestamp) -> CacheEntry:
        """Return what another host's `for_other_hosts` made `elapsed` seconds ago, by the clocks of this host."""

        def as_moment(age: Timestamp) -> Timestamp:
            return Timestamp(now.wall + age.wall - elapsed, now.boot + age.boot - elapsed, now.boot_id)

        return self._with_moments(as_moment, now.wall - elapsed)

    def _with_moments(self, convert: t.Callable[[Timestamp], Timestamp | None], seconds: float) -> CacheEntry:
        """Return the entry with other moments, without what has none, and with the expiry moved by some seconds."""
        token = self.token
        if token is not None:
            requested_at, expires_at = convert(token.requested_at), token.expires_at
            expires_at = None if expires_at is None else expires_at + seconds
            token = None if requested_at is None else token._replace(requested_at=requested_at, expires_at=expires_at)
        failures = [(failure, convert(failure.failed_at)) for failure in self.failures]
        return self._replace(token=token, failures=tuple(failure._replace(failed_at=moment) for failure, moment in failures if moment is not None))

    def merge(self, other: CacheEntry, now: Timestamp) -> CacheEntry:
        """Return this entry with the other one's token and failures if they are newer; what is true of this host alone stays."""
        my_age, other_age = self.token_age(now), other.token_age(now)
        same = self.token is not None and other.token is not None and self.token.salt == other.token.salt
        # A renewed token may have the same text; ages of one and the same token differ by what clocks and the network do.
        tolerance = 2.0 if same else 0.0
        newer = other_age is not None and (my_age is None or other_age < my_age - tolerance)
        oldest_first = sorted((*self.failures, *other.failures), key=lambda failure: failure.failed_at.age(now) or 0.0, reverse=True)
        failures = {failure.scope: failure for failure in oldest_first}
        return self._replace(
            token=other.token if newer else self.token, failures=tuple(failures.values()), refresh_failure=None if newer else self.refresh_failure
        )


def lifetime_of(lifetime: float | None) -> float:
    """Return for how many seconds a token is assumed to be valid."""
    if lifetime is None or math.isnan(lifetime):
        return UNKNOWN_LIFETIME
    return min(max(lifetime, 0.0), MAX_LIFETIME)
