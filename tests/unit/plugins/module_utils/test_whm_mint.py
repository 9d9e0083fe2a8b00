# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens of WHM that are minted for a task: how long they live, what is swept meanwhile, and which wants share one."""

from __future__ import annotations

from typing import Any

import pytest
from engine.whm import NOW, SECRET, Server, entry

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import Token
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers import whm_lifecycle
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm_mint import WhmMint


class Client:
    """What of a client minting needs."""

    def __init__(self) -> None:
        self.retries, self.timeout, self.clock_offset = 3, 120.0, 0.0


def mint(server: Server, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Token:
    values = Options({**{one.name: one.default for one in WhmMint.options}, "acls": ["a"], **options})
    monkeypatch.setattr(whm_lifecycle, "door_of", lambda _options, _client: server.door())
    client: Any = Client()
    return whm_lifecycle.minted(values, client, NOW + 0.5)


def test_a_minted_token_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    token = mint(server, monkeypatch, ttl=600, whitelist_ips=["192.0.2.1"])
    assert (token.value, token.lifetime) == (SECRET, 600.0)
    ((name, made),) = server.tokens.items()
    assert token.extra == {"name": name}
    assert (made["acls"], made["expires_at"], made["whitelist_ips"]) == (["a"], NOW + 600, ["192.0.2.1"])


def test_what_expired_is_swept_if_it_has_this_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = [
        entry(name, expires_at=NOW - 1)
        for name in ("apiauth-20270115075900-0a1b2c3d", "apiauth-mine", "other-20270115075900-0a1b2c3d", "apiauthor-mine", "apiauth", "apiauth-trust")
    ]
    alive = [entry("apiauth-20270115075901-0a1b2c3d", expires_at=NOW + 1), entry("apiauth-20270115075902-0a1b2c3d")]
    server = Server(*dead, *alive)
    mint(server, monkeypatch)
    assert {one["name"] for one in (*dead[2:], *alive)} == set(list(server.tokens)[:-1])


@pytest.mark.parametrize("failure", [ApiError(errors.NETWORK, "no"), RuntimeError("no")])
@pytest.mark.parametrize("function", ["api_token_list", "api_token_revoke"])
def test_a_sweep_that_fails_is_not_seen(monkeypatch: pytest.MonkeyPatch, failure: Exception, function: str) -> None:
    server = Server(entry("apiauth-20270115075900-0a1b2c3d", expires_at=NOW - 1))

    def fail(_this: Server) -> None:
        raise failure

    server.before[function] = [fail] * 5
    assert mint(server, monkeypatch).value == SECRET
    assert function in server.functions


def test_the_life_is_counted_by_the_clock_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ahead(Server):
        def api_token_create(self, params: dict[str, str]) -> Any:
            return {**super().api_token_create(params), "create_time": NOW + 3000}

    server = Ahead()
    token = mint(server, monkeypatch, ttl=3600)
    assert token.lifetime == 3600.0
    assert server.sent("api_token_update")["expires_at"] == str(NOW + 3000 + 3600)
    assert server.sent("api_token_update")["acl"] == "a"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"name_prefix": "a b"}, "name_prefix must be 1 to 26 letters"),
        ({"name_prefix": "a" * 27}, "name_prefix must be 1 to 26 letters"),
        ({"name_prefix": "transfer"}, "as the tokens of a system do"),
        ({"ttl": 0}, "ttl must be a second or more"),
        ({"whitelist_ips": ["office"]}, "whitelist_ips must be"),
        ({"acls": []}, "acls is empty"),
    ],
)
def test_nothing_is_minted_from_bad_options(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], why: str) -> None:
    server = Server()
    with pytest.raises(ApiError, match=why):
        mint(server, monkeypatch, **options)
    assert server.calls == []


def test_the_longest_prefix_fits() -> None:
    assert whm_lifecycle.LONGEST_PREFIX == 26


def account_of(**options: Any) -> tuple[str, ...]:
    values = Options({**{one.name: one.default for one in WhmMint.options}, "host": "h", "password": "p", "acls": ["a", "b"], **options})
    return WhmMint().account(values).identity


def test_different_wants_have_tokens_of_their_own() -> None:
    everything: dict[str, Any] = {"acls": None, "all_privileges": True}
    wants: list[dict[str, Any]] = [{}, everything, {"acls": ["a"]}, {"ttl": 5}, {"whitelist_ips": ["192.0.2.1"]}, {"name_prefix": "x"}, {"username": "r"}]
    assert len({account_of(**want) for want in wants}) == len(wants)
    assert account_of() == account_of(acls=["b", "a", "a"])


def test_no_privileges_are_not_all_of_them() -> None:
    """Refused before the cache is asked, which may hold a token with all privileges; what is refused only later is not found there."""
    with pytest.raises(ApiError, match="acls is empty") as refused:
        account_of(acls=[])
    assert refused.value.kind == "configuration"
    everything = account_of(acls=None, all_privileges=True)
    assert everything != account_of(acls=[""])
    assert everything != account_of(acls=["privileges"])
