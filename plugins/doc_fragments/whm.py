# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  host:
    description: The name or address of the server. O(api_url) takes its place.
    type: str
  port:
    description: The port of WHM, with TLS.
    type: int
    default: 2087
  api_url:
    description: The base address of the server. C(/json-api/) is below it. The default is made of O(host) and O(port).
    type: str
  username:
    description: The account that the token or the password belongs to, V(root) or a reseller.
    type: str
    default: root
  token:
    description: An API token of the account.
    type: str
  password:
    description:
      - The password of the account, for Basic authentication where there is no O(token).
      - It does not work for accounts with two-factor authentication.
    type: str
"""

    PLUGIN = r"""
options:
  host:
    vars: [{name: whm_host}]
    env: [{name: WHM_HOST}]
    ini: [{section: apiauth, key: whm_host}]
  port:
    vars: [{name: whm_port}]
    env: [{name: WHM_PORT}]
    ini: [{section: apiauth, key: whm_port}]
  api_url:
    vars: [{name: whm_api_url}]
    env: [{name: WHM_API_URL}]
    ini: [{section: apiauth, key: whm_api_url}]
  username:
    vars: [{name: whm_username}]
    env: [{name: WHM_USERNAME}]
    ini: [{section: apiauth, key: whm_username}]
  token:
    vars: [{name: whm_token}]
    env: [{name: WHM_API_TOKEN}]
  password:
    vars: [{name: whm_password}]
    env: [{name: WHM_PASSWORD}]
"""
