# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of the emulator's own, made at start."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme

NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Certificates:
    """Where the files are. ``other_*`` come from a CA that nobody here trusts."""

    ca: Path
    server_cert: Path
    server_key: Path
    client_cert: Path
    client_key: Path
    other_ca: Path
    other_client_cert: Path
    other_client_key: Path


def make(directory: Path) -> Certificates:
    files = Certificates(**{name: directory / f"{name.replace('_', '-')}.pem" for name in Certificates.__dataclass_fields__})
    ours, other = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(files.ca)
    other.cert_pem.write_to_path(files.other_ca)
    _write(ours.issue_cert(*NAMES), files.server_cert, files.server_key)
    _write(ours.issue_cert("client@example.com"), files.client_cert, files.client_key)
    _write(other.issue_cert("client@example.com"), files.other_client_cert, files.other_client_key)
    return files


def _write(pair: trustme.LeafCert, cert: Path, key: Path) -> None:
    cert.write_bytes(b"".join(blob.bytes() for blob in pair.cert_chain_pems))
    key.touch(mode=0o600)
    key.write_bytes(pair.private_key_pem.bytes())


def server_context(files: Certificates, client_required: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.server_cert, files.server_key)
    if client_required:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(files.ca)
    return context
