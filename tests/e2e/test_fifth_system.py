# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fifth system is the files in tests/fifth_system and nothing else: no line of the collection has to change."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from e2e.stage import COLLECTION, REMOTE, Stage

FILES = COLLECTION / "tests" / "fifth_system"
MOST_LINES = {"providers": 100, "doc_fragments": 100, "action": 15, "modules": 80, "lookup": 60}
DOCUMENTATION_TEST = "tests/unit/plugins/test_documentation.py"
PASSWORD = "CANARY acme-password"


class Acme(ThreadingHTTPServer):
    """The system: one account, tokens, and five things in pages of two."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), AcmeHandler)
        self.logins = 0
        self.valid: set[str] = set()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def reply(self, path: str, token: str, sent: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        parts = urlsplit(path)
        if parts.path == "/v1/login":
            return self._login(sent)
        if token not in self.valid:
            return 401, {"error": "no such token"}
        if parts.path != "/v1/things":
            return 404, {"error": "no such thing"}
        page = int(parse_qs(parts.query).get("page", ["1"])[0])
        things = [{"id": number} for number in range(1, 6)]
        return 200, {"items": things[2 * page - 2 : 2 * page], "next": page + 1 if 2 * page < len(things) else None}

    def _login(self, sent: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self.lock:
            self.logins += 1
            if sent != {"user": "ops", "password": PASSWORD}:
                return 401, {"error": "wrong password"}
            token = f"CANARY-acme-token-{self.logins}"
            self.valid.add(token)
        return 200, {"token": token, "seconds": 600}


class AcmeHandler(BaseHTTPRequestHandler):
    server: Acme

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def answer(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        status, body = self.server.reply(self.path, token, json.loads(sent or "{}"))
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


# The names that the base class calls.
for _method in ("GET", "POST"):
    setattr(AcmeHandler, f"do_{_method}", AcmeHandler.answer)


@pytest.fixture
def acme() -> Iterator[Acme]:
    with Acme() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection as it is, and the files of the fifth system beside its own."""
    top = tmp_path_factory.mktemp("five")
    collection = top / "ansible_collections" / "apiauth" / "tokens"
    for part in ("plugins", "meta"):
        shutil.copytree(COLLECTION / part, collection / part, ignore=shutil.ignore_patterns("__pycache__"))
    (collection / DOCUMENTATION_TEST).parent.mkdir(parents=True)
    for name in ("galaxy.yml", "pyproject.toml", DOCUMENTATION_TEST):
        shutil.copy(COLLECTION / name, collection / name)
    for file in [file for file in FILES.rglob("*.py") if "__pycache__" not in file.parts]:
        target = collection / file.relative_to(FILES)
        assert target.parent.is_dir()
        assert not target.exists()
        shutil.copy(file, target)
    return top


@pytest.fixture
def stage(tmp_path: Path, extended: Path) -> Stage:
    return Stage(tmp_path, extended)


def known(acme: Acme, **options: str) -> dict[str, Any]:
    values = {"api_url": acme.url, "username": "ops", "password": PASSWORD, **options}
    return {f"acme_{name}": value for name, value in values.items()}


def test_it_is_small() -> None:
    sizes = {file: len(file.read_text().splitlines()) for file in FILES.rglob("*.py")}
    assert sorted(file.parent.name for file in sizes) == sorted(MOST_LINES)
    assert {file.name: lines for file, lines in sizes.items() if lines > MOST_LINES[file.parent.name]} == {}


def test_one_login_serves_lookups_and_calls_on_every_kind_of_host(stage: Stage, acme: Acme) -> None:
    call = {"apiauth.tokens.acme_api": {"path": "things", "all_pages": True}}
    plays: list[dict[str, Any]] = [
        {"tasks": [{"name": "token", "ansible.builtin.debug": {"msg": "{{ lookup('apiauth.tokens.acme_token') | length }}"}}, {"name": "here", **call}]},
        {"vars": dict(REMOTE), "tasks": [{"name": "there", **call}]},
    ]
    run = stage.playbook(plays, extra_vars=known(acme), hosts=4, forks=4).good()
    for task in ("here", "there"):
        assert [[thing["id"] for thing in result["data"]] for result in run.results(task).values()] == [[1, 2, 3, 4, 5]] * 4
    assert [int(result["msg"]) for result in run.results("token").values()] == [len("CANARY-acme-token-1")] * 4
    assert acme.logins == 1
    assert "CANARY" not in run.output


def test_a_refused_token_is_replaced_once(stage: Stage, acme: Acme) -> None:
    call = {"apiauth.tokens.acme_api": {"path": "things"}}
    stage.tasks({"name": "first", **call}, extra_vars=known(acme)).good()
    acme.valid.clear()
    run = stage.tasks({"name": "second", **call}, extra_vars=known(acme), hosts=4).good()
    assert [len(result["data"]) for result in run.results("second").values()] == [2, 2, 2, 2]
    assert acme.logins == 2


def test_a_wrong_password_is_tried_once(stage: Stage, acme: Acme) -> None:
    call = {"apiauth.tokens.acme_api": {"path": "things"}}
    run = stage.tasks({"name": "call", **call}, extra_vars=known(acme, password="CANARY-wrong"), hosts=4, forks=4)
    assert [result["error"]["kind"] for result in run.results("call").values()] == ["credentials"] * 4
    assert "Acme at 127.0.0.1" in run.results("call")["h01"]["msg"]
    assert acme.logins == 1
    assert "CANARY" not in run.output


def test_its_token_is_removed_from_the_cache_by_its_name(stage: Stage, acme: Acme) -> None:
    call = {"apiauth.tokens.acme_api": {"path": "things"}}
    removal = {"apiauth.tokens.token_cache": {"provider": "acme", "revoke": True}}
    run = stage.tasks({"name": "first", **call}, {"name": "removed", **removal}, {"name": "second", **call}, extra_vars=known(acme)).good()
    (entry,) = run.result("removed")["entries"]
    assert (entry["provider"], entry["removed"], entry["revoked"], entry["reason"]) == (
        "acme", True, False, "the system has no way to revoke a token before it expires",
    )  # fmt: skip
    assert acme.logins == 2
    other = stage.tasks({"name": "other", "apiauth.tokens.token_cache": {"provider": "nobody"}})
    assert "acme, netography, rackcorp, vss, whm" in other.result("other")["msg"]


def test_its_secrets_stay_on_the_controller(stage: Stage, extended: Path) -> None:
    """Also while a task calls another system on another host."""
    asked = "from ansible_collections.apiauth.tokens.plugins.plugin_utils._registry import secret_environment_names; print(sorted(secret_environment_names()))"
    environment = {**stage.environment(stage.root / "none"), "PYTHONPATH": str(extended)}
    told = subprocess.run([sys.executable, "-c", asked], env=environment, capture_output=True, text=True, check=False)
    assert {"ACME_PASSWORD", "ACME_TOKEN", "RACKCORP_API_SECRET", "WHM_API_TOKEN"} <= set(json.loads(told.stdout.replace("'", '"'))), told.stderr
    host = {"apiauth.tokens.acme_api": {"path": "things", "api_url": "http://127.0.0.1:9/", "token": "CANARY-given", "retries": 0}}
    run = stage.tasks({"name": "call", **host, "environment": {"ACME_PASSWORD": "CANARY-environment"}}, play={"vars": dict(REMOTE)}, verbosity=3)
    assert run.result("call")["error"]["kind"] == "network"
    assert "CANARY" not in run.output


def test_its_documentation_is_whole(stage: Stage, extended: Path) -> None:
    shown = json.loads(stage.run("ansible-doc", "--json", "-t", "module", "apiauth.tokens.acme_api").good().output)
    assert {"path", "username", "all_pages", "cache"} <= set(shown["apiauth.tokens.acme_api"]["doc"]["options"])
    collection = extended / "ansible_collections" / "apiauth" / "tokens"
    command = [sys.executable, "-m", "pytest", DOCUMENTATION_TEST, "-k", "acme and not action_groups and not guide"]
    environment = {**stage.environment(stage.root / "none"), "PYTHONPATH": str(extended)}
    checked = subprocess.run(command, cwd=collection, env=environment, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "7 passed" in checked.stdout


def test_its_fragment_is_what_the_generator_writes(stage: Stage, extended: Path) -> None:
    """From the provider's table and the descriptions in tests/fifth_system/options.yml. Fails if any description or source differs."""
    program = """
import runpy, sys, yaml
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.acme import Acme
generator = runpy.run_path(sys.argv[1])
sys.stdout.write(generator["fragment_file"](Acme.options, yaml.safe_load(open(sys.argv[2]))["acme"]))
"""
    command = [sys.executable, "-c", program, str(COLLECTION / "tools" / "reference" / "generate.py"), str(FILES / "options.yml")]
    environment = {**stage.environment(stage.root / "none"), "PYTHONPATH": str(extended)}
    written = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert written.stdout == (FILES / "plugins" / "doc_fragments" / "acme.py").read_text(), written.stderr


def test_the_contributor_guide_shows_these_files() -> None:
    guide = (COLLECTION / "docs" / "docsite" / "rst" / "guide_contributor.rst").read_text()
    for file in (*FILES.rglob("*.py"), FILES / "options.yml"):
        _licence, _blank, text = file.read_text().partition("\n\n")
        shown = "".join(f"    {line}\n" if line else "\n" for line in text.splitlines())
        assert shown in guide, file.name
