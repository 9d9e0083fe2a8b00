# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions: a login answers with a path that begins with ``/cpsess``, and a cookie that belongs to it.

https://api.docs.cpanel.net/guides/guide-to-api-authentication/guide-to-api-authentication-single-sign-on
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from urllib.parse import quote, unquote

from ..issued import Clock
from ..served import Answer, ServedRequest

SESSION_PATH = re.compile(r"^(cpsess\d{10})/(.*)$")
LIFETIME = 6 * 3600.0
COOKIES = {"whostmgrd": "whostmgrsession", "cpaneld": "cpsession", "webmaild": "webmailsession"}


@dataclass
class Session:
    """One session: its user, the service it is for, its path and the value of its cookie."""

    user: str
    service: str
    path: str
    value: str
    expires: float


class Sessions:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sessions: dict[str, Session] = {}

    def open(self, user: str, service: str) -> Session:
        path = f"cpsess{secrets.randbelow(10**10):010d}"
        value = f"{user}:{secrets.token_urlsafe(12)}:{secrets.token_hex(16)}"
        session = Session(user, service, path, value, self._clock.now() + LIFETIME)
        self._sessions[value] = session
        return session

    def find(self, value: str) -> Session | None:
        session = self._sessions.get(value)
        return session if session is not None and self._clock.now() < session.expires else None

    def of(self, request: ServedRequest, service: str) -> Session | None:
        """Return the session of the request's cookie, or None."""
        found = re.search(rf"(?:^|;\s*){COOKIES[service]}=([^;]*)", request.headers.get("Cookie", ""))
        session = self.find(unquote(found.group(1))) if found else None
        return session if session is not None and session.service == service else None

    def revoke_all(self) -> int:
        count = len(self._sessions)
        self._sessions.clear()
        return count


def cookie(session: Session) -> dict[str, str]:
    return {"Set-Cookie": f"{COOKIES[session.service]}={quote(session.value, safe='')}; HttpOnly; path=/"}


def redirect(session: Session, mount: str) -> Answer:
    headers = {"Location": f"{mount}/{session.path}/", **cookie(session)}
    return Answer(301, b"<html><head><title>Moved</title></head></html>", "text/html", headers, reason="Moved")
