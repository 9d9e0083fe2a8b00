# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS contexts: built once, from what the settings say, and again for a file that was replaced."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any

import pytest
from emulator.client import Emulator
from engine.clients import closed_port, failure, http_session, ping

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http import tls
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.messages import Request
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import ConnectionSettings


@pytest.fixture
def no_contexts(monkeypatch: pytest.MonkeyPatch) -> dict[Any, ssl.SSLContext]:
    """As in a process that has built none yet."""
    contexts: dict[Any, ssl.SSLContext] = {}
    monkeypatch.setattr(tls, "_contexts", contexts)
    return contexts


@pytest.mark.usefixtures("no_contexts")
def test_a_context_is_built_once() -> None:
    first = tls.tls_context(ConnectionSettings(), {})
    assert tls.tls_context(ConnectionSettings(timeout=3.0), {"https_proxy": "x"}) is first
    assert tls.tls_context(ConnectionSettings(validate_certs=False), {}) is not first
    assert first.verify_mode is ssl.CERT_REQUIRED
    # urllib3 1.26 does it itself.
    assert first.check_hostname or tls._URLLIB3_CHECKS_HOSTNAME


def test_a_process_that_is_warm_builds_none(emulator: Emulator, no_contexts: dict[Any, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ConnectionSettings(ca_path=emulator.ca)
    tls.tls_context(settings, {})
    (context,) = no_contexts.values()
    monkeypatch.setattr(tls, "_new_context", None)
    assert http_session(ca_path=emulator.ca).send(ping(emulator.https)).status == 401
    assert list(no_contexts.values()) == [context]
    assert len(context.get_ca_certs()) == 1


@pytest.mark.usefixtures("no_contexts")
def test_what_cannot_be_used_is_reported() -> None:
    with pytest.raises(ApiError, match="ca_path: '/no/such/ca' cannot be read"):
        tls.tls_context(ConnectionSettings(ca_path="/no/such/ca"), {})


@pytest.mark.usefixtures("no_contexts")
@pytest.mark.parametrize("directory", [False, True])
def test_a_context_is_built_again_for_a_file_that_was_replaced(emulator: Emulator, tmp_path: Path, directory: bool) -> None:
    path = tmp_path / "ca.pem"
    given = str(tmp_path if directory else path)
    path.write_text(Path(emulator.other_ca).read_text())
    assert failure(http_session(ca_path=given), ping(emulator.https)).kind == "tls"
    path.write_text(Path(emulator.ca).read_text())
    os.utime(path, (1, 1))
    assert http_session(ca_path=given).send(ping(emulator.https)).status == 401


@pytest.mark.usefixtures("no_contexts")
def test_what_one_task_trusts_is_not_trusted_by_another(emulator: Emulator) -> None:
    tls.tls_context(ConnectionSettings(), {})
    assert http_session(ca_path=emulator.ca).send(ping(emulator.https)).status == 401
    assert failure(http_session(), ping(emulator.https)).kind == "tls"
    assert failure(http_session(ca_path=emulator.other_ca), ping(emulator.https)).kind == "tls"
    assert http_session(validate_certs=False).send(ping(emulator.https)).status == 401
    assert failure(http_session(), ping(emulator.https)).kind == "tls"


def test_a_client_certificate_may_be_asked_for_later(emulator: Emulator) -> None:
    cert, key = emulator.client_cert
    assert tls.tls_context(ConnectionSettings(client_cert=cert, client_key=key), {}).post_handshake_auth


def test_settings_that_cannot_be_used_are_reported_before_anything_is_sent() -> None:
    """Also for plain http, and although nobody listens there."""
    error = failure(http_session(client_key="k"), Request("GET", f"http://127.0.0.1:{closed_port()}/"))
    assert (error.kind, error.tries) == ("configuration", 0)
