# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One account's WHM tokens: how they are listed, created and revoked, and which one is in use."""

from __future__ import annotations

from typing import Any

import pytest
from engine.whm import NOW, SECRET, Refused, Server, entry

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.tokens import ApiToken

ASKED = ApiToken("t", frozenset({"ssl"}), None, NOW + 60)


class Listing(Server):
    """A server whose list of tokens has this form."""

    def __init__(self, reply: Any) -> None:
        super().__init__()
        self.reply = reply

    def api_token_list(self, _params: dict[str, str]) -> Any:
        return self.reply


@pytest.mark.parametrize("tokens", [None, [], {}])
def test_an_empty_list_comes_in_many_forms(tokens: Any) -> None:
    assert Listing({"tokens": tokens}).token_api().list_tokens() == {}
    assert Listing(None).token_api().list_tokens() == {}


def test_a_list_comes_as_a_map_or_as_a_list() -> None:
    row = {"name": "t", "acls": ["ssl"], "create_time": "5"}
    expected = {"t": ApiToken("t", frozenset({"ssl"}), 5)}
    assert Listing({"tokens": [row]}).token_api().list_tokens() == expected
    assert Listing({"tokens": {"t": {**row, "name": None}}}).token_api().list_tokens() == expected


@pytest.mark.parametrize("tokens", ["text", 7, True])
def test_a_list_in_an_unknown_form_is_no_empty_list(tokens: Any) -> None:
    with pytest.raises(ApiError, match="the list of tokens has an unknown form") as caught:
        Listing({"tokens": tokens}).token_api().list_tokens()
    assert caught.value.kind == "protocol"


def test_a_creation_returns_the_token_and_its_secret() -> None:
    server = Server()
    token, secret = server.token_api().create(ASKED, False)
    assert token == ASKED._replace(create_time=NOW)
    assert secret == SECRET
    assert server.sent("api_token_create") == {"token_name": "t", "acl": "ssl", "expires_at": str(NOW + 60)}


def test_a_creation_without_a_secret_is_an_error_that_says_it_was_sent() -> None:
    class Silent(Server):
        def api_token_create(self, params: dict[str, str]) -> Any:
            return {**super().api_token_create(params), "token": ""}

    with pytest.raises(ApiError, match="the reply holds no secret") as caught:
        Silent().token_api().create(ASKED, False)
    assert caught.value.kind == "protocol"
    assert caught.value.sent is True


def test_an_update_whose_reply_is_empty_has_done_what_was_asked() -> None:
    class Silent(Server):
        def api_token_update(self, params: dict[str, str]) -> Any:
            super().api_token_update(params)

    server = Silent(entry("t", "news"))
    assert server.token_api().update(ApiToken("t"), ASKED, False) == ASKED
    assert server.tokens["t"]["acls"] == ["ssl"]


def test_a_revocation_skips_tokens_that_do_not_exist_any_more() -> None:
    server = Server(entry("a"), entry("b"))
    server.token_api().revoke(["a", "gone", "b"])
    assert server.tokens == {}
    assert server.functions == ["api_token_revoke", "api_token_list", "api_token_revoke"]


def test_a_failed_connection_is_no_missing_token() -> None:
    server = Server(entry("a"))

    def cut(_server: Server) -> None:
        raise ApiError(errors.NETWORK, "the connection broke")

    server.before["api_token_revoke"] = [cut]
    with pytest.raises(ApiError, match="the connection broke"):
        server.token_api().revoke(["a"])
    assert server.functions == ["api_token_revoke"]


def test_the_clock_is_that_of_the_server() -> None:
    assert Server().token_api().clock() == pytest.approx(NOW + 0.5, abs=0.1)


# -- which token is in use -------------------------------------------------------------------------------------------


def own_names(server: Server, secret: str = SECRET) -> tuple[frozenset[str], bool]:
    api = server.token_api(secret)
    return api.own_names(api.list_tokens())


def test_no_token_is_in_use_if_a_password_authenticates() -> None:
    server = Server(entry("me"), own="me")
    assert own_names(server, secret="") == (frozenset(), True)
    assert "api_token_get_details" not in server.functions


def test_since_version_98_the_server_says_it() -> None:
    assert own_names(Server(entry("me"), entry("twin"), own="me")) == (frozenset({"me"}), True)


def test_before_version_98_privileges_exclude_the_others() -> None:
    server = Server(entry("me", "ssl news"), entry("twin", "ssl news"), entry("other", "ssl"), own="me", version=97, mine="ssl news")
    assert own_names(server) == (frozenset({"me", "twin"}), False)


def test_before_version_98_any_token_may_be_in_use_if_no_privileges_match() -> None:
    assert own_names(Server(entry("me", "ssl"), entry("other", "news"), own="me", version=97)) == (frozenset({"me", "other"}), False)


def test_without_privileges_to_compare_any_token_may_be_in_use() -> None:
    server = Server(entry("me", "ssl"), entry("other", "news"), own="me", version=97)

    def refuse(_server: Server) -> None:
        raise Refused("You do not have the privilege for this.")

    server.before["myprivs"] = [refuse]
    assert own_names(server) == (frozenset({"me", "other"}), False)


def test_the_only_valid_token_is_in_use() -> None:
    assert own_names(Server(entry("me"), entry("gone", expires_at=NOW), own="me", version=97)) == (frozenset({"me"}), True)


def test_a_question_that_failed_is_no_permission() -> None:
    server = Server(entry("me"), entry("other"), own="me")

    def cut(_server: Server) -> None:
        raise ApiError(errors.NETWORK, "no reply")

    server.before["api_token_get_details"] = [cut]
    with pytest.raises(ApiError, match="no reply"):
        own_names(server)


# -- what is protected -----------------------------------------------------------------------------------------------


def guard(server: Server, *names: str, force: bool = False, own: bool = True) -> None:
    api = server.token_api(SECRET)
    api.guard(names, api.list_tokens(), "revoked", force, own=own)


def test_a_token_that_may_be_in_use_is_protected() -> None:
    server = Server(entry("me", "ssl news"), entry("twin", "ssl news"), entry("other", "ssl"), own="me", version=97, mine="ssl news")
    for name in ("me", "twin"):
        with pytest.raises(ApiError, match=f"{name} may be the token that this task authenticates with, .*; set force if it shall be revoked"):
            guard(server, name)
    guard(server, "other")
    guard(server, "me", force=True)
    guard(server, "me", own=False)


def test_a_system_token_is_protected_whoever_uses_it() -> None:
    server = Server(entry("web-trust"), own="x")
    with pytest.raises(ApiError, match="web-trust is a token that WHM or another server created for itself") as caught:
        guard(server, "web-trust", own=False)
    assert caught.value.kind == "configuration"
    guard(server, "web-trust", force=True)
