# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  api_url:
    description: The base address of the API. C(json.php) and C(customer/jsonwebtoken) are below it. The default is V(https://api.rackcorp.net/api/rest/v2.9).
    type: str
  api_uuid:
    description: The UUID of an API key. It is made in the portal, and may be limited to addresses.
    type: str
  api_secret:
    description: The secret of the API key.
    type: str
  username:
    description: The name of a portal user, in place of an API key.
    type: str
  password:
    description: The password of O(username).
    type: str
  otp:
    description: A one-time code for a user with two-factor authentication. O(totp_secret) needs no typing.
    type: str
  totp_secret:
    description:
      - The base32 key of the user's authenticator, from which one-time codes are computed.
      - No code is sent twice, also not by two processes. O(otp) and O(totp_secret) exclude each other.
    type: str
  token:
    description: A JWT that was made elsewhere. It is used as it is, and an expired one is an error.
    type: str
  session_id:
    description: A session that was opened elsewhere. It matters to P(apiauth.tokens.rackcorp_api#module) with O(ignore:auth=session) only.
    type: str
  login:
    description:
      - How a JWT is obtained, V(api_key) or V(password).
      - With V(auto) it is the API key where O(api_uuid) and O(api_secret) are both there, else O(username) and O(password).
    type: str
    choices: [auto, api_key, password]
    default: auto
  jwt_request_method:
    description: The HTTP method that asks for a JWT with an API key.
    type: str
    choices: [GET, POST]
    default: GET
"""

    PLUGIN = r"""
options:
  api_url:
    vars: [{name: rackcorp_api_url}]
    env: [{name: RACKCORP_API_URL}]
    ini: [{section: apiauth, key: rackcorp_api_url}]
  api_uuid:
    vars: [{name: rackcorp_api_uuid}]
    env: [{name: RACKCORP_API_UUID}, {name: RACKCORP_APIUUID}]
    ini: [{section: apiauth, key: rackcorp_api_uuid}]
  api_secret:
    vars: [{name: rackcorp_api_secret}]
    env: [{name: RACKCORP_API_SECRET}, {name: RACKCORP_APISECRET}]
  username:
    vars: [{name: rackcorp_username}]
    env: [{name: RACKCORP_USERNAME}]
    ini: [{section: apiauth, key: rackcorp_username}]
  password:
    vars: [{name: rackcorp_password}]
    env: [{name: RACKCORP_PASSWORD}]
  otp:
    vars: [{name: rackcorp_otp}]
    env: [{name: RACKCORP_OTP}]
  totp_secret:
    vars: [{name: rackcorp_totp_secret}]
    env: [{name: RACKCORP_TOTP_SECRET}]
  token:
    vars: [{name: rackcorp_token}]
    env: [{name: RACKCORP_TOKEN}]
  session_id:
    vars: [{name: rackcorp_session_id}]
    env: [{name: RACKCORP_SESSION_ID}]
  login:
    vars: [{name: rackcorp_login}]
    env: [{name: RACKCORP_LOGIN}]
    ini: [{section: apiauth, key: rackcorp_login}]
  jwt_request_method:
    vars: [{name: rackcorp_jwt_request_method}]
    env: [{name: RACKCORP_JWT_REQUEST_METHOD}]
    ini: [{section: apiauth, key: rackcorp_jwt_request_method}]
"""
