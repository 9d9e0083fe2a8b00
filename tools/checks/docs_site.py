"""Lay out the documentation site of the collection: python docs_site.py SITE. Then SITE/build.sh builds it."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import ansible

# Ansible's own pages that ours point to. Sphinx would fetch these lists; a build must not need the network.
ANSIBLE_LABELS = {
    "action_plugins": ("plugins/action.html#action-plugins", "Action plugins"),
    "ansible_configuration_settings": ("reference_appendices/config.html#ansible-configuration-settings", "Ansible Configuration Settings"),
    "common_return_values": ("reference_appendices/common_return_values.html#common-return-values", "Return Values"),
    "filter_plugins": ("plugins/filter.html#filter-plugins", "Filter plugins"),
    "lookup_plugins": ("plugins/lookup.html#lookup-plugins", "Lookup plugins"),
    "module_defaults_groups": ("playbook_guide/playbooks_module_defaults.html#module-defaults-groups", "Module defaults groups"),
    "test_plugins": ("plugins/test.html#test-plugins", "Test plugins"),
}
# Environment variables that Ansible documents on its page of settings.
ANSIBLE_VARIABLES = ("ANSIBLE_HOME", "ANSIBLE_VAULT_PASSWORD_FILE")
OTHERS = ("python2", "python3", "jinja2")


def builtin_labels() -> dict[str, tuple[str, str]]:
    """The pages of ansible-core's own modules and plugins."""
    (home,) = ansible.__path__
    labels = {}
    for kind in ("module", "become", "callback", "connection", "filter", "inventory", "lookup", "strategy", "test", "vars"):
        directory = Path(home, "modules") if kind == "module" else Path(home, "plugins", kind)
        for name in {path.stem for path in directory.iterdir() if path.suffix in (".py", ".yml") and not path.stem.startswith("_")}:
            labels[f"ansible_collections.ansible.builtin.{name}_{kind}"] = (f"collections/ansible/builtin/{name}_{kind}.html", f"ansible.builtin.{name} {kind}")
    return labels


def inventory(project: str, labels: dict[str, tuple[str, str]], variables: tuple[str, ...] = ()) -> bytes:
    """An inventory in Sphinx's format, version 2."""
    head = f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n# The remainder of this file is compressed using zlib.\n"
    lines = [f"{label} std:label -1 {page} {title}\n" for label, (page, title) in sorted(labels.items())]
    lines += [f"{name} std:envvar 1 reference_appendices/config.html#envvar-{name} -\n" for name in variables]
    return head.encode() + zlib.compress("".join(lines).encode())


def main(site: Path) -> int:
    command = ["antsibull-docs", "sphinx-init", "--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", str(site)]
    command += ["--sphinx-theme", "sphinx_ansible_theme", "--project", "apiauth.tokens", "--title", "apiauth.tokens", "apiauth.tokens"]
    subprocess.run(command, check=True)
    (site / "ansible_devel.inv").write_bytes(inventory("Ansible", ANSIBLE_LABELS | builtin_labels(), ANSIBLE_VARIABLES))
    for name in OTHERS:
        (site / f"{name}.inv").write_bytes(inventory(name, {}))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
