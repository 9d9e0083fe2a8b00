#!/usr/bin/python
# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: token_cache_info
short_description: Show what the token cache holds
version_added: 0.1.0
description:
  - Returns the entries of the token cache, without any secret. The cache is on the controller only, so it does not matter on which host the task runs.
  - Only entries that the key of the cache opens can be seen.
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
- name: Look into the cache
  apiauth.tokens.token_cache_info:
  register: cache
  run_once: true

- name: Show which logins were refused
  ansible.builtin.debug:
    msg: "{{ cache.entries | selectattr('state', 'eq', 'refused') }}"
  run_once: true
"""

RETURN = r"""
backend:
  description: Where tokens are kept. V(file), V(redis) or V(none).
  returned: success
  type: str
  sample: file
entries:
  description: What is in the cache, sorted by system, address and account.
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
      description: Who the token belongs to.
      type: str
      returned: always
      sample: ops
    state:
      description:
        - V(fresh) for a token that will be used, V(refused) where a login was refused and is not tried again yet, V(expired) for all that is of no use
          any more.
      type: str
      returned: always
      sample: fresh
    expires_at:
      description: When the token ends, in epoch seconds. It is null where that is not known.
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
