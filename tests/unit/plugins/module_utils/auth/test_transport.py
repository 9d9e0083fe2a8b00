# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS and proxies: who is believed, what is shown, what is said when it fails."""

from __future__ import annotations

import base64
import datetime
import os
import random
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trustme
from emulator.client import Emulator
from engine.servers import REPLY, Proxy, Server, answering, head

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import transport
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.client import Client, Request
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import AuthError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.option import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.proxy import proxy_for, proxy_of, proxy_secrets
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.trouble import unanswered

PASSWORD = "Proxy-Word-1"


def client(environ: dict[str, str] | None = None, **options: Any) -> Client:
    return Client(Options({"retries": 0, **options}), 5.0, environ=environ or {})


def ping(base: str) -> Request:
    return Request("GET", f"{base}/vss/v2/ping", repeatable=True)


def failure(made: Client, request: Request) -> AuthError:
    with pytest.raises(AuthError) as caught:
        made.send(request)
    return caught.value


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, str]:
    """A CA of these tests, and its file."""
    made = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(path)
    return made, str(path)


def tls_server(certificate: trustme.LeafCert, client_ca: str = "") -> Server:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return Server(answering(REPLY), context)


# -- whom we believe -----------------------------------------------------------------------------------------------


def test_a_ca_that_nobody_knows(emulator: Emulator) -> None:
    error = failure(client(retries=3), ping(emulator.https))
    assert (error.kind, error.tries, error.sent) == ("tls", 1, False)
    assert str(error) == "the server's certificate is not signed by a CA that is trusted here; set ca_path to the CA of the service"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_ca_file(emulator: Emulator, host: str) -> None:
    reply = client(ca_path=emulator.ca).send(ping(emulator.https.replace("127.0.0.1", host)))
    assert (reply.status, emulator.log()[-1]["tls"]) == (401, True)


def test_a_ca_directory(emulator: Emulator, tmp_path: Path) -> None:
    digest = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", emulator.ca], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    (tmp_path / f"{digest}.0").write_text(Path(emulator.ca).read_text())
    assert client(ca_path=str(tmp_path)).send(ping(emulator.https)).status == 401
    (tmp_path / f"{digest}.0").unlink()
    assert failure(client(ca_path=str(tmp_path)), ping(emulator.https)).kind == "tls"


def test_another_ca(emulator: Emulator) -> None:
    assert failure(client(ca_path=emulator.other_ca), ping(emulator.https)).kind == "tls"


def test_verification_may_be_left(emulator: Emulator) -> None:
    assert client(validate_certs=False).send(ping(emulator.https)).status == 401
    assert client(validate_certs=False, ca_path="/nowhere").send(ping(emulator.https)).status == 401


def test_a_certificate_for_another_name(authority: tuple[trustme.CA, str]) -> None:
    ca, path = authority
    with tls_server(ca.issue_cert("expired-match.example")) as server:
        for host in ("127.0.0.1", "localhost"):
            error = failure(client(ca_path=path), Request("GET", f"https://{host}:{server.port}/expired"))
            assert error.kind == "tls"
            assert str(error).startswith("the server's certificate is for another host name; correct api_url")
        assert client(ca_path=path, validate_certs=False).send(Request("GET", f"https://localhost:{server.port}/")).status == 200


@pytest.mark.parametrize(("days", "told"), [((-10, -2), "has expired; renew it there"), ((2, 10), "is not valid yet; check this machine's clock")])
def test_a_certificate_out_of_its_time(authority: tuple[trustme.CA, str], days: tuple[int, int], told: str) -> None:
    ca, path = authority
    now = datetime.datetime.now(datetime.UTC)
    begin, end = (now + datetime.timedelta(days=day) for day in days)
    with tls_server(ca.issue_cert("localhost", not_before=begin, not_after=end)) as server:
        error = failure(client(ca_path=path), Request("GET", f"https://localhost:{server.port}/match"))
    assert (error.kind, told in str(error)) == ("tls", True)


def test_a_port_that_does_not_speak_tls(emulator: Emulator) -> None:
    error = failure(client(), ping(emulator.http.replace("http://", "https://")))
    assert (error.kind, "check that api_url names a port that speaks TLS" in str(error)) == ("tls", True)


@pytest.mark.parametrize("path", ["/no/such/ca.pem", "/dev/null"])
def test_a_ca_file_that_cannot_be_used(path: str) -> None:
    error = failure(client(ca_path=path), Request("GET", "https://127.0.0.1:1/"))
    assert (error.kind, str(error)) == ("configuration", "ca_path: the file cannot be read or holds no usable PEM data")


# -- who we are ----------------------------------------------------------------------------------------------------


def test_a_client_certificate(emulator: Emulator) -> None:
    cert, key = emulator.client_cert
    made = client(ca_path=emulator.ca, client_cert=cert, client_key=key)
    assert made.send(ping(emulator.mtls)).status == 401


def test_certificate_and_key_in_one_file(emulator: Emulator, tmp_path: Path) -> None:
    cert, key = emulator.client_cert
    (tmp_path / "both.pem").write_text(Path(key).read_text() + Path(cert).read_text())
    assert client(ca_path=emulator.ca, client_cert=str(tmp_path / "both.pem")).send(ping(emulator.mtls)).status == 401


@pytest.mark.parametrize("other", [True, False])
def test_a_client_certificate_that_is_refused(emulator: Emulator, authority: tuple[trustme.CA, str], other: bool) -> None:
    ca, path = authority
    cert, key = emulator.other_client_cert
    made = client(ca_path=path, retries=3, client_cert=cert if other else None, client_key=key if other else None)
    with tls_server(ca.issue_cert("localhost"), client_ca=path) as server:
        error = failure(made, Request("GET", f"https://localhost:{server.port}/", repeatable=True))
    assert (error.kind, error.tries, server.connections) == ("tls", 1, 1)
    # Which of its alert and the end of the connection comes first is chance.
    assert "client_cert" in str(error)


@pytest.mark.parametrize("alert", ["tlsv13 alert certificate required", "tlsv1 alert unknown ca", "sslv3 alert bad certificate", "tlsv1 alert decrypt error"])
def test_alerts_about_a_client_certificate(alert: str) -> None:
    error = unanswered(ssl.SSLError(1, f"[SSL: X] {alert} (_ssl.c:2559)"), 5.0)
    assert isinstance(error, AuthError)
    assert str(error) == "the server wants a client certificate, or refuses the one it got; check client_cert and client_key"


def test_a_server_that_hangs_up_where_a_client_certificate_is_missing(emulator: Emulator) -> None:
    error = failure(client(ca_path=emulator.ca), ping(emulator.mtls))
    assert (error.kind, "whether it wants a client_cert" in str(error)) == ("network", True)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"client_key": "k"}, "client_key is given without client_cert"),
        ({"client_cert": "/no/such.pem"}, "client_cert and client_key: the file cannot be read"),
        ({"client_cert": "{cert}", "client_key": "{ca}"}, "client_cert and client_key: the file cannot be read or holds no usable PEM data"),
    ],
)
def test_client_certificates_that_make_no_sense(emulator: Emulator, options: dict[str, str], told: str) -> None:
    files = {"cert": emulator.client_cert[0], "ca": emulator.ca}
    given: dict[str, Any] = {name: value.format(**files) for name, value in options.items()}
    error = failure(client(**given), ping(emulator.https))
    assert (error.kind, told in str(error)) == ("configuration", True)


def test_an_encrypted_key_does_not_ask_at_the_terminal(emulator: Emulator, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    cert, key = emulator.client_cert
    secret = serialization.load_pem_private_key(Path(key).read_bytes(), None)
    (tmp_path / "key.pem").write_bytes(
        secret.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"word"))
    )
    assert failure(client(client_cert=cert, client_key=str(tmp_path / "key.pem")), ping(emulator.https)).kind == "configuration"


@pytest.fixture
def no_contexts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has built none yet."""
    monkeypatch.setattr(transport, "_contexts", {})
    monkeypatch.setattr(transport, "_spare", [])
    monkeypatch.setattr(transport, "_kept", [])


@pytest.mark.usefixtures("no_contexts")
def test_a_context_is_built_once() -> None:
    first = transport.tls_context(Options())
    assert transport.tls_context(Options(timeout=3)) is first
    assert transport.tls_context(Options(validate_certs=False)) is not first
    assert first.verify_mode is ssl.CERT_REQUIRED
    assert first.check_hostname


@pytest.mark.usefixtures("no_contexts")
def test_a_context_is_built_again_for_a_file_that_was_written_again(emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text(Path(emulator.other_ca).read_text())
    assert failure(client(ca_path=str(path)), ping(emulator.https)).kind == "tls"
    path.write_text(Path(emulator.ca).read_text())
    os.utime(path, (1, 1))
    assert client(ca_path=str(path)).send(ping(emulator.https)).status == 401


@pytest.mark.usefixtures("no_contexts")
def test_a_warm_process_trusts_no_more_than_a_cold_one(emulator: Emulator) -> None:
    transport.warm_up(Options())
    (spare,) = transport._spare
    assert spare.get_ca_certs() == []
    assert (spare.verify_mode, spare.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert failure(client(ca_path=emulator.other_ca), ping(emulator.https)).kind == "tls"
    assert transport._spare == []
    assert client(ca_path=emulator.ca).send(ping(emulator.https)).status == 401
    assert failure(client(), ping(emulator.https)).kind == "tls"
    assert failure(client(ca_path=emulator.other_ca), ping(emulator.https)).kind == "tls"


@pytest.mark.usefixtures("no_contexts")
def test_a_process_that_knows_its_ca_builds_no_other(emulator: Emulator) -> None:
    transport.warm_up(Options(ca_path=emulator.ca))
    assert len(transport._contexts) == 1
    assert transport._spare == []
    assert client(ca_path=emulator.ca).send(ping(emulator.https)).status == 401
    assert len(transport._contexts) == 1


@pytest.mark.parametrize(
    ("url", "to"),
    [
        ("https://[2001:db8::5:8443]/", ("2001:db8::5:8443", 443)),
        ("http://[2001:db8::1]/", ("2001:db8::1", 80)),
        ("https://[2001:db8::1]:8443/", ("2001:db8::1", 8443)),
        ("https://h.example/", ("h.example", 443)),
        ("http://h.example:81/", ("h.example", 81)),
    ],
)
def test_where_a_connection_leads(monkeypatch: pytest.MonkeyPatch, url: str, to: tuple[str, int]) -> None:
    asked = []

    def refused(address: tuple[str, int], _timeout: float) -> None:
        asked.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refused)
    assert failure(client(validate_certs=False, allow_http=True), Request("GET", url)).kind == "network"
    assert asked == [to]


def test_a_host_whose_name_is_not_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def handle(talk: socket.socket) -> None:
        asked.append(head(talk))
        talk.sendall(REPLY)

    with Server(handle) as server:
        connect = socket.create_connection
        monkeypatch.setattr(socket, "create_connection", lambda _to, timeout: connect(("127.0.0.1", server.port), timeout))
        assert client(allow_http=True).send(Request("GET", f"http://bücher.example:{server.port}/")).status == 200
    assert f"\r\nHost: xn--bcher-kva.example:{server.port}\r\n".encode() in asked[0]


def test_a_client_certificate_may_be_asked_for_later(emulator: Emulator) -> None:
    cert, key = emulator.client_cert
    assert transport.tls_context({"client_cert": cert, "client_key": key}).post_handshake_auth


# -- proxies -------------------------------------------------------------------------------------------------------


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
def test_a_proxy_that_says_no(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, status: int, tries: int, told: str) -> None:
    monkeypatch.setattr(random, "uniform", lambda _low, _high: 0.0)
    with Proxy(status) as proxy:
        made = client(ca_path=emulator.ca, proxy=f"http://127.0.0.1:{proxy.port}", retries=2)
        error = failure(made, Request("POST", f"{emulator.https}/vss/v2/ping"))
    assert (error.kind, error.tries, len(proxy.asked), error.sent) == ("network", tries, tries, False)
    assert told in str(error)


def test_a_proxy_that_is_not_there(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda _low, _high: 0.0)
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
