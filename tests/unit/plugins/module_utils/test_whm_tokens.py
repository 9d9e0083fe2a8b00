# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WHM's tokens as data: every form in which the server tells them, every form in which they are wanted."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers import whm_tokens
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm_tokens import ApiToken, Expiry

NOW = 1_800_000_000
DAY = 86400


def wanted(**options: Any) -> whm_tokens.Wanted:
    return whm_tokens.wanted_of(Options({**{one.name: one.default for one in whm_tokens.TOKEN_OPTIONS}, **options}))


def nobody() -> frozenset[str]:
    raise AssertionError("nothing asked what the caller may do")


def step(tokens: list[ApiToken], mine: Any = nobody, **options: Any) -> whm_tokens.Step:
    return whm_tokens.planned({token.name: token for token in tokens}, wanted(**options), NOW, mine)


def token(name: str = "t", acls: str = "list-accts", **rest: Any) -> ApiToken:
    return ApiToken(name, frozenset(acls.split()), 1_700_000_000, **rest)


# -- what the server tells -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "acls",
    [
        ["kill-acct", "ssl"],
        {"kill-acct": 1, "ssl": 1, "create-acct": 0},
        {"kill-acct": "1", "ssl": "1", "create-acct": ""},
        {"kill-acct": True, "ssl": "true", "create-acct": None, "news": "0", "status": False},
    ],
)
def test_privileges_come_as_a_list_or_as_a_map_of_many_kinds_of_flags(acls: Any) -> None:
    assert whm_tokens.granted(acls) == {"kill-acct", "ssl"}


@pytest.mark.parametrize("acls", [None, "", 0, []])
def test_no_privileges_are_none(acls: Any) -> None:
    assert whm_tokens.granted(acls) == frozenset()


@pytest.mark.parametrize(
    ("told", "seconds"), [(1609372800, 1609372800), ("1609372800", 1609372800), (0, None), ("0", None), ("", None), (None, None), ("soon", None)]
)
def test_times_come_as_numbers_or_as_text(told: Any, seconds: int | None) -> None:
    assert whm_tokens.moment(told) == seconds


def test_the_reply_to_a_creation_reads_as_the_list_does() -> None:
    created = {
        "acls": ["kill-acct"], "create_time": 1483625276, "expires_at": 1609372800, "name": "example", "token": "UWU28DCA23NKY76CN17MDPKM3O7EFQY8",
        "whitelist_ips": ["1.1.1.1", "1.1.1.8/29", "fc00:abcd:0000:0000:0000:0000:0000:000f", "2620:0000:28a4:0000:0000:0000:0000:0000/48"],
    }  # fmt: skip
    listed = {**created, "acls": {"kill-acct": "1", "create-acct": ""}, "create_time": "1483625276", "expires_at": "1609372800"}
    del listed["token"]
    read = ApiToken.read(created)
    assert read == ApiToken.read(listed) == ApiToken.read({**listed, "name": None}, "example")
    assert read.whitelist == ("1.1.1.1", "1.1.1.8/29", "fc00:abcd::f", "2620:0:28a4::/48")
    assert "UWU28DCA23NKY76CN17MDPKM3O7EFQY8" not in repr(read)


def test_a_token_without_end_and_limit_may_have_nulls() -> None:
    read = ApiToken.read({"name": "t", "create_time": 5, "expires_at": None, "acls": ["a"], "whitelist_ips": None})
    assert read == ApiToken("t", frozenset("a"), 5)
    assert not read.expired(NOW)
    assert read.shown(NOW) == {"name": "t", "acls": ["a"], "create_time": 5, "expires_at": None, "expired": False, "whitelist_ips": []}


def test_what_a_server_calls_an_address_is_taken_as_it_is() -> None:
    assert ApiToken.read({"name": "t", "whitelist_ips": ["office"]}).whitelist == ("office",)


def test_a_token_has_expired_from_its_end_on() -> None:
    assert token(expires_at=NOW).expired(NOW)
    assert not token(expires_at=NOW + 1).expired(NOW)


# -- what is wanted --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("never", 0), ("NEVER", 0), ("0", 0),
        ("1900000000", 1900000000), ("1900000000.0", 1900000000),
        ("2030-03-17T17:46:40Z", 1900000000), ("2030-03-17 17:46:40", 1900000000), ("2030-03-17 17:46:40+00:00", 1900000000),
        ("2030-03-17T19:46:40+02:00", 1900000000), ("2030-03-17T12:16:40.25-0530", 1900000000), ("20300317T174640z", 1900000000),
        ("2030-03-17T17:46Z", 1899999960), ("2030-03-17", 1899936000), ("20300317", 1899936000),
    ],
)  # fmt: skip
def test_an_end_is_written_in_many_ways(text: str, at: int) -> None:
    assert Expiry.parse(text) == Expiry(at=at)


@pytest.mark.parametrize(("text", "after"), [("+30d", 30 * DAY), ("+1w", 7 * DAY), ("+12h30m", 45000), ("+90", 90), ("+90S", 90)])
def test_an_end_is_a_duration(text: str, after: int) -> None:
    assert Expiry.parse(text) == Expiry(after=after)
    assert Expiry.parse(text).moment(NOW + 0.9) == NOW + after


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("30d", "must be epoch seconds"), ("+", "must be epoch seconds"), ("+3y", "must be epoch seconds"), ("tomorrow", "must be epoch seconds"),
        ("-5", "must be epoch seconds"), ("2030-13-01", "must be epoch seconds"), ("2030-02-30", "must be epoch seconds"),
        ("2030-01-01T25:00Z", "must be epoch seconds"),
        ("+0d", "must end after now"), ("+999999999999d", "must end after now"), ("1900000000000", "not milliseconds"), ("3600", "with its plus sign"),
        ("9" * 400, "must be epoch seconds"), ("9" * 400 + ".5", "must be epoch seconds"), ("+" + "9" * 5000, "must be epoch seconds"),
        ("+" + "9" * 59, "must end after now"),
    ],
)  # fmt: skip
def test_a_bad_end_is_refused(text: str, why: str) -> None:
    with pytest.raises(ApiError, match=why) as refused:
        wanted(name="t", acls=["a"], expires_at=text)
    assert refused.value.kind == "configuration"


@pytest.mark.parametrize(
    ("text", "left", "met"),
    [
        ("+30d", 30 * DAY, True), ("+30d", 27 * DAY, True), ("+30d", 33 * DAY, True), ("+30d", 27 * DAY - 1, False), ("+30d", 33 * DAY + 1, False),
        ("+5m", 240, True), ("+5m", 239, False), ("+1m", 30, True), ("+1m", 29, False), ("+1m", 0, False), ("+1m", -5, False), ("+30d", None, False),
    ],
)  # fmt: skip
def test_a_duration_is_met_within_a_tenth_and_at_least_a_minute(text: str, left: int | None, met: bool) -> None:
    assert Expiry.parse(text).met(None if left is None else NOW + left, NOW) is met


@pytest.mark.parametrize(
    ("text", "present", "met"), [("never", None, True), ("never", NOW, False), ("1900000000", 1900000000, True), ("1900000000", 1900000001, False)]
)
def test_a_moment_is_met_to_the_second(text: str, present: int | None, met: bool) -> None:
    assert Expiry.parse(text).met(present, NOW) is met


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, "missing name; give name"),
        ({"state": "absent"}, "give one of name, names and expired"),
        ({"state": "absent", "name": "a", "names": ["b"]}, "name and names exclude each other"),
        ({"state": "absent", "name": "a", "expired": True}, "name and expired exclude each other"),
        ({"names": ["a"]}, "names goes with state absent only"),
        ({"expired": True}, "expired goes with state absent only"),
        ({"state": "absent", "name": "a", "new_name": "b"}, "new_name goes with state present only"),
        ({"name": "a b", "acls": ["x"]}, "name must be 1 to 50 letters"),
        ({"name": "a" * 51, "acls": ["x"]}, "name must be 1 to 50 letters"),
        ({"name": "a", "new_name": "é"}, "new_name must be 1 to 50 letters"),
        ({"state": "absent", "names": ["a", "b&c=d"]}, "names must be 1 to 50 letters"),
        ({"name": "a", "acls": []}, "acls is empty"),
        ({"name": "a", "acls": ["x y"]}, "acls must be names"),
        ({"name": "a", "acls": ["x"], "all_privileges": True}, "acls and all_privileges exclude each other"),
        ({"name": "a", "acls": ["x"], "whitelist_ips": ["192.0.2.300"]}, "whitelist_ips must be"),
        ({"name": "a", "acls": ["x"], "whitelist_ips": [3221225985]}, "whitelist_ips must be"),
    ],
)
def test_bad_options_are_refused_before_anything_is_sent(options: dict[str, Any], why: str) -> None:
    with pytest.raises(ApiError, match=why) as refused:
        wanted(**options)
    assert refused.value.kind == "configuration"


def test_a_name_may_be_fifty_signs_long() -> None:
    assert wanted(name="-_" + "a" * 48, acls=["x"]).name == "-_" + "a" * 48


@pytest.mark.parametrize(
    ("spellings", "one"),
    [
        (["192.0.2.1", "192.0.2.1/32", " 192.0.2.1/255.255.255.255"], "192.0.2.1"),
        (["192.0.2.0/24", "192.0.2.77/24", "192.0.2.0/255.255.255.0"], "192.0.2.0/24"),
        (["2001:db8::f", "2001:0DB8:0000:0000:0000:0000:0000:000F", "2001:db8:0::f/128"], "2001:db8::f"),
        (["2001:db8::/48", "2001:0db8:0000:1::/48"], "2001:db8::/48"),
    ],
)
def test_an_address_is_the_same_in_every_spelling(spellings: list[str], one: str) -> None:
    assert whm_tokens.checked_whitelist(spellings) == (one,)


def test_any_is_the_word_for_no_limit() -> None:
    assert whm_tokens.checked_whitelist(["any"]) == whm_tokens.checked_whitelist([]) == ()
    assert whm_tokens.checked_whitelist(None) is None


# -- what is to be done ----------------------------------------------------------------------------------------------


def test_a_token_that_is_not_there_is_created() -> None:
    made = step([], name="t", acls=["ssl"], expires_at="+1h", whitelist_ips=["192.0.2.1"])
    assert (made.kind, made.after) == ("create", ApiToken("t", frozenset({"ssl"}), None, NOW + 3600, ("192.0.2.1",)))


def test_nothing_is_created_with_every_privilege_by_accident() -> None:
    with pytest.raises(ApiError, match="give acls, or all_privileges"):
        step([], name="t")


def test_what_is_not_given_is_kept() -> None:
    present = token(acls="ssl news", expires_at=NOW + 5, whitelist=("192.0.2.1",))
    assert step([present], name="t").kind == "none"
    assert step([present], name="t", expires_at="never").after == token(acls="ssl news", whitelist=("192.0.2.1",))
    assert step([present], name="t", acls=["status"]).after == token(acls="status", expires_at=NOW + 5, whitelist=("192.0.2.1",))
    assert step([present], name="t", whitelist_ips=[]).after == token(acls="ssl news", expires_at=NOW + 5)


def test_sets_have_no_order() -> None:
    present = token(acls="ssl news", whitelist=("192.0.2.1", "2001:db8::/48"))
    same = step([present], name="t", acls=["news", "ssl", "ssl"], whitelist_ips=["2001:0db8::1/48", "192.0.2.1"])
    assert same.kind == "none"
    assert same.before is present


def test_all_holds_every_other_privilege() -> None:
    assert step([token(acls="all ssl news")], name="t", acls=["all"]).kind == "none"
    assert step([token(acls="all")], name="t", acls=["ssl"]).kind == "update"
    assert step([token(acls="ssl")], name="t", acls=["all"]).kind == "update"


def test_all_privileges_are_those_of_the_caller() -> None:
    assert step([token(acls="all")], name="t", all_privileges=True).kind == "none"
    assert step([token(acls="ssl news")], lambda: frozenset({"ssl"}), name="t", all_privileges=True).kind == "none"
    assert step([token(acls="ssl")], lambda: frozenset({"ssl", "news"}), name="t", all_privileges=True).after.acls == {"ssl", "news"}


@pytest.mark.parametrize("kind", [errors.FORBIDDEN, errors.NOT_FOUND, errors.INVALID_REQUEST])
def test_all_privileges_need_no_list_of_them(kind: str) -> None:
    def untold() -> frozenset[str]:
        raise ApiError(kind, "myprivs was refused")

    assert step([], untold, name="t", all_privileges=True).kind == "create"
    assert step([token(acls="ssl")], untold, name="t", all_privileges=True).after.acls == {"all"}


def test_what_cannot_be_asked_is_no_reason_to_grant_everything() -> None:
    def broken() -> frozenset[str]:
        raise ApiError(errors.NETWORK, "no reply")

    with pytest.raises(ApiError, match="no reply"):
        step([token(acls="ssl")], broken, name="t", all_privileges=True)


def test_a_token_without_listed_privileges_is_not_widened() -> None:
    with pytest.raises(ApiError, match="would grant it every one"):
        step([token(acls="")], name="t", expires_at="never")


def test_a_rename_is_done_once() -> None:
    assert step([token("old")], name="old", new_name="new").after == token("new")
    assert step([token("new")], name="old", new_name="new").kind == "none"
    assert step([token("new")], name="old", new_name="new", acls=["ssl"]).after == token("new", "ssl")
    assert step([token("old")], name="old", new_name="old").kind == "none"


def test_a_rename_never_takes_a_name_that_is_taken() -> None:
    with pytest.raises(ApiError, match="there is a token new already"):
        step([token("old"), token("new")], name="old", new_name="new")


def test_a_rename_of_nothing_creates_under_the_new_name_or_says_why_not() -> None:
    made = step([], name="old", new_name="new", acls=["ssl"])
    assert (made.kind, made.after.name) == ("create", "new")
    with pytest.raises(ApiError, match="there is no token old"):
        step([], name="old", new_name="new")


def test_an_update_sends_the_complete_state() -> None:
    full = whm_tokens.state_params(token(acls="ssl news", expires_at=5, whitelist=("192.0.2.1",)), False, clear=True)
    assert full == {"acl": ["news", "ssl"], "expires_at": 5, "whitelist_ip": ["192.0.2.1"]}
    assert whm_tokens.state_params(token(acls="ssl"), False, clear=True) == {"acl": ["ssl"], "expires_at": 0, "whitelist_ip": ["any"]}


def test_a_creation_names_no_address_where_there_is_no_limit() -> None:
    assert whm_tokens.state_params(token(acls="ssl"), False, clear=False) == {"acl": ["ssl"], "expires_at": 0}


def test_privileges_are_left_out_only_where_all_are_wanted() -> None:
    assert "acl" not in whm_tokens.state_params(token(acls="ssl"), True, clear=True)


# -- what is protected -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["reverse_trust_0e8d9a44", "web1-trust", "transfer-5", "WebPros_Dashboard", "WP-Dashboard"])
def test_tokens_of_systems_are_known_by_their_names(name: str) -> None:
    assert whm_tokens.is_system(name)


@pytest.mark.parametrize("name", ["trust", "my-transfer-5", "reverse-trust-1", "WP-Dashboard2", "trusted", "webpros_dashboard"])
def test_other_names_are_not(name: str) -> None:
    assert not whm_tokens.is_system(name)


LIMITED = token(acls="ssl news", expires_at=NOW, whitelist=("192.0.2.0/24", "2001:db8::/48"))


@pytest.mark.parametrize(
    ("before", "after", "less"),
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
def test_a_token_is_narrowed_by_fewer_privileges_an_earlier_end_or_fewer_addresses(before: ApiToken, after: ApiToken, less: bool) -> None:
    assert whm_tokens.narrows(before, after) is less
