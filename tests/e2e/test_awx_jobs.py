# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs get what they need from AWX's credentials alone, share one login, and leave no secret behind."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml
from e2e.awx import run_job
from e2e.awx_files import EXAMPLE
from emulator.accounts import accounts, canaries
from emulator.client import Emulator

CACHE_KEY = "CANARY cache key of the jobs"
SYSTEMS = ("rackcorp", "whm", "netography", "vss")


def credentials(emulator: Emulator, tls: bool = False, **cache: str) -> dict[str, dict[str, str]]:
    """Return the inputs of one credential of each type; fields that nobody filled in are empty, as AWX has them after an edit."""
    known = {name: {**accounts()[name], "api_url": emulator.url(name, tls)} for name in SYSTEMS}
    for system, spare in (("rackcorp", ("username", "password")), ("whm", ("password",))):
        # A credential has one kind of credentials.
        known[system] = {name: "" if name in spare else value for name, value in known[system].items()}
    connection = {"ca_certs": Path(emulator.ca).read_text()} if tls else {}
    empty = {"proxy": "", "timeout": "", "client_cert": "", "client_key": ""}
    return {**known, "apiauth_connection": {**empty, **connection}, "apiauth_cache": {"cache_key": CACHE_KEY, "cache_redis_url": "", **cache}}


def call(module: str, **arguments: Any) -> dict[str, Any]:
    return {"name": f"Call {module}", f"apiauth.tokens.{module}": arguments, "register": module}


def test_a_job_with_all_types(emulator: Emulator, tmp_path: Path, collections: Path) -> None:
    """Over TLS, with the authority from a credential. Fails when an empty field counts as given, or a file of a credential is not found."""
    tasks = [
        call("rackcorp_api", cmd="device.getall"),
        call("whm_api", function="listaccts"),
        call("netography_api", path="devices"),
        call("vss_api", path="v2/vm"),
        {
            "name": "Use tokens elsewhere",
            "ansible.builtin.assert": {"that": ["lookup('apiauth.tokens.rackcorp_jwt') is match('eyJ')", "lookup('apiauth.tokens.vss_token') | length > 20"]},
        },
    ]
    book = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
    job = run_job(tmp_path, collections, credentials(emulator, tls=True), playbook=book).good()
    assert {one["system"] for one in emulator.log(ok=True)} == set(SYSTEMS)
    for secret in (*canaries(), CACHE_KEY, "eyJ", "BEGIN CERTIFICATE"):
        assert job.places_of(secret) == []


def test_jobs_share_one_login(emulator: Emulator, tmp_path: Path, collections: Path) -> None:
    """Each job has a home of its own, as in a container, and the mounted directory of the cache. The example's survey gives its variables."""
    survey = yaml.safe_load((EXAMPLE / "survey.yml").read_text())["spec"]
    answers = {one["variable"]: one["default"].splitlines() if one["type"] == "multiselect" else "Nightly" for one in survey}
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    both = credentials(emulator, cache_dir=str(mounted))
    for number in (1, 2):
        directory = tmp_path / f"job{number}"
        directory.mkdir()
        job = run_job(directory, collections, both, extra_vars=answers).good()
        message = job.message("Show the numbers")
        assert message.startswith("Nightly: ")
        assert "devices at RackCorp" in message
        assert "virtual machines at VSS" in message
        for secret in (*canaries(), CACHE_KEY, "eyJ"):
            assert job.places_of(secret) == []
    assert {system: emulator.logins(system) for system in ("rackcorp", "vss")} == {"rackcorp": 1, "vss": 1}
    assert emulator.calls("vss") >= 2


def test_what_a_failed_job_shows(emulator: Emulator, tmp_path: Path, collections: Path) -> None:
    wrong = credentials(emulator)
    wrong["rackcorp"]["api_secret"] = "CANARY wrong secret"
    job = run_job(tmp_path, collections, wrong, extra_vars={"report_systems": ["rackcorp"]})
    assert job.status == 2
    (failed,) = [one["event_data"] for one in job.events if one["event"] == "runner_on_failed"]
    assert failed["task"] == "List the devices of RackCorp"
    assert failed["res"]["error"]["kind"] == "credentials"
    assert "RackCorp at 127.0.0.1" in failed["res"]["msg"]
    assert job.places_of("CANARY wrong secret") == []


def test_facts_of_the_machine_hold_the_credentials(emulator: Emulator, tmp_path: Path, collections: Path) -> None:
    """What the guide warns of: facts hold the environment of the job, unless it is left out. AWX stores facts if the job template says so."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    gather = {"ansible.builtin.setup": {"gather_subset": ["!all", "!min", "env"]}}
    spared = {"ansible.builtin.setup": {"gather_subset": ["!all", "!env"]}}
    book = [{"hosts": host, "gather_facts": False, "tasks": [{"name": "Gather", **task}]} for host, task in (("all_facts", gather), ("no_env", spared))]
    job = run_job(
        tmp_path,
        collections,
        credentials(emulator),
        playbook=book,
        inventory={"all": {"hosts": {"all_facts": local, "no_env": local}}},
        settings={"fact_cache_type": "jsonfile"},
    ).good()
    # Since core 2.19 the names of files begin with the version of what they hold.
    stored = {path.name.removeprefix("s1_"): data for path, data in job.left.items() if path.parent.name == "fact_cache"}
    secret = accounts()["whm"]["token"].encode()
    assert secret in stored["all_facts"]
    assert secret not in stored.get("no_env", b"")
