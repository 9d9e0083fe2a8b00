# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that stand for the same thing are a group, and the nearest source that gives one of them decides it.

The groups are the address (`api_url`, or `host` and `port`) and the credential (`token`, password, API key, `session_id`, `netosecret` or its parts). From
near to far: argument, variable, environment, `ansible.cfg`. The parts of one credential may come from different sources: its name from a file, its secret
from the environment.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from e2e.cases import CREDENTIALS, LOOKUPS, NAMESPACE, READS, WRONG
from e2e.rows import Played, Row, by_way, with_addresses
from e2e.stage import Stage
from emulator.accounts import accounts, netosecret
from emulator.client import Emulator
from engine.servers import REPLY, Server
from engine.servers import answering as answering_bytes

RACKCORP, WHM, NETOGRAPHY, VSS = (accounts()[name] for name in ("rackcorp", "whm", "netography", "vss"))
BY_USER = {name: RACKCORP[name] for name in ("username", "password")}
BY_KEY = {name: RACKCORP[name] for name in ("api_uuid", "api_secret")}
PARTS = {name: NETOGRAPHY[name] for name in CREDENTIALS["netography"]}
DECOY = "CANARYDECOYTOKEN0123456789"
# What the emulator refuses, wherever it is used.
WRONG_NETOSECRET = netosecret().replace(netosecret()[40:60], netosecret()[20:40])
# The farther sources of the rows below hold something else for each group, and all of it is wrong.
ENVIRONMENT = {
    "RACKCORP_TOKEN": DECOY,
    "RACKCORP_SESSION_ID": DECOY,
    "WHM_API_TOKEN": DECOY,
    "NETOGRAPHY_TOKEN": DECOY,
    "VSS_TOKEN": DECOY,
}
NO_CACHE: Mapping[str, Any] = {"cache": "none"}
# What reads with the account `root`.
ROOT = {"username": "root", "password": WHM["password"]}


def rows_nearer_than_a_token() -> list[Row]:
    """A credential as an argument or as variables; the environment has a token (and would win today)."""
    rows: list[Row] = []
    credentials: dict[str, tuple[str, Mapping[str, Any]]] = {
        "API key": ("rackcorp", BY_KEY), "user": ("rackcorp", BY_USER), "parts": ("netography", PARTS),
        "netosecret": ("netography", {"netosecret": netosecret()}),
        "password": ("vss", VSS),
    }  # fmt: skip
    for name, (system, given) in credentials.items():
        for way in ("lookup", "here", "calls", "remote"):
            rows.append(Row(f"{name} as arguments", way, system, {**NO_CACHE, **given, "api_url": f"<{system}>"}))
            variables = {f"{system}_{option}": value for option, value in {**given, "api_url": f"<{system}>"}.items()}
            rows.append(Row(f"{name} as variables", way, system, NO_CACHE, variables))
    for way in ("lookup", "here", "calls"):
        rows.append(Row("password as an argument", way, "whm", {**NO_CACHE, **ROOT, "api_url": "<whm>"}))
        rows.append(Row("password as a variable", way, "whm", NO_CACHE, {"whm_password": ROOT["password"], "whm_api_url": "<whm>"}))
        wrong: dict[str, Any] = {"kind": "credentials", "words": ("refused", "password")}
        rows.append(Row("wrong password", way, "whm", {**NO_CACHE, "password": WRONG, "api_url": "<whm>"}, **wrong))
    # Credentials do not go to other hosts; the task must not fall back to the token from farther away.
    rows.append(Row("password on another host", "remote", "whm", {"password": WRONG, "api_url": "<whm>"}, kind="configuration", words=("delegate_to",)))
    rows += by_way(("here", "calls"), "username is only who the token belongs to", "whm", {"username": "root", "api_url": "<whm>"}, kind="credentials")
    return rows


def rows_nearer_than_the_rest() -> list[Row]:
    """A token as an argument or variable, or a name of it, while farther sources have the other credentials."""
    rows = []
    exported = {"RACKCORP_API_UUID": "x", "RACKCORP_API_SECRET": DECOY, "RACKCORP_USERNAME": "x", "RACKCORP_PASSWORD": DECOY}
    rows += by_way(("here", "calls"), "user against an exported key", "rackcorp", {**NO_CACHE, **BY_USER, "api_url": "<rackcorp>"}, {}, exported)
    rows += by_way(("here", "calls"), "key against an exported user", "rackcorp", {**NO_CACHE, **BY_KEY, "api_url": "<rackcorp>"}, {}, exported)
    variables = {f"rackcorp_{name}": value for name, value in {**BY_USER, "api_url": "<rackcorp>"}.items()}
    rows += by_way(("here", "calls", "remote"), "user in variables against an exported key", "rackcorp", NO_CACHE, variables, exported)
    parts = {"NETOGRAPHY_SHARED_SECRET": DECOY, "NETOGRAPHY_APPKEY": DECOY, "NETOGRAPHY_APPNAME": "x", "NETOGRAPHY_SHORTNAME": "x"}
    known = {**NO_CACHE, "netosecret": netosecret(), "api_url": "<netography>"}
    rows += by_way(("here", "calls", "remote"), "netosecret against exported parts", "netography", known, {}, parts)
    known = {**NO_CACHE, **PARTS, "api_url": "<netography>"}
    rows += by_way(("here", "calls", "remote"), "parts against an exported netosecret", "netography", known, {}, {"NETOSECRET": WRONG_NETOSECRET})
    # A variable is nearer than the environment of the task, an argument nearer than a variable.
    known = {**NO_CACHE, **BY_USER, "api_url": "<rackcorp>"}
    rows += by_way(("lookup", "here"), "user against a token in a variable", "rackcorp", known, {"rackcorp_token": DECOY})
    known = {**NO_CACHE, **VSS, "api_url": "<vss>"}
    rows += by_way(("lookup", "here", "calls", "remote"), "password against a token in a variable", "vss", known, {"vss_token": DECOY})
    known = {**NO_CACHE, **ROOT, "api_url": "<whm>"}
    rows += by_way(("lookup", "here"), "password against a token in a variable", "whm", known, {"whm_token": DECOY})
    rows += by_way(
        ("here", "calls", "remote"), "token against a password in a variable", "whm", {"token": WHM["token"], "api_url": "<whm>"}, {"whm_password": WRONG}
    )
    return rows


def rows_of_parts() -> list[Row]:
    """One credential whose parts come from different sources."""
    rows = []
    user = {"RACKCORP_PASSWORD": BY_USER["password"], "RACKCORP_API_URL": "<rackcorp>"}
    rows += by_way(
        ("here", "calls"), "name from a variable, secret from the environment", "rackcorp", NO_CACHE, {"rackcorp_username": BY_USER["username"]}, user
    )
    key = {"RACKCORP_API_SECRET": BY_KEY["api_secret"], "RACKCORP_API_URL": "<rackcorp>"}
    rows += by_way(("here", "calls"), "uuid from a variable, secret from the environment", "rackcorp", NO_CACHE, {"rackcorp_api_uuid": BY_KEY["api_uuid"]}, key)
    env = {"VSS_USER_PASS": VSS["password"], "VSS_API_URL": "<vss>"}
    rows += by_way(("here", "calls", "remote"), "name as an argument, secret from the environment", "vss", {**NO_CACHE, "username": VSS["username"]}, {}, env)
    rows += by_way(
        ("here", "calls", "remote"), "secret from a variable, name from the environment", "vss",
        NO_CACHE, {"vss_password": VSS["password"], "vss_api_url": "<vss>"}, {"VSS_USER": VSS["username"]},
    )  # fmt: skip
    return rows


def rows_of_two() -> list[Row]:
    """Two that exclude each other, from one source."""
    rows: list[Row] = []
    pairs: dict[str, tuple[str, Mapping[str, Any], tuple[str, ...]]] = {
        "token and password": ("whm", {"token": WHM["token"], "password": WHM["password"]}, ("token", "password")),
        "token and user": ("vss", {"token": DECOY, **VSS}, ("token", "password")),
        "token and key": ("rackcorp", {"token": DECOY, **BY_KEY}, ("token", "api_secret|api_uuid")),
        "token and login": ("rackcorp", {"token": DECOY, **BY_USER}, ("token", "password|username")),
        "token and netosecret": ("netography", {"token": DECOY, "netosecret": netosecret()}, ("token", "netosecret")),
        "token and parts": ("netography", {"token": DECOY, **PARTS}, ("token", "shared_secret|appkey")),
        "two addresses": ("whm", {"host": "127.0.0.1", "token": WHM["token"]}, ("host", "api_url")),
    }
    env = {"whm_token": "WHM_API_TOKEN", "vss_username": "VSS_USER", "vss_password": "VSS_USER_PASS", "netography_netosecret": "NETOSECRET"}
    for name, (system, given, words) in pairs.items():
        rows += by_way(
            ("lookup", "here", "calls", "remote"), f"{name} as arguments", system, {**given, "api_url": f"<{system}>"}, kind="configuration", words=words
        )
        variables = {f"{system}_{option}": value for option, value in {**given, "api_url": f"<{system}>"}.items()}
        rows += by_way(("lookup", "here", "remote"), f"{name} as variables", system, {}, variables, kind="configuration", words=words)
        exported = {env.get(variable, variable.upper()): value for variable, value in variables.items()}
        rows += by_way(("here",), f"{name} in the environment", system, {}, {}, exported, kind="configuration", words=words)
    return rows


def rows_of_nothing() -> list[Row]:
    """An empty argument unsets what farther sources give."""
    rows: list[Row] = []
    exported = {"VSS_TOKEN": DECOY, "VSS_USER": VSS["username"], "VSS_USER_PASS": VSS["password"], "VSS_API_URL": "<vss>"}
    rows += by_way(("here", "calls", "remote"), "empty token", "vss", {**NO_CACHE, "token": ""}, {}, exported)
    known = {"vss_token": DECOY, "vss_username": VSS["username"], "vss_password": VSS["password"], "vss_api_url": "<vss>"}
    rows += by_way(("lookup", "here", "calls", "remote"), "empty token against variables", "vss", {**NO_CACHE, "token": ""}, known)
    known = {"rackcorp_token": DECOY, **{f"rackcorp_{name}": value for name, value in BY_KEY.items()}, "rackcorp_api_url": "<rackcorp>"}
    rows += by_way(("lookup", "here", "calls", "remote"), "empty token against variables", "rackcorp", {**NO_CACHE, "token": ""}, known)
    known = {"whm_token": DECOY, "whm_password": WHM["password"], "whm_api_url": "<whm>"}
    rows += by_way(("lookup", "here", "calls"), "empty token against variables", "whm", {**NO_CACHE, "token": ""}, known)
    known = {"apiauth_proxy": "http://127.0.0.1:9", "whm_token": WHM["token"], "whm_api_url": "<whm>"}
    rows += by_way(("here", "calls"), "empty proxy", "whm", {"proxy": ""}, known)
    known = {"vss_token": DECOY, "vss_api_url": "<vss>"}
    rows += by_way(("lookup", "here", "calls", "remote"), "nothing is left", "vss", {"token": ""}, known, kind="configuration", words=("no credentials",))
    return rows


ROWS = (*rows_nearer_than_a_token(), *rows_nearer_than_the_rest(), *rows_of_parts(), *rows_of_nothing())
# How the login, or where there is none the call, is authenticated.
KINDS = {"user": "password", "API key": "basic", "key": "basic"}


@pytest.fixture(scope="module")
def played(running: Emulator, new_stage: Callable[[str], Stage]) -> Played:
    running.reset()
    running.settings(vss={"rate_limit": 0})
    stage = new_stage("nearest")
    decoys = {**ENVIRONMENT, "VSS_API_URL": f"{running.url('vss')}/farther", "WHM_API_URL": f"{running.url('whm')}/farther"}
    run = stage.tasks(*(row.task(running) for row in ROWS), env=decoys, verbosity=3, timeout=300).good()
    return Played(run, running.log())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_the_nearest_source_decides(row: Row, played: Played) -> None:
    played.check(row)
    if row.way == "lookup" or row.kind:
        return
    call = played.call(row)
    assert DECOY not in json.dumps(call)
    if row.system == "whm":
        assert call["kinds"] == ["token" if row.name.startswith(("token", "empty proxy")) else "basic"]
        return
    login = played.login(row)
    assert login is not None
    assert login["ok"]
    if row.system == "rackcorp":
        assert login["principal"] == (BY_USER["username"] if "user" in row.name.split(" against")[0] or row.name.startswith("name") else BY_KEY["api_uuid"])


def test_what_is_ignored_can_be_seen(played: Played) -> None:
    """A line at -vvv names the farther option and its source."""
    lines = [line for line in played.run.output.splitlines() if "ignored" in line]
    for name in ("WHM_API_TOKEN", "VSS_TOKEN", "RACKCORP_TOKEN", "NETOGRAPHY_TOKEN", "vss_token"):
        assert any(name in line for line in lines), f"no line says that {name} is ignored"
    assert DECOY not in "".join(lines)


@pytest.fixture(scope="module")
def exclusive(running: Emulator, new_stage: Callable[[str], Stage]) -> Played:
    running.reset()
    running.settings(vss={"rate_limit": 0})
    run = new_stage("exclusive").tasks(*(row.task(running) for row in rows_of_two()), timeout=300).good()
    return Played(run, running.log())


@pytest.mark.parametrize("row", rows_of_two(), ids=lambda row: row.title)
def test_two_from_one_source_are_an_error(row: Row, exclusive: Played) -> None:
    exclusive.check(row)


def test_two_from_one_source_send_nothing(exclusive: Played) -> None:
    assert [record["function"] for record in exclusive.log] == []


# -- addresses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ini", [False, True])
@pytest.mark.parametrize("far", ["WHM_API_URL", "WHM_HOST"])
def test_the_nearest_address_decides(far: str, ini: bool, emulator: Emulator, stage: Stage) -> None:
    """`host` beats an exported WHM_API_URL, and the other way round. What is far is in the environment, or in `ansible.cfg`."""
    token = {"whm_token": WHM["token"], "apiauth_retries": 0, "apiauth_timeout": 0.5}
    with Server(answering_bytes(*[REPLY] * 99)) as wrong, Server(answering_bytes(*[REPLY] * 99)) as right:
        host, url = {"host": "127.0.0.1", "port": right.port}, {"api_url": f"http://127.0.0.1:{right.port}"}
        near = host if far == "WHM_API_URL" else url
        farther = {"WHM_API_URL": f"http://127.0.0.1:{wrong.port}"} if far == "WHM_API_URL" else {"WHM_HOST": "127.0.0.1", "WHM_PORT": str(wrong.port)}
        if ini:
            lines = [f"{name.lower()} = {value}\n" for name, value in farther.items()]
            (stage.inputs / "ansible.cfg").write_text("".join(["[apiauth]\n", *lines]))
        variables = {f"whm_{name}": value for name, value in near.items()}
        rows = [
            *by_way(("lookup", "here", "calls", "remote"), "as arguments", "whm", near, token),
            *by_way(("lookup", "here", "calls", "remote"), "as variables", "whm", {}, {**token, **variables}),
            *by_way(("here",), "in the environment of the task", "whm", {}, token, {f"WHM_{name.upper()}": str(value) for name, value in near.items()}),
        ]
        # An argument or variable that is nearer; the task's own environment is nearer than ansible.cfg only.
        rows = [row for row in rows if ini or not row.environment]
        defaults = {"name": "module_defaults", f"{NAMESPACE}.whm_api": dict(READS["whm"]), "module_defaults": {f"group/{NAMESPACE}.whm": near}, "vars": token}
        tasks = [*(row.task(emulator) for row in rows), {**defaults, "ignore_errors": True}]
        run = stage.tasks(*tasks, env={} if ini else farther).good()
        assert wrong.connections == 0
        # Two lookups of one account share a failure.
        assert right.connections >= len(tasks) - 2
        messages = [str(run.result(task["name"])["msg"]) for task in tasks if run.failed(task["name"])]
        assert messages, "a lookup finds no secret in such a reply"
        assert [message for message in messages if f"WHM at 127.0.0.1:{right.port}" not in message] == []


def test_parts_of_an_address_come_together(emulator: Emulator, stage: Stage) -> None:
    """The port as an argument, the host from the environment."""
    with Server(answering_bytes(*[REPLY] * 9)) as right:
        row = Row("port", "here", "whm", {"port": right.port, "token": WHM["token"]}, kind="tls|network", words=(f"127.0.0.1:{right.port}",))
        run = stage.tasks(row.task(emulator), env={"WHM_HOST": "127.0.0.1"}).good()
        Played(run, []).check(row)
        assert right.connections == 1


def test_a_name_in_ansible_cfg_and_a_secret_in_the_environment(emulator: Emulator, stage: Stage) -> None:
    """The usual way: `ansible.cfg` cannot hold secrets."""
    lines = {"vss_username": VSS["username"], "rackcorp_api_uuid": BY_KEY["api_uuid"], "whm_username": "root", "netography_shortname": PARTS["shortname"],
             "netography_appname": PARTS["appname"], **{f"{system}_api_url": emulator.url(system) for system in LOOKUPS}}  # fmt: skip
    (stage.inputs / "ansible.cfg").write_text("".join(["[apiauth]\n", *(f"{name} = {value}\n" for name, value in lines.items())]))
    env = {"VSS_USER_PASS": VSS["password"], "RACKCORP_API_SECRET": BY_KEY["api_secret"], "WHM_PASSWORD": WHM["password"],
           "NETOGRAPHY_APPKEY": PARTS["appkey"], "NETOGRAPHY_SHARED_SECRET": PARTS["shared_secret"]}  # fmt: skip
    rows = [row for system in LOOKUPS for row in by_way(("lookup", "here"), "both", system)]
    run = stage.tasks(*(row.task(emulator) for row in rows), env=env).good()
    assert {row.title: run.result(row.title).get("msg") for row in rows if run.failed(row.title)} == {}


def test_an_explicit_login_of_rackcorp_chooses_among_two(emulator: Emulator, stage: Stage) -> None:
    """An API key and a user from one source are no error where `login` says which."""
    both = with_addresses({**BY_KEY, **BY_USER, "api_url": "<rackcorp>", **NO_CACHE}, emulator)
    rows = [row for login in ("api_key", "password") for row in by_way(("lookup", "here", "remote"), login, "rackcorp", {**both, "login": login})]
    run = stage.tasks(*(row.task(emulator) for row in rows)).good()
    played = Played(run, emulator.log())
    for row in rows:
        played.check(row)
        login = played.login(row) if row.way != "lookup" else None
        assert login is None or login["principal"] == (BY_KEY["api_uuid"] if row.name == "api_key" else BY_USER["username"])
