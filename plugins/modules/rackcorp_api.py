#!/usr/bin/python
# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rackcorp_api
short_description: Call the RackCorp API
version_added: 0.1.0
description:
  - Makes one call to the API of RackCorp, or several, by command (O(cmd)) or by O(path).
  - The JWT that authenticates it is obtained once for all hosts, forks and runs, kept in the cache, and replaced when it is refused.
  - RackCorp says with HTTP 200 that a call was refused. Such a call fails here.
options:
  cmd:
    description: The command of a call to C(json.php), such as V(device.getall).
    type: str
  params:
    description: The arguments of O(cmd).
    type: dict
  path:
    description: The path of a call, below O(api_url), without a query. It takes the place of O(cmd).
    type: str
  method:
    description: The HTTP method of O(path).
    type: str
    choices: [GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS]
    default: GET
  query:
    description: The query of O(path).
    type: dict
  body:
    description: The body of O(path), sent as JSON.
    type: raw
  auth:
    description:
      - What authenticates the call. There is exactly one credential in a request.
      - V(bearer) is a JWT in the C(Authorization) header, V(cookie) the same JWT in the cookie C(JWTSESSIONID).
      - V(basic) is the API key itself in the C(Authorization) header, V(body) the same as C(APIUUID) and C(APISECRET) in the body.
      - V(session) is a session as C(USERSESSIONID) in the body, O(session_id) or one that is opened with O(username) and O(password).
      - V(basic) and V(body) work on the controller only, because credentials do not leave it.
    type: str
    choices: [bearer, cookie, basic, body, session]
    default: bearer
attributes:
  check_mode:
    support: full
    details: A call that reads is made, and one that changes something is not. See O(mutates).
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: A call that reads changes nothing. Of the others it depends on the system.
extends_documentation_fragment:
  - apiauth.tokens.rackcorp
  - apiauth.tokens.calls
  - apiauth.tokens.common
  - apiauth.tokens.attributes
  - apiauth.tokens.attributes.group_rackcorp
seealso:
  - plugin: apiauth.tokens.rackcorp_jwt
    plugin_type: lookup
author:
  - apiauth.tokens contributors (@apiauth)
"""

EXAMPLES = r"""
# The API key is in the variables rackcorp_api_uuid and rackcorp_api_secret,
# or in the environment variables RACKCORP_API_UUID and RACKCORP_API_SECRET.
- name: List all devices
  apiauth.tokens.rackcorp_api:
    cmd: device.getall
    all_pages: true
  register: devices

- name: Show a domain, by path
  apiauth.tokens.rackcorp_api:
    path: dns/domain
    query:
      name: example.com

- name: Add a DNS record
  apiauth.tokens.rackcorp_api:
    cmd: dns.record.create
    params:
      name: example.com
      type: A
      lookup: www2
      data: 192.0.2.11
      ttl: 300
  register: added

- name: Remove it again
  apiauth.tokens.rackcorp_api:
    path: dns/records/{{ added.data.data[0].id }}
    method: DELETE

- name: Several calls over the same connections
  apiauth.tokens.rackcorp_api:
    calls:
      - cmd: device.get
        params:
          id: "{{ devices.data.devices[0].deviceId }}"
      - cmd: device.get
        params:
          id: "{{ devices.data.devices[1].deviceId }}"
    concurrency: 2

- name: Open a session as a portal user with two-factor authentication
  apiauth.tokens.rackcorp_api:
    auth: session
    username: "{{ portal_user }}"
    password: "{{ portal_password }}"
    totp_secret: "{{ portal_totp_secret }}"
    cmd: device.getall

- name: Take a missing device as an answer
  apiauth.tokens.rackcorp_api:
    cmd: device.get
    params:
      id: 1
  register: device
  failed_when: device is failed and device.error.kind != 'not_found'
"""

RETURN = r"""
sent:
  description: Whether the call was sent. It is not in check mode, if it would change something.
  returned: always
  type: bool
  sample: true
status:
  description: The HTTP status.
  returned: when the system has replied
  type: int
  sample: 200
data:
  description: The reply without C(code), C(message) and C(debug).
  returned: success
  type: raw
  sample: {"matches": 1, "devices": [{"deviceId": 5001, "name": "server001.example.com"}]}
meta:
  description: The members C(code), C(message) and C(debug) of the reply, as far as they are there.
  returned: success
  type: dict
  sample: {"code": "OK", "message": "OK"}
tries:
  description: How many requests it took, all pages and repetitions together.
  returned: when something was sent
  type: int
  sample: 1
results:
  description: What came of each of O(calls), in their order.
  returned: with O(calls), also when some have failed
  type: list
  elements: dict
  contains:
    failed:
      description: Whether this call failed. Its RV(results[].msg), RV(results[].status) and RV(results[].error) say how.
      type: bool
      returned: always
    changed:
      description: Whether this call has changed something, or would have in check mode.
      type: bool
      returned: always
    sent:
      description: As RV(sent).
      type: bool
      returned: always
    status:
      description: As RV(status).
      type: int
      returned: when the system has replied
    data:
      description: As RV(data).
      type: raw
      returned: success
    meta:
      description: As RV(meta).
      type: dict
      returned: success
    tries:
      description: As RV(tries).
      type: int
      returned: when something was sent
    msg:
      description: What went wrong.
      type: str
      returned: failure
    error:
      description: As RV(error).
      type: dict
      returned: failure
error:
  description: What a failure was, for conditions. C(msg) says it in a sentence.
  returned: failure
  type: dict
  contains:
    kind:
      description:
        - One of V(credentials), V(forbidden), V(rate_limited), V(not_found), V(invalid_request), V(server), V(network), V(tls), V(protocol)
          and V(configuration).
      type: str
      returned: always
      sample: rate_limited
    code:
      description: The system's own code.
      type: str
      returned: when the system gave one
    message:
      description: The system's own words.
      type: str
      returned: when the system gave some
    retry_after:
      description: After how many seconds the system would like to be asked again.
      type: float
      returned: when the system said so
"""

from ansible_collections.apiauth.tokens.plugins.module_utils._call_module import run_module
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.rackcorp import RackCorp


def main() -> None:
    run_module(RackCorp)


if __name__ == "__main__":
    main()
