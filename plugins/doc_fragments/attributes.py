# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and tell what would change, without changing it.
  diff_mode:
    description: Returns what has changed, or would change, in diff mode.
  idempotent:
    description: Changes nothing when it is run again with the same options.
notes:
  - An option that is not given to the task is taken from a variable, the environment or C(ansible.cfg), in this order.
    The documentation of the lookups has all names, and R(one table,ansible_collections.apiauth.tokens.docsite.guide_auth) too.
"""

    # Not the names of other fragments: Ansible would take those for the same.
    GROUP_RACKCORP = r"""
options: {}
attributes:
  action_group:
    description: Options can be set for the whole group in C(module_defaults).
    support: full
    membership: [apiauth.tokens.rackcorp, apiauth.tokens.all]
"""

    GROUP_NETOGRAPHY = r"""
options: {}
attributes:
  action_group:
    description: Options can be set for the whole group in C(module_defaults).
    support: full
    membership: [apiauth.tokens.netography, apiauth.tokens.all]
"""

    GROUP_VSS = r"""
options: {}
attributes:
  action_group:
    description: Options can be set for the whole group in C(module_defaults).
    support: full
    membership: [apiauth.tokens.vss, apiauth.tokens.all]
"""

    GROUP_WHM = r"""
options: {}
attributes:
  action_group:
    description: Options can be set for the whole group in C(module_defaults).
    support: full
    membership: [apiauth.tokens.whm, apiauth.tokens.all]
"""

    GROUP_ALL = r"""
options: {}
attributes:
  action_group:
    description: Options can be set for the whole group in C(module_defaults).
    support: full
    membership: [apiauth.tokens.all]
"""
