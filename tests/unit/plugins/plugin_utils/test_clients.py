# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the cache and its key are."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from ansible_collections.apiauth.tokens.plugins.plugin_utils import _clients


@pytest.mark.parametrize(
    ("home", "path", "origin", "usable"),
    [
        ("/home/alice", "/home/alice/.ansible", "default", True),
        ("/home/alice", "/srv/ansible", "env: ANSIBLE_HOME", True),
        # A user without a home directory, as in a container with any user id: core takes "~" for a directory of the project.
        ("~", "/project/~/.ansible", "default", False),
        ("relative", "/project/relative/.ansible", "default", False),
        ("~", "/project/~/mine", "env: ANSIBLE_HOME", False),
        ("~", "/srv/ansible", "env: ANSIBLE_HOME", True),
    ],
)
def test_what_must_last_is_in_the_home_of_ansible(monkeypatch: pytest.MonkeyPatch, home: str, path: str, origin: str, usable: bool) -> None:
    """Fails when the key is stored in the project of a user who has no home directory."""
    config = SimpleNamespace(get_config_value_and_origin=lambda _name: (path, origin))
    monkeypatch.setattr(_clients, "constants", SimpleNamespace(config=config, DEFAULT_LOCAL_TMP="/tmp/run"))
    monkeypatch.setattr(os.path, "expanduser", lambda _text: home)
    assert os.path.isabs(_clients.home()) == usable
    if usable:
        assert _clients.home() == f"{path}/apiauth"
