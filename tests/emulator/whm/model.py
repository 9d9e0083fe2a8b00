# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What WHM can be set to, and what its functions are given and give back."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..served import Json
from ..system import Settings


@dataclass
class WhmSettings(Settings):
    """``version``: cPanel's major version. ``denial``: cpanelresult, html (a 401), or tfa (passwords meet the page for the second factor).

    ``version_shape``: what ``version`` answers, ``cpanelresult`` (a capture of 11.134) or ``metadata`` (cPanel's pages).
    ``ignored``: parameters that the functions in ``ignored_by`` pay no attention to, as older versions do.
    """

    version: int = 136
    version_shape: str = "cpanelresult"
    denial: str = "cpanelresult"
    acl_denial_status: int = 200
    times_as_strings: bool = False
    revoke_missing_ok: bool = True
    update_keeps_whitelist: bool = False
    hulk: bool = True
    hulk_ip_limit: int = 5
    hulk_account_limit: int = 15
    hulk_counts_tokens: bool = False
    accounts: int = 25
    ignored: list[str] = field(default_factory=list)
    ignored_by: list[str] = field(default_factory=lambda: ["api_token_create", "api_token_update"])


@dataclass
class Outcome:
    """What a function gives back: its data, the reason, and the text that accompanies it."""

    data: Json | None
    reason: str = "OK"
    raw: str | None = None
    extra: Json = field(default_factory=dict)


class Failed(Exception):
    """A function answers with result 0 and a reason."""
