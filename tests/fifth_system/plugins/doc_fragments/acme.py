# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_url:
    description: The base address of the API. C(/login) is below it. The default is V(https://api.acme.example/v1).
    type: str
  username:
    description: The name of the account.
    type: str
  password:
    description: The password of the account.
    type: str
  token:
    description: A token that was made elsewhere. It is used as it is.
    type: str
"""

    # For the lookup, together with the above: where else each option comes from. A secret has no place in ansible.cfg.
    PLUGIN = r"""
options:
  api_url:
    vars: [{name: acme_api_url}]
    env: [{name: ACME_API_URL}]
    ini: [{section: apiauth, key: acme_api_url}]
  username:
    vars: [{name: acme_username}]
    env: [{name: ACME_USERNAME}]
    ini: [{section: apiauth, key: acme_username}]
  password:
    vars: [{name: acme_password}]
    env: [{name: ACME_PASSWORD}]
  token:
    vars: [{name: acme_token}]
    env: [{name: ACME_TOKEN}]
"""
