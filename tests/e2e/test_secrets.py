# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret is printed or written, whatever is done and however it fails.

Everything runs at the highest verbosity, with a log file, with files that are kept on hosts, and with a cache of facts. What was printed
and every file that was written is then searched, but for the files of the test itself.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from e2e.cases import CREDENTIALS, ENVIRONMENT, LOOKUPS, NAMESPACE, READS, TITLES, WRONG, Case, all_cases, expired_jwt, faults
from e2e.hunt import Hunt, given_out
from e2e.leaks import GIVEN, leaks, loud
from e2e.stage import BECOME, COLLECTION, REMOTE, Run, Stage
from emulator.accounts import accounts
from emulator.client import Emulator
from engine.servers import Server, echoing

EXISTING = {path.stem: True for kind in ("lookup", "modules", "filter", "test") for path in COLLECTION.glob(f"plugins/{kind}/[!_]*.py")}


def through_variables(task: Mapping[str, Any], number: int, store: dict[str, Any]) -> dict[str, Any]:
    """The task with its options in variables, because lines of a playbook may be shown with an error."""
    changed = dict(task)
    name = f"given_{number}"
    if "given" in task.get("vars", {}):
        store[name] = task["vars"]["given"]
        return {**changed, "vars": {"given": f"{{{{ {name} }}}}"}}
    module = next(key for key in task if key.startswith(NAMESPACE))
    store[name] = task[module]
    return {**changed, module: {option: f"{{{{ {name}['{option}'] }}}}" for option in task[module]}}


def hidden(tasks: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    store: dict[str, Any] = {}
    return [through_variables(task, number, store) for number, task in enumerate(tasks)], store


# -- failures ----------------------------------------------------------------------------------------------------


def edges(emulator: Emulator) -> Iterator[Case]:
    """Pages that are cut in the middle of a secret, wherever an error is cut off."""
    for system in TITLES:
        known = accounts()[system]
        token = GIVEN[0]
        rules = []
        for place in range(150, 420, 30):
            base = f"{emulator.url(system)}/edge-{place}"
            login, call = "x" * place + WRONG, "x" * place + token
            rules.append({"match": {"path": f"edge-{place}/.*call"}, "times": None, "action": "status", "status": 500, "body": call})
            if EXISTING.get(LOOKUPS[system]) and system != "whm":
                rules.append({"match": {"path": f"edge-{place}/"}, "times": None, "action": "status", "status": 500, "body": login})
                options = {name: known[name] for name in CREDENTIALS[system]}
                secret = {"rackcorp": "api_secret", "netography": "shared_secret", "vss": "password"}[system]
                yield Case(f"edge {place}", LOOKUPS[system], {**options, secret: WRONG, "api_url": base, "retries": 0}, "server", ())
            path: dict[str, Any] = {"function": "call"} if system == "whm" else {"path": "call"}
            yield Case(f"edge {place}", f"{system}_api", {**path, "api_url": base, "token": token, "retries": 0}, "server", ())
        emulator.fault(*rules)


@pytest.fixture(scope="module")
def everything_that_fails(running: Emulator, new_stage: Callable[[str], Stage]) -> tuple[Stage, Run, list[Case]]:
    running.reset()
    faults(running)
    cases = [*all_cases(running, EXISTING), *edges(running)]
    stage = new_stage("failures")
    tasks, store = hidden([case.task() for case in cases])
    return stage, stage.tasks(*tasks, extra_vars=store, env=loud(stage), verbosity=5, timeout=300), cases


def test_failures_show_no_secret(everything_that_fails: tuple[Stage, Run, list[Case]], running: Emulator) -> None:
    stage, run, cases = everything_that_fails
    assert [case.title for case in cases if not run.failed(case.title)] == []
    assert stage.log.stat().st_size > 100_000
    assert leaks(stage, run, running, expired_jwt()) == []


ELSEWHERE: Mapping[str, Mapping[str, Any]] = {
    "remote": {"vars": REMOTE},
    "remote become": {"vars": REMOTE, **BECOME},
    "async": {},
    "remote async": {"vars": REMOTE},
}
# Under async a task takes seconds.
FEW = ("echo", "wrong token", "not found", "edge 180", "proxy is dead")
MANY = (*FEW, "html", "raw", "limited", "hang", "elsewhere", "wrong credential", "untrusted")
BACKGROUND: Mapping[str, Any] = {"async": 60, "poll": 1}


@pytest.mark.parametrize("how", ["remote", "remote become", "async"])
def test_failures_on_a_host_show_no_secret(how: str, emulator: Emulator, stage: Stage) -> None:
    faults(emulator)
    slow = how == "async"
    names, systems = (FEW if slow else MANY), (("rackcorp_api",) if slow else ("rackcorp_api", "vss_api"))
    chosen = [case for case in (*all_cases(emulator, EXISTING), *edges(emulator)) if not case.is_lookup and case.name in names]
    cases = [case for case in chosen if case.plugin in systems or case.name in ("echo", "html")]
    tasks, store = hidden([{**case.task(), **(BACKGROUND if slow else {})} for case in cases])
    run = stage.tasks(*tasks, extra_vars=store, env=loud(stage), verbosity=5, play=ELSEWHERE[how], timeout=300)
    assert [case.title for case in cases if not run.failed(case.title)] == []
    assert {name for name in names if not any(case.name == name for case in cases)} == set()
    assert list(stage.root.rglob("AnsiballZ_*"))
    found = leaks(stage, run, emulator)
    # The proxy's password is needed where the request starts.
    assert [one for one in found if not ("AnsiballZ_" in one and "CANARYproxy-password" in one)] == []


@pytest.mark.parametrize("how", ["async", "remote async"])
def test_a_secret_that_only_the_reply_tells_stays_out_of_a_job(how: str, emulator: Emulator, stage: Stage) -> None:
    """The call was made, and its result would rest in the job's file: of a token that a server repeats, and of a new one."""
    token, fresh = GIVEN[0], "CANARYFRESHTOKEN9876543210"
    echoing = {"repeated": {"seen": f"Bearer {token}"}, "encoded": {"seen": base64.b64encode(f"x:{token}".encode()).decode()}, "new": {"token": fresh}}
    emulator.fault(*(
        {"system": "vss", "action": "status", "status": 200, "json": {"data": {"id": 7, **said}}, "match": {"path": f"{name}$"}, "times": None}
        for name, said in echoing.items()
    ))  # fmt: skip
    known = {"vss_token": token, "vss_api_url": emulator.url("vss")}
    calls = {name: {"path": name} for name in echoing}
    started: list[dict[str, Any]] = [
        {"name": name, f"{NAMESPACE}.vss_api": call, "async": 60, "poll": 0, "register": f"job_{name}"}
        for name, call in (*calls.items(), ("several", {"calls": [{"path": "v2/ping"}, *calls.values()]}))
    ]
    ended: list[dict[str, Any]] = [
        {
            "name": f"{task['name']} ended",
            "ansible.builtin.async_status": {"jid": f"{{{{ job_{task['name']}.ansible_job_id }}}}"},
            "register": "job",
            "until": "job is finished",
            "retries": 60,
            "delay": 0.5,
            "ignore_errors": True,
        }
        for task in started
    ]
    polled = {"name": "polled", f"{NAMESPACE}.vss_api": calls["new"], **BACKGROUND, "ignore_errors": True}
    good = {"name": "good", f"{NAMESPACE}.vss_api": {"path": "good"}, **BACKGROUND}
    emulator.fault({"system": "vss", "action": "status", "status": 200, "json": {"data": {"id": 7}}, "match": {"path": "good$"}, "times": None})
    run = stage.tasks(*started, *ended, polled, good, extra_vars=known, env=loud(stage), verbosity=5, play=ELSEWHERE[how]).good()
    files = [path for path in (stage.root / "async").iterdir() if path.is_file()]
    assert len(files) == len(started)
    assert run.result("good")["data"] == {"id": 7}
    for name in (*(task["name"] for task in ended), "polled"):
        result = run.result(name)
        assert run.failed(name)
        assert result["error"]["kind"] == "configuration"
        assert result["sent"] is True
        for words in ("made, but", "reply holds a secret", "rest in the job's file", "run the task without async"):
            assert words in result["msg"]
        assert not {"data", "meta", "results", "secret", "refused_calls", "max_wait_left"} & set(result)
    assert leaks(stage, run, emulator, fresh) == []


def test_the_environment_of_a_job_holds_no_credential(emulator: Emulator, stage: Stage) -> None:
    """Core gives the environment of the task also to those that ask how the job is doing. `until` runs the task twice."""
    emulator.fault({"system": "vss", "action": "status", "status": 200, "json": {"data": {"id": 7}}, "match": {"path": "good$"}, "times": None})
    call = {f"{NAMESPACE}.vss_api": {"path": "good"}, "environment": {"VSS_TOKEN": GIVEN[0], "CUSTOM": "kept"}}
    task = {"name": "good", **call, **BACKGROUND, "register": "job", "until": "job.attempts > 1", "retries": 3, "delay": 0}
    known = {"vss_api_url": emulator.url("vss")}
    run = stage.tasks(task, extra_vars=known, env=loud(stage), verbosity=5, play=ELSEWHERE["remote async"]).good()
    assert run.result("good")["attempts"] == 2
    assert "CUSTOM=kept" in run.output
    assert leaks(stage, run, emulator) == []


@pytest.mark.parametrize("how", ["here", "remote"])
def test_a_proxy_that_repeats_its_password_shows_none(how: str, stage: Stage, emulator: Emulator) -> None:
    """On an error page, and in what could be a good reply: that hides itself."""
    known = {"word": "CANARYproxy-password", "vss_token": GIVEN[0], "whm_token": GIVEN[1], "apiauth_allow_http": True, "apiauth_retries": 0}
    vss, whm = {"path": "v2/ping", "api_url": "http://api.example"}, {"api_url": "http://api.example"}
    with Server(echoing(502)) as failing, Server(echoing(200)) as good:
        bad, fine = (f"http://me:{{{{ word }}}}@127.0.0.1:{server.port}" for server in (failing, good))
        tasks: list[dict[str, Any]] = [
            {"name": "vss fails", f"{NAMESPACE}.vss_api": {**vss, "proxy": bad}},
            {"name": "whm fails", f"{NAMESPACE}.whm_api_token_info": {**whm, "proxy": bad}},
            {"name": "vss works", f"{NAMESPACE}.vss_api": {**vss, "proxy": fine}},
        ]
        if how == "here":
            # Elsewhere, Ansible itself shows the environment of a task.
            tasks.append({"name": "environment fails", f"{NAMESPACE}.vss_api": vss, "environment": {"http_proxy": bad}})
        tasks = [{**task, "ignore_errors": True} for task in tasks]
        run = stage.tasks(*tasks, extra_vars=known, env=loud(stage), verbosity=5, play={} if how == "here" else ELSEWHERE["remote"]).good()
    assert {task["name"]: run.failed(task["name"]) for task in tasks} == {task["name"]: " fails" in task["name"] for task in tasks}
    assert all("HTTP 502" in run.result(task["name"])["msg"] for task in tasks if run.failed(task["name"]))
    # The proxy is asked from the host.
    assert [one for one in leaks(stage, run, emulator) if not ("AnsiballZ_" in one and "CANARYproxy-password" in one)] == []


# -- what goes well ----------------------------------------------------------------------------------------------


def good_tasks() -> dict[str, list[dict[str, Any]]]:
    """By plugin: tasks that go well, and leave the proof in `assert` tasks. All options come from variables."""
    said = {"ansible.builtin.debug": {"msg": "no more than a word"}}

    def module(name: str, arguments: Mapping[str, Any], register: str = "told", **more: Any) -> dict[str, Any]:
        return {"name": f"{name} {register}", f"{NAMESPACE}.{name}": dict(arguments), "register": register, **more}

    def proof(*claims: str) -> dict[str, Any]:
        return {"name": f"proof of {claims[0]}", "ansible.builtin.assert": {"that": list(claims), "quiet": True}}

    tasks: dict[str, list[dict[str, Any]]] = {
        name: [
            {
                "name": f"{name} as all three outputs",
                "ansible.builtin.assert": {
                    "that": [
                        f"lookup('{NAMESPACE}.{name}'{rest}) | length > 20",
                        f"lookup('{NAMESPACE}.{name}'{rest}, output='headers').Authorization | length > 20",
                        f"lookup('{NAMESPACE}.{name}'{rest}, output='details').from_cache",
                    ],
                    "quiet": True,
                },
            },
            # A token in a loop, in a condition and in a variable of the task.
            {
                **said,
                "name": f"{name} in a loop",
                "loop": [1, 2],
                "when": f"lookup('{NAMESPACE}.{name}'{rest}) != ''",
                "vars": {"mine": f"{{{{ lookup('{NAMESPACE}.{name}'{rest}) }}}}"},
            },
        ]
        for name, rest in {"rackcorp_jwt": "", "netography_token": "", "vss_token": "", "whm_token": ", acls=['list-accts'], ttl=600"}.items()
    }  # fmt: skip
    tasks |= {f"{system}_api": [module(f"{system}_api", call, loop=[1, 2])] for system, call in READS.items()}
    log_in = {"cmd": "session.login", "params": {"username": "{{ user }}", "password": "{{ password }}"}}
    tasks["rackcorp_api"] += [
        module("rackcorp_api", log_in, "session"),
        proof("session.data.sessionId | length > 20"),
        module("rackcorp_api", {"cmd": "device.getall", "auth": "session", "session_id": "{{ session.data.sessionId }}"}, "by_session"),
        proof("by_session.data.devices is defined"),
        module("rackcorp_api", {"calls": [{"cmd": "device.getall"}, log_in]}, "among"),
        proof("among.results[1].data.sessionId | length > 20"),
        module("rackcorp_api", log_in, "looped", loop=[1, 2]),
        proof("looped.results[1].data.sessionId | length > 20"),
    ]  # fmt: skip
    # Parts that come from farther away belong to another key.
    rest_of_the_key = {name: f"{{{{ netography_{name} }}}}" for name in ("shortname", "shared_secret")}
    tasks["netography_api"] += [
        module("netography_api", {"path": "api-keys", "method": "POST", "body": {"appname": "{{ unique }}"}}, "key"),
        module("netography_api", {"path": "devices", "appname": "{{ unique }}", "appkey": "{{ key.data.appkey }}", **rest_of_the_key}, "by_key"),
        proof("by_key.data | length > 1"),
    ]
    tasks["whm_api"] += [
        module("whm_api", {"function": "api_token_create", "params": {"token_name": "{{ unique }}", "acl": ["list-accts", "manage-api-tokens"]}}, "minted"),
        module("whm_api", {"function": "listaccts", "token": "{{ minted.data.token }}"}, "by_token"),
        proof("by_token.data.acct | length == 25"),
    ]
    tasks["jwt_claims"] = [proof(f"(lookup('{NAMESPACE}.vss_token') | {NAMESPACE}.jwt_claims).exp > 0")]
    tasks["jwt_expired"] = [proof(f"lookup('{NAMESPACE}.vss_token') is not {NAMESPACE}.jwt_expired")]
    for name in ("jwt_claims", "jwt_expired"):
        test = f"password is {NAMESPACE}.{name}" if name == "jwt_expired" else f"password | {NAMESPACE}.{name}"
        tasks[name].append({"name": f"{name} of no JWT", "ansible.builtin.debug": {"msg": f"{{{{ {test} }}}}"}, "ignore_errors": True})
    wanted = {"name": "{{ unique }}-b", "acls": ["list-accts", "manage-api-tokens"], "expires_at": "+1d"}
    tasks["whm_api_token"] = [
        module("whm_api_token", wanted, "fresh", diff=True),
        proof("fresh.token | length > 20"),
        module("whm_api", {"function": "listaccts", "token": "{{ fresh.token }}"}, "by_fresh"),
        module("whm_api_token", {**wanted, "state": "absent"}, "gone", diff=True),
    ]
    tasks["whm_api_token_info"] = [module("whm_api_token_info", {})]
    tasks["token_cache_info"] = [module("token_cache_info", {})]
    tasks["token_cache"] = [module("token_cache", {"state": "absent", "revoke": True})]
    return tasks


def play_of(unique: str, known: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    variables = {**known, "unique": unique, "user": accounts()["rackcorp"]["username"]}
    tasks = [task for plugin, found in good_tasks().items() if plugin in EXISTING for task in found]
    return {"name": unique, "vars": {**variables, **more.pop("vars", {})}, "tasks": tasks, **more}


def test_every_plugin_has_a_case() -> None:
    assert sorted(EXISTING) == sorted(set(EXISTING) & set(good_tasks()))


@pytest.mark.parametrize("how", ["here", "become", "remote"])
def test_success_shows_no_secret(how: str, emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    emulator.settings(vss={"rate_limit": 0})
    password = accounts()["rackcorp"]["password"]
    known = {"password": password, **{name: value for system in TITLES for name, value in variables(system).items()}}
    ways: dict[str, dict[str, Any]] = {"here": {}, "become": dict(BECOME), "remote": {"vars": dict(REMOTE)}}
    # Credentials are not in the playbook.
    play = play_of(f"way-{how}", {}, **ways[how])
    if how == "here":
        # Facts go into a file, and so does the result of a job in the background.
        play.update(gather_facts=True, gather_subset=["!all", "min"])
        play["tasks"].append({"name": "in the background", f"{NAMESPACE}.vss_api": dict(READS["vss"]), "async": 60, "poll": 1})
    shown = {
        "here": {},
        "become": {"ANSIBLE_STDOUT_CALLBACK": "minimal", "ANSIBLE_PIPELINING": "1", "ANSIBLE_KEEP_REMOTE_FILES": "0"},
        "remote": {"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"},
    }
    env = loud(stage, **shown[how])
    run = stage.playbook([play], extra_vars=known, env=env, verbosity=5, args=["--diff"], timeout=300).good()
    assert run.tasks
    assert bool(list(stage.root.rglob("AnsiballZ_*"))) == (how != "become")
    if how == "here":
        assert [path.stat().st_size > 100 for path in (stage.root / "facts").iterdir()] == [True]
    # The password in `params`, which the user sends from there.
    assert [one for one in leaks(stage, run, emulator) if not ("AnsiballZ_rackcorp_api.py: " in one and "CANARY-rackcorp-password" in one)] == []


def test_an_environment_with_credentials_shows_none(emulator: Emulator, stage: Stage) -> None:
    """Of a play, a block, a task, and of Ansible itself; for a host, the credentials are left out of the command line."""
    values = {name: accounts()[system][option] for name, (system, option) in ENVIRONMENT.items()}
    urls = {f"{system.upper()}_API_URL": emulator.url(system) for system in TITLES}
    calls = [{"name": f"{system} {{{{ way }}}}", f"{NAMESPACE}.{system}_api": dict(READS[system])} for system in ("rackcorp", "vss", "whm")]
    here: dict[str, Any] = {"vars": {"way": "here"}}
    become: dict[str, Any] = {"vars": {"way": "become"}, **BECOME}
    remote: dict[str, Any] = {"vars": {"way": "remote", **REMOTE}}
    plays = [
        {**way, "environment": [urls, {name: f"{{{{ held['{name}'] }}}}" for name in values if name.startswith(first)}], "tasks": [{"block": [
            {**call, "environment": {name: f"{{{{ held['{name}'] }}}}" for name in values if not name.startswith("VSS")}} for call in calls
        ], "environment": {name: f"{{{{ held['{name}'] }}}}" for name in values if name.startswith("VSS")}}]}
        for way, first in ((here, "WHM"), (become, "RACKCORP"), (remote, "RACKCORP"))
    ]  # fmt: skip
    run = stage.playbook(plays, extra_vars={"held": values}, env=loud(stage), verbosity=5).good()
    assert leaks(stage, run, emulator) == []
    assert {system: emulator.logins(system) for system in ("rackcorp", "vss")} == {"rackcorp": 1, "vss": 1}
    own = stage.playbook([{**way, "tasks": calls} for way in (here, become, remote)], env=loud(stage, **urls, **values), verbosity=5).good()
    assert leaks(stage, own, emulator) == []
    assert {system: emulator.logins(system) for system in ("rackcorp", "vss")} == {"rackcorp": 1, "vss": 1}


def test_a_leak_is_found(emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    """What the other tests trust in: each way in which a secret could come out is noticed."""
    pair = "(vss_username ~ ':' ~ vss_password) | b64encode"
    ways = [
        "{{ vss_password }}",
        "{{ vss_password | b64encode }}",
        f"{{{{ {pair} }}}}",
        f"{{{{ {pair} | replace('=', '') | replace('+', '-') | replace('/', '_') }}}}",
        "{{ vss_password | urlencode }}",
        "{{ {'a': {'b': vss_password} | to_json} | to_json }}",
        "{{ vss_password[-16:] }}",
        "{{ lookup('apiauth.tokens.vss_token') }}",
        "{{ lookup('apiauth.tokens.vss_token')[-30:] }}",
    ]
    ping = {"name": "so that the token has been used", "apiauth.tokens.vss_api": {"path": "v2/ping"}}
    leaking = [{"name": f"leak {number}", "ansible.builtin.debug": {"msg": way}} for number, way in enumerate(ways)]
    run = stage.tasks(ping, *leaking, extra_vars=variables("vss"), env=loud(stage)).good()
    assert {found.partition(": ")[0] for found in leaks(stage, run, emulator)} >= {"the output", str(stage.log)}
    hunt = Hunt([accounts()["vss"]["password"], *given_out(emulator.log())])
    for number, way in enumerate(ways):
        shown = run.result(f"leak {number}")["msg"]
        # From core 2.22 on, core itself masks what is registered as a secret.
        assert "$REDACTED$" in shown or hunt.in_bytes(shown.encode(), jwts=False), way
