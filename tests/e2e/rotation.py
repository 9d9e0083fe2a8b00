# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role whm_token_rotate, its stores, and a look from outside at what is in them."""

from __future__ import annotations

import base64
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.parsing.vault import VaultLib, VaultSecret
from e2e.fake_awx import FakeAwx
from e2e.stage import Run, Stage
from emulator.accounts import accounts
from emulator.client import Emulator

ROLE = "apiauth.tokens.whm_token_rotate"
WHM = accounts()["whm"]
VAULT_PASSWORD = "CANARY vault password"
STORES = ("file", "vault", "tasks", "awx")
# What a user's own tasks may look like: two steps, between which the secret is in no final place yet.
USERS_TASKS = [
    {
        "name": "Write the user's draft",
        "ansible.builtin.copy": {"content": "{{ whm_token_rotate_secret }}", "dest": "{{ users_file }}.draft", "mode": "0600"},
    },
    {"name": "Put the user's draft in place", "ansible.builtin.command": {"argv": ["mv", "{{ users_file }}.draft", "{{ users_file }}"]}},
]
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Rotation:
    """One stage on which the role runs, on hosts h01, h02, ... each with a token and a place in the store of its own."""

    stage: Stage
    emulator: Emulator
    awx: FakeAwx
    store: str = "file"
    places: Path = Path()

    def __post_init__(self) -> None:
        if self.places == Path():
            self.places = self.stage.root / "places"
            self.places.mkdir()
        (self.stage.inputs / "users_tasks.yml").write_text(json.dumps(USERS_TASKS))

    def variables(self, **more: Any) -> dict[str, Any]:
        place = f"{self.places}/{{{{ inventory_hostname }}}}"
        own: dict[str, dict[str, Any]] = {
            "file": {"path": place},
            "vault": {"path": place, "vault_secret": VAULT_PASSWORD},
            "tasks": {"tasks": "users_tasks.yml"},
            "awx": {"awx_url": self.awx.url, "awx_token": self.awx.token, "awx_credential": "{{ inventory_hostname }}"},
        }
        role = {"name": "rot-{{ inventory_hostname }}", "acls": ["list-accts"], "store": self.store, **own[self.store]}
        connection = {"whm_api_url": self.emulator.url("whm"), "whm_username": "root", "whm_password": WHM["password"]}
        return {**connection, "users_file": place, **{f"whm_token_rotate_{key}": value for key, value in role.items()}, **more}

    def run(
        self,
        *,
        plays: Sequence[Mapping[str, Any]] = ({"roles": [ROLE]},),
        args: Sequence[str] = (),
        env: Mapping[str, str | None] | None = None,
        hosts: int = 1,
        host_vars: Mapping[str, Any] | None = None,
        all_vars: Mapping[str, Any] | None = None,
        verbosity: int = 0,
        **more: Any,
    ) -> Run:
        """Plays of the role, with its variables as extra ones; one that is given as None is left out. `all_vars` are those of the group all."""
        group = self.stage.inputs / "group_vars"
        group.mkdir(exist_ok=True)
        (group / "all.yml").write_text(json.dumps(dict(all_vars or {})))
        variables = {key: value for key, value in self.variables(**more).items() if value is not None}
        # Half the time of a module, but only where nothing is looked for in its files.
        quick: dict[str, str | None] = {"ANSIBLE_PIPELINING": "1"}
        if all_vars:
            quick["ANSIBLE_VARS_ENABLED"] = "ansible.builtin.host_group_vars"
        whole = {**quick, **(env or {})}
        return self.stage.playbook(
            plays, hosts=hosts, host_vars=host_vars, extra_vars=variables, args=args, env=whole, verbosity=verbosity, forks=4, timeout=300
        )

    @property
    def reseller_password(self) -> str:
        return accounts()["whm_reseller"]["password"]

    # -- a look from outside

    def tokens(self, host: str = "h01") -> dict[str, dict[str, Any]]:
        """The tokens of this host's name."""
        basic = base64.b64encode(f"root:{WHM['password']}".encode()).decode()
        status, body = self.ask("api_token_list", f"Basic {basic}")
        assert status == 200, body
        return {name: token for name, token in body["data"]["tokens"].items() if name == f"rot-{host}" or name.startswith(f"rot-{host}-")}

    def create(self, name: str, **params: str) -> str:
        """A token that somebody else has made. Returns its secret."""
        basic = base64.b64encode(f"root:{WHM['password']}".encode()).decode()
        status, body = self.ask("api_token_create", f"Basic {basic}", token_name=name, **params)
        assert status == 200, body
        return str(body["data"]["token"])

    def works(self, secret: str, user: str = "root") -> bool:
        return self.ask("myprivs", f"whm {user}:{secret}")[0] == 200

    def ask(self, function: str, authorization: str, **params: str) -> tuple[int, Any]:
        data = urllib.parse.urlencode({"api.version": 1, **params}).encode()
        request = urllib.request.Request(f"{self.emulator.url('whm')}/json-api/{function}", data, {"Authorization": authorization})
        try:
            with _direct.open(request, timeout=30) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def place(self, host: str = "h01") -> Path:
        return self.places / host

    def begun(self, host: str = "h01") -> str:
        """What a first run leaves, without the run."""
        secret = self.create(f"rot-{host}-20260101000000", acl="list-accts")
        if self.store == "awx":
            self.awx.add(host, token=secret)
            return secret
        data = secret.encode()
        if self.store == "vault":
            data = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))]).encrypt(data)
        self.place(host).write_bytes(data)
        self.place(host).chmod(0o600)
        return secret

    def state(self, host: str, first: str | None) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
        """All that a next run can know, with the names made comparable: the tokens, which one is stored, and files beside the store."""
        named = {
            name: re.sub(r"-\d{14}", "-old" if name.endswith("-20260101000000") else "-made", name.removeprefix(f"rot-{host}")) for name in self.tokens(host)
        }
        stored = self.stored(host)
        files = sorted(path.name.removeprefix(host) for path in self.places.glob(f"{host}?*"))
        return (tuple(sorted(named.values())), "-old" if stored == first else "-made", tuple(files))

    def stored(self, host: str = "h01") -> str | None:
        """The secret in the store, None where there is none yet."""
        if self.store == "awx":
            return self.awx.inputs(host).get("token")
        if not self.place(host).exists():
            return None
        data = self.place(host).read_bytes()
        if self.store == "vault":
            data = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))]).decrypt(data)
        return data.decode()

    def whole(self, host: str = "h01", old: int = 0) -> str:
        """Assert that there is one token, beside `old` ones, and that it is stored and works. Returns the secret."""
        names = list(self.tokens(host))
        assert len(names) == 1 + old, names
        assert not [name for name in names if name.endswith("-new")], names
        secret = self.stored(host)
        assert secret, f"nothing is stored on {host}"
        assert self.works(secret), f"what is stored on {host} does not work"
        return secret
