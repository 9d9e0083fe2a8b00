# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: rackcorp_jwt
"""

import typing as t

from ansible.plugins.lookup import LookupBase

from ..module_utils.auth.providers.rackcorp import RackCorp
from ..plugin_utils._lookup import looked_up

class LookupModule(LookupBase):
    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> list[t.Any]:
        return looked_up(RackCorp(), self, terms, variables, kwargs)
