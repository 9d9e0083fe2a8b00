# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_url:
    description: The base address of the API. C(/auth/token) is below it. The default is V(https://api.netography.com/api/v1).
    type: str
  netosecret:
    description:
      - The NETOSECRET that the portal shows when an API key is made. It holds all of the options below, and O(api_url).
      - With or without padding, wrapped, and in the URL-safe alphabet it is the same. Single options win over what it holds.
    type: str
  appname:
    description: The name of the API key.
    type: str
  appkey:
    description: The key of the API key.
    type: str
  shortname:
    description: The short name of the account.
    type: str
  shared_secret:
    description: The secret of the account, with which the request for a token is signed.
    type: str
  token:
    description: A token that was made elsewhere. It is used as it is, and an expired one is an error.
    type: str
requirements:
  - PyJWT, on the controller
"""

    PLUGIN = r"""
options:
  api_url:
    vars: [{name: netography_api_url}]
    env: [{name: NETOGRAPHY_API_URL}]
    ini: [{section: apiauth, key: netography_api_url}]
  netosecret:
    vars: [{name: netography_netosecret}]
    env: [{name: NETOSECRET}]
  appname:
    vars: [{name: netography_appname}]
    env: [{name: NETOGRAPHY_APPNAME}]
    ini: [{section: apiauth, key: netography_appname}]
  appkey:
    vars: [{name: netography_appkey}]
    env: [{name: NETOGRAPHY_APPKEY}]
  shortname:
    vars: [{name: netography_shortname}]
    env: [{name: NETOGRAPHY_SHORTNAME}]
    ini: [{section: apiauth, key: netography_shortname}]
  shared_secret:
    vars: [{name: netography_shared_secret}]
    env: [{name: NETOGRAPHY_SHARED_SECRET}]
  token:
    vars: [{name: netography_token}]
    env: [{name: NETOGRAPHY_TOKEN}]
"""
