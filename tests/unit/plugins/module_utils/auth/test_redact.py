# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret survives in a text that quotes a server, however the server encodes it."""

from __future__ import annotations

import base64
import copy
import html
import json
import pickle
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.encodings import encodings
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.redact import MASK, Redactor

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
PEM = "-----BEGIN {0}-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nAbCdEfGh\n-----END {0}-----"
DNSSEC = "Private-key-format: v1.2\nAlgorithm: 8 (RSASHA256)\nModulus: x7Rr\nPrivateExponent: kQ2v"
PUTTY = "PuTTY-User-Key-File-2: ssh-rsa\nComment: x\nPublic-Lines: 1\nAAAA\nPrivate-Lines: 1\nAAABAQC\n"


def serializer(characters: str, *, upper: bool = False, only_ascii: bool = False) -> Callable[[str], str]:
    """JSON whose serializer writes these characters as numbers, and, unless `only_ascii`, no others."""

    def escape(unit: int) -> str:
        return f"\\u{unit:04X}" if upper else f"\\u{unit:04x}"

    def encode(character: str) -> str:
        if character in characters:
            return escape(ord(character))
        if only_ascii and not character.isascii():
            pair = character.encode("utf-16-be")
            return "".join(escape(int.from_bytes(pair[at : at + 2], "big")) for at in range(0, len(pair), 2))
        return json.dumps(character, ensure_ascii=False)[1:-1]

    return lambda secret: '{"x":"' + "".join(map(encode, secret)) + '"}'


def lower(encoded: str) -> str:
    """The same with escapes in lower case."""
    return re.sub("%[0-9A-F]{2}", lambda escape: escape.group().lower(), encoded)


DOT_NET = serializer("&<>'\"+`", upper=True, only_ascii=True)
ENCODERS: dict[str, Callable[[str], str]] = {
    "raw": lambda secret: secret,
    "Python's JSON": lambda secret: json.dumps({"x": secret}),
    "Python's JSON in Unicode": lambda secret: json.dumps({"x": secret}, ensure_ascii=False),
    "PHP's JSON": lambda secret: json.dumps({"x": secret}).replace("/", "\\/"),
    "Go's JSON": serializer("&<>\u2028\u2029"),
    ".NET's JSON": DOT_NET,
    "JSON in JSON": lambda secret: json.dumps({"x": json.dumps({"y": secret})}),
    "PHP's JSON in PHP's JSON": lambda secret: json.dumps(json.dumps(secret).replace("/", "\\/")).replace("/", "\\/"),
    "Python's html.escape": html.escape,
    "PHP's htmlspecialchars": lambda secret: html.escape(secret).replace("&#x27;", "&#039;"),
    "Perl's HTML::Entities": lambda secret: html.escape(secret).replace("&#x27;", "&#39;"),
    "markupsafe": lambda secret: html.escape(secret).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    "html.escape without quotes": lambda secret: html.escape(secret, quote=False),
    "quote": quote,
    "quote without a safe slash": lambda secret: quote(secret, safe=""),
    "quote_plus": quote_plus,
    "quote_plus in lower case": lambda secret: lower(quote_plus(secret)),
    "a form of a browser": lambda secret: quote_plus(secret, safe="*").replace("~", "%7E"),
    "PHP's urlencode": lambda secret: quote_plus(secret).replace("~", "%7E"),
    ".NET's UrlEncode": lambda secret: lower(quote_plus(secret, safe="!()*").replace("~", "%7E")),
    "encodeURIComponent": lambda secret: quote(secret, safe="!'()*"),
    "encodeURI": lambda secret: quote(secret, safe="!'()*;,/?:@&=+$#"),
    "a form": lambda secret: urlencode({"x": secret}),
    "a form in Latin-1": lambda secret: urlencode({"x": secret}, encoding="latin-1") if max(secret) < "\u0100" else secret,
    "Basic": lambda secret: "Basic " + base64.b64encode(secret.encode()).decode(),
    "Basic with a user": lambda secret: base64.b64encode(f"user:{secret}".encode()).decode(),
    "base64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
    "base64 in a URL": lambda secret: quote(base64.b64encode(secret.encode()).decode(), safe=""),
    "base64 of a longer text": lambda secret: base64.b64encode(b'{"a": 1}' + secret.encode() + b" and more").decode(),
    "base64 in PHP's JSON": lambda secret: json.dumps({"x": base64.b64encode(f"me:{secret}".encode()).decode()}).replace("/", "\\/"),
    "base64 in .NET's JSON": lambda secret: DOT_NET(base64.b64encode(f"user:{secret}".encode()).decode()),
}
# What is left must not be part of the mask or of the texts around, and be long enough to be told from chance.
SECRETS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=8, max_size=40).filter(lambda text: len(set(text)) > 4 and "*" not in text)


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(SECRETS)
def test_no_encoding_survives(secret: str) -> None:
    redactor = Redactor([secret])
    for encoded in (*(encode(secret) for encode in ENCODERS.values()), *encodings(secret)):
        text = f"<p>before {encoded} after</p>"
        cleaned = redactor.clean(text)
        assert MASK in cleaned
        assert encoded not in cleaned
        assert secret not in cleaned
        assert base64.b64encode(secret.encode()).decode().rstrip("=")[:-2] not in cleaned
        assert redactor.finds(text)


@pytest.mark.parametrize("name", ENCODERS)
def test_every_encoder_is_known(name: str) -> None:
    """Fails for each encoder that is taken away, without luck."""
    secret = "a&b<c>d'e\"f+g/h\\i j`k\u00e9?~\u00ff=>!*(l)$"
    encoded = ENCODERS[name](secret)
    redactor = Redactor([secret])
    assert redactor.finds(encoded)
    assert MASK in redactor.clean(encoded)
    assert encoded.strip('{}"x:') not in redactor.clean(encoded)


def test_a_secret_whose_only_sign_is_a_tilde() -> None:
    assert Redactor(["word~word"]).clean("x=word%7Eword&y=word~word") == f"x={MASK}&y={MASK}"
    assert Redactor(["word~word"]).finds("x=word%7eword")


def test_a_url_of_cpanel() -> None:
    session = "root:Xr8pQ/z:CREATE_USER_SESSION,af31"
    url = "https://host:2083/login?x=" + quote(session, safe="").replace("%3A", "%3a").replace("%2F", "%2f").replace("%2C", "%2c")
    assert Redactor([session]).clean(url) == f"https://host:2083/login?x={MASK}"


@settings(max_examples=50, deadline=None, database=None)
@given(st.text(min_size=1), st.text())
def test_any_text_can_be_cleaned(secret: str, text: str) -> None:
    """Half of a surrogate pair, control characters, nothing at all."""
    assert len(secret) <= 3 or secret in MASK or secret not in Redactor([secret]).clean(text + secret).replace(MASK, "")


@pytest.mark.parametrize("secret", ["pass\udcffword", "\U0001f600\ud800 word"])
def test_secrets_that_are_no_proper_text(secret: str) -> None:
    assert secret not in Redactor([secret]).clean(f"x {secret} y")
    assert Redactor(["pass\udcffword"]).clean("x pass%FFword y") == f"x {MASK} y"


@pytest.mark.parametrize(
    ("secret", "text", "cleaned"), [("a", "a cat: a", f"{MASK} cat: {MASK}"), ("12", "12 of 123", f"{MASK} of 123"), ("", "all of it", "all of it")]
)
def test_short_secrets_do_not_blank_a_sentence(secret: str, text: str, cleaned: str) -> None:
    redactor = Redactor([secret])
    assert redactor.clean(text) == cleaned
    assert not redactor.finds(text)


def test_secrets_that_overlap_leave_nothing() -> None:
    assert Redactor(["password", "user:password"]).clean("user:password and password") == f"{MASK} and {MASK}"
    assert Redactor(["abcdef", "defghi"]).clean("<abcdefghi>") == f"<{MASK}>"


# -- secrets that nobody knew ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (f"Bearer {JWT}.", f"Bearer {MASK}."),
        ('{"data": {"token": "ABC", "name": "x"', f'{{"data": {{"token": "{MASK}", "name": "x"'),
        ('{"data": {"token": "ABC", "name": "x"}}', f'{{"data": {{"token": "{MASK}", "name": "x"}}}}'),
        ('{"access_token":"AB\\"C D', f'{{"access_token":"{MASK}'),
        ('cut {"password": "this is a passphrase", "x"', f'cut {{"password": "{MASK}", "x"'),
        ('HTTP 500, {"tokens": ["AB12", "CD34"], "x": 1}', f'HTTP 500, {{"tokens": [{MASK}], "x": 1}}'),
        ('{"tokens": ["AB12", "CD34"], "x": "AB"}', f'{{"tokens": [{MASK}], "x": "AB"}}'),
        ('{"secret": {"value": "AB12"}}', f'{{"secret": {{"value": "{MASK}"}}}}'),
        ('{"extra": [{"key": "ROOTPW", "value": "AB12"}]}', f'{{"extra": [{{"key": "ROOTPW", "value": "{MASK}"}}]}}'),
        ('{"data": "{\\"rootpw\\":\\"h\\\\\\"x\\"}"}', f'{{"data": "{{\\"rootpw\\":\\"{MASK}\\"}}"}}'),
        ("| UserName: bob |\n| PassWord: hun ter2 |\n", f"| UserName: bob |\n| PassWord: {MASK} |\n"),
        ("/login?user=bob&password=hunter2&x=1", f"/login?user=bob&password={MASK}&x=1"),
        ("password = hunter2", f"password = {MASK}"),
        ("rootpw: 1234567", f"rootpw: {MASK}"),
        ("API Key: 0123abcd.", f"API Key: {MASK}"),
        ("{'api_secret': 'hunter''s'}", f"{{'api_secret': '{MASK}''s'}}"),
        ("[session_id] => 0a1b2c3d", f"[session_id] => {MASK}"),
        ("<password>hunter2</password>", f"<password>{MASK}</password>"),
        ("AccountName=x;AccountKey=ab/cd==", f"AccountName=x;AccountKey={MASK}"),
        ("Authorization: Basic dXNlcjpwYXNz", f"Authorization: Basic {MASK}"),
        ("authorization: whm root:ABCDEF012345", f"authorization: whm {MASK}"),
        ("Cookie: JWTSESSIONID=abc.def; x=y", f"Cookie: JWTSESSIONID={MASK} x=y"),
        ("otpauth://totp/a:b?secret=JBSWY3DP&issuer=c", f"otpauth://totp/a:b?secret={MASK}&issuer=c"),
        ("see https://me:hunter2@host/path", f"see https://me:{MASK}@host/path"),
        ("https://h:2083/cpsess1234567890/login/?session=root%3aAbC123", f"https://h:2083{MASK}/login/?session={MASK}"),
        (f"x {PEM.format('RSA PRIVATE KEY')} y", f"x {MASK} y"),
        (json.dumps({"key": PEM.format("PRIVATE KEY"), "x": 1}), f'{{"key": "{MASK}", "x": 1}}'),
        (PEM.format("PRIVATE KEY")[:60], MASK),
        (PEM.format("PGP PRIVATE KEY BLOCK"), MASK),
        (DNSSEC, MASK),
        (json.dumps({"key_content": DNSSEC}), f'{{"key_content": "{MASK}"}}'),
        (PUTTY, PUTTY[: PUTTY.index("Private")] + MASK),
        ("x " + base64.b64encode(PEM.format("PRIVATE KEY").encode()).decode() + " y", f"x {MASK} y"),
        ("x " + base64.b64encode(b"a" + PEM.format("EC PRIVATE KEY").encode()).decode() + " y", f"x {MASK} y"),
        ("x " + base64.b64encode(b"aa" + PEM.format("EC PRIVATE KEY").encode()).decode() + " y", f"x {MASK} y"),
    ],
)
def test_secrets_that_nobody_knew(text: str, cleaned: str) -> None:
    assert Redactor().clean(text) == cleaned


@pytest.mark.parametrize(
    "text",
    [
        '{"user": "someone", "next_token": "abc123", "has_token": "true", "token_id": "abc"}',
        '{"code":"FAULT","message":"x","error":{"password":"Password must have 8 characters","token":"Required"}}',
        "The password is too short: choose another",
        "Invalid password: must have at least 8 characters",
        "The token has expired; get a new token: see the guide",
        "api_token_create: the token name is taken",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:name",
        "Password: ********",
        PEM.format("PUBLIC KEY"),
        PEM.format("CERTIFICATE"),
        "tests pass: 12, fail: 3",
        "https://host:8443/path?page_token=abc",
        "12:30:00 10.0.0.1:443 fe80::1",
        "",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redactor().clean(text) == text


@pytest.mark.parametrize("before", ["", "x", "x-", "Bearer_", "%20", "eyJ", "eyJeyJ", "a.b.", "token=", "\u00e9", "eyJhbGci."])
def test_a_jwt_within_a_longer_word(before: str) -> None:
    cleaned = Redactor().clean(f"got: {before}{JWT}&more")
    assert cleaned.startswith("got: ")
    assert cleaned.endswith(f"{MASK}&more")
    assert "eyJzdWI" not in cleaned
    assert "c2lnbm" not in cleaned


HOSTILE = ["eyJ", "eyJabcde.", "eyJabcde", "-eyJabcdef.", '"', "\\", '\\"', "token=", 'token":"', "token:'", 'token:\\"', "pass ", "key", "password", "://a:b"]
HOSTILE += ["-----BEGIN RSA PRIVATE KEY-----", "-----BEGIN ", "-----BEGIN PRIVATE KEY----------END ", "UFJJVkFURSBLRVkt", "[", '{"a":', "<password>", "|pass:"]
HOSTILE += ["authorization: ", "password:[", "?session=", "/cpsess", "\u0130token:x ", "Private-Lines:", "\n", " ", "1", "a=", "secret", "\0{"]
HOSTILE += ["-----BEGIN PRIVATE KEY-----\0", "password:[is not a b "]


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_texts_take_linear_time(unit: str) -> None:
    """Fails for a search that begins anew at every place: twice the text must not take four times as long."""
    redactor = Redactor(["s3cr3t/word+X&y", JWT])

    def measure(length: int) -> float:
        text = unit * (length // len(unit))
        started = time.process_time()
        redactor.clean(text)
        redactor.finds(text)
        return time.process_time() - started

    assert measure(30_000) < 0.5
    assert measure(240_000) < 2


def test_a_quotation_does_not_search_more_than_it_needs() -> None:
    """Fails when a reply with very many secrets takes minutes before a few words of it are quoted."""
    text = json.dumps([{"token": f"v/{number}'w"} for number in range(16_000)])
    started = time.process_time()
    quoted = Redactor().quote(text, 400)
    assert time.process_time() - started < 10
    assert quoted.startswith(f'[{{"token": "{MASK}"}}, {{')


@pytest.mark.parametrize("before", range(64_500, 65_600, 100))
def test_no_secret_is_cut_where_the_search_for_a_quotation_ends(before: int) -> None:
    """Fails when what is masked before it is so long that the beginning of a secret is shown, of which the rest was not searched."""
    secret, long = "".join(f"{number:04x}" for number in range(300)), "z" * before
    quoted = Redactor([secret, long]).quote(f"{long} {secret} end", 2000)
    assert quoted.startswith(MASK)
    assert not any(secret[begin : begin + 12] in quoted for begin in range(len(secret) - 12))


def test_quoted_texts_are_one_line_of_what_can_be_read() -> None:
    assert Redactor().quote("a\n\tb \x1b[31m\x00c\u2028d", 100) == "a b ?[31m?c d"
    assert Redactor().quote("x" * 20, 10) == "x" * 9 + "\u2026"
    assert Redactor().quote("x" * 10, 10) == "x" * 10
    assert Redactor(["a  secret  word"]).quote("a  secret  word here", 100) == f"{MASK} here"
    # Cleaned before it is cut.
    assert Redactor(["secret-word"]).quote("y" * 8 + "secret-word", 10) == "y" * 8 + "*\u2026"


# -- the object ------------------------------------------------------------------------------------------------------


def test_secrets_are_added_once_and_empty_ones_never() -> None:
    redactor = Redactor(["one-secret", ""])
    redactor.add("two-secret", "", None, "one-secret")
    assert redactor.secrets == ("one-secret", "two-secret")
    assert redactor.clean("one-secret two-secret") == f"{MASK} {MASK}"
    redactor.add("three-secret")
    assert redactor.finds("three-secret")
    assert redactor.clean("three-secret") == MASK


def test_threads_may_add_at_the_same_time() -> None:
    redactor = Redactor()

    def add(number: int) -> bool:
        redactor.add(f"secret-{number:04d}")
        return redactor.finds(f"<secret-{number:04d}>")

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(add, range(400)))
    assert len(redactor.secrets) == 400


def test_nothing_is_shown_or_stored() -> None:
    redactor = Redactor(["hunter2-secret"])
    redactor.clean("x")
    assert "hunter2" not in repr(redactor) + str(redactor) + f"{redactor}"
    for store in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="holds secrets"):
            store(redactor)


def test_no_cache_outlives_the_redactor() -> None:
    """Fails for a cache of a module: what is cached would be found in its globals."""
    secret = "Unique/Secret+0815"
    Redactor([secret]).clean(f"x {secret}")
    assert not any(hasattr(value, "cache_info") for value in vars(__import__(Redactor.__module__, fromlist=["x"])).values())
