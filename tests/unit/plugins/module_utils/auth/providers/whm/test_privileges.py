# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WHM's privileges: how they are read and compared, and which an account may grant."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.privileges import (
    COMPLETE_LIST,
    KNOWN,
    OwnPrivileges,
    check_acls,
    granted,
    same_privileges,
)


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
    assert granted(acls) == {"kill-acct", "ssl"}


@pytest.mark.parametrize("acls", [None, "", 0, []])
def test_no_privileges_come_in_many_forms(acls: Any) -> None:
    assert granted(acls) == frozenset()


def test_all_holds_every_other_privilege() -> None:
    everything, some = frozenset({"all", "ssl"}), frozenset({"ssl"})
    assert same_privileges(everything, frozenset({"all"}))
    assert same_privileges(some, some)
    assert not same_privileges(everything, some)
    assert not same_privileges(some, everything)


def test_names_are_a_set() -> None:
    assert check_acls(["ssl", " ssl ", "news"]) == frozenset({"ssl", "news"})
    assert check_acls(None) is None


@pytest.mark.parametrize(("acls", "problem"), [([], "acls is empty, for which WHM would grant every privilege"), (["ssl", "x y"], "acls must be names")])
def test_what_cannot_be_names_is_refused(acls: list[str], problem: str) -> None:
    with pytest.raises(ApiError, match=problem) as caught:
        check_acls(acls)
    assert caught.value.kind == "configuration"


@pytest.mark.parametrize("data", [{"privileges": [{"ssl": "1", "news": ""}]}, {"privileges": {"ssl": 1, "news": 0}}])
def test_own_privileges_come_as_a_row_or_as_a_map(data: Any) -> None:
    own = OwnPrivileges.from_reply(data)
    assert own.granted == {"ssl"}
    assert own.listed == {"ssl", "news"}


@pytest.mark.parametrize("data", [None, {}, {"privileges": []}, {"privileges": None}, [1]])
def test_a_reply_that_lists_no_privileges(data: Any) -> None:
    assert OwnPrivileges.from_reply(data) == OwnPrivileges(frozenset(), frozenset())


ROOT = OwnPrivileges(frozenset({"all"}), frozenset({"all", "digest-auth"}))
RESELLER = OwnPrivileges(frozenset({"list-accts", "ssl"}), frozenset({"list-accts", "ssl", "news"}))


@pytest.mark.parametrize(
    ("own", "acl", "hint"),
    [
        (ROOT, "list-acct", "did you mean list-accts?"),
        (ROOT, "list_accts", "did you mean list-accts?"),
        (ROOT, "listaccts", "did you mean list-accts?"),
        (ROOT, "CREATEACCT", "did you mean create-acct?"),
        (ROOT, "createacct", "did you mean create-acct?"),
        (RESELLER, "list-acct", "did you mean list-accts?"),
        (RESELLER, "LISTACCTS", "did you mean list-accts?"),
        (RESELLER, "news", "the account's privileges are listed by the function myprivs"),
        (RESELLER, "kill-acct", "the account's privileges are listed by the function myprivs"),
    ],
)
def test_a_privilege_that_cannot_be_granted_is_refused_with_its_nearest_name(own: OwnPrivileges, acl: str, hint: str) -> None:
    with pytest.raises(ApiError) as caught:
        own.check(["ssl", acl])
    assert caught.value.kind == "configuration"
    assert caught.value.hint == hint
    assert acl in caught.value.problem


def test_what_an_account_has_it_may_grant() -> None:
    assert RESELLER.check(["list-accts", "ssl"]) == []
    assert ROOT.check(sorted(KNOWN)) == []


def test_privileges_of_plugins_are_not_refused() -> None:
    assert ROOT.check(["software-ConfigServer-csf", "ssl"]) == ["software-ConfigServer-csf"]
    assert ROOT.check(["zzqq42"]) == ["zzqq42"]


def test_a_server_that_lists_all_names_decides_which_exist() -> None:
    names = frozenset({"all", "zzqq42", *(f"x{number}" for number in range(COMPLETE_LIST))})
    own = OwnPrivileges(frozenset({"all"}), names)
    assert own.check(["zzqq42"]) == []
    assert own.check(["software-csf"]) == ["software-csf"]
    with pytest.raises(ApiError, match="there is no privilege qqzz99"):
        own.check(["qqzz99"])
