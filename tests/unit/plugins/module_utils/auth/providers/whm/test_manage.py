# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the token modules do, against a server of a few lines whose tokens can be changed between two calls."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from engine.whm import NOW, SECRET, Refused, Server, entry

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.destination import Destination
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm import manage
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm.tokens import TOKEN_OPTIONS

FORBIDDEN = "You do not have the privilege for this."


def fail_with(error: Exception) -> Callable[..., None]:
    def fail(*_arguments: Any) -> None:
        raise error

    return fail


def run(server: Server, *, secret: str = "", check_mode: bool = False, destination: Destination | None = None, **options: Any) -> dict[str, Any]:
    """Return the result of `whm_api_token` with these options."""
    values = Options({**{option.name: option.default for option in TOKEN_OPTIONS}, **options})
    return manage.MANAGE.run(server.token_api(secret), manage.MANAGE.parse(values), check_mode, destination)


def refuse(_server: Server) -> None:
    raise Refused(FORBIDDEN)


# -- present ---------------------------------------------------------------------------------------------------------


def test_a_new_token_comes_with_its_secret_once() -> None:
    server = Server()
    created = run(server, name="t", acls=["ssl", "news"], expires_at="+1h", whitelist_ips=["192.0.2.1", "2001:db8::/48"])
    assert created["changed"] is True
    assert created["token"] == SECRET
    assert created["api_token"] == {
        "name": "t", "acls": ["news", "ssl"], "create_time": NOW, "expires_at": NOW + 3600, "expired": False,
        "whitelist_ips": ["192.0.2.1", "2001:db8::/48"],
    }  # fmt: skip
    assert "warnings" not in created
    assert SECRET not in str(created["diff"])
    again = run(server, name="t", acls=["news", "ssl"], expires_at="+1h", whitelist_ips=["2001:db8::/48", "192.0.2.1"])
    assert again == {"changed": False, "api_token": created["api_token"]}
    assert server.functions == ["api_token_list", "myprivs", "api_token_create", "api_token_list"]


def test_an_update_sends_what_does_not_change_too() -> None:
    server = Server(entry("t", "ssl news", NOW + 9, ["192.0.2.1"]))
    result = run(server, name="t", acls=["stats"])
    assert server.sent("api_token_update") == {"token_name": "t", "acl": "stats", "expires_at": str(NOW + 9), "whitelist_ip": "192.0.2.1"}
    assert result["diff"]["before"]["acls"] == ["news", "ssl"]
    assert result["diff"]["after"]["acls"] == ["stats"]
    assert "token" not in result


def test_no_expiry_and_no_limit_are_sent_too() -> None:
    server = Server(entry("t", "ssl news", NOW + 9, ["192.0.2.1"]))
    run(server, name="t", expires_at="never", whitelist_ips=[], new_name="u")
    assert server.sent("api_token_update") == {
        "token_name": "t", "new_name": "u", "acl": "news", "acl-1": "ssl", "expires_at": "0", "whitelist_ip": "any",
    }  # fmt: skip


def test_all_privileges_are_requested_by_naming_none() -> None:
    server = Server(entry("t", "ssl"), mine="ssl news")
    result = run(server, name="t", all_privileges=True)
    assert "acl" not in server.sent("api_token_update")
    assert result["api_token"]["acls"] == ["news", "ssl"]
    assert run(server, name="t", all_privileges=True)["changed"] is False


def test_check_mode_changes_nothing() -> None:
    server = Server(entry("t", "ssl"))
    created = run(server, name="u", acls=["news"], check_mode=True)
    assert created["changed"] is True
    assert created["api_token"]["create_time"] is None
    assert "token" not in created
    assert run(server, name="t", acls=["news"], check_mode=True)["diff"]["after"]["acls"] == ["news"]
    assert run(server, name="t", state="absent", check_mode=True)["revoked"] == ["t"]
    assert set(server.functions) == {"api_token_list", "myprivs"}


def test_state_updated_changes_a_token_and_never_creates_it() -> None:
    server = Server(entry("t", "ssl"))
    with pytest.raises(ApiError, match="there is no token u, and state updated creates none") as caught:
        run(server, name="u", state="updated", acls=["news"])
    assert caught.value.kind == errors.NOT_FOUND
    assert server.functions == ["api_token_list"]
    assert run(server, name="t", state="updated", acls=["news"])["api_token"]["acls"] == ["news"]


def test_a_misspelled_privilege_is_refused_before_anything_is_created() -> None:
    server = Server()
    with pytest.raises(ApiError, match=r"there is no privilege list-acct; did you mean list-accts\?"):
        run(server, name="t", acls=["list-acct"], check_mode=True)
    assert server.functions == ["api_token_list", "myprivs"]


def test_privileges_that_a_token_has_already_are_not_checked() -> None:
    server = Server(entry("t", "of-a-plugin"))
    result = run(server, name="t", acls=["of-a-plugin"], expires_at="+1h")
    assert "warnings" not in result
    assert "myprivs" not in server.functions


def test_privileges_of_plugins_cause_a_warning() -> None:
    result = run(Server(), name="t", acls=["software-csf"])
    assert result["warnings"] == ["the server does not say whether there are privileges software-csf"]


@pytest.mark.parametrize("kind", ["refused", errors.FORBIDDEN, errors.SERVER, errors.PROTOCOL])
def test_a_server_that_lists_no_privileges_causes_a_warning(kind: str) -> None:
    def fail(this: Server) -> None:
        if kind == "refused":
            refuse(this)
        raise ApiError(kind, "no list")

    server = Server()
    server.before["myprivs"] = [fail]
    result = run(server, name="t", acls=["ssl"])
    assert result["token"] == SECRET
    assert result["warnings"] == ["the server does not say which privileges t may be given, so their names were not checked"]


def test_a_likely_slip_is_named_if_the_server_lists_no_privileges() -> None:
    server = Server()
    server.before["myprivs"] = [refuse]
    assert run(server, name="t", acls=["ssl", "listaccts"])["warnings"][0].endswith("were not checked; listaccts: did you mean list-accts?")


def test_a_server_that_grants_other_privileges_causes_a_warning() -> None:
    server = Server(entry("t", "ssl"))
    server.before["api_token_update"] = [lambda this: setattr(this, "_state", lambda params, old: {**old, "acls": ["ssl", "stats"]})]
    assert "differs in news, stats" in run(server, name="t", acls=["ssl", "news"])["warnings"][0]


def test_a_server_that_ignores_parameters_causes_warnings() -> None:
    server = Server(ignores=("expires_at", "whitelist_ip"))
    result = run(server, name="t", acls=["ssl"], expires_at="+1h", whitelist_ips=["192.0.2.1"])
    assert result["warnings"] == [
        "WHM did not carry out expires_at for t: it never expires",
        "WHM did not carry out whitelist_ips for t: any address may use it",
    ]
    assert result["api_token"]["expires_at"] is None
    assert result["api_token"]["whitelist_ips"] == []
    again = run(server, name="t", expires_at="+1h")
    assert again["warnings"] == ["WHM did not carry out expires_at for t: it never expires"]


# -- dest ------------------------------------------------------------------------------------------------------------


def test_the_secret_of_a_new_token_goes_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    server = Server()
    result = run(server, name="t", acls=["ssl"], destination=Destination(str(path)))
    assert result["dest"] == str(path)
    assert "token" not in result
    assert path.read_text() == SECRET
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_created_if_its_secret_cannot_be_written(tmp_path: Path) -> None:
    server = Server()
    with pytest.raises(ApiError, match="cannot be written"):
        run(server, name="t", acls=["ssl"], destination=Destination(str(tmp_path / "missing" / "secret")))
    assert server.tokens == {}


def test_a_token_whose_secret_cannot_be_written_after_all_is_revoked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a file that is a mount point, or has become immutable."""
    server = Server()
    monkeypatch.setattr(os, "replace", fail_with(OSError(16, "Device or resource busy")))
    with pytest.raises(ApiError, match="t was revoked, because its secret would be lost") as caught:
        run(server, name="t", acls=["ssl"], destination=Destination(str(tmp_path / "secret")))
    assert "Device or resource busy" in str(caught.value)
    assert (caught.value.changed, server.tokens, os.listdir(tmp_path)) == (False, {}, [])


def test_a_token_that_exists_has_no_secret_to_write(tmp_path: Path) -> None:
    result = run(Server(entry("t", "ssl")), name="t", acls=["news"], destination=Destination(str(tmp_path / "secret")))
    assert "dest" not in result
    assert os.listdir(tmp_path) == []


# -- races -----------------------------------------------------------------------------------------------------------


def test_a_token_that_somebody_else_creates_meanwhile_is_updated() -> None:
    server = Server()
    server.before["api_token_create"] = [lambda this: this.tokens.update(t=entry("t", "news"))]
    result = run(server, name="t", acls=["ssl"])
    assert result["changed"] is True
    assert result["api_token"]["acls"] == ["ssl"]
    assert "token" not in result


def test_a_token_that_somebody_else_creates_alike_is_left_alone() -> None:
    server = Server()
    server.before["api_token_create"] = [lambda this: this.tokens.update(t=entry("t", "ssl"))]
    assert run(server, name="t", acls=["ssl"])["changed"] is False


def test_a_token_that_is_revoked_meanwhile_is_created_if_that_is_allowed() -> None:
    server = Server(entry("t", "ssl"))
    server.before["api_token_update"] = [lambda this: this.tokens.clear()]
    assert run(server, name="t", acls=["news"])["token"] == SECRET


@pytest.mark.parametrize("options", [{"expires_at": "+1d"}, {"state": "updated", "acls": ["news"]}])
def test_a_token_that_is_revoked_meanwhile_is_an_error_if_it_must_not_be_created(options: dict[str, Any]) -> None:
    server = Server(entry("t", "ssl"))
    server.before["api_token_update"] = [lambda this: this.tokens.clear()]
    with pytest.raises(ApiError, match="there is no token t"):
        run(server, name="t", **options)
    assert server.tokens == {}


def test_a_refusal_that_nobody_else_caused_is_reported_after_one_look() -> None:
    server = Server()
    server.before["api_token_create"] = [refuse] * 9
    with pytest.raises(ApiError, match=FORBIDDEN) as caught:
        run(server, name="t", acls=["ssl"])
    assert caught.value.kind == "forbidden"
    assert server.functions == ["api_token_list", "myprivs", "api_token_create", "api_token_list"]


def test_endless_interference_ends_in_an_error() -> None:
    server = Server()
    server.before["api_token_create"] = [lambda this: this.tokens.update(t=entry("t", "news"))] * 9
    server.before["api_token_update"] = [lambda this: this.tokens.clear()] * 9
    with pytest.raises(ApiError):
        run(server, name="t", acls=["ssl"])
    assert server.functions.count("api_token_list") == manage.ROUNDS


@pytest.mark.parametrize("kind", [errors.NETWORK, errors.PROTOCOL, errors.SERVER])
def test_a_creation_whose_outcome_is_unknown_is_not_repeated(kind: str) -> None:
    server = Server()

    def cut(this: Server) -> None:
        this.tokens["t"] = entry("t", "ssl")
        raise ApiError(kind, "the connection broke", sent=True)

    server.before["api_token_create"] = [cut]
    with pytest.raises(ApiError, match="t may have been created all the same, and its secret would be lost; revoke it") as caught:
        run(server, name="t", acls=["ssl"])
    assert caught.value.changed is True
    assert server.functions.count("api_token_create") == 1


def test_a_creation_that_was_not_sent_says_nothing_of_that_kind() -> None:
    server = Server()

    def disconnect(_server: Server) -> None:
        raise ApiError(errors.NETWORK, "the connection was refused")

    server.before["api_token_create"] = [disconnect]
    with pytest.raises(ApiError) as caught:
        run(server, name="t", acls=["ssl"])
    assert str(caught.value) == "the connection was refused"
    assert caught.value.changed is None


# -- absent ----------------------------------------------------------------------------------------------------------


def test_tokens_that_exist_are_revoked_in_one_call() -> None:
    server = Server(entry("a"), entry("b"), entry("c"))
    assert run(server, names=["b", "x", "a", "b"], state="absent")["revoked"] == ["b", "a"]
    assert list(server.tokens) == ["c"]
    assert server.sent("api_token_revoke") == {"token_name": "b", "token_name-1": "a"}
    assert run(server, names=["b"], state="absent") == {"changed": False, "revoked": [], "diff": {"before": {}, "after": {}}}


def test_for_no_names_nothing_is_sent() -> None:
    server = Server(entry("a"))
    assert run(server, names=[], state="absent") == {"changed": False, "revoked": []}
    assert server.calls == []


def test_a_token_that_somebody_else_revokes_meanwhile_is_revoked_too() -> None:
    server = Server(entry("a"), entry("b"))
    server.before["api_token_revoke"] = [lambda this: this.tokens.pop("a")]
    assert run(server, names=["a", "b"], state="absent")["changed"] is True
    assert server.tokens == {}


def test_a_refused_revocation_is_an_error() -> None:
    server = Server(entry("a"))
    server.before["api_token_revoke"] = [refuse]
    with pytest.raises(ApiError, match=FORBIDDEN):
        run(server, name="a", state="absent")


def test_expired_tokens_are_revoked_except_those_of_a_system() -> None:
    server = Server(entry("a", expires_at=NOW), entry("b", expires_at=NOW + 1), entry("c"), entry("web-trust", expires_at=NOW - 1))
    assert run(server, expired=True, state="absent")["revoked"] == ["a"]
    assert run(server, expired=True, state="absent", force=True)["revoked"] == ["web-trust"]


# -- what needs force ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"state": "absent"}, {"acls": ["stats"]}, {"expires_at": "never"}, {"new_name": "mine"}])
def test_a_token_of_a_system_is_changed_by_force_only(options: dict[str, Any]) -> None:
    server = Server(entry("transfer-5", "ssl news", NOW + 5))
    with pytest.raises(ApiError, match="WHM or another server created for itself; set force if"):
        run(server, name="transfer-5", **options)
    assert server.functions == ["api_token_list"]
    assert run(server, name="transfer-5", force=True, **options)["changed"] is True


def test_what_does_not_change_needs_no_force() -> None:
    assert run(Server(entry("transfer-5", "ssl")), name="transfer-5", acls=["ssl"])["changed"] is False


@pytest.mark.parametrize("options", [{"state": "absent"}, {"acls": ["stats"]}, {"expires_at": "+1d"}, {"whitelist_ips": ["192.0.2.1"]}])
def test_the_token_in_use_is_revoked_or_narrowed_by_force_only(options: dict[str, Any]) -> None:
    server = Server(entry("me", "ssl news"), entry("you", "ssl news"), own="me")
    with pytest.raises(ApiError, match="me is the token that this task authenticates with"):
        run(server, secret=SECRET, name="me", **options)
    with pytest.raises(ApiError, match="me is the token"):
        run(server, secret=SECRET, name="me", check_mode=True, **options)
    assert set(server.functions) == {"api_token_list", "api_token_get_details"}
    assert run(server, secret=SECRET, name="you", **options)["changed"] is True
    assert run(server, secret=SECRET, name="me", force=True, **options)["changed"] is True


def test_if_one_of_several_tokens_is_in_use_none_is_revoked() -> None:
    server = Server(entry("me"), entry("you"), own="me")
    with pytest.raises(ApiError, match="me is the token"):
        run(server, secret=SECRET, names=["you", "me"], state="absent")
    assert set(server.tokens) == {"me", "you"}


def test_the_token_in_use_may_be_widened_and_renamed() -> None:
    server = Server(entry("me", "ssl", NOW + 5), own="me")
    assert run(server, secret=SECRET, name="me", acls=["ssl", "news"], expires_at="never")["changed"] is True
    assert run(server, secret=SECRET, name="me", new_name="myself")["changed"] is True


# -- info ------------------------------------------------------------------------------------------------------------


def in_use(server: Server, secret: str = SECRET, names: list[str] | None = None) -> dict[str, bool | None]:
    """Return `in_use` of each token by its name."""
    result = manage.INFO.run(server.token_api(secret), manage.INFO.parse({"names": names}), False, None)
    return {token["name"]: token["in_use"] for token in result["api_tokens"]}


TOKENS = [entry("me", "ssl news"), entry("other", "ssl"), entry("twin", "ssl news"), entry("gone", "ssl news", NOW - 1)]


def test_info_says_which_token_is_in_use() -> None:
    assert in_use(Server(*TOKENS, own="me")) == {"gone": False, "me": True, "other": False, "twin": False}
    assert in_use(Server(*TOKENS, own="me"), names=["me", "nobody"]) == {"me": True}


def test_info_of_a_server_that_cannot_say_which_token_is_in_use() -> None:
    server = Server(*TOKENS, own="me", version=97, mine="ssl news")
    assert in_use(server) == {"gone": False, "me": None, "other": False, "twin": None}
    assert in_use(Server(TOKENS[0], own="me", version=97)) == {"me": True}


def test_no_token_is_in_use_if_a_password_authenticates() -> None:
    assert in_use(Server(*TOKENS, own="me"), secret="") == {"gone": False, "me": False, "other": False, "twin": False}


def test_info_without_tokens() -> None:
    assert manage.INFO.run(Server().token_api(), None, False, None) == {"changed": False, "api_tokens": []}
