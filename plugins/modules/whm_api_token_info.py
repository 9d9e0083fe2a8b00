#!/usr/bin/python
# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: whm_api_token_info
short_description: List the API tokens of a WHM account
version_added: 0.1.0
description:
  - Returns the API tokens of the account that authenticates, in one form for every account and version of the server. WHM never tells a secret again.
options:
  names:
    description: Returns only tokens of these names. The default is all.
    type: list
    elements: str
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
extends_documentation_fragment:
  - apiauth.tokens.whm
  - apiauth.tokens.common
  - apiauth.tokens.attributes
  - apiauth.tokens.attributes.group_whm
seealso:
  - module: apiauth.tokens.whm_api_token
author:
  - apiauth.tokens contributors (@apiauth)
"""

EXAMPLES = r"""
# The credential is in the variable whm_token or whm_password, or in the environment variable WHM_API_TOKEN or WHM_PASSWORD.
- name: Look at all tokens
  apiauth.tokens.whm_api_token_info:
    host: whm1.example.com
  register: whm

- name: Name those that are valid for ever, from everywhere
  ansible.builtin.debug:
    msg: "{{ whm.api_tokens | rejectattr('expires_at') | rejectattr('whitelist_ips') | map(attribute='name') }}"
"""

RETURN = r"""
api_tokens:
  description: The tokens, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
      returned: always
      sample: inventory
    acls:
      description: The privileges that are granted, sorted.
      type: list
      elements: str
      returned: always
      sample: [acct-summary, list-accts]
    create_time:
      description: When it was created, in epoch seconds.
      type: int
      returned: always
      sample: 1767225600
    expires_at:
      description: When it ends, in epoch seconds. It is null for one that never does.
      type: int
      returned: always
      sample: 1769817600
    expired:
      description: Whether it has ended, by the server's clock. WHM refuses such a token, and keeps it until it is revoked.
      type: bool
      returned: always
      sample: false
    in_use:
      description:
        - Whether this task authenticates with it. None is in use where a password authenticates.
        - It is null where that cannot be known, as for tokens with the caller's own privileges on servers before version 98.
      type: bool
      returned: always
      sample: true
    whitelist_ips:
      description: The addresses and networks from which it may be used, in their shortest spelling. There is no limit where it is empty.
      type: list
      elements: str
      returned: always
      sample: [192.0.2.0/24, "2001:db8::/48"]
status:
  description: The HTTP status of the reply that the task failed on. It is null where there was none.
  returned: failure
  type: int
  sample: 403
error:
  description: What a failure was, for conditions. C(msg) says it in a sentence.
  returned: failure
  type: dict
  contains:
    kind:
      description:
        - One of V(credentials), V(forbidden), V(rate_limited), V(not_found), V(invalid_request), V(server), V(network), V(tls), V(protocol)
          and V(configuration).
      type: str
      returned: always
      sample: forbidden
    message:
      description: WHM's own words.
      type: str
      returned: when WHM gave some
    retry_after:
      description: After how many seconds the server would like to be asked again.
      type: float
      returned: when the server said so
"""

from ansible_collections.apiauth.tokens.plugins.module_utils._whm_module import run_module
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.manage import INFO


def main() -> None:
    run_module(INFO)


if __name__ == "__main__":
    main()
