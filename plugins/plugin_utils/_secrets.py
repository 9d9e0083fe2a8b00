# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tell ansible-core which texts are secret, where it can be told (core 2.22 and later)."""

from __future__ import annotations

import base64
from urllib.parse import quote

from . import _core

# Core refuses shorter ones.
MIN_LENGTH = 4


def register(*secrets: str) -> None:
    """Register secrets with their base64 and URL-encoded forms, because core matches whole texts."""
    if _core.register_secrets is None:
        return
    forms: set[str] = set()
    for secret in secrets:
        # As it is sent: bytes of the environment that are not UTF-8 stay as they are.
        raw = secret.encode("utf-8", "surrogateescape")
        forms.update((secret, quote(raw, safe=""), base64.b64encode(raw).decode("ascii")))
    _core.register_secrets([form for form in forms if len(form) >= MIN_LENGTH])
