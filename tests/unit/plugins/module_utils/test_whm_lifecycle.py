# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done with WHM's tokens, against a server of a few lines that can be interfered with between two calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.call import Call, Outcome
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import AuthError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.option import Options
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers import whm_lifecycle, whm_tokens
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm_lifecycle import Door
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.providers.whm_mint import WhmMint
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.token import Token

NOW = 1_800_000_000
SECRET = "UWU28DCA23NKY76CN17MDPKM3O7EFQY8"
Interference = Callable[["Server"], Any]


class Server:
    """Tokens by name, and what the account may do. `before` interferes, once, before a function is executed."""

    def __init__(self, *tokens: dict[str, Any], own: str = "", version: int = 136, mine: str = "all") -> None:
        self.tokens = {one["name"]: one for one in tokens}
        self.own, self.version, self.mine = own, version, mine.split()
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.before: dict[str, list[Interference]] = {}

    @property
    def functions(self) -> list[str]:
        return [name for name, _params in self.calls]

    def sent(self, function: str) -> dict[str, str]:
        """The parameters of the only call of this function."""
        (params,) = [params for name, params in self.calls if name == function]
        return params

    def run(self, call: Call) -> Outcome:
        params = dict(call.query)
        self.calls.append((call.name, params))
        waiting = self.before.get(call.name)
        if waiting:
            waiting.pop(0)(self)
        return Outcome(getattr(self, call.name)(params))

    def door(self, secret: str = "") -> Door:
        return Door(self.run, secret, lambda: float(NOW))

    def api_token_list(self, _params: dict[str, str]) -> Any:
        return {"tokens": {name: {**one, "acls": dict.fromkeys(one["acls"], 1)} for name, one in self.tokens.items()}}

    def myprivs(self, _params: dict[str, str]) -> Any:
        return {"privileges": [{**dict.fromkeys(self.mine, "1"), "news-of-others": ""}]}

    def api_token_get_details(self, params: dict[str, str]) -> Any:
        if self.version < 98:
            raise AuthError(errors.NOT_FOUND, 'Unknown app ("api_token_get_details") requested for this version (1) of the API.')
        assert params["token"] == SECRET
        return self.tokens.get(self.own)

    def api_token_create(self, params: dict[str, str]) -> Any:
        name = params["token_name"]
        if name in self.tokens:
            raise AuthError(errors.INVALID_REQUEST, "A conflicting API token already exists.")
        self.tokens[name] = self._state(params, {"name": name, "create_time": NOW})
        return {**self.tokens[name], "token": SECRET}

    def api_token_update(self, params: dict[str, str]) -> Any:
        old = self.tokens.pop(params["token_name"], None)
        if old is None:
            raise AuthError(errors.NOT_FOUND, "The API token does not exist.")
        name = params.get("new_name", old["name"])
        self.tokens[name] = self._state(params, {**old, "name": name})
        return self.tokens[name]

    def api_token_revoke(self, params: dict[str, str]) -> None:
        names = [value for key, value in params.items() if key.startswith("token_name")]
        missing = [name for name in names if name not in self.tokens]
        if missing:
            raise AuthError(errors.NOT_FOUND, f"{missing} does not exist.")
        for name in names:
            del self.tokens[name]

    def _state(self, params: dict[str, str], old: dict[str, Any]) -> dict[str, Any]:
        addresses = [value for key, value in params.items() if key.startswith("whitelist_ip")]
        acls = [value for key, value in params.items() if key == "acl" or key.startswith("acl-")]
        return {
            **old,
            "acls": acls or self.mine,
            "expires_at": int(params.get("expires_at", 0)) or None,
            "whitelist_ips": None if addresses in ([], ["any"]) else addresses,
        }


def entry(name: str, acls: str = "list-accts", expires_at: int | None = None, whitelist_ips: list[str] | None = None) -> dict[str, Any]:
    return {"name": name, "acls": acls.split(), "create_time": NOW - 5, "expires_at": expires_at, "whitelist_ips": whitelist_ips}


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
    with pytest.raises(AuthError, match="there is no token t"):
        ask(server, name="t", expires_at="+1d")


def test_a_refusal_that_nobody_else_caused_is_told_after_one_look() -> None:
    server = Server()

    def refuse(_this: Server) -> None:
        raise AuthError(errors.FORBIDDEN, "You do not have the privilege")

    server.before["api_token_create"] = [refuse] * 9
    with pytest.raises(AuthError, match="You do not have the privilege"):
        ask(server, name="t", acls=["a"])
    assert server.functions == ["api_token_list", "api_token_create", "api_token_list"]


def test_an_endless_fight_ends_in_an_error() -> None:
    server = Server()
    server.before["api_token_create"] = [lambda this: this.tokens.update(t=entry("t", "other"))] * 9
    server.before["api_token_update"] = [lambda this: this.tokens.clear()] * 9
    with pytest.raises(AuthError):
        ask(server, name="t", acls=["a"])
    assert len(server.functions) <= 2 * whm_lifecycle.ROUNDS


@pytest.mark.parametrize("kind", [errors.NETWORK, errors.PROTOCOL, errors.SERVER])
def test_a_creation_of_which_nobody_knows_is_not_repeated_and_says_so(kind: str) -> None:
    server = Server()

    def cut(this: Server) -> None:
        this.tokens["t"] = entry("t", "a")
        failure = AuthError(kind, "the connection broke")
        failure.sent = True
        raise failure

    server.before["api_token_create"] = [cut]
    with pytest.raises(AuthError, match="t may have been created nevertheless, and its secret would be lost"):
        ask(server, name="t", acls=["a"])
    assert server.functions.count("api_token_create") == 1


def test_a_creation_that_cannot_have_happened_says_nothing_of_that_kind() -> None:
    server = Server()

    def refuse(_this: Server) -> None:
        raise AuthError(errors.NETWORK, "the connection was refused")

    server.before["api_token_create"] = [refuse]
    with pytest.raises(AuthError) as refused:
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
        raise AuthError(errors.FORBIDDEN, "Access denied")

    server.before["api_token_revoke"] = [refuse]
    with pytest.raises(AuthError, match="Access denied"):
        ask(server, name="a", state="absent")


def test_what_has_expired_is_revoked_but_nothing_of_a_system() -> None:
    server = Server(entry("a", expires_at=NOW), entry("b", expires_at=NOW + 1), entry("c"), entry("web-trust", expires_at=NOW - 1))
    assert ask(server, expired=True, state="absent")["revoked"] == ["a"]
    assert ask(server, expired=True, state="absent", force=True)["revoked"] == ["web-trust"]


# -- guards ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"state": "absent"}, {"acls": ["c"]}, {"expires_at": "never"}, {"new_name": "mine"}])
def test_a_token_of_a_system_is_touched_by_force_only(options: dict[str, Any]) -> None:
    server = Server(entry("transfer-5", "a b", NOW + 5))
    with pytest.raises(AuthError, match="WHM or another server made for itself"):
        ask(server, name="transfer-5", **options)
    assert server.functions == ["api_token_list"]
    assert ask(server, name="transfer-5", force=True, **options)["changed"] is True


def test_what_does_not_change_needs_no_force() -> None:
    assert ask(Server(entry("transfer-5", "a")), name="transfer-5", acls=["a"])["changed"] is False


@pytest.mark.parametrize("options", [{"state": "absent"}, {"acls": ["c"]}, {"expires_at": "+1d"}, {"whitelist_ips": ["192.0.2.1"]}])
def test_the_token_in_use_is_revoked_or_narrowed_by_force_only(options: dict[str, Any]) -> None:
    server = Server(entry("me", "a b"), entry("you", "a b"), own="me")
    with pytest.raises(AuthError, match="me is the token that this task authenticates with"):
        ask(server, secret=SECRET, name="me", **options)
    with pytest.raises(AuthError, match="me is the token"):
        ask(server, secret=SECRET, name="me", check_mode=True, **options)
    assert set(server.functions) == {"api_token_list", "api_token_get_details"}
    assert ask(server, secret=SECRET, name="you", **options)["changed"] is True
    assert ask(server, secret=SECRET, name="me", force=True, **options)["changed"] is True


def test_one_of_several_names_that_is_in_use_keeps_all_of_them() -> None:
    server = Server(entry("me"), entry("you"), own="me")
    with pytest.raises(AuthError, match="me is the token"):
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
        with pytest.raises(AuthError, match=f"{name} may be the token that this task authenticates with"):
            ask(server, secret=SECRET, name=name, state="absent")
    assert ask(server, secret=SECRET, name="other", state="absent")["changed"] is True


def test_before_version_98_every_token_may_be_the_one_if_privileges_fit_none() -> None:
    server = Server(entry("me", "a"), entry("other", "b"), own="me", version=97, mine="all")
    with pytest.raises(AuthError, match="other may be the token"):
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
    server = Server()
    server.api_token_list = lambda _params: {"tokens": tokens}  # type: ignore[method-assign] # what the server says is replaced
    assert whm_lifecycle.show(server.door(), None, False) == {"changed": False, "api_tokens": []}


# -- minting ---------------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("failure", [AuthError(errors.NETWORK, "no"), RuntimeError("no")])
@pytest.mark.parametrize("function", ["api_token_list", "api_token_revoke"])
def test_a_sweep_that_fails_is_not_seen(monkeypatch: pytest.MonkeyPatch, failure: Exception, function: str) -> None:
    server = Server(entry("apiauth-20270115075900-0a1b2c3d", expires_at=NOW - 1))

    def fail(_this: Server) -> None:
        raise failure

    server.before[function] = [fail] * 5
    assert mint(server, monkeypatch).value == SECRET
    assert function in server.functions


def test_the_life_is_counted_by_the_clock_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    create = server.api_token_create
    server.api_token_create = lambda params: {**create(params), "create_time": NOW + 3000}  # type: ignore[method-assign] # its clock is ahead
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
    with pytest.raises(AuthError, match=why):
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
    with pytest.raises(AuthError, match="acls is empty") as refused:
        account_of(acls=[])
    assert refused.value.kind == "configuration"
    everything = account_of(acls=None, all_privileges=True)
    assert everything != account_of(acls=[""])
    assert everything != account_of(acls=["privileges"])
