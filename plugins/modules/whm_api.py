#!/usr/bin/python
# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: whm_api
short_description: Call WHM API 1 of a cPanel server
version_added: 0.1.0
description:
  - Calls one function of WHM API 1, or several, with an API token or with a password.
  - WHM often says with HTTP 200 that a function failed, also that of a function called within (C(uapi_cpanel)). Such a call fails here.
options:
  function:
    description: The name of the function, such as V(listaccts).
    type: str
  params:
    description:
      - The arguments of the function. A list becomes C(name), C(name-1) and so on, a boolean becomes 1 or 0.
      - The argument C(api.version=1) is always sent.
    type: dict
  method:
    description: The HTTP method. With V(POST) the arguments are in the body, so they do not appear in logs of addresses.
    type: str
    choices: [POST, GET]
    default: POST
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
  - apiauth.tokens.whm
  - apiauth.tokens.calls
  - apiauth.tokens.common
  - apiauth.tokens.attributes
  - apiauth.tokens.attributes.group_whm
seealso:
  - plugin: apiauth.tokens.whm_token
    plugin_type: lookup
author:
  - apiauth.tokens contributors (@apiauth)
"""

EXAMPLES = r"""
# The token is in the variable whm_token, or in the environment variable WHM_API_TOKEN.
- name: List the accounts of each server of the play, all pages of them
  apiauth.tokens.whm_api:
    host: "{{ inventory_hostname }}"
    function: listaccts
    params:
      want: [user, domain, suspended]
    all_pages: true
  delegate_to: localhost
  register: accounts

- name: Suspend an account
  apiauth.tokens.whm_api:
    host: whm1.example.com
    function: suspendacct
    params:
      user: user01
      reason: unpaid

- name: Several calls over the same connections
  apiauth.tokens.whm_api:
    host: whm1.example.com
    calls:
      - function: unsuspendacct
        params:
          user: user01
      - function: listaccts
        params:
          search: user01
          searchtype: user

- name: Call a UAPI function of an account
  apiauth.tokens.whm_api:
    host: whm1.example.com
    function: uapi_cpanel
    params:
      cpanel.user: user01
      cpanel.module: Email
      cpanel.function: list_pops
  register: mailboxes
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
  description: The member C(data) of the reply.
  returned: success
  type: raw
  sample: {"acct": [{"user": "user01", "domain": "user01.example.com"}]}
meta:
  description: The member C(metadata) of the reply, or what takes its place in replies of another form.
  returned: success
  type: dict
  sample: {"command": "listaccts", "reason": "OK", "result": 1, "version": 1}
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
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.api import Whm


def main() -> None:
    run_module(Whm)


if __name__ == "__main__":
    main()
