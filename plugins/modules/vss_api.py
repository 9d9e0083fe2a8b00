#!/usr/bin/python
# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vss_api
short_description: Call the API of the VSS / ITS Private Cloud
version_added: 0.1.0
description:
  - Makes one call to the API of the University of Toronto VSS / ITS Private Cloud, or several.
  - The token is obtained once for all hosts, forks and runs, kept in the cache, and replaced when it is refused.
  - Most changes are asynchronous at this system. With O(wait=true) the task ends when the change has.
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
  wait:
    description: Whether an asynchronous request, or each of several, is followed until it ends. The task fails where one ends badly.
    type: bool
    default: false
  wait_timeout:
    description: How long an asynchronous request is followed, in seconds. With O(calls) it holds for each of them that does not say it itself.
    type: float
    default: 3600.0
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
  - apiauth.tokens.vss
  - apiauth.tokens.calls
  - apiauth.tokens.common
  - apiauth.tokens.attributes
  - apiauth.tokens.attributes.group_vss
seealso:
  - plugin: apiauth.tokens.vss_token
    plugin_type: lookup
author:
  - apiauth.tokens contributors (@apiauth)
"""

EXAMPLES = r"""
# The account is in the variables vss_username and vss_password, or in the environment variables VSS_USER and VSS_USER_PASS.
- name: List the virtual machines, all pages of them
  apiauth.tokens.vss_api:
    path: v2/vm
    query:
      expand: 1
    all_pages: true
  register: machines

- name: Shut one down, and wait until it is
  apiauth.tokens.vss_api:
    path: v2/vm/{{ machines.data[0].moref }}/state
    method: PUT
    body:
      value: shutdown
    wait: true
    wait_timeout: 600

- name: Look at several over the same connections
  apiauth.tokens.vss_api:
    calls:
      - path: v2/vm/{{ machines.data[0].moref }}
      - path: v2/vm/{{ machines.data[1].moref }}

- name: Use an account with multi-factor authentication
  apiauth.tokens.vss_api:
    username: "{{ mfa_user }}"
    password: "{{ mfa_password }}"
    totp_secret: "{{ mfa_totp_secret }}"
    path: v2/user
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
  description: The member C(data) of the reply, or the whole reply where there is none. With O(wait=true) that of the ended request, or a list for several.
  returned: success
  type: raw
  sample: [{"moref": "vm-101", "name": "2601T-vm01"}]
meta:
  description: What is in the member C(meta) of the reply, and all its other members.
  returned: success
  type: dict
  sample: {"time": "0.01s", "user": "vsskey1"}
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
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.vss import Vss


def main() -> None:
    run_module(Vss)


if __name__ == "__main__":
    main()
