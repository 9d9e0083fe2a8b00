#!/usr/bin/python
# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: token_cache
short_description: Remove cached tokens and revoke them
version_added: 1.0.0
description:
  - Removes entries from the token cache and, with O(revoke=true), revokes their tokens at the system that issued them.
  - The cache exists on the controller only, so it does not matter on which host the task runs. Use C(run_once).
  - The module only finds entries that can be decrypted with the current cache key.
options:
  state:
    description: Removes cached tokens.
    type: str
    choices: [absent]
    default: absent
  provider:
    description: Only removes the tokens of this system.
    type: str
  expired_only:
    description: Only removes entries that are no longer usable. Keeps valid tokens, and rejected logins that must not be tried again yet.
    type: bool
    default: false
  revoke:
    description:
      - Revokes tokens at their system before it removes them from the cache.
      - This works for VSS, and for WHM tokens that P(apiauth.tokens.whm_token#lookup) created. WHM needs a credential of the same account that may manage
        tokens; VSS needs the credential that requested the token. Set it with the options below, or with the usual variables and environment variables.
      - If a token cannot be revoked, the task fails after it has processed the others. The token stays in the cache, so you can try again.
      - RackCorp and Netography cannot revoke tokens. Their tokens are only removed from the cache and reported as not revoked.
    type: bool
    default: false
  host:
    description: The server, for O(provider=whm). Without O(host) and O(api_url), each token is revoked at the server that issued it.
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
    description: An API token with the privilege to manage tokens, for O(provider=whm).
    type: str
  password:
    description: The password of the account.
    type: str
  otp:
    description: The one-time code that the token was requested with, for O(provider=vss).
    type: str
  totp_secret:
    description: The base32 key of the account's authenticator, for O(provider=vss).
    type: str
attributes:
  check_mode:
    support: full
    details: Nothing is removed or revoked. RV(revoked) stays 0, because only an attempt shows whether a token can be revoked.
  diff_mode:
    support: none
  idempotent:
    support: full
extends_documentation_fragment:
  - apiauth.tokens.common
  - apiauth.tokens.attributes
  - apiauth.tokens.attributes.group_all
notes:
  - The options O(host) to O(totp_secret) belong to one system, so they require O(provider) and O(revoke).
seealso:
  - module: apiauth.tokens.token_cache_info
author:
  - apiauth.tokens contributors (@apiauth)
"""

EXAMPLES = r"""
- name: Remove all tokens from the cache
  apiauth.tokens.token_cache:
  run_once: true

- name: Revoke the short-lived WHM tokens at the end of a job
  apiauth.tokens.token_cache:
    provider: whm
    revoke: true
  run_once: true

- name: Remove expired entries
  apiauth.tokens.token_cache:
    expired_only: true
  run_once: true
"""

RETURN = r"""
removed:
  description: The number of entries that were removed, or would be in check mode.
  returned: on success, and if a token could not be revoked or removed
  type: int
  sample: 2
revoked:
  description: The number of tokens that were revoked.
  returned: on success, and if a token could not be revoked or removed
  type: int
  sample: 1
entries:
  description: The entries processed, without any secret.
  returned: on success, and if a token could not be revoked or removed
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
      description: The account that the token belongs to.
      type: str
      returned: always
      sample: root
    state:
      description: V(fresh), V(expired), or V(refused) if the last login was rejected and must not be tried again yet.
      type: str
      returned: always
      sample: fresh
    expires_at:
      description: When the token expires, in epoch seconds; null if that is unknown.
      type: int
      returned: always
      sample: 1769817600
    removed:
      description: Whether the entry was removed from the cache, or would be in check mode.
      type: bool
      returned: always
      sample: true
    revoked:
      description: Whether the token was revoked; null if there was nothing to revoke, or if it was not attempted.
      type: bool
      returned: always
      sample: true
    reason:
      description: Why the token was not revoked, or not removed.
      type: str
      returned: if it could not be revoked or removed
      sample: the system has no way to revoke a token before it expires
"""

from ansible_collections.apiauth.tokens.plugins.module_utils._cache_module import CACHE_OPTIONS, SYSTEM_OPTIONS, run_module
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import COMMON


def main() -> None:
    run_module((*CACHE_OPTIONS, *SYSTEM_OPTIONS, *COMMON))


if __name__ == "__main__":
    main()
