# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Netography's envelopes and errors (https://docs.netography.com/api-reference)."""

from __future__ import annotations

from typing import Any

from ..served import Answer, Json, json_answer


class Refused(Exception):
    """An error in the API's shape."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.name = name
        self.message = message


BAD_TOKEN = (401, "Unauthorized", "Access token is missing or invalid")
BAD_LOGIN = (401, "Unauthorized", "Missing or invalid credentials")
NOT_FOUND = (404, "NotFound", "Not found")
BAD_REQUEST = (400, "BadRequest", "The request is not valid")


def failure(status: int, name: str, message: str) -> Answer:
    return json_answer({"status": status, "name": name, "message": message}, status)


def answer_list(rows: list[Any], status: int = 200) -> Answer:
    return json_answer({"meta": {"code": status, "count": len(rows)}, "data": rows}, status)


def answer_object(row: Json, status: int = 200) -> Answer:
    return json_answer({"meta": {"code": status, "count": 1}, "data": row}, status)
