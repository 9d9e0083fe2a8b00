# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credential types for AWX and the example project, as the collection ships them."""

from __future__ import annotations

from typing import Any

import yaml
from e2e.stage import COLLECTION

TYPES = COLLECTION / "extensions" / "awx" / "credential_types"
EXAMPLE = COLLECTION / "extensions" / "awx" / "example"
NAMES = sorted(path.stem for path in TYPES.glob("*.yml"))


def document(name: str) -> dict[str, Any]:
    """Return a shipped credential type."""
    content: dict[str, Any] = yaml.safe_load((TYPES / f"{name}.yml").read_text())
    return content
