# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: acme_token
short_description: Get a token for the Acme API
version_added: 0.2.0
description:
  - Returns a token. It is read from the cache if a valid one is there; otherwise one login serves all hosts, forks and runs.
extends_documentation_fragment:
  - apiauth.tokens.acme.plugin
  - apiauth.tokens.common.plugin
seealso:
  - module: apiauth.tokens.acme_api
author:
  - apiauth.tokens contributors (@apiauth)
"""

EXAMPLES = r"""
- name: Call the API with another module
  ansible.builtin.uri:
    url: "{{ acme_api_url }}/things"
    headers: "{{ lookup('apiauth.tokens.acme_token', output='headers') }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description: A list of one element, in the form that O(output) selects.
  type: list
  elements: raw
"""

import typing as t

from ansible.plugins.lookup import LookupBase

from ..plugin_utils._bytecode import cached_bytecode


class LookupModule(LookupBase):
    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> list[t.Any]:
        with cached_bytecode():
            from ..module_utils.auth.providers.acme import Acme
            from ..plugin_utils._lookup import run_lookup

        return run_lookup(Acme, self._templar, terms, variables or {}, kwargs)
