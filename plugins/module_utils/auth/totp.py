# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One-time codes (RFC 6238) and the promise that none is sent twice. Private to this collection."""

from __future__ import annotations

import base64
import hmac
import struct

from .errors import CONFIGURATION, AuthError

STEP = 30.0


def decoded(secret: str) -> bytes:
    """The key of an authenticator as systems show it: base32, in groups, any case. Raises a configuration error."""
    text = "".join(secret.split()).replace("-", "").rstrip("=").upper()
    try:
        key = base64.b32decode(text + "=" * (-len(text) % 8))
    except ValueError:
        key = b""
    if not key:
        raise AuthError(CONFIGURATION, "totp_secret is not a base32 key; give the key that the system showed for an authenticator, not a code")
    return key


def step_of(now: float) -> int:
    return int(now // STEP)


def code(secret: str, step: int) -> str:
    """The six digits of one step (SHA-1, as every authenticator has it)."""
    digest = hmac.digest(decoded(secret), struct.pack(">Q", step), "sha1")
    start = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"
