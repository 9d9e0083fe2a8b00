# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VSS's asynchronous requests: a change is accepted, and its request is polled until it has ended."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..issued import Clock
from ..served import Json
from .limits import VssSettings
from .times import stamp

HUMAN = {
    "SUBMITTED": "Submitted",
    "PENDING": "Pending",
    "IN_PROGRESS": "In Progress",
    "PROCESSED": "Processed",
    "ERROR": "Error Processed",
    "ERROR_RETRY": "Error Retrying",
    "SCHEDULED": "Scheduled",
    "MISSED": "Missed",
    "APPROVAL_REQUIRED": "Approval Required",
    "APPROVED": "Approved",
    "REFUSED": "Refused",
    "CANCELLED": "Cancelled",
}
STEPS = ("PENDING", "IN_PROGRESS")
KINDS = ("change", "new", "inventory")


@dataclass
class Job:
    """What a request does once it has been looked at often enough. ``details`` are members of its own."""

    finish: Callable[[], Json]
    details: Json = field(default_factory=dict)


@dataclass
class AsyncRequest:
    number: int
    kind: str
    user: str
    created: float
    job: Job
    task_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    polls: int = 0
    updated: float = 0.0
    result: Json | None = None


class Requests:
    def __init__(self, clock: Clock, settings: Callable[[], VssSettings]) -> None:
        self._clock = clock
        self._settings = settings
        self._requests: dict[int, AsyncRequest] = {}

    def submit(self, kind: str, user: str, job: Job) -> AsyncRequest:
        number, now = 5001 + len(self._requests), self._clock.now()
        self._requests[number] = AsyncRequest(number, kind, user, now, job, updated=now)
        return self._requests[number]

    def find(self, kind: str, number: int, user: str) -> AsyncRequest | None:
        request = self._requests.get(number)
        return request if request is not None and request.kind == kind and request.user == user else None

    def rows(self, kind: str, user: str) -> list[Json]:
        """Return the requests of a kind as lists show them. Looking at a list does not count as a poll."""
        return [self.show(request) for request in self._requests.values() if request.kind == kind and request.user == user]

    def counts(self, user: str) -> Json:
        mine = [request.kind for request in self._requests.values() if request.user == user]
        return {kind: mine.count(kind) for kind in KINDS}

    def poll(self, request: AsyncRequest) -> Json:
        """Look at a request: pending first, then in progress, and after ``polls`` looks what the setting says."""
        request.polls += 1
        request.updated = self._clock.now()
        if request.polls > self._settings().polls and self._settings().final == "PROCESSED" and request.result is None:
            request.result = request.job.finish()
        return self.show(request)

    def status(self, request: AsyncRequest) -> str:
        settings = self._settings()
        if request.polls > settings.polls:
            return settings.final
        return STEPS[min(max(request.polls, 1), len(STEPS)) - 1]

    def spelled(self, status: str) -> str:
        return HUMAN.get(status, status) if self._settings().spelling == "human" else status

    def show(self, request: AsyncRequest) -> Json:
        status = self.status(request)
        errors = [] if status in STEPS else self._settings().errors
        return {
            "id": request.number,
            "status": self.spelled(status),
            "message": {"errors": errors, "warnings": []},
            "task_id": request.task_id,
            "created_on": stamp(request.created),
            "updated_on": stamp(request.updated),
            "user": {"username": request.user},
            **request.job.details,
            **(request.result or {}),
        }

    def accepted(self, base: str, kind: str, name: str, requests: list[AsyncRequest]) -> Json:
        """Return the data of a 202; with several requests the links, ids, statuses and tasks are lists."""
        several = len(requests) > 1

        def spread(values: list[Any]) -> Any:
            return values if several else values[0]

        return {
            "status": 202,
            "message": "Request has been accepted for processing",
            "name": name,
            "request": {
                "id": spread([request.number for request in requests]),
                "status": spread([self.spelled("PENDING") for _request in requests]),
                "task_id": spread([request.task_id for request in requests]),
            },
            "_links": {"request": spread([f"{base}/v2/request/{kind}/{request.number}" for request in requests])},
        }
