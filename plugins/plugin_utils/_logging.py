# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the engine logs, through Ansible's display."""

from __future__ import annotations

import logging

from ansible.utils.display import Display

display = Display()


class DisplayHandler(logging.Handler):
    """Show warnings as Ansible's warnings, progress as plain lines, and what the engine decides at `-vvv`."""

    def emit(self, record: logging.LogRecord) -> None:
        text = f"apiauth.tokens: {record.getMessage()}"
        if record.levelno >= logging.WARNING:
            display.warning(text)
        elif record.levelno >= logging.INFO:
            display.display(text)
        else:
            display.vvv(text)


def attach() -> None:
    """Send what the engine logs to Ansible's display."""
    logger = logging.getLogger("apiauth.tokens")
    if not logger.handlers:
        logger.addHandler(DisplayHandler())
        # Handlers of others, such as that of ANSIBLE_LOG_PATH, get it from the display already.
        logger.propagate = False
    logger.setLevel(logging.DEBUG if display.verbosity >= 3 else logging.INFO)
