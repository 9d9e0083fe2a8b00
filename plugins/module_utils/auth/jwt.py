# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be read from a JWT without its key (RFC 7519). Nothing in here verifies a signature."""

from __future__ import annotations

import base64
import json
import typing as t


def decode_claims(text: str) -> dict[str, t.Any]:
    """Return the claims of a JWT, not verified. Raises `ValueError` if the text is no JWT."""
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
    """Return a NumericDate claim in epoch seconds, or `None` if it is missing. Raises `ValueError` if it is not a number."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"the claim {name} is not a number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        number = float("nan")
    # Python's JSON has NaN and Infinity too, which are not points in time.
    if not float("-inf") < number < float("inf"):
        raise ValueError(f"the claim {name} is not a number")
    return number


def expiry_claim(text: str) -> float | None:
    """Return the claim `exp` in epoch seconds by the issuer's clock; `None` for an opaque token and for a JWT without it."""
    try:
        return numeric_date(decode_claims(text), "exp")
    except ValueError:
        return None


def lifetime(text: str, now: float) -> float | None:
    """Return for how many seconds from its issue on a JWT is valid; `None` if it does not say.

    That is `exp` minus `iat`, which no difference between clocks can distort, or else `exp` minus `now` (epoch seconds).
    """
    try:
        claims = decode_claims(text)
        expiry, issued = numeric_date(claims, "exp"), numeric_date(claims, "iat")
    except ValueError:
        return None
    if expiry is None:
        return None
    return max(0.0, expiry - (now if issued is None else issued))
