# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One-time codes against pyotp and the examples of RFC 6238."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import quote

import pyotp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.totp import Totp

KEY = "JBSWY3DPEHPK3PXP"
LONG_KEY = KEY + KEY
HASHES = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512}


@settings(deadline=None)
@given(st.binary(min_size=14, max_size=40), st.integers(0, 2**33))
def test_codes_are_those_of_every_authenticator(key: bytes, now: int) -> None:
    """Fails when step, truncation or padding is not that of RFC 6238."""
    secret = base64.b32encode(key).decode()
    for spelling in (secret, secret.rstrip("=").lower()):
        totp = Totp.parse(spelling)
        assert totp.code(totp.step_at(now)) == pyotp.TOTP(secret).at(now)


@pytest.mark.parametrize("algorithm", HASHES)
@pytest.mark.parametrize("digits", [6, 7, 8])
@pytest.mark.parametrize("period", [15, 30, 60])
def test_addresses_of_qr_codes(algorithm: str, digits: int, period: int) -> None:
    """Fails when a parameter of the address is ignored, or when an address that pyotp makes is not understood."""
    theirs = pyotp.TOTP(LONG_KEY, digits=digits, digest=HASHES[algorithm], interval=period, name="user@example.com", issuer="A & B")
    totp = Totp.parse(theirs.provisioning_uri())
    assert totp == Totp(base64.b32decode(LONG_KEY), digits, period, algorithm.lower())
    for now in (0, 14, 15, 59, 60, 1_234_567_890):
        assert totp.code(totp.step_at(now)) == theirs.at(now)


@pytest.mark.parametrize(
    ("when", "code"),
    [(59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"), (2000000000, "69279037"), (20000000000, "65353130")],
)
def test_the_examples_of_the_standard(when: int, code: str) -> None:
    """Fails when the eight digits of RFC 6238, appendix B, or the last six of them do not come out."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    long, short = Totp.parse(f"otpauth://totp/x?secret={secret}&digits=8"), Totp.parse(secret)
    assert (long.code(long.step_at(when)), short.code(short.step_at(when))) == (code, code[2:])


@pytest.mark.parametrize(
    "spelling",
    [
        "jbsw y3dp ehpk 3pxp",
        "JBSW-Y3DP-EHPK-3PXP",
        "JBSWY3DPEHPK3PXP======",
        " jbswy3dpehpk3pxp\n",
        "otpauth://totp/Example:user@example.com?secret=JBSWY3DPEHPK3PXP&issuer=Example",
        "OTPAUTH://TOTP/user?secret=jbsw%20y3dp+ehpk-3pxp%3D%3D&algorithm=hmacsha1&image=https%3A%2F%2Fx%2Fy.png",
        " otpauth://totp/?digits=6&period=30&secret=JBSWY3DPEHPK3PXP&algorithm=SHA-1 ",
    ],
)
def test_spellings_of_a_key(spelling: str) -> None:
    """Fails when a key is not accepted as systems and QR codes show it."""
    assert Totp.parse(spelling) == Totp(base64.b32decode(KEY))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *((text, "no base32 key") for text in ("", "123456", "not base32!", "äöü", "====", "otpauth://totp/x", "otpauth://totp/x?secret=%00CANARY!")),
        (f"otpauth://hotp/x?secret={KEY}&counter=1", "HOTP"),
        (f"otpauth://steam/x?secret={KEY}", "unknown type"),
        (f"otpauth://[totp/x?secret={KEY}", "malformed"),
        (f"otpauth:totp/x?secret={KEY}", "unknown type"),
        (f"otpauth://totp/x?secret={KEY}&algorithm=MD5", "SHA1, SHA256, SHA512"),
        *((f"otpauth://totp/x?secret={KEY}&digits={digits}", "from 6 to 8") for digits in ("5", "9", "six", "-6", "6.0", quote("６"))),
        *((f"otpauth://totp/x?secret={KEY}&period={period}", "from 1 to 3600") for period in ("0", "3601", "x", "9" * 20)),
    ],
)
def test_what_is_no_key(text: str, words: str) -> None:
    """Fails when something else gives codes, or when the error quotes it."""
    with pytest.raises(ApiError, match="totp_secret") as raised:
        Totp.parse(text)
    assert raised.value.kind == "configuration"
    assert words in str(raised.value)
    assert KEY not in str(raised.value)
    assert "CANARY" not in str(raised.value)


def test_the_key_is_not_shown() -> None:
    """Fails when an object that holds the key shows it."""
    assert repr(Totp.parse(KEY)) == "Totp(digits=6, period=30, algorithm='sha1')"
