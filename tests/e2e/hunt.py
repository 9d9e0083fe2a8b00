# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for secrets in what was printed and written, whole or in part, in every spelling."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

# A piece of this many characters gives a secret away; pieces are looked for at every STEP-th place.
PIECE, STEP = 12, 4
JWT = re.compile(rb"eyJ[\w-]{8,}\.eyJ[\w-]{4,}")


def spellings(secret: str) -> set[str]:
    """Raw, as JSON, as JSON in JSON, as Python and as bytes in Python, in HTML, in an address, in hexadecimal, in base64 at each of its three phases."""
    raw = secret.encode()
    found = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], escape(secret), escape(secret, quote=False), raw.hex()}
    found |= {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    found |= {json.dumps(one)[1:-1] for one in list(found)} | {repr(one)[1:-1] for one in list(found)} | {repr(one.encode())[2:-1] for one in list(found)}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for phase in range(3):
            # Neither the first characters, which what stands before changes, nor the last, which what follows changes.
            found.add(encode(b"\0" * phase + raw).decode().rstrip("=")[(0, 2, 3)[phase] : -1])
    return found


def pieces(secret: str) -> Iterator[str]:
    for spelled in spellings(secret):
        if len(spelled) <= PIECE:
            yield spelled
        else:
            yield from (spelled[at : at + PIECE] for at in [*range(0, len(spelled) - PIECE, STEP), len(spelled) - PIECE])


class Hunt:
    """Secrets by name, and the places where they must not be."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._needles: dict[bytes, str] = {}
        for secret in secrets:
            self._needles.update({piece.encode(): secret for piece in pieces(secret)})

    def in_bytes(self, text: bytes, *, jwts: bool = True) -> list[str]:
        """The secrets that a text holds, each with what stands around it."""
        found = {secret: _around(text, text.index(needle)) for needle, secret in self._needles.items() if needle in text}
        told = [f"{secret!r} in {around!r}" for secret, around in found.items()]
        return told + [f"a JWT in {_around(text, one.start())!r}" for one in (JWT.finditer(text) if jwts else ())]

    def in_files(self, *directories: Path, but: Iterable[Path] = ()) -> list[str]:
        """The secrets in files' contents and names."""
        left_out = set(but)
        told = []
        for directory in directories:
            for path in sorted(directory.rglob("*")):
                if left_out & {path, *path.parents}:
                    continue
                told += [f"the name {path}: {one}" for one in self.in_bytes(str(path.relative_to(directory)).encode())]
                if path.is_file():
                    told += [f"{path}: {one}" for one in self.in_bytes(path.read_bytes())]
        return told


def _around(text: bytes, at: int) -> str:
    return text[max(0, at - 60) : at + 100].decode("utf-8", "replace")


def given_out(log: Iterable[dict[str, Any]]) -> set[str]:
    """Every token that came back to the emulator in a request, whoever it was given to."""
    found: set[str] = set()
    for record in log:
        scheme, _blank, value = record["headers"].get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            user, _colon, value = base64.b64decode(value).decode("utf-8", "replace").partition(":")
            found.add(value or user)
        elif scheme:
            found.add(value.partition(":")[2] if scheme.lower() == "whm" else value)
        found |= set(re.findall(r"JWTSESSIONID=([^;]+)", record["headers"].get("Cookie", "")))
        found |= set(re.findall(r'"(?:USERSESSIONID|jwt)": ?"([^"]+)"', record["body"]))
    return {one for one in found if len(one) > 5}
