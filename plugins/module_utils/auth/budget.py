# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long one task may wait in all. Private to this collection."""

from __future__ import annotations

import threading
import time


class Budget:
    """The most that all waiting of one task may add up to, in seconds."""

    def __init__(self, seconds: float) -> None:
        self.left = max(0.0, seconds)
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> bool:
        """Wait that long if it is within the budget; `False` at once if it is not."""
        with self._lock:
            if seconds > self.left:
                return False
            self.left -= seconds
        time.sleep(seconds)
        return True
