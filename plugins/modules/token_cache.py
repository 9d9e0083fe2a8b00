#!/usr/bin/python
# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: token_cache
short_description: Remove cached tokens, and revoke them where the system can
version_added: 0.1.0
description:
  - Removes entries of the token cache, which is on the controller only. So it does not matter on which host the task runs, and once is enough.
  - Only entries that the key of the cache opens can be seen and removed.
options:
  state:
    description: Cached tokens shall not be there.
    type: str
    choices: [absent]
    default: absent
  provider:
    description: Removes entries of this system only.
    type: str
  expired_only:
    description: Removes only what is of no use any more. Tokens that are fresh stay, and so do refusals of a login that still stand.
    type: bool
    default: false
  revoke:
    description:
      - Whether tokens are also taken back at their system, before they are removed.
      - WHM's minted tokens and the tokens of VSS can be. WHM needs a credential of the same account that may manage tokens, VSS the one that the token was
        got with. Both come from the options below, or from the variables and the environment as everywhere.
      - The task fails if such a token could not be revoked, after it has seen to all others. That one stays in the cache, so that it can be tried again.
      - RackCorp and Netography have no way to revoke a token. Theirs are removed, and reported as not revoked.
    type: bool
    default: false
  host:
    description: The server, for O(provider=whm). Without O(host) and O(api_url), the credential is used where it was used before.
    type: str
  port:
    description: The port of the server, for O(provider=whm). The default is 2087.
    type: int
  api_url:
    description: The base address of the system.
    type: str
  username:
    description: The name of the account. The default for WHM is V(root).
    type: str
  token:
    description: A token that may manage tokens, for O(provider=whm).
    type: str
  password:
    description: The password of the account.
    type: str
  otp:
    description: For O(provider=vss), the one-time code with which the token was got.
    type: str
  totp_secret:
    description: For O(provider=vss), the base32 key of the account's authenticator.
    type: str
attributes:
  check_mode:
    support: full
    details: Nothing is revoked, and whether it could be is not known.
  diff_mode:
    support: none
  idempotent:
    support: full
extends_documentation_fragment:
  - apiauth.tokens.common
  - apiauth.tokens.attributes
  - apiauth.tokens.attributes.group_all
notes:
  - The options O(host) to O(totp_secret) are those of one system, so they need O(provider) and O(revoke).
seealso:
  - module: apiauth.tokens.token_cache_info
author:
  - apiauth.tokens contributors (@apiauth)
"""

EXAMPLES = r"""
- name: Forget all tokens
  apiauth.tokens.token_cache:
  run_once: true

- name: Take back what was minted at WHM, as the last task of a job
  apiauth.tokens.token_cache:
    provider: whm
    revoke: true
  run_once: true

- name: Tidy up
  apiauth.tokens.token_cache:
    expired_only: true
  run_once: true
"""

RETURN = r"""
removed:
  description: How many entries were removed, or would be in check mode.
  returned: success, and when a token could not be revoked
  type: int
  sample: 2
revoked:
  description: How many tokens were revoked.
  returned: success, and when a token could not be revoked
  type: int
  sample: 1
entries:
  description: What was seen to, without any secret.
  returned: success, and when a token could not be revoked
  type: list
  elements: dict
  contains:
    provider:
      description: The system.
      type: str
      returned: always
      sample: whm
    api_url:
      description: The base address of the system.
      type: str
      returned: always
      sample: https://whm1.example.com:2087
    principal:
      description: Who the token belongs to.
      type: str
      returned: always
      sample: root
    state:
      description: V(fresh), V(expired), or V(refused) where a login was refused and is not tried again yet.
      type: str
      returned: always
      sample: fresh
    expires_at:
      description: When the token ends, in epoch seconds. It is null where that is not known.
      type: int
      returned: always
      sample: 1769817600
    removed:
      description: Whether the entry is no longer in the cache.
      type: bool
      returned: always
      sample: true
    revoked:
      description: Whether the token was revoked. It is null where nothing was tried, or there was nothing left to revoke.
      type: bool
      returned: always
      sample: true
    reason:
      description: Why the token was not revoked.
      type: str
      returned: when it could not be
      sample: the system has no way to revoke a token before its end
"""

from ansible_collections.apiauth.tokens.plugins.module_utils._cache_module import CACHE_OPTIONS, SYSTEM_OPTIONS, run_module
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import COMMON


def main() -> None:
    run_module((*CACHE_OPTIONS, *SYSTEM_OPTIONS, *COMMON))


if __name__ == "__main__":
    main()
