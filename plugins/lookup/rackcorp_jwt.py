# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: rackcorp_jwt
short_description: Get a JWT for the RackCorp API
version_added: 1.0.0
description:
  - Returns a JWT. It is read from the cache if a valid one is there; otherwise one login serves all hosts, forks and runs.
  - The lookup logs in with an API key, or with the name and password of a portal user.
extends_documentation_fragment:
  - apiauth.tokens.rackcorp.plugin
  - apiauth.tokens.common.plugin
seealso:
  - module: apiauth.tokens.rackcorp_api
author:
  - apiauth.tokens contributors (@apiauth)
"""

EXAMPLES = r"""
# The API key is in the variables rackcorp_api_uuid and rackcorp_api_secret,
# or in the environment variables RACKCORP_API_UUID and RACKCORP_API_SECRET.
- name: Call the API with another module
  ansible.builtin.uri:
    url: "{{ rackcorp_api_url | default('https://api.rackcorp.net/api/rest/v2.9') }}/json.php"
    method: POST
    body_format: json
    body:
      cmd: device.getall
    headers: "{{ lookup('apiauth.tokens.rackcorp_jwt', output='headers') }}"
  no_log: true

- name: Show when the token expires
  ansible.builtin.debug:
    msg: "{{ '%c' | ansible.builtin.strftime(rackcorp_details.expires_at) }}"
  vars:
    rackcorp_details: "{{ lookup('apiauth.tokens.rackcorp_jwt', output='details') }}"

- name: Log in as a portal user with two-factor authentication
  ansible.builtin.set_fact:
    portal_jwt: "{{ lookup('apiauth.tokens.rackcorp_jwt', login='password', username=portal_user, password=portal_password, totp_secret=portal_totp_secret) }}"
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
            from ..module_utils.auth.providers.rackcorp import RackCorp
            from ..plugin_utils._lookup import run_lookup

        return run_lookup(RackCorp, self._templar, terms, variables or {}, kwargs)
