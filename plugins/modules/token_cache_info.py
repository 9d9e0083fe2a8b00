#!/usr/bin/python
# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: token_cache_info
short_description: List cached tokens
version_added: 1.0.0
description:
  - Lists the entries of the token cache, without any secret.
  - The cache exists on the controller only, so it does not matter on which host the task runs. Use C(run_once).
  - The module only finds entries that can be decrypted with the current cache key.
options: {}
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
extends_documentation_fragment:
  - apiauth.tokens.common
  - apiauth.tokens.attributes
  - apiauth.tokens.attributes.group_all
seealso:
  - module: apiauth.tokens.token_cache
author:
  - apiauth.tokens contributors (@apiauth)
"""

EXAMPLES = r"""
- name: List cached tokens
  apiauth.tokens.token_cache_info:
  register: cache
  run_once: true

- name: Show rejected logins
  ansible.builtin.debug:
    msg: "{{ cache.entries | selectattr('state', 'eq', 'refused') }}"
  run_once: true
"""

RETURN = r"""
backend:
  description: Where tokens are cached, V(file), V(redis) or V(none).
  returned: success
  type: str
  sample: file
entries:
  description: The entries of the cache, sorted by system, address and account.
  returned: success
  type: list
  elements: dict
  contains:
    provider:
      description: The system.
      type: str
      returned: always
      sample: vss
    api_url:
      description: The base address of the system.
      type: str
      returned: always
      sample: https://cloud-api.eis.utoronto.ca
    principal:
      description: The account that the token belongs to.
      type: str
      returned: always
      sample: ops
    state:
      description:
        - V(fresh) for a token that is still used, V(refused) if the last login was rejected and must not be tried again yet, V(expired) for entries that
          are no longer usable.
      type: str
      returned: always
      sample: fresh
    expires_at:
      description: When the token expires, in epoch seconds; null if that is unknown.
      type: int
      returned: always
      sample: 1769817600
"""

from ansible_collections.apiauth.tokens.plugins.module_utils._cache_module import run_module
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import COMMON


def main() -> None:
    run_module(COMMON)


if __name__ == "__main__":
    main()
