# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a failed login is believed, and by whom."""

from __future__ import annotations

from engine.brokers import ACCOUNT, DOWN, NO_CONNECTION, REJECTED, System

from ansible_collections.apiauth.tokens.plugins.module_utils.auth import errors
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.errors import ApiError, configuration_error


def test_a_rejected_login_is_shared_for_a_minute(system: System) -> None:
    """Fails when others try again, or when the error is not the one that the first task got."""
    system.source.failure = REJECTED
    first, second = system.error(), system.error()
    assert system.logins == 1
    assert str(first) == str(second) == "VSS at vss.example.com: the login was rejected"
    for error in (first, second):
        assert (error.kind, error.status, error.sent, error.tries, error.token_refused) == (errors.CREDENTIALS, 401, False, 0, False)
    system.clock.seconds = 59
    system.error()
    assert system.logins == 1
    system.clock.seconds = 61
    system.error()
    assert system.logins == 2


def test_rejections_double(system: System) -> None:
    """Fails when the time is not doubled, not limited, or when a rejection of long ago counts as a repetition."""
    system.source.failure = REJECTED
    tried = []
    for moment in range(0, 3000, 20):
        before = system.logins
        system.clock.seconds = moment
        system.error()
        if system.logins > before:
            tried.append(moment)
    assert tried == [0, 60, 180, 420, 900, 1800, 2700]
    system.clock.seconds = 2700 + 3 * 900 + 1
    system.error()
    assert system.entry().failures[-1].stands_for == 60


def test_a_corrected_credential_is_tried_at_once(system: System) -> None:
    """Fails when a failure is not bound to its credential, or stays for the wrong one after a login with the right one."""
    system.source.failure = REJECTED
    system.error()
    system.source.failure = None
    assert system.token(account=ACCOUNT._replace(credential=("right",))) == "CANARY-token-2"
    system.source.failure = REJECTED
    assert system.error(account=ACCOUNT).kind == errors.CREDENTIALS
    assert system.logins == 2


def test_another_one_time_code_is_tried_at_once(system: System) -> None:
    """Fails when a rejection is bound to the password alone."""
    system.source.failure = REJECTED
    for code, logins in (("000000", 1), ("000000", 1), ("000001", 2)):
        system.error(account=ACCOUNT._replace(one_time_codes=(code,)))
        assert system.logins == logins


def test_another_way_to_the_system_is_tried_at_once(system: System) -> None:
    """Fails when a rejection stands although the proxy or the certificate that it was about is another one now."""
    system.source.failure = REJECTED.replace(kind=errors.FORBIDDEN, status=403)
    first, other = ("proxy=http://user:one@proxy:3128",), ("proxy=http://other:3128",)
    for route, logins in ((first, 1), (("proxy=http://user:two@proxy:3128",), 1), (other, 2), (first, 2), ((), 3)):
        system.error(route=route)
        assert system.logins == logins
    system.source.failure = None
    assert system.token(route=("client_cert=/new.pem",)) == "CANARY-token-4"


def test_a_failed_connection_is_shared_by_those_with_the_same_settings(system: System) -> None:
    """Fails when other settings inherit the failure, when the same ones do not, or when a proxy's password is part of them."""
    system.source.failure = NO_CONNECTION
    system.error(scope=("proxy=http://user:one@proxy:3128",))
    system.error(scope=("proxy=http://user:two@proxy:3128",))
    assert system.logins == 1
    system.error(scope=("proxy=None",))
    assert system.logins == 2
    system.clock.seconds = 2.1
    system.error(scope=("proxy=None",))
    assert system.logins == 3


def test_the_systems_own_failure_is_shared_by_all(system: System) -> None:
    """Fails when a failure of the system depends on settings or credentials."""
    system.source.failure = DOWN
    system.error()
    system.error(scope=("timeout=1",), account=ACCOUNT._replace(credential=("another",)))
    assert system.logins == 1
    system.clock.seconds = 2.1
    system.source.failure = None
    assert system.token() == "CANARY-token-2"
    assert not system.entry().failures


def test_the_time_that_a_system_asks_for(system: System) -> None:
    """Fails when it is not kept, or does not count down."""
    system.source.failure = ApiError(errors.RATE_LIMITED, "slow down", status=429, retry_after=90.0, sent=True)
    system.error()
    system.clock.seconds = 30
    assert system.error().retry_after == 60
    system.clock.seconds = 89
    system.error()
    assert system.logins == 1
    system.clock.seconds = 91
    system.error()
    assert system.logins == 2


def test_a_configuration_error_is_not_shared(system: System) -> None:
    """Fails when a corrected option does not work at once."""
    system.source.failure = configuration_error("wrong option")
    assert str(system.error()) == "VSS at vss.example.com: wrong option"
    assert not list((system.root / "cache" / "v1").glob("?" * 32))
