# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``make playground`` prints: an inventory, lines for a shell and a playbook that work with a running emulator."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from .accounts import accounts, netosecret
from .client import PATHS

INVENTORY, EXPORTS, PLAYBOOK, USE = "inventory.yml", "For a shell, instead of the variables", "playbook.yml", "Run it"

TASKS = """\
- name: Try the collection
  hosts: localhost
  gather_facts: false
  tasks:
    - name: List the devices at RackCorp
      apiauth.tokens.rackcorp_api:
        cmd: device.getall
      register: devices

    - name: Show their names
      ansible.builtin.debug:
        msg: "{{ devices.data.devices | map(attribute='name') }}"
"""
COMMANDS = """\
ansible-playbook -i inventory.yml playbook.yml
ansible localhost -i inventory.yml -m apiauth.tokens.vss_api -a path=v2/vm
"""


def settings(info: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the value of each setting by its variable, with the name of its environment variable: ``{variable: (environment, value)}``.

    :param info: the addresses and files that the emulator announces.
    """
    known = accounts()
    found = {"apiauth_ca_path": ("APIAUTH_CA_PATH", str(info["ca"]))}
    found.update({f"{system}_api_url": (f"{system.upper()}_API_URL", str(info["https"]) + path) for system, path in PATHS.items()})
    found["rackcorp_api_uuid"] = ("RACKCORP_API_UUID", known["rackcorp"]["api_uuid"])
    found["rackcorp_api_secret"] = ("RACKCORP_API_SECRET", known["rackcorp"]["api_secret"])
    # Only one of the token and the password: two credentials of one system from one source are an error.
    found["whm_username"] = ("WHM_USERNAME", known["whm"]["username"])
    found["whm_token"] = ("WHM_API_TOKEN", known["whm"]["token"])
    found["netography_netosecret"] = ("NETOSECRET", netosecret())
    found["vss_username"] = ("VSS_USER", known["vss"]["username"])
    found["vss_password"] = ("VSS_USER_PASS", known["vss"]["password"])
    return found


def inventory(info: Mapping[str, Any]) -> str:
    """Return an inventory in YAML, whose only host is this machine."""
    lines = [
        "all:",
        "  hosts:",
        "    localhost:",
        "      ansible_connection: local",
        '      ansible_python_interpreter: "{{ ansible_playbook_python }}"',
        "  vars:",
    ]
    # A string in JSON is one in YAML too, whatever characters it holds.
    lines += [f"    {variable}: {json.dumps(value, ensure_ascii=False)}" for variable, (_environment, value) in settings(info).items()]
    return "\n".join(lines) + "\n"


def exports(info: Mapping[str, Any]) -> str:
    """Return the settings as lines for a POSIX shell."""
    return "".join(f"export {environment}={shlex.quote(value)}\n" for environment, value in settings(info).values())


def describe(info: Mapping[str, Any]) -> str:
    """Return all that the playground prints: sections, each below a line that starts with ``# ===``."""
    sections = {INVENTORY: inventory(info), EXPORTS: exports(info), PLAYBOOK: TASKS, USE: COMMANDS}
    head = f"RackCorp, WHM, Netography and VSS are emulated at {info['https']} and {info['http']} until Ctrl-C.\n\n"
    return head + "\n".join(f"# === {title}\n{text}" for title, text in sections.items())
