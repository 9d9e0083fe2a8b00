# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: whm_token
short_description: Get a short-lived API token for WHM
version_added: 1.0.0
description:
  - Returns an API token of a WHM account with only the privileges that you need, for a limited time. It is read from the cache if a valid one is there;
    otherwise it is created with the password of the account, or with O(token), once for all hosts, forks and runs.
  - Each combination of O(acls), O(all_privileges), O(ttl), O(whitelist_ips) and O(name_prefix) has a token of its own.
  - The name of a token consists of the prefix, the time and a random part, such as C(apiauth-20300131120000-1f2e3d4c). WHM keeps expired tokens, so
    whenever the lookup creates a token, it revokes all expired tokens whose names begin with the prefix and a dash.
  - Ansible evaluates lookups in check mode too, so a token may be created then.
  - The lookup does not notice if somebody revokes a cached token. Use O(refresh) once, or M(apiauth.tokens.token_cache), to get a new one.
options:
  acls:
    description:
      - The privileges of the token, such as V(list-accts). The account must have them.
      - One of O(acls) and O(all_privileges) is required.
    type: list
    elements: str
  all_privileges:
    description: Gives the token every privilege of the account that authenticates.
    type: bool
    default: false
  ttl:
    description: The lifetime of the token, in seconds. It is replaced in good time before it expires.
    type: int
    default: 3600
  whitelist_ips:
    description: The addresses and networks, IPv4 or IPv6, that the token may be used from. By default, any address may use it.
    type: list
    elements: str
  name_prefix:
    description: The beginning of the tokens' names, up to 26 letters, digits, dashes and underscores.
    type: str
    default: apiauth
  token:
    description:
      - An API token that creates the short-lived one, in place of O(password). It needs the privilege V(manage-api-tokens).
      - The lookup never returns this token itself.
extends_documentation_fragment:
  - apiauth.tokens.whm.plugin
  - apiauth.tokens.common.plugin
seealso:
  - module: apiauth.tokens.whm_api
  - module: apiauth.tokens.whm_api_token
  - module: apiauth.tokens.token_cache
author:
  - apiauth.tokens contributors (@apiauth)
"""

EXAMPLES = r"""
# The account is in the variables whm_host (or whm_api_url), whm_username and whm_password, or in the environment.
- name: List the accounts with a token that can do nothing else
  apiauth.tokens.whm_api:
    function: listaccts
    token: "{{ lookup('apiauth.tokens.whm_token', acls=['list-accts']) }}"

- name: Call the API with another module, with a ten-minute token for one address
  ansible.builtin.uri:
    url: "{{ whm_api_url | default('https://whm1.example.com:2087') }}/json-api/listaccts?api.version=1"
    headers: "{{ lookup('apiauth.tokens.whm_token', acls=['list-accts'], ttl=600, whitelist_ips=[my_address], output='headers') }}"
  no_log: true
"""

RETURN = r"""
_raw:
  description:
    - A list of one element. For O(output=token), it is the token; for O(output=headers), a dictionary of HTTP headers.
    - For O(output=details), it is a dictionary with V(token), V(headers), V(expires_at) (epoch seconds), V(provider), V(principal) (the account that
      the token belongs to) and V(from_cache).
  type: list
  elements: raw
"""

import typing as t

from ansible.plugins.lookup import LookupBase

from ..plugin_utils._bytecode import cached_bytecode


class LookupModule(LookupBase):
    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> list[t.Any]:
        with cached_bytecode():
            from ..module_utils.auth.providers.whm.mint import WhmMint
            from ..plugin_utils._lookup import run_lookup

        return run_lookup(WhmMint, self._templar, terms, variables or {}, kwargs)
