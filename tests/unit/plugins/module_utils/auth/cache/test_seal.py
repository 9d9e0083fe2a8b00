# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sealing: names, tags and contents under one key."""

from __future__ import annotations

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.seal import Seal

KEY = b"k" * 32


def test_what_is_sealed_opens_under_its_own_key_and_name_only() -> None:
    """Fails when the key or the name is not part of what is authenticated."""
    blob = Seal(KEY).close("name", {"a": [1, None, "ä"]})
    assert Seal(KEY).open("name", blob) == {"a": [1, None, "ä"]}
    assert Seal(KEY).open("other", blob) is None
    assert Seal(b"another").open("name", blob) is None
    assert Seal(KEY).open("name", b"") is None
    assert Seal(KEY).open("name", blob[:11]) is None


def test_the_same_record_never_looks_the_same() -> None:
    """Fails when a nonce is used twice."""
    assert len({Seal(KEY).close("name", {}) for _again in range(100)}) == 100


def test_names_and_tags() -> None:
    """Fails when they depend on the process, mix up their parts, or are longer than promised."""
    seal = Seal(KEY)
    assert seal.name(("vss", "user")) == Seal(KEY).name(("vss", "user")) != seal.name(("vssu", "ser"))
    assert len(seal.name(("x",))) == 32
    assert seal.tag(("secret",)) == Seal(KEY).tag(("secret",))
    assert 0 <= seal.tag(("secret",)) < 65536
    assert seal.tag(("secret",)) != Seal(b"another").tag(("secret",))
    assert seal.mask_key(("secret",), "salt") != seal.mask_key(("secret",), "pepper")
    assert "k" * 8 not in repr(seal)
