# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What a call and its outcome are, whatever the system. Private to this collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Call:
    """One call as its system understands it; `name` is what a person calls it.

    `reads` says that it changes nothing, `secret` that its reply carries a secret, `wait` for how many seconds at most
    the system's own asynchronous request is followed until it ends (`None`: not at all). `member` holds the list that
    paging splits, as the first page told; without one it is the payload itself.
    """

    name: str
    method: str
    path: str
    query: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)
    body: t.Any = field(default=None, repr=False)
    reads: bool = False
    secret: bool = False
    all_pages: bool = False
    member: str | None = None
    wait: float | None = None

    def having(self, **changes: t.Any) -> Call:
        return replace(self, **changes)


@dataclass(frozen=True)
class Outcome:
    """What a reply meant: the payload, the rest of the envelope, the HTTP status and how often it was asked."""

    data: t.Any = field(repr=False)
    meta: dict[str, t.Any] = field(default_factory=dict, repr=False)
    status: int = 200
    tries: int = 1
    secret: bool = False
