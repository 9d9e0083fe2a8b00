# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep secrets out of texts that a server may have echoed. Private to this collection."""

from __future__ import annotations

import base64
import json
import re
import typing as t
from urllib.parse import quote, quote_plus

MASK = "********"
_JWT = re.compile(r"eyJ[\w-]{5,}\.[\w-]+\.[\w-]*")


def forms(secret: str) -> set[str]:
    """Every spelling in which a secret can come back: raw, JSON-escaped, URL-encoded, base64."""
    raw = secret.encode("utf-8", "surrogateescape")
    found = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret, safe=""), quote_plus(secret), quote(secret)}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(raw).decode("ascii")
        found.update((text, text.rstrip("="), quote(text, safe="")))
    return {form for form in found if form}


def clean(text: str, secrets: t.Iterable[str]) -> str:
    """`text` with every form of every secret, and every JWT, replaced by a mask; the longest form goes first."""
    found: set[str] = set()
    for secret in secrets:
        found |= forms(secret)
    for form in sorted(found, key=len, reverse=True):
        # A very short secret would blank half of a sentence: only where it stands as a word.
        pattern = re.escape(form) if len(form) > 3 else rf"(?<!\w){re.escape(form)}(?!\w)"
        text = re.sub(pattern, MASK, text)
    return _JWT.sub(MASK, text)


def holds(text: str, secrets: t.Iterable[str]) -> bool:
    """Whether a text holds one of the secrets in any form."""
    return any(form in text for secret in secrets if len(secret) > 3 for form in forms(secret))
