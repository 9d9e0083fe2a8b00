# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The broker's surroundings."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from engine.brokers import System


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    # Imported here: a conftest that is read before Ansible has set up its imports must not import the collection.
    from engine.brokers import Clock, System

    from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache import codes, store

    clock = Clock()
    monkeypatch.setattr(time, "time", clock.wall)
    monkeypatch.setattr(time, "clock_gettime", clock.since_boot)
    monkeypatch.setattr(time, "monotonic", clock.since_boot)
    monkeypatch.setattr(store, "_given", set())
    monkeypatch.setattr(codes, "_sent", set())
    return System(tmp_path, clock)
