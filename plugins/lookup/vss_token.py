# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: vss_token
short_description: Get a token for the API of the VSS / ITS Private Cloud
version_added: 1.0.0
description:
  - Returns a token. It is read from the cache if a valid one is there; otherwise one login serves all hosts, forks and runs.
  - The lookup logs in with a user's name and password, and with a one-time code if the account has multi-factor authentication.
extends_documentation_fragment:
  - apiauth.tokens.vss.plugin
  - apiauth.tokens.common.plugin
seealso:
  - module: apiauth.tokens.vss_api
author:
  - apiauth.tokens contributors (@apiauth)
"""

EXAMPLES = r"""
# The account is in the variables vss_username and vss_password, or in the environment variables VSS_USER and VSS_USER_PASS.
- name: Call the API with another module
  ansible.builtin.uri:
    url: "{{ vss_api_url | default('https://cloud-api.eis.utoronto.ca') }}/v2/vm"
    headers: "{{ lookup('apiauth.tokens.vss_token', output='headers') }}"
  no_log: true

- name: Use an account with multi-factor authentication
  ansible.builtin.set_fact:
    mfa_token: "{{ lookup('apiauth.tokens.vss_token', username=mfa_user, password=mfa_password, totp_secret=mfa_totp_secret) }}"
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
            from ..module_utils.auth.providers.vss import Vss
            from ..plugin_utils._lookup import run_lookup

        return run_lookup(Vss, self._templar, terms, variables or {}, kwargs)
