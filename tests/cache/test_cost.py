# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a hit costs, and that old files go away by themselves."""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cache.herd import herd, values
from cache.lab import Host, later
from emulator.client import Emulator

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.locks import try_lock

Measured = Callable[[str, Any], None]
HOUR = 3600.0


def hit_seconds(host: Host, rounds: int = 300) -> float:
    """The median of what a hit costs: broker, directory, file, seal, mask."""
    times = []
    gc.disable()
    try:
        for _round in range(rounds):
            task = host.task()
            began = time.perf_counter()
            token = task.token()
            times.append(time.perf_counter() - began)
            assert token.from_cache
    finally:
        gc.enable()
    return statistics.median(times)


def test_a_hit_is_cheap_however_many_entries(host: Host, emulator: Emulator, measured: Measured) -> None:
    """Fails when a hit looks at more than its own file, or waits for anything."""
    host.token()
    few = hit_seconds(host)
    (entry,) = host.entries()
    for number in range(10_000):
        (host.directory / f"{number:032x}").write_bytes(b"x")
    many = hit_seconds(host)
    measured("hit.milliseconds", few * 1000)
    measured("hit.milliseconds_among_10000", many * 1000)
    assert few < 0.001
    assert many < 0.001
    assert many < few * 1.5 + 0.00005
    assert emulator.logins("vss") == 1
    assert entry.exists()


LEAN = """
import json, sys
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.cache.{module} import {store}
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.client import ApiClient
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import CacheSettings, ConnectionSettings, Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.vss import Vss
told = json.loads(sys.stdin.read())
made = {store}(CacheSettings("{module}", (told["directory"],), (told["key_path"],), {key}, told["url"]))
provider = Vss(Options({{name: told[name] for name in ("api_url", "username", "password")}}))
token = ApiClient(provider, ConnectionSettings(), made, {{}}).token()
print(json.dumps({{"modules": sorted(sys.modules), "value": token.value}}))
"""


def test_a_hit_loads_nothing_that_it_does_not_need(host: Host, measured: Measured) -> None:
    """Fails when a hit imports a library for HTTP, for JWTs or for Redis, or anything else that Ansible has not loaded in a worker."""
    for module, store, key in (("store", "FileStore", None), ("redis", "RedisStore", "shared")):
        host = Host(host.emulator, host.root / module, key=key)
        value = host.token()
        account = host.task().account
        told: dict[str, Any] = {"directory": str(host.root / "cache"), "key_path": str(host.key_path), "api_url": account.api_url}
        told |= {"username": account.principal, "password": account.credential[0], "url": "redis://127.0.0.1:1" if key else None}
        code = LEAN.format(module=module, store=store, key=repr(key))
        run = subprocess.run([sys.executable, "-c", code], input=json.dumps(told), capture_output=True, text=True, check=False, env=dict(os.environ))
        assert run.returncode == 0, run.stderr
        answer = json.loads(run.stdout)
        assert answer["value"] == value
        loaded = {name.split(".")[0] for name in answer["modules"]}
        unwanted = loaded & {"requests", "urllib3", "jwt", "redis", "ssl", "http", "asyncio"}
        assert not unwanted
        measured(f"hit.unwanted_modules_{module}", len(unwanted))


def test_expired_entries_go_by_themselves(host: Host, emulator: Emulator, measured: Measured) -> None:
    """Fails when nothing is removed, when what is still of use is, or when it is done at every write."""
    emulator.settings(vss={"token_ttl": 2 * HOUR}, netography={"token_ttl": 6 * HOUR})
    host.token("vss")
    host.token("netography")
    for number in range(100):
        orphan = host.directory / f".new-{number}"
        orphan.touch()
        (host.directory / f"{number:032x}.lock").touch()
        (host.directory / f"totp-{number:04x}-1").touch()
    (host.root / ".key-orphan").touch()
    (host.directory / ".new-directory").mkdir()
    os.utime(host.directory / ".new-0", (time.time() - 2 * HOUR,) * 2)
    assert len(host.entries()) == 2

    def later_login(hours: float) -> None:
        with later(hours * HOUR):
            values(herd(1, lambda _number: host.token("rackcorp")))

    later_login(0.5)
    assert len(list(host.directory.iterdir())) > 300
    assert (host.directory / ".new-0").exists(), "once an hour is enough"
    later_login(3)
    left = {path.name for path in host.directory.iterdir()}
    assert len(host.entries()) == 2, "the token of VSS is past its use, those of Netography and RackCorp are not"
    assert not [name for name in left if name.startswith(".new-")]
    assert not (host.root / ".key-orphan").exists()
    assert len([name for name in left if name.startswith("totp-")]) == 100
    later_login(26)
    assert not list(host.directory.glob("totp-*"))
    assert len([name for name in host.directory.iterdir() if name.suffix == ".lock"]) <= 1
    measured("purge.orphans_left", len([path for path in host.directory.iterdir() if path.name.startswith(".new-")]))


def test_housekeeping_spares_what_is_in_use(host: Host) -> None:
    """Fails when an entry or a lock file is removed while somebody holds the lock."""
    host.token("vss")
    (entry,) = host.entries()
    lock = try_lock(str(entry) + ".lock")
    assert lock is not None
    with later(100 * HOUR):
        assert values(herd(1, lambda _number: host.store().purge())) == [0]
    assert entry.exists()
    lock.release()
    with later(100 * HOUR):
        assert values(herd(1, lambda _number: host.store().purge())) == [1]
    assert not host.entries()
    assert not list(host.directory.glob("*.lock"))


def test_housekeeping_while_all_log_in(host: Host, emulator: Emulator, measured: Measured) -> None:
    """Fails when housekeeping takes away a lock or an entry that a login has just made."""
    emulator.settings(vss={"login_delay": 0.1, "token_ttl": 1.0})
    until = time.monotonic() + 2.0

    def work(number: int) -> int:
        done = 0
        while time.monotonic() < until:
            if number < 4:
                host.store().purge()
            else:
                host.token()
            done += 1
        return done

    done = values(herd(16, work))
    assert min(done) > 0
    # Each login takes a tenth of a second, and its token serves for nine tenths.
    assert emulator.logins("vss") <= 5
    measured("purge.while_logging_in", sum(done[:4]))


def test_names_and_entries(host: Host, tmp_path: Path) -> None:
    """Fails when what lists the cache takes other files for entries, or hides damaged ones."""
    host.token("vss")
    host.token("netography")
    store = host.store()
    assert len(store.names()) == len(store.entries()) == 2
    assert {entry.provider for _name, entry in store.entries()} == {"vss", "netography"}
    (host.directory / store.names()[0]).write_bytes(b"damage")
    assert (len(store.names()), len(store.entries())) == (2, 1)
    store.remove(store.names()[0])
    assert len(store.names()) == 1
    assert Host(host.emulator, tmp_path / "empty").store().names() == []
    assert Host(host.emulator, tmp_path / "empty").store().purge() == 0
