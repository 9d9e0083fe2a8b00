# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The library redis, which is optional: how this collection connects with it, and its failures in words."""

from __future__ import annotations

import ssl
import typing as t
from urllib.parse import urlsplit

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError:
    IS_INSTALLED = False
else:
    IS_INSTALLED = True
    ERRORS = (redis.RedisError, OSError)
    REJECTIONS = (redis.AuthenticationError, redis.ResponseError)

# Why a server that is in order otherwise writes nothing, by words of its reply: not every release of the library has a class for each.
STATES = {
    "maxmemory": "is out of memory (raise its maxmemory, or set a maxmemory-policy that evicts keys)",
    "read only replica": "is a replica, which cannot be written (give the address of the primary)",
    "unable to persist": "does not write, because it cannot save to its disk (see its log)",
}
CONNECT_TIMEOUT, REPLY_TIMEOUT = 0.5, 1.0


def connect(url: str) -> t.Any:
    """Return the client of a server, which connects with its first command. Raises `TypeError` or `ValueError` if the address cannot be parsed."""
    settings: dict[str, t.Any] = {
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "socket_timeout": REPLY_TIMEOUT,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }
    if urlsplit(url).scheme == "rediss":
        # Older releases of the library check the certificate, but not its host name.
        settings["ssl_check_hostname"] = True
    return redis.Redis.from_url(url, **settings)


def describe_failure(failure: Exception) -> str:
    """Return what is wrong with a server, as the end of a sentence about it."""
    for words, state in STATES.items():
        if isinstance(failure, redis.ResponseError) and words in str(failure):
            return state
    if isinstance(failure, REJECTIONS):
        return "rejects the user, the password or a command (the guide to the cache shows the ACL line)"
    # The library wraps the system's errors in its own.
    cause = failure.__cause__ or failure.__context__ or failure
    if isinstance(cause, ssl.SSLError):
        return "fails the checks of TLS (see the ssl_ parameters of cache_redis_url)"
    if isinstance(cause, FileNotFoundError):
        return "cannot be asked, because a file that cache_redis_url names is missing"
    return "cannot be reached or does not reply"
