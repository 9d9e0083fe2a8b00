# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS contexts: built from the settings, and cached in each process, because building one takes longer than the rest of a call."""

from __future__ import annotations

import os
import re
import ssl
import typing as t

from ..errors import ApiError, configuration_error

if t.TYPE_CHECKING:
    from ..options import ConnectionSettings

try:
    import urllib3
except ImportError:
    _urllib3_version = ""
else:
    _urllib3_version = t.cast("t.Any", urllib3).__version__

# The variables that requests and curl read, in this order; OpenSSL reads others.
BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_ENCRYPTED = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: *4, *ENCRYPTED")

# urllib3 1.26 hands no IP address to OpenSSL, so it has to compare the names and addresses of certificates itself; it does if the context does not.
_URLLIB3_CHECKS_HOSTNAME = _urllib3_version.startswith("1.")

_contexts: dict[tuple[t.Any, ...], ssl.SSLContext] = {}


def tls_context(settings: ConnectionSettings, environ: t.Mapping[str, str]) -> ssl.SSLContext:
    """Return the TLS context of these settings; it is shared and must not be changed.

    Raises a configuration error that names the file that cannot be used.
    """
    cert, key = settings.client_cert, settings.client_key
    if key and not cert:
        raise configuration_error("client_key is given without client_cert", "give both")
    authorities = _find_ca(settings, environ)
    # A file may be renewed during a play, so its time belongs to the key.
    made_of = (settings.validate_certs, tuple(_fingerprint(path) for _source, path in authorities), _fingerprint(cert), _fingerprint(key))
    if made_of not in _contexts:
        context = _new_context(settings.validate_certs, authorities)
        if cert:
            _load_client_certificate(context, cert, key)
        _contexts[made_of] = context
    return _contexts[made_of]


def _find_ca(settings: ConnectionSettings, environ: t.Mapping[str, str]) -> list[tuple[str, str]]:
    """Return where trusted CAs are, each with the option or variable that names it; nothing for the system's own.

    As with OpenSSL, SSL_CERT_FILE and SSL_CERT_DIR count together, and the directories in the latter need not exist.
    """
    if not settings.validate_certs:
        return []
    if settings.ca_path:
        return [("ca_path", settings.ca_path)]
    bundle = next((name for name in BUNDLE_VARIABLES if environ.get(name)), None)
    if bundle:
        return [(bundle, environ[bundle])]
    file, directories = environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR", "")
    authorities = [("SSL_CERT_FILE", file)] if file else []
    authorities += [("SSL_CERT_DIR", path) for path in directories.split(os.pathsep) if os.path.isdir(path)]
    return authorities or ([("SSL_CERT_DIR", directories)] if directories else [])


def _fingerprint(path: str | None) -> t.Any:
    """Return what changes when a file, or a file in a directory, is replaced."""
    if not path:
        return None
    try:
        if not os.path.isdir(path):
            status = os.stat(path)
            return path, status.st_mtime_ns, status.st_size
        with os.scandir(path) as entries:
            return path, tuple(sorted((entry.name, entry.stat().st_mtime_ns) for entry in entries if entry.is_file()))
    except (OSError, ValueError):
        return path, None


def _new_context(validate_certs: bool, authorities: list[tuple[str, str]]) -> ssl.SSLContext:
    if not validate_certs:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif authorities:
        # No certificate is below a path that is no directory, so this context trusts nobody yet.
        context = ssl.create_default_context(capath=os.devnull)
        if not sum(_load_authorities(context, path, source) for source, path in authorities):
            source, path = authorities[-1]
            raise configuration_error(f"the directory {source}: {path!r} holds no usable certificates in PEM format", "put CA certificates there")
    else:
        context = ssl.create_default_context()
    if _URLLIB3_CHECKS_HOSTNAME:
        context.check_hostname = False
    # What urllib3 offers in the contexts that it builds itself; some servers and load balancers insist on it.
    context.set_alpn_protocols(["http/1.1"])
    return context


def _load_authorities(context: ssl.SSLContext, path: str, source: str) -> int:
    """Trust the CAs of a file, or of all files of a directory, whatever their names are. Returns the number of files."""
    where, hint = f"{source}: {path!r}", "set it to a file or directory of CA certificates"
    try:
        if not os.path.isdir(path):
            context.load_verify_locations(cafile=path)
            return 1
        with os.scandir(path) as entries:
            # Links that c_rehash made lead to files of the same directory.
            files = sorted({os.path.realpath(entry.path) for entry in entries if entry.is_file()})
    except ssl.SSLError as error:
        raise configuration_error(f"{where} holds no usable certificates in PEM format ({_reason(error)})", hint) from None
    except (OSError, ValueError) as error:
        raise configuration_error(f"{where} cannot be read ({_reason(error)})", hint) from None
    return sum(_try_load(context, file) for file in files)


def _try_load(context: ssl.SSLContext, file: str) -> bool:
    """Return whether a file of a directory holds certificates; other files may lie there too."""
    try:
        context.load_verify_locations(cafile=file)
    except (OSError, ValueError):
        return False
    return True


def _load_client_certificate(context: ssl.SSLContext, cert: str, key: str | None) -> None:
    try:
        for path in filter(None, (cert, key)):
            with open(path, "rb") as file:
                if _ENCRYPTED.search(file.read()):
                    name = "client_cert" if path == cert else "client_key"
                    raise configuration_error(f"{name}: the private key in {path!r} is encrypted", "give a key without a passphrase")
        # Without a password, OpenSSL would ask for one at the terminal.
        context.load_cert_chain(cert, key or None, password="")
    except ApiError:
        raise
    except ssl.SSLError as error:
        given = f"{cert!r} and {key!r}" if key else f"{cert!r}"
        raise configuration_error(
            f"client_cert and client_key: {given} hold no certificate and private key that can be used together ({_reason(error)})",
            "give a certificate and its private key in PEM format",
        ) from None
    except (OSError, ValueError) as error:
        failed = getattr(error, "filename", None) or cert
        raise configuration_error(f"client_cert and client_key: {failed!r} cannot be read ({_reason(error)})", "check the paths") from None
    # Some servers ask for the certificate only after they have seen the request (TLS 1.3, post-handshake authentication).
    context.post_handshake_auth = True


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return getattr(error, "strerror", None) or str(error)
