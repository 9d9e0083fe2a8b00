# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done with WHM's tokens, against a server of a few lines that can be interfered with between two calls."""

from __future__ import annotations

from typing import Any

import pytest
from engine.whm import NOW, SECRET, Server, entry

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers import whm_lifecycle, whm_tokens


def ask(server: Server, *, secret: str = "", check_mode: bool = False, **options: Any) -> dict[str, Any]:
    values = Options({**{one.name: one.default for one in whm_tokens.TOKEN_OPTIONS}, **options})
    return whm_lifecycle.manage(server.door(secret), whm_tokens.wanted_of(values), check_mode)


# -- present ---------------------------------------------------------------------------------------------------------


def test_a_new_token_comes_with_its_secret_once() -> None:
    server = Server()
    made = ask(server, name="t", acls=["b", "a"], expires_at="+1h", whitelist_ips=["192.0.2.1", "2001:db8::/48"])
    assert (made["changed"], made["token"]) == (True, SECRET)
    assert made["api_token"] == {
        "name": "t", "acls": ["a", "b"], "create_time": NOW, "expires_at": NOW + 3600, "expired": False, "whitelist_ips": ["192.0.2.1", "2001:db8::/48"],
    }  # fmt: skip
    assert SECRET not in str(made["diff"])
    again = ask(server, name="t", acls=["a", "b"], expires_at="+1h", whitelist_ips=["2001:db8::/48", "192.0.2.1"])
    assert again == {"changed": False, "api_token": made["api_token"]}
    assert server.functions == ["api_token_list", "api_token_create", "api_token_list"]


def test_an_update_sends_everything_that_is_not_to_change_too() -> None:
    server = Server(entry("t", "a b", NOW + 9, ["192.0.2.1"]))
    done = ask(server, name="t", acls=["c"])
    assert server.sent("api_token_update") == {"token_name": "t", "acl": "c", "expires_at": str(NOW + 9), "whitelist_ip": "192.0.2.1"}
    assert done["diff"]["before"]["acls"] == ["a", "b"]
    assert done["diff"]["after"]["acls"] == ["c"]
    assert "token" not in done


def test_no_end_and_no_limit_are_said_too() -> None:
    server = Server(entry("t", "a b", NOW + 9, ["192.0.2.1"]))
    ask(server, name="t", expires_at="never", whitelist_ips=[], new_name="u")
    assert server.sent("api_token_update") == {"token_name": "t", "new_name": "u", "acl": "a", "acl-1": "b", "expires_at": "0", "whitelist_ip": "any"}


def test_all_privileges_are_wanted_by_naming_none() -> None:
    server = Server(entry("t", "a"), mine="a b")
    done = ask(server, name="t", all_privileges=True)
    assert "acl" not in server.sent("api_token_update")
    assert done["api_token"]["acls"] == ["a", "b"]
    assert ask(server, name="t", all_privileges=True)["changed"] is False


def test_check_mode_tells_and_changes_nothing() -> None:
    server = Server(entry("t", "a"))
    told = ask(server, name="u", acls=["b"], check_mode=True)
    assert (told["changed"], told["api_token"]["create_time"], "token" in told) == (True, None, False)
    assert ask(server, name="t", acls=["b"], check_mode=True)["diff"]["after"]["acls"] == ["b"]
    assert ask(server, name="t", state="absent", check_mode=True)["revoked"] == ["t"]
    assert server.functions == ["api_token_list"] * 3


def test_a_token_that_has_ended_already_is_told() -> None:
    assert "has expired already" in ask(Server(), name="t", acls=["a"], expires_at="1700000000")["warnings"][0]


def test_a_server_that_gives_other_privileges_is_told() -> None:
    server = Server(entry("t", "a"))
    server.before["api_token_update"] = [lambda this: setattr(this, "_state", lambda params, old: {**old, "acls": ["a", "c"]})]
    assert "differs in b, c" in ask(server, name="t", acls=["a", "b"])["warnings"][0]


# -- races -----------------------------------------------------------------------------------------------------------


def test_a_token_that_somebody_else_creates_meanwhile_is_brought_to_what_is_wanted() -> None:
    server = Server()
    server.before["api_token_create"] = [lambda this: this.tokens.update(t=entry("t", "other"))]
    done = ask(server, name="t", acls=["a"])
    assert (done["changed"], done["api_token"]["acls"], "token" in done) == (True, ["a"], False)


def test_one_that_is_created_as_wanted_is_left_alone() -> None:
    server = Server()
    server.before["api_token_create"] = [lambda this: this.tokens.update(t=entry("t", "a"))]
    assert ask(server, name="t", acls=["a"])["changed"] is False


def test_a_token_that_is_revoked_meanwhile_is_created_where_that_is_allowed() -> None:
    server = Server(entry("t", "a"))
    server.before["api_token_update"] = [lambda this: this.tokens.clear()]
    assert ask(server, name="t", acls=["b"])["token"] == SECRET


def test_one_that_is_revoked_meanwhile_is_an_error_without_privileges() -> None:
    server = Server(entry("t", "a"))
    server.before["api_token_update"] = [lambda this: this.tokens.clear()]
    with pytest.raises(ApiError, match="there is no token t"):
        ask(server, name="t", expires_at="+1d")


def test_a_refusal_that_nobody_else_caused_is_told_after_one_look() -> None:
    server = Server()

    def refuse(_this: Server) -> None:
        raise ApiError(errors.FORBIDDEN, "You do not have the privilege")

    server.before["api_token_create"] = [refuse] * 9
    with pytest.raises(ApiError, match="You do not have the privilege"):
        ask(server, name="t", acls=["a"])
    assert server.functions == ["api_token_list", "api_token_create", "api_token_list"]


def test_an_endless_fight_ends_in_an_error() -> None:
    server = Server()
    server.before["api_token_create"] = [lambda this: this.tokens.update(t=entry("t", "other"))] * 9
    server.before["api_token_update"] = [lambda this: this.tokens.clear()] * 9
    with pytest.raises(ApiError):
        ask(server, name="t", acls=["a"])
    assert len(server.functions) <= 2 * whm_lifecycle.ROUNDS


@pytest.mark.parametrize("kind", [errors.NETWORK, errors.PROTOCOL, errors.SERVER])
def test_a_creation_of_which_nobody_knows_is_not_repeated_and_says_so(kind: str) -> None:
    server = Server()

    def cut(this: Server) -> None:
        this.tokens["t"] = entry("t", "a")
        failure = ApiError(kind, "the connection broke")
        failure.sent = True
        raise failure

    server.before["api_token_create"] = [cut]
    with pytest.raises(ApiError, match="t may have been created nevertheless, and its secret would be lost"):
        ask(server, name="t", acls=["a"])
    assert server.functions.count("api_token_create") == 1


def test_a_creation_that_cannot_have_happened_says_nothing_of_that_kind() -> None:
    server = Server()

    def refuse(_this: Server) -> None:
        raise ApiError(errors.NETWORK, "the connection was refused")

    server.before["api_token_create"] = [refuse]
    with pytest.raises(ApiError) as refused:
        ask(server, name="t", acls=["a"])
    assert str(refused.value) == "the connection was refused"


# -- absent ----------------------------------------------------------------------------------------------------------


def test_only_what_is_there_is_revoked_in_one_call() -> None:
    server = Server(entry("a"), entry("b"), entry("c"))
    assert ask(server, names=["b", "x", "a", "b"], state="absent")["revoked"] == ["b", "a"]
    assert list(server.tokens) == ["c"]
    assert server.sent("api_token_revoke") == {"token_name": "b", "token_name-1": "a"}
    assert ask(server, names=["b"], state="absent") == {"changed": False, "revoked": [], "diff": {"before": {}, "after": {}}}


def test_no_names_are_nothing_to_do() -> None:
    server = Server(entry("a"))
    assert ask(server, names=[], state="absent") == {"changed": False, "revoked": []}
    assert server.calls == []


def test_what_somebody_else_revokes_meanwhile_is_as_good() -> None:
    server = Server(entry("a"), entry("b"))
    server.before["api_token_revoke"] = [lambda this: this.tokens.pop("a")]
    assert ask(server, names=["a", "b"], state="absent")["changed"] is True
    assert server.tokens == {}


def test_a_refused_revocation_is_an_error() -> None:
    server = Server(entry("a"))

    def refuse(_this: Server) -> None:
        raise ApiError(errors.FORBIDDEN, "Access denied")

    server.before["api_token_revoke"] = [refuse]
    with pytest.raises(ApiError, match="Access denied"):
        ask(server, name="a", state="absent")


def test_what_has_expired_is_revoked_but_nothing_of_a_system() -> None:
    server = Server(entry("a", expires_at=NOW), entry("b", expires_at=NOW + 1), entry("c"), entry("web-trust", expires_at=NOW - 1))
    assert ask(server, expired=True, state="absent")["revoked"] == ["a"]
    assert ask(server, expired=True, state="absent", force=True)["revoked"] == ["web-trust"]


# -- guards ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"state": "absent"}, {"acls": ["c"]}, {"expires_at": "never"}, {"new_name": "mine"}])
def test_a_token_of_a_system_is_touched_by_force_only(options: dict[str, Any]) -> None:
    server = Server(entry("transfer-5", "a b", NOW + 5))
    with pytest.raises(ApiError, match="WHM or another server made for itself"):
        ask(server, name="transfer-5", **options)
    assert server.functions == ["api_token_list"]
    assert ask(server, name="transfer-5", force=True, **options)["changed"] is True


def test_what_does_not_change_needs_no_force() -> None:
    assert ask(Server(entry("transfer-5", "a")), name="transfer-5", acls=["a"])["changed"] is False


@pytest.mark.parametrize("options", [{"state": "absent"}, {"acls": ["c"]}, {"expires_at": "+1d"}, {"whitelist_ips": ["192.0.2.1"]}])
def test_the_token_in_use_is_revoked_or_narrowed_by_force_only(options: dict[str, Any]) -> None:
    server = Server(entry("me", "a b"), entry("you", "a b"), own="me")
    with pytest.raises(ApiError, match="me is the token that this task authenticates with"):
        ask(server, secret=SECRET, name="me", **options)
    with pytest.raises(ApiError, match="me is the token"):
        ask(server, secret=SECRET, name="me", check_mode=True, **options)
    assert set(server.functions) == {"api_token_list", "api_token_get_details"}
    assert ask(server, secret=SECRET, name="you", **options)["changed"] is True
    assert ask(server, secret=SECRET, name="me", force=True, **options)["changed"] is True


def test_one_of_several_names_that_is_in_use_keeps_all_of_them() -> None:
    server = Server(entry("me"), entry("you"), own="me")
    with pytest.raises(ApiError, match="me is the token"):
        ask(server, secret=SECRET, names=["you", "me"], state="absent")
    assert set(server.tokens) == {"me", "you"}


def test_the_token_in_use_may_be_widened_and_renamed() -> None:
    server = Server(entry("me", "a", NOW + 5), own="me")
    assert ask(server, secret=SECRET, name="me", acls=["a", "b"], expires_at="never")["changed"] is True
    assert ask(server, secret=SECRET, name="me", new_name="myself")["changed"] is True


def test_no_token_is_in_use_where_a_password_authenticates() -> None:
    server = Server(entry("me", "a"), own="me")
    assert ask(server, name="me", state="absent")["changed"] is True
    assert "api_token_get_details" not in server.functions


def test_before_version_98_privileges_tell_which_token_cannot_be_the_one() -> None:
    server = Server(entry("me", "a b"), entry("twin", "a b"), entry("other", "a"), own="me", version=97, mine="a b")
    for name in ("me", "twin"):
        with pytest.raises(ApiError, match=f"{name} may be the token that this task authenticates with"):
            ask(server, secret=SECRET, name=name, state="absent")
    assert ask(server, secret=SECRET, name="other", state="absent")["changed"] is True


def test_before_version_98_every_token_may_be_the_one_if_privileges_fit_none() -> None:
    server = Server(entry("me", "a"), entry("other", "b"), own="me", version=97, mine="all")
    with pytest.raises(ApiError, match="other may be the token"):
        ask(server, secret=SECRET, name="other", state="absent")


# -- info ------------------------------------------------------------------------------------------------------------


def in_use(server: Server, secret: str = SECRET, names: list[str] | None = None) -> dict[str, bool | None]:
    return {one["name"]: one["in_use"] for one in whm_lifecycle.show(server.door(secret), names, False)["api_tokens"]}


def test_info_says_which_token_is_in_use() -> None:
    tokens = [entry("me", "a b"), entry("other", "a"), entry("twin", "a b"), entry("gone", "a b", NOW - 1)]
    assert in_use(Server(*tokens, own="me")) == {"gone": False, "me": True, "other": False, "twin": False}
    assert in_use(Server(*tokens, own="me", version=97, mine="a b")) == {"gone": False, "me": None, "other": False, "twin": None}
    assert in_use(Server(tokens[0], own="me", version=97)) == {"me": True}
    assert in_use(Server(*tokens, own="me"), secret="") == {"gone": False, "me": False, "other": False, "twin": False}
    assert in_use(Server(*tokens, own="me"), names=["me", "nobody"]) == {"me": True}


@pytest.mark.parametrize("tokens", [None, [], {}])
def test_no_tokens_are_written_in_many_ways(tokens: Any) -> None:
    class Bare(Server):
        def api_token_list(self, _params: dict[str, str]) -> Any:
            return {"tokens": tokens}

    assert whm_lifecycle.show(Bare().door(), None, False) == {"changed": False, "api_tokens": []}
