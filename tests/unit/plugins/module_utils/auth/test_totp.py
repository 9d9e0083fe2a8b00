# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One-time codes against pyotp, and how long a task may wait."""

from __future__ import annotations

import pyotp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import totp
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.budget import Budget
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import AuthError


@settings(deadline=None)
@given(st.binary(min_size=14, max_size=40), st.integers(0, 2**33))
def test_codes_are_those_of_every_authenticator(key: bytes, now: int) -> None:
    """Fails when step, truncation or padding is not that of RFC 6238."""
    import base64

    secret = base64.b32encode(key).decode()
    assert totp.code(secret, totp.step_of(now)) == pyotp.TOTP(secret).at(now)
    assert totp.code(secret.rstrip("=").lower(), totp.step_of(now)) == pyotp.TOTP(secret).at(now)


@pytest.mark.parametrize(
    ("when", "code"), [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037"), (20000000000, "353130")]
)
def test_the_examples_of_the_standard(when: int, code: str) -> None:
    """Fails when the last six of the eight digits of RFC 6238, appendix B, do not come out."""
    assert totp.code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", totp.step_of(when)) == code


@pytest.mark.parametrize("spelling", ["jbsw y3dp ehpk 3pxp", "JBSW-Y3DP-EHPK-3PXP", "JBSWY3DPEHPK3PXP======", " jbswy3dpehpk3pxp\n"])
def test_spellings_of_a_key(spelling: str) -> None:
    """Fails when a key is not taken as systems show it."""
    assert totp.decoded(spelling) == totp.decoded("JBSWY3DPEHPK3PXP")


@pytest.mark.parametrize("secret", ["", "123456", "not base32!", "äöü", "===="])
def test_no_key(secret: str) -> None:
    """Fails when something else makes a code, or when the error quotes it."""
    with pytest.raises(AuthError, match="base32") as raised:
        totp.code(secret, 1)
    assert raised.value.kind == "configuration"
    assert len(secret) < 5 or secret not in str(raised.value)


def test_a_budget_is_spent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails when waiting adds up to more than was allowed."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    budget = Budget(1.0)
    assert [budget.sleep(seconds) for seconds in (0.6, 0.6, 0.4, 0.1, 0.0)] == [True, False, True, False, True]
    assert slept == [0.6, 0.4, 0.0]
    assert not Budget(-5).sleep(0.1)
