# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request carries, and what a session keeps from one request to the next."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from emulator.client import Emulator
from engine.clients import TARGET, NotedWaits, failure, http_session, ping
from engine.servers import REPLY, Server, answering, recording

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http import session as session_module
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.messages import Request

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


def sent(method: str, path: str = "/", headers: dict[str, str] | None = None, **rest: Any) -> tuple[list[str], bytes]:
    """Return the lines of the head and the body of a request, as the server gets them."""
    asked: list[bytes] = []
    with Server(recording(asked, REPLY)) as server:
        http_session().send(Request(method, f"http://127.0.0.1:{server.port}{path}", headers or {}, **rest))
    head, _end, body = asked[0].partition(b"\r\n\r\n")
    return head.decode("latin-1").replace(str(server.port), "PORT").split("\r\n"), body


# -- what is sent --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rest", "target", "body"),
    [
        ({}, "/", b""),
        ({"path": "/a b/ü%20%2F?q=1 2"}, "/a%20b/%C3%BC%20%2F?q=1%202", b""),
        ({"path": "/x", "query": {"a": [1, "ü", True], "none": None, "b": True, "c": False}}, "/x?a=1&a=%C3%BC&a=true&b=true&c=false", b""),
        ({"path": "/x", "query": [("a", 1), ("b", None), ("a", "2")]}, "/x?a=1&a=2", b""),
        ({"path": "/x?y=1", "query": {"a": "&="}}, "/x?y=1&a=%26%3D", b""),
        ({"path": "/x", "query": {"none": None}}, "/x", b""),
        ({"path": "/x", "query": {}}, "/x", b""),
        ({"form": {"a": ["1", "2"], "none": None, "s": "+ &", "t": True}}, "/", b"a=1&a=2&s=%2B+%26&t=true"),
        ({"form": [("a", "ü"), ("a", None)]}, "/", b"a=%C3%BC"),
        ({"json": {"ü": None}}, "/", b'{"\\u00fc": null}'),
        ({"json": []}, "/", b"[]"),
        ({"json": ""}, "/", b'""'),
        ({"json": False}, "/", b"false"),
        ({"json": "text"}, "/", b'"text"'),
    ],
)
def test_a_request_in_the_terms_of_http(rest: dict[str, Any], target: str, body: bytes) -> None:
    head, got = sent("POST", **rest)
    assert (head[0], got) == (f"POST {target} HTTP/1.1", body)
    kind = "application/x-www-form-urlencoded" if "form" in rest else "application/json"
    assert (f"Content-Type: {kind}" in head) == bool(body)
    assert f"Content-Length: {len(body)}" in head


@pytest.mark.parametrize("method", ["GET", "HEAD", "get"])
def test_only_what_is_asked_for_is_sent(method: str) -> None:
    head, body = sent(method, headers={"X": "y", "Authorization": "whm root:t", "Empty": ""})
    expected = ["Host: 127.0.0.1:PORT", "User-Agent: apiauth.tokens", "Accept: application/json", "Accept-Encoding: gzip"]
    assert (head[0], sorted(head[1:]), body) == (f"{method.upper()} / HTTP/1.1", sorted([*expected, "X: y", "Authorization: whm root:t", "Empty: "]), b"")


def test_headers_of_the_request_replace_the_usual_ones() -> None:
    head, _body = sent("POST", headers={"accept": "text/csv", "content-type": "application/merge-patch+json", "Accept-Encoding": "identity"}, json={})
    fields = {line.partition(":")[0].lower(): line.partition(": ")[2] for line in head[1:]}
    assert len(fields) == len(head) - 1
    assert (fields["accept"], fields["content-type"], fields["accept-encoding"]) == ("text/csv", "application/merge-patch+json", "identity")


def test_neither_netrc_nor_cookies(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password netrc-word\ndefault login someone password netrc-word\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    emulator.fault({"system": "vss", "action": "status", "status": 200, "headers": {"Set-Cookie": "JWTSESSIONID=abc; path=/"}})
    session = http_session()
    assert session.send(ping(emulator.http)).cookies == {"JWTSESSIONID": "abc"}
    session.send(ping(emulator.http))
    assert len(emulator.log()) == 2
    assert all(not {"Authorization", "Cookie"} & set(entry["headers"]) for entry in emulator.log())


@pytest.mark.parametrize(
    ("fields", "cookies"),
    [
        (["a=1; Path=/; Secure; HttpOnly; SameSite=None; Partitioned", 'b="2"'], {"a": "1", "b": "2"}),
        (["a=x=y==; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0"], {"a": "x=y=="}),
        (["a=1; Domain=elsewhere.example; Path=/other; Version=1; New-Attribute"], {"a": "1"}),
        (["a=1", "a=2", "empty="], {"a": "2", "empty": ""}),
        ([], {}),
    ],
)
def test_cookies_are_returned_whatever_their_attributes(fields: list[str], cookies: dict[str, str]) -> None:
    """The server's clock may be wrong, so even an expiry in the past does not matter."""
    lines = "".join(f"Set-Cookie: {field}\r\n" for field in fields)
    asked: list[bytes] = []
    with Server(recording(asked, REPLY.replace(b"Content-Type", lines.encode() + b"Content-Type"))) as server:
        session = http_session()
        for _turn in range(2):
            assert session.send(Request("GET", f"http://127.0.0.1:{server.port}/")).cookies == cookies
    assert b"Cookie" not in b"".join(asked)


@pytest.mark.parametrize("body", [{"a": float("nan")}, {"a": float("inf")}, {"a": object()}, {"a": {1, 2}}, {(1, 2): 3}])
def test_bodies_that_json_cannot_carry(emulator: Emulator, body: Any) -> None:
    error = failure(http_session(retries=3), Request("POST", emulator.url("vss"), json=body, repeatable=True))
    assert (error.kind, error.sent, error.tries, emulator.log()) == ("invalid_request", False, 0, [])


def test_a_body_that_is_nested_too_deeply(emulator: Emulator) -> None:
    body: list[Any] = []
    for _turn in range(100_000):
        body = [body]
    assert failure(http_session(), Request("POST", emulator.url("vss"), json=body)).kind == "invalid_request"


CONTROLS = ["\n", "\r", "\r\nX: y", "\0", "\x7f", "\x0b", "\x1f"]


@pytest.mark.parametrize("sign", [*CONTROLS, "€"])
@pytest.mark.parametrize("place", ["method", "url", "name", "value"])
def test_what_could_inject_a_header(emulator: Emulator, place: str, sign: str) -> None:
    if place == "url" and sign == "€":
        return
    parts = {name: f"word{sign}word" if name == place else "X" for name in ("method", "url", "name", "value")}
    request = Request(parts["method"], f"{emulator.url('vss')}/{parts['url']}", {parts["name"]: parts["value"]}, repeatable=True)
    error = failure(http_session(retries=3), request)
    assert (error.kind in ("invalid_request", "configuration"), error.sent, error.tries, emulator.log()) == (True, False, 0, [])
    assert "word\n" not in str(error)
    assert place == "name" or "word" not in str(error)


@pytest.mark.parametrize("headers", [{"A": " leading"}, {"": "x"}, {"a:b": "x"}, {"a b": "x"}, {"A": "\ud800"}])
def test_headers_that_http_does_not_allow(emulator: Emulator, headers: dict[str, str]) -> None:
    error = failure(http_session(), Request("GET", emulator.url("vss"), headers))
    assert (error.kind, error.sent, emulator.log()) == ("invalid_request", False, [])


@pytest.mark.parametrize("query", [{"a": "\ud800"}, {"a": ["\udcff"]}])
def test_a_query_that_is_no_text(emulator: Emulator, query: dict[str, Any]) -> None:
    assert failure(http_session(), Request("GET", emulator.url("vss"), query=query)).kind == "invalid_request"
    assert failure(http_session(), Request("POST", emulator.url("vss"), form=query)).kind == "invalid_request"
    assert emulator.log() == []


# -- the session ---------------------------------------------------------------------------------------------------


def test_the_clock_of_the_server_is_noted(emulator: Emulator) -> None:
    emulator.clock(600)
    session = http_session()
    assert session.clock_offset is None
    session.send(ping(emulator.http))
    assert session.clock_offset == pytest.approx(600, abs=1.5)


@pytest.mark.parametrize("date", ["nonsense", "", "Tue, 99 Nov 9999999 22:13:20 GMT"])
def test_a_date_that_makes_no_sense_is_ignored(date: str) -> None:
    with Server(answering(REPLY.replace(b"Content-Type", f"Date: {date}\r\nContent-Type".encode()))) as server:
        session = http_session()
        assert session.send(Request("GET", f"http://127.0.0.1:{server.port}/")).json() == {"ok": True}
    assert session.clock_offset is None


@pytest.mark.parametrize("secure", [False, True])
def test_one_connection_for_all_requests(emulator: Emulator, secure: bool) -> None:
    session = http_session(ca_path=emulator.ca)
    for _turn in range(5):
        session.send(ping(emulator.https if secure else emulator.http))
        session.send(Request("POST", f"{emulator.https if secure else emulator.http}/vss/auth/request-token", json={}))
    assert emulator.counts()["vss"]["connections"] == 1


def test_several_threads_share_one_session(emulator: Emulator) -> None:
    session = http_session()
    found: list[int] = []

    def ask() -> None:
        found.extend(session.send(ping(emulator.http)).status for _turn in range(3))

    threads = [threading.Thread(target=ask) for _number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [401] * 192
    assert emulator.counts()["vss"]["connections"] <= 64


def test_a_session_can_be_closed() -> None:
    with Server(answering(REPLY, REPLY)) as server:
        session = http_session()
        session.close()
        for _turn in range(2):
            session.send(Request("GET", f"http://127.0.0.1:{server.port}/"))
            session.close()
    assert server.connections == 2


def test_requests_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "REQUESTS_IMPORT_ERROR", "Traceback")
    with pytest.raises(ApiError, match=f"the Python library requests is missing on .* for {re.escape(sys.executable)}; install it there") as caught:
        http_session()
    assert (caught.value.kind, caught.value.target) == ("configuration", TARGET)


def test_a_missing_library_is_no_error_before_it_is_needed() -> None:
    """Modules import the session before they can say which library they miss."""
    script = (
        "sys.modules['requests'] = None\n"
        "from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.session import REQUESTS_IMPORT_ERROR, HttpSession\n"
        "print(REQUESTS_IMPORT_ERROR)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {list(filter(None, sys.path))!r}\n{script}"], stdout=subprocess.PIPE, text=True, check=True
    )
    assert ran.stdout.startswith("Traceback")
    assert "requests" in ran.stdout
    assert session_module.REQUESTS_IMPORT_ERROR is None


# -- log lines -----------------------------------------------------------------------------------------------------


def _logged(caplog: pytest.LogCaptureFixture, level: int, send: Callable[[], Any]) -> list[tuple[int, str]]:
    caplog.clear()
    with caplog.at_level(level, logger="apiauth.tokens"):
        send()
    return [(record.levelno, record.getMessage()) for record in caplog.records if record.name == "apiauth.tokens"]


def test_each_request_and_each_retry_is_logged_without_secrets(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    emulator.fault({"system": "vss", "action": "status", "status": 503})
    session = http_session(retries=1, secrets=["Very-Secret-1"])
    request = Request("GET", f"{emulator.http}/vss/Very-Secret-1?key=Query-Word", {"Authorization": "Bearer Header-Word"}, {"q": "Query-Word"})
    lines = _logged(caplog, logging.DEBUG, lambda: session.send(request))
    assert [level for level, _line in lines] == [logging.DEBUG] * 3
    assert re.fullmatch(rf"GET {emulator.http}/vss/\*{{8}}: HTTP 503, \d+ ms", lines[0][1])
    assert re.fullmatch(rf"retry 1 in \d\.\d s: {TARGET}: HTTP 503", lines[1][1])
    assert re.fullmatch(rf"GET {emulator.http}/vss/\*{{8}}: HTTP \d+, \d+ ms", lines[2][1])
    assert not any(word in str(lines) for word in ("Secret", "Query-Word", "Header-Word"))


@pytest.mark.parametrize("line", [b"no field", b": value", b"Na me: value", b" folded: value", b"A\x00: b"])
def test_a_head_with_lines_that_are_no_fields_puts_no_address_in_the_log(caplog: pytest.LogCaptureFixture, line: bytes) -> None:
    """Fails when urllib3 warns of them: its warning has the query of the address."""
    head, _end, body = REPLY.partition(b"\r\n")
    with Server(answering(head + b"\r\n" + line + b"\r\n" + body)) as server, caplog.at_level(logging.INFO):
        request = Request("GET", f"http://127.0.0.1:{server.port}/x", query={"key": "Query-Word"})
        assert http_session().send(request).body.endswith(b'{"ok":true}')
    assert not any("Query-Word" in str(vars(record)) for record in caplog.records)


@pytest.mark.parametrize("path", ["jsonwebtoken", "v1/token", "user/password", "api-keys/secret", "auth/passwd", "apikey", "login/session_id"])
def test_a_path_that_ends_in_the_name_of_a_secret_hides_nothing(emulator: Emulator, caplog: pytest.LogCaptureFixture, path: str) -> None:
    """Fails if a line is searched for secrets as a whole: "token: HTTP 401" looks like a token and its value."""
    emulator.fault({"system": "vss", "action": "status", "status": 503})
    lines = _logged(caplog, logging.DEBUG, lambda: http_session(retries=1).send(Request("GET", f"{emulator.http}/vss/{path}")))
    assert re.fullmatch(rf"GET {emulator.http}/vss/{path}: HTTP 503, \d+ ms", lines[0][1])
    assert re.fullmatch(rf"retry 1 in \d\.\d s: {TARGET}: HTTP 503", lines[1][1])
    assert re.fullmatch(rf"GET {emulator.http}/vss/{path}: HTTP \d+, \d+ ms", lines[2][1])


def test_a_long_wait_says_why(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    for seconds, level in ((4, None), (6, logging.INFO)):
        emulator.fault({"system": "vss", "action": "rate_limit", "retry_after": seconds})
        lines = _logged(caplog, logging.INFO, lambda: http_session(retries=1).send(ping(emulator.http)))
        assert lines == ([(level, f"retry 1 in 6.0 s: {TARGET}: HTTP 429")] if level else [])


def test_a_wait_that_is_too_long_says_so(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    emulator.fault({"system": "vss", "action": "rate_limit", "retry_after": 99})
    lines = _logged(caplog, logging.INFO, lambda: http_session(retries=1, budget=NotedWaits(2)).send(ping(emulator.http)))
    assert lines == [(logging.INFO, f"no retry: {TARGET} asks to wait 99.0 s, and max_wait leaves 2.0 s (HTTP 429)")]


def test_logging_costs_nothing_when_it_is_off(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    started = time.monotonic()
    assert _logged(caplog, logging.WARNING, lambda: http_session().send(ping(emulator.http))) == []
    assert time.monotonic() - started < 5
