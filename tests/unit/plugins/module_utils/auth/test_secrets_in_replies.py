# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reply that holds a secret is noticed, whatever the system calls it."""

from __future__ import annotations

import base64
import json
import string
import time
from collections.abc import Mapping
from typing import Any

import pytest
from emulator.rackcorp.devices import listed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.redact import Redactor
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.reply_secrets import secret_in_reply, secrets_sent
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.secret_names import is_secret_name

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END RSA PRIVATE KEY-----\n"
PGP = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBGTest\n-----END PGP PRIVATE KEY BLOCK-----\n"
DNSSEC = "Private-key-format: v1.2\nAlgorithm: 8 (RSASHA256)\nModulus: x7Rr\n"
CREATEACCT = "WWWAcct 13.0\n+=======================+\n| New Account Info      |\n| UserName: bob    |\n| PassWord: hunter2 |\n| CpanelMod: jupiter |\n"


# -- names -----------------------------------------------------------------------------------------------------------


SECRET_NAMES = """password passwd pass pwd passphrase PassWord database_user_password authpassword initial_password generated_password temporary_password
    ftp_password mysqlpassword vncpassword consolePassword ipmiPassword rootpw ROOTPW root_pw dbpass user-pass new_password password_confirmation
    passwordNew password2 password-1 passwords token tokens access_token accessToken refresh_token app_token pushbullet_access_token cp_security_token
    security_token 2fatoken apitoken secret client_secret webhook_secret sharedsecret totp_secret secrets netosecret NETOSECRET apikey api_key API-Key appkey
    access_key secretAccessKey s3AccessKey accountkey AccountKey integrationkey signing_key encryption_key privatekey private.key ssh_private_key
    deployMediaImageAccessSecret deployMediaImageAccessKey key_data key_content credential credentials jwt accessjwt JWTSESSIONID USERSESSIONID sessionId
    session_id accesshash access_hash recovery_codes recoveryCode apisecret APISECRET psk user[password]"""


@pytest.mark.parametrize("name", SECRET_NAMES.split())
def test_secret_names(name: str) -> None:
    assert is_secret_name(name)


OTHER_NAMES = """next_token nextToken nextPageToken page_token continuation_token next_continuation_token nextSyncToken token_name tokenName token_id
    token_count token_type token_expires access_token_expires password_expired passwordExpires password_policy password_last_changed public_key publickey
    ssh_public_key public_access_key key keys id key_id access_key_id apikey_id user name secret_name secretId bypass compass keyword monkey
    flow_session_id session session-state example.pw pwned tokenizer description code message passing jwt_issuer credential_type sshkey has_password_set
    hash content data"""


@pytest.mark.parametrize("name", [*OTHER_NAMES.split(), ""])
def test_other_names(name: str) -> None:
    assert not is_secret_name(name)


def test_a_very_long_name_takes_no_time() -> None:
    started = time.process_time()
    for name in ("token" * 200_000, "_" * 1_000_000, "public" * 200_000, "sess" * 200_000 + "id"):
        is_secret_name(name)
    assert time.process_time() - started < 0.1


# -- replies with a secret -------------------------------------------------------------------------------------------


SENT = "Sent/Secret+0815"
IN_TEXT = json.dumps({"deployMediaImageId": "7", "deployMediaImageAccessSecret": "AB12cd"})
HELD: Mapping[str, tuple[Any, str]] = {
    "a token": ({"data": {"token": "AB12"}}, "the member data.token"),
    "in a list": ({"data": [{"id": 1}, {"id": 2, "password": "hunter2"}]}, "the member data[1].password"),
    "a list of passwords": ({"passwords": ["hunter2", "hunter3"]}, "the member passwords"),
    "recovery codes": ({"data": {"recovery_codes": ["1234-5678", "2345-6789"]}}, "the member data.recovery_codes"),
    "below a secret name": ({"secret": {"current": "AB12", "id": 3}}, "the member secret"),
    "by the names of tokens": ({"tokens": {"AB12CD34EF56GH78": "AB12CD34"}}, "the member tokens"),
    "credentials": ({"credentials": [{"username": "bob", "password": "hunter2"}]}, "the member credentials[0].password"),
    "digits": ({"ipmiPassword": "12345678"}, "the member ipmiPassword"),
    "a name and a value": ({"extra": [{"key": "CPU", "value": "2"}, {"key": "ROOTPW", "value": "hunter2"}]}, "the member extra[1].value"),
    "despite errors": ({"errors": {"password": "hunter2"}}, "the member errors.password"),
    "create_user_session": ({"data": {"cp_security_token": "/cpsess1234567890"}}, "the member data.cp_security_token"),
    "SSL::genkey": ({"data": {"uapi": {"data": {"key": PEM}}}}, "a private key in data.uapi.data.key"),
    "fetch_dkim_private_keys": ({"data": [{"domain": "a.example", "pem": PEM}]}, "a private key in data[0].pem"),
    "GPG": ({"data": {"content": PGP}}, "a private key in data.content"),
    "DNSSEC": ({"data": {"content": DNSSEC}}, "a private key in data.content"),
    "key_content": ({"data": {"key_content": DNSSEC}}, "the member data.key_content"),
    "a key in base64": ({"kubeconfig": "x " + base64.b64encode(PEM.encode()).decode()}, "a private key in kubeconfig"),
    "a JWT": ({"data": [0, 1, 2, {"value": f"Bearer {JWT}"}]}, "a JWT in data[3].value"),
    "a JWT as a name": ({"data": {JWT: 1}}, "a JWT in data"),
    "a bare JWT": (JWT, "a JWT in the reply"),
    "what was sent": ({"metadata": {"output": {"raw": f"set to {SENT}"}}}, "a secret that the call sent, in metadata.output.raw"),
    "what was sent, in base64": ([base64.b64encode(f"x:{SENT}".encode()).decode()], "a secret that the call sent, in [0]"),
    "what was sent, in a URL": ({"url": "https://h/?x=Sent%2FSecret%2B0815"}, "a secret that the call sent, in url"),
    "what was sent, as a name": ({"a": {SENT: 0}}, "a secret that the call sent, in a"),
    "createacct": ({"metadata": {"output": {"raw": CREATEACCT}}}, "the value of PassWord in the text of metadata.output.raw"),
    "a log": ({"log": "GET /login?user=bob&password=hunter2"}, "the value of password in the text of log"),
    "otpauth": ({"uri": "otpauth://totp/x:bob?secret=JBSWY3DP&issuer=x"}, "the value of secret in the text of uri"),
    "a URL with a password": ({"hook": "https://me:hunter2@hook.example/x"}, "a password or a session in the URL hook"),
    "JSON in a text": ({"rcTransaction": {"data": IN_TEXT}}, "the member deployMediaImageAccessSecret, in the JSON text of rcTransaction.data"),
    "JSON in JSON in a text": ({"a": json.dumps(json.dumps({"b": json.dumps({"rootpw": "hunter2"})}))}, "the member rootpw, in the JSON text of b, "),
    "JSON that is cut off": ({"a": IN_TEXT[:-3]}, "the value of deployMediaImageAccessSecret in the text of a"),
    "a private key in JSON in a text": ({"a": json.dumps({"b": PEM})}, "a private key in a"),
}  # fmt: skip


@pytest.mark.parametrize("title", HELD)
def test_a_secret_is_found_and_not_shown(title: str) -> None:
    body, words = HELD[title]
    found = secret_in_reply(body, Redactor([SENT]))
    assert found.startswith(words)
    assert not any(secret in found for secret in ("hunter", "AB12", "MIIE", "eyJ", SENT, "Sent%2F", "cpsess1"))


@pytest.mark.parametrize("title", HELD)
def test_what_is_found_is_cleaned(title: str) -> None:
    body, _words = HELD[title]
    cleaned = Redactor([SENT]).clean(json.dumps(body))
    for secret in ("hunter2", "hunter3", "AB12cd", "12345678", "1234-5678", "MIIEv", "lQOYB", "x7Rr", "eyJ", SENT, "Sent%2F", "cpsess1", "JBSWY"):
        assert secret not in cleaned or (title == "create_user_session" and secret == "12345678"), cleaned


def test_a_secret_of_digits_may_come_back_as_a_number() -> None:
    assert secret_in_reply({"a": [{"b": 12345678}]}, Redactor(["12345678"])) == "a secret that the call sent, in a[0].b"
    assert secret_in_reply({"a": [{"b": 12345678, "c": True, "d": None}]}, Redactor(["1234"])) != ""
    assert secret_in_reply({"a": [{"b": 12345678}]}, Redactor(["other"])) == ""


@pytest.mark.parametrize(
    "body",
    [
        {f"x{JWT}": {"password": "hunter2"}},
        {"UWU28DCA23NKY76CN17MDPKM3O7EFQY8": {"password": "hunter2"}},
        {"tokens": {"UWU28DCA23NKY76CN17MDPKM3O7EFQY8": "x" * 4 + "AB12"}},
        {"a\nb\x1b[31m": {"password": "hunter2"}},
        {SENT: {"password": "hunter2"}},
        {"Battery-Staple": {"password": "hunter2"}},
        {"p" * 5000: {"password": "hunter2"}},
    ],
)
def test_names_that_may_be_secrets_are_not_shown(body: Any) -> None:
    found = secret_in_reply(body, Redactor([SENT, "Battery-Staple"]))
    assert found
    assert found.isprintable()
    assert len(found) < 100
    assert not any(secret in found for secret in ("hunter", "AB12", "UWU28", "eyJ", "Battery", SENT))


# -- any shape -------------------------------------------------------------------------------------------------------


WORDS = ["status", "id", "name", "ips", "created", "plan", "data", "meta", "notes", "size", "region", "disk"]
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(string.ascii_letters + string.digits + " ./\u00e9\n", max_size=12)
)
SHAPES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4), max_leaves=15)
CHARACTERS = string.ascii_letters + string.digits + "+/%&=\"'<> \\\u00e9"
VALUES = st.text(CHARACTERS, min_size=4, max_size=20).map(lambda text: f"Zq7{text}x9W")
PLANTED_NAMES = st.sampled_from(
    ["password", "api_token", "rootpw", "secretAccessKey", "credentials", "authpassword", "sessionId", "recovery_codes", "JWT", "private_key"]
)


@st.composite
def planted(draw: st.DrawFn) -> tuple[Any, str, str]:
    """A reply of any shape, the secret in it, and what of it must not be left."""
    kind = draw(st.sampled_from(["name", "list", "dictionary", "pair", "pem", "jwt", "sent", "base64", "nested", "table", "url"]))
    value = draw(VALUES)
    plain = "Zq7" + draw(st.text(string.ascii_letters + string.digits, min_size=6, max_size=20))
    name = draw(PLANTED_NAMES)
    leaf, trace = {
        "name": ({name: value}, value),
        "list": ({name: [value, value]}, value),
        "dictionary": ({name: {"current": value, "id": 7}}, value),
        "pair": ({"name": name, "value": value}, value),
        "pem": ({"key": f"-----BEGIN EC PRIVATE KEY-----\n{plain}\n-----END EC PRIVATE KEY-----"}, plain),
        "jwt": ({"text": f"x eyJhbGciOiJIUzI1NiJ9.{plain}.{plain}"}, plain),
        "sent": ({"text": f"it was {SENT}."}, SENT),
        "base64": ({"text": base64.b64encode(f"a{SENT}b".encode()).decode()}, base64.b64encode(f"a{SENT}".encode()).decode()[4:16]),
        "nested": ({"data": json.dumps({"x": [{name: value}]})}, value),
        "table": ({"raw": f"+---+\n| {name}: {plain} |\n+---+"}, plain),
        "url": ({"location": f"/x?a=b&{name}={plain}&c=d"}, plain),
    }[kind]
    around = draw(SHAPES)
    for _level in range(draw(st.integers(0, 3))):
        leaf = draw(st.sampled_from([lambda inner: [around, inner], lambda inner: {"status": around, "data": inner}]))(leaf)
    return leaf, kind, trace


@settings(max_examples=250, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(planted())
def test_a_planted_secret_is_found_and_cleaned(planted: tuple[Any, str, str]) -> None:
    body, _kind, trace = planted
    redactor = Redactor([SENT])
    found = secret_in_reply(body, redactor)
    assert found
    assert trace not in found
    for text in (json.dumps(body), json.dumps(body, ensure_ascii=False), json.dumps(body).replace("/", "\\/")):
        cleaned = redactor.clean(text)
        for form in (trace, json.dumps(trace)[1:-1], json.dumps(json.dumps(trace)[1:-1])[1:-1], json.dumps(trace)[1:-1].replace("/", "\\/")):
            assert form not in cleaned


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(SHAPES)
def test_any_shape_without_a_secret_is_not_flagged(body: Any) -> None:
    redactor = Redactor([SENT])
    assert secret_in_reply(body, redactor) == ""
    text = json.dumps({"body": body})
    assert redactor.clean(text) == text


# -- what a call sends -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        (({"username": "bob", "password": "hunter2", "plan": "default"},), {"hunter2"}),
        (({"user": "bob"}, {"password": ["hunter2", "hunter3"]}, {"x": {"api_key": "AB12CD"}}), {"hunter2", "hunter3", "AB12CD"}),
        (({"data": json.dumps({"rootpw": "hunter2"})},), {"hunter2"}),
        (({"password": " hunter2\n"},), {" hunter2\n", "hunter2"}),
        (({"password": 12345678, "token": True, "pass": 123, "secret": None},), {"12345678"}),
        (({"password": "abc", "token": "", "next_token": "AB12CD", "token_name": "backup"},), set()),
        (({"productDetails": {"credentials": [{"username": "bob", "password": "hunter2"}]}},), {"hunter2"}),
        (("user=bob&password=hunter2",), {"hunter2"}),
        ((json.dumps({"jwt": "AB12CD"}),), {"AB12CD"}),
        (({"password-1": "hunter2", "cpanel.module": "Email", "passwd": "hunter3"},), {"hunter2", "hunter3"}),
        ((("a", {"secret": ("hunter2",)}),), {"hunter2"}),
        ((None, 7, [], "text"), set()),
        ((), set()),
    ],
)
def test_secrets_that_a_call_sends(parts: tuple[Any, ...], found: set[str]) -> None:
    assert secrets_sent(*parts) == found


def test_what_a_call_sends_hides_the_reply_that_repeats_it() -> None:
    redactor = Redactor()
    redactor.add(*secrets_sent({"username": "bob", "password": "hunter2+x"}))
    assert secret_in_reply({"message": "bob has hunter2+x"}, redactor) == "a secret that the call sent, in message"
    assert "hunter2" not in redactor.clean("rejected: hunter2+x, hunter2%2Bx")


# -- speed -----------------------------------------------------------------------------------------------------------


def fastest(body: Any, redactor: Redactor, times: int) -> float:
    best = float("inf")
    for _time in range(times):
        started = time.process_time()
        secret_in_reply(body, redactor)
        best = min(best, time.process_time() - started)
    return best


def test_a_reply_is_searched_in_no_time() -> None:
    """The limits are several times what was measured; decoding the same JSON is the measure of a busy machine."""
    redactor = Redactor(["5f0c9d1e-7a34-4b7c-9a55-0e1f2d3c4b5a", "s3cr3t/word+X&y", "5f0c9d1e-7a34-4b7c-9a55-0e1f2d3c4b5a:s3cr3t/word+X&y", JWT])
    few, many = ({"devices": [listed(number) for number in range(count)]} for count in (45, 2000))
    text = json.dumps(many)
    assert len(text) > 1_000_000
    started = time.process_time()
    json.loads(text)
    decoding = time.process_time() - started
    assert fastest(few, redactor, 50) < max(0.0015, decoding / 8)
    assert fastest(many, redactor, 3) < max(0.06, decoding * 3)


def test_hostile_replies_take_linear_time() -> None:
    deep: dict[str, Any] = {}
    for _level in range(50_000):
        deep = {"a": deep}
    bodies: list[Any] = [
        deep,
        {"a": "[" * 300_000},
        {"a": '{"a":' * 60_000},
        ["{" + str(number) for number in range(30_000)],
        [json.dumps({"a": number}) for number in range(20_000)],
        {f"token{number}": number for number in range(30_000)},
        {"a": json.dumps(json.dumps(json.dumps(json.dumps(json.dumps("\\" * 1000)))))},
        {"a": "password:" * 30_000},
        {"errors": {"password": "x " * 200_000}},
        {"token": "-" * 300_000},
        {"token": "-----BEGIN " + "A " * 100_000},
    ]
    for body in bodies:
        started = time.process_time()
        secret_in_reply(body, Redactor([SENT]))
        assert time.process_time() - started < 2
