# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which addresses a request may go to, how host names are sent, and that nothing leads it elsewhere."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from emulator.client import Emulator
from engine.clients import TARGET, failure, http_session, ping
from engine.servers import REPLY, Proxy, Server, answering, recording

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.messages import Request
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.session import is_loopback

# -- addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("127.0.0.1.evil.example", False),
        ("127.evil.example", False),
        ("localhost.evil.example", False),
        ("192.0.2.1", False),
        ("::2", False),
        ("", False),
    ],
)
def test_which_hosts_are_this_machine(host: str, local: bool) -> None:
    assert is_loopback(host) is local


@pytest.mark.parametrize("url", ["http://api.example.com/x", "http://127.0.0.1.evil.example/", "HTTP://api.example.com/x"])
def test_plain_http_is_refused(url: str) -> None:
    error = failure(http_session(retries=3), Request("GET", url))
    assert (error.kind, error.sent, error.tries) == ("configuration", False, 0)
    assert str(error) == f"{TARGET}: plain http would send secrets in clear text and is refused; use https, or set allow_http if that is what you want"


def test_plain_http_may_be_allowed() -> None:
    assert failure(http_session(allow_http=True), Request("GET", "http://no-such-host.invalid/x")).kind == "network"


@pytest.mark.parametrize(
    "url",
    [
        "", "api.example.com", "/x", "ftp://h/", "https://", "https:///x", "https://[::1/", "https://h:port/", "https://h:99999/", "https://h:0/",
        "https://user:word@h.example/", "httpx://h/", "https://*.example.com/", "https://.example.com/", "https://a..b.example/ü", "https://xn--ü.example/",
    ],
)  # fmt: skip
def test_addresses_that_make_no_sense(url: str) -> None:
    error = failure(http_session(retries=0, timeout=1.0), Request("GET", url))
    if url == "https://a..b.example/ü":
        assert error.kind in ("configuration", "network")
        return
    assert (error.kind, error.sent, error.tries, "word" in str(error)) == ("configuration", False, 0, False)


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("https://faß.example/", "xn--fa-hia.example:443"),
        ("https://bücher.example:8443/", "xn--bcher-kva.example:8443"),
        ("https://BÜCHER.Example/", "xn--bcher-kva.example:443"),
        ("https://例え.テスト/", "xn--r8jz45g.xn--zckzah:443"),
        ("https://[2001:db8::1]:8443/", "[2001:db8::1]:8443"),
        ("https://[2001:db8::1]/", "[2001:db8::1]:443"),
        ("https://h.example/", "h.example:443"),
    ],
)
def test_names_as_a_proxy_sees_them(url: str, line: str) -> None:
    """IDNA 2008: fails if `ß` becomes `ss`, which is another host."""
    with Proxy(403) as proxy:
        error = failure(http_session(proxy=f"http://127.0.0.1:{proxy.port}"), Request("GET", url))
    assert proxy.asked[0].split()[:2] == ["CONNECT", line]
    assert f"refused a connection to {line} (HTTP 403)" in str(error)


@pytest.mark.parametrize(
    ("host", "resolved", "named"),
    [
        ("faß.example", "xn--fa-hia.example", "xn--fa-hia.example"),
        ("h.example", "h.example", "h.example"),
        ("h.example.", "h.example.", "h.example"),
        ("[::1]", "::1", "[::1]"),
    ],
)
def test_names_as_the_resolver_and_the_server_see_them(monkeypatch: pytest.MonkeyPatch, host: str, resolved: str, named: str) -> None:
    """A dot at the end matters to the resolver alone."""
    asked: list[bytes] = []
    names: list[Any] = []
    resolve = socket.getaddrinfo

    def noted(name: Any, port: Any, *rest: Any, **more: Any) -> Any:
        names.append(name.decode() if isinstance(name, bytes) else name)
        return resolve("127.0.0.1", port, *rest, **more)

    with Server(recording(asked, REPLY)) as server:
        monkeypatch.setattr(socket, "getaddrinfo", noted)
        assert http_session(allow_http=True).send(Request("GET", f"http://{host}:{server.port}/")).status == 200
    assert names == [resolved]
    assert f"\r\nHost: {named}:{server.port}\r\n".encode() in asked[0]


# -- redirects -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "to"),
    [
        ("https://evil.example/x?token=1", "to https://evil.example; set"),
        ("/elsewhere", "to another address on this host; set"),
        ("http://[broken", "to another address on this host; set"),
        ("", "to another address on this host; set"),
        ("//evil.example/x", "to http://evil.example; set"),
        ("http://evil.example:port/", "to http://evil.example; set"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(emulator: Emulator, location: str, to: str, status: int) -> None:
    emulator.fault({"system": "vss", "action": "redirect", "location": location, "status": status})
    error = failure(http_session(retries=3), ping(emulator.http))
    assert (error.kind, error.status, error.tries, error.sent, len(emulator.log())) == ("protocol", status, 1, True, 1)
    assert f"HTTP {status} redirects {to} api_url to the final address, because no redirect is followed with credentials" in str(error)
    assert "token" not in str(error)


@pytest.mark.parametrize("host", [b"very-secret-1.example", b"e\x1bv\x9fil.example", b"e" * 20_000])
def test_a_host_that_a_redirect_names_is_quoted_as_a_servers_word(host: bytes) -> None:
    """Fails when it shows a secret, or control characters, or fills the screen."""
    with Server(answering(b"HTTP/1.1 302 Found\r\nLocation: https://" + host + b"/\r\nContent-Length: 0\r\n\r\n")) as server:
        error = failure(http_session(secrets=["very-secret-1"]), Request("GET", f"http://127.0.0.1:{server.port}/"))
    assert error.problem.startswith("HTTP 302 redirects to https://")
    assert str(error).isprintable()
    assert ("very-secret-1" in str(error), len(str(error)) < 400) == (False, True)


def test_not_modified_is_no_redirect() -> None:
    with Server(answering(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", REPLY)) as server:
        session = http_session()
        assert [session.send(Request("GET", f"http://127.0.0.1:{server.port}/")).status for _turn in range(2)] == [304, 200]
    assert server.connections == 1
