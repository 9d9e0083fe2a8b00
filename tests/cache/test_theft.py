# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a thief has of a cache, without its key and with it; and a caller with another secret."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cache.herd import errors, herd, values
from cache.lab import Host, later
from emulator.accounts import accounts
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache import files
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.crypto import CacheKey, mask
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.records import CachedToken, CacheEntry

Measured = Callable[[str, Any], None]
GUESSES = 300_000


def filled(host: Host) -> list[str]:
    """A cache with tokens, refusals and codes in it; returns the tokens."""
    names = ("vss", "vss_mfa", "rackcorp", "rackcorp_2fa", "netography")
    (tokens,) = values(herd(1, lambda _number: [host.token(name) for name in names]))
    errors(herd(1, lambda _number: host.token("vss", password="not the password")))
    return list(tokens)


def test_the_directory_alone(host: Host, measured: Measured) -> None:
    """Fails when an entry is not sealed, or when a name tells whose it is."""
    tokens = filled(host)
    stolen = b"".join(path.name.encode() + b"\0" + path.read_bytes() for path in host.directory.iterdir())
    words = {value for account in accounts().values() for value in account.values()} | set(tokens) | {part for token in tokens for part in token.split(".")}
    words |= {host.emulator.url(system) for system in ("vss", "rackcorp", "netography")} | {"127.0.0.1", "vss", "rackcorp", "netography", "credentials"}
    forms = {form for word in words if len(word) > 2 for form in spellings(word)}
    found = [one for one in forms if one.encode() in stolen]
    measured("theft.words_looked_for", len(forms))
    measured("theft.words_found", len(found))
    assert not found
    # The key is not there either, and nothing that opens the seal.
    key = files.load_key(str(host.key_path))
    assert key is not None
    assert key not in stolen


def stolen_entries(host: Host) -> dict[str, CacheEntry]:
    """What a thief with the directory and the key can open."""
    key = CacheKey(files.load_key(str(host.key_path)) or b"")
    return {path.name: entry for path in host.entries() if (entry := CacheEntry.from_json(key.unseal(path.name, path.read_bytes())))}


def test_the_directory_with_its_key(host: Host, measured: Measured) -> None:
    """Fails when more than 16 bits about a credential are stored: a longer tag, a second one, or a token whose form gives a wrong guess away."""
    token = host.token("vss")
    with later(2):
        errors(herd(1, lambda _number: host.token("vss", password="wrong", otp="123456")))
    host.emulator.fault({"system": "vss", "action": "status", "status": 401, "json": {"error": "x", "message": "y"}, "match": {"login": True}})
    errors(herd(1, lambda _number: host.task("vss").token(refresh=True)))
    ((_name, entry),) = stolen_entries(host).items()
    assert entry.principal == "vsskey1"
    assert len(entry.failures) == 2
    key = CacheKey(files.load_key(str(host.key_path)) or b"")
    assert entry.token is not None
    cached = entry.token
    right = host.task("vss").account.credential
    # Every fingerprint that the entry holds is one of few values: what was stored twice says nothing new.
    fingerprints = {cached.fingerprint, *(failure.scope.dependency for failure in entry.failures)}
    assert fingerprints == {key.fingerprint16(right), key.fingerprint16(("wrong", ""))}
    assert max(key.fingerprint16((str(number),)) for number in range(1000)) < 1 << 16

    def survives(credential: tuple[str, ...]) -> bool:
        return cached.fingerprint == key.fingerprint16(credential)

    survivors = [guess for guess in (f"Guess-{number}" for number in range(GUESSES)) if survives((guess, ""))]
    expected = GUESSES / 65536
    assert survives(right)
    assert abs(len(survivors) - expected) < 6 * math.sqrt(expected)
    revealed = [seen(cached, key, (guess, "")) for guess in survivors]
    assert token not in revealed
    assert all(is_well_formed(one, token) for one in revealed)
    assert seen(cached, key, right) == token
    measured("theft.guesses", GUESSES)
    measured("theft.guesses_that_survive", len(survivors))
    measured("theft.expected_survivors", expected)


def seen(cached: CachedToken, key: CacheKey, credential: tuple[str, ...]) -> str:
    return key.unmask(cached.shape, cached.masked, credential, cached.salt)


def is_well_formed(one: str, like: str) -> bool:
    """Whether a token could be a true one: the same header and claims, a signature of the same length."""
    return one.rsplit(".", 1)[0] == like.rsplit(".", 1)[0] and len(one) == len(like) and mask(one, b"k")[0] == "jwt"


def test_no_entry_holds_anything_else_about_a_secret(host: Host) -> None:
    """Fails when a secret, a token or a hash of one in any common spelling is in an opened entry."""
    tokens = filled(host)
    opened = "".join(json.dumps(entry.to_json()) for entry in stolen_entries(host).values())
    secrets = [value for account in accounts().values() for name, value in account.items() if name not in ("username", "shortname", "appname", "api_uuid")]
    for secret in (*secrets, *tokens, *(token.rsplit(".", 1)[-1] for token in tokens)):
        for spelling in spellings(secret):
            assert spelling not in opened
        for digest in hashes(secret):
            assert digest not in opened


def spellings(word: str) -> set[str]:
    """A word as it is, and as URLs, JSON, base64 and a dump write it."""
    raw = word.encode()
    return {word, quote(word, safe=""), json.dumps(word)[1:-1], base64.b64encode(raw).decode().rstrip("="), raw.hex()}


def hashes(secret: str) -> list[str]:
    import hashlib

    return [hashlib.new(name, secret.encode()).hexdigest() for name in ("md5", "sha1", "sha256", "sha512")]


def test_a_caller_with_another_secret(host: Host, emulator: Emulator, measured: Measured) -> None:
    """Fails when a token is handed to whoever asks for the identity, or when the wrong caller's failure costs the right one its token."""
    token = host.token("vss")
    assert len(errors(herd(8, lambda _number: host.token("vss", password="another")))) == 1
    assert emulator.logins("vss") == 2
    assert host.token("vss") == token
    assert emulator.logins("vss") == 2
    measured("other_secret.tokens_handed_out", 0)


def test_a_copied_entry_opens_nowhere_else(host: Host, emulator: Emulator, tmp_path: Path) -> None:
    """Fails when entries are sealed with a key that is the same on every machine."""
    host.token("vss")
    other = Host(emulator, tmp_path / "other")
    other.token("netography")
    (entry,) = host.entries()
    (other.directory / entry.name).write_bytes(entry.read_bytes())
    (other.directory / entry.name).chmod(0o600)
    other.token("vss")
    assert emulator.logins("vss") == 2


def test_a_given_key_is_not_written_down(host: Host, emulator: Emulator) -> None:
    """Fails when the option ``cache_key`` ends in a file, or when another key opens the entries."""
    host.key = "a key from a vault"
    host.token("vss")
    host.token("vss")
    assert emulator.logins("vss") == 1
    assert not host.key_path.exists()
    assert not [path for path in host.root.rglob("*") if path.is_file() and b"a key from a vault" in path.read_bytes()]
    host.key = "another key"
    host.token("vss")
    assert emulator.logins("vss") == 2
