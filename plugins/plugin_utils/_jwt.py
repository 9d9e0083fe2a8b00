# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JWTs in templates: whatever a template passes, and errors that never quote it."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from jinja2 import Undefined

from ..module_utils._convert import untag
from ..module_utils.auth.jwt import decode_claims, numeric_date


def claims_of(token: t.Any, plugin: str) -> dict[str, t.Any]:
    """Return the claims, not verified. Raises `AnsibleFilterError`."""
    if isinstance(token, Undefined):
        # Before core 2.19 it arrives here, and raises an error that names what is undefined when it is used.
        str(token)
    # A vaulted variable is a sequence of characters, but not a `str`, before core 2.19.
    if isinstance(token, (list, tuple, bytes)) or not isinstance(token, t.Sequence):
        raise AnsibleFilterError(f"apiauth.tokens.{plugin} takes a JWT, as a string")
    try:
        return decode_claims(untag(token) if isinstance(token, str) else str(token))
    except ValueError as failure:
        raise AnsibleFilterError(f"apiauth.tokens.{plugin}: {failure}") from None


def expiry_of(token: t.Any, plugin: str) -> float | None:
    """Return the claim `exp` in epoch seconds, `None` if there is none. Raises `AnsibleFilterError`."""
    try:
        return numeric_date(claims_of(token, plugin), "exp")
    except ValueError as failure:
        raise AnsibleFilterError(f"apiauth.tokens.{plugin}: {failure}") from None
