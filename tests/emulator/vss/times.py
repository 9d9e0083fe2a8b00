# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as VSS writes them, in Toronto's time (https://github.com/EIS-ITS/vss-cli, docs/use.rst)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/Toronto")
FORMAT = "%Y-%m-%d %a %H:%M:%S"
OFFSETS = {"EST": "-0500", "EDT": "-0400"}


def stamp(when: float) -> str:
    """Return an epoch time as ``2020-04-21 Tue 02:10:03 EDT``."""
    return datetime.fromtimestamp(when, ZONE).strftime(f"{FORMAT} %Z")


def old_stamp(when: float) -> str:
    """Return an epoch time as it was written in 2016, without the weekday: ``2016-12-20 17:12:16 EST``."""
    return datetime.fromtimestamp(when, ZONE).strftime("%Y-%m-%d %H:%M:%S %Z")


def parse_stamp(text: str) -> float | None:
    """Return the epoch time of a stamp, or of ``YYYY-MM-DD[ HH:MM]`` in a filter, or None."""
    head, _blank, zone = text.rpartition(" ")
    if zone in OFFSETS:
        try:
            return datetime.strptime(f"{head} {OFFSETS[zone]}", f"{FORMAT} %z").timestamp()
        except ValueError:
            return None
    for layout in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, layout).replace(tzinfo=ZONE).timestamp()
        except ValueError:
            continue
    return None
