# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One-time codes (RFC 6238, TOTP)."""

from __future__ import annotations

import base64
import binascii
import hmac
import typing as t
from urllib.parse import parse_qsl, urlsplit

from .errors import configuration_error

ALGORITHMS = {"SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512"}
MAX_PERIOD = 3600


class Totp(t.NamedTuple):
    """What codes are computed from: a key, the number of their digits, for how many seconds each is valid, and the hash algorithm."""

    key: bytes
    digits: int = 6
    period: int = 30
    algorithm: str = "sha1"

    def __repr__(self) -> str:
        return f"Totp(digits={self.digits}, period={self.period}, algorithm={self.algorithm!r})"

    @classmethod
    def parse(cls, text: str) -> Totp:
        """Return what `totp_secret` says: a base32 key, in groups and in any case, or the `otpauth://totp/` address that a QR code holds.

        https://github.com/google/google-authenticator/wiki/Key-Uri-Format. Raises a configuration error that does not quote the text.
        """
        text = text.strip()
        if not text.lower().startswith("otpauth:"):
            return cls(_decode_key(text))
        try:
            address = urlsplit(text)
            parameters = dict(parse_qsl(address.query))
            kind = address.netloc.lower()
        except ValueError:
            raise configuration_error("totp_secret is a malformed otpauth:// address", "copy the address of the QR code again") from None
        if kind == "hotp":
            raise configuration_error("totp_secret is for codes that are counted (HOTP)", "enable an authenticator with time-based codes (TOTP)")
        if kind != "totp":
            raise configuration_error("totp_secret is an otpauth:// address of an unknown type", "only otpauth://totp/ is supported")
        algorithm = ALGORITHMS.get(parameters.get("algorithm", "SHA1").upper().replace("-", "").replace("HMAC", ""))
        if algorithm is None:
            raise configuration_error("totp_secret names an unknown algorithm", f"it must be one of {', '.join(ALGORITHMS)}")
        digits = _number(parameters, "digits", 6, range(6, 9))
        return cls(_decode_key(parameters.get("secret", "")), digits, _number(parameters, "period", 30, range(1, MAX_PERIOD + 1)), algorithm)

    def step_at(self, now: float) -> int:
        """Return the number of the period that an epoch second lies in."""
        return int(now // self.period)

    def code(self, step: int) -> str:
        """Return the code of a period (RFC 4226, section 5.3)."""
        digest = hmac.digest(self.key, step.to_bytes(8, "big"), self.algorithm)
        start = digest[-1] & 0x0F
        number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
        return str(number % 10**self.digits).zfill(self.digits)


def _decode_key(text: str) -> bytes:
    text = "".join(text.split()).replace("-", "").rstrip("=").upper()
    try:
        key = base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        hint = "set it to the key, or the otpauth:// address, that the system showed for an authenticator app, not to a code"
        raise configuration_error("totp_secret holds no base32 key", hint)
    return key


def _number(parameters: t.Mapping[str, str], name: str, default: int, allowed: range) -> int:
    text = parameters.get(name, str(default)).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) in allowed):
        raise configuration_error(f"{name} in the otpauth:// address of totp_secret is not supported", f"it must be from {allowed[0]} to {allowed[-1]}")
    return int(text)
