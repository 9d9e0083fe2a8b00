# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Becomes the user that one is already, so that tests with `become` need no privileges."""

from __future__ import annotations

from ansible.plugins.become import BecomeBase

DOCUMENTATION = r"""
name: e2e_same_user
short_description: The same user
description: The same user, through a shell.
options:
  become_user:
    description: Not used.
    vars: [{name: ansible_become_user}]
  become_exe:
    description: Not used.
  become_flags:
    description: Not used.
  become_pass:
    description: Not used.
    vars: [{name: ansible_become_password}]
"""


class BecomeModule(BecomeBase):
    name = "e2e_same_user"

    def build_become_command(self, cmd: str, shell: object) -> str:
        super().build_become_command(cmd, shell)
        return cmd and str(self._build_success_command(cmd, shell))
