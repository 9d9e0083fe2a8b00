# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short-lived WHM tokens: their lifetime, what is revoked meanwhile, servers that ignore limits, and which requests share a token."""

from __future__ import annotations

import time
from typing import Any

import pytest
from engine.whm import NOW, SECRET, Server, entry

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.model import Token
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm import mint as whm_mint
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.mint import WhmMint, WhmRevocation

ADDRESS: dict[str, Any] = {"whitelist_ips": ["192.0.2.1"]}


def provider(**options: Any) -> WhmMint:
    defaults = {option.name: option.default for option in WhmMint.options}
    return WhmMint(Options({**defaults, "host": "whm.example.com", "password": "word", "acls": ["ssl"], **options}))


def mint(server: Server, **options: Any) -> Token:
    return provider(**options).login(server.http(), NOW + 0.5, None)


def stamped(seconds_ago: int, prefix: str = "apiauth") -> str:
    """Return the name of a token that was minted so many seconds ago."""
    return f"{prefix}-{time.strftime(whm_mint.STAMP, time.gmtime(NOW - seconds_ago))}-0a1b2c3d"


def test_a_minted_token_expires() -> None:
    server = Server()
    token = mint(server, ttl=600, **ADDRESS)
    assert token.value == SECRET
    assert token.lifetime == 600.0
    ((name, created),) = server.tokens.items()
    assert token.extra == {"name": name}
    assert name.startswith(stamped(0)[:-8])
    assert created["acls"] == ["ssl"]
    assert created["expires_at"] == NOW + 600
    assert created["whitelist_ips"] == ["192.0.2.1"]
    assert "api_token_update" not in server.functions


def test_all_privileges_are_requested_by_naming_none() -> None:
    server = Server(mine="ssl news")
    mint(server, acls=None, all_privileges=True)
    assert "acl" not in server.sent("api_token_create")


def test_a_misspelled_privilege_is_refused_before_anything_is_created() -> None:
    """Fails when WHM gets a name that it ignores. The names of the reference chart cost no request."""
    server = Server()
    with pytest.raises(ApiError, match=r"there is no privilege listaccts; did you mean list-accts\?"):
        mint(server, acls=["ssl", "listaccts"])
    assert server.functions == ["myprivs"]


def test_a_privilege_of_a_plugin_is_granted_though_the_server_lists_none() -> None:
    server = Server()

    def fail(_server: Server) -> None:
        raise ApiError(errors.SERVER, "out of order")

    server.before["myprivs"] = [fail]
    assert mint(server, acls=["software-csf"]).value == SECRET


# -- the sweep -------------------------------------------------------------------------------------------------------


def test_expired_tokens_of_this_prefix_are_revoked() -> None:
    dead = [entry(name, expires_at=NOW - 1) for name in (stamped(90), "apiauth-mine")]
    others = [entry(name, expires_at=NOW - 1) for name in (stamped(90, "other"), "apiauthor-mine", "apiauth", "apiauth-trust")]
    alive = [entry(stamped(90, "apiauth-x"), expires_at=NOW + 1), entry("apiauth-endless")]
    server = Server(*dead, *others, *alive)
    token = mint(server)
    assert set(server.tokens) == {token.extra["name"], *(known["name"] for known in (*others, *alive))}


def test_endless_tokens_of_a_server_that_ignored_their_expiry_are_revoked_by_their_stamp() -> None:
    """Fails if the sweep goes by `expires_at` alone, or if it revokes what another login is just correcting."""
    old, new, other = stamped(whm_mint.ENDLESS_AFTER + 2), stamped(whm_mint.ENDLESS_AFTER - 2), stamped(9999, "other")
    server = Server(entry(old), entry(new), entry(other), entry("apiauth-20270115075902"))
    mint(server)
    assert old not in server.tokens
    assert {new, other, "apiauth-20270115075902"} < set(server.tokens)


@pytest.mark.parametrize("function", ["api_token_list", "api_token_revoke"])
def test_a_sweep_that_fails_does_not_fail_the_login(function: str) -> None:
    server = Server(entry(stamped(90), expires_at=NOW - 1))

    def fail(_server: Server) -> None:
        raise ApiError(errors.NETWORK, "no reply")

    server.before[function] = [fail] * 5
    assert mint(server).value == SECRET
    assert function in server.functions


def test_a_sweep_is_tried_once_and_not_for_long() -> None:
    server = Server(entry(stamped(90), expires_at=NOW - 1))
    mint(server)
    assert server.functions == ["api_token_create", "api_token_list", "api_token_revoke"]
    short = {"timeout": whm_mint.SWEEP_TIMEOUT, "retries": 0}
    assert server.limits == [{}, short, short]


# -- servers whose clock differs, or that ignore limits --------------------------------------------------------------


class Ahead(Server):
    """A server that creates tokens in the future."""

    def api_token_create(self, params: dict[str, str]) -> Any:
        created = super().api_token_create(params)
        self.tokens[created["name"]]["create_time"] = NOW + 3000
        return {**created, "create_time": NOW + 3000}


def test_the_lifetime_counts_by_the_clock_of_the_server() -> None:
    server = Ahead()
    assert mint(server, ttl=3600).lifetime == 3600.0
    update = server.sent("api_token_update")
    assert update["expires_at"] == str(NOW + 3000 + 3600)
    assert update["acl"] == "ssl"


def test_a_token_that_expires_at_another_time_is_used_if_it_cannot_be_corrected() -> None:
    server = Ahead()

    def fail(_server: Server) -> None:
        raise ApiError(errors.FORBIDDEN, "no")

    server.before["api_token_update"] = [fail]
    assert mint(server, ttl=3600).lifetime == 600.0


class IgnoresWhenCreating(Server):
    """A server that knows the limits only in updates."""

    def api_token_create(self, params: dict[str, str]) -> Any:
        self.ignores = ("expires_at", "whitelist_ip")
        created = super().api_token_create(params)
        self.ignores = ()
        return created


def test_limits_that_were_ignored_are_set_by_an_update() -> None:
    server = IgnoresWhenCreating()
    token = mint(server, ttl=600, **ADDRESS)
    assert token.lifetime == 600.0
    created = server.tokens[token.extra["name"]]
    assert created["expires_at"] == NOW + 600
    assert created["whitelist_ips"] == ["192.0.2.1"]
    assert created["acls"] == ["ssl"]


@pytest.mark.parametrize("ignored", ["expires_at", "whitelist_ip"])
def test_a_token_without_its_limits_is_revoked_and_an_error(ignored: str) -> None:
    server = Server(ignores=(ignored,))
    with pytest.raises(ApiError, match=f"the server ignores {ignored}.*, so a short-lived token cannot be created; the one .* has been revoked") as caught:
        mint(server, **ADDRESS)
    assert caught.value.kind == "server"
    assert server.tokens == {}
    assert server.functions.count("api_token_update") == 1


def test_a_token_without_its_limits_is_revoked_if_the_update_fails() -> None:
    server = Server(ignores=("expires_at",))

    def fail(_server: Server) -> None:
        raise ApiError(errors.NETWORK, "no reply")

    server.before["api_token_update"] = [fail]
    with pytest.raises(ApiError, match="no reply"):
        mint(server)
    assert server.tokens == {}


# -- options ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"name_prefix": "a b"}, "name_prefix must be 1 to 26 letters"),
        ({"name_prefix": "a" * 27}, "name_prefix must be 1 to 26 letters"),
        ({"name_prefix": "transfer"}, "must not begin as a system's tokens do"),
        ({"ttl": 0}, "ttl must be at least a second"),
        ({"whitelist_ips": ["office"]}, "whitelist_ips must be"),
        ({"acls": []}, "acls is empty"),
        ({"acls": ["x y"]}, "acls must be names"),
    ],
)
def test_nothing_is_minted_from_bad_options(options: dict[str, Any], problem: str) -> None:
    server = Server()
    with pytest.raises(ApiError, match=problem) as caught:
        mint(server, **options)
    assert caught.value.kind == "configuration"
    assert server.calls == []


def test_the_longest_prefix_fits() -> None:
    server = Server()
    mint(server, name_prefix="a" * whm_mint.MAX_PREFIX_LENGTH)
    (name,) = server.tokens
    assert len(name) == 50


def identity(**options: Any) -> tuple[str, ...]:
    return provider(**{"acls": ["ssl", "news"], **options}).account.identity


def test_different_requests_have_tokens_of_their_own() -> None:
    everything: dict[str, Any] = {"acls": None, "all_privileges": True}
    requests: list[dict[str, Any]] = [{}, everything, {"acls": ["ssl"]}, {"ttl": 5}, ADDRESS, {"name_prefix": "x"}, {"username": "r"}]
    assert len({identity(**options) for options in requests}) == len(requests)


def test_order_and_repetition_of_privileges_make_no_difference() -> None:
    assert identity() == identity(acls=["news", "ssl", "ssl"])


def test_no_privileges_are_not_all_of_them() -> None:
    """Refused before the cache is asked, which may hold a token with all privileges; what is refused later is not found there."""
    with pytest.raises(ApiError, match="acls is empty") as caught:
        identity(acls=[])
    assert caught.value.kind == "configuration"
    everything = identity(acls=None, all_privileges=True)
    assert everything != identity(acls=[""])
    assert everything != identity(acls=["privileges"])


def test_one_of_acls_and_all_privileges_is_required() -> None:
    with pytest.raises(ApiError, match="missing acls or all_privileges"):
        identity(acls=None)
    with pytest.raises(ApiError, match="acls and all_privileges exclude each other"):
        identity(all_privileges=True)


def test_a_given_token_is_a_credential() -> None:
    account = provider(token="GIVEN").account
    assert account.supplied_token is None
    assert account.credential == ("GIVEN",)


# -- revocation ------------------------------------------------------------------------------------------------------


def test_a_token_is_revoked_by_its_name() -> None:
    server = Server(entry("apiauth-1"), entry("apiauth-2"))
    revoker = WhmRevocation(Options(host="whm.example.com", password="word"))
    assert revoker.revoke(server.http(), Token("x", extra={"name": "apiauth-1"})) is True
    assert list(server.tokens) == ["apiauth-2"]


def test_a_token_without_a_name_cannot_be_revoked() -> None:
    server = Server(entry("apiauth-1"))
    revoker = WhmRevocation(Options(host="whm.example.com", password="word"))
    assert revoker.revoke(server.http(), Token("x")) is False
    assert server.calls == []
