# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one family of errors: complete when raised, changed only as a copy, and the same after pickling."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError, configuration_error

WHOLE: dict[str, Any] = {
    "kind": errors.RATE_LIMITED,
    "problem": "the call was refused",
    "hint": "wait",
    "target": "VSS at vss.example.com",
    "status": 429,
    "code": "TooMany",
    "message": "Slow down.",
    "retry_after": 7.5,
    "token_refused": True,
    "sent": True,
    "changed": False,
    "tries": 3,
}


def test_an_error_is_one_sentence() -> None:
    assert str(ApiError(**WHOLE)) == "VSS at vss.example.com: the call was refused; wait"
    assert str(ApiError("server", "it failed", "try again")) == "it failed; try again"
    assert str(ApiError("server", "it failed", target="VSS")) == "VSS: it failed"
    assert str(ApiError("server", "it failed")) == "it failed"


def test_an_error_has_everything_when_it_is_raised() -> None:
    assert vars(ApiError(**WHOLE)) == WHOLE
    assert ApiError(**WHOLE).args == (str(ApiError(**WHOLE)),)


def test_what_is_not_given_is_not_known() -> None:
    error = ApiError("server", "it failed")
    assert error.status is None
    assert error.changed is None
    assert error.sent is False
    assert error.tries == 0
    assert error.token_refused is False


@pytest.mark.parametrize(("name", "value"), [("problem", "another"), ("hint", ""), ("status", 500), ("sent", False), ("changed", True), ("tries", 9)])
def test_replace_returns_a_changed_copy(name: str, value: Any) -> None:
    error = ApiError(**WHOLE)
    changed = error.replace(**{name: value})
    assert vars(changed) == {**WHOLE, name: value}
    assert vars(error) == WHOLE
    assert changed is not error


def test_replace_changes_the_sentence_too() -> None:
    changed = ApiError(**WHOLE).replace(problem="it failed", hint="", target="")
    assert str(changed) == "it failed"
    assert changed.args == ("it failed",)


def test_replace_takes_the_constructor_s_names_only() -> None:
    with pytest.raises(TypeError):
        ApiError("server", "it failed").replace(colour="red")


def test_a_target_is_named_once() -> None:
    error = ApiError("server", "it failed")
    assert str(error.with_target("VSS")) == "VSS: it failed"
    assert error.target == ""
    assert error.with_target("VSS").with_target("RackCorp").target == "VSS"


@pytest.mark.parametrize("duplicate", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"])
def test_an_error_passes_between_processes_whole(duplicate: Any) -> None:
    """Fails without `__reduce__`, because exceptions are pickled by their positional arguments alone."""
    error = duplicate(ApiError(**WHOLE))
    assert error.__class__ is ApiError
    assert vars(error) == WHOLE
    assert str(error) == str(ApiError(**WHOLE))


def test_as_a_result() -> None:
    assert ApiError(**WHOLE).as_result() == {
        "failed": True,
        "changed": False,
        "sent": True,
        "tries": 3,
        "msg": "VSS at vss.example.com: the call was refused; wait",
        "status": 429,
        "error": {"kind": "rate_limited", "code": "TooMany", "message": "Slow down.", "retry_after": 7.5},
    }


def test_a_result_leaves_out_what_is_not_known() -> None:
    unsent = {"failed": True, "changed": False, "sent": False, "tries": 0}
    assert ApiError("network", "it failed").as_result() == {**unsent, "msg": "it failed", "status": None, "error": {"kind": "network"}}
    assert ApiError("rate_limited", "it failed", retry_after=0.0).as_result()["error"] == {"kind": "rate_limited", "retry_after": 0.0}


@pytest.mark.parametrize(
    ("kind", "definite"),
    [
        (errors.CREDENTIALS, True),
        (errors.FORBIDDEN, True),
        (errors.INVALID_REQUEST, True),
        (errors.NOT_FOUND, True),
        (errors.RATE_LIMITED, False),
        (errors.SERVER, False),
        (errors.NETWORK, False),
        (errors.TLS, False),
        (errors.PROTOCOL, False),
        (errors.CONFIGURATION, False),
    ],
)
def test_which_failures_will_happen_again(kind: str, definite: bool) -> None:
    assert ApiError(kind, "it failed").definite is definite


def test_options_that_cannot_be_used() -> None:
    error = configuration_error("missing path", "give one")
    assert error.kind == "configuration"
    assert str(error) == "missing path; give one"
    assert error.sent is False
