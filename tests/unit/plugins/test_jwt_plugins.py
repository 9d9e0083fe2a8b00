# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible.errors import AnsibleError
from jinja2 import StrictUndefined, UndefinedError

from ansible_collections.apiauth.tokens.plugins.filter import jwt_claims
from ansible_collections.apiauth.tokens.plugins.test import jwt_expired

claims_of: Callable[[Any], dict[str, Any]] = jwt_claims.FilterModule().filters()["jwt_claims"]
is_expired: Callable[[Any], bool] = jwt_expired.TestModule().tests()["jwt_expired"]


def token(claims: str) -> str:
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in ('{"alg":"none"}', claims, "signature"))


def test_the_claims_are_those_of_the_token_whoever_signed_it() -> None:
    assert claims_of(token('{"sub": "ü", "exp": 12, "aud": ["a"]}')) == {"sub": "ü", "exp": 12, "aud": ["a"]}


@pytest.mark.parametrize(("ahead", "expired"), [(-1, True), (60, False)])
def test_expiry_is_compared_with_the_clock(ahead: int, expired: bool) -> None:
    assert is_expired(token(f'{{"exp": {int(time.time()) + ahead}}}')) is expired


def test_without_an_end_a_token_does_not_expire() -> None:
    assert is_expired(token('{"iat": 1}')) is False


NO_JWT = ["", "CANARY", "CANARY.CANARY.CANARY", "a.b", token('["CANARY"]'), token('{"CANARY'), token('{"exp": ' + "[" * 100_000), "a.\ud800.c"]


@pytest.mark.parametrize("value", [*NO_JWT, None, 12, True, ["CANARY"], {"CANARY": 1}, b"CANARY.a.b"])
@pytest.mark.parametrize("plugin", [claims_of, is_expired])
def test_what_is_no_jwt_is_an_error_that_does_not_quote_it(plugin: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises(AnsibleError, match="JWT") as failure:
        plugin(value)
    assert "CANARY" not in str(failure.value)


def test_what_is_undefined_says_so_itself() -> None:
    with pytest.raises(UndefinedError, match="'my_token' is undefined"):
        claims_of(StrictUndefined(name="my_token"))


@pytest.mark.parametrize("end", ["true", '"soon"', "[]", "NaN", "Infinity", "1e999", "1" + "0" * 400])
def test_an_end_that_is_no_time_is_an_error(end: str) -> None:
    with pytest.raises(AnsibleError, match="exp is not a number"):
        is_expired(token(f'{{"exp": {end}}}'))
