# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts that share a cache through Redis. Private to this collection.

One process of a host at a time speaks for it, the one that holds the host's own lock. A server that fails or hangs costs
that process a second and a warning; for half a minute after that, the host goes on with its files alone.

The server holds what the files hold, sealed. Moments are stored as ages, and how long ago a record was written follows from
the server's own countdown, so that no two clocks are compared.
"""

from __future__ import annotations

import os
import secrets
import ssl
import time
import typing as t
from urllib.parse import urlsplit

from ..errors import CONFIGURATION, AuthError
from . import outcome
from .record import Stamp, boot_seconds

if t.TYPE_CHECKING:
    from .lock import Lock
    from .record import Record
    from .redis import RedisStore
    from .seal import Seal

PREFIX = "apiauth:1:"
CONNECT_TIMEOUT, REPLY_TIMEOUT = 0.5, 1.0
DOWN_FOR = 30.0
CODES_KEPT = 86_400_000
TOKEN_LENGTH = 32
SCHEMES = ("redis", "rediss", "unix")

# KEYS: lock. ARGV: my token, the token of my dead predecessor on this host, milliseconds.
TAKE = """local held = redis.call('get', KEYS[1])
if held and held ~= ARGV[1] and held ~= ARGV[2] then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1"""
# KEYS: lock, entry. ARGV: my token, content, milliseconds.
WRITE = """if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('set', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1"""
# KEYS: lock. ARGV: my token.
LEAVE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
# KEYS: one code and those after it. ARGV: milliseconds.
CLAIM = """for _, key in ipairs(KEYS) do if redis.call('get', key) then return 0 end end
redis.call('set', KEYS[1], '1', 'PX', ARGV[1])
return 1"""


class Circle:
    """The conversation of one process with the server. After a failure every question is answered as if nobody else were there."""

    def __init__(self, store: RedisStore, url: str) -> None:
        try:
            import redis
        except ImportError:
            raise AuthError(CONFIGURATION, "cache redis needs the Python library redis on the controller; install it there, or set cache to file") from None
        self._errors = (redis.RedisError, OSError)
        self._refusals = (redis.AuthenticationError, redis.ResponseError)
        self._store = store
        self._place = _place(url)
        self._client = _client(url)
        self._down_at: float | None = None
        # The entry that this process speaks for, its token, and that of the last one of this host that did.
        self._entered: tuple[str, str, str] | None = None

    def __repr__(self) -> str:
        return f"Circle({self._place!r})"

    # -- one process of one host leads ----------------------------------------------------------------------------

    def enter(self, identity: t.Sequence[str], lock: Lock | None, lease: float) -> bool:
        """Become the one process of all hosts; `False` while another host has it. `lease` is for how long at most, in seconds."""
        name = self._seal().name(identity)
        if self._entered is None:
            token = secrets.token_hex(TOKEN_LENGTH // 2)
            self._entered = (name, token, _succeed(lock, token))
        _name, mine, last = self._entered
        answer = self._ask(lambda client: client.eval(TAKE, 1, _lock(name), mine, last, int(lease * 1000)))
        return answer is None or bool(answer)

    def leave(self) -> None:
        """Let the others in."""
        if self._entered is not None:
            name, token, _last = self._entered
            self._entered = None
            self._ask(lambda client: client.eval(LEAVE, 1, _lock(name), token))

    def read(self, identity: t.Sequence[str]) -> Record | None:
        """What any host has left; `None` for a miss of any kind."""
        return self.read_name(self._seal().name(identity))

    def read_name(self, name: str) -> Record | None:
        def ask(client: t.Any) -> t.Any:
            both = client.pipeline(transaction=False)
            both.get(_entry(name))
            both.pttl(_entry(name))
            return both.execute()

        blob, left = self._ask(ask) or (None, 0)
        told = self._seal().open(name, blob) if isinstance(blob, bytes) else None
        if told is None or left < 0:
            return None
        try:
            return outcome.rebased(told["record"], max(0.0, (told["milliseconds"] - left) / 1000), Stamp.now())
        except (KeyError, TypeError):
            return None

    def write(self, identity: t.Sequence[str], record: Record) -> bool:
        """Leave a record for all hosts; `False` where this process no longer leads, because it took too long."""
        if self._entered is None:
            return False
        now, (name, token, _last) = Stamp.now(), self._entered
        milliseconds = max(1000, int((outcome.kept_until(record) - now.wall) * 1000))
        blob = self._seal().close(name, {"milliseconds": milliseconds, "record": outcome.aged(record, now)})
        return bool(self._ask(lambda client: client.eval(WRITE, 2, _lock(name), _entry(name), token, blob, milliseconds)))

    def claim(self, label: str, step: int, ahead: int) -> bool:
        """Whether no host has sent the one-time code of this step, nor one right after it."""
        keys = [f"{PREFIX}{{{label}}}:{one}" for one in range(step, step + ahead + 1)]
        answer = self._ask(lambda client: client.eval(CLAIM, len(keys), *keys, CODES_KEPT))
        return answer is None or bool(answer)

    # -- housekeeping --------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        found = self._ask(lambda client: list(client.scan_iter(match=f"{PREFIX}*", count=1000))) or []
        middle = (key.decode("ascii", "replace")[len(PREFIX) :] for key in found)
        return sorted(one[1:-1] for one in middle if one.startswith("{") and one.endswith("}"))

    def remove(self, name: str) -> None:
        self._ask(lambda client: client.delete(_entry(name)))

    # -- when the server fails -----------------------------------------------------------------------------------

    def is_down(self) -> bool:
        """Whether this host has met a failure of the server lately."""
        if self._down_at is not None and boot_seconds() - self._down_at < DOWN_FOR:
            return True
        self._down_at = None
        return _young(self._mark())

    def _ask(self, question: t.Callable[[t.Any], t.Any]) -> t.Any:
        """The server's answer; `None` where there is none."""
        if self._down_at is not None:
            return None
        try:
            return question(self._client)
        except self._errors as failure:
            self._lost(failure)
        except (TypeError, ValueError):
            # The library makes its connection only now, from the parameters of the URL.
            raise _bad_url("holds a parameter that the library redis does not know") from None
        return None

    def _lost(self, failure: Exception) -> None:
        self._down_at = boot_seconds()
        self._entered = None
        # The connection may still carry a late answer.
        self._client.connection_pool.disconnect()
        if self._marked():
            self._store.warn(
                f"apiauth.tokens: the Redis server at {self._place} {self._reason(failure)}; for the next {DOWN_FOR:g} seconds this host uses its own cache "
                "and shares no login with other hosts."
            )

    def _reason(self, failure: Exception) -> str:
        if isinstance(failure, self._refusals):
            return "refuses the user, the password or a command (the guide to the cache has the ACL line)"
        # The library tells the system's errors as errors of its own.
        cause = failure.__cause__ or failure.__context__ or failure
        if isinstance(cause, ssl.SSLError):
            return "does not pass the checks of TLS (look at the ssl_ parameters of cache_redis_url)"
        if isinstance(cause, FileNotFoundError):
            return "cannot be asked, because a file that cache_redis_url names is missing"
        return "cannot be reached or does not answer"

    def _mark(self) -> str:
        return os.path.join(self._store.directory, f"redis-down-{self._seal().tag(('redis', self._place)):04x}")

    def _marked(self) -> bool:
        """Tell the other processes of this host; whether this one was the first."""
        path = self._mark()
        try:
            if os.path.lexists(path) and not _young(path):
                os.unlink(path)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            return False
        except OSError:
            pass
        return True

    def _seal(self) -> Seal:
        # The key of a shared cache is always given.
        return t.cast("Seal", self._store.seal())


def _client(url: str) -> t.Any:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    settings: dict[str, t.Any] = {
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "socket_timeout": REPLY_TIMEOUT,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }
    if urlsplit(url).scheme == "rediss":
        # Older releases of the library check the certificate, but not whose it is.
        settings["ssl_check_hostname"] = True
    try:
        return redis.Redis.from_url(url, **settings)
    except (TypeError, ValueError):
        raise _bad_url("cannot be understood") from None


def _place(url: str) -> str:
    """The server in words that hold no secret. Raises a configuration error."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES or not (parts.path if parts.scheme == "unix" else parts.hostname):
            raise ValueError
        return parts.path if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or 6379}"
    except ValueError:
        raise _bad_url("cannot be understood") from None


def _bad_url(why: str) -> AuthError:
    return AuthError(
        CONFIGURATION, f"cache_redis_url {why}; it must look like rediss://user:password@host:6379/0, with special characters of the password URL-encoded"
    )


def _entry(name: str) -> str:
    # In braces: a cluster keeps an entry and its lock on the same node.
    return f"{PREFIX}{{{name}}}"


def _lock(name: str) -> str:
    return f"{_entry(name)}:lock"


def _succeed(lock: Lock | None, token: str) -> str:
    """Leave my token in this host's lock file; returns that of the last holder.

    Whoever holds the file's lock knows that the last holder is gone, so what it still has at the server is free.
    """
    if lock is None:
        return ""
    try:
        last = os.pread(lock.descriptor, TOKEN_LENGTH, 0)
        os.pwrite(lock.descriptor, token.encode(), 0)
        return last.decode("ascii", "replace")
    except OSError:
        return ""


def _young(path: str) -> bool:
    try:
        return abs(time.time() - os.lstat(path).st_mtime) < DOWN_FOR
    except OSError:
        return False
