# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that YAML, a shell or a clipboard has changed on the way. What can be mended is, what cannot is an error before any login."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from e2e.cases import CREDENTIALS, LOOKUPS, NAMESPACE, READS, SECRET
from e2e.rows import MODULE_WAYS, WAYS, Played, Row, by_way, never, with_addresses
from e2e.stage import Stage
from emulator.accounts import accounts
from emulator.client import Emulator

SYSTEMS = tuple(LOOKUPS)
MFA = {"rackcorp": accounts()["rackcorp_2fa"], "vss": accounts()["vss_mfa"]}
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJDQU5BUlkifQ.CANARYsignature-of-a-pasted-token"
# In `vars`, what JSON cannot say: the text between the marks is written as it is.
RAW = "@@raw@@"
OMITTED = "{{ never_typed | default(omit) }}"


def known(system: str, **more: Any) -> dict[str, Any]:
    """The arguments of an account; None leaves one out."""
    given = {**{name: accounts()[system][name] for name in CREDENTIALS[system]}, "api_url": f"<{system}>", **more}
    return {name: value for name, value in given.items() if value is not None}


def as_variables(system: str, given: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{system}_{name}": value for name, value in given.items()}


def ways_of(system: str) -> tuple[str, ...]:
    """WHM's password stays on the controller."""
    return tuple(way for way in WAYS if not (system == "whm" and way == "remote"))


ENV = {
    "vss_password": "VSS_USER_PASS",
    "vss_otp": "VSS_USER_OTP",
    "vss_username": "VSS_USER",
    "whm_token": "WHM_API_TOKEN",
    "netography_netosecret": "NETOSECRET",
}


def environment_of(variable: str) -> str:
    return ENV.get(variable, variable.upper())


# -- omit --------------------------------------------------------------------------------------------------------

NEVER_GIVEN = {
    "rackcorp": ("otp", "token", "username", "login"),
    "whm": ("token", "whitelist_ips"),
    "netography": ("netosecret", "token"),
    "vss": ("otp", "token"),
}


def omitted() -> Iterator[Row]:
    for system in SYSTEMS:
        options = [name for name in NEVER_GIVEN[system] if name != "whitelist_ips"]
        for way in ways_of(system):
            yield Row("omit in variables", way, system, {}, as_variables(system, {**known(system), **dict.fromkeys(options, OMITTED)}))
            yield Row("omit in arguments", way, system, {**known(system), **dict.fromkeys(options, OMITTED)})
            yield Row(
                "omit in common variables", way, system, known(system), {"apiauth_proxy": OMITTED, "apiauth_ca_path": OMITTED, "apiauth_timeout": OMITTED}
            )
            through = {**as_variables(system, {**known(system), options[0]: "{{ in_between }}"}), "in_between": OMITTED}
            yield Row("omit through a variable", way, system, {}, through)
    yield Row("omit in an option of the lookup", "lookup", "whm", {**known("whm"), "whitelist_ips": OMITTED, "ttl": OMITTED, "name_prefix": OMITTED})
    for way in MODULE_WAYS:
        call = {"path": "v2/ping", "query": OMITTED, "method": OMITTED, "body": OMITTED, "mutates": OMITTED}
        yield Row("omit in a call", way, "vss", known("vss"), call=call)
    for way in ("here", "calls"):
        # Ansible does not know of omit in an environment: what it makes of it is told, not used.
        yield Row("omit in an argument against a variable", way, "vss", {**known("vss"), "token": OMITTED}, {"vss_otp": OMITTED})


OMITTED_ROWS = tuple(omitted())


@pytest.fixture(scope="module")
def omissions(running: Emulator, new_stage: Callable[[str], Stage]) -> Played:
    running.reset()
    running.settings(vss={"rate_limit": 0})
    run = new_stage("omitted").tasks(*(row.task(running) for row in OMITTED_ROWS), timeout=300).good()
    return Played(run, running.log())


@pytest.mark.parametrize("row", OMITTED_ROWS, ids=lambda row: row.title)
def test_omit_counts_as_not_given(row: Row, omissions: Played) -> None:
    omissions.check(row)


def test_omit_as_an_argument_leaves_the_variable(emulator: Emulator, stage: Stage) -> None:
    """It unsets nothing: farther sources are read as if the option were not there."""
    rows = [
        row for system in SYSTEMS for row in by_way(ways_of(system), "omit", system, dict.fromkeys(known(system), OMITTED), as_variables(system, known(system)))
    ]
    run = stage.tasks(*(row.task(emulator) for row in rows)).good()
    assert {row.title: run.result(row.title).get("msg") for row in rows if run.failed(row.title)} == {}


def test_omit_in_an_argument_of_the_lookup(emulator: Emulator, stage: Stage) -> None:
    """As people write it. Ansible removes omit from a dictionary itself, but hands it to a lookup as it is."""
    tasks = []
    for system in SYSTEMS:
        options = {"rackcorp": "otp", "whm": "whitelist_ips", "netography": "token", "vss": "otp"}
        needed = "acls=['list-accts'], " if system == "whm" else ""
        for option in (options[system], "proxy", "timeout", "api_url"):
            expression = f"lookup('{NAMESPACE}.{LOOKUPS[system]}', {needed}{option}=(never_typed | default(omit)))"
            tasks.append({"name": f"{system} {option}", "ansible.builtin.debug": {"msg": f"{{{{ {expression} | length > 0 }}}}"}, "ignore_errors": True})
    variables = {name: value for system in SYSTEMS for name, value in with_addresses(as_variables(system, known(system)), emulator).items()}
    run = stage.tasks(*tasks, extra_vars=variables).good()
    assert {task: run.result(task).get("msg") for task in run.tasks if run.failed(task)} == {}


# -- values that cannot be used ----------------------------------------------------------------------------------

QUOTES = {"yes": "yes", "underscores": "1_000", "sexagesimal": "12:34:56", "date": "2020-01-01", "octal": "012345", "float": "1.50", "number": "123456"}


def bad(system: str, name: str, way: str, options: Mapping[str, Any], *words: str, **more: Any) -> Row:
    """A row that must send nothing; its address shows whether it did."""
    address = never(system, Row(name, way, system).title)
    return Row(name, way, system, {**options, "api_url": address}, kind="configuration", words=words, **more)


def bad_ends() -> Iterator[Row]:
    """Secrets with a blank or a line break at their end, as a file or a shell leaves it."""
    for system in SYSTEMS:
        secret = SECRET[system]
        variable = f"{system}_{secret}"
        for way in ways_of(system):
            for name, end, what in (("line break", "\n", "line break|newline"), ("blank", " ", "space|blank"), ("tab", "\t", "tab|space|blank")):
                if name == "tab" and way != "here":
                    continue
                given = known(system, **{secret: accounts()[system][secret] + end, "api_url": None})
                rest = {option: value for option, value in given.items() if option != secret}
                yield bad(system, f"{name} at the end of an argument", way, given, secret, what)
                variables = as_variables(system, given)
                yield bad(system, f"{name} at the end of a variable", way, {}, secret, what, variable, variables=variables)
                if way != "lookup":
                    env = environment_of(variable)
                    yield bad(system, f"{name} at the end in the environment", way, rest, secret, what, env, environment={env: given[secret]})


def unquoted() -> Iterator[Row]:
    """Secrets that YAML has made something else of."""
    for system in SYSTEMS:
        secret = SECRET[system]
        variable = f"{system}_{secret}"
        rest = known(system, **{secret: None, "api_url": None})
        for way in ways_of(system):
            for name, written in QUOTES.items():
                if name not in ("yes", "date") and (system, way) != ("vss", "here"):
                    continue
                value = f"{RAW}{written}{RAW}"
                yield bad(system, f"unquoted {name} as an argument", way, {**rest, secret: value}, secret, "quotes")
                yield bad(system, f"unquoted {name} as a variable", way, rest, secret, "quotes", variable, variables={variable: value})
            if system in MFA:
                user = {name: MFA[system][name] for name in ("username", "password")}
                variables = {f"{system}_otp": f"{RAW}012345{RAW}"}
                yield bad(system, "unquoted octal as a code", way, user, "otp", "quotes", f"{system}_otp", variables=variables)


def pasted() -> Iterator[Row]:
    """Tokens with what stands before them in a header."""
    for system in SYSTEMS:
        for way in WAYS:
            for scheme in ("Bearer ", "bearer ", "whm root:", "Basic "):
                if scheme not in ("Bearer ", "whm root:") and way != "here":
                    continue
                words, token = ("token", scheme.split()[0]), f"{scheme}{JWT}"
                yield bad(system, f"token pasted with {scheme.strip()} as an argument", way, {"token": token}, *words)
                variable = f"{system}_token"
                yield bad(system, f"token pasted with {scheme.strip()} in a variable", way, {}, *words, variable, variables={variable: token})
            yield bad(system, "token pasted in quotes", way, {"token": f'"{JWT}"'}, "token", "contains quotes")
            if way != "lookup":
                env = environment_of(f"{system}_token")
                header = f"Authorization: Bearer {JWT}"
                yield bad(system, "token pasted with the header in the environment", way, {}, "token", env, environment={env: header})


def nested() -> Iterator[Row]:
    """Parameters that no query can hold."""
    for system in SYSTEMS:
        for way in MODULE_WAYS:
            inner = {"filter": {"name": "web", "size": 5}}
            # RackCorp's devices are read by path here.
            call = {"function": "listaccts", "params": inner} if system == "whm" else {"path": READS[system].get("path", "device"), "query": inner}
            yield bad(system, "a dictionary in the query", way, {"token": "CANARYGIVENTOKEN0123456789"}, "filter", call=call)


REFUSED_ROWS = (*bad_ends(), *unquoted(), *pasted(), *nested())


def with_raw_values(tasks: list[dict[str, Any]]) -> str:
    """A play as YAML in which marked texts stand without quotes."""
    text = json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}], indent=1)
    return text.replace(f'"{RAW}', "").replace(f'{RAW}"', "")


@pytest.fixture(scope="module")
def refusals(running: Emulator, new_stage: Callable[[str], Stage]) -> Played:
    running.reset()
    running.settings(vss={"rate_limit": 0})
    run = new_stage("refused").playbook(with_raw_values([row.task(running) for row in REFUSED_ROWS]), timeout=300).good()
    return Played(run, running.log())


@pytest.mark.parametrize("row", REFUSED_ROWS, ids=lambda row: row.title)
def test_what_cannot_be_meant_is_an_error(row: Row, refusals: Played) -> None:
    refusals.check(row)


def test_what_cannot_be_meant_is_not_sent(refusals: Played) -> None:
    assert refusals.sent_nothing() == []


def test_what_cannot_be_meant_is_not_shown(refusals: Played) -> None:
    """A number that was to be a secret is quoted no more than the secret."""
    for row in REFUSED_ROWS:
        message = refusals.message(row)
        assert not any(value in message for value in ("CANARY", "1_000", "45296", "2020-01-01", "5349", "12:34:56", "123456")), f"{row.title}: {message}"


def test_unquoted_values_of_a_variables_file(emulator: Emulator, stage: Stage) -> None:
    """As in group_vars, where nearly all of them are: with `-e @file`."""
    for name, written in QUOTES.items():
        if name not in ("yes", "octal", "date"):
            continue
        file = stage.inputs / f"{name}.yml"
        file.write_text(f"vss_username: vsskey1\nvss_password: {written}\nvss_api_url: {emulator.url('vss')}\n")
        rows = by_way(("lookup", "here"), name, "vss", kind="configuration", words=("quotes", "vss_password"))
        played = Played(stage.tasks(*(row.task(emulator) for row in rows), args=["-e", f"@{file}"]).good(), emulator.log())
        for row in rows:
            played.check(row)
    assert emulator.log() == []


def test_a_code_in_quotes_keeps_its_zero(emulator: Emulator, stage: Stage) -> None:
    """Also on cores that make numbers of templates' results."""
    user = {name: MFA["vss"][name] for name in ("username", "password")}
    row = Row("code", "here", "vss", {**user, "api_url": "<vss>"}, {"vss_otp": "{{ typed }}", "typed": "012345"}, kind="credentials")
    stage.tasks(row.task(emulator)).good()
    assert "012345" in emulator.log(system="vss", login=True)[0]["body"]


# -- values that are mended --------------------------------------------------------------------------------------


def mended() -> Iterator[Row]:
    for system in SYSTEMS:
        for way in WAYS:
            if not (system == "whm" and way == "remote"):
                given = known(system, api_url=f" <{system}> \n")
                yield Row("blanks around the address", way, system, given)
                yield Row("blanks around the address in a variable", way, system, {}, as_variables(system, given))
        if system == "whm":
            for way in ("here", "calls", "remote"):
                token = {"token": f" {accounts()['whm']['token']}\n"}
                yield Row("blanks around the token", way, system, {**token, "api_url": "<whm>"})
                yield Row("blanks around the token in a variable", way, system, {}, as_variables("whm", {**token, "api_url": "<whm>"}))
                yield Row("blanks around the token in the environment", way, system, {"api_url": "<whm>"}, {}, {"WHM_API_TOKEN": token["token"]})
    for way in WAYS:
        yield Row("line break after netosecret", way, "netography", {"netosecret": "<netosecret>\n", "api_url": "<netography>"})


MENDED_ROWS = tuple(mended())


@pytest.fixture(scope="module")
def mendings(running: Emulator, new_stage: Callable[[str], Stage]) -> Played:
    from emulator.accounts import netosecret

    running.reset()
    running.settings(vss={"rate_limit": 0})
    tasks = json.loads(json.dumps([row.task(running) for row in MENDED_ROWS]).replace("<netosecret>", netosecret()))
    return Played(new_stage("mended").tasks(*tasks, timeout=300).good(), running.log())


@pytest.mark.parametrize("row", MENDED_ROWS, ids=lambda row: row.title)
def test_blanks_around_addresses_and_tokens_are_trimmed(row: Row, mendings: Played) -> None:
    mendings.check(row)


NAMES = (("rackcorp", "api_uuid"), ("vss", "username"), ("whm", "username"), ("netography", "appname"))


def test_blanks_around_a_name_are_trimmed_or_refused(emulator: Emulator, stage: Stage) -> None:
    """The system would say that the login is wrong, and nobody would see why."""
    rows: dict[str, tuple[Row, str]] = {}
    for system, option in NAMES:
        given = known(system, **{option: f" {accounts()[system][option]} \n"})
        for row in (
            *by_way(("lookup", "here"), "as an argument", system, {**given, "cache": "none"}),
            *by_way(("lookup", "here"), "as a variable", system, {"cache": "none"}, as_variables(system, given)),
        ):
            rows[row.title] = row, option
    run = stage.tasks(*(row.task(emulator) for row, _option in rows.values())).good()
    played = Played(run, emulator.log())
    failed = {title: (row, option) for title, (row, option) in rows.items() if run.failed(title)}
    wrong = [played.message(row) for row, option in failed.values() if option not in played.message(row) or "blank" not in played.message(row)]
    assert wrong == []
    # Nothing was refused by the system itself.
    assert [record["path"] for record in emulator.log() if not record["ok"]] == []
