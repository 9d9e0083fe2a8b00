# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WHM's tokens as data: how they are read, what a task may ask for, and what brings the one to the other."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm import tokens as whm_tokens
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.expiry import Expiry
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.tokens import ApiToken, Change, TokenRequest

NOW = 1_800_000_000


def request(**options: Any) -> TokenRequest:
    """Return what a task with these options asks for."""
    return whm_tokens.parse_request(Options({**{option.name: option.default for option in whm_tokens.TOKEN_OPTIONS}, **options}))


def not_asked() -> frozenset[str]:
    raise AssertionError("this change does not depend on what the caller may do")


def plan(tokens: list[ApiToken], own_privileges: Any = not_asked, **options: Any) -> Change:
    """Return the change from these tokens to what a task with these options asks for."""
    return whm_tokens.plan_change({token.name: token for token in tokens}, request(**options), NOW, own_privileges)


def token(name: str = "t", acls: str = "list-accts", **rest: Any) -> ApiToken:
    return ApiToken(name, frozenset(acls.split()), 1_700_000_000, **rest)


# -- what a server says ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "seconds"), [(1609372800, 1609372800), ("1609372800", 1609372800), (0, None), ("0", None), ("", None), (None, None), ("soon", None)]
)
def test_times_come_as_numbers_or_as_text(value: Any, seconds: int | None) -> None:
    assert whm_tokens.to_moment(value) == seconds


def test_the_reply_to_a_creation_reads_as_the_list_does() -> None:
    created = {
        "acls": ["kill-acct"], "create_time": 1483625276, "expires_at": 1609372800, "name": "example", "token": "UWU28DCA23NKY76CN17MDPKM3O7EFQY8",
        "whitelist_ips": ["1.1.1.1", "1.1.1.8/29", "fc00:abcd:0000:0000:0000:0000:0000:000f", "2620:0000:28a4:0000:0000:0000:0000:0000/48"],
    }  # fmt: skip
    listed = {**created, "acls": {"kill-acct": "1", "create-acct": ""}, "create_time": "1483625276", "expires_at": "1609372800"}
    del listed["token"]
    read = ApiToken.from_reply(created)
    assert read == ApiToken.from_reply(listed) == ApiToken.from_reply({**listed, "name": None}, "example")
    assert read.whitelist == ("1.1.1.1", "1.1.1.8/29", "fc00:abcd::f", "2620:0:28a4::/48")
    assert "UWU28DCA23NKY76CN17MDPKM3O7EFQY8" not in repr(read)


def test_a_token_without_expiry_and_addresses_may_have_nulls() -> None:
    read = ApiToken.from_reply({"name": "t", "create_time": 5, "expires_at": None, "acls": ["a"], "whitelist_ips": None})
    assert read == ApiToken("t", frozenset("a"), 5)
    assert not read.is_expired(NOW)
    assert read.as_result(NOW) == {"name": "t", "acls": ["a"], "create_time": 5, "expires_at": None, "expired": False, "whitelist_ips": []}


def test_an_address_in_an_unknown_form_stays_as_it_is() -> None:
    assert ApiToken.from_reply({"name": "t", "whitelist_ips": ["office"]}).whitelist == ("office",)


def test_a_token_has_expired_from_that_second_on() -> None:
    assert token(expires_at=NOW).is_expired(NOW)
    assert not token(expires_at=NOW + 1).is_expired(NOW)


# -- what a task asks for ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "missing name; give name"),
        ({"state": "absent"}, "give one of name, names and expired"),
        ({"state": "absent", "name": "a", "names": ["b"]}, "name and names exclude each other"),
        ({"state": "absent", "name": "a", "expired": True}, "name and expired exclude each other"),
        ({"names": ["a"]}, "names goes with state absent only"),
        ({"expired": True}, "expired goes with state absent only"),
        ({"state": "absent", "name": "a", "new_name": "b"}, "new_name does not go with state absent"),
        ({"name": "a b", "acls": ["x"]}, "name must be 1 to 50 letters"),
        ({"name": "a" * 51, "acls": ["x"]}, "name must be 1 to 50 letters"),
        ({"name": "a", "new_name": "é"}, "new_name must be 1 to 50 letters"),
        ({"state": "absent", "names": ["a", "b&c=d"]}, "names must be 1 to 50 letters"),
        ({"name": "a", "acls": []}, "acls is empty"),
        ({"name": "a", "acls": ["x y"]}, "acls must be names"),
        ({"name": "a", "acls": ["x"], "all_privileges": True}, "acls and all_privileges exclude each other"),
        ({"name": "a", "acls": ["x"], "expires_at": "1700000000"}, "expires_at is 2023-11-14 22:13:20 UTC, which is in the past"),
        ({"name": "a", "state": "updated", "expires_at": "2023-11-14"}, "which is in the past"),
        ({"name": "a", "state": "updated", "dest": "/x"}, "dest goes with state present only"),
        ({"name": "a", "state": "absent", "dest": "/x"}, "dest goes with state present only"),
        ({"names": ["a"], "state": "updated"}, "names goes with state absent only"),
        ({"name": "a", "acls": ["x"], "whitelist_ips": ["192.0.2.300"]}, "whitelist_ips must be"),
        ({"name": "a", "acls": ["x"], "whitelist_ips": [3221225985]}, "whitelist_ips must be"),
    ],
)
def test_bad_options_are_refused_before_anything_is_sent(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ApiError, match=problem) as caught:
        request(**options)
    assert caught.value.kind == "configuration"


def test_a_name_may_be_fifty_signs_long() -> None:
    assert request(name="-_" + "a" * 48, acls=["x"]).names[0] == "-_" + "a" * 48


@pytest.mark.parametrize(
    ("spellings", "normal"),
    [
        (["192.0.2.1", "192.0.2.1/32", " 192.0.2.1/255.255.255.255"], "192.0.2.1"),
        (["192.0.2.0/24", "192.0.2.77/24", "192.0.2.0/255.255.255.0"], "192.0.2.0/24"),
        (["2001:db8::f", "2001:0DB8:0000:0000:0000:0000:0000:000F", "2001:db8:0::f/128"], "2001:db8::f"),
        (["2001:db8::/48", "2001:0db8:0000:1::/48"], "2001:db8::/48"),
    ],
)
def test_an_address_is_the_same_in_every_spelling(spellings: list[str], normal: str) -> None:
    assert whm_tokens.parse_whitelist(spellings) == (normal,)


def test_any_is_the_word_for_no_limit() -> None:
    assert whm_tokens.parse_whitelist(["any"]) == whm_tokens.parse_whitelist([]) == ()
    assert whm_tokens.parse_whitelist(None) is None


# -- the change -------------------------------------------------------------------------------------------------------


def test_a_token_that_does_not_exist_is_created() -> None:
    change = plan([], name="t", acls=["ssl"], expires_at="+1h", whitelist_ips=["192.0.2.1"])
    assert (change.kind, change.after) == ("create", ApiToken("t", frozenset({"ssl"}), None, NOW + 3600, ("192.0.2.1",)))


def test_nothing_is_created_with_every_privilege_by_accident() -> None:
    with pytest.raises(ApiError, match="give acls, or all_privileges"):
        plan([], name="t")


def test_state_updated_never_creates() -> None:
    with pytest.raises(ApiError, match="there is no token t, and state updated creates none"):
        plan([], name="t", state="updated", acls=["ssl"])
    assert not request(name="t", state="updated", acls=["ssl"]).may_create
    assert plan([token()], name="t", state="updated", acls=["ssl"]).after == token(acls="ssl")


def test_the_past_is_that_of_the_server() -> None:
    """`NOW` is the server's time; this machine's clock is behind it."""
    with pytest.raises(ApiError, match="which is in the past"):
        whm_tokens.plan_change({}, request(name="t", acls=["ssl"])._replace(expiry=Expiry(at=NOW)), NOW, not_asked)


def test_what_is_not_given_stays_as_it_is() -> None:
    present = token(acls="ssl news", expires_at=NOW + 5, whitelist=("192.0.2.1",))
    assert plan([present], name="t").kind == "none"
    assert plan([present], name="t", expires_at="never").after == token(acls="ssl news", whitelist=("192.0.2.1",))
    assert plan([present], name="t", acls=["status"]).after == token(acls="status", expires_at=NOW + 5, whitelist=("192.0.2.1",))
    assert plan([present], name="t", whitelist_ips=[]).after == token(acls="ssl news", expires_at=NOW + 5)


def test_sets_have_no_order() -> None:
    present = token(acls="ssl news", whitelist=("192.0.2.1", "2001:db8::/48"))
    change = plan([present], name="t", acls=["news", "ssl", "ssl"], whitelist_ips=["2001:0db8::1/48", "192.0.2.1"])
    assert change.kind == "none"
    assert change.before is present


def test_all_holds_every_other_privilege() -> None:
    assert plan([token(acls="all ssl news")], name="t", acls=["all"]).kind == "none"
    assert plan([token(acls="all")], name="t", acls=["ssl"]).kind == "update"
    assert plan([token(acls="ssl")], name="t", acls=["all"]).kind == "update"


def test_all_privileges_are_those_of_the_caller() -> None:
    assert plan([token(acls="all")], name="t", all_privileges=True).kind == "none"
    assert plan([token(acls="ssl news")], lambda: frozenset({"ssl"}), name="t", all_privileges=True).kind == "none"
    assert plan([token(acls="ssl")], lambda: frozenset({"ssl", "news"}), name="t", all_privileges=True).after.acls == {"ssl", "news"}


@pytest.mark.parametrize("kind", [errors.FORBIDDEN, errors.NOT_FOUND, errors.INVALID_REQUEST])
def test_all_privileges_need_no_list_of_them(kind: str) -> None:
    def unknown() -> frozenset[str]:
        raise ApiError(kind, "myprivs was refused")

    assert plan([], unknown, name="t", all_privileges=True).kind == "create"
    assert plan([token(acls="ssl")], unknown, name="t", all_privileges=True).after.acls == {"all"}


def test_a_failed_request_is_no_reason_to_grant_everything() -> None:
    def broken() -> frozenset[str]:
        raise ApiError(errors.NETWORK, "no reply")

    with pytest.raises(ApiError, match="no reply"):
        plan([token(acls="ssl")], broken, name="t", all_privileges=True)


def test_a_token_without_listed_privileges_is_not_widened() -> None:
    with pytest.raises(ApiError, match="would grant it every one"):
        plan([token(acls="")], name="t", expires_at="never")


def test_a_rename_is_done_once() -> None:
    assert plan([token("old")], name="old", new_name="new").after == token("new")
    assert plan([token("new")], name="old", new_name="new").kind == "none"
    assert plan([token("new")], name="old", new_name="new", acls=["ssl"]).after == token("new", "ssl")
    assert plan([token("old")], name="old", new_name="old").kind == "none"


def test_a_rename_to_a_name_in_use_is_refused() -> None:
    with pytest.raises(ApiError, match="there is a token new already"):
        plan([token("old"), token("new")], name="old", new_name="new")


def test_renaming_a_missing_token_creates_it_under_the_new_name_or_fails() -> None:
    change = plan([], name="old", new_name="new", acls=["ssl"])
    assert (change.kind, change.after.name) == ("create", "new")
    with pytest.raises(ApiError, match="there is no token old"):
        plan([], name="old", new_name="new")


def test_an_update_sends_the_complete_state() -> None:
    full = whm_tokens.state_params(token(acls="ssl news", expires_at=5, whitelist=("192.0.2.1",)), False, clear=True)
    assert full == {"acl": ["news", "ssl"], "expires_at": 5, "whitelist_ip": ["192.0.2.1"]}
    assert whm_tokens.state_params(token(acls="ssl"), False, clear=True) == {"acl": ["ssl"], "expires_at": 0, "whitelist_ip": ["any"]}


def test_a_creation_without_a_limit_names_no_address() -> None:
    assert whm_tokens.state_params(token(acls="ssl"), False, clear=False) == {"acl": ["ssl"], "expires_at": 0}


def test_privileges_are_left_out_only_for_all_of_them() -> None:
    assert "acl" not in whm_tokens.state_params(token(acls="ssl"), True, clear=True)


# -- what is protected -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["reverse_trust_0e8d9a44", "web1-trust", "transfer-5", "WebPros_Dashboard", "WP-Dashboard"])
def test_names_of_system_tokens(name: str) -> None:
    assert whm_tokens.is_system_name(name)


@pytest.mark.parametrize("name", ["trust", "my-transfer-5", "reverse-trust-1", "WP-Dashboard2", "trusted", "webpros_dashboard"])
def test_names_that_are_no_system_tokens(name: str) -> None:
    assert not whm_tokens.is_system_name(name)


LIMITED = token(acls="ssl news", expires_at=NOW, whitelist=("192.0.2.0/24", "2001:db8::/48"))


@pytest.mark.parametrize(
    ("before", "after", "narrowed"),
    [
        (LIMITED, LIMITED, False),
        (LIMITED, token(acls="ssl", expires_at=NOW, whitelist=LIMITED.whitelist), True),
        (LIMITED, token(acls="all", expires_at=NOW, whitelist=LIMITED.whitelist), False),
        (token(acls="all"), token(acls="ssl"), True),
        (LIMITED, token(acls="ssl news", expires_at=NOW - 1, whitelist=LIMITED.whitelist), True),
        (LIMITED, token(acls="ssl news", whitelist=LIMITED.whitelist), False),
        (token(), token(expires_at=NOW), True),
        (LIMITED, token(acls="ssl news", expires_at=NOW), False),
        (LIMITED, token(acls="ssl news", expires_at=NOW, whitelist=("192.0.0.0/16", "2001:db8::/32")), False),
        (LIMITED, token(acls="ssl news", expires_at=NOW, whitelist=("192.0.2.0/24",)), True),
        (LIMITED, token(acls="ssl news", expires_at=NOW, whitelist=("192.0.2.0/25", "2001:db8::/48")), True),
        (token(), token(whitelist=("0.0.0.0/1",)), True),
        (token(whitelist=("office",)), token(whitelist=("192.0.2.1",)), True),
    ],
)
def test_a_token_is_narrowed_by_fewer_privileges_an_earlier_expiry_or_fewer_addresses(before: ApiToken, after: ApiToken, narrowed: bool) -> None:
    assert whm_tokens.is_narrowed(before, after) is narrowed
