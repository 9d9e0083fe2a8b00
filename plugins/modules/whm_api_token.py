#!/usr/bin/python
# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: whm_api_token
short_description: Create, change, rename and revoke API tokens of a WHM account
version_added: 1.0.0
description:
  - Manages API tokens of the account that authenticates. Tokens that are in the requested state already are not changed.
  - Privileges and addresses are compared as sets; the order, the spelling of addresses and the format of times make no difference.
  - WHM resets whatever an update leaves out. The module always sends the complete state of a token, so properties that the task does not mention stay as
    they are.
  - WHM shows the secret of a token only once, when it is created. The result is then hidden from the output, and a warning shows everything but the
    secret. The result can be registered, and O(dest) writes the secret to a file.
  - New privileges are checked against those that the account may grant. If the server does not list them, the task warns and goes on.
options:
  name:
    description:
      - The name of the token, up to 50 letters, digits, dashes and underscores.
      - Required with O(state=present) and O(state=updated).
    type: str
  names:
    description: The names of several tokens, in place of O(name). Only for O(state=absent).
    type: list
    elements: str
  state:
    description:
      - V(present) creates a token or changes an existing one. V(absent) revokes it.
      - V(updated) changes an existing token and fails if there is none.
    type: str
    choices: [present, updated, absent]
    default: present
  acls:
    description:
      - The privileges of the token, such as V(list-accts). They replace its current ones.
      - To create a token, give O(acls) or O(all_privileges), because WHM would otherwise grant every privilege. Without both, an existing token keeps its
        privileges.
    type: list
    elements: str
  all_privileges:
    description: Gives the token every privilege of the account that authenticates. Mutually exclusive with O(acls).
    type: bool
    default: false
  expires_at:
    description:
      - When the token expires. One of epoch seconds, a time in ISO 8601 such as V(2030-01-31T12:00:00Z) (in UTC unless it has an offset), a duration
        from now such as V(+30d) or V(+12h30m) (units V(s), V(m), V(h), V(d), V(w)), or V(never).
      - A duration only changes a token if its remaining lifetime differs by more than a tenth of the duration and by more than a minute (for durations
        below two minutes, by more than half). A task with V(+30d) that runs daily therefore extends the token about every three days.
      - Without this option, a new token never expires, and an existing one keeps its expiry.
      - WHM rejects expired tokens but does not remove them. See O(expired).
    type: str
  whitelist_ips:
    description:
      - The addresses and networks, IPv4 or IPv6, that the token may be used from. They replace its current ones. An empty list allows any address.
      - Without this option, a new token may be used from any address, and an existing one keeps its list.
    type: list
    elements: str
  new_name:
    description:
      - The final name of the token, to rename it. The secret stays the same.
      - If only a token of the new name exists, it counts as renamed already. If both names exist, the task fails. If neither does, the token is created
        under the new name.
    type: str
  expired:
    description:
      - Revokes all expired tokens of the account. Only for O(state=absent), in place of O(name) and O(names).
      - Tokens that cPanel & WHM or other products created for themselves are kept, unless O(force=true).
    type: bool
    default: false
  force:
    description:
      - Allows the task to change two kinds of tokens that are otherwise protected.
      - The token that the task itself authenticates with is not revoked or narrowed (fewer privileges, an earlier expiry, fewer addresses).
      - Tokens that cPanel & WHM or other products created for themselves are not revoked or changed. Their names are C(reverse_trust_*), C(*-trust),
        C(transfer-*), C(WebPros_Dashboard) and C(WP-Dashboard).
      - Servers before version 98 do not show which token a task authenticates with. There, all tokens with the caller's own privileges are protected, and
        every token if these cannot be read. This does not apply to a task that authenticates with a password.
    type: bool
    default: false
  dest:
    description:
      - A file on the host of the task to write the secret of a new token to, without a newline. It is replaced atomically.
      - The result then does not contain the secret, and is not hidden.
      - If the file cannot be written, the task fails before it creates the token. If no token is created, the file is not touched.
    type: path
  mode:
    description: >-
      The permissions of O(dest) in quotes, such as V('0640'). The default for a new file is V('0600'). An existing file keeps its permissions, except for
      those of others.
    type: raw
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The diff never contains a secret. If a token is created, the whole result is hidden, including the diff.
  idempotent:
    support: full
    details: With a duration in O(expires_at), the token is extended from time to time.
extends_documentation_fragment:
  - apiauth.tokens.whm
  - apiauth.tokens.common
  - apiauth.tokens.attributes
  - apiauth.tokens.attributes.group_whm
notes:
  - Under C(async), a task that may create a token fails before it sends anything, because Ansible would store the result in a file.
  - A task that runs on a managed host, or under C(async), needs O(token). Only the token is sent there; with O(password) alone, the task fails.
seealso:
  - module: apiauth.tokens.whm_api_token_info
  - plugin: apiauth.tokens.whm_token
    plugin_type: lookup
author:
  - apiauth.tokens contributors (@apiauth)
"""

EXAMPLES = r"""
# The credential is in the variable whm_token or whm_password, or in the environment variable WHM_API_TOKEN or WHM_PASSWORD.
- name: Create or update a token that may list accounts, from two networks, for about a month at a time
  apiauth.tokens.whm_api_token:
    host: whm1.example.com
    name: inventory
    acls: [list-accts, acct-summary]
    expires_at: +30d
    whitelist_ips: [192.0.2.0/24, "2001:db8::/48"]
  register: inventory_token

- name: Create a token and write its secret to a file
  apiauth.tokens.whm_api_token:
    host: whm1.example.com
    name: backup
    acls: [list-accts]
    dest: "{{ backup_token_file }}"

- name: Rename a token
  apiauth.tokens.whm_api_token:
    host: whm1.example.com
    name: inventory
    new_name: inventory-old

- name: Revoke two tokens
  apiauth.tokens.whm_api_token:
    host: whm1.example.com
    names: [inventory-old, test]
    state: absent

- name: Revoke all expired tokens
  apiauth.tokens.whm_api_token:
    host: whm1.example.com
    expired: true
    state: absent
"""

RETURN = r"""
api_token:
  description: The state of the token, or the expected state in check mode.
  returned: success, with O(state=present) and O(state=updated)
  type: dict
  contains:
    name:
      description: The name.
      type: str
      returned: always
      sample: inventory
    acls:
      description: The privileges of the token, sorted.
      type: list
      elements: str
      returned: always
      sample: [acct-summary, list-accts]
    create_time:
      description: When the token was created, in epoch seconds; null if it does not exist yet.
      type: int
      returned: always
      sample: 1767225600
    expires_at:
      description: When the token expires, in epoch seconds; null if it never does.
      type: int
      returned: always
      sample: 1769817600
    expired:
      description: Whether the token has expired, by the server's clock.
      type: bool
      returned: always
      sample: false
    whitelist_ips:
      description: The addresses and networks that the token may be used from, in their shortest spelling. An empty list means any address.
      type: list
      elements: str
      returned: always
      sample: [192.0.2.0/24, "2001:db8::/48"]
dest:
  description: The file that the secret was written to.
  returned: if a token was created, with O(dest)
  type: str
  sample: /root/inventory.token
token:
  description: The secret of the new token. Results that contain it are hidden from the output.
  returned: if a token was created, without O(dest)
  type: str
  sample: "********"
revoked:
  description: The names of the tokens that were revoked, or would be in check mode.
  returned: success, with O(state=absent)
  type: list
  elements: str
  sample: [inventory-old]
status:
  description: The HTTP status of the reply that made the task fail; null if there was no reply.
  returned: failure
  type: int
  sample: 403
error:
  description: The cause of a failure, for conditions. C(msg) describes it in a sentence.
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
      description: WHM's own message.
      type: str
      returned: if WHM sent one
    retry_after:
      description: How many seconds the server asks to wait before the next request.
      type: float
      returned: if the server says so
"""

from ansible_collections.apiauth.tokens.plugins.module_utils._whm_module import run_module
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.manage import MANAGE


def main() -> None:
    run_module(MANAGE)


if __name__ == "__main__":
    main()
