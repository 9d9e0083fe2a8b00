# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests and responses as data: bodies, charsets, excerpts, dates, errors."""

from __future__ import annotations

import base64
import subprocess
import sys
import time
from email.utils import formatdate
from typing import Any

import pytest
from engine.clients import TARGET, response

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.messages import Headers, Request, parse_http_date, retry_after_seconds

NOON = 784111777.0
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "the reply (HTTP 200) is empty"),
        (b"  \n ", "the reply (HTTP 200) is empty"),
        (b'{"a": ', 'the reply (HTTP 200) is not JSON ({"a":)'),
        (b"<html>\n  <b>no</b>\x00\x1b[31m</html>", "(<html> <b>no</b>??[31m</html>)"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b'{"a": NaN}', "is not JSON"),
        (b'{"a": -Infinity}', "is not JSON"),
        (b"[" * 100000, "is not JSON"),
        (b'"' + b"x" * 10000, "x…)"),
        (b"\xef\xbb\xbf", "the reply (HTTP 200) is empty"),
    ],
)
def test_bodies_that_are_not_json(body: bytes, told: str) -> None:
    with pytest.raises(ApiError) as caught:
        response(body, tries=2).json()
    error = caught.value
    assert (error.kind, error.status, error.tries, error.sent) == ("protocol", 200, 2, True)
    assert told in str(error)
    assert str(error).startswith(f"{TARGET}: the reply (HTTP 200) is ")
    assert str(error).endswith("; check api_url and any proxy on the way")
    assert len(str(error)) < 200 + 140


def test_the_media_type_is_named() -> None:
    page = response(b"<p>hi</p>", {"Content-Type": "Text/HTML; charset=x"}, status=502)
    assert page.media_type == "text/html"
    assert "the reply (HTTP 502, text/html) is not JSON (<p>hi</p>)" in str(page.invalid_body())
    assert "is not CSV (" in str(page.invalid_body("CSV"))
    assert response(b"").media_type == ""


def test_the_address_that_was_asked_is_named() -> None:
    """Fails when a wrong address cannot be seen in the message, or when a secret in it can."""
    page = response(b"<p>hi</p>", {"Content-Type": "text/html"}, url="https://vss.example.com/wrong/CANARY/login", secrets=("CANARY",))
    assert page.invalid_body().hint.startswith("check api_url and any proxy on the way, for https://vss.example.com/wrong/")
    assert "CANARY" not in str(page.invalid_body())


@pytest.mark.parametrize(
    ("body", "content_type", "value"),
    [
        (b'{"a": "\xc3\xbc"}', "", "ü"),
        (b'{"a": "\xc3\xbc"}', "application/json; charset=UTF-8", "ü"),
        (b'\xef\xbb\xbf{"a": "\xc3\xbc"}', "application/json", "ü"),
        (b'\xef\xbb\xbf{"a": "\xc3\xbc"}', "application/json; charset=utf8", "ü"),
        (b'{"a": "\xfc"}', "application/json; charset=ISO-8859-1", "ü"),
        (b'{"a": "\x80"}', "application/json; Charset='windows-1252'", "€"),
        ('{"a": "ü"}'.encode("utf-16"), 'application/json; charset="utf-16"', "ü"),
        ('{"a": "ü"}'.encode("utf-16"), "application/json", "ü"),
        ('\ufeff{"a": "ü"}'.encode("utf-16-le"), "application/json; charset=utf-16le", "ü"),
        # Python does not know it, or it is wrong.
        (b'{"a": "\xc3\xbc"}', "application/json; charset=unicode", "ü"),
        (b'{"a": "\xc3\xbc"}', "application/json; charset=binary", "ü"),
        (b'{"a": "\xc3\xbc"}', "application/json; charset=utf-8,gzip", "ü"),
    ],
)
def test_charsets(body: bytes, content_type: str, value: str) -> None:
    got = response(body, {"Content-Type": content_type})
    assert got.json() == {"a": value}
    if content_type != "application/json" or not body.startswith(b"\xff"):
        assert got.text() == f'{{"a": "{value}"}}'


@pytest.mark.parametrize("charset", ["no-such-charset", "hex", "idna", "utf-8", "ascii", "undefined"])
def test_text_never_fails(charset: str) -> None:
    assert isinstance(response(b"a\xff\x00", {"Content-Type": f"text/plain; charset={charset}"}).text(), str)
    with pytest.raises(ApiError):
        response(b"a\xff\x00", {"Content-Type": f"text/plain; charset={charset}"}).json()


@pytest.mark.parametrize("charset", ["ascii", "idna", "hex", "undefined", "utf-16"])
def test_a_wrong_charset_does_not_spoil_json(charset: str) -> None:
    assert response('{"a":"ü"}'.encode() + b" ", {"Content-Type": f"application/json; charset={charset}"}).json() == {"a": "ü"}


def test_no_secret_is_cut_at_the_edge_of_an_excerpt() -> None:
    secret = "Very-Secret/With+Odd=Characters"
    for before in range(150, 210):
        with pytest.raises(ApiError) as caught:
            response(b"y" * before + b" " + secret.encode() + b" z", secrets=[secret]).json()
        assert not any(secret[:length] in str(caught.value) for length in range(3, len(secret)))


def test_an_error_is_complete() -> None:
    secret = "Very-Secret-1"
    got = response(b"", {"retry-after": "7"}, status=429, tries=3, secrets=[secret])
    words = {"code": f"E {secret}", "message": f"{secret} " + "m" * 3000, "server_text": f"no\n{secret} " + "t" * 900}
    error = got.error("rate_limited", "too many calls", "wait", token_refused=True, **words)
    assert (error.kind, error.status, error.tries, error.sent, error.retry_after, error.token_refused) == ("rate_limited", 429, 3, True, 7.0, True)
    assert (error.target, error.code) == (TARGET, "E ********")
    assert str(error).startswith(f"{TARGET}: too many calls (no ******** ttt")
    assert str(error).endswith("t…); wait")
    assert len(error.problem) == len("too many calls ()") + 400
    assert len(error.message or "") == 2000
    assert secret not in str(error.as_result())


@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_only_some_statuses_have_a_time_to_wait(status: int) -> None:
    error = response(b"", {"Retry-After": "7"}, status=status).error("server", "x")
    assert (error.retry_after, error.code, error.message, str(error)) == (None, None, None, f"{TARGET}: x")


def test_names_of_headers_have_no_case() -> None:
    headers = Headers([("Content-Type", "a"), ("X", "1"), ("x", "2")])
    assert (headers["CONTENT-TYPE"], headers.get("content-type"), "cONTENT-tYPE" in headers, "y" in headers) == ("a", "a", True, False)
    assert (headers["X"], headers.get("y"), headers.get("y", "z"), len(headers), sorted(headers)) == ("1, 2", None, "z", 2, ["content-type", "x"])
    with pytest.raises(KeyError):
        headers["y"]
    assert response(b"", {"A": "b"}).headers["a"] == "b"


def test_requests_and_responses_show_no_secret() -> None:
    request = Request("GET", "https://h/x?key=word", {"Authorization": "Basic c2VjcmV0"}, {"q": "word"}, {"j": "word"}, {"f": "word"})
    got = response(b"word", {"Set-Cookie": "word"}, cookies={"c": "word"})
    assert "word" not in repr((request, got, got.headers))
    assert base64.b64encode(b"secret").decode() not in repr(request)
    assert repr(request) == "Request('GET', 'https://h/x')"


# -- dates ---------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["UTC", "America/New_York", "Asia/Kolkata"])
def time_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("time_zone")
@pytest.mark.parametrize(
    "text", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 +0000"]
)
def test_all_forms_of_a_date_mean_gmt(text: str) -> None:
    """Fails if asctime's form, which names no zone, is taken for local time."""
    assert parse_http_date(text) == NOON
    assert parse_http_date(formatdate(1700000000, usegmt=True)) == 1700000000
    headers = Headers([("Retry-After", text), ("Date", "Sun, 06 Nov 1994 08:49:07 GMT")])
    assert retry_after_seconds(503, headers, 0.0) == 30.0


@pytest.mark.parametrize(
    "text",
    [
        *("", "never", "Tue, 99 Nov 9999999 22:13:20 GMT", "Fri, 99 Nov 2023 99:99:99 GMT", "Fri, 99 Foo 2023 10:00:00 GMT", "1", "Sun,", ",,,"),
        # A one-time code is computed for this time, and there is none.
        *("Thu, 01 Jan 1960 00:00:00 GMT", "Fri, 01 Jan 2027 00:00:00 +9999999999999", f"Fri, 01 Jan 2027 00:00:00 -{'9' * 200}"),
    ],
)
def test_what_is_no_date(text: str) -> None:
    assert parse_http_date(text) is None


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (503, {"Retry-After": "3"}, 3.0),
        (502, {"Retry-After": " 1.5 "}, 1.5),
        (500, {"Retry-After": "3"}, None),
        (503, {"X-RateLimit-Reset": "60"}, None),
        (429, {"X-RateLimit-Reset": "60"}, 60.0),
        (429, {"X-RateLimit-Reset": "1700000030.5", "Date": DATE}, 30.5),
        (429, {"X-RateLimit-Reset": "1600000000", "Date": DATE}, 0.0),
        (429, {"Retry-After": "2", "X-RateLimit-Reset": "60"}, 2.0),
        (429, {"Retry-After": "soon"}, None),
        (429, {"Retry-After": "-5"}, None),
        (429, {"Retry-After": "²"}, None),
        (429, {"Retry-After": "9" * 400}, None),
        (429, {"Retry-After": "Fri, 99 Foo 2023 99:99:99 GMT"}, None),
        (429, {"Retry-After": "Tue, 14 Nov 2023 22:13:00 GMT", "Date": DATE}, 0.0),
        (429, {"Retry-After": "Tue, 14 Nov 2023 22:13:40 GMT", "Date": DATE}, 20.0),
        (429, {"Retry-After": "Tue, 14 Nov 2023 22:13:40 GMT"}, 10.0),
        (429, {}, None),
    ],
)
def test_how_long_a_server_wants_to_be_left_alone(status: int, headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(status, Headers(headers.items()), 1700000010.0) == seconds


def test_messages_load_nothing_heavy() -> None:
    """Every cached lookup loads this file."""
    script = (
        "import sys; before = set(sys.modules)\n"
        "from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http import messages, retries\n"
        "print(sorted({'requests', 'urllib3', 'ssl', 'socket', 'email', 'http', 'datetime', 'certifi'} & (set(sys.modules) - before)))"
    )
    path = [entry for entry in sys.path if entry]
    ran = subprocess.run([sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}\n{script}"], stdout=subprocess.PIPE, text=True, check=True)
    assert ran.stdout.strip() == "[]"
