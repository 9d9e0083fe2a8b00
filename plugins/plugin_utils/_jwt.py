# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JWTs in templates: whatever a template hands over, and errors that never quote it. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from jinja2 import Undefined

from ..module_utils.auth.option import plain
from ..module_utils.auth.token import jwt_claims, numeric_date


def claims_of(token: t.Any, plugin: str) -> dict[str, t.Any]:
    """The claims, not verified. Raises `AnsibleFilterError`."""
    if isinstance(token, Undefined):
        # Before core 2.19 it gets here, and says itself what is undefined when it is used.
        str(token)
    # A vaulted variable is a sequence of characters, but not a `str`, before core 2.19.
    if isinstance(token, (list, tuple, bytes)) or not isinstance(token, t.Sequence):
        raise AnsibleFilterError(f"apiauth.tokens.{plugin} takes a JWT, as a string")
    try:
        return jwt_claims(plain(token) if isinstance(token, str) else str(token))
    except ValueError as failure:
        raise AnsibleFilterError(f"apiauth.tokens.{plugin}: {failure}") from None


def expiry_of(token: t.Any, plugin: str) -> float | None:
    """The claim `exp` in epoch seconds, `None` where there is none. Raises `AnsibleFilterError`."""
    try:
        return numeric_date(claims_of(token, plugin), "exp")
    except ValueError as failure:
        raise AnsibleFilterError(f"apiauth.tokens.{plugin}: {failure}") from None
