# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time-based one-time passwords (RFC 6238, SHA-1, 30 s, 6 digits)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct

STEP = 30
DIGITS = 6


def code_at(secret: str, when: float) -> str:
    """The code that an authenticator with this base32 secret shows at the given time."""
    key = base64.b32decode(secret.upper() + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(when) // STEP), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


class Checker:
    """What a server does with codes: one step of drift is allowed, and no step is accepted twice."""

    def __init__(self) -> None:
        self._used: set[tuple[str, int]] = set()
        self.replays = 0

    def accept(self, secret: str, code: str, now: float, once: bool = True) -> bool:
        for drift in (0, -1, 1):
            when = now + drift * STEP
            if not hmac.compare_digest(code_at(secret, when).encode(), code.encode()):
                continue
            mark = (secret, int(when) // STEP)
            if once and mark in self._used:
                self.replays += 1
                return False
            self._used.add(mark)
            return True
        return False
