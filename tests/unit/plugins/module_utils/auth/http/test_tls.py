# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS: which servers are trusted, which client certificate is shown, and what errors say."""

from __future__ import annotations

import datetime
import os
import shutil
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
from engine.clients import failure, http_session, ping
from engine.servers import REPLY, Proxy, Server, answering

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.failures import explain_tls
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.messages import Request


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, str]:
    """A CA of these tests, and its file."""
    made = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(path)
    return made, str(path)


def server_context(certificate: trustme.LeafCert, client_ca: str = "") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_ca)
    return context


def tls_server(certificate: trustme.LeafCert, client_ca: str = "") -> Server:
    return Server(answering(REPLY, REPLY), server_context(certificate, client_ca))


# -- which servers are trusted -------------------------------------------------------------------------------------


def test_a_ca_that_nobody_knows(emulator: Emulator) -> None:
    error = failure(http_session(retries=3), ping(emulator.https))
    assert (error.kind, error.tries, error.sent) == ("tls", 1, False)
    assert error.problem == f"certificate verify failed for {emulator.https[8:]}: unable to get local issuer certificate"
    assert error.hint == "set ca_path (APIAUTH_CA_PATH in the environment) to the CA of the service"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_ca_file(emulator: Emulator, host: str) -> None:
    reply = http_session(ca_path=emulator.ca).send(ping(emulator.https.replace("127.0.0.1", host)))
    assert (reply.status, emulator.log()[-1]["tls"]) == (401, True)


@pytest.mark.parametrize("name", ["company.pem", "company", "hash"])
def test_a_ca_directory(emulator: Emulator, tmp_path: Path, name: str) -> None:
    """Files with any name count, beside others that are no certificates."""
    if name == "hash":
        command = ["openssl", "x509", "-hash", "-noout", "-in", emulator.ca]
        name = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip() + ".0"
    shutil.copy(emulator.ca, tmp_path / name)
    shutil.copy(emulator.other_ca, tmp_path / "another.crt")
    (tmp_path / "README").write_text("no certificate\n")
    (tmp_path / "directory").mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    assert http_session(ca_path=str(tmp_path)).send(ping(emulator.https)).status == 401
    (tmp_path / name).unlink()
    assert failure(http_session(ca_path=str(tmp_path)), ping(emulator.https)).kind == "tls"


def test_another_ca(emulator: Emulator) -> None:
    assert failure(http_session(ca_path=emulator.other_ca), ping(emulator.https)).kind == "tls"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_variables_name_a_ca_too(emulator: Emulator, tmp_path: Path, variable: str) -> None:
    shutil.copy(emulator.ca, tmp_path / "ca.pem")
    environ = {variable: f"/no/such/directory:{tmp_path}" if variable.endswith("DIR") else emulator.ca}
    assert http_session(environ).send(ping(emulator.https)).status == 401
    assert failure(http_session(environ, ca_path=emulator.other_ca), ping(emulator.https)).kind == "tls"
    missing = failure(http_session({variable: "/no/such/ca"}), ping(emulator.https))
    assert (missing.kind, missing.problem) == ("configuration", f"{variable}: '/no/such/ca' cannot be read (No such file or directory)")
    assert http_session({variable: "/no/such/ca"}, ca_path=emulator.ca).send(ping(emulator.https)).status == 401
    assert http_session({variable: "/no/such/ca"}, validate_certs=False).send(ping(emulator.https)).status == 401


def test_the_first_variable_wins(emulator: Emulator) -> None:
    names = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"]
    for place in range(4):
        environ = {name: emulator.ca if number == place else "/no/such/ca" for number, name in enumerate(names) if number >= place}
        assert http_session({**dict.fromkeys(names, ""), **environ}).send(ping(emulator.https)).status == 401


def test_a_file_and_directories_count_together_as_with_openssl(emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "good").mkdir()
    shutil.copy(emulator.ca, tmp_path / "good" / "ca.pem")
    directories = f"/no/such/directory:{tmp_path / 'empty'}:{tmp_path / 'good'}"
    for environ in ({"SSL_CERT_DIR": directories}, {"SSL_CERT_DIR": directories, "SSL_CERT_FILE": emulator.other_ca}):
        assert http_session(environ).send(ping(emulator.https)).status == 401
    assert failure(http_session({"SSL_CERT_DIR": str(tmp_path / "empty")}), ping(emulator.https)).kind == "configuration"


def test_the_environment_of_the_process_is_not_read(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", emulator.ca)
    monkeypatch.setenv("CURL_CA_BUNDLE", emulator.ca)
    assert failure(http_session(), ping(emulator.https)).kind == "tls"


@pytest.mark.parametrize("ca_path", [None, "/nowhere", "/dev/null"])
def test_verification_may_be_turned_off(emulator: Emulator, ca_path: str | None, recwarn: pytest.WarningsRecorder) -> None:
    assert http_session(validate_certs=False, ca_path=ca_path).send(ping(emulator.https)).status == 401
    assert [str(warning.message) for warning in recwarn if "Unverified" in str(warning.message)] == []


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/no/such/ca.pem", "ca_path: '/no/such/ca.pem' cannot be read (No such file or directory)"),
        ("/dev/null", "ca_path: '/dev/null' holds no usable certificates in PEM format ("),
        ("{empty}", "the directory ca_path: '{empty}' holds no usable certificates in PEM format"),
        ("{text}", "ca_path: '{text}' holds no usable certificates in PEM format ("),
        ("a\0b", "ca_path: 'a\\x00b' cannot be read ("),
    ],
)
def test_a_ca_that_cannot_be_used(tmp_path: Path, path: str, told: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("no certificate\n")
    files = {"empty": tmp_path / "empty", "text": tmp_path / "text"}
    error = failure(http_session(ca_path=path.format(**files), retries=3), Request("GET", "https://127.0.0.1:1/"))
    assert (error.kind, error.sent, error.tries) == ("configuration", False, 0)
    assert told.format(**files) in error.problem


def test_certifi_is_not_loaded(emulator: Emulator) -> None:
    """Loading it takes longer than a call. Fails if requests builds a context of its own."""
    script = f"""
import sys; sys.path[:0] = {list(filter(None, sys.path))!r}
import ssl
loaded = []
load = ssl.SSLContext.load_verify_locations
ssl.SSLContext.load_verify_locations = lambda self, *files, **named: (loaded.append((files, named)), load(self, *files, **named))[1]
from engine.clients import http_session, ping
session = http_session(ca_path={emulator.ca!r})
imported = len(loaded)
for _turn in range(2):
    assert session.send(ping({emulator.https!r})).status == 401
print([file for files, named in loaded[imported:] for file in (*files, *named.values()) if file])
"""
    ran = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    assert ran.stdout.strip() == str([os.devnull, emulator.ca])


# -- names ---------------------------------------------------------------------------------------------------------


def test_a_certificate_for_another_name(authority: tuple[trustme.CA, str]) -> None:
    ca, path = authority
    with tls_server(ca.issue_cert("expired-match.example")) as server:
        for host in ("127.0.0.1", "localhost"):
            error = failure(http_session(ca_path=path), Request("GET", f"https://{host}:{server.port}/expired"))
            assert error.kind == "tls"
            assert f"certificate verify failed for {host}:{server.port}: " in error.problem
            assert "mismatch" in error.problem
            assert error.hint.startswith("the certificate is for another ")
        assert http_session(ca_path=path, validate_certs=False).send(Request("GET", f"https://localhost:{server.port}/")).status == 200


@pytest.mark.parametrize("host", ["localhost.", "xn--fa-hia.example", "faß.example", "faß.example."])
@pytest.mark.parametrize("proxied", [False, True])
def test_names_that_certificates_have(authority: tuple[trustme.CA, str], monkeypatch: pytest.MonkeyPatch, host: str, proxied: bool) -> None:
    """A certificate has no dot at the end, and international names in ASCII; so has the name in the handshake (SNI)."""
    ca, path = authority
    names: list[str] = []
    context = server_context(ca.issue_cert("localhost", "xn--fa-hia.example"))
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with Server(answering(REPLY), context) as server, Proxy(leads_to=server.port) as proxy:
        _resolve_everything(monkeypatch)
        made = http_session(ca_path=path, proxy=f"http://127.0.0.1:{proxy.port}" if proxied else None)
        assert made.send(Request("GET", f"https://{host}:{server.port}/")).status == 200
    assert names == ["localhost" if host.startswith("local") else "xn--fa-hia.example"]
    assert len(proxy.asked) == proxied


def _resolve_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _name, port, *rest, **more: resolve("127.0.0.1", port, *rest, **more))


# -- faults of certificates and handshakes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "told", "hint"),
    [((-10, -2), "certificate has expired", "renew the certificate on the server"), ((2, 10), "certificate is not yet valid", "check this machine's clock")],
)
def test_a_certificate_out_of_its_time(authority: tuple[trustme.CA, str], days: tuple[int, int], told: str, hint: str) -> None:
    ca, path = authority
    now = datetime.datetime.now(datetime.UTC)
    begin, end = (now + datetime.timedelta(days=day) for day in days)
    with tls_server(ca.issue_cert("localhost", not_before=begin, not_after=end)) as server:
        error = failure(http_session(ca_path=path), Request("GET", f"https://localhost:{server.port}/match"))
    assert (error.kind, told in error.problem, hint in error.hint) == ("tls", True, True)


def test_a_self_signed_certificate(tmp_path: Path) -> None:
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), cwd=tmp_path, check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with Server(answering(REPLY), context) as server:
        request = Request("GET", f"https://localhost:{server.port}/")
        error = failure(http_session(), request)
        assert (error.kind, error.problem) == ("tls", f"certificate verify failed for localhost:{server.port}: self-signed certificate")
        assert error.hint.startswith("set ca_path (APIAUTH_CA_PATH in the environment) to the certificate")
        assert http_session(ca_path=str(tmp_path / "cert.pem")).send(request).status == 200


@pytest.mark.parametrize(
    ("code", "reason", "hint"),
    [
        (85, "Missing Authority Key Identifier", "give the server a certificate without this fault"),
        (67, "CA cert does not include key usage extension", "give the server a certificate without this fault"),
        (19, "self-signed certificate in certificate chain", "set ca_path (APIAUTH_CA_PATH in the environment) to the CA of the service"),
    ],
)
def test_what_openssl_says_is_shown(code: int, reason: str, hint: str) -> None:
    """Python 3.13 refuses certificates for faults that a ca_path does not cure."""
    problem = ssl.SSLCertVerificationError(1, f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {reason} (_ssl.c:1000)")
    problem.verify_code, problem.verify_message = code, reason
    error = explain_tls(problem, "h:443", sent=False)
    assert (error.kind, error.problem, error.hint) == ("tls", f"certificate verify failed for h:443: {reason}", hint)


def test_a_port_that_does_not_speak_tls(emulator: Emulator) -> None:
    error = failure(http_session(retries=3), ping(emulator.http.replace("http://", "https://")))
    assert (error.kind, error.tries, error.sent) == ("tls", 1, False)
    assert error.problem.startswith(f"TLS handshake with {emulator.http[7:]} failed: ")
    assert "check that api_url names a port that speaks TLS" in error.hint


def test_plain_http_on_a_tls_port(emulator: Emulator) -> None:
    error = failure(http_session(), ping(emulator.https.replace("https://", "http://")))
    assert error.sent
    if error.kind == "protocol":
        assert "use https in api_url" in error.hint


def test_a_handshake_that_hangs_was_never_a_request() -> None:
    """It is tried again whatever the request is. urllib3 calls it a read timeout."""
    done = threading.Event()

    def hang(_talk: socket.socket) -> None:
        done.wait(5)

    with Server(hang) as server:
        error = failure(http_session(timeout=0.2, retries=1), Request("POST", f"https://127.0.0.1:{server.port}/", single_use=True))
        done.set()
    assert (error.kind, error.tries, error.sent, server.connections) == ("network", 2, False, 2)
    assert error.problem == f"connection to 127.0.0.1:{server.port} timed out after 0.2 seconds"


def test_a_server_that_hangs_up_within_the_handshake() -> None:
    def hang_up(talk: socket.socket) -> None:
        talk.recv(10)

    with Server(hang_up) as server:
        error = failure(http_session(), Request("GET", f"https://127.0.0.1:{server.port}/"))
    assert (error.kind in ("tls", "network"), error.sent) == (True, False)
    assert f"127.0.0.1:{server.port}" in error.problem


# -- client certificates -------------------------------------------------------------------------------------------


def test_a_client_certificate(emulator: Emulator) -> None:
    cert, key = emulator.client_cert
    assert http_session(ca_path=emulator.ca, client_cert=cert, client_key=key).send(ping(emulator.mtls)).status == 401


def test_certificate_and_key_in_one_file(emulator: Emulator, tmp_path: Path) -> None:
    cert, key = emulator.client_cert
    (tmp_path / "both.pem").write_text(Path(key).read_text() + Path(cert).read_text())
    assert http_session(ca_path=emulator.ca, client_cert=str(tmp_path / "both.pem")).send(ping(emulator.mtls)).status == 401


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("other", [True, False])
def test_a_client_certificate_that_is_refused(emulator: Emulator, authority: tuple[trustme.CA, str], other: bool, version: ssl.TLSVersion) -> None:
    ca, path = authority
    cert, key = emulator.other_client_cert
    made = http_session(ca_path=path, retries=3, client_cert=cert if other else None, client_key=key if other else None)
    context = server_context(ca.issue_cert("localhost"), client_ca=path)
    context.minimum_version = context.maximum_version = version
    with Server(answering(REPLY), context) as server:
        error = failure(made, Request("GET", f"https://localhost:{server.port}/", repeatable=True))
    assert (error.kind, error.tries, server.connections) == ("tls", 1, 1)
    # With TLS 1.3 the refusal arrives after the request was sent.
    assert error.sent == (version is ssl.TLSVersion.TLSv1_3)
    assert "client certificate" in str(error)
    assert "sslv3 alert" in error.problem or "client_cert" in error.hint


@pytest.mark.parametrize(
    "alert",
    ["TLSV13_ALERT_CERTIFICATE_REQUIRED", "TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_BAD_CERTIFICATE", "TLSV1_ALERT_DECRYPT_ERROR", "TLSV1_ALERT_ACCESS_DENIED"],
)
def test_alerts_about_a_client_certificate(alert: str) -> None:
    problem = ssl.SSLError(1, f"[SSL: {alert}] {alert.lower()} (_ssl.c:2559)")
    problem.reason = alert
    error = explain_tls(problem, "h:443", sent=True)
    assert error.problem == f"h:443 requires a client certificate, or rejected the one that it was given ({alert.lower().replace('_', ' ')})"
    assert (error.hint, error.sent, error.kind) == ("check client_cert and client_key", True, "tls")


def test_a_server_that_hangs_up_where_a_client_certificate_is_missing(emulator: Emulator) -> None:
    error = failure(http_session(ca_path=emulator.ca), ping(emulator.mtls))
    assert (error.kind in ("network", "tls"), "client certificate" in str(error)) == (True, True)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"client_key": "k"}, "client_key is given without client_cert; give both"),
        ({"client_cert": "/no/such.pem"}, "client_cert and client_key: '/no/such.pem' cannot be read (No such file or directory)"),
        ({"client_cert": "{cert}", "client_key": "/no/key.pem"}, "client_cert and client_key: '/no/key.pem' cannot be read"),
        ({"client_cert": "{cert}", "client_key": "{ca}"}, "'{cert}' and '{ca}' hold no certificate and private key that can be used together ("),
        ({"client_cert": "{cert}", "client_key": "{other_key}"}, "that can be used together (key values mismatch)"),
        ({"client_cert": "{cert}"}, "'{cert}' hold"),
    ],
)
def test_client_certificates_that_make_no_sense(emulator: Emulator, options: dict[str, str], told: str) -> None:
    files = {"cert": emulator.client_cert[0], "ca": emulator.ca, "other_key": emulator.other_client_cert[1]}
    given: dict[str, Any] = {name: value.format(**files) for name, value in options.items()}
    error = failure(http_session(**given, retries=3), ping(emulator.https))
    assert (error.kind, error.tries, error.sent) == ("configuration", 0, False)
    assert told.format(**files) in str(error)


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
def test_an_encrypted_key_does_not_ask_at_the_terminal(emulator: Emulator, tmp_path: Path, form: str) -> None:
    from cryptography.hazmat.primitives import serialization

    cert, key = emulator.client_cert
    secret = serialization.load_pem_private_key(Path(key).read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"word")
    (tmp_path / "key.pem").write_bytes(secret.private_bytes(serialization.Encoding.PEM, getattr(serialization.PrivateFormat, form), encryption))
    error = failure(http_session(client_cert=cert, client_key=str(tmp_path / "key.pem")), ping(emulator.https))
    assert (error.kind, "is encrypted; give a key without a passphrase" in str(error), "key.pem" in str(error)) == ("configuration", True, True)
