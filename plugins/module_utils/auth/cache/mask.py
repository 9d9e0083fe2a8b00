# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Masking: what of a token only the holder of the credential can read. Private to this collection.

The sealed record can be opened with the cache key. A token in it is masked once more with a key made from the credential,
and nothing tells a wrong credential from the right one: whatever is tried, a well-formed token comes out. So a thief who
has the cache and its key cannot test guesses of a password against it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import string
import typing as t

_DIGITS = string.digits
_ALPHABETS: tuple[str, ...] = (
    _DIGITS,
    _DIGITS + "abcdef",
    _DIGITS + "ABCDEF",
    _DIGITS + string.ascii_lowercase,
    _DIGITS + string.ascii_uppercase,
    _DIGITS + string.ascii_letters,
)


def pack(parts: t.Iterable[str]) -> bytes:
    """Parts as bytes so that different parts never give the same bytes."""
    encoded = [part.encode("utf-8", "surrogateescape") for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def keystream(key: bytes, length: int) -> bytes:
    """HKDF-Expand (RFC 5869) with SHA-256, without its limit of 255 blocks."""
    blocks = (hmac.digest(key, number.to_bytes(4, "big"), "sha256") for number in range((length + 31) // 32))
    return b"".join(blocks)[:length]


def hide(token: str, key: bytes) -> tuple[str, str]:
    """The token's shape and its masked text; `reveal` takes them back."""
    signature = _signature(token)
    if signature is not None:
        head = token.rsplit(".", 1)[0]
        return "jwt", f"{head}.{_encode(_xor(signature, key))}"
    clear = _clear_head(token)
    number = _smallest_alphabet(token[clear:])
    return f"{'tail' if clear else 'text'}{number}", token[:clear] + _shift(token[clear:], _ALPHABETS[number], key, 1)


def reveal(shape: str, masked: str, key: bytes) -> str:
    """The token, or a well-formed wrong one where the key is not the one it was hidden with. Raises `ValueError` on a shape that does not exist."""
    if shape == "jwt":
        signature = _signature(masked)
        if signature is None:
            raise ValueError("no JWT")
        return f"{masked.rsplit('.', 1)[0]}.{_encode(_xor(signature, key))}"
    number = int(shape[4:]) if shape[:4] in ("text", "tail") else -1
    if not 0 <= number < len(_ALPHABETS):
        raise ValueError("unknown shape")
    clear = _clear_head(masked) if shape[:4] == "tail" else 0
    return masked[:clear] + _shift(masked[clear:], _ALPHABETS[number], key, -1)


def _clear_head(token: str) -> int:
    """How much of a JOSE token stays as it is: JSON that came out garbled would tell a wrong credential from the right one."""
    if not token.startswith("eyJ"):
        return 0
    return (token.rfind(".") if token.count(".") == 2 else token.find(".")) + 1


def _signature(token: str) -> bytes | None:
    """The raw signature of a JWT whose encoding is the canonical one; every other token is text."""
    parts = token.split(".")
    if len(parts) != 3 or not parts[0].startswith("eyJ") or not parts[2]:
        return None
    try:
        raw = base64.urlsafe_b64decode(parts[2] + "=" * (-len(parts[2]) % 4))
    except (binascii.Error, ValueError):
        return None
    return raw if _encode(raw) == parts[2] else None


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _xor(raw: bytes, key: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(raw, keystream(key, len(raw))))


def _smallest_alphabet(token: str) -> int:
    used = {sign for sign in token if sign in _ALPHABETS[-1]}
    return next(number for number, alphabet in enumerate(_ALPHABETS) if used <= set(alphabet))


def _shift(text: str, alphabet: str, key: bytes, way: int) -> str:
    """Every letter and digit moved within its alphabet by the key stream; other signs stay, so the form of the text does too."""
    stream = keystream(key, 4 * len(text))
    place = {sign: index for index, sign in enumerate(alphabet)}
    moved = []
    for index, sign in enumerate(text):
        step = int.from_bytes(stream[4 * index : 4 * index + 4], "big")
        moved.append(alphabet[(place[sign] + way * step) % len(alphabet)] if sign in place else sign)
    return "".join(moved)
