# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_url:
    description: The base address of the API. C(/auth/request-token) is below it. The default is V(https://cloud-api.eis.utoronto.ca).
    type: str
  username:
    description: The name of the account.
    type: str
  password:
    description: The password of the account.
    type: str
  otp:
    description: A one-time code for an account with multi-factor authentication. O(totp_secret) needs no typing.
    type: str
  totp_secret:
    description:
      - The base32 key of the account's authenticator, from which one-time codes are computed.
      - No code is sent twice, also not by two processes. O(otp) and O(totp_secret) exclude each other.
    type: str
  token:
    description: A token that was made elsewhere. It is used as it is, and an expired one is an error.
    type: str
"""

    PLUGIN = r"""
options:
  api_url:
    vars: [{name: vss_api_url}]
    env: [{name: VSS_API_URL}, {name: VSS_ENDPOINT}]
    ini: [{section: apiauth, key: vss_api_url}]
  username:
    vars: [{name: vss_username}]
    env: [{name: VSS_USER}, {name: VSS_API_USER}]
    ini: [{section: apiauth, key: vss_username}]
  password:
    vars: [{name: vss_password}]
    env: [{name: VSS_USER_PASS}, {name: VSS_API_USER_PASS}]
  otp:
    vars: [{name: vss_otp}]
    env: [{name: VSS_USER_OTP}, {name: VSS_API_USER_OTP}]
  totp_secret:
    vars: [{name: vss_totp_secret}]
    env: [{name: VSS_TOTP_SECRET}]
  token:
    vars: [{name: vss_token}]
    env: [{name: VSS_TOKEN}, {name: VSS_API_TOKEN}]
"""
