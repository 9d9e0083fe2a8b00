# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python tests/emulator``: run the emulator until it is told to stop."""

from __future__ import annotations

import sys
from pathlib import Path
from zoneinfo import ZoneInfoNotFoundError

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

# Import name and name on PyPI of the libraries that the emulator needs.
LIBRARIES = {"aiohttp": "aiohttp", "cryptography": "cryptography", "jwt": "PyJWT", "trustme": "trustme", "tzdata": "tzdata"}


def main(argv: list[str]) -> int:
    try:
        from emulator.command import main as run
    except (ModuleNotFoundError, ZoneInfoNotFoundError) as error:
        name = error.name or "" if isinstance(error, ModuleNotFoundError) else "tzdata"
        missing = LIBRARIES.get(name.partition(".")[0])
        if missing is None:
            raise
        print(f"emulator: the Python library {missing} is missing. Install what the emulator needs with:", file=sys.stderr)
        print(f"    {sys.executable} -m pip install {' '.join(LIBRARIES.values())}", file=sys.stderr)
        return 2
    return run(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
