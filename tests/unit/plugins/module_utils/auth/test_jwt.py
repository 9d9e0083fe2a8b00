# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens, what a JWT tells without its key, and tokens that a user brings."""

from __future__ import annotations

import base64
import time
from typing import Any

import jwt
import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.base import api_url, given_token, require
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import Token
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.jwt import decode_claims as jwt_claims, jwt_expiry, jwt_lifetime

KEY = "k" * 32


def signed(**claims: Any) -> str:
    return jwt.encode(claims, KEY, algorithm="HS256")


def raw(claims: str) -> str:
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in ("{}", claims, "x"))


def test_claims() -> None:
    assert jwt_claims(signed(sub="ü", exp=12)) == {"sub": "ü", "exp": 12}


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c.d", "a.!!!.c", "a.ü.c", raw("[1]"), raw("{broken"), raw("[" * 100_000), "a..c"])
def test_what_is_no_jwt(text: str) -> None:
    with pytest.raises(ValueError, match="JWT"):
        jwt_claims(text)
    assert jwt_expiry(text) is None
    assert jwt_lifetime(text, 0) is None


@pytest.mark.parametrize(
    ("claims", "expiry"),
    [('{"exp": 12}', 12.0), ('{"exp": "12"}', 12.0), ('{"exp": 12.5}', 12.5), ("{}", None), ('{"exp": null}', None), ('{"exp": true}', None)]
    + [('{"exp": "soon"}', None), ('{"exp": NaN}', None), ('{"exp": 1e999}', None), ('{"exp": [1]}', None), ('{"exp": ' + "9" * 400 + "}", None)],
)
def test_expiry(claims: str, expiry: float | None) -> None:
    assert jwt_expiry(raw(claims)) == expiry


@pytest.mark.parametrize(
    ("claims", "lifetime"),
    [({"iat": 1000, "exp": 4600}, 3600.0), ({"exp": 150}, 50.0), ({"exp": 50}, 0.0), ({"iat": 1000}, None), ({"iat": 5000, "exp": 4600}, 0.0)],
)
def test_lifetime_is_that_of_the_issuer(claims: dict[str, int], lifetime: float | None) -> None:
    """Whatever our clock says: it is at 100 here."""
    assert jwt_lifetime(signed(**claims), 100) == lifetime


def test_a_given_token_is_passed_through() -> None:
    ahead = int(time.time()) + 100
    token = given_token("VSS", signed(exp=ahead))
    assert token is not None
    assert token.expires_at == ahead
    assert given_token("VSS", "") is given_token("VSS", None) is None
    opaque = given_token("VSS", "opaque")
    assert opaque is not None
    assert (opaque.value, opaque.expires_at) == ("opaque", None)


def test_a_given_token_that_has_expired() -> None:
    with pytest.raises(ApiError, match=r"the given token has expired 6\d seconds ago; give a new one, or the credentials in its place") as caught:
        given_token("VSS", signed(exp=int(time.time()) - 60))
    assert caught.value.kind == "configuration"


def test_a_token_shows_nothing() -> None:
    assert "Secret-Word" not in repr(Token("Secret-Word", 60.0))


@pytest.mark.parametrize(
    ("given", "made"),
    [("https://h.example/", "https://h.example"), ("https://h.example/a/b//", "https://h.example/a/b"), ("http://[::1]:8/x", "http://[::1]:8/x")],
)
def test_addresses(given: str, made: str) -> None:
    assert api_url(Options(api_url=given)) == made
    assert api_url(Options(), given) == made


@pytest.mark.parametrize("given", ["", "h.example", "ftp://h.example", "https://", "https:///x", "https://h:99999", "https://h:port", "https://[::1", "/path"])
def test_what_is_no_address(given: str) -> None:
    with pytest.raises(ApiError, match=r"^api_url must look like https://host/path$"):
        api_url(Options(api_url=given))


@pytest.mark.parametrize(
    "given", ["https://user@h.example", "https://user:Secret-Word@h.example", "https://h.example/?token=Secret-Word", "https://h.example/#x"]
)
def test_no_credentials_in_an_address(given: str) -> None:
    with pytest.raises(ApiError, match="api_url must hold neither a user name, nor a password, nor a query") as caught:
        api_url(Options(api_url=given))
    assert "Secret-Word" not in str(caught.value)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ApiError, match=r"^missing a and c to go on; give it as an option, a variable or in the environment$"):
        require(Options(b=1, c=""), "a", "b", "c", why="to go on")
    require(Options(a=1), "a")
