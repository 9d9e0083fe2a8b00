# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep secrets out of what is shown: mask them in texts that quote a server."""

from __future__ import annotations

import re
import threading
import typing as t

from .encodings import SHORTEST, Needles, encodings

if t.TYPE_CHECKING:
    from .secret_search import Span

MASK = "********"
# Characters of a text that are searched before some of it is quoted: far more than are shown.
_SEARCHED = 65536
# So many at their end are never shown, because a secret may be cut off there, and what is cut off is not found.
_EDGE = 8192


class Redactor:
    """The secrets of one task. It may be used by several threads, and shows nothing of them when it is printed."""

    def __init__(self, secrets: t.Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._secrets: tuple[str, ...] = ()
        # Made when they are first needed. They live no longer than the task.
        self._encodings: dict[str, frozenset[str]] = {}
        self._needles: dict[str, Needles] = {}
        self.add(*secrets)

    def __repr__(self) -> str:
        return "<Redactor>"

    def __reduce__(self) -> t.NoReturn:
        raise TypeError("a Redactor holds secrets and cannot be stored")

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets, in the order in which they were added."""
        return self._secrets

    def add(self, *secrets: str | None) -> None:
        """Add secrets; empty ones are ignored."""
        with self._lock:
            self._secrets = tuple(dict.fromkeys((*self._secrets, *(secret for secret in secrets if secret))))

    def clean(self, text: str) -> str:
        """Return a text in which a mask replaces every secret: the known ones in every encoding, JWTs, private keys, and what is secret by its name."""
        return self._mask(text, self._spans(text))

    def quote(self, text: str, max_length: int) -> str:
        """Return the beginning of a server's text in one line, for a message: cleaned, printable, at most `max_length` characters."""
        searched = text[:_SEARCHED]
        spans = self._spans(searched)
        if len(searched) < len(text):
            spans.append((_SEARCHED - _EDGE, _SEARCHED))
        words = " ".join(self._mask(searched, spans).split())
        shown = "".join(character if character.isprintable() else "?" for character in words)
        return shown if len(shown) <= max_length else shown[: max_length - 1] + "\u2026"

    def finds(self, text: str) -> bool:
        """Return whether a text holds one of the secrets in any encoding; those of less than four characters are not searched for."""
        for secret in self._secrets:
            if len(secret) >= SHORTEST:
                needles = self._needles.get(secret)
                if needles is None:
                    needles = self._needles[secret] = Needles(secret)
                if needles.found_in(text):
                    return True
        return False

    def _spans(self, text: str) -> list[Span]:
        # Imported here: a cached token quotes nobody, and the patterns take 3 ms to compile.
        from .secret_search import find_secrets

        return [*self._known(text), *find_secrets(text)]

    def _known(self, text: str) -> t.Iterator[Span]:
        """Find the known secrets."""
        for secret in self._secrets:
            forms = self._encodings.get(secret)
            if forms is None:
                forms = self._encodings[secret] = encodings(secret)
            for form in forms:
                if form in text:
                    # A very short secret would mask half of a sentence: only where it is a word.
                    pattern = re.escape(form) if len(form) >= SHORTEST else rf"(?<!\w){re.escape(form)}(?!\w)"
                    yield from (match.span() for match in re.finditer(pattern, text))

    @staticmethod
    def _mask(text: str, spans: list[Span]) -> str:
        parts: list[str] = []
        position = -1
        for begin, end in sorted(spans):
            if begin > position:
                # Secrets that overlap or touch become one mask, so that nothing of the longer one is left.
                parts += (text[max(position, 0) : begin], MASK)
            position = max(position, end)
        return "".join([*parts, text[max(position, 0) :]])
