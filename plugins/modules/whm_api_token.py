#!/usr/bin/python
# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: whm_api_token
short_description: Create, change, rename and revoke API tokens of a WHM account
version_added: 0.1.0
description:
  - Brings API tokens of the account that authenticates to the wanted state, and changes nothing where they are in it already.
  - Privileges and addresses are compared as sets, addresses in any spelling, times in any form.
  - WHM resets what an update does not name. So an update always sends the complete state, and what the task does not give is kept as it is.
  - WHM shows the secret of a token once, when it is created. The result is hidden from the output then, a warning shows the rest of it, and it can be
    registered. O(dest) writes the secret to a file.
  - Before a token gets privileges, they are compared with what the account may grant. A warning says so if the server does not tell.
options:
  name:
    description:
      - The name of the token, up to 50 letters, digits, dashes and underscores.
      - Required with O(state=present).
    type: str
  names:
    description: Several names, in place of O(name). Only with O(state=absent).
    type: list
    elements: str
  state:
    description:
      - V(present) creates or changes a token, V(absent) revokes it.
      - V(updated) changes a token that exists, and is an error if there is none.
    type: str
    choices: [present, updated, absent]
    default: present
  acls:
    description:
      - The privileges of the token, such as V(list-accts). They replace those that it has.
      - A token is not created without O(acls) or O(all_privileges), because WHM would grant everything. Without both, a token that is there keeps its own.
    type: list
    elements: str
  all_privileges:
    description: Whether the token gets every privilege that the caller has. Excludes O(acls).
    type: bool
    default: false
  expires_at:
    description:
      - When the token ends. Epoch seconds, a time in ISO 8601 such as V(2030-01-31T12:00:00Z) (UTC where it names no offset),
        a duration from now on such as V(+30d) or V(+12h30m) (units V(s), V(m), V(h), V(d), V(w)), or V(never).
      - A duration changes a token only where the rest of its life differs by more than a tenth of the duration, and by more than a minute
        (for durations under two minutes, by more than half). So a task with V(+30d) that runs every day renews the token about every three days.
      - Without it, a new token never ends, and one that is there keeps its end.
      - WHM refuses a token that has expired, but does not remove it. See O(expired).
    type: str
  whitelist_ips:
    description:
      - The addresses and networks, IPv4 or IPv6, from which the token may be used. They replace those that it has, and an empty list lifts the limit.
      - Without it, a new token has no limit, and one that is there keeps its own.
    type: list
    elements: str
  new_name:
    description:
      - What the token is called in the end. A token of this name, and none of O(name), counts as renamed already. The secret stays the same.
      - It is an error if there are both. Where there is neither, the token is created under the new name.
    type: str
  expired:
    description:
      - Revokes all tokens of the account that have expired. Only with O(state=absent), and in place of O(name) and O(names).
      - Those that a system made for itself are left alone, unless O(force) is set.
    type: bool
    default: false
  force:
    description:
      - Whether two kinds of tokens may be touched that are protected otherwise.
      - The token that the task itself authenticates with is neither revoked, nor made to do less (fewer privileges, an earlier end, fewer addresses).
      - Tokens that a system made for itself are neither revoked nor changed. These are C(reverse_trust_*), C(*-trust), C(transfer-*),
        C(WebPros_Dashboard) and C(WP-Dashboard).
      - Servers before version 98 cannot tell which token a task authenticates with. There, tokens with the caller's own privileges are protected,
        and all of them where these cannot be read. A task that authenticates with the password uses none.
    type: bool
    default: false
  dest:
    description:
      - A file on the host of the task for the secret of a new token, and nothing else. It is written completely or not at all.
      - A place that cannot be written is an error before the token is created. Without a new token, the file is left alone.
    type: path
  mode:
    description: The permissions of O(dest). The default for a new file is V('0600'); an existing one keeps its own, except those of others.
    type: raw
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: A diff never has a secret. The result of a task that created a token is hidden as a whole, the diff too.
  idempotent:
    support: full
    details: A duration in O(expires_at) renews the token from time to time.
extends_documentation_fragment:
  - apiauth.tokens.whm
  - apiauth.tokens.common
  - apiauth.tokens.attributes
  - apiauth.tokens.attributes.group_whm
notes:
  - A task that may create a token is refused under C(async), because its result would rest in the job's file.
  - Where the task runs on another host, under C(become) or C(async), only O(token) is sent there. With O(password) alone it is refused.
seealso:
  - module: apiauth.tokens.whm_api_token_info
  - plugin: apiauth.tokens.whm_token
    plugin_type: lookup
author:
  - apiauth.tokens contributors (@apiauth)
"""

EXAMPLES = r"""
# The credential is in the variable whm_token or whm_password, or in the environment variable WHM_API_TOKEN or WHM_PASSWORD.
- name: A token that may list accounts, from two networks, for about a month at a time
  apiauth.tokens.whm_api_token:
    host: whm1.example.com
    name: inventory
    acls: [list-accts, acct-summary]
    expires_at: +30d
    whitelist_ips: [192.0.2.0/24, "2001:db8::/48"]
  register: inventory_token

- name: Create a token, and write its secret to a file on this machine
  apiauth.tokens.whm_api_token:
    host: whm1.example.com
    name: backup
    acls: [list-accts]
    dest: "{{ backup_token_file }}"

- name: Rename a token, with all that it has
  apiauth.tokens.whm_api_token:
    host: whm1.example.com
    name: inventory
    new_name: inventory-old

- name: Revoke two tokens
  apiauth.tokens.whm_api_token:
    host: whm1.example.com
    names: [inventory-old, test]
    state: absent

- name: Revoke all tokens that have expired
  apiauth.tokens.whm_api_token:
    host: whm1.example.com
    expired: true
    state: absent
"""

RETURN = r"""
api_token:
  description: The token as it is, or would be in check mode.
  returned: success, with O(state=present)
  type: dict
  contains:
    name:
      description: The name.
      type: str
      returned: always
      sample: inventory
    acls:
      description: The privileges that are granted, sorted.
      type: list
      elements: str
      returned: always
      sample: [acct-summary, list-accts]
    create_time:
      description: When it was created, in epoch seconds. It is null for a token that is not there yet.
      type: int
      returned: always
      sample: 1767225600
    expires_at:
      description: When it ends, in epoch seconds. It is null for one that never does.
      type: int
      returned: always
      sample: 1769817600
    expired:
      description: Whether it has ended, by the server's clock.
      type: bool
      returned: always
      sample: false
    whitelist_ips:
      description: The addresses and networks from which it may be used, in their shortest spelling. There is no limit where it is empty.
      type: list
      elements: str
      returned: always
      sample: [192.0.2.0/24, "2001:db8::/48"]
dest:
  description: The file that holds the secret.
  returned: when a token was created, with O(dest)
  type: str
  sample: /root/inventory.token
token:
  description: The secret of the new token. The result that holds it is hidden from the output.
  returned: when a token was created
  type: str
  sample: "********"
revoked:
  description: The names of the tokens that were revoked, or would be in check mode.
  returned: success, with O(state=absent)
  type: list
  elements: str
  sample: [inventory-old]
status:
  description: The HTTP status of the reply that the task failed on. It is null where there was none.
  returned: failure
  type: int
  sample: 403
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
      sample: forbidden
    message:
      description: WHM's own words.
      type: str
      returned: when WHM gave some
    retry_after:
      description: After how many seconds the server would like to be asked again.
      type: float
      returned: when the server said so
"""

from ansible_collections.apiauth.tokens.plugins.module_utils._whm_module import run_module
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.manage import MANAGE


def main() -> None:
    run_module(MANAGE)


if __name__ == "__main__":
    main()
