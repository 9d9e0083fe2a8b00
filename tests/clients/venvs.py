# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual environments for clients that others wrote, made when first needed and kept in ``.build/clients``."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import venv
import warnings
from pathlib import Path

import pytest

# Clients by environment: what is installed with its dependencies, and what without. Each client is pinned: what is proved here is proved for
# exactly these versions. WhamBamPy demands versions of requests and urllib3 that Python 3.12 cannot load. certbot-dns-cpanel needs a certbot
# from before 2.0, and that one cryptographic libraries of its time.
ENVIRONMENTS: dict[str, tuple[list[str], list[str]]] = {
    "cpanel": (
        ["requests==2.34.2", "aiohttp==3.14.5", "cpanel-api==0.3.0", "cpanel-client==1.0.0", "aiocpanel==0.1.0"],
        ["WhamBamPy==0.0.7", "pycpanel==0.1.5"],
    ),
    "certbot": (
        ["certbot==1.32.0", "acme==1.32.0", "josepy==1.14.0", "pyOpenSSL==23.3.0", "cryptography==41.0.7", "zope.interface==8.7", "setuptools<81"],
        ["certbot-dns-cpanel==0.4.0"],
    ),
    "cpanel-cli": (["cpanel-cli==0.30.1"], []),
    "rackcorp": (["click==8.5.1", "prompt-toolkit==3.0.53", "pygments==2.21.0", "requests==2.34.2"], ["rackcorp-api-client==0.0.4"]),
    "vss-cli": (["vss-cli==2026.4.0", "setuptools<81"], []),
    "mcp-vss": (["mcp-vss==2026.8.0.dev0"], []),
    "httpie": (["httpie==3.2.4"], []),
}
# The proxy of this machine is not for servers on loopback; pip's own settings are.
NO_PROXY = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}


class NotInstalled(UserWarning):
    """A client could not be installed, and its tests did not run."""


def build_directory() -> Path:
    """Return the checkout's ``.build``, also from a copy of the checkout inside of it."""
    own = Path(__file__).resolve()
    inside = [parent for parent in own.parents if parent.name == ".build"]
    return inside[-1] if inside else own.parents[2] / ".build"


def skip_loudly(reason: str) -> None:
    """Skip the test, with a warning in the summary, which the reason of a skip alone is not."""
    warnings.warn(reason, NotInstalled, stacklevel=2)
    pytest.skip(reason)


def environment(name: str) -> Path:
    """Return the ``bin`` of an environment, made if it is not there. Skips the test if the package index cannot be reached."""
    with_dependencies, alone = ENVIRONMENTS[name]
    contents = f"{sys.version}\n{with_dependencies}\n{alone}\n"
    place = build_directory() / "clients" / f"{name}-{sys.version_info[0]}.{sys.version_info[1]}"
    place.parent.mkdir(parents=True, exist_ok=True)
    marker = place / "installed"
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not marker.is_file() or marker.read_text() != contents:
            _install(name, place, with_dependencies, alone)
            marker.write_text(contents)
    return place / "bin"


def _install(name: str, place: Path, with_dependencies: list[str], alone: list[str]) -> None:
    venv.create(place, clear=True, with_pip=True)
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for arguments in ([*with_dependencies], ["--no-deps", *alone] if alone else []):
        if not arguments:
            continue
        ended = subprocess.run([*pip, *arguments], capture_output=True, text=True, check=False, timeout=600)
        if ended.returncode:
            skip_loudly(f"the environment {name} could not be installed, its tests did not run: {ended.stderr.strip().splitlines()[-1:]}")


def clean_environment(home: Path, **variables: str) -> dict[str, str]:
    """Return an environment without this machine's proxies and credentials, with a home of its own."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    return {**kept, **NO_PROXY, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"), "PYTHONIOENCODING": "utf-8", **variables}
