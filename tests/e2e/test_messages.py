# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads who made a mistake: the likely name, the place, the value, the date."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from e2e.cases import CREDENTIALS, LOOKUPS, NAMESPACE, READS, TITLES, WRONG
from e2e.rows import MODULE_WAYS, WAYS, Played, Row, by_way
from e2e.stage import CORE, REMOTE, Stage
from emulator.accounts import accounts
from emulator.client import Emulator

SYSTEMS = tuple(LOOKUPS)
GIVEN = "CANARYGIVENTOKEN0123456789"
EXPIRED_AT = int(time.time()) - 3 * 86400
EXPIRED = jwt.encode({"sub": "CANARY", "exp": EXPIRED_AT}, "CANARY-key-of-an-expired-token-32-bytes!", algorithm="HS256")
DAY = datetime.fromtimestamp(EXPIRED_AT, UTC).strftime("%Y-%m-%d")


def known(system: str, **more: Any) -> dict[str, Any]:
    return {**{name: accounts()[system][name] for name in CREDENTIALS[system]}, "api_url": f"<{system}>", **more}


def ways_of(system: str) -> tuple[str, ...]:
    """WHM's password stays on the controller."""
    return tuple(way for way in WAYS if not (system == "whm" and way == "remote"))


# -- names -------------------------------------------------------------------------------------------------------

TYPED = {
    "rackcorp": {"api_secert": "api_secret", "apiuuid": "api_uuid", "pasword": "password", "timout": "timeout"},
    "whm": {"hots": "host", "pasword": "password", "user_name": "username"},
    "netography": {"shortnam": "shortname", "share_secret": "shared_secret"},
    "vss": {"usernam": "username", "validate_cert": "validate_certs", "otpp": "otp"},
}


def _names() -> list[Row]:
    rows = []
    for system in SYSTEMS:
        for wrong, likely in TYPED[system].items():
            words = (rf"\b{wrong}\b", rf"did you mean [\"'\u201c]?{likely}\b")
            rows += by_way(ways_of(system), f"unknown option {wrong}", system, {**known(system), wrong: "x"}, kind="configuration", words=words)
        rows += by_way(ways_of(system), "nothing like it", system, {**known(system), "zzzzzz": "x"}, kind="configuration", words=("zzzzzz",))
    for way in MODULE_WAYS:
        if way == "calls":
            call = {"path": "v2/ping", "qeury": {"a": 1}}
            rows.append(
                Row("unknown option of a call", way, "vss", known("vss"), call=call, kind="configuration", words=("qeury", "did you mean [\"'\u201c]?query"))
            )
    return rows


# -- what is missing or wrong ------------------------------------------------------------------------------------

# For each option that would help: its variable and its name in the environment.
SOURCES: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "rackcorp": {
        "api_uuid": ("rackcorp_api_uuid", "RACKCORP_API_UUID"), "api_secret": ("rackcorp_api_secret", "RACKCORP_API_SECRET"),
        "username": ("rackcorp_username", "RACKCORP_USERNAME"), "password": ("rackcorp_password", "RACKCORP_PASSWORD"),
        "token": ("rackcorp_token", "RACKCORP_TOKEN"),
    },
    "whm": {"token": ("whm_token", "WHM_API_TOKEN"), "password": ("whm_password", "WHM_PASSWORD")},
    "netography": {"netosecret": ("netography_netosecret", "NETOSECRET"), "token": ("netography_token", "NETOGRAPHY_TOKEN")},
    "vss": {"username": ("vss_username", "VSS_USER"), "password": ("vss_password", "VSS_USER_PASS"), "token": ("vss_token", "VSS_TOKEN")},
}  # fmt: skip


def _missing() -> list[Row]:
    rows = []
    for system in SYSTEMS:
        words = ("no credentials", *(rf"\b{name}\b" for sources in SOURCES[system].values() for name in sources))
        rows += by_way(WAYS, "no credentials", system, {"api_url": f"<{system}>"}, kind="configuration", words=words)
    rows += by_way(
        WAYS, "password without a user", "vss", {"password": WRONG, "api_url": "<vss>"}, kind="configuration", words=("username", "vss_username", "VSS_USER")
    )
    rows += by_way(WAYS, "no address", "whm", {"token": GIVEN}, kind="configuration", words=("host", "whm_host", "WHM_HOST"))
    return rows


def _values() -> list[Row]:
    """The value is quoted unless it is a secret."""
    rows = []
    given: dict[str, tuple[Any, tuple[str, ...]]] = {
        "timeout": ("soon", ("soon", "number")), "retries": ("many", ("many", "number")), "validate_certs": ("perhaps", ("perhaps", "true or false")),
        "cache": ("disk", ("disk", "file, redis, none")), "max_wait": ("a minute", ("a minute",)), "api_url": ("nonsense", ("nonsense", "https://")),
        "ca_path": ("/nowhere/ca.pem", ("/nowhere/ca.pem", "not exist|no such|not found")),
        "client_cert": ("/nowhere/cert.pem", ("/nowhere/cert.pem", "not exist|no such|not found")),
    }  # fmt: skip
    for system in SYSTEMS:
        for option, (value, words) in given.items():
            tls = {"api_url": "https://127.0.0.1:9"} if option in ("ca_path", "client_cert") else {}
            options = {**known(system), **tls, option: value}
            # Another host looks for a file of its own.
            ways = [way for way in ways_of(system) if system == "vss" or way in ("lookup", "here")]
            rows += by_way(ways, f"wrong {option}", system, options, kind="configuration", words=(option, *words))
            if option not in ("api_url", "ca_path", "client_cert"):
                variable = f"apiauth_{option}"
                named = (option, *words, variable)
                rows += by_way(("lookup", "here"), f"wrong {option} in a variable", system, known(system), {variable: value}, kind="configuration", words=named)
                env = {f"APIAUTH_{option.upper()}": str(value)}
                rows += by_way(
                    ("here",), f"wrong {option} in the environment", system, known(system), {}, env, kind="configuration", words=(option, *words, *env)
                )
    rows += by_way(MODULE_WAYS, "wrong method", "vss", known("vss"), call={"path": "v2/vm", "method": "FETCH"}, kind="configuration", words=("FETCH", "GET"))
    rows += by_way(("lookup",), "wrong output", "vss", {**known("vss"), "output": "bearer"}, kind="configuration", words=("bearer", "headers"))
    rows += by_way(("lookup",), "wrong ttl", "whm", {**known("whm"), "ttl": "an hour"}, kind="configuration", words=("an hour", "ttl"))
    return rows


def _answers() -> list[Row]:
    """What was asked, and since when a token is of no use."""
    rows = []
    for system in SYSTEMS:
        path = {"vss": "auth/request-token", "netography": "auth/token", "rackcorp": "customer/jsonwebtoken", "whm": "json-api"}[system]
        base = f"<{system}>/fault-wrong"
        words = (re.escape(f"/fault-wrong/{path}"), "api_url")
        ways = ways_of(system) if system != "whm" else ("lookup", "here", "calls")
        rows += by_way(ways, "wrong address", system, known(system, api_url=base), kind="not_found|protocol", words=words)
    for system in ("rackcorp", "netography", "vss"):
        rows += by_way(WAYS, "expired token", system, {"token": EXPIRED, "api_url": f"<{system}>"}, kind="configuration", words=("expired", DAY))
    return rows


ROWS = (*_names(), *_missing(), *_values(), *_answers())


@pytest.fixture(scope="module")
def played(running: Emulator, new_stage: Callable[[str], Stage]) -> Played:
    running.reset()
    running.settings(vss={"rate_limit": 0})
    running.fault({"action": "status", "status": 404, "body": "<html>Not Found</html>", "match": {"path": "fault-wrong"}, "times": None})
    run = new_stage("messages").tasks(*(row.task(running) for row in ROWS), timeout=300).good()
    return Played(run, running.log())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_what_the_message_says(row: Row, played: Played) -> None:
    played.check(row)
    message = played.message(row)
    assert not any(secret in message for secret in ("CANARY", WRONG))
    if row.name.startswith("unknown option"):
        assert "validate_certs, " not in message.replace("did you mean validate_certs", ""), "lists all options"


def test_a_message_is_one_sentence_once(played: Played) -> None:
    """The words about the error are not repeated: not by the lookup's `msg` in itself, not by `calls` for the task and the call."""
    wrong = []
    for row in ROWS:
        message = played.message(row)
        title = TITLES[row.system]
        parts = re.findall(rf"{title}(?: at [\w.:\[\]-]+)?: ([^;(]{{12,}})", message)
        repeated = {part for part in parts if message.count(part) > 1}
        if repeated or message.count(f"{title} at ") > 1:
            wrong.append(f"{row.title}: {message}")
    assert not wrong, "\n".join([f"{len(wrong)} of {len(ROWS)}", *wrong])


@pytest.mark.parametrize("way", ["lookup", "here", "calls", "remote"])
def test_the_output_says_it_once(way: str, emulator: Emulator, stage: Stage) -> None:
    """Each line of Ansible's own says it once: the error, its cause (of a lookup, by core), the result, and there the result of each call."""
    row = Row("once", way, "vss", {"username": "vsskey1", "password": WRONG, "api_url": "<vss>"})
    run = stage.tasks(row.task(emulator))
    assert run.output.count("login was refused") <= (3 if way in ("lookup", "calls") else 2), run.output
    assert max(line.count("login was refused") for line in run.output.splitlines()) <= (2 if way == "calls" else 1)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_lookup_names_the_kind_in_a_word(system: str, emulator: Emulator, stage: Stage) -> None:
    """As `error.kind` of a module does: for whoever reads a log, and for `failed_when`."""
    secret = {"rackcorp": "api_secret", "whm": "password", "netography": "shared_secret", "vss": "password"}[system]
    emulator.fault(
        {"system": system, "action": "status", "status": 500, "match": {"path": "fault-server"}, "times": None},
        {"system": system, "action": "rate_limit", "retry_after": 500, "match": {"path": "fault-limited"}, "times": None},
        {"system": system, "action": "html", "match": {"path": "fault-html"}, "times": None},
    )
    cases = {
        "credentials": known(system, **{secret: WRONG}), "configuration": known(system, timeout="soon"), "network": known(system, api_url="http://127.0.0.1:9"),
        "server": known(system, api_url=f"<{system}>/fault-server"), "rate_limited": known(system, api_url=f"<{system}>/fault-limited"),
        "protocol": known(system, api_url=f"<{system}>/fault-html"),
    }  # fmt: skip
    rows = {kind: Row(kind, "lookup", system, options) for kind, options in cases.items()}
    run = stage.tasks(*(row.task(emulator) for row in rows.values())).good()
    played = Played(run, emulator.log())
    wrong = {kind: played.message(row) for kind, row in rows.items() if not re.search(rf"\b{kind}\b", played.message(row).replace("no credentials", ""))}
    assert wrong == {}


# -- names that no option has ------------------------------------------------------------------------------------


def _warned(output: str) -> str:
    return " ".join(output.split())


def test_keys_of_ansible_cfg_that_no_option_has(emulator: Emulator, stage: Stage) -> None:
    """One warning each, whatever the number of hosts and tasks, with the likely name; secrets are not read from there, which is said too."""
    lines = {"vss_api_ulr": emulator.url("vss"), "apiauth_timout": "3", "vss_password": WRONG, "whm_host": "whm1.example.com", "retries": "1"}
    (stage.inputs / "ansible.cfg").write_text("".join(["[apiauth]\n", *(f"{name} = {value}\n" for name, value in lines.items())]))
    rows = by_way(("lookup", "here", "remote"), "call", "vss", known("vss"))
    run = stage.tasks(*(row.task(emulator) for row in rows), hosts=4, forks=4).good()
    text = _warned(run.output)
    for wrong, likely in {"vss_api_ulr": "vss_api_url", "apiauth_timout": "apiauth_timeout", "retries": "apiauth_retries"}.items():
        assert text.count(wrong + " ") + text.count(f"{wrong},") + text.count(f"{wrong};") + text.count(f"{wrong}.") >= 1, text
        assert likely in text
    assert len(re.findall(r"\bvss_api_ulr\b", text)) == 1
    assert re.search(r"\bvss_password\b", text)
    assert "whm_host" not in text
    assert "CANARY" not in text


def test_variables_of_the_environment_that_no_option_has(emulator: Emulator, stage: Stage) -> None:
    env = {"VSS_PASSWORD": WRONG, "APIAUTH_TIMOUT": "3", "RACKCORP_API_SECERT": WRONG, "NETOGRAPHY_SHARED_SECERT": WRONG, "WHM_TOKEN": GIVEN,
           "WHM_HOST": "x", "VSS_ENDPOINT": "x"}  # fmt: skip
    rows = [row for system in SYSTEMS for row in by_way(("lookup", "here"), "call", system, known(system))]
    run = stage.tasks(*(row.task(emulator) for row in rows), hosts=4, forks=4, env=env).good()
    text = _warned(run.output)
    likely = {"VSS_PASSWORD": "VSS_USER_PASS", "APIAUTH_TIMOUT": "APIAUTH_TIMEOUT", "RACKCORP_API_SECERT": "RACKCORP_API_SECRET",
              "NETOGRAPHY_SHARED_SECERT": "NETOGRAPHY_SHARED_SECRET", "WHM_TOKEN": "WHM_API_TOKEN"}  # fmt: skip
    assert {wrong: right for wrong, right in likely.items() if wrong not in text or right not in text} == {}
    assert {wrong: len(re.findall(rf"\b{wrong}\b", text)) for wrong in likely} == dict.fromkeys(likely, 1)
    assert "WHM_HOST" not in text
    assert "CANARY" not in text


def test_names_of_others_are_no_business_of_ours(emulator: Emulator, stage: Stage) -> None:
    """Without a task that uses a system, its names say nothing; and what no option resembles belongs to somebody else."""
    env = {"VSS_LOCATION": "x", "RACKCORP_INVENTORY_CACHE_FILE": "x", "WHMCS_URL": "x", "APIAUTHORITY": "x"}
    run = stage.tasks(*(row.task(emulator) for row in by_way(("lookup", "here"), "call", "netography", known("netography"))), env=env).good()
    assert not any(name in run.output for name in env)


# -- check mode --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", MODULE_WAYS)
@pytest.mark.parametrize("system", SYSTEMS)
def test_check_mode_shows_what_would_be_sent(system: str, way: str, emulator: Emulator, stage: Stage) -> None:
    """With --diff: method, address and parameters, less the secrets in them."""
    call: dict[str, Any] = {
        "rackcorp": {"cmd": "customer.create", "params": {"name": "fresh", "password": WRONG}},
        "whm": {"function": "createacct", "params": {"username": "fresh", "domain": "fresh.example.com", "password": WRONG}},
    }.get(system, {"path": "users", "method": "PUT", "query": {"dry": "fresh"}, "body": {"name": "fresh", "password": WRONG}})
    given = {**known(system), "token": accounts()["whm"]["token"], "password": None} if system == "whm" else known(system)
    row = Row("check", way, system, {name: value for name, value in given.items() if value is not None}, call=call)
    run = stage.tasks(row.task(emulator), args=["--check", "--diff"]).good()
    played = Played(run, emulator.log())
    played.check(row)
    result = run.result(row.title)
    assert result["changed"]
    shown = json.dumps(result.get("diff") or (result.get("results") or [{}])[0].get("diff"))
    for word in ("PUT" if system in ("netography", "vss") else "POST", emulator.url(system), "fresh"):
        assert word in shown, shown
    assert "fresh" in run.output
    assert "CANARY" not in run.output
    assert [record["function"] for record in emulator.log(login=False)] == []


def test_a_variable_whose_own_lookup_fails_says_why(emulator: Emulator, stage: Stage, variables: Callable[..., dict[str, Any]]) -> None:
    """Fails when a refused login is called an undefined variable, or costs a second one."""
    known = {**variables("vss", password=WRONG), "rackcorp_api_url": emulator.url("rackcorp")}
    call = {"name": "call", f"{NAMESPACE}.rackcorp_api": READS["rackcorp"], "vars": {"rackcorp_token": "{{ lookup('apiauth.tokens.vss_token') }}"}}
    run = stage.tasks(call, extra_vars=known)
    assert run.failed("call")
    result = run.result("call")
    assert (result["error"]["kind"], result["sent"]) == ("credentials", False)
    assert "the variable rackcorp_token cannot be templated: the login was refused" in result["msg"]
    assert WRONG not in run.output
    assert (emulator.logins("rackcorp"), emulator.logins("vss")) == (0, 1)


def test_a_proxy_is_named_on_another_host_too(emulator: Emulator, stage: Stage) -> None:
    """With where it comes from, and without its password."""
    known = {"vss_api_url": emulator.url("vss"), "vss_token": "CANARYGIVENTOKEN0123456789", "apiauth_retries": 0}
    task = {"name": "call", f"{NAMESPACE}.vss_api": READS["vss"]}
    for user in ("", "user:CANARYproxy-password@"):
        proxy = {"apiauth_proxy": f"http://{user}127.0.0.1:1"}
        run = stage.tasks(task, extra_vars={**known, **proxy}, play={"vars": dict(REMOTE)}, verbosity=3)
        # Since 2.22 core masks what a module was given as a secret, and an address without a password is the whole option.
        address = "$REDACTED$" if CORE >= (2, 22) and not user else "http://127.0.0.1:1"
        assert f"cannot connect to the proxy {address} (from the variable apiauth_proxy): " in run.result("call")["msg"]
        assert "CANARY" not in run.output
