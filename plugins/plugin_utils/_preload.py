# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the parent of all workers loads, because it is then free to its forks.

Ansible imports action plugins in the parent when it parses a play. Without this, each worker would load the library requests (60 ms, by importing `session`),
build a TLS context (31 to 35 ms), start OpenSSL for the first decryption (3 to 4 ms), and parse the documentation of a lookup for its options (7 ms).
"""

from __future__ import annotations

import os
import pkgutil
from contextlib import suppress

from ansible import constants

from ..module_utils.auth.errors import ApiError
from ..module_utils.auth.http import session
from ..module_utils.auth.http.tls import tls_context
from ..module_utils.auth.options import CACHE, CONNECTION, ConnectionSettings
from . import _core
from ._clients import open_store
from ._option_sources import OptionSources

LOOKUPS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "lookup")


def preload_for_workers() -> None:
    """Build the TLS context and the cache key of the environment and `ansible.cfg`, and load the definitions of the lookups' options.

    What is wrong with these options is reported by the tasks that use them.
    """
    sources = OptionSources({}, {}, None, os.environ)
    with suppress(ApiError):
        if session.REQUESTS_IMPORT_ERROR is None:
            tls_context(ConnectionSettings.from_options(sources.resolve(CONNECTION), 30.0), os.environ)
    # ansible-test imports this without cryptography, which every ansible-core brings.
    with suppress(ApiError, ImportError):
        store = open_store(sources.resolve(CACHE))
        key = store.key() if store is not None else None
        if key is not None:
            key.unseal("", key.seal("", {}))
    if constants.DEFAULT_FORKS > 1:
        _core.preload_lookups(f"apiauth.tokens.{module.name}" for module in pkgutil.iter_modules([LOOKUPS]))
