# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the cache's modules, and what is left of these modules on any host but the controller."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .auth.options import Option, argument_spec

CACHE_OPTIONS: tuple[Option, ...] = (
    Option("state", default="absent", choices=("absent",)),
    Option("provider"),
    Option("expired_only", "bool", default=False),
    Option("revoke", "bool", default=False),
)
# The options of the systems that can revoke, as arguments of one task: everything else comes from where it always does.
SYSTEM_OPTIONS: tuple[Option, ...] = (
    Option("host"),
    Option("port", "int"),
    Option("api_url"),
    Option("username"),
    Option("token", secret=True),
    Option("password", secret=True),
    Option("otp", secret=True),
    Option("totp_secret", secret=True),
)


def run_module(table: t.Iterable[Option]) -> None:
    """Say that the action plugin of the same name does the work."""
    module = AnsibleModule(argument_spec=argument_spec(table), supports_check_mode=True)
    module.fail_json(msg="The token cache is on the controller only, where the action plugin of this module works on it; run it as a task of Ansible")
