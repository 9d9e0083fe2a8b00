# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every emulated system is to the server around it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Generic, TypeVar

from .issued import Clock
from .served import Answer, ServedRequest


@dataclass
class Settings:
    """Settings that every system has; seconds that pass before a request (a login) is worked on."""

    delay: float = 0.0
    login_delay: float = 0.0


@dataclass(frozen=True)
class Description:
    """What a request asks for, known before it is worked on."""

    function: str
    login: bool = False


S = TypeVar("S", bound=Settings)


class System(ABC, Generic[S]):
    """One emulated API: its settings, its state, its answers."""

    name: ClassVar[str]
    # The first parts of the paths by which it is reached on the ports that all systems share, each also a port of its own.
    mounts: ClassVar[tuple[str, ...]] = ()
    settings_type: type[S]

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.reset()

    def reset(self) -> None:
        """Back to the state at the start."""
        self.settings = self.settings_type()
        self.clear()

    def change(self, values: dict[str, Any]) -> None:
        known = {field.name for field in fields(self.settings)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ValueError(f"{self.name} has no setting {', '.join(unknown)}; it has {', '.join(sorted(known))}")
        for name, value in values.items():
            setattr(self.settings, name, value)
        self.changed(values)

    def changed(self, values: dict[str, Any]) -> None:
        """Called after settings changed, for those that the state follows from."""
        del values

    def replays(self) -> int:
        """How often a one-time password came a second time."""
        return 0

    @abstractmethod
    def clear(self) -> None:
        """Forget tokens and data."""

    @abstractmethod
    def describe(self, request: ServedRequest) -> Description:
        """Name what is asked for; must not fail, whatever the request."""

    @abstractmethod
    def handle(self, request: ServedRequest) -> Answer:
        """Work on the request."""

    @abstractmethod
    def refusal(self) -> Answer:
        """How this system says that a token is not good."""

    @abstractmethod
    def error(self, status: int, message: str) -> Answer:
        """An HTTP error in this system's own shape."""

    @abstractmethod
    def revoke_all(self) -> int:
        """Make every token invalid; how many those were."""
