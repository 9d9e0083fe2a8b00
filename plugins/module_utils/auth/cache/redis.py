# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cache that several hosts share: files on each host, and a Redis server between them.

A hit is answered by this host's files alone. On a miss, the one process of a host that holds the host's own lock asks the server. If the server fails
or hangs, that costs this process about a second and a warning, and the host uses its files alone for the next half minute.

The server holds what the files hold, sealed. Moments are stored as ages, and how long ago an entry was written follows from the server's own countdown,
so that clocks of different hosts are never compared.
"""

from __future__ import annotations

import os
import secrets
import time
import typing as t
from urllib.parse import urlsplit

from ..errors import NETWORK, ApiError, configuration_error
from ..options import CacheSettings
from . import files
from .clocks import Timestamp, boot_seconds
from .crypto import CacheKey
from .housekeeping import CODES_AGE
from .locks import FileLock
from .records import CacheEntry
from .store import FileStore, warn_once

PREFIX = "apiauth:1:"
# For how many seconds a host does not ask the server again after a failure.
DOWN_FOR = 30.0
TOKEN_LENGTH = 32
SCHEMES = ("redis", "rediss", "unix")

# KEYS: lease. ARGV: my token, the token of the last holder on this host (which is dead), milliseconds.
ACQUIRE = """local holder = redis.call('get', KEYS[1])
if holder and holder ~= ARGV[1] and holder ~= ARGV[2] then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1"""
# KEYS: lease, entry. ARGV: my token, content, milliseconds.
WRITE = """if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('set', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1"""
# KEYS: lease. ARGV: my token, milliseconds.
RENEW = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0"
# KEYS: lease. ARGV: my token.
RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
# KEYS: a code and those after it. ARGV: milliseconds.
CLAIM_CODE = """for _, key in ipairs(KEYS) do if redis.call('get', key) then return 0 end end
redis.call('set', KEYS[1], '1', 'PX', ARGV[1])
return 1"""


class RedisStore(FileStore):
    """A file cache that asks other hosts on a miss. All of them must use the same `settings.key`. Raises a configuration error without a key or URL."""

    backend = "redis"

    def __init__(self, settings: CacheSettings) -> None:
        if not settings.key:
            raise configuration_error("cache redis needs cache_key", "set it to the same value on every host that shares the cache")
        if not settings.redis_url:
            raise configuration_error("cache redis needs cache_redis_url", "set it to an address such as rediss://user:password@host:6379/0")
        super().__init__(settings)
        self._url = settings.redis_url
        self._lease: RedisLease | None = None

    def lease(self) -> RedisLease | None:
        """Return the lease; `None` while the server is known to be down. Raises a configuration error."""
        lease = self._server()
        return None if lease.is_down() else lease

    def _server(self) -> RedisLease:
        """Return the connection, also while the server is known to be down: who lists or removes entries wants all of them."""
        if self._lease is None:
            self._lease = RedisLease(self, self._url)
        return self._lease

    def names(self) -> list[str]:
        return sorted({*super().names(), *self._server().names()})

    def _entries(self) -> dict[str, CacheEntry]:
        found, server = super()._entries(), self._server()
        for name in server.names():
            entry = server.read_name(name) if name not in found else None
            if entry is not None:
                found[name] = entry
        return found

    def remove(self, name: str) -> None:
        """Remove an entry here and from the server; files of other hosts stay until their token is refused or expires."""
        super().remove(name)
        self._server().remove(name)

    def unreachable(self) -> ApiError | None:
        return self._server().failure


class RedisLease:
    """One process's connection to the server. After a failure it answers as if there were no other hosts."""

    def __init__(self, store: FileStore, url: str) -> None:
        # Imported here: a hit needs neither the library redis nor TLS.
        from . import redis_client

        if not redis_client.IS_INSTALLED:
            raise configuration_error("cache redis needs the Python library redis on the controller", "install it there, or set cache to file")
        self._errors = redis_client.ERRORS
        self._describe_failure = redis_client.describe_failure
        self._store = store
        self._address = describe_address(url)
        try:
            self._client = redis_client.connect(url)
        except (TypeError, ValueError):
            raise _bad_url("cannot be parsed") from None
        self._down_since: float | None = None
        # The last one.
        self.failure: ApiError | None = None
        # While this process asks for or has the lease: the name of the entry, its token, and that of the last holder on this host.
        self._held: tuple[str, str, str] | None = None

    def __repr__(self) -> str:
        return f"RedisLease({self._address!r})"

    # -- one process of one host logs in -------------------------------------------------------------------------

    def acquire(self, identity: t.Sequence[str], lock: FileLock | None, seconds: float) -> bool:
        name = self._key().entry_name(identity)
        if self._held is None:
            token = secrets.token_hex(TOKEN_LENGTH // 2)
            self._held = (name, token, _swap_token(lock, token))
        _name, mine, last = self._held
        reply = self._ask(lambda client: client.eval(ACQUIRE, 1, _lease_name(name), mine, last, int(seconds * 1000)))
        return reply is None or bool(reply)

    def renew(self, seconds: float) -> None:
        # Other threads of the task may wait, and renew it, while this one releases it.
        held = self._held
        if held is not None:
            name, token, _last = held
            self._ask(lambda client: client.eval(RENEW, 1, _lease_name(name), token, int(seconds * 1000)))

    def release(self) -> None:
        if self._held is not None:
            name, token, _last = self._held
            self._held = None
            self._ask(lambda client: client.eval(RELEASE, 1, _lease_name(name), token))

    def read(self, identity: t.Sequence[str]) -> CacheEntry | None:
        return self.read_name(self._key().entry_name(identity))

    def read_name(self, name: str) -> CacheEntry | None:
        """Return what other hosts have cached under this name."""

        def ask(client: t.Any) -> t.Any:
            both = client.pipeline(transaction=False)
            both.get(_entry_name(name))
            both.pttl(_entry_name(name))
            return both.execute()

        blob, left = self._ask(ask) or (None, 0)
        data = self._key().unseal(name, blob) if isinstance(blob, bytes) and left >= 0 else None
        if not isinstance(data, dict) or not isinstance(data.get("milliseconds"), int) or isinstance(data["milliseconds"], bool):
            return None
        entry = CacheEntry.from_json(data.get("entry"))
        return None if entry is None else entry.from_other_host(max(0.0, (data["milliseconds"] - left) / 1000), Timestamp.now())

    def write(self, identity: t.Sequence[str], entry: CacheEntry) -> bool:
        if self._held is None:
            return False
        now, (name, token, _last) = Timestamp.now(), self._held
        milliseconds = max(1000, int((entry.stale_after - now.wall) * 1000))
        blob = self._key().seal(name, {"milliseconds": milliseconds, "entry": entry.for_other_hosts(now).to_json()})
        return bool(self._ask(lambda client: client.eval(WRITE, 2, _lease_name(name), _entry_name(name), token, blob, milliseconds)))

    def claim_code(self, label: str, step: int, ahead: int) -> bool:
        keys = [_code_name(label, near) for near in range(step, step + ahead + 1)]
        reply = self._ask(lambda client: client.eval(CLAIM_CODE, len(keys), *keys, int(CODES_AGE * 1000)))
        return reply is None or bool(reply)

    def give_back_code(self, label: str, step: int) -> None:
        self._ask(lambda client: client.delete(_code_name(label, step)))

    # -- for people and for housekeeping -------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Return the names of all entries on the server."""
        found = self._ask(lambda client: list(client.scan_iter(match=f"{PREFIX}*", count=1000))) or []
        names = (key.decode("ascii", "replace")[len(PREFIX) :] for key in found)
        return sorted(name[1:-1] for name in names if name.startswith("{") and name.endswith("}"))

    def remove(self, name: str) -> None:
        """Remove an entry. Raises an `ApiError` if the server does not reply."""
        if self._ask(lambda client: client.delete(_entry_name(name))) is None and self.failure is not None:
            raise self.failure.replace()

    # -- failures of the server ----------------------------------------------------------------------------------

    def is_down(self) -> bool:
        """Return whether this host has met a failure of the server lately."""
        if self._down_since is not None and boot_seconds() - self._down_since < DOWN_FOR:
            return True
        self._down_since = None
        return _is_young(self._down_marker())

    def _ask(self, question: t.Callable[[t.Any], t.Any]) -> t.Any:
        """Return the server's reply; `None` without one."""
        if self._down_since is not None:
            return None
        try:
            return question(self._client)
        except self._errors as failure:
            self._note_failure(failure)
        except (TypeError, ValueError):
            # The library creates its connection only now, from the parameters of the URL.
            raise _bad_url("holds a parameter that the library redis does not know") from None
        return None

    def _note_failure(self, failure: Exception) -> None:
        self._down_since = boot_seconds()
        self._held = None
        problem = f"the Redis server at {self._address} {self._describe_failure(failure)}"
        self.failure = ApiError(NETWORK, problem, "run the task again when it can be used")
        # The connection may still deliver a late reply.
        self._client.connection_pool.disconnect()
        if self._create_down_marker():
            warn_once(f"{problem}; for the next {DOWN_FOR:g} seconds this host uses its own cache and shares no login with other hosts.")

    def _down_marker(self) -> str:
        return os.path.join(self._store.directory, f"redis-down-{self._key().fingerprint16(('redis', self._address)):04x}")

    def _create_down_marker(self) -> bool:
        """Tell the other processes of this host; return whether this one is the first."""
        path = self._down_marker()
        try:
            if os.path.lexists(path) and not _is_young(path):
                files.remove_file(path)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            return False
        except OSError:
            pass
        return True

    def _key(self) -> CacheKey:
        # The key of a shared cache is always given.
        return t.cast("CacheKey", self._store.key())


def describe_address(url: str) -> str:
    """Return the server's address without any secret. Raises a configuration error."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES or not (parts.path if parts.scheme == "unix" else parts.hostname):
            raise ValueError
        return parts.path if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or 6379}"
    except ValueError:
        raise _bad_url("cannot be parsed") from None


def _bad_url(problem: str) -> ApiError:
    hint = "it must look like rediss://user:password@host:6379/0, with special characters of the password URL-encoded"
    return configuration_error(f"cache_redis_url {problem}", hint)


def _entry_name(name: str) -> str:
    # In braces: a cluster keeps an entry and its lease on the same node.
    return f"{PREFIX}{{{name}}}"


def _lease_name(name: str) -> str:
    return f"{_entry_name(name)}:lock"


def _code_name(label: str, step: int) -> str:
    return f"{_entry_name(label)}:{step}"


def _swap_token(lock: FileLock | None, token: str) -> str:
    """Leave this process's token in the host's lock file, and return that of the last holder.

    Whoever holds the lock of the file knows that the last holder is gone, so a lease that it still has on the server is free.
    """
    if lock is None:
        return ""
    try:
        last = os.pread(lock.descriptor, TOKEN_LENGTH, 0)
        os.pwrite(lock.descriptor, token.encode(), 0)
        return last.decode("ascii", "replace")
    except OSError:
        return ""


def _is_young(path: str) -> bool:
    try:
        return abs(time.time() - os.lstat(path).st_mtime) < DOWN_FOR
    except OSError:
        return False
