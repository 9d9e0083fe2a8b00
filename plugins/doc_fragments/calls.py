# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  mutates:
    description:
      - Whether the call changes something at the system. A call that does is not sent in check mode, and is reported as changed.
      - With V(auto) the call itself tells. What cannot be told is taken as a change.
    type: str
    choices: [auto, 'true', 'false']
    default: auto
  all_pages:
    description: Whether all pages of a list are fetched and returned as one. Only pages on the same host are followed.
    type: bool
    default: false
  calls:
    description:
      - Several calls in place of one. Each is a dictionary of the options that one call takes, and of O(mutates) and O(all_pages) where they differ.
      - They are sent over connections that are kept open. RV(results) has the order of the calls.
      - A call that fails does not stop the others. The task fails when any of them did.
    type: list
    elements: dict
  concurrency:
    description: How many of the O(calls) are under way at a time.
    type: int
    default: 4
notes:
  - Where the host of the task is the controller itself (connection V(local), neither O(ignore:become) nor O(ignore:async)), the work is done inside
    Ansible's worker, without starting a module.
  - Under C(async) a call whose reply holds a secret fails without its data, because the result would rest in the job's file. Where that is known
    beforehand, the call is not made.
"""
