#!/usr/bin/python
# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: whm_api_token_info
short_description: List the API tokens of a WHM account
version_added: 1.0.0
description:
  - Lists the API tokens of the account that authenticates, in the same form for all kinds of accounts and versions of WHM.
  - The secrets of the tokens are not included. WHM shows a secret only once, when the token is created.
options:
  names:
    description: Only lists the tokens with these names. By default, all tokens are listed.
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
- name: List all tokens
  apiauth.tokens.whm_api_token_info:
    host: whm1.example.com
  register: whm

- name: Show tokens that never expire and may be used from any address
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
      description: The privileges of the token, sorted.
      type: list
      elements: str
      returned: always
      sample: [acct-summary, list-accts]
    create_time:
      description: When the token was created, in epoch seconds.
      type: int
      returned: always
      sample: 1767225600
    expires_at:
      description: When the token expires, in epoch seconds; null if it never does.
      type: int
      returned: always
      sample: 1769817600
    expired:
      description: Whether the token has expired, by the server's clock. WHM rejects expired tokens, but keeps them until they are revoked.
      type: bool
      returned: always
      sample: false
    in_use:
      description:
        - Whether this task authenticates with the token; always false if it authenticates with a password.
        - It is null if the server cannot tell, as for tokens with the caller's own privileges on servers before version 98.
      type: bool
      returned: always
      sample: true
    whitelist_ips:
      description: The addresses and networks that the token may be used from, in their shortest spelling. An empty list means any address.
      type: list
      elements: str
      returned: always
      sample: [192.0.2.0/24, "2001:db8::/48"]
status:
  description: The HTTP status of the reply that made the task fail; null if there was no reply.
  returned: failure
  type: int
  sample: 403
error:
  description: The cause of a failure, for conditions. C(msg) describes it in a sentence.
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
      description: WHM's own message.
      type: str
      returned: if WHM sent one
    retry_after:
      description: How many seconds the server asks to wait before the next request.
      type: float
      returned: if the server says so
"""

from ansible_collections.apiauth.tokens.plugins.module_utils._whm_module import run_module
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.manage import INFO


def main() -> None:
    run_module(INFO)


if __name__ == "__main__":
    main()
