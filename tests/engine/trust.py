# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts as ansible-core marks them: from a play, or from a host."""

from __future__ import annotations

from typing import Any

from ansible import template
from ansible.release import __version__
from ansible.utils.unsafe_proxy import wrap_var

VERSION = tuple(int(number) for number in __version__.split(".")[:2])
# Core 2.19 and later marks the texts that may be templates; before, those that may not.
MARKS_TRUSTED = VERSION >= (2, 19)


def written(text: str) -> Any:
    """Return a text as core has it from a play."""
    return getattr(template, "trust_as_template", str)(text)


def reported(text: str) -> Any:
    """Return a text as core has it from the result of a module."""
    return text if MARKS_TRUSTED else wrap_var(text)
