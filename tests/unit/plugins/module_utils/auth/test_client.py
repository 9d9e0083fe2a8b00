# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that sends a request: what it carries, to which addresses, and what is made of bad replies."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from emulator.accounts import canaries
from emulator.client import Emulator
from engine.clients import client, closed_port, failure, ping
from engine.servers import REPLY, Server, answering, head

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import client as client_module
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.client import Client, Reply, Request, is_loopback
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import AuthError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.option import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.redact import forms

# -- bad replies ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("location", ["https://evil.example/x?token=1", "/elsewhere", "http://[broken", "", "//evil.example/x"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(emulator: Emulator, location: str, status: int) -> None:
    emulator.fault({"system": "vss", "action": "redirect", "location": location, "status": status})
    error = failure(client(retries=3), ping(emulator.http))
    assert (error.kind, error.status, error.tries, len(emulator.log())) == ("protocol", status, 1, 1)
    assert "follows no redirect, so set api_url to the final address" in str(error)
    assert ("evil.example" in str(error), "token" in str(error)) == ("evil.example" in location, False)


def test_replies_are_bounded(emulator: Emulator) -> None:
    emulator.fault({"system": "vss", "action": "huge", "mib": 64})
    error = failure(client(retries=3), ping(emulator.http))
    assert (error.kind, error.status, error.tries) == ("protocol", 200, 1)
    assert str(error) == "the reply (HTTP 200) is larger than 64 MiB; ask for less at a time"


def test_a_reply_that_drips_has_an_end() -> None:
    def drip(talk: socket.socket) -> None:
        head(talk)
        talk.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _turn in range(200):
            talk.sendall(b"x")
            time.sleep(0.05)

    with Server(drip) as server:
        started = time.monotonic()
        error = failure(client(retries=3, timeout=0.2), Request("POST", f"http://127.0.0.1:{server.port}/"))
    assert 0.7 < time.monotonic() - started < 2
    assert (error.kind, server.connections) == ("protocol", 1)
    assert "was not complete after 0.8 seconds; ask for less at a time, or raise timeout" in str(error)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_reply_that_only_says_to_be_compressed(encoding: str) -> None:
    reply = REPLY.replace(b"Content-Type: application/json", b"Content-Encoding: " + encoding.encode())
    with Server(answering(reply)) as server:
        error = failure(client(retries=3), Request("GET", f"http://127.0.0.1:{server.port}/"))
    assert (error.kind, "compressed" in str(error)) == ("protocol", True)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "the reply (HTTP 200) is empty"),
        (b"  \n ", "the reply (HTTP 200) is empty"),
        (b'{"a": ', 'is not the JSON that was expected ({"a":)'),
        (b"<html>\n  <b>no</b>\x00\x1b[31m</html>", "(<html> <b>no</b>??[31m</html>)"),
        (b"\xff\xfe\x00", "is not the JSON that was expected"),
        (b'{"a": NaN}', "is not the JSON that was expected"),
        (b'{"a": -Infinity}', "is not the JSON that was expected"),
        (b"[" * 100000, "is not the JSON that was expected"),
        (b'"' + b"x" * 10000, "x…)"),
    ],
)
def test_bodies_that_are_no_json(body: bytes, told: str) -> None:
    with pytest.raises(AuthError) as caught:
        Reply(200, {}, body, tries=2).json()
    error = caught.value.located("VSS at host")
    assert (error.kind, error.status, error.tries) == ("protocol", 200, 2)
    assert told in str(error)
    assert str(error).endswith("; check api_url, and any proxy on the way")
    assert len(str(error)) < 200 + 140


def test_no_secret_is_cut_at_the_edge_of_an_excerpt() -> None:
    secret = "Very-Secret/With+Odd=Characters"
    for before in range(150, 210):
        with pytest.raises(AuthError) as caught:
            Reply(200, {}, b"y" * before + b" " + secret.encode() + b" z").json()
        told = str(caught.value.located("x", (secret,)))
        assert not any(secret[:length] in told for length in range(3, len(secret)))


@pytest.mark.parametrize("system", ["rackcorp", "whm", "netography", "vss"])
@pytest.mark.parametrize("login", [True, False])
def test_a_page_that_repeats_the_request_tells_no_secret(task: Callable[..., Any], emulator: Emulator, system: str, login: bool) -> None:
    calls = {"rackcorp": {"cmd": "device.getall"}, "whm": {"function": "listaccts"}, "netography": {"path": "devices"}, "vss": {"path": "v2/vm"}}
    for auth in ("bearer", "cookie", "basic", "body", "session") if system == "rackcorp" else ("",):
        emulator.reset()
        emulator.fault({"system": system, "action": "echo", "match": {"login": login}})
        made = task(system, **calls[system], **({"auth": auth, "login": "password" if auth == "session" else "auto"} if auth else {}))
        result = made.result()
        sent = emulator.log()[-1]
        if login and not sent["login"]:
            # Neither WHM nor RackCorp's keys log in for a call.
            assert system == "whm" or auth in ("basic", "body")
            continue
        assert (result["failed"], result["error"]["kind"]) == (True, "server"), result
        texts = json.dumps(result) + json.dumps(result, ensure_ascii=False) + str(result)
        carried = [*sent["headers"].get("Authorization", "").split(), sent["headers"].get("Cookie", "")[14:]]
        for secret in (*canaries(), *(one for one in carried if one not in ("", "Bearer", "Basic", "whm"))):
            assert not any(form in texts for form in forms(secret) if len(form) > 5), secret


@pytest.mark.parametrize("body", [{"a": float("nan")}, {"a": object()}, {"a": {1, 2}}])
def test_bodies_that_json_cannot_carry(emulator: Emulator, body: Any) -> None:
    error = failure(client(retries=3), Request("POST", emulator.url("vss"), json=body, repeatable=True))
    assert (error.kind, error.sent, emulator.log()) == ("invalid_request", False, [])


@pytest.mark.parametrize("value", ["Bearer ü€", "Bearer a\nb", "Bearer a\r\nX: y"])
def test_headers_that_http_cannot_carry(emulator: Emulator, value: str) -> None:
    error = failure(client(retries=3), Request("GET", emulator.url("vss"), {"Authorization": value}, repeatable=True))
    assert (error.kind in ("invalid_request", "configuration"), error.sent, emulator.log()) == (True, False, [])
    assert value[7:] not in str(error)


# -- what a request carries ----------------------------------------------------------------------------------------


def test_neither_netrc_nor_cookies(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password netrc-word\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    emulator.fault({"system": "vss", "action": "status", "status": 200, "headers": {"Set-Cookie": "JWTSESSIONID=abc; path=/"}})
    made = client()
    assert made.send(ping(emulator.http)).cookies == {"JWTSESSIONID": "abc"}
    made.send(ping(emulator.http))
    assert all(not {"Authorization", "Cookie"} & set(entry["headers"]) for entry in emulator.log())


def test_the_clock_of_the_server_is_noted(emulator: Emulator) -> None:
    emulator.clock(600)
    made = client()
    assert made.clock_offset is None
    made.send(ping(emulator.http))
    assert made.clock_offset == pytest.approx(600, abs=1.5)


@pytest.mark.parametrize("date", ["nonsense", "", "Tue, 99 Nov 9999999 22:13:20 GMT"])
def test_a_clock_that_makes_no_sense_is_not(date: str) -> None:
    with Server(answering(REPLY.replace(b"Content-Type", f"Date: {date}\r\nContent-Type".encode()))) as server:
        made = client()
        assert made.send(Request("GET", f"http://127.0.0.1:{server.port}/")).json() == {"ok": True}
    assert made.clock_offset is None


def test_a_connection_that_is_kept_alive(emulator: Emulator) -> None:
    made = client()
    for _turn in range(5):
        made.send(ping(emulator.http))
    assert emulator.counts()["vss"]["connections"] == 1


def test_several_threads_share_one_client(emulator: Emulator) -> None:
    made = Client(Options(), 5.0, environ={})
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(made.send(ping(emulator.http)).status)) for _number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [401] * 12
    assert emulator.counts()["vss"]["connections"] <= 12


# -- addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost/x", True),
        ("http://LOCALHOST:80", True),
        ("http://127.0.0.1:8080", True),
        ("http://127.8.9.10", True),
        ("http://[::1]:8080/x", True),
        ("http://127.0.0.1.evil.example", False),
        ("http://127.evil.example", False),
        ("http://localhost.evil.example", False),
        ("http://localhost@evil.example", False),
        ("http://192.0.2.1", False),
        ("http://[::2]", False),
    ],
)
def test_what_is_this_machine(url: str, local: bool) -> None:
    assert is_loopback(url) is local


def test_plain_http_is_refused() -> None:
    error = failure(client(retries=3), Request("GET", "http://api.example.com/x"))
    assert (error.kind, error.sent) == ("configuration", False)
    assert str(error) == "plain http would send secrets in clear text and is refused; use https, or set allow_http if that is what you want"


def test_plain_http_may_be_allowed() -> None:
    assert failure(client(allow_http=True), Request("GET", "http://no-such-host.invalid/x")).kind == "network"


def test_ipv6_addresses() -> None:
    error = failure(client(), Request("GET", f"http://[::1]:{closed_port()}/x"))
    assert (error.kind, "refused or the host is unreachable" in str(error)) == ("network", True)


def test_dates_of_any_kind() -> None:
    assert client_module.http_date(formatdate(1700000000, usegmt=True)) == 1700000000
    assert client_module.http_date("Tue, 14 Nov 2023 22:13:20 +0000") == 1700000000
    assert client_module.http_date("never") is None


def test_requests_and_replies_show_no_secret() -> None:
    request = Request("GET", "https://h/x", {"Authorization": "Basic c2VjcmV0"}, {"q": "word"}, {"j": "word"}, {"f": "word"})
    reply = Reply(200, {"Set-Cookie": "word"}, b"word", {"c": "word"})
    assert "word" not in repr((request, reply))
    assert base64.b64encode(b"secret").decode() not in repr(request)
