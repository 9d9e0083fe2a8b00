# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the lists of labels (https://sphobjinv.readthedocs.io) that Sphinx would download from other sites: python inventories.py SITE."""

from __future__ import annotations

import sys
import zlib
from pathlib import Path

import ansible

# Ansible's own pages that ours link to, and the environment variables on its page of settings.
PAGES = {
    "action_plugins": "plugins/action.html#action-plugins Action plugins",
    "ansible_configuration_settings": "reference_appendices/config.html#ansible-configuration-settings Ansible Configuration Settings",
    "callback_plugins": "plugins/callback.html#callback-plugins Callback plugins",
    "common_return_values": "reference_appendices/common_return_values.html#common-return-values Return Values",
    "filter_plugins": "plugins/filter.html#filter-plugins Filter plugins",
    "lookup_plugins": "plugins/lookup.html#lookup-plugins Lookup plugins",
    "module_defaults_groups": "playbook_guide/playbooks_module_defaults.html#module-defaults-groups Module defaults groups",
    "test_plugins": "plugins/test.html#test-plugins Test plugins",
}
VARIABLES = ("ANSIBLE_HOME", "ANSIBLE_VAULT_PASSWORD_FILE")


def ansible_labels() -> list[str]:
    labels = [f"{label} std:label -1 {page}" for label, page in PAGES.items()]
    labels += [f"{name} std:envvar 1 reference_appendices/config.html#envvar-{name} -" for name in VARIABLES]
    home = Path(ansible.__path__[0])
    for kind in ("module", "become", "callback", "connection", "filter", "inventory", "lookup", "strategy", "test", "vars"):
        files = home.glob("modules/*.py") if kind == "module" else home.glob(f"plugins/{kind}/[a-z]*.*")
        for name in sorted({path.stem for path in files if path.suffix in (".py", ".yml")}):
            page = f"ansible.builtin.{name}_{kind} std:label -1 collections/ansible/builtin/{name}_{kind}.html ansible.builtin.{name} {kind}"
            labels.append(f"ansible_collections.{page}")
    return labels


for name, lines in {"ansible_devel": ansible_labels(), "python2": [], "python3": [], "jinja2": []}.items():
    head = f"# Sphinx inventory version 2\n# Project: {name}\n# Version: \n# The remainder of this file is compressed using zlib.\n"
    Path(sys.argv[1], f"{name}.inv").write_bytes(head.encode() + zlib.compress("".join(f"{line}\n" for line in lines).encode()))
