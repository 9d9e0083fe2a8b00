# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: netography_token
short_description: Get a token for the API of Netography (Vectra) Fusion
version_added: 1.0.0
description:
  - Returns a bearer token. It is read from the cache if a valid one is there; otherwise one login serves all hosts, forks and runs.
  - To log in, the lookup signs a JWT with the account's secret and exchanges it for a token.
extends_documentation_fragment:
  - apiauth.tokens.netography.plugin
  - apiauth.tokens.common.plugin
seealso:
  - module: apiauth.tokens.netography_api
author:
  - apiauth.tokens contributors (@apiauth)
"""

EXAMPLES = r"""
# NETOSECRET is in the variable netography_netosecret, or in the environment variable NETOSECRET.
- name: Call the API with another module
  ansible.builtin.uri:
    url: "{{ netography_api_url | default('https://api.netography.com/api/v1') }}/devices"
    headers: "{{ lookup('apiauth.tokens.netography_token', output='headers') }}"
  no_log: true

- name: Give the parts of NETOSECRET separately
  ansible.builtin.set_fact:
    netography_bearer: >-
      {{ lookup('apiauth.tokens.netography_token', shortname='acme', appname='automation', appkey=my_appkey, shared_secret=my_shared_secret) }}
  no_log: true
"""

RETURN = r"""
_raw:
  description:
    - A list of one element. For O(output=token), it is the token; for O(output=headers), a dictionary of HTTP headers.
    - For O(output=details), it is a dictionary with V(token), V(headers), V(expires_at) (epoch seconds; null if the system does not say),
      V(provider), V(principal) (the account that the token belongs to) and V(from_cache).
  type: list
  elements: raw
"""

import typing as t

from ansible.plugins.lookup import LookupBase

from ..plugin_utils._bytecode import cached_bytecode


class LookupModule(LookupBase):
    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> list[t.Any]:
        with cached_bytecode():
            from ..module_utils.auth.providers.netography import Netography
            from ..plugin_utils._lookup import run_lookup

        return run_lookup(Netography, self._templar, terms, variables or {}, kwargs)
