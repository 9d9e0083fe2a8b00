# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A managed host must not decide where a credential goes.

What a host reports as facts becomes a variable, and variables are a source of options. So a variable that comes from facts is an error, unless the author of
the play took the value over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from e2e.cases import LOOKUPS, NAMESPACE, READS, TITLES, lookup, minted
from e2e.hostile import ENVIRONMENT, answering, credentials, module
from e2e.rows import CORES_OWN
from e2e.stage import REMOTE, Run, Stage
from emulator.client import Emulator
from engine.servers import REPLY, Server
from engine.servers import answering as answering_bytes

Tasks = list[dict[str, Any]]
# Variables that no lookup documents.
MODULE_VARIABLES = {"rackcorp": ("rackcorp_auth",)}
# A value for each option that passes as one of its type; all others get a text.
VALUES: Mapping[str, Any] = {
    "apiauth_validate_certs": False, "apiauth_allow_http": True, "apiauth_refresh": True, "apiauth_timeout": 3, "apiauth_retries": 0,
    "apiauth_max_wait": 1, "apiauth_cache": "none", "apiauth_cache_redis_url": "redis://127.0.0.1:9/0", "apiauth_proxy": "http://127.0.0.1:9",
    "apiauth_ca_path": "/etc/hostname", "apiauth_client_cert": "/etc/hostname", "apiauth_client_key": "/etc/hostname", "whm_port": 2083,
    "rackcorp_login": "password", "rackcorp_jwt_request_method": "POST", "rackcorp_auth": "cookie",
}  # fmt: skip


@pytest.fixture(scope="module")
def evil() -> Iterator[Server]:
    """Where a host would like credentials to go. It counts connections, and must have none."""
    with Server(answering_bytes(*[REPLY] * 9)) as server:
        yield server


def report(facts: Any) -> dict[str, Any]:
    return {"name": "report", "e2e_report": {"facts": facts}}


def users(system: str) -> Tasks:
    """A task of every kind that would use a credential."""
    call = {f"{NAMESPACE}.{system}_api": {"calls": [dict(READS[system])]}}
    return [
        module("here", system),
        module("delegated", system, delegate_to="localhost", vars={"ansible_connection": "local"}),
        module("remote", system, vars=dict(REMOTE)),
        {"name": "calls", **call, "ignore_errors": True},
        lookup("lookup", LOOKUPS[system], minted(system)),
    ]


WAYS = ("here", "delegated", "remote", "calls", "lookup")


def message_of(run: Run, task: str, host: str = "h01") -> str:
    return CORES_OWN.sub("", str(run.result(task, host).get("msg", "")))


def refused(run: Run, task: str, variable: str, host: str = "h01") -> list[str]:
    """What is wrong with the failure of a task that must not use a variable from facts."""
    if not run.failed(task, host):
        return [f"{variable}, {task}: has not failed"]
    message, result = message_of(run, task, host), run.result(task, host)
    problems = [f"does not say {words}" for words in (variable, "fact") if words not in message]
    if not re.search(r"\b(extra variable|play|task|argument|set_fact|inventory)", message):
        problems.append("does not say how to set it")
    if task != "lookup" and (result.get("error") or {}).get("kind") != "configuration":
        problems.append(f"kind {(result.get('error') or {}).get('kind')}")
    if task != "lookup" and result.get("sent") is not False:
        problems.append(f"sent {result.get('sent')}")
    return [f"{variable}, {task}: {', '.join(problems)}: {message}"] if problems else []


# -- every option ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table(running: Emulator, evil: Server, new_stage: Callable[[str], Stage]) -> tuple[Run, Run, dict[str, dict[str, str]], list[dict[str, Any]]]:
    """A host for each variable of each system, which reports it as a fact: the run that gets the facts, and one that has them from the cache of facts."""
    running.reset()
    running.settings(vss={"rate_limit": 0})
    stage = new_stage("facts")
    shown = json.loads(stage.run("ansible-doc", "--json", "-t", "lookup", *(f"{NAMESPACE}.{name}" for name in LOOKUPS.values())).good().output)
    hosts: dict[str, dict[str, str]] = {}
    facts: dict[str, dict[str, Any]] = {}
    plays: list[dict[str, Any]] = []
    again: list[dict[str, Any]] = []
    for system, plugin in LOOKUPS.items():
        options = shown[f"{NAMESPACE}.{plugin}"]["doc"]["options"]
        names = [one["name"] for option in options.values() for one in option.get("vars") or ()] + list(MODULE_VARIABLES.get(system, ()))
        # The common ones for one system: they are read in one place for all.
        chosen = [name for name in names if system == "vss" or not name.startswith("apiauth_")]
        for name in chosen:
            host = f"h{len(facts) + 1:02d}"
            address = f"http://127.0.0.1:{evil.port}/{system}"
            value = VALUES.get(name, "127.0.0.1" if name.endswith("_host") else address if name.endswith("_url") else "CANARY-of-the-host")
            facts[host] = {name: value}
            hosts.setdefault(system, {})[host] = name
        where = {"hosts": ",".join(hosts[system]), "gather_facts": False}
        used = [task for task in users(system) if task["name"] in ("delegated", "lookup")]
        plays.append({**where, "tasks": [report("{{ reported[inventory_hostname] }}"), *used]})
        again.append({**where, "tasks": used[1:]})
    cached = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(stage.root / "facts")}
    common: dict[str, Any] = {"hosts": len(facts), "forks": 4, "host_vars": credentials(running), "env": {**ENVIRONMENT, **cached}, "timeout": 300}
    first = stage.playbook(plays, extra_vars={"reported": facts}, **common).good()
    second = stage.playbook(again, **common).good()
    return first, second, hosts, running.log()


@pytest.mark.parametrize("system", TITLES)
@pytest.mark.parametrize("task", ["delegated", "lookup"])
def test_no_option_is_taken_from_facts(task: str, system: str, table: tuple[Run, Run, dict[str, dict[str, str]], list[dict[str, Any]]], evil: Server) -> None:
    run, _second, hosts, _log = table
    wrong = [problem for host, name in hosts[system].items() if not _foreign(task, name) for problem in refused(run, task, name, host)]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(hosts[system])}", *wrong])


def _foreign(task: str, variable: str) -> bool:
    """Whether a task does not read a variable: only the module has `auth`, and a session is only used where `auth` says so."""
    return (task == "lookup" and variable == "rackcorp_auth") or variable == "rackcorp_session_id"


def test_a_session_is_not_taken_from_facts(emulator: Emulator, stage: Stage) -> None:
    """The table's tasks use no session."""
    known = {**credentials(emulator, "rackcorp"), "rackcorp_auth": "session"}
    run = stage.tasks(report({"rackcorp_session_id": "CANARY-of-the-host"}), *users("rackcorp")[:1], host_vars=known, env=ENVIRONMENT).good()
    assert refused(run, "here", "rackcorp_session_id") == []
    assert emulator.log() == []


@pytest.mark.parametrize("system", TITLES)
def test_no_option_is_taken_from_cached_facts(system: str, table: tuple[Run, Run, dict[str, dict[str, str]], list[dict[str, Any]]], evil: Server) -> None:
    _run, run, hosts, _log = table
    wrong = [problem for host, name in hosts[system].items() if not _foreign("lookup", name) for problem in refused(run, "lookup", name, host)]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(hosts[system])}", *wrong])


def test_nothing_was_sent_meanwhile(table: tuple[Run, Run, dict[str, dict[str, str]], list[dict[str, Any]]], evil: Server) -> None:
    """Nobody logged in, at the true system or at the one that the host named."""
    *_runs, log = table
    # The lookup has no option `auth`, so it may log in on the host that reports this one.
    assert [record["function"] for record in log if record["system"] != "rackcorp"] == []
    assert len([record for record in log if record["system"] == "rackcorp"]) <= 2
    assert evil.connections == 0


# -- the ways in which facts come --------------------------------------------------------------------------------


@pytest.mark.parametrize("system", TITLES)
@pytest.mark.parametrize("through", ["setup", "any module", "a local fact of setup"])
def test_facts_that_a_host_answers(through: str, system: str, emulator: Emulator, stage: Stage, evil: Server) -> None:
    """On the wire, as a host does it that somebody else has taken over."""
    facts = {f"{system}_api_url": f"http://127.0.0.1:{evil.port}/{system}"}
    name = "command" if through == "any module" else "setup"
    host = answering(stage, "evil", **{name: json.dumps({"changed": False, "ansible_facts": facts})})
    reporting = {"name": "report", f"ansible.builtin.{name}": "true" if name == "command" else {}, "vars": host}
    before = evil.connections
    run = stage.tasks(reporting, *users(system), host_vars=credentials(emulator, system), env=ENVIRONMENT).good()
    assert [problem for way in WAYS for problem in refused(run, way, f"{system}_api_url")] == []
    assert emulator.log() == []
    assert evil.connections == before


def test_facts_in_the_answer_of_a_module_of_ours(emulator: Emulator, stage: Stage, evil: Server) -> None:
    """They are dropped, or the next task refuses them; nothing goes to their address."""
    facts = {f"{system}_api_url": f"http://127.0.0.1:{evil.port}/{system}" for system in TITLES}
    answer = {"changed": False, "sent": True, "status": 200, "tries": 1, "data": {"message": "pong"}, "meta": {}, "ansible_facts": facts}
    before = evil.connections
    tasks = [module("first", "vss", vars=answering(stage, "evil", vss_api=json.dumps(answer))), *users("netography"), *users("vss")[:1]]
    run = stage.tasks(*tasks, host_vars=credentials(emulator, "vss", "netography"), env=ENVIRONMENT).good()
    assert evil.connections == before
    for way in WAYS:
        assert not run.failed(way) or refused(run, way, "netography_api_url") == []


@pytest.mark.parametrize("depth", [1, 2])
def test_a_variable_that_names_a_fact_of_the_host(depth: int, emulator: Emulator, stage: Stage, evil: Server) -> None:
    """The option's variable is the author's, but a variable in it is one that the host's facts shadow."""
    good, bad = emulator.url("vss"), f"http://127.0.0.1:{evil.port}/vss"
    chain = {"vss_api_url": "{{ region_url }}", "region_url": good}
    if depth == 2:
        chain = {"vss_api_url": "{{ area_url | trim }}", "area_url": "{{ region_url ~ '' }}", "region_url": good}
    known = {**credentials(emulator, "vss"), **chain}
    clean = stage.tasks(*users("vss"), host_vars=known).good()
    assert [way for way in WAYS if clean.failed(way)] == []
    emulator.reset()
    before = evil.connections
    run = stage.tasks(report({"region_url": bad}), *users("vss"), host_vars=known, env=ENVIRONMENT).good()
    assert [problem for way in WAYS for problem in refused(run, way, "region_url")] == []
    assert emulator.log() == []
    assert evil.connections == before


@pytest.mark.parametrize(
    "template",
    [
        "{{ region_url | default('http://127.0.0.1:9/other') }}",
        "{{ vars.region_url }}",
        "{{ vars['region' ~ '_url'] }}",
        "{{ lookup('ansible.builtin.vars', 'region_url') }}",
        "{{ hostvars[inventory_hostname].region_url }}",
        "{{ hostvars['h02']['region_url'] }}",
        "{{ hostvars['h02'].region_url | default('http://127.0.0.1:9/other') }}",
    ],
)
def test_other_ways_to_a_fact_of_a_host(template: str, emulator: Emulator, stage: Stage, evil: Server) -> None:
    known = {**credentials(emulator, "vss"), "vss_api_url": template, "region_url": emulator.url("vss")}
    facts = {"region_url": f"http://127.0.0.1:{evil.port}/vss"}
    before = evil.connections
    plays = [{"hosts": "h01,h02", "tasks": [report(facts)]}, {"hosts": "h01", "tasks": users("vss")}]
    clean = stage.playbook(plays[1:], hosts=2, host_vars=known, env=ENVIRONMENT).good()
    assert {way: message_of(clean, way) for way in WAYS if clean.failed(way)} == {}
    emulator.reset()
    run = stage.playbook(plays, hosts=2, host_vars=known, env=ENVIRONMENT).good()
    assert [problem for way in WAYS for problem in refused(run, way, "vss_api_url")] == []
    assert (evil.connections, emulator.log()) == (before, [])


@pytest.mark.parametrize(
    ("variable", "facts"),
    [
        ("vss_api_url", {"vss_api_url": "http://127.0.0.1:9/vss", "ansible_vss_api_url": "x"}),
        ("apiauth_validate_certs", {"apiauth_validate_certs": False, "ansible_apiauth_validate_certs": 1}),
    ],
)
def test_a_fact_behind_another_one(variable: str, facts: Mapping[str, Any], emulator: Emulator, stage: Stage) -> None:
    """In `ansible_facts` one of them hides the other."""
    for reporting in (facts, dict(reversed(list(facts.items())))):
        run = stage.tasks(report(reporting), *users("vss"), host_vars=credentials(emulator, "vss"), env=ENVIRONMENT).good()
        assert [problem for way in WAYS for problem in refused(run, way, variable)] == []
        assert emulator.log() == []


# -- what the author of the play says is the author's ------------------------------------------------------------


def test_what_the_author_gives_is_used(emulator: Emulator, stage: Stage, evil: Server) -> None:
    """`set_fact`, `register`, `include_vars`, variables of a task or play, extra variables, arguments, and facts that a template names as facts."""
    good, bad = emulator.url("vss"), f"http://127.0.0.1:{evil.port}/vss"
    included = stage.inputs / "included.json"
    included.write_text(json.dumps({"vss_api_url": good}))
    reporting = report({"vss_api_url": bad})
    echo = {"name": "registered", "ansible.builtin.command": f"echo {good}", "register": "registered"}
    by_set_fact = [
        {"name": "set_fact", "ansible.builtin.set_fact": {"vss_api_url": good}},
        {"name": "set_fact of registered", "ansible.builtin.set_fact": {"vss_api_url": "{{ registered.stdout }}"}},
    ]
    plays: list[dict[str, Any]] = [
        # A variable of the play is stronger than the fact.
        {"vars": {"vss_api_url": good}, "tasks": [reporting, *users("vss")]},
        {"tasks": [echo, {**module("by task", "vss"), "vars": {"vss_api_url": good}}]},
        {"tasks": [{**module("by registered", "vss"), "vars": {"vss_api_url": "{{ registered.stdout }}"}}]},
        {"tasks": [{"name": "by argument", f"{NAMESPACE}.vss_api": {**READS["vss"], "api_url": good}}]},
        {"tasks": [lookup("lookup by argument", "vss_token", {"api_url": good})]},
        {"tasks": [{**module("by named fact", "vss"), "vars": {"vss_api_url": f"{{{{ ansible_facts.vss_api_url | replace('{bad}', '{good}') }}}}"}}]},
        {"tasks": [by_set_fact[0], module("by set_fact", "vss"), lookup("lookup by set_fact", "vss_token", {}), by_set_fact[1]]},
        {"tasks": [module("by set_fact of registered", "vss")]},
        {"hosts": "h02", "tasks": [reporting, {"name": "include", "ansible.builtin.include_vars": str(included)}, module("by include_vars", "vss")]},
        {"hosts": "h02", "tasks": [lookup("lookup by include_vars", "vss_token", {}), module("include delegated", "vss", delegate_to="h01")]},
    ]
    known = {name: value for name, value in credentials(emulator, "vss").items() if name != "vss_api_url"}
    before = evil.connections
    run = stage.playbook([{"hosts": "h01", **play} for play in plays], hosts=2, host_vars=known, env=ENVIRONMENT).good()
    told = {task: run.result(task).get("msg") for task in run.tasks if run.failed(task)}
    assert told == {}
    assert evil.connections == before
    assert emulator.logins("vss") == 1


def test_a_cacheable_set_fact_is_used_in_the_run_that_sets_it(emulator: Emulator, stage: Stage) -> None:
    """It is a fact too, but this run knows who set it."""
    known = {name: value for name, value in credentials(emulator, "vss").items() if name != "vss_api_url"}
    setting = {"name": "set_fact", "ansible.builtin.set_fact": {"vss_api_url": emulator.url("vss"), "cacheable": True}}
    run = stage.tasks(setting, *users("vss"), host_vars=known).good()
    assert {way: message_of(run, way) for way in WAYS if run.failed(way)} == {}


@pytest.mark.parametrize("role", ["whm_token_rotate", "awx_setup", "preflight"])
def test_no_option_of_a_role_is_taken_from_facts(role: str, emulator: Emulator, stage: Stage, evil: Server) -> None:
    """Facts are stronger than group_vars and host_vars. Nothing is sent, to nobody."""
    reported = {"whm_token_rotate": "acls", "awx_setup": "url", "preflight": "rackcorp_cmd"}
    facts = {f"{role}_{reported[role]}": f"http://127.0.0.1:{evil.port}/", f"_{role}_reported": []}
    options = {"name": "t", "acls": ["list-accts"], "store": "file", "path": str(stage.tmp / "token")}
    known = {**credentials(emulator, "whm"), **{f"whm_token_rotate_{name}": value for name, value in options.items()}}
    tasks: Tasks = [report(facts), {"name": "role", "ansible.builtin.include_role": {"name": f"{NAMESPACE}.{role}"}}]
    before = evil.connections
    run = stage.tasks(*tasks, host_vars=known, env=ENVIRONMENT)
    assert run.rc != 0
    assert f"The managed host reported {role}_{reported[role]} as a fact" in re.sub(r"\s+", " ", run.output)
    assert (evil.connections, emulator.log()) == (before, [])


def test_other_facts_of_the_host_disturb_nothing(emulator: Emulator, stage: Stage) -> None:
    """Those that a true `setup` brings, and ones whose names are options of nobody."""
    others = {"vss_api_urls": "x", "apiauth": {"proxy": "http://127.0.0.1:9"}, "url": "x", "password": "x", "proxy": "http://127.0.0.1:9"}
    gathered = {"name": "setup", "ansible.builtin.setup": {"gather_subset": ["!all", "min"]}}
    run = stage.tasks(gathered, report(others), *users("vss"), host_vars=credentials(emulator, "vss"), env=ENVIRONMENT).good()
    assert {way: message_of(run, way) for way in WAYS if run.failed(way)} == {}
