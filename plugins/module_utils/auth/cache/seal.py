# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sealing: names and contents of cache entries under one key. Private to this collection."""

from __future__ import annotations

import hmac
import json
import os
import typing as t
from functools import lru_cache

from .mask import pack

if t.TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SCHEMA = b"apiauth.tokens/1"
NONCE = 12


class Seal:
    """All that needs the cache key: 32 bytes, or any text of a user, from which independent keys are derived."""

    def __init__(self, key: bytes) -> None:
        root = hmac.digest(SCHEMA, key, "sha256")
        self._name, self._seal, self._mask, self._tag = (hmac.digest(root, use, "sha256") for use in (b"name", b"seal", b"mask", b"tag"))

        self._aead: AESGCM | None = None

    def __repr__(self) -> str:
        return "Seal()"

    def name(self, identity: t.Iterable[str]) -> str:
        """The name of the entry of an identity: tells nothing without the key."""
        return hmac.digest(self._name, pack(identity), "sha256")[:16].hex()

    def tag(self, secrets: t.Iterable[str]) -> int:
        """16 bits about secrets, the same wherever they are used, so that more entries do not tell more."""
        return int.from_bytes(hmac.digest(self._tag, pack(secrets), "sha256")[:2], "big")

    def mask_key(self, secrets: t.Iterable[str], salt: str) -> bytes:
        """The key that masks one token for the holder of these secrets."""
        return hmac.digest(self._mask, pack((salt, *secrets)), "sha256")

    def close(self, name: str, record: t.Mapping[str, t.Any]) -> bytes:
        """A record as bytes that nobody can read or change, or pass off as another entry, without the key."""
        nonce = os.urandom(NONCE)
        text = json.dumps(record, separators=(",", ":")).encode()
        return nonce + self._cipher().encrypt(nonce, text, SCHEMA + name.encode())

    def _cipher(self) -> AESGCM:
        if self._aead is None:
            # Imported here: a host that is managed seals nothing, and may lack what ansible-core brings along on a controller.
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._aead = AESGCM(self._seal)
        return self._aead

    def open(self, name: str, blob: bytes) -> dict[str, t.Any] | None:
        """The record, `None` where the bytes are not what `close` made under this key and name."""
        from cryptography.exceptions import InvalidTag

        try:
            text = self._cipher().decrypt(blob[:NONCE], blob[NONCE:], SCHEMA + name.encode())
            record = json.loads(text)
        except (InvalidTag, ValueError):
            return None
        return record if isinstance(record, dict) else None


@lru_cache(maxsize=4)
def seal_of(key: bytes) -> Seal:
    """The seal of a key, made once: a worker finds the one that its parent has made."""
    return Seal(key)


def warm_up(seal: Seal) -> None:
    """Use a seal once: the first sealing of a process, and the first with a key, cost more than all the others of a task."""
    name = seal.name(())
    seal.open(name, seal.close(name, {}))
