# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sealing, names, fingerprints and the masking of tokens under one key."""

from __future__ import annotations

import base64
import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.crypto import CacheKey, keystream, mask, pack, unmask

KEY = b"k" * 32
HEAD = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0"
SIGNATURE = base64.urlsafe_b64encode(bytes(range(32))).decode().rstrip("=")


@settings(deadline=None)
@given(st.text(max_size=200), st.binary(min_size=1, max_size=64))
def test_any_token_comes_back(token: str, key: bytes) -> None:
    """Fails when masking and unmasking are not inverse."""
    shape, masked = mask(token, key)
    assert unmask(shape, masked, key) == token


@pytest.mark.parametrize(
    ("token", "form"),
    [
        (f"{HEAD}.{SIGNATURE}", re.escape(HEAD) + r"\.[\w-]{43}"),
        # A last sign whose spare bits are set is no canonical base64url.
        (f"{HEAD}.{SIGNATURE[:-1]}9", re.escape(HEAD) + r"\.[0-9A-Za-z]{43}"),
        (f"{HEAD}.{SIGNATURE}.x.y.z", r"eyJhbGciOiJIUzI1NiJ9\.[\w-]+\.[\w-]{43}\.\w\.\w\.\w"),
        ("0123456789abcdef" * 2, r"[0-9a-f]{32}"),
        ("0123456789ABCDEF" * 2, r"[0-9A-F]{32}"),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", r"[0-9A-Z]{32}"),
        ("abcdefghijklmnopqrstuvwxyz-012345", r"[0-9a-z]{26}-[0-9a-z]{6}"),
        ("aB3-" * 8, r"([0-9A-Za-z]{3}-){8}"),
        ("31415926535897932384", r"\d{20}"),
    ],
)
def test_a_wrong_key_gives_a_token_of_the_same_form(token: str, form: str) -> None:
    """Fails when a wrong credential can be told from the right one by the form of what comes out."""
    shape, masked = mask(token, b"right")
    assert re.fullmatch(form, masked)
    for number in range(50):
        wrong = unmask(shape, masked, b"wrong%d" % number)
        assert re.fullmatch(form, wrong)
        assert wrong != token
        assert mask(wrong, b"x")[0].rstrip(string.digits) in (shape.rstrip(string.digits), "jwt")


@pytest.mark.parametrize("shape", ["", "text", "text6", "text-1", "tail99", "jwt2", "x0"])
def test_an_unknown_shape(shape: str) -> None:
    """Fails when a record of another release is taken for one of this."""
    with pytest.raises(ValueError):
        unmask(shape, "abc", b"key")


@settings(deadline=None)
@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_packing_keeps_parts_apart(one: list[str], other: list[str]) -> None:
    """Fails when parts are joined without their lengths."""
    assert (pack(one) == pack(other)) == (one == other)


def test_the_key_stream() -> None:
    """Fails when two places of a long token are masked with the same bytes."""
    stream = keystream(b"key", 10_000)
    assert len(stream) == 10_000
    assert len({stream[at : at + 32] for at in range(0, 9_984, 32)}) == 312
    assert keystream(b"key", 5) == stream[:5]


def test_what_is_sealed_opens_under_its_own_key_and_name_only() -> None:
    """Fails when the key or the name is not part of what is authenticated."""
    blob = CacheKey(KEY).seal("name", {"a": [1, None, "ä"]})
    assert CacheKey(KEY).unseal("name", blob) == {"a": [1, None, "ä"]}
    assert CacheKey(KEY).unseal("other", blob) is None
    assert CacheKey(b"another").unseal("name", blob) is None
    assert CacheKey(KEY).unseal("name", b"") is None
    assert CacheKey(KEY).unseal("name", blob[:11]) is None


def test_the_same_entry_never_looks_the_same() -> None:
    """Fails when a nonce is used twice."""
    assert len({CacheKey(KEY).seal("name", {}) for _again in range(100)}) == 100


def test_names_and_fingerprints() -> None:
    """Fails when they depend on the process, mix up their parts, or are longer than promised."""
    key = CacheKey(KEY)
    assert key.entry_name(("vss", "user")) == CacheKey(KEY).entry_name(("vss", "user")) != key.entry_name(("vssu", "ser"))
    assert len(key.entry_name(("x",))) == 32
    assert key.fingerprint16(("secret",)) == CacheKey(KEY).fingerprint16(("secret",))
    assert 0 <= key.fingerprint16(("secret",)) < 65536
    assert key.fingerprint16(("secret",)) != CacheKey(b"another").fingerprint16(("secret",))
    assert key.mask("0123456789" * 4, ("secret",), "salt") != key.mask("0123456789" * 4, ("secret",), "pepper")
    assert "k" * 8 not in repr(key)
