# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When an API token expires, as a task may write it."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta, timezone

from ...errors import ApiError, configuration_error

# Epoch seconds outside of these are milliseconds, or a duration without its plus sign.
EARLIEST, LATEST = 1_000_000_000, 32_503_680_000
FORMS = "epoch seconds, a time such as 2030-01-31T12:00:00Z, a duration such as +30d, or never"
# No form takes more characters.
MAX_LENGTH = 60
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
# ISO 8601 in its basic and extended form; datetime.fromisoformat of Python 3.8 reads too few of them.
ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d+)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.IGNORECASE,
)


class Expiry(t.NamedTuple):
    """When a token expires: `at` in epoch seconds (0: never), or `after` so many seconds."""

    at: int = 0
    after: int = 0

    @classmethod
    def parse(cls, text: str) -> Expiry:
        """Return the expiry that a text stands for; a time without an offset is UTC. Raises a configuration error."""
        text = text.strip()
        if text.lower() in ("never", "0"):
            return cls()
        if len(text) > MAX_LENGTH:
            raise _error(f"must be {FORMS}")
        if re.fullmatch(r"\+(\d+[smhdw]?)+", text.lower()):
            after = sum(int(count) * UNITS[unit] for count, unit in re.findall(r"(\d+)([smhdw]?)", text.lower()))
            if not 0 < after < LATEST - EARLIEST:
                raise _error("must be after now and before the year 3000")
            return cls(after=after)
        at = int(float(text)) if re.fullmatch(r"\d{9,}(\.\d+)?|\d{1,7}(\.\d+)?", text) else _parse_iso(text)
        if at is None:
            raise _error(f"must be {FORMS}, and not {text!r}")
        if not EARLIEST <= at <= LATEST:
            raise _error("is before 2001 or after 2999; give epoch seconds, not milliseconds, and a duration with its plus sign, such as +3600s")
        return cls(at=at)

    def check(self, now: float) -> None:
        """Raise a configuration error if the token would have expired already. `now` is in epoch seconds."""
        if self.at and self.at <= now:
            day = datetime.fromtimestamp(self.at, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
            raise _error(f"is {day}, which is in the past; give a later time, or use state absent to revoke the token")

    def moment(self, now: float) -> int | None:
        """Return the expiry in epoch seconds, `None` for never."""
        return int(now) + self.after if self.after else self.at or None

    def is_met_by(self, present: int | None, now: float) -> bool:
        """Return whether a token that expires at `present` needs no change.

        A duration is met while what is left of the token's life is about as long: a tenth of the duration more or less, and at least a minute (but
        at most half of it), so that a task does not change the token every time it runs.
        """
        if not self.after:
            return present == self.moment(now)
        tolerance = min(max(60.0, self.after / 10), self.after / 2)
        return present is not None and abs(present - now - self.after) <= tolerance


def _error(problem: str) -> ApiError:
    return configuration_error(f"expires_at {problem}")


def _parse_iso(text: str) -> int | None:
    match = ISO.fullmatch(text)
    if not match:
        return None
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
        zone = (match.group(7) or "Z").upper().replace(":", "")
        offset = timedelta() if zone == "Z" else timedelta(hours=int(zone[1:3]), minutes=int(zone[3:] or 0)) * (-1 if zone[0] == "-" else 1)
        return int((datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc) - offset).timestamp())
    except (ValueError, OverflowError):
        return None
