# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demo prints: headings, aligned tables, and whether what was promised was seen."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Sequence

WIDTH = 100
BOLD, DIM, GREEN, RED = "1", "2", "32", "31"


class Report:
    """`expect` says what must hold; `failures` is what did not."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self._coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def say(self, text: str = "", style: str = "") -> None:
        print(f"\033[{style}m{text}\033[0m" if style and self._coloured else text, flush=True)

    def heading(self, title: str, about: str) -> None:
        self.say()
        self.say(title, BOLD)
        self.say(textwrap.fill(about, WIDTH, initial_indent="  ", subsequent_indent="  "), DIM)
        self.say()

    def quote(self, text: str) -> None:
        self.say(textwrap.fill(text, WIDTH, initial_indent="  > ", subsequent_indent="    "))

    def table(self, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Names to the left, numbers to the right."""
        cells = [[str(cell) for cell in row] for row in rows]
        widths = [max(len(row[column]) for row in (list(head), *cells)) for column in range(len(head))]

        def line(row: Sequence[str]) -> str:
            return "  " + "   ".join(cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(zip(row, widths, strict=True)))

        self.say(line(head), DIM)
        for row in cells:
            self.say(line(row))
        self.say()

    def expect(self, promise: str, wanted: object, found: object) -> None:
        good = wanted == found
        self.say(f"  {'ok' if good else 'NOT MET'}  {promise}" + ("" if good else f": {found}, expected {wanted}"), GREEN if good else RED)
        if not good:
            self.failures.append(promise)
