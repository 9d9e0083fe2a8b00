# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a summary counts: logins, cached tokens, calls and waiting. Events hold no secret and nothing of a request or a reply."""

from __future__ import annotations

import typing as t

LOGIN = "login"
REFRESH = "refresh"
CACHED_TOKEN = "cached_token"
CALL = "call"
WAIT = "wait"


class Event(t.NamedTuple):
    """Something that happened at a system.

    `name` is one of the constants of this file, `seconds` how long it took, `error` the kind of the error that it ended with, if any,
    `call` the name of the call.
    """

    name: str
    seconds: float = 0.0
    error: str = ""
    call: str = ""


Observer = t.Callable[[Event], None]


def ignore(event: Event) -> None:
    """Count nothing."""
