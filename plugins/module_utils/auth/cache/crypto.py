# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that needs the cache key: names of entries, sealing, fingerprints, and the masking of tokens.

An entry is sealed with AES-GCM, so the cache directory alone reveals nothing. Someone who has the key as well can open an entry, but the token in it
is masked once more with a key that is derived from the account's credential. This is honey encryption (A. Juels and T. Ristenpart, "Honey Encryption:
Security Beyond the Brute-Force Bound", EUROCRYPT 2014, https://eprint.iacr.org/2014/155): unmasking with a wrong credential gives another well-formed
token instead of an error, so guesses of a password cannot be tested against a stolen cache. What is stored about a credential are the 16 bits of
`fingerprint16`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
import string
import typing as t
from functools import lru_cache

if t.TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# Names the form of what is sealed: with another schema, entries of other releases have other names and cannot be opened.
SCHEMA = b"apiauth.tokens/3"
NONCE_LENGTH = 12

_ALPHABETS: tuple[str, ...] = (
    string.digits,
    string.digits + "abcdef",
    string.digits + "ABCDEF",
    string.digits + string.ascii_lowercase,
    string.digits + string.ascii_uppercase,
    string.digits + string.ascii_letters,
)


class CacheKey:
    """The key of the cache, from which independent keys for each purpose are derived (HMAC-SHA256).

    :param key: 32 random bytes from a key file, or any text that the user chose.
    """

    def __init__(self, key: bytes) -> None:
        root = hmac.digest(SCHEMA, key, "sha256")
        self._name_key, self._seal_key, self._mask_key, self._fingerprint_key = (
            hmac.digest(root, purpose, "sha256") for purpose in (b"name", b"seal", b"mask", b"fingerprint")
        )
        self._aead: AESGCM | None = None

    def __repr__(self) -> str:
        return "CacheKey()"

    def entry_name(self, identity: t.Iterable[str]) -> str:
        """Return the file name of an identity's entry: 32 hexadecimal digits that reveal nothing without the key."""
        return hmac.digest(self._name_key, pack(identity), "sha256")[:16].hex()

    def fingerprint16(self, secrets: t.Iterable[str]) -> int:
        """Return 16 bits about secrets. They are the same in all entries, so that more entries do not reveal more."""
        return int.from_bytes(hmac.digest(self._fingerprint_key, pack(secrets), "sha256")[:2], "big")

    def seal(self, name: str, data: t.Any) -> bytes:
        """Return data (anything that JSON can express) encrypted and authenticated, together with the name of its entry."""
        nonce = os.urandom(NONCE_LENGTH)
        text = json.dumps(data, separators=(",", ":")).encode()
        return nonce + self._cipher().encrypt(nonce, text, SCHEMA + name.encode())

    def unseal(self, name: str, blob: bytes) -> t.Any:
        """Return the data that `seal` made into these bytes; `None` if they are anything else, or belong to another name or key."""
        # Imported here like AESGCM below.
        from cryptography.exceptions import InvalidTag

        try:
            return json.loads(self._cipher().decrypt(blob[:NONCE_LENGTH], blob[NONCE_LENGTH:], SCHEMA + name.encode()))
        except (InvalidTag, ValueError, RecursionError):
            return None

    def mask(self, token: str, credential: t.Iterable[str], salt: str) -> tuple[str, str]:
        """Return the shape of a token and its masked text, for `unmask`."""
        return mask(token, self._masking_key(credential, salt))

    def unmask(self, shape: str, masked: str, credential: t.Iterable[str], salt: str) -> str:
        """Return the token, or a wrong one of the same form if the credential is not the one it was masked with. Raises `ValueError` for an unknown shape."""
        return unmask(shape, masked, self._masking_key(credential, salt))

    def _masking_key(self, credential: t.Iterable[str], salt: str) -> bytes:
        return hmac.digest(self._mask_key, pack((salt, *credential)), "sha256")

    def _cipher(self) -> AESGCM:
        if self._aead is None:
            # Imported here: on a managed host nothing is cached, and cryptography, which every controller has, may be missing.
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._aead = AESGCM(self._seal_key)
        return self._aead


@lru_cache(maxsize=4)
def cache_key(key: bytes) -> CacheKey:
    """Return the `CacheKey` of these bytes, created once: a forked worker finds the one that its parent has warmed up."""
    return CacheKey(key)


def pack(parts: t.Iterable[str]) -> bytes:
    """Return texts as bytes in such a way that different texts never give the same bytes."""
    encoded = [part.encode("utf-8", "surrogateescape") for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def keystream(key: bytes, length: int) -> bytes:
    """Return HKDF-Expand with SHA-256 (RFC 5869), without its limit of 255 blocks."""
    blocks = (hmac.digest(key, number.to_bytes(4, "big"), "sha256") for number in range((length + 31) // 32))
    return b"".join(blocks)[:length]


def mask(token: str, key: bytes) -> tuple[str, str]:
    """Return the shape of a token and its masked text.

    Of a JWT the signature is masked, byte by byte. Of any other token each letter and digit is shifted within the smallest alphabet that holds
    all of them; other characters stay, so that the masked text has the form of the token.
    """
    signature = _signature(token)
    if signature is not None:
        return "jwt", f"{token.rpartition('.')[0]}.{_base64url(_xor(signature, key))}"
    start = _readable_length(token)
    used = {character for character in token[start:] if character in _ALPHABETS[-1]}
    number = next(number for number, alphabet in enumerate(_ALPHABETS) if used <= set(alphabet))
    return f"{'tail' if start else 'text'}{number}", token[:start] + _shift(token[start:], _ALPHABETS[number], key, 1)


def unmask(shape: str, masked: str, key: bytes) -> str:
    """Return the token that was masked with this key, or another token of the same form. Raises `ValueError` for an unknown shape."""
    if shape == "jwt":
        signature = _signature(masked)
        if signature is None:
            raise ValueError("not a JWT")
        return f"{masked.rpartition('.')[0]}.{_base64url(_xor(signature, key))}"
    kind, number = shape[:4], int(shape[4:])
    if kind not in ("text", "tail") or not 0 <= number < len(_ALPHABETS):
        raise ValueError("unknown shape")
    start = _readable_length(masked) if kind == "tail" else 0
    return masked[:start] + _shift(masked[start:], _ALPHABETS[number], key, -1)


def _readable_length(token: str) -> int:
    """Return how many characters of a JOSE token stay readable: garbled JSON would distinguish a wrong credential from the right one."""
    if not token.startswith("eyJ"):
        return 0
    return (token.rfind(".") if token.count(".") == 2 else token.find(".")) + 1


def _signature(token: str) -> bytes | None:
    """Return the signature of a JWT, if its base64url form is the canonical one; a token of any other kind has none."""
    parts = token.split(".")
    if len(parts) != 3 or not parts[0].startswith("eyJ") or not parts[2]:
        return None
    try:
        raw = base64.urlsafe_b64decode(parts[2] + "=" * (-len(parts[2]) % 4))
    except (binascii.Error, ValueError):
        return None
    return raw if _base64url(raw) == parts[2] else None


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _xor(raw: bytes, key: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(raw, keystream(key, len(raw))))


def _shift(text: str, alphabet: str, key: bytes, direction: int) -> str:
    """Shift each letter and digit within the alphabet by the key stream; other characters stay."""
    stream = keystream(key, 4 * len(text))
    position = {character: index for index, character in enumerate(alphabet)}
    shifted = []
    for index, character in enumerate(text):
        step = int.from_bytes(stream[4 * index : 4 * index + 4], "big")
        shifted.append(alphabet[(position[character] + direction * step) % len(alphabet)] if character in position else character)
    return "".join(shifted)
