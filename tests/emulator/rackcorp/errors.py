# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a RackCorp command fails."""

from __future__ import annotations


class Fault(Exception):
    """The command fails: a code, a message, and errors per field."""

    def __init__(self, message: str, code: str = "FAULT", fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.fields = fields or {}


def denied() -> Fault:
    return Fault("Access Denied", "ACCESS_DENIED")
