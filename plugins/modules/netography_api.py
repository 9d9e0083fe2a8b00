#!/usr/bin/python
# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: netography_api
short_description: Call the API of Netography (Vectra) Fusion
version_added: 0.1.0
description:
  - Makes one call to the API of Netography Fusion, or several.
  - The bearer token is obtained once for all hosts, forks and runs, kept in the cache, and replaced when it is refused.
  - With O(mutates=auto), a C(POST) below C(search/), C(stats/) and C(intel/lookup/) is one that reads.
options:
  path:
    description: The path of a call, below O(api_url), without a query.
    type: str
  method:
    description: The HTTP method of the call.
    type: str
    choices: [GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS]
    default: GET
  query:
    description: The query of the call.
    type: dict
  body:
    description: The body of the call, sent as JSON.
    type: raw
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
  - apiauth.tokens.netography
  - apiauth.tokens.calls
  - apiauth.tokens.common
  - apiauth.tokens.attributes
  - apiauth.tokens.attributes.group_netography
seealso:
  - plugin: apiauth.tokens.netography_token
    plugin_type: lookup
author:
  - apiauth.tokens contributors (@apiauth)
"""

EXAMPLES = r"""
# NETOSECRET is in the variable netography_netosecret, or in the environment variable NETOSECRET.
- name: List the devices
  apiauth.tokens.netography_api:
    path: devices
  register: devices

- name: Search flows, all pages of them
  apiauth.tokens.netography_api:
    path: search/flow
    method: POST
    body:
      start: "{{ now().timestamp() | int - 3600 }}"
      end: "{{ now().timestamp() | int }}"
      search: dstport == 443
    all_pages: true
  register: flows

- name: Label an address
  apiauth.tokens.netography_api:
    path: labels/ips
    method: PUT
    body:
      ip: 192.0.2.7
      context: name
      labels: [web]

- name: Look at two devices over the same connections
  apiauth.tokens.netography_api:
    calls:
      - path: device/{{ devices.data[0].id }}
      - path: device/{{ devices.data[1].id }}
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
  description: The member C(data) of the reply, or the whole reply where there is none.
  returned: success
  type: raw
  sample: [{"id": 1, "name": "router1"}]
meta:
  description: What is in the member C(meta) of the reply, and all its other members.
  returned: success
  type: dict
  sample: {"code": 200, "count": 1}
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
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.netography import Netography


def main() -> None:
    run_module(Netography)


if __name__ == "__main__":
    main()
