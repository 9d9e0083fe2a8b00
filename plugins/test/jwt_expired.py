# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: jwt_expired
short_description: Test whether a JWT has expired
version_added: 1.0.0
description:
  - Compares the claim C(exp) of a JSON Web Token (RFC 7519) with the clock of the controller. A token without this claim never expires.
  - The signature is B(not verified). Use this test to see whether one of your own tokens is still worth using, never to decide whether somebody is
    authorized.
options:
  _input:
    description: The token.
    type: str
    required: true
seealso:
  - plugin: apiauth.tokens.jwt_claims
    plugin_type: filter
author:
  - apiauth.tokens contributors (@apiauth)
"""

EXAMPLES = r"""
- name: Stop early if a token has expired
  ansible.builtin.assert:
    that: my_token is not apiauth.tokens.jwt_expired
    fail_msg: The token has expired.
"""

RETURN = r"""
_value:
  description: Whether the token has expired.
  type: bool
"""

import time
import typing as t

from ..plugin_utils._jwt import expiry_of


def jwt_expired(token: t.Any) -> bool:
    expiry = expiry_of(token, "jwt_expired")
    return expiry is not None and expiry <= time.time()


class TestModule:
    def tests(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"jwt_expired": jwt_expired}
