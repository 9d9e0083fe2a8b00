# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one family of errors. Private to this collection.

The engine raises `AuthError` and nothing else on purpose; plugins turn it into an `AnsibleError` or a failed result.
"""

from __future__ import annotations

import typing as t

CREDENTIALS = "credentials"
FORBIDDEN = "forbidden"
RATE_LIMITED = "rate_limited"
NOT_FOUND = "not_found"
INVALID_REQUEST = "invalid_request"
SERVER = "server"
NETWORK = "network"
TLS = "tls"
PROTOCOL = "protocol"
CONFIGURATION = "configuration"

KINDS = (CREDENTIALS, FORBIDDEN, RATE_LIMITED, NOT_FOUND, INVALID_REQUEST, SERVER, NETWORK, TLS, PROTOCOL, CONFIGURATION)

# A login refused for one of these is refused again until the user changes something.
DEFINITE = (CREDENTIALS, FORBIDDEN, INVALID_REQUEST, NOT_FOUND)

# Characters of a system's own message that are kept.
LONGEST_MESSAGE = 2000


class AuthError(Exception):
    """What went wrong, told so that a person can act on it, without any secret.

    `text` says what was wrong and what to do; `where` (system and host) is set once, by `located`.
    `status` is the HTTP status, `code` and `message` are the system's own words, `retry_after` is in seconds.
    `token_refused` says that another token may cure it, `sent` that the system may have got the request, `changed` whether it took a
    change all the same (`None`: nobody knows).
    `said` are a server's words, which may hold anything: `located` puts them into the text, cleaned and at most
    `most` characters of them, and `advice` (what to do) after them.
    """

    def __init__(
        self,
        kind: str,
        text: str,
        *,
        status: int | None = None,
        code: str | None = None,
        message: str | None = None,
        retry_after: float | None = None,
        token_refused: bool = False,
        said: str = "",
        advice: str = "",
        most: int = 400,
    ) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text
        self.where = ""
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.token_refused = token_refused
        self.said = said
        self.advice = advice
        self.most = most
        self.sent = False
        self.changed: bool | None = None
        self.tries = 0

    def __str__(self) -> str:
        told = self._told(()) if self.said or self.advice else self.text
        return f"{self.where}: {told}" if self.where else told

    def _told(self, secrets: tuple[str, ...]) -> str:
        # Imported here: a cache hit never needs it.
        from .redact import clean, quoted

        said = quoted(self.said, secrets, self.most)
        return clean(self.text, secrets) + (f" ({said})" if said else "") + (f"; {self.advice}" if self.advice else "")

    @property
    def definite(self) -> bool:
        return self.kind in DEFINITE

    def located(self, where: str, secrets: t.Iterable[str] = ()) -> AuthError:
        """Name the system and host, and clean every text of the given secrets."""
        from .redact import quoted

        known = tuple(secrets)
        self.where = self.where or where
        self.text = self._told(known)
        self.said = self.advice = ""
        self.message = quoted(self.message, known, LONGEST_MESSAGE) if self.message else self.message
        self.code = quoted(self.code, known, LONGEST_MESSAGE) if self.code else self.code
        self.args = (str(self),)
        return self

    def copied(self) -> AuthError:
        """The same error once more, for another call that meets it."""
        other = AuthError(self.kind, self.text)
        vars(other).update(vars(self))
        other.args = self.args
        return other

    def as_result(self) -> dict[str, t.Any]:
        """The failure's part of a task's result."""
        detail: dict[str, t.Any] = {"kind": self.kind}
        for name in ("code", "message", "retry_after"):
            if getattr(self, name) is not None:
                detail[name] = getattr(self, name)
        return {"msg": str(self), "status": self.status, "error": detail}
