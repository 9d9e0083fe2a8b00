# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies: what they are shown, and what errors say when they fail."""

from __future__ import annotations

import base64
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import trustme
from emulator.client import Emulator
from engine.clients import closed_port, failure, http_session, ping
from engine.servers import Proxy, Server, SocksProxy

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.messages import Request

PASSWORD = "Proxy-Word-1"


def authorization(user: str = "user", password: str = PASSWORD) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# -- tunnels -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["option", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_tunnel(emulator: Emulator, how: str, scheme: str) -> None:
    with Proxy() as proxy:
        url = f"{scheme}127.0.0.1:{proxy.port}"
        made = http_session(ca_path=emulator.ca, proxy=url) if how == "option" else http_session({how: url}, ca_path=emulator.ca)
        for _turn in range(3):
            assert made.send(ping(emulator.https)).status == 401
    lines = [request.split("\r\n") for request in proxy.asked]
    assert [line[0].rpartition(" ")[0] for line in lines] == [f"CONNECT {emulator.https[8:]}"]
    assert emulator.counts()["vss"]["connections"] == 1


def test_what_goes_through_a_tunnel_is_not_seen_by_the_proxy(emulator: Emulator) -> None:
    with Proxy() as proxy:
        made = http_session(ca_path=emulator.ca, proxy=f"http://127.0.0.1:{proxy.port}")
        made.send(Request("GET", emulator.https + "/vss/v2/ping", {"Authorization": "Bearer very-secret"}))
    assert emulator.log()[-1]["headers"]["Authorization"] == "Bearer very-secret"
    assert "very-secret" not in "".join(proxy.asked)


def test_the_option_wins_over_the_environment(emulator: Emulator) -> None:
    with Proxy() as proxy, Proxy() as other:
        environ = {"https_proxy": f"http://127.0.0.1:{other.port}", "no_proxy": "*"}
        assert http_session(environ, ca_path=emulator.ca, proxy=f"127.0.0.1:{proxy.port}").send(ping(emulator.https)).status == 401
    assert (len(proxy.asked), len(other.asked)) == (1, 0)


def test_the_environment_of_the_process_is_not_read(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy() as proxy:
        for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
        assert http_session(ca_path=emulator.ca).send(ping(emulator.https)).status == 401
        assert http_session().send(ping(emulator.http)).status == 401
        monkeypatch.setenv("no_proxy", "*")
        assert http_session({"https_proxy": f"http://127.0.0.1:{proxy.port}"}, ca_path=emulator.ca).send(ping(emulator.https)).status == 401
    assert len(proxy.asked) == 1


@pytest.mark.parametrize(("user", "password"), [("user", PASSWORD), ("ü@ser", "p:w/€ d%"), ("user", ""), ("", PASSWORD)])
def test_a_password_for_the_proxy(emulator: Emulator, user: str, password: str) -> None:
    from urllib.parse import quote

    with Proxy(authorization=authorization(user, password)) as proxy:
        made = http_session(ca_path=emulator.ca, proxy=f"http://{quote(user, safe='')}:{quote(password, safe='')}@127.0.0.1:{proxy.port}")
        assert made.send(ping(emulator.https)).status == 401
    assert "Proxy-Authorization" not in emulator.log()[-1]["headers"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, str]:
    made = trustme.CA()
    path = tmp_path_factory.mktemp("proxy-ca") / "ca.pem"
    made.cert_pem.write_to_path(path)
    return made, str(path)


def _tls(authority: tuple[trustme.CA, str], *names: str, client_ca: str = "") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority[0].issue_cert(*names).configure_cert(context)
    if client_ca:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(client_ca)
    return context


def test_a_proxy_that_is_reached_over_tls(emulator: Emulator, authority: tuple[trustme.CA, str], tmp_path: Path) -> None:
    """Also with a password. The client certificate is shown to the server, not to the proxy."""
    both = tmp_path / "both.pem"
    both.write_text(Path(authority[1]).read_text() + Path(emulator.ca).read_text())
    shown: list[Any] = []

    class Curious(Proxy):
        def _proxy(self, talk: socket.socket) -> None:
            shown.append(isinstance(talk, ssl.SSLSocket) and talk.getpeercert())
            super()._proxy(talk)

    cert, key = emulator.client_cert
    with Curious(authorization=authorization(), context=_tls(authority, "localhost", client_ca=emulator.ca)) as proxy:
        made = http_session(ca_path=str(both), proxy=f"https://user:{PASSWORD}@localhost:{proxy.port}", client_cert=cert, client_key=key)
        for _turn in range(2):
            assert made.send(ping(emulator.mtls)).status == 401
        assert len(proxy.asked) == 1
        # Plain http through TLS to the proxy.
        assert made.send(ping(emulator.http)).json() == {"ok": True}
    # Older versions of urllib3 have one context for both if plain http goes through such a proxy, which is only allowed on this machine.
    assert (len(shown), shown[0] or None) == (2, None)
    assert emulator.log()[-1]["headers"].get("Proxy-Authorization") is None


def test_a_proxy_whose_certificate_is_not_trusted(emulator: Emulator, authority: tuple[trustme.CA, str]) -> None:
    with Proxy(context=_tls(authority, "localhost")) as proxy:
        error = failure(http_session(ca_path=emulator.ca, proxy=f"https://localhost:{proxy.port}"), ping(emulator.https))
        assert (error.kind, error.sent) == ("tls", False)
        assert error.problem.startswith(f"certificate verify failed for the proxy https://localhost:{proxy.port} (from the option proxy): ")
        # The proxy is trusted here, and the server behind it is not.
        error = failure(http_session(ca_path=authority[1], proxy=f"https://localhost:{proxy.port}"), ping(emulator.https))
        assert (error.kind, error.problem.startswith(f"certificate verify failed for {emulator.https[8:]}: ")) == ("tls", True)
        assert http_session(validate_certs=False, proxy=f"https://localhost:{proxy.port}").send(ping(emulator.https)).status == 401


def test_a_proxy_that_does_not_speak_tls(emulator: Emulator) -> None:
    with Server(lambda talk: talk.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        error = failure(http_session(proxy=f"https://localhost:{server.port}"), ping(emulator.https))
    assert (error.kind, error.sent) == ("tls", False)
    assert f"the proxy https://localhost:{server.port} (from the option proxy)" in error.problem


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize("login", ["", f"user:{PASSWORD}@"])
def test_a_socks_proxy(emulator: Emulator, scheme: str, login: str) -> None:
    url = emulator.https.replace("127.0.0.1", "localhost")
    with SocksProxy(*(login[:-1].split(":") if login else ())) as proxy:
        made = http_session(ca_path=emulator.ca, proxy=f"{scheme}://{login}127.0.0.1:{proxy.port}")
        for _turn in range(2):
            assert made.send(ping(url)).status == 401
        assert http_session({"all_proxy": f"{scheme}://{login}127.0.0.1:{proxy.port}"}).send(ping(emulator.http)).status == 401
    assert [host for host, _port in proxy.asked] == ["localhost" if scheme == "socks5h" else "127.0.0.1", "127.0.0.1"]


def test_a_socks_proxy_that_rejects_the_password(emulator: Emulator) -> None:
    with SocksProxy("user", "other") as proxy:
        error = failure(http_session(retries=3, proxy=f"socks5://user:{PASSWORD}@127.0.0.1:{proxy.port}"), ping(emulator.https))
    assert (error.kind, error.tries, error.sent, PASSWORD in str(error)) == ("network", 1, False, False)
    assert error.problem.startswith(f"proxy authentication failed: the proxy socks5://127.0.0.1:{proxy.port} (from the option proxy) requires")


def test_a_socks_proxy_that_is_not_there(emulator: Emulator) -> None:
    port = closed_port()
    error = failure(http_session(retries=1, proxy=f"socks5h://127.0.0.1:{port}"), ping(emulator.https))
    assert (error.kind, error.tries, error.sent) == ("network", 2, False)
    assert error.problem == f"cannot connect to the proxy socks5h://127.0.0.1:{port} (from the option proxy): Connection refused"


def test_a_socks_proxy_that_cannot_reach_the_host() -> None:
    with SocksProxy() as proxy:
        proxy.refusing = True
        address = f"socks5h://127.0.0.1:{proxy.port}"
        error = failure(http_session(proxy=address), Request("GET", "https://refused.example/"))
    assert error.problem == f"cannot connect to refused.example:443 through the proxy {address} (from the option proxy): Connection refused"


def test_a_name_that_only_a_socks_proxy_could_resolve() -> None:
    with SocksProxy() as proxy:
        error = failure(http_session(proxy=f"socks5://127.0.0.1:{proxy.port}"), Request("GET", "https://no-such-host.invalid/"))
    assert error.problem.startswith("the host name no-such-host.invalid cannot be resolved: ")
    assert "socks5h" in error.hint


def test_a_socks_proxy_whose_name_is_unknown() -> None:
    error = failure(http_session(proxy="socks5h://no-such-proxy.invalid:1"), Request("GET", "https://h.example/"))
    assert error.problem.startswith("the host name of the proxy socks5h://no-such-proxy.invalid:1 (from the option proxy) cannot be resolved: ")


def test_pysocks_is_missing() -> None:
    script = f"""
import sys; sys.path[:0] = {list(filter(None, sys.path))!r}
sys.modules["socks"] = None
from engine.clients import failure, http_session
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.messages import Request
error = failure(http_session(proxy="socks5://127.0.0.1:1", retries=3), Request("GET", "https://h.example/"))
print(error.kind, error.tries, error)
"""
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    told = "the proxy socks5://127.0.0.1:1 (from the option proxy) needs the Python library PySocks; install it, or use an HTTP proxy"
    assert ran.stdout.strip() == f"configuration 0 VSS at vss.example.com: {told}"


# -- failures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("how", ["option", "variable"])
def test_a_wrong_password_for_the_proxy_is_sent_once(emulator: Emulator, scheme: str, how: str) -> None:
    with Proxy(authorization="Basic other") as proxy:
        url = f"http://user:{PASSWORD}@127.0.0.1:{proxy.port}"
        made = http_session(proxy=url, retries=3) if how == "option" else http_session({f"{scheme.upper()}_PROXY": url}, retries=3)
        error = failure(made, ping(emulator.https if scheme == "https" else emulator.http))
    assert (error.kind, error.tries, len(proxy.asked), emulator.log()) == ("network", 1, 1, [])
    source = "the option proxy" if how == "option" else f"the environment variable {scheme.upper()}_PROXY"
    assert error.problem.startswith(f"proxy authentication failed (407): the proxy http://127.0.0.1:{proxy.port} (from {source}) requires")
    assert PASSWORD not in str(error)


def test_the_way_around_a_proxy_is_where_it_was_set(emulator: Emulator) -> None:
    with Proxy(403) as proxy:
        error = failure(http_session({"https_proxy": f"http://127.0.0.1:{proxy.port}"}), ping(emulator.https))
    assert error.hint == "allow it there, or add the host to no_proxy"


def test_where_the_proxy_was_set_is_named(emulator: Emulator) -> None:
    error = failure(http_session(proxy="http://127.0.0.1:1", proxy_source="the variable apiauth_proxy"), ping(emulator.https))
    assert "(from the variable apiauth_proxy)" in str(error)


@pytest.mark.parametrize(
    ("status", "tries", "told"),
    [
        (403, 1, "refused a connection to {host} (HTTP 403); allow it there, or change the option proxy"),
        (429, 3, "could not open a connection to {host} (HTTP 429)"),
        (502, 3, "could not open a connection to {host} (HTTP 502); check the proxy, or change the option proxy"),
    ],
)
def test_a_proxy_that_says_no(emulator: Emulator, status: int, tries: int, told: str) -> None:
    with Proxy(status) as proxy:
        made = http_session(ca_path=emulator.ca, proxy=f"http://127.0.0.1:{proxy.port}", retries=2)
        error = failure(made, Request("POST", f"{emulator.https}/vss/v2/ping", single_use=True))
    assert (error.kind, error.tries, len(proxy.asked), error.sent) == ("network", tries, tries, False)
    assert told.format(host=emulator.https[8:]) in str(error)


def test_a_proxy_that_is_not_there(emulator: Emulator) -> None:
    error = failure(http_session(proxy=f"http://user:{PASSWORD}@127.0.0.1:1", retries=1), ping(emulator.https))
    assert (error.kind, error.tries, error.sent) == ("network", 2, False)
    assert error.problem == "cannot connect to the proxy http://127.0.0.1:1 (from the option proxy): Connection refused"


def test_a_proxy_whose_name_cannot_be_resolved(emulator: Emulator) -> None:
    error = failure(http_session(proxy=f"http://user:{PASSWORD}@no-such-proxy.invalid:3128"), ping(emulator.https))
    assert (error.kind, error.sent, PASSWORD in str(error)) == ("network", False, False)
    assert error.problem.startswith("the host name of the proxy http://no-such-proxy.invalid:3128 (from the option proxy) cannot be resolved: ")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_hangs(emulator: Emulator, scheme: str) -> None:
    done = threading.Event()

    def hang(_talk: socket.socket) -> None:
        done.wait(5)

    with Server(hang) as server:
        error = failure(http_session(proxy=f"{scheme}://127.0.0.1:{server.port}", timeout=0.2, retries=1), ping(emulator.https))
        done.set()
    assert (error.kind, error.sent, error.tries, server.connections) == ("network", False, 2, 2)
    assert f"the proxy {scheme}://127.0.0.1:{server.port} (from the option proxy) timed out after 0.2 seconds" in error.problem


@pytest.mark.parametrize(("said", "tunnel"), [(b"220 mail.example ESMTP\r\n", False), (b"", False), (b"HTTP/1.1 200 OK\r\n\r\n", True)])
def test_a_proxy_that_speaks_no_http(emulator: Emulator, said: bytes, tunnel: bool) -> None:
    """What fails behind a tunnel is not the proxy's fault."""

    def speak(talk: socket.socket) -> None:
        talk.recv(65536)
        talk.sendall(said)

    with Server(speak) as server:
        error = failure(http_session(ca_path=emulator.ca, proxy=f"http://127.0.0.1:{server.port}"), ping(emulator.https))
    assert (error.kind in ("network", "tls"), error.sent) == (True, False)
    address = f"the proxy http://127.0.0.1:{server.port} (from the option proxy)"
    if tunnel:
        assert emulator.https[8:] in error.problem
    else:
        assert error.problem == f"{address} sent no valid reply to a CONNECT request for {emulator.https[8:]}"


@pytest.mark.parametrize(
    "proxy",
    [
        "ftp://127.0.0.1:1",
        "http://",
        "http://[broken",
        "http://host:port",
        "user:word@",
        "http://h:99999",
        "http://h/path",
        "http://u:w@rd/x@h",
        "http://u:1234#word@h",
        "http://u:1234?word@h",
        "http://u:1234/word@h",
        "h\nx:1",
        "http://u:word\r\nX@h:1",
    ],
)  # fmt: skip
def test_a_proxy_that_makes_no_sense(emulator: Emulator, proxy: str) -> None:
    for made in (http_session(proxy=proxy, retries=3), http_session({"https_proxy": proxy}, retries=3)):
        error = failure(made, ping(emulator.https))
        assert (error.kind, error.sent, error.tries, emulator.log()) == ("configuration", False, 0, [])
        assert " is not a valid address; it must look like http://host:port" in str(error)
        assert not any(part in str(error).replace("user:password@", "") for part in ("word", "1234"))
    assert "the proxy from the environment variable https_proxy" in str(error)


def test_plain_http_goes_through_a_proxy_of_this_machine_only(emulator: Emulator) -> None:
    with Proxy() as proxy:
        assert http_session({"http_proxy": f"http://127.0.0.1:{proxy.port}"}).send(ping(emulator.http)).json() == {"ok": True}
        assert proxy.asked[0].startswith(f"GET {emulator.http}/vss/v2/ping HTTP/1.1\r\n")
        assert http_session({"http_proxy": f"http://127.0.0.1:{proxy.port}"}, allow_http=True).send(Request("GET", "http://api.example.com/")).status == 200
    error = failure(http_session({"http_proxy": f"http://user:{PASSWORD}@proxy.example:3128"}), ping(emulator.http))
    assert (error.kind, error.tries, PASSWORD in str(error)) == ("configuration", 0, False)
    assert "plain http through the proxy http://proxy.example:3128 (from the environment variable http_proxy) would send secrets in clear text" in str(error)
