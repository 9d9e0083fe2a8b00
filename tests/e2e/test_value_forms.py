# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values with a form of their own: the address in an authenticator's QR code, ends of tokens, variables that are lookups or vaulted, paths."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from e2e.cases import LOOKUPS, NAMESPACE, SECRET
from e2e.rows import MODULE_WAYS, WAYS, Played, Row, by_way, with_addresses
from e2e.stage import REMOTE, Run, Stage
from e2e.test_odd_values import MFA, SYSTEMS, as_variables, known
from emulator.client import Emulator

# -- one-time codes ----------------------------------------------------------------------------------------------


def code(secret: str, when: float, digits: int, period: int, algorithm: str) -> str:
    """RFC 6238."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(when) // period), getattr(hashlib, algorithm.lower())).digest()
    offset = digest[-1] & 15
    return str((struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**digits).zfill(digits)


def authenticator(system: str, **parameters: Any) -> str:
    """What a QR code of an authenticator holds."""
    user = MFA[system]
    rest = "".join(f"&{name}={quote(str(value))}" for name, value in parameters.items())
    return f"otpauth://totp/Example%20Corp:{quote(user['username'])}?secret={user['totp_secret']}{rest}"


def test_totp_secret_may_be_the_address_of_an_authenticator(emulator: Emulator, stage: Stage) -> None:
    rows = []
    for system, account in MFA.items():
        secret = authenticator(system, issuer="Example Corp", digits=6, period=30, algorithm="SHA1")
        rows += by_way(("lookup", "here", "remote"), "authenticator", system, {**account, "totp_secret": secret, "api_url": f"<{system}>"})
    played = Played(stage.tasks(*(row.task(emulator) for row in rows)).good(), emulator.log())
    for row in rows:
        played.check(row)
    assert {system: emulator.logins(system) for system in MFA} == dict.fromkeys(MFA, 1)


ISSUERS = ((8, 30, "SHA1"), (6, 60, "SHA1"), (6, 30, "SHA256"), (8, 60, "SHA512"), (6, 30, "sha256"))


def test_digits_period_and_algorithm_of_the_issuer(emulator: Emulator, stage: Stage) -> None:
    """The emulator takes no such codes, but the log shows which one was sent."""
    rows: dict[str, list[Row]] = {system: [] for system in MFA}
    for system, account in MFA.items():
        for digits, period, algorithm in ISSUERS:
            secret = authenticator(system, digits=digits, period=period, algorithm=algorithm)
            given = {**account, "totp_secret": secret, "api_url": f"<{system}>", "cache": "none"}
            rows[system].append(Row(f"{digits} {period} {algorithm}", "here", system, given, kind="credentials"))
    before = time.time()
    played = Played(stage.tasks(*(row.task(emulator) for found in rows.values() for row in found)).good(), emulator.log())
    for system, found in rows.items():
        bodies = [record["body"] for record in emulator.log(system=system, login=True)]
        for row, (digits, period, algorithm) in zip(found, ISSUERS, strict=True):
            played.check(row)
            # A code for each period that has begun meanwhile.
            times = [before + period * step for step in range(-1, 2 + int((time.time() - before) / period) + 1)]
            codes = {code(MFA[system]["totp_secret"], when, digits, period, algorithm) for when in times}
            assert any(f'"{one}"' in body for one in codes for body in bodies), row.title


BAD_ISSUERS = {
    "otpauth://hotp/x?secret=JBSWY3DPEHPK3PXP&counter=1": "hotp|totp",
    "otpauth://totp/x?issuer=y": "secret",
    "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&algorithm=MD4": "algorithm",
    "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&digits=abc": "digits",
}


def test_an_authenticator_that_cannot_be_used(emulator: Emulator, stage: Stage) -> None:
    rows = []
    for address, word in BAD_ISSUERS.items():
        given = {**MFA["vss"], "totp_secret": address, "api_url": "<vss>"}
        rows += by_way(("lookup", "here", "remote"), f"bad {word} {address[10:14]}", "vss", given, kind="configuration", words=("totp_secret", word))
    played = Played(stage.tasks(*(row.task(emulator) for row in rows)).good(), emulator.log())
    for row in rows:
        played.check(row)
        assert "JBSWY3DPEHPK3PXP" not in played.message(row)
    assert emulator.log() == []


# -- ends of WHM's tokens ----------------------------------------------------------------------------------------

PAST = ("1500000000", 1500000000, "2020-01-31T12:00:00Z", "2020-01-31", "-1d")


def test_an_end_in_the_past_is_refused(emulator: Emulator, whm: Callable[..., Run]) -> None:
    """A token that is created expired is of no use, and one that is changed so stops working."""
    token = f"{NAMESPACE}.whm_api_token"
    ways: dict[str, dict[str, Any]] = {"here": {}, "remote": {"vars": dict(REMOTE)}, "check": {"check_mode": True}}
    tasks: list[dict[str, Any]] = [
        {"name": f"{way} {name} {end!r}", token: {"name": name, "acls": ["list-accts"], "expires_at": end}, "ignore_errors": True, **more}
        for way, more in ways.items()
        for name in ("fresh", "automation")
        for end in (PAST if way == "here" else PAST[:2])
    ]
    run = whm(*tasks).good()
    wrong = {}
    for task in tasks:
        result = run.result(task["name"])
        if not run.failed(task["name"]) or "expires_at" not in result["msg"] or (result.get("error") or {}).get("kind") != "configuration":
            wrong[task["name"]] = result.get("msg", "has not failed")
    assert wrong == {}
    assert not {"api_token_create", "api_token_update"} & {record["function"] for record in emulator.log(system="whm")}


# -- variables that are lookups, and variables that cannot be read -----------------------------------------------


def chains(system: str) -> dict[str, dict[str, str]]:
    arguments = "acls=['list-accts']" if system == "whm" else ""
    expression = f"{{{{ lookup('{NAMESPACE}.{LOOKUPS[system]}', {arguments}) }}}}"
    return {
        "directly": {f"{system}_token": expression},
        "through one": {f"{system}_token": "{{ minted }}", "minted": expression},
        "through two": {f"{system}_token": "{{ minted | trim }}", "minted": "{{ again }}", "again": expression},
    }


CHAINS = tuple(row for system in SYSTEMS for name, chain in chains(system).items() for row in by_way(WAYS, name, system, {}, chain))


@pytest.fixture(scope="module")
def through_variables(running: Emulator, new_stage: Callable[[str], Stage]) -> tuple[Played, dict[str, int]]:
    running.reset()
    variables = {name: value for system in SYSTEMS for name, value in with_addresses(as_variables(system, known(system)), running).items()}
    run = new_stage("through").tasks(*(row.task(running) for row in CHAINS), extra_vars=variables, timeout=300).good()
    return Played(run, running.log()), {system: running.logins(system) for system in SYSTEMS}


@pytest.mark.parametrize("row", CHAINS, ids=lambda row: row.title)
def test_a_token_through_another_variable(row: Row, through_variables: tuple[Played, dict[str, int]]) -> None:
    """A system's token variable is the result of its own lookup, which reads that variable too."""
    through_variables[0].check(row)


def test_a_token_through_another_variable_costs_one_login(through_variables: tuple[Played, dict[str, int]]) -> None:
    assert through_variables[1] == dict.fromkeys(SYSTEMS, 1)


@pytest.mark.parametrize("how", ["directly", "indirectly"])
def test_a_vault_without_its_password_is_named(how: str, emulator: Emulator, stage: Stage) -> None:
    """Not that the variable is undefined."""
    vault = VaultLib([("default", VaultSecret(b"CANARY-vault-password"))])
    sealed = "".join(f"  {line}\n" for line in vault.encrypt(b"CANARY-secret").decode().splitlines())
    variables = {system: f"{system}_{SECRET[system]}" for system in SYSTEMS}
    file = stage.inputs / "vaulted.yml"
    file.write_text("".join(f"{name}: !vault |\n{sealed}\n" for name in ("sealed", *(variables.values() if how == "directly" else ()))))
    args = ["-e", f"@{file}"]
    if how == "indirectly":
        args += ["-e", json.dumps(dict.fromkeys(variables.values(), "{{ sealed }}"))]
    rest: dict[str, Any] = {}
    rows: list[Row] = []
    for system, variable in variables.items():
        rest |= with_addresses(as_variables(system, known(system, **{SECRET[system]: None})), emulator)
        rows += by_way(("lookup", "here", "calls"), how, system, kind="configuration", words=("decrypt", variable))
    played = Played(stage.tasks(*(row.task(emulator) for row in rows), host_vars=rest, args=args).good(), emulator.log())
    for row in rows:
        played.check(row)
    assert emulator.log() == []


# -- paths -------------------------------------------------------------------------------------------------------


REPEATED = (
    ("netography", "api/v1/devices"),
    ("netography", "/api/v1/devices"),
    ("netography", "v1/devices"),
    ("rackcorp", "api/rest/v2.9/device"),
    ("vss", "vss/v2/vm"),
)


def test_a_path_that_repeats_the_base(emulator: Emulator, stage: Stage) -> None:
    for system, _path in REPEATED:
        emulator.fault(
            {"system": system, "action": "status", "status": 404, "match": {"path": r"(v1/.*devices|v2\.9/.*device|vss/v2)", "login": False}, "times": None}
        )
    rows = []
    for system, path in REPEATED:
        words = ("api_url", "already|twice|repeats|begins")
        rows += by_way(MODULE_WAYS, path, system, known(system), call={"path": path}, kind="not_found", words=words)
    played = Played(stage.tasks(*(row.task(emulator) for row in rows)).good(), emulator.log())
    for row in rows:
        played.check(row)
