# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret in any spelling survives in a text that a server may have echoed; errors say what, where and what to do."""

from __future__ import annotations

import base64
import html
import json
import string
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import AuthError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.redact import MASK, clean, forms, holds, quoted


def numbered(signs: str, *, upper: bool = False, only_ascii: bool = False) -> Callable[[str], str]:
    """JSON whose serializer writes these signs by their numbers, and, unless `only_ascii`, no others."""

    def by_number(unit: int) -> str:
        return f"\\u{unit:04X}" if upper else f"\\u{unit:04x}"

    def spelled(sign: str) -> str:
        if sign in signs:
            return by_number(ord(sign))
        if only_ascii and not sign.isascii():
            pair = sign.encode("utf-16-be")
            return "".join(by_number(int.from_bytes(pair[at : at + 2], "big")) for at in range(0, len(pair), 2))
        return json.dumps(sign, ensure_ascii=False)[1:-1]

    return lambda secret: '{"x":"' + "".join(map(spelled, secret)) + '"}'


DOT_NET = numbered("&<>'\"+`", upper=True, only_ascii=True)
SPELLINGS: list[Callable[[str], str]] = [
    lambda secret: secret,
    lambda secret: json.dumps({"password": secret}),
    lambda secret: json.dumps({"x": secret}, ensure_ascii=False),
    lambda secret: json.dumps({"x": secret}).replace("/", "\\/"),
    html.escape,
    lambda secret: html.escape(json.dumps({"x": secret})),
    lambda secret: secret.replace("&", "&amp;").replace("'", "&#039;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;"),
    quote,
    quote_plus,
    lambda secret: quote(secret, safe="").lower() if secret.islower() else quote(secret, safe=""),
    lambda secret: urlencode({"x": secret}),
    lambda secret: "Basic " + base64.b64encode(secret.encode()).decode(),
    lambda secret: base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
    lambda secret: base64.b64encode(f"user:{secret}".encode()).decode(),
    lambda secret: base64.b64encode(json.dumps({"a": 1}).encode() + secret.encode() + b" and more").decode(),
    lambda secret: quote(base64.b64encode(secret.encode()).decode(), safe=""),
    # Go, Flask, PHP with all its flags for HTML, .NET.
    numbered("&<>"),
    numbered("&<>'"),
    lambda secret: numbered("&<>'\"", upper=True, only_ascii=True)(secret).replace("/", "\\/"),
    DOT_NET,
    lambda secret: DOT_NET(base64.b64encode(f"user:{secret}".encode()).decode()),
    lambda secret: json.dumps({"x": base64.b64encode(f"me:{secret}".encode()).decode()}).replace("/", "\\/"),
]
# What is left must not be a part of the mask or of the texts around, and be long enough to be told from chance.
SECRETS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=8, max_size=40).filter(lambda text: len(set(text)) > 4 and "*" not in text)


@settings(max_examples=100, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(SECRETS)
def test_no_spelling_survives(secret: str) -> None:
    for spelled in (*(spell(secret) for spell in SPELLINGS), *forms(secret)):
        text = f"<p>before {spelled} after</p>"
        cleaned = clean(text, [secret])
        assert MASK in cleaned
        assert spelled not in cleaned
        assert secret not in cleaned
        assert base64.b64encode(secret.encode()).decode().rstrip("=")[:-2] not in cleaned
        assert holds(text, [secret])


@settings(max_examples=50, deadline=None, database=None)
@given(st.text(min_size=1), st.text())
def test_any_text_can_be_cleaned(secret: str, text: str) -> None:
    """Half of a surrogate pair, control characters, nothing at all."""
    assert len(secret) <= 3 or secret in MASK or secret not in clean(text + secret, [secret]).replace(MASK, "")


@pytest.mark.parametrize("secret", ["pass\udcffword", "\U0001f600\ud800 word"])
def test_secrets_that_are_no_proper_text(secret: str) -> None:
    assert secret not in clean(f"x {secret} y", [secret])
    assert clean("x pass%FFword y", ["pass\udcffword"]) == f"x {MASK} y"


@pytest.mark.parametrize(
    ("secret", "text", "cleaned"), [("a", "a cat: a", f"{MASK} cat: {MASK}"), ("12", "12 of 123", f"{MASK} of 123"), ("", "all of it", "all of it")]
)
def test_short_secrets_do_not_blank_a_sentence(secret: str, text: str, cleaned: str) -> None:
    assert clean(text, [secret]) == cleaned
    assert not holds(text, [secret])


def test_the_longer_one_goes_first() -> None:
    assert clean("user:password and password", ["password", "user:password"]) == f"{MASK} and {MASK}"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl.", f"Bearer {MASK}."),
        ('{"data": {"token": "ABC", "name": "x"', f'{{"data": {{"token": "{MASK}", "name": "x"'),
        ('{"access_token":"AB\\"C D', f'{{"access_token":"{MASK}'),
        ('{"user": "someone"}', '{"user": "someone"}'),
    ],
)
def test_secrets_that_nobody_knew(text: str, cleaned: str) -> None:
    assert clean(text, []) == cleaned


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("a&b<c>d'e+f", "a\\u0026b\\u003cc\\u003ed'e+f"),
        ("a&b<c>d'e+f", "a\\u0026b\\u003cc\\u003ed\\u0027e+f"),
        ("a&b<c>d'e+f", "a\\u0026b\\u003Cc\\u003Ed\\u0027e+f"),
        ("a&b<c>d'e+f", "a\\u0026b\\u003Cc\\u003Ed\\u0027e\\u002Bf"),
        ('say "o/k\\u00e9" & é', 'say \\u0022o\\/k\\\\u00e9\\u0022 \\u0026 \\u00E9'),
    ],
)  # fmt: skip
def test_json_that_may_stand_within_a_page(secret: str, text: str) -> None:
    assert clean(f'{{"x": "{text}"}}', [secret]) == f'{{"x": "{MASK}"}}'
    assert holds(text, [secret])


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"


@pytest.mark.parametrize("before", ["", "x", "x-", "Bearer_", "%20", "eyJ", "eyJeyJ", "a.b.", "token=", "\u00e9", "eyJhbGci."])
def test_a_jwt_within_a_longer_word(before: str) -> None:
    cleaned = clean(f"told: {before}{JWT}&more", [])
    assert cleaned.startswith("told: ")
    assert cleaned.endswith(f"{MASK}&more")
    assert "eyJzdWI" not in cleaned
    assert "c2lnbm" not in cleaned


@pytest.mark.parametrize("page", ["eyJ" * 21_000, "eyJabcde" * 8_000, "eyJabcde." + "eyJ" * 21_000, "eyJabcde..", "-eyJabcdef." * 6_000 + "."])
def test_a_long_page_is_cleaned_at_once(page: str) -> None:
    began = time.process_time()
    clean(page, [])
    assert time.process_time() - began < 0.3


def test_quoted_texts_are_one_line_of_what_can_be_read() -> None:
    assert quoted("a\n\tb \x1b[31m\x00c\u2028d", (), 100) == "a b ?[31m?c d"
    assert quoted("x" * 20, (), 10) == "x" * 9 + "…"
    assert quoted("a  secret  word", ("secret  word",), 100) == f"a {MASK}"
    assert quoted("y" * 8 + "secret-word", ("secret-word",), 10) == "y" * 8 + "*…"


# -- errors --------------------------------------------------------------------------------------------------------


def test_an_error_says_where_what_and_what_to_do() -> None:
    error = AuthError(errors.FORBIDDEN, "it was refused", said="HTTP 403, no\n<b>", advice="ask for it")
    assert str(error) == "it was refused (HTTP 403, no <b>); ask for it"
    assert str(error.located("VSS at host")) == "VSS at host: it was refused (HTTP 403, no <b>); ask for it"
    assert str(error.located("elsewhere", ("no",))) == f"VSS at host: it was refused (HTTP 403, {MASK} <b>); ask for it"
    assert error.args == (str(error),)


def test_every_text_of_an_error_is_cleaned() -> None:
    word = "Secret-Word-1"
    error = AuthError(errors.SERVER, f"a {word}", code=f"b {word}", message=f"c {word} {base64.b64encode(word.encode()).decode()}", said=f"d {word}")
    error.located("x", (word,))
    assert word not in str((error, error.as_result(), repr(error), vars(error)))
    assert "U2VjcmV0" not in str(error.as_result())


def test_the_part_of_a_result() -> None:
    error = AuthError(errors.RATE_LIMITED, "slow down", status=429, code="x", retry_after=1.5).located("VSS at host")
    assert error.as_result() == {"msg": "VSS at host: slow down", "status": 429, "error": {"kind": "rate_limited", "code": "x", "retry_after": 1.5}}


def test_a_message_of_the_system_is_bounded() -> None:
    error = AuthError(errors.SERVER, "x", message="m" * 100_000).located("y")
    assert len(error.as_result()["error"]["message"]) == errors.LONGEST_MESSAGE


@pytest.mark.parametrize("kind", errors.KINDS)
def test_what_is_refused_again_until_something_changes(kind: str) -> None:
    assert AuthError(kind, "x").definite is (kind in {"credentials", "forbidden", "invalid_request", "not_found"})


def test_a_copy_is_an_error_of_its_own() -> None:
    error = AuthError(errors.SERVER, "x", status=500, code="c", message="m", retry_after=3.0, token_refused=True).located("where")
    error.tries, error.sent = 2, True
    other = error.copied()
    assert vars(other) == vars(error)
    assert str(other) == str(error)
    other.tries += 1
    assert error.tries == 2


def test_kinds_are_words() -> None:
    assert all(set(kind) <= set(string.ascii_lowercase + "_") for kind in errors.KINDS)
    assert len(set(errors.KINDS)) == 10
