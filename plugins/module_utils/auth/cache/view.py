# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person may see of the cache, and what may be removed from it. Private to this collection."""

from __future__ import annotations

import typing as t

from ..option import Option
from ..systems import systems
from .record import Record, Stamp

STATES = FRESH, EXPIRED, REFUSED = ("fresh", "expired", "refused")
# By name, those that can take a token back.
REVOKING = {one.name: one for one in systems() if one.revocation is not None}


class Store(t.Protocol):
    """What of a store is needed here."""

    def records(self) -> list[tuple[str, Record]]:
        """Every entry that the key opens, with its name."""

    def remove(self, name: str) -> None:
        """Remove the entry of this name."""


def _own_options() -> tuple[Option, ...]:
    """The options of the systems that can revoke, as arguments of one task: the rest comes from where it always does."""
    found = {one.name: Option(one.name, one.type, secret=one.secret) for system in REVOKING.values() for one in system.options}
    return tuple(found.values())


SYSTEM_OPTIONS = _own_options()
CACHE_OPTIONS: tuple[Option, ...] = (
    Option("state", default="absent", choices=("absent",)),
    Option("provider", choices=tuple(one.name for one in systems())),
    Option("expired_only", "bool", default=False),
    Option("revoke", "bool", default=False),
)


def state_of(record: Record, now: Stamp) -> str:
    """Whether the token would be used, has come to its end, or a login was refused and nobody tries again yet."""
    if record.fresh(now):
        return FRESH
    return REFUSED if record.refused(now) else EXPIRED


def shown(record: Record, now: Stamp) -> dict[str, t.Any]:
    """An entry as a task's result has it."""
    ends = None if record.token is None else record.token["expires_at"]
    return {
        "provider": record.provider,
        "api_url": record.api_url,
        "principal": record.principal,
        "state": state_of(record, now),
        "expires_at": None if ends is None else int(ends),
    }


def sorted_records(store: Store | None) -> list[tuple[str, Record]]:
    """All entries in an order that does not depend on their names."""
    found = [] if store is None else store.records()
    return sorted(found, key=lambda one: (one[1].provider, one[1].api_url, one[1].principal, one[1].scope))
