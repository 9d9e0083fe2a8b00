# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input and faults, as data: what is asked, and what a person must be told."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from emulator.accounts import accounts
from emulator.client import Emulator

NAMESPACE = "apiauth.tokens"
TITLES = {"rackcorp": "RackCorp", "whm": "WHM", "netography": "Netography", "vss": "VSS"}
LOOKUPS = {"rackcorp": "rackcorp_jwt", "whm": "whm_token", "netography": "netography_token", "vss": "vss_token"}
# A call that reads.
READS: Mapping[str, Mapping[str, Any]] = {
    "rackcorp": {"cmd": "device.getall"},
    "whm": {"function": "listaccts"},
    "netography": {"path": "devices"},
    "vss": {"path": "v2/vm"},
}
CREDENTIALS: Mapping[str, tuple[str, ...]] = {
    "rackcorp": ("api_uuid", "api_secret"),
    "whm": ("username", "password"),
    "netography": ("shortname", "appname", "appkey", "shared_secret"),
    "vss": ("username", "password"),
}
# The option that holds the lasting secret, for wrong values of it.
SECRET = {"rackcorp": "api_secret", "whm": "password", "netography": "shared_secret", "vss": "password"}
# Nothing here is repeated, unless the case is about that.
QUICK: Mapping[str, Any] = {"retries": 0, "timeout": 5}
WRONG = 'Wrong:+/%&="CANARY wrong-credential'
REDIS = "redis://:CANARYredis-password@127.0.0.1:9/0"
# The same, which cannot be taken for a list of pairs.
BLUNT = WRONG.replace("=", "~")


@dataclass(frozen=True)
class Case:
    """One task that must fail. `words` are in its message, `kind` is the kind of a module's error.

    `requests` says how many requests may reach the system, where that can be told by the address.
    """

    name: str
    plugin: str
    options: Mapping[str, Any] = field(repr=False)
    kind: str
    words: tuple[str, ...]
    requests: int | None = None

    @property
    def is_lookup(self) -> bool:
        return self.plugin in LOOKUPS.values()

    @property
    def title(self) -> str:
        return f"{self.plugin}: {self.name}"

    def task(self, **more: Any) -> dict[str, Any]:
        if self.is_lookup:
            return lookup(self.title, self.plugin, self.options, **more)
        return {"name": self.title, f"{NAMESPACE}.{self.plugin}": dict(self.options), "ignore_errors": True, **more}


def lookup(name: str, plugin: str, options: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A task that does nothing but look up."""
    terms = "".join(f"'{term}', " for term in options.get("_terms", ()))
    given = {option: value for option, value in options.items() if option != "_terms"}
    expression = f"{{{{ lookup('{NAMESPACE}.{plugin}', {terms}**given) | length > 0 }}}}"
    return {"name": name, "ansible.builtin.debug": {"msg": expression}, "vars": {"given": given}, "ignore_errors": True, **more}


def account(system: str, name: str | None = None) -> dict[str, str]:
    """What authenticates at this system, under the names of its options."""
    known = accounts()[name or system]
    return {option: known[option] for option in CREDENTIALS[system]}


def minted(system: str) -> dict[str, Any]:
    """What the lookup of a system that mints needs beside the credentials."""
    return {"acls": ["list-accts"]} if system == "whm" else {}


def expired_jwt() -> str:
    return jwt.encode({"sub": "CANARY", "exp": int(time.time()) - 90}, "CANARY-key-of-an-expired-token-32-bytes!", algorithm="HS256")


@dataclass(frozen=True)
class Fault:
    """What the emulator does for every address below `<api_url>/fault-<name>`, and what must be told of it."""

    name: str
    rule: Mapping[str, Any]
    kind: str
    words: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


FAULTS = (
    Fault("html", {"action": "html"}, "protocol", ("is not JSON", "Maintenance", "api_url")),
    Fault("truncated", {"action": "status", "status": 200, "body": '{"code": "OK", "data": ["tru'}, "protocol", ("is not JSON", "api_url")),
    Fault("empty", {"action": "empty"}, "protocol", ("api_url",)),
    Fault("garbage", {"action": "garbage"}, "protocol", ("is not JSON", "api_url")),
    Fault("raw", {"action": "raw"}, "protocol", ("invalid HTTP response", "api_url")),
    Fault("echo", {"action": "echo"}, "server", ("HTTP 500", "try again later")),
    Fault("teapot", {"action": "status", "status": 418, "json": {"message": "I am a teapot"}}, "invalid_request", ("HTTP 418",)),
    Fault("gone", {"action": "status", "status": 404, "json": {"message": "Nobody lives here"}}, "not_found", ("HTTP 404",)),
    Fault("unwell", {"action": "status", "status": 503}, "server", ("HTTP 503", "try again later")),
    Fault("limited", {"action": "rate_limit", "retry_after": 120}, "rate_limited", ("wait 120 seconds", "max_wait"), {"retries": 3}),
    Fault("hang", {"action": "hang"}, "network", ("within 0.4 seconds", "timeout"), {"timeout": 0.4}),
    Fault("cut", {"action": "cut"}, "network", ("closed the connection without a reply", "check that the service is up")),
    Fault(
        "elsewhere",
        {"action": "redirect", "location": "https://evil.example/take?x=1"},
        "protocol",
        ("evil.example", "no redirect is followed", "api_url"),
    ),
)  # fmt: skip


def faults(emulator: Emulator) -> None:
    """Tell the emulator."""
    emulator.fault(*({"times": None, "match": {"path": f"fault-{fault.name}(/|$)"}, **fault.rule} for fault in FAULTS))


def fault_cases(emulator: Emulator, system: str, plugins: Mapping[str, bool]) -> Iterator[Case]:
    """Each fault at a login and at a call. `plugins` says which exist."""
    for fault in FAULTS:
        where = {**QUICK, "api_url": f"{emulator.url(system)}/fault-{fault.name}", **fault.options}
        if plugins.get(LOOKUPS[system]):
            yield Case(fault.name, LOOKUPS[system], {**where, **account(system), **minted(system)}, fault.kind, fault.words, 1)
        yield Case(fault.name, f"{system}_api", {**where, **READS[system], "token": "CANARYGIVENTOKEN0123456789"}, fault.kind, fault.words, 1)


def input_cases(emulator: Emulator, system: str, plugins: Mapping[str, bool]) -> Iterator[Case]:
    """Options that are missing, contradict each other, have the wrong type, or do not exist; ways that lead nowhere."""
    url, secret = f"{emulator.url(system)}/never-asked", SECRET[system]
    good = {**QUICK, **account(system)}
    bad: list[tuple[str, Mapping[str, Any], str, tuple[str, ...]]] = [
        ("unknown option", {**good, "api_url": url, "passwort": WRONG}, "configuration", ("no option passwort",)),
        ("no credentials", {**QUICK, "api_url": url}, "configuration", ("give", "token")),
        ("secret is a list", {**good, "api_url": url, secret: [WRONG]}, "configuration", (f"{secret} must be a string",)),
        ("secret is a dictionary", {**good, "api_url": url, secret: {WRONG: WRONG}}, "configuration", (f"{secret} must be a string",)),
        ("secret as a number", {**good, "api_url": url, "timeout": WRONG}, "configuration", ("timeout must be a number",)),
        ("secret as a truth", {**good, "api_url": url, "validate_certs": WRONG}, "configuration", ("validate_certs must be true or false",)),
        ("secret as a choice", {**good, "api_url": url, "cache": WRONG}, "configuration", ("cache must be one of file, redis, none",)),
        ("secret in the address", {**good, "api_url": f"https://me:{WRONG[:5]}CANARY@host/"}, "configuration", ("api_url", "password")),
        ("no address", {**good, "api_url": "nonsense"}, "configuration", ("api_url must look like https://",)),
        ("plain http", {**good, "api_url": "http://192.0.2.1/api"}, "configuration", ("plain http", "https", "allow_http")),
        ("untrusted", {**good, "api_url": emulator.url(system, tls=True), "ca_path": emulator.other_ca}, "tls", ("certificate verify failed", "ca_path")),
        ("no client certificate", {**good, "api_url": emulator.mtls, "ca_path": emulator.ca}, "tls|network", ()),
        ("http on the TLS port", {**good, "api_url": emulator.url(system).replace("http:", "https:")}, "tls", ("TLS", "api_url")),
        ("no such CA file", {**good, "api_url": emulator.url(system, tls=True), "ca_path": "/nowhere/ca.pem"}, "configuration", ("ca_path",)),
        ("no such certificate", {**good, "api_url": url, "client_cert": "/nowhere/cert.pem"}, "configuration", ("client_cert",)),
        ("nobody listens", {**good, "api_url": "https://127.0.0.1:9/api"}, "network", ("refused", "port")),
        ("no such name", {**good, "api_url": "https://no-such-host.invalid/api"}, "network", ("resolve",)),
        ("proxy is dead", {**good, "api_url": "https://192.0.2.1/api", "proxy": "http://me:CANARYproxy-password@127.0.0.1:9"}, "network", ("proxy",)),
        ("redis without a key", {**good, "api_url": url, "cache": "redis", "cache_redis_url": REDIS}, "configuration", ("cache_key",)),
    ]  # fmt: skip
    if system != "whm":
        bad.append(("expired token", {**QUICK, "api_url": url, "token": expired_jwt()}, "configuration", ("the given token expired on 20", "give a new one")))
    for name, options, kind, words in bad:
        # WHM's password authenticates the call itself: without a login, but with the same words.
        if plugins.get(LOOKUPS[system]):
            yield Case(name, LOOKUPS[system], {**options, **minted(system)}, kind, words)
        if not (system == "whm" and "redis" in name):
            yield Case(name, f"{system}_api", {**options, **READS[system]}, kind, words)
    if plugins.get(LOOKUPS[system]):
        yield Case("a term", LOOKUPS[system], {**good, **minted(system), "api_url": url, "_terms": ("term",)}, "configuration", ("takes no terms",))
        yield Case("wrong output", LOOKUPS[system], {**good, **minted(system), "api_url": url, "output": WRONG}, "configuration", ("output must be one of",))
    yield from _bad_calls(system, f"{system}_api", {**good, "api_url": url})


def _bad_calls(system: str, plugin: str, good: Mapping[str, Any]) -> Iterator[Case]:
    """Arguments of a call that make no sense; nothing is sent for them, and nobody logs in."""
    read = READS[system]
    bad: list[tuple[str, Mapping[str, Any], tuple[str, ...]]] = [
        ("no call", {}, ("give",)),
        ("call and calls", {**read, "calls": [dict(read)]}, ("calls replaces",)),
        ("no calls", {"calls": []}, ("calls is empty",)),
        ("calls is text", {"calls": [WRONG]}, ("call 1 must be a dictionary",)),
        ("calls is broken JSON", {"calls": "[" + WRONG}, ("calls must be a list",)),
        ("unknown option of a call", {"calls": [dict(read), {**read, "passwort": WRONG}]}, ("call 2 has no option passwort",)),
        ("mutates", {**read, "mutates": WRONG}, ("mutates must be one of",)),
        ("concurrency", {**read, "concurrency": WRONG}, ("concurrency must be a whole number",)),
    ]
    if system in ("rackcorp", "whm"):
        bad.append(("params is text", {**read, "params": BLUNT}, ("params must be a dictionary",)))
    if system == "rackcorp":
        bad += [
            ("cmd and path", {"cmd": "device.get", "path": "devices/1"}, ("either cmd or path",)),
            ("credential in params", {"cmd": "device.get", "params": {"APISECRET": WRONG}}, ("must not hold APISECRET",)),
            ("query with cmd", {"cmd": "device.get", "query": {"a": WRONG}}, ("query and body belong to path",)),
            ("auth", {**read, "auth": WRONG}, ("auth must be one of",)),
            ("session by key", {**read, "auth": "session", "login": "api_key"}, ("auth session needs a session_id",)),
        ]
    if system == "whm":
        bad.append(("function is a path", {"function": "../listaccts"}, ("function must be the bare name",)))
        bad.append(("params hold a dictionary", {"function": "listaccts", "params": {"a": {"b": WRONG}}}, ("a must not be a dictionary",)))
    if system in ("netography", "vss"):
        bad += [
            ("path is an address", {"path": "https://evil.example/v2/vm"}, ("path must be a plain path",)),
            ("path climbs", {"path": "../../secret"}, ("path must be a plain path",)),
            ("method", {**read, "method": WRONG}, ("method must be one of",)),
            ("body is broken JSON", {**read, "method": "POST", "body": '{"password": "' + WRONG}, ("body looks like JSON",)),
        ]
    if system == "vss":
        bad.append(("wait_timeout", {**read, "wait_timeout": WRONG}, ("wait_timeout must be a number",)))
    if system == "netography":
        bad.append(("netosecret", {**read, "netosecret": WRONG}, ("netosecret is not base64",)))
    for name, options, words in bad:
        yield Case(name, plugin, {**good, **options}, "configuration", words)


def refusals(emulator: Emulator, system: str, plugins: Mapping[str, bool]) -> Iterator[Case]:
    """What the systems themselves refuse."""
    url = emulator.url(system)
    wrong = {**QUICK, **account(system), "api_url": url, SECRET[system]: WRONG}
    told: dict[str, tuple[str, ...]] = {
        "rackcorp": ("the login was refused", "api_secret"),
        "whm": ("refused", "password"),
        "netography": ("the login was refused", "shared_secret"),
        "vss": ("the login was refused", "password"),
    }
    if plugins.get(LOOKUPS[system]):
        yield Case("wrong credential", LOOKUPS[system], {**wrong, **minted(system)}, "credentials", told[system])
    yield Case("wrong credential", f"{system}_api", {**wrong, **READS[system]}, "credentials", told[system])
    unwanted = {**QUICK, **READS[system], "api_url": url, "token": "CANARYWRONGTOKEN0123456789"}
    yield Case("wrong token", f"{system}_api", unwanted, "forbidden" if system == "rackcorp" else "credentials", ("refused", "token"))
    missing: dict[str, tuple[Mapping[str, Any], str, str]] = {
        "rackcorp": ({"cmd": "device.get", "params": {"id": 99999}}, "not_found", "device.get"),
        "whm": ({"function": "no_such_function"}, "not_found", "no_such_function"),
        "netography": ({"path": "device/4711"}, "not_found", "device/4711"),
        "vss": ({"path": "v2/vm/none"}, "not_found", "v2/vm/none"),
    }
    call, kind, word = missing[system]
    good = {**QUICK, **account(system), "api_url": url}
    yield Case("not found", f"{system}_api", {**good, **call}, kind, (word,))
    if system in ("rackcorp", "vss"):
        second = accounts()["rackcorp_2fa" if system == "rackcorp" else "vss_mfa"]
        user: dict[str, Any] = {**QUICK, "api_url": url, "username": second["username"], "password": second["password"]}
        hint = ("the login was refused", "one-time code", "totp_secret")
        for name, options in {"no code": user, "wrong code": {**user, "otp": "000000"}}.items():
            yield Case(name, LOOKUPS[system], options, "credentials", hint)
            yield Case(name, f"{system}_api", {**options, **READS[system]}, "credentials", hint)
        both = {**user, "otp": "000000", "totp_secret": second["totp_secret"]}
        yield Case("two codes", LOOKUPS[system], both, "configuration", ("otp and totp_secret exclude each other",))
    if system == "vss":
        barred = accounts()["vss_barred"]
        yield Case("barred", LOOKUPS[system], {**QUICK, "api_url": url, **barred}, "credentials", ("may use the API",))


def all_cases(emulator: Emulator, plugins: Mapping[str, bool]) -> list[Case]:
    found: list[Case] = []
    for system in TITLES:
        for cases in (input_cases, refusals, fault_cases):
            found += cases(emulator, system, plugins)
    return found


ENVIRONMENT = {
    "RACKCORP_API_UUID": ("rackcorp", "api_uuid"),
    "RACKCORP_API_SECRET": ("rackcorp", "api_secret"),
    "VSS_USER": ("vss", "username"),
    "VSS_USER_PASS": ("vss", "password"),
    "WHM_API_TOKEN": ("whm", "token"),
}
"""The environment variables of a credential for each of three systems: the account of the emulator and its member."""
