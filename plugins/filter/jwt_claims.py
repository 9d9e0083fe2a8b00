# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: jwt_claims
short_description: Decode the claims of a JWT without verifying it
version_added: 1.0.0
description:
  - Decodes the claims of a JSON Web Token (RFC 7519).
  - The signature is B(not verified). Anyone can write a token with any claims. Use this filter to inspect your own tokens, never to decide whether
    somebody is authorized.
options:
  _input:
    description: The token.
    type: str
    required: true
seealso:
  - plugin: apiauth.tokens.jwt_expired
    plugin_type: test
author:
  - apiauth.tokens contributors (@apiauth)
"""

EXAMPLES = r"""
- name: Show the claims of a token
  ansible.builtin.debug:
    msg: "{{ lookup('apiauth.tokens.vss_token') | apiauth.tokens.jwt_claims }}"

- name: Show when the token expires
  ansible.builtin.debug:
    msg: "{{ '%c' | ansible.builtin.strftime((lookup('apiauth.tokens.vss_token') | apiauth.tokens.jwt_claims).exp) }}"
"""

RETURN = r"""
_value:
  description: The claims of the token, unchanged. Times are in epoch seconds.
  type: dict
  sample: {"sub": "vsskey1", "iat": 1795300000, "exp": 1795386400}
"""

import typing as t

from ..plugin_utils._jwt import claims_of


def jwt_claims(token: t.Any) -> dict[str, t.Any]:
    return claims_of(token, "jwt_claims")


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"jwt_claims": jwt_claims}
