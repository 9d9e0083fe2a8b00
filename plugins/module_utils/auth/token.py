# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What flows: a token, and what can be read from a JWT without its key. Private to this collection."""

from __future__ import annotations

import base64
import json
import typing as t


# A named tuple, like all that every worker loads for a cached token: a dataclass takes twice as long to be made.
class Token(t.NamedTuple):
    """A token as it is used; shows no value when printed.

    `lifetime` is what the system granted, in seconds from the request on, `None` where it did not say.
    `expires_at` is in epoch seconds by this machine's clock. `extra` holds facts about it that are not secret.
    """

    value: str
    lifetime: float | None = None
    expires_at: float | None = None
    from_cache: bool = False
    extra: t.Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"Token(expires_at={self.expires_at}, from_cache={self.from_cache})"


def jwt_claims(text: str) -> dict[str, t.Any]:
    """The claims of a JWT, `not verified`. Raises `ValueError` when it is none (RFC 7519)."""
    parts = text.split(".")
    if len(parts) != 3:
        raise ValueError("a JWT has three parts separated by dots")
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        raise ValueError("the claims of this JWT are not base64url-encoded JSON") from None
    if not isinstance(claims, dict):
        raise ValueError("the claims of this JWT are not a JSON object")
    return claims


def numeric_date(claims: t.Mapping[str, t.Any], name: str) -> float | None:
    """A NumericDate claim in epoch seconds, `None` where it is missing. Raises `ValueError` when it is not a number."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"the claim {name} is not a number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        number = float("nan")
    # JSON as Python reads it has NaN and Infinity too, which are no times.
    if not float("-inf") < number < float("inf"):
        raise ValueError(f"the claim {name} is not a number")
    return number


def jwt_expiry(text: str) -> float | None:
    """The claim `exp` in epoch seconds of the issuer's clock; `None` for an opaque token and one without it."""
    try:
        return numeric_date(jwt_claims(text), "exp")
    except ValueError:
        return None


def jwt_lifetime(text: str, now: float) -> float | None:
    """Seconds that a JWT lives from its issue on: `exp` less `iat`, which no clock skew can spoil, else `exp` less `now`."""
    try:
        claims = jwt_claims(text)
        expiry, issued = numeric_date(claims, "exp"), numeric_date(claims, "iat")
    except ValueError:
        return None
    if expiry is None:
        return None
    return max(0.0, expiry - (now if issued is None else issued))
