# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS and proxies: who is believed, what is shown, what is said when it fails."""

from __future__ import annotations

import datetime
import os
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trustme
from emulator.client import Emulator
from engine.clients import client, failure, ping
from engine.servers import REPLY, Server, answering, head

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import transport
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.client import Request
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import AuthError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.option import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.trouble import unanswered

PASSWORD = "Proxy-Word-1"


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
    assert (error.tries, error.sent) == (0, False)


@pytest.mark.parametrize(
    ("options", "request_given"),
    [
        ({"proxy": "socks5://127.0.0.1:9"}, Request("GET", "http://127.0.0.1:9/x")),
        ({}, Request("POST", "http://127.0.0.1:9/x", json={"a": float("nan")})),
        ({}, Request("GET", "http://h.example/x")),
    ],
)
def test_what_is_wrong_with_a_task_is_no_try(options: dict[str, Any], request_given: Request) -> None:
    error = failure(client(retries=3, **options), request_given)
    assert (error.kind in ("configuration", "invalid_request"), error.tries, error.sent) == (True, 0, False)


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
