# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options become plain values of their type, wherever they come from, and no error quotes one."""

from __future__ import annotations

import datetime
import json
import socket
import string
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils._convert import convert, untag
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import COMMON, Option, Options, secret_values


class Marked(str):
    """As Ansible marks its texts."""

    __slots__ = ()


class MarkedNumber(int):
    """As newer cores mark numbers."""


class Vaulted(Sequence[str]):
    """As cores before 2.19 have vaulted texts: a sequence, but no ``str``."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text

    def __len__(self) -> int:
        return len(self._text)

    def __getitem__(self, index: Any) -> Any:
        return self._text[index]


class Lazy(Mapping[str, Any]):
    """As newer cores hand over what is templated later."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def every_type(value: Any) -> set[type]:
    if isinstance(value, dict):
        return {dict}.union(*(every_type(part) for pair in value.items() for part in pair))
    if isinstance(value, list):
        return {list}.union(*(every_type(part) for part in value))
    return {type(value)}


def test_nested_data_becomes_plain() -> None:
    given = Lazy({Marked("a"): [Marked("b"), (Vaulted("c"), MarkedNumber(3), 1.5, True, None)], "d": {"e": Lazy({Marked("f"): Marked("ü")})}})
    made = untag(given)
    assert made == {"a": ["b", ["c", 3, 1.5, True, None]], "d": {"e": {"f": "ü"}}}
    assert every_type(made) == {dict, list, str, int, float, bool, type(None)}
    assert json.loads(json.dumps(made)) == made


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05"),
        (b"bytes", "bytes"),
        ({1: "x"}, {1: "x"}),
        (frozenset({"a"}), ["a"]),
    ],
)
def test_what_yaml_and_filters_make_becomes_json(value: Any, made: Any) -> None:
    assert untag({"body": value}) == {"body": made}


GOOD: list[tuple[str, Any, Any]] = [
    ("str", Marked("text"), "text"),
    ("str", Vaulted("text"), "text"),
    ("str", 7, "7"),
    ("str", True, "True"),
    ("str", datetime.date(2026, 1, 2), "2026-01-02"),
    ("bool", True, True),
    ("bool", "yes", True),
    ("bool", "On", True),
    ("bool", 1, True),
    ("bool", "1", True),
    ("bool", Vaulted("true"), True),
    ("bool", "no", False),
    ("bool", "FALSE", False),
    ("bool", 0, False),
    ("int", "3", 3),
    ("int", 3.0, 3),
    ("int", Vaulted("4"), 4),
    ("int", MarkedNumber(5), 5),
    ("float", "2.5", 2.5),
    ("float", 0, 0.0),
    ("float", Marked("60"), 60.0),
    ("list", ["a", Marked("b")], ["a", "b"]),
    ("list", "a, b,,c", ["a", "b", "c"]),
    ("list", '["a", 1]', ["a", 1]),
    ("list", "['a', 1]", ["a", 1]),
    ("list", ("a",), ["a"]),
    ("list", '[{"cmd": "x"}]', [{"cmd": "x"}]),
    ("dict", {"a": Marked("b")}, {"a": "b"}),
    ("dict", Lazy({"a": 1}), {"a": 1}),
    ("dict", '{"a": {"b": 1}}', {"a": {"b": 1}}),
    ("dict", "{'a': True}", {"a": True}),
    ("dict", "a=1, b=x=y", {"a": "1", "b": "x=y"}),
    ("raw", Marked("x"), "x"),
    ("raw", [Marked("x")], ["x"]),
]


@pytest.mark.parametrize(("kind", "value", "made"), GOOD)
def test_values_of_each_type(kind: str, value: Any, made: Any) -> None:
    found = convert(Option("thing", kind), value)
    assert found == made
    assert every_type(found) <= {dict, list, str, int, float, bool, type(None)}


SHORT_WORD = set(string.ascii_letters + string.digits + "_.:/+-")
BAD: list[tuple[str, Any, str]] = [
    ("str", ["Secret-Word"], "a string"),
    ("str", {"Secret-Word": 1}, "a string"),
    ("path", ["Secret-Word"], "a path"),
    ("bool", "Secret-Word", "true or false"),
    ("bool", 2, "true or false"),
    ("bool", [], "true or false"),
    ("int", "Secret-Word", "a whole number of zero or more"),
    ("int", 1.5, "a whole number of zero or more"),
    ("int", -1, "a whole number of zero or more"),
    ("int", True, "a whole number of zero or more"),
    ("int", "1e999", "a whole number of zero or more"),
    ("float", "nan", "a number of zero or more"),
    ("float", "-0.1", "a number of zero or more"),
    ("float", "inf", "a number of zero or more"),
    ("float", "", "a number of zero or more"),
    ("float", 10**400, "a number of zero or more"),
    ("int", 10**400, "a whole number of zero or more"),
    ("int", "9" * 5000, "a whole number of zero or more"),
    ("list", 7, "a list"),
    ("list", {"Secret-Word": 1}, "a list"),
    ("list", "[Secret-Word", "a list"),
    ("list", "[" * 100_000, "a list"),
    ("dict", "Secret-Word", "a dictionary"),
    ("dict", ["Secret-Word"], "a dictionary"),
    ("dict", '{"Secret-Word"', "a dictionary"),
    ("dict", "{'Secret-Word'}", "a dictionary"),
    ("dict", "{Secret-Word()}", "a dictionary"),
]


@pytest.mark.parametrize(("kind", "value", "called"), BAD)
def test_values_of_a_wrong_type(kind: str, value: Any, called: str) -> None:
    """A short word is quoted because it is a slip of typing; a secret, and whatever may be one, is not."""
    with pytest.raises(ApiError) as caught:
        convert(Option("thing", kind), value)
    assert caught.value.kind == "configuration"
    short = isinstance(value, (str, int, float)) and len(f"{value!s:.40}") <= 30 and set(str(value)) <= SHORT_WORD and value != ""
    assert str(caught.value) == f"thing must be {called}" + (f", and not {str(value)!r}" if short else "")
    with pytest.raises(ApiError) as caught:
        convert(Option("thing", kind, secret=True), value)
    assert "Secret-Word" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("one", "value", "told"),
    [
        (Option("timeout", "float"), 1e11, "timeout must be at most 1000000; correct it"),
        (Option("timeout", "float"), 1_000_001, "timeout must be at most 1000000; correct it"),
        (Option("retries", "int"), "1e10", "retries must be at most 1000000000; correct it"),
        (Option("ttl", "int"), 10**300, "ttl must be at most 1000000000; correct it"),
        (Option("acls", "list", elements="str"), [10**5000], "acls must be a list of strings"),
        (Option("acls", "list", elements="str"), [["Secret-Word"]], "acls must be a list of strings"),
        (Option("acls", "list", elements="str"), [None], "acls must be a list of strings"),
        (Option("acls", "list", elements="str"), ["a", "Secret-Word\ud800"], "acls contains a lone surrogate, which is not a character; correct it"),
        (Option("password", env=("P",)), "Secret-Word\ud800", "password contains a lone surrogate, which is not a character; correct it"),
        (Option("ca_path", "path", env=("P",)), "Secret-Word\udfff", "ca_path contains a lone surrogate, which is not a character; correct it"),
        (Option("path"), "Secret-Word\udcff", "path contains a lone surrogate, which is not a character; correct it"),
    ],
)
def test_values_that_nothing_can_use(one: Option, value: Any, told: str) -> None:
    with pytest.raises(ApiError) as caught:
        convert(one, value)
    assert (caught.value.kind, str(caught.value)) == ("configuration", told)


def test_the_largest_values() -> None:
    timeout = convert(Option("timeout", "float"), 1_000_000)
    with socket.socket() as connection:
        connection.settimeout(timeout)
    assert convert(Option("retries", "int"), 10**9) == 10**9
    # Bytes of the environment that are no UTF-8.
    assert convert(Option("password", env=("P",)), "pass\udcffword") == "pass\udcffword"
    assert convert(Option("whitelist_ips", "list", elements="str"), [1, True, "ü"]) == ["1", "True", "ü"]


def test_above_zero() -> None:
    with pytest.raises(ApiError, match="timeout must be a number above zero"):
        convert(Option("timeout", "float", positive=True), 0)
    assert convert(Option("timeout", "float", positive=True), 0.1) == 0.1


def test_choices() -> None:
    one = Option("mutates", choices=("auto", "true", "false"))
    assert [convert(one, value) for value in ("auto", True, False, Marked("true"))] == ["auto", "true", "false", "true"]
    with pytest.raises(ApiError, match=r"^mutates must be one of auto, true, false, and not 'Secret-Word'$"):
        convert(one, "Secret-Word")


def test_choices_in_any_case() -> None:
    assert [convert(Option("mutates", choices=("auto", "true", "false")), value) for value in ("True", "False", "AUTO")] == ["true", "false", "auto"]
    assert convert(Option("method", choices=("GET", "POST")), "post") == "POST"


def test_paths_are_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMEWHERE", "/some/where")
    monkeypatch.setenv("HOME", "/home/me")
    assert convert(Option("ca_path", "path"), "$SOMEWHERE/ca.pem") == "/some/where/ca.pem"
    assert convert(Option("ca_path", "path"), "~/ca.pem") == "/home/me/ca.pem"


def test_options_show_no_value() -> None:
    options = Options(password="Secret-Word", username="x")
    assert repr(options) == str(options) == "Options(password, username)"


def test_secrets_are_those_of_the_table() -> None:
    table = (Option("a", secret=True), Option("b"), Option("c", secret=True), Option("d", secret=True))
    assert secret_values(table, {"a": "1", "b": "2", "c": None}) == ("1",)


def test_names_of_the_common_options() -> None:
    """Their variables and environment are their names with a prefix."""
    assert all(one.variable == f"apiauth_{one.name}" and one.env == (one.variable.upper(),) for one in COMMON)
    assert {one.name for one in COMMON if one.secret} == {"proxy", "cache_key", "cache_redis_url"}
