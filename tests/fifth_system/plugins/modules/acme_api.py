# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: acme_api
short_description: Call the Acme API
version_added: 0.2.0
description:
  - Makes one or several calls to the API of Acme.
options:
  path:
    description: The path of the call, relative to O(api_url), without a query string.
    type: str
  method:
    description: The HTTP method of the call.
    type: str
    choices: [GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS]
    default: GET
  query:
    description: The query parameters of the call.
    type: dict
  body:
    description: The body of the call, sent as JSON.
    type: raw
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: Calls that only read change nothing. For all others, it depends on the system.
extends_documentation_fragment:
  - apiauth.tokens.acme
  - apiauth.tokens.calls
  - apiauth.tokens.common
  - apiauth.tokens.attributes
author:
  - apiauth.tokens contributors (@apiauth)
"""

EXAMPLES = r"""
- name: List all things
  apiauth.tokens.acme_api:
    path: things
    all_pages: true
"""

RETURN = r"""
data:
  description: The list of things, or the whole reply.
  returned: success
  type: raw
"""

from ansible_collections.apiauth.tokens.plugins.module_utils._call_module import run_module
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.acme import Acme


def main() -> None:
    run_module(Acme)


if __name__ == "__main__":
    main()
