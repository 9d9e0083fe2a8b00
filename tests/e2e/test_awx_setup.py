# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role awx_setup against the fake AWX, and against what AWX's own collection creates from the same files."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from e2e.awx_files import EXAMPLE, NAMES, TYPES, document
from e2e.fake_awx import FakeAwx
from e2e.stage import COLLECTION, Run, Stage

ROLE = "apiauth.tokens.awx_setup"
MARK = "Managed by the role apiauth.tokens.awx_setup."
# The newest of the PyPI package `ansible` that has awx.awx (24.6.1).
PACKAGE = "13.8.0"
ORGANIZATION = "Übung & Söhne, 100 %"
SECRET = "CANARY secret of a credential"
RENEWED = "CANARY another secret"
JOB_TEMPLATE = "Bericht: täglich"


@pytest.fixture
def awx() -> Iterator[FakeAwx]:
    with FakeAwx() as running:
        organization = running.store("organizations", name=ORGANIZATION)
        for kind in ("projects", "inventories", "execution_environments"):
            running.store(kind, name=f"The {kind}", organization=organization)
        # More than a page of others, before and after.
        for number in range(30):
            running.store("credential_types", name=f"A type {number}", kind="cloud")
            running.store("credential_types", name=f"Z type {number}", kind="cloud")
        yield running


@pytest.fixture
def setup(stage: Stage) -> Callable[..., Run]:
    """Plays the role on a host that this machine is, with become for the play."""

    def play(awx: FakeAwx | None, *args: str, env: Mapping[str, str | None] | None = None, **variables: Any) -> Run:
        # A loop of the user's own, whose variable the role must not touch.
        tasks = [{"name": "Set up", "ansible.builtin.include_role": {"name": ROLE}, "loop": ["the user's"]}]
        tasks.append({"name": "Look at the variable", "ansible.builtin.assert": {"that": "item is not defined"}})
        login = {"CONTROLLER_HOST": f"{awx.url}/", "CONTROLLER_OAUTH_TOKEN": awx.token} if awx else {}
        return stage.playbook([{"tasks": tasks}], extra_vars=variables, args=args, env={**login, "ANSIBLE_PIPELINING": "1", **(env or {})}, timeout=600)

    return play


def everything(**more: Any) -> dict[str, Any]:
    survey = yaml.safe_load((EXAMPLE / "survey.yml").read_text())
    return {
        "awx_setup_organization": ORGANIZATION,
        "awx_setup_credentials": [
            {"name": "Schlüssel, groß", "type": "rackcorp", "inputs": {"api_uuid": "1234", "api_secret": SECRET}},
            {"name": "Cache", "type": "apiauth_cache", "inputs": {"cache_key": SECRET, "cache": "file", "cache_dir": "/cache"}},
            {"name": "Wege", "type": "apiauth_connection", "inputs": {"timeout": 12, "validate_certs": True, "proxy": None}},
        ],
        "awx_setup_job_template": {
            "name": JOB_TEMPLATE,
            "project": "The projects",
            "inventory": "The inventories",
            "execution_environment": "The execution_environments",
            "playbook": "site.yml",
            "credentials": ["Schlüssel, groß", "Cache", "Wege"],
            "extra_vars": {"report_name": "{}", "numbers": [1]},
            "survey": survey,
            "fields": {"forks": 3},
        },
        **more,
    }


def changed(run: Run) -> bool:
    return "changed=0" not in run.good().output


def test_from_nothing_and_back(awx: FakeAwx, setup: Callable[..., Run]) -> None:
    """Check mode changes nothing and shows all, a second run changes nothing, a removal leaves what others created."""
    others = {kind: set(known) for kind, known in awx.objects.items()}
    run = setup(awx, "--check", "--diff", **everything())
    assert changed(run)
    assert awx.writes() == []
    assert f"+description: {MARK}" in run.output
    assert "'{{ api_secret }}'" in run.output
    assert "(a new value)" in run.output
    assert changed(setup(awx, **everything()))
    for name in NAMES:
        stored = awx.named("credential_types", document(name)["name"])
        assert stored == document(name)
    assert awx.inputs("Schlüssel, groß") == {"api_uuid": "1234", "api_secret": SECRET}
    assert awx.inputs("Wege") == {"timeout": "12", "validate_certs": "true"}
    (number,) = awx.objects["job_templates"]
    assert awx.objects["job_templates"][number]["survey_enabled"] is True
    assert awx.objects["job_templates"][number]["forks"] == 3
    assert json.loads(awx.objects["job_templates"][number]["extra_vars"]) == {"report_name": "{}", "numbers": [1]}
    assert sorted(awx.objects["credentials"][one]["name"] for one in awx.attached[number]) == ["Cache", "Schlüssel, groß", "Wege"]
    assert awx.surveys[number] == yaml.safe_load((EXAMPLE / "survey.yml").read_text())
    awx.writes()
    again = setup(awx, "--diff", **everything())
    assert not changed(again)
    assert awx.writes() == []
    removal = setup(awx, awx_setup_state="absent", **everything())
    assert changed(removal)
    assert {kind: set(known) for kind, known in awx.objects.items()} == others
    for one in (run, again, removal):
        assert SECRET not in one.output
        assert awx.token not in one.output


def test_updates(awx: FakeAwx, setup: Callable[..., Run]) -> None:
    """Only what differs is sent. A secret that AWX has is sent again on request alone, and other fields of a credential stay."""
    one = {"name": "Key", "type": "rackcorp", "organization": ORGANIZATION, "inputs": {"api_uuid": "1", "api_secret": SECRET, "username": "me"}}
    types = {"awx_setup_credential_types": ["rackcorp"]}
    setup(awx, awx_setup_credentials=[one], **types).good()
    awx.writes()
    renewed = {**one, "inputs": {"api_uuid": "2", "api_secret": RENEWED, "username": ""}}
    kind = awx.named("credential_types", document("rackcorp")["name"])
    kind["description"] = f"Edited. {MARK}"
    run = setup(awx, "--diff", awx_setup_credentials=[renewed], **types).good()
    assert [(method, sorted(body)) for method, _path, body in awx.writes()] == [("PATCH", ["description"]), ("PATCH", ["inputs"])]
    assert awx.inputs("Key") == {"api_uuid": "2", "api_secret": SECRET}, "the secret stays"
    assert "-    api_uuid: '1'" in run.output
    assert not changed(setup(awx, awx_setup_credentials=[renewed], **types))
    assert changed(setup(awx, awx_setup_credentials=[renewed], awx_setup_update_secrets=True, **types))
    assert awx.inputs("Key")["api_secret"] == RENEWED


def of_others(awx: FakeAwx) -> None:
    awx.store("credential_types", **{**document("rackcorp"), "description": "Made by hand."})


def in_use(awx: FakeAwx) -> None:
    kind = document("rackcorp")
    kind["inputs"]["fields"].pop()
    kind["injectors"]["env"].pop("RACKCORP_AUTH")
    awx.store("credentials", name="Of a user", credential_type=awx.store("credential_types", **kind))


def answering(status: int, body: Any) -> Callable[[FakeAwx], None]:
    def break_it(awx: FakeAwx) -> None:
        awx.broken = (status, body)

    return break_it


def read_only(awx: FakeAwx) -> None:
    awx.writable = False


def with_prefix(awx: FakeAwx) -> None:
    awx.prefix = "/api/controller/"


FAULTS: dict[str, tuple[Callable[[FakeAwx], object], dict[str, Any], str]] = {
    "h01": (answering(401, "<html><body>Log in</body></html>"), {}, "HTTP status 401). Check the login"),
    "h02": (answering(200, "<html><body>Log in</body></html>"), {}, "The response is not JSON, so this may be a login page"),
    "h03": (answering(502, "<html><body>Bad gateway</body></html>"), {}, "HTTP status 502). See the logs of AWX."),
    "h04": (answering(301, ""), {}, "HTTP status 301). It redirects to"),
    "h05": (with_prefix, {}, "set awx_setup_api_prefix or CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX to /api/controller/"),
    "h06": (read_only, {}, "HTTP status 403): You do not have permission to perform this action."),
    "h07": (of_others, {}, "and this role did not create it. Rename it in AWX, or let the role take it over with awx_setup_adopt"),
    "h08": (in_use, {}, "Modifications to inputs are not allowed for credential types that are in use."),
    "h09": (answering(200, {}), {"host": "127.0.0.1:1"}, "https://127.0.0.1:1: AWX could not list credential types (HTTP status -1)"),
    "h10": (answering(200, {}), {"host": ""}, "set CONTROLLER_HOST or AAP_HOSTNAME in the environment"),
    "h11": (answering(200, {}), {"token": ""}, "set CONTROLLER_OAUTH_TOKEN or AAP_TOKEN in the environment"),
    "h12": (
        lambda awx: None,
        {"credentials": [{"name": "C", "type": "rackcorp", "organization": "None", "inputs": {"api_secret": SECRET}}]},
        "has no organization None that the login may see",
    ),
    "h13": (
        lambda awx: awx.store("organizations", name="O") and None,
        {"credentials": [{"name": "C", "type": "rackcorp", "organization": "O", "inputs": {"api_key": SECRET}}]},
        "its type has no field api_key, only api_url",
    ),
    "h14": (
        lambda awx: awx.store("organizations", name="O") and None,
        {"credentials": [{"name": "C", "type": "rackcorp", "organization": "O", "inputs": {"login": SECRET}}]},
        "AWX could not create the credential C (HTTP status 400): inputs.",
    ),
    "h15": (
        lambda awx: None,
        {"job_template": {"name": "J", "project": "P", "inventory": "I", "playbook": "site.yml"}},
        "AWX has no projects named P that the login may see",
    ),
}


def test_faults(stage: Stage) -> None:
    """Each is one sentence that says what AWX answered and what to do, without a secret."""
    with contextlib.ExitStack() as stack:
        chosen: dict[str, dict[str, Any]] = {}
        for host, (break_it, given, _message) in FAULTS.items():
            awx = stack.enter_context(FakeAwx())
            break_it(awx)
            chosen[host] = {"host": awx.url, "token": awx.token, "credentials": [], "job_template": {}, **given}
        variables: dict[str, Any] = {f"awx_setup_{name}": f"{{{{ chosen[inventory_hostname].{name} }}}}" for name in chosen["h01"]}
        run = stage.playbook(
            [{"roles": [ROLE]}],
            hosts=len(FAULTS),
            extra_vars={"chosen": chosen, "awx_setup_credential_types": ["rackcorp"], **variables},
            env={"ANSIBLE_PIPELINING": "1"},
            timeout=600,
        )
    assert run.rc != 0
    for host, (_break, _given, message) in FAULTS.items():
        told = [str(record["result"].get("msg")) for record in run.records if record["host"] == host and record["event"] in ("failed", "item_failed")]
        assert [one for one in told if message in one], (host, told)
    assert SECRET not in run.output
    assert FakeAwx.token not in run.output


def test_behind_a_gateway(stage: Stage, setup: Callable[..., Run]) -> None:
    """The names of ansible.platform, a user with a password, and an empty CONTROLLER_HOST, as AWX injects it for a credential without one."""
    with FakeAwx(prefix="/api/controller/") as awx:
        of_others(awx)
        env = {
            "CONTROLLER_HOST": "",
            "AAP_HOSTNAME": awx.url,
            "AAP_USERNAME": awx.login[0],
            "AAP_PASSWORD": awx.login[1],
            "AAP_VALIDATE_CERTS": "False",
            "GATEWAY_HOSTNAME": "http://127.0.0.1:1",
            "GATEWAY_API_TOKEN": "of another host",
        }
        run = setup(None, env=env, awx_setup_credential_types=["rackcorp"], awx_setup_adopt=True).good()
        assert awx.named("credential_types", document("rackcorp")["name"]) == document("rackcorp")
        assert awx.login[1] not in run.output


# -- beside AWX's own collection


def build_directory() -> Path:
    """Return .build of the checkout, also from a copy inside it."""
    return next((parent for parent in COLLECTION.parents if parent.name == ".build"), COLLECTION / ".build")


@pytest.fixture(scope="session")
def awx_collection() -> Path:
    """The directory with the collection awx.awx, from the PyPI package `ansible`, which brings it along."""
    top = build_directory() / f"awx.awx-{PACKAGE}"
    if not (top / "complete").exists():
        wheels = top / "wheels"
        shutil.rmtree(top, ignore_errors=True)
        wheels.mkdir(parents=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(wheels), f"ansible=={PACKAGE}"]
        ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if ended.returncode:
            pytest.skip(f"no package index gives ansible {PACKAGE}, which holds awx.awx: {ended.stdout[-300:]}")
        (wheel,) = wheels.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(top, [name for name in archive.namelist() if name.startswith("ansible_collections/awx/awx/")])
        shutil.rmtree(wheels)
        (top / "complete").touch()
    return top


def test_awx_awx_creates_the_same(awx: FakeAwx, stage: Stage, setup: Callable[..., Run], awx_collection: Path) -> None:
    """AWX's own modules create types and a credential from the same files; the role then finds nothing to change."""
    env = {
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join([str(stage.collections), str(awx_collection)]),
        "CONTROLLER_HOST": awx.url,
        "CONTROLLER_OAUTH_TOKEN": awx.token,
    }
    tasks: list[dict[str, Any]] = [
        {
            "name": "Create the types",
            "awx.awx.credential_type": {
                **{name: f"{{{{ kind.{name} }}}}" for name in ("name", "description", "kind", "inputs", "injectors")},
            },
            "vars": {"kind": "{{ lookup('ansible.builtin.file', path) | from_yaml }}"},
            "loop": [str(TYPES / f"{name}.yml") for name in NAMES],
            "loop_control": {"loop_var": "path"},
        },
        {
            "name": "Create a credential",
            "awx.awx.credential": {
                "name": "Key",
                "description": MARK,
                "organization": ORGANIZATION,
                "credential_type": document("whm")["name"],
                "inputs": {"host": "whm1", "token": SECRET},
            },
            "no_log": True,
        },
    ]
    stage.tasks(*tasks, env=env, timeout=600).good()
    assert {method for method, _path, _body in awx.writes()} == {"POST"}
    given = [{"name": "Key", "type": "whm", "inputs": {"host": "whm1", "token": SECRET}}]
    assert not changed(setup(awx, awx_setup_credentials=given, awx_setup_organization=ORGANIZATION))
    assert awx.writes() == []
