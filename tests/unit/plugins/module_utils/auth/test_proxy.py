# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies: which one is used, what it is shown, what is said when it fails."""

from __future__ import annotations

import base64

import pytest
from emulator.client import Emulator
from engine.clients import client, failure, ping
from engine.servers import Proxy, Server

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.client import Request
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.option import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.proxy import proxy_for, proxy_of, proxy_secrets

PASSWORD = "Proxy-Word-1"


@pytest.mark.parametrize("how", ["option", "https_proxy", "HTTPS_PROXY", "all_proxy"])
def test_a_tunnel(emulator: Emulator, how: str) -> None:
    with Proxy() as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        made = client(ca_path=emulator.ca, proxy=url) if how == "option" else client({how: url}, ca_path=emulator.ca)
        assert made.send(ping(emulator.https)).status == 401
    assert [one.split("\r\n")[0] for one in proxy.asked] == [f"CONNECT {emulator.https[8:]} HTTP/1.1"]


def test_what_goes_through_a_tunnel_is_not_seen_by_the_proxy(emulator: Emulator) -> None:
    with Proxy() as proxy:
        made = client(ca_path=emulator.ca, proxy=f"http://127.0.0.1:{proxy.port}")
        made.send(Request("GET", emulator.https + "/vss/v2/ping", {"Authorization": "Bearer very-secret"}))
    assert emulator.log()[-1]["headers"]["Authorization"] == "Bearer very-secret"
    assert "very-secret" not in "".join(proxy.asked)


def test_the_option_wins_over_the_environment(emulator: Emulator) -> None:
    with Proxy() as proxy, Proxy() as other:
        environ = {"https_proxy": f"http://127.0.0.1:{other.port}", "no_proxy": "*"}
        assert client(environ, ca_path=emulator.ca, proxy=f"127.0.0.1:{proxy.port}").send(ping(emulator.https)).status == 401
    assert (len(proxy.asked), len(other.asked)) == (1, 0)


def test_a_password_for_the_proxy(emulator: Emulator) -> None:
    authorization = "Basic " + base64.b64encode(f"user:{PASSWORD}".encode()).decode()
    with Proxy(authorization=authorization) as proxy:
        made = client(ca_path=emulator.ca, proxy=f"http://user:{PASSWORD}@127.0.0.1:{proxy.port}")
        assert made.send(ping(emulator.https)).status == 401
    assert "Proxy-Authorization" not in emulator.log()[-1]["headers"]


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_wrong_password_for_the_proxy_is_sent_once(emulator: Emulator, scheme: str) -> None:
    with Proxy(authorization="Basic other") as proxy:
        made = client(ca_path=emulator.ca, proxy=f"http://user:{PASSWORD}@127.0.0.1:{proxy.port}", retries=3)
        error = failure(made, ping(emulator.https if scheme == "https" else emulator.http))
    assert (error.kind, error.tries, len(proxy.asked), emulator.log()) == ("network", 1, 1, [])
    assert "the proxy wants a user name and a password" in str(error)
    assert PASSWORD not in str(error)


@pytest.mark.parametrize(
    ("status", "tries", "told"), [(403, 1, "the proxy refuses a connection to this host (HTTP 403)"), (502, 3, "did not let the connection through (HTTP 502)")]
)
def test_a_proxy_that_says_no(emulator: Emulator, status: int, tries: int, told: str) -> None:
    with Proxy(status) as proxy:
        made = client(ca_path=emulator.ca, proxy=f"http://127.0.0.1:{proxy.port}", retries=2)
        error = failure(made, Request("POST", f"{emulator.https}/vss/v2/ping"))
    assert (error.kind, error.tries, len(proxy.asked), error.sent) == ("network", tries, tries, False)
    assert told in str(error)


def test_a_proxy_that_is_not_there(emulator: Emulator) -> None:
    error = failure(client(proxy=f"http://user:{PASSWORD}@127.0.0.1:1", retries=1), ping(emulator.https))
    assert (error.kind, error.tries) == ("network", 2)
    assert "proxy" in str(error)
    assert PASSWORD not in str(error)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "https://127.0.0.1:1", "http://", "http://[broken", "http://host:port", "user:word@"])
def test_a_proxy_that_makes_no_sense(emulator: Emulator, proxy: str) -> None:
    error = failure(client(proxy=proxy), ping(emulator.https))
    assert (error.kind, error.sent, emulator.log()) == ("configuration", False, [])
    assert str(error).startswith("proxy must look like http://host:port")
    assert "word@" not in str(error).replace("user:password@", "")


def test_a_proxy_shows_no_secret() -> None:
    assert repr(proxy_of(f"http://us%40er:{PASSWORD}@127.0.0.1:3128")) == "Proxy('127.0.0.1', 3128)"
    assert proxy_of(f"http://us%40er:{PASSWORD}@[::1]").headers() == {"Proxy-Authorization": "Basic " + base64.b64encode(f"us@er:{PASSWORD}".encode()).decode()}
    assert proxy_of("proxy.example").headers() == {}


@pytest.mark.parametrize(
    ("proxy", "secrets"),
    [
        ("http://proxy.example:3128", ()),
        ("proxy.example", ()),
        ("http://me@proxy.example", ()),
        ("http://me:word-1@proxy.example", ("word-1", "me:word-1")),
        ("me:word-1@proxy.example", ("word-1", "me:word-1")),
        ("http://m%40e:wo%2Frd@proxy.example", ("wo%2Frd", "wo/rd", "m%40e:wo%2Frd", "m@e:wo/rd")),
        # What cannot be used may be shown too.
        ("socks5://me:w@r/d@proxy.example", ("w@r/d", "me:w@r/d")),
    ],
)  # fmt: skip
def test_what_a_proxy_must_not_have_shown(proxy: str, secrets: tuple[str, ...]) -> None:
    assert proxy_secrets("https://api.example", Options(proxy=proxy), {}) == secrets
    assert proxy_secrets("https://api.example", Options(), {"https_proxy": proxy}) == secrets
    assert proxy_secrets("https://api.example", Options(), {"https_proxy": proxy, "no_proxy": "api.example"}) == ()


@pytest.mark.parametrize("said", [b"220 mail.example ESMTP\r\n", b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\nmore"])
def test_a_proxy_that_speaks_no_http(emulator: Emulator, said: bytes) -> None:
    with Server(lambda talk: talk.sendall(said)) as server:
        error = failure(client(proxy=f"http://127.0.0.1:{server.port}"), ping(emulator.https))
    assert (error.kind, error.sent) == ("network", False)
    assert "the proxy did not let the connection through" in str(error)


def test_plain_http_goes_through_a_proxy_of_this_machine_only(emulator: Emulator) -> None:
    with Proxy() as proxy:
        assert client({"http_proxy": f"http://127.0.0.1:{proxy.port}"}).send(ping(emulator.http)).json() == {"ok": True}
    error = failure(client({"http_proxy": "http://proxy.example:3128"}), ping(emulator.http))
    assert (error.kind, "plain http through a proxy would send secrets in clear text" in str(error)) == ("configuration", True)


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("https://api.example.com/x", {"https_proxy": "http://p:1"}, "http://p:1"),
        ("https://api.example.com/x", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ("https://api.example.com/x", {"ALL_PROXY": "http://p:1"}, "http://p:1"),
        ("https://api.example.com/x", {"http_proxy": "http://p:1"}, None),
        ("http://127.0.0.1/x", {"http_proxy": "http://p:1"}, "http://p:1"),
        ("http://127.0.0.1/x", {"HTTP_PROXY": "http://p:1"}, None),
        ("https://api.example.com/x", {"https_proxy": "http://p:1", "no_proxy": "api.example.com"}, None),
        ("https://api.example.com/x", {"https_proxy": "http://p:1", "NO_PROXY": ".example.com"}, None),
        ("https://api.example.com:8443/x", {"https_proxy": "http://p:1", "no_proxy": "example.org,api.example.com:8443"}, None),
        ("https://192.0.2.7/x", {"https_proxy": "http://p:1", "no_proxy": "192.0.2.0/24"}, None),
        ("https://192.0.3.7/x", {"https_proxy": "http://p:1", "no_proxy": "192.0.2.0/24,api.example.com/24"}, "http://p:1"),
        ("https://[2001:db8::7]/x", {"https_proxy": "http://p:1", "no_proxy": "2001:db8::/32"}, None),
        ("https://API.Example.com/x", {"https_proxy": "http://p:1", "no_proxy": "*.Example.com , "}, None),
        ("https://notexample.com/x", {"https_proxy": "http://p:1", "no_proxy": ".example.com,,example.com:8443"}, "http://p:1"),
        ("https://api.example.com/x", {"https_proxy": "http://p:1", "no_proxy": "*"}, None),
        ("https://api.example.com/x", {"https_proxy": "http://p:1", "no_proxy": "example.org"}, "http://p:1"),
        ("https://api.example.com/x", {"https_proxy": "", "no_proxy": ""}, None),
    ],
)
def test_the_environment_of_a_task(url: str, environ: dict[str, str], proxy: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the task's, not the process'."""
    monkeypatch.setenv("https_proxy", "http://process:1")
    monkeypatch.setenv("no_proxy", "api.example.com" if proxy else "")
    assert proxy_for(url, Options(), environ) == proxy
