# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python hit.py VARIABLES``: what a worker does for a cached token, with nothing of Ansible around it.

Each measurement is a fork of a process that has loaded what ``ansible-playbook`` loads. Prints JSON: milliseconds of processor time for
loading the plugin, for its first and its second use, and what was imported.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, lookup_loader
from ansible.template import Templar

TIMES = 15
LOADED = ("ansible.cli.playbook", "ansible.executor.playbook_executor", "ansible.executor.task_executor")


def worker(variables: dict[str, Any]) -> dict[str, Any]:
    loader = DataLoader()
    templar = Templar(loader, variables=variables)
    known = set(sys.modules)
    moments = [time.process_time()]
    plugin = lookup_loader.get("apiauth.tokens.rackcorp_jwt", loader=loader, templar=templar)
    moments.append(time.process_time())
    for _number in range(2):
        plugin.run([], variables=variables)
        moments.append(time.process_time())
    load, first, second = (1000 * (after - before) for before, after in pairwise(moments))
    return {"load": load, "first": first, "second": second, "imported": sorted(set(sys.modules) - known)}


def forked(variables: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with os.fdopen(writing, "w") as pipe:
                json.dump(worker(variables), pipe)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    if os.waitpid(child, 0)[1] != 0:
        raise SystemExit("a worker failed")
    return dict(json.loads(text))


def main() -> None:
    variables = json.loads(Path(sys.argv[1]).read_text())
    for name in LOADED:
        importlib.import_module(name)
    init_plugin_loader()
    lookup_loader.get("env")
    found = [forked(variables) for _number in range(TIMES)]
    times = {name: median(one[name] for one in found) for name in ("load", "first", "second")}
    print(json.dumps({**times, "imported": found[-1]["imported"]}))


if __name__ == "__main__":
    main()
