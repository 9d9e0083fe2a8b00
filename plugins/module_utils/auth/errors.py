# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one family of errors: `ApiError` and its kinds.

The engine raises nothing else on purpose. Plugins turn it into an `AnsibleError` or a failed result.
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

# A login that was rejected for one of these reasons will be rejected again until the user changes something.
DEFINITE = (CREDENTIALS, FORBIDDEN, INVALID_REQUEST, NOT_FOUND)


class ApiError(Exception):
    """What went wrong, in one sentence that a person can act on.

    An error is complete when it is raised, and nobody changes it afterwards: `replace` returns a changed copy. None of its texts holds a secret;
    whoever quotes a server cleans the quotation first (see `redact.Redactor`).

    :param kind: one of the constants of this module, which users find in `error.kind`.
    :param problem: what was wrong.
    :param hint: what to do about it.
    :param target: the system and its host (see `model.describe_target`).
    :param status: the HTTP status, if the server replied.
    :param code: the system's own code for the error.
    :param message: the system's own words.
    :param retry_after: seconds after which the system wants to be asked again.
    :param token_refused: another token may succeed.
    :param sent: the system may have received the request.
    :param changed: whether the system carried out a change all the same; `None` if that is not known.
    :param tries: the number of requests that were sent.
    """

    def __init__(
        self,
        kind: str,
        problem: str,
        hint: str = "",
        *,
        target: str = "",
        status: int | None = None,
        code: str | None = None,
        message: str | None = None,
        retry_after: float | None = None,
        token_refused: bool = False,
        sent: bool = False,
        changed: bool | None = None,
        tries: int = 0,
    ) -> None:
        self.kind = kind
        self.problem = problem
        self.hint = hint
        self.target = target
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.token_refused = token_refused
        self.sent = sent
        self.changed = changed
        self.tries = tries
        super().__init__(str(self))

    def __str__(self) -> str:
        sentence = f"{self.problem}; {self.hint}" if self.hint else self.problem
        return f"{self.target}: {sentence}" if self.target else sentence

    def __reduce__(self) -> t.Any:
        # Exceptions are pickled by their positional arguments alone.
        return _restore, (dict(vars(self)),)

    @property
    def definite(self) -> bool:
        """Whether the same request will fail in the same way until the user changes something."""
        return self.kind in DEFINITE

    def replace(self, **changes: t.Any) -> ApiError:
        """Return a copy of this error with other values for some of the constructor's parameters."""
        return _restore({**vars(self), **changes})

    def with_target(self, target: str) -> ApiError:
        """Return this error, naming `target` unless it names one already."""
        return self if self.target else self.replace(target=target)

    def as_result(self) -> dict[str, t.Any]:
        """Return the failure as a task's result; `error` has `code`, `message` and `retry_after` if they are known."""
        details = {"code": self.code, "message": self.message, "retry_after": self.retry_after}
        error = {"kind": self.kind, **{name: value for name, value in details.items() if value is not None}}
        return {"failed": True, "changed": bool(self.changed), "sent": self.sent, "tries": self.tries, "msg": str(self), "status": self.status, "error": error}


def _restore(values: dict[str, t.Any]) -> ApiError:
    return ApiError(**values)


def configuration_error(problem: str, hint: str = "") -> ApiError:
    """Return the error for options that cannot be used; it is raised before anything is sent."""
    return ApiError(CONFIGURATION, problem, hint)
