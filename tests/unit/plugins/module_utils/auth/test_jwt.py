# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be read from a JWT without its key."""

from __future__ import annotations

import base64
from typing import Any

import jwt as pyjwt
import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import jwt

KEY = "k" * 32


def signed(**claims: Any) -> str:
    return pyjwt.encode(claims, KEY, algorithm="HS256")


def unsigned(claims: str) -> str:
    """Return a JWT with this text as its claims, JSON or not."""
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in ("{}", claims, "x"))


def test_claims() -> None:
    assert jwt.decode_claims(signed(sub="ü", exp=12)) == {"sub": "ü", "exp": 12}


@pytest.mark.parametrize(
    "text",
    ["", "a.b", "a.b.c.d", "a.!!!.c", "a.e30!!!!.c", "a.ü.c", unsigned("[1]"), unsigned("{broken"), unsigned("[" * 100_000), "a..c", unsigned("{}") + "."],
)
def test_what_is_no_jwt(text: str) -> None:
    with pytest.raises(ValueError, match="JWT"):
        jwt.decode_claims(text)
    assert jwt.expiry_claim(text) is None
    assert jwt.lifetime(text, 0) is None


EXPIRIES: list[tuple[str, float | None]] = [
    ('{"exp": 12}', 12.0),
    ('{"exp": "12"}', 12.0),
    ('{"exp": 12.5}', 12.5),
    ("{}", None),
    ('{"exp": null}', None),
    ('{"exp": true}', None),
    ('{"exp": "soon"}', None),
    ('{"exp": NaN}', None),
    ('{"exp": 1e999}', None),
    ('{"exp": [1]}', None),
    ('{"exp": ' + "9" * 400 + "}", None),
]


@pytest.mark.parametrize(("claims", "expiry"), EXPIRIES)
def test_expiry(claims: str, expiry: float | None) -> None:
    assert jwt.expiry_claim(unsigned(claims)) == expiry


@pytest.mark.parametrize("value", [True, "soon", [1], {"a": 1}, float("nan"), float("inf"), 10**400])
def test_a_date_that_is_no_number_is_an_error(value: Any) -> None:
    with pytest.raises(ValueError, match="the claim exp is not a number"):
        jwt.numeric_date({"exp": value}, "exp")


@pytest.mark.parametrize(
    ("claims", "lifetime"),
    [({"iat": 1000, "exp": 4600}, 3600.0), ({"exp": 150}, 50.0), ({"exp": 50}, 0.0), ({"iat": 1000}, None), ({"iat": 5000, "exp": 4600}, 0.0)],
)
def test_a_lifetime_counts_by_the_clock_of_the_issuer(claims: dict[str, int], lifetime: float | None) -> None:
    """This machine's clock says 100, which counts only without `iat`."""
    assert jwt.lifetime(signed(**claims), 100) == lifetime
