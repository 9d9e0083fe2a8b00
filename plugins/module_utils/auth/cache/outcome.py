# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a login leaves in a record: a token, or the refusal that must not be provoked again. Private to this collection."""

from __future__ import annotations

import math
import os
import random
import typing as t

from . import mask
from .record import Record, Stamp, boot_seconds

if t.TYPE_CHECKING:
    from ..errors import AuthError
    from ..provider import Account
    from ..token import Token
    from .seal import Seal

# Where a system does not say how long a token lives, in seconds: what RackCorp's own tools assume of a session.
UNKNOWN_LIFETIME = 900.0
LONGEST_LIFETIME = 10 * 366 * 86400.0
REFRESH_FROM, REFRESH_TO = 0.75, 0.85
# The most of a lifetime that is given away for safety: what is left must hold the window for refreshing.
MARGIN_SHARE = 0.1
KEEP_FIRST, KEEP_MOST = 60.0, 900.0
KEEP_TRANSIENT, KEEP_ASKED_MOST = 2.0, 3600.0
MOST_FAILURES = 8

# What a failure is bound to: 16 bits about the credential or the way to the system, and 16 about a one-time code.
Mark = t.Tuple[t.Optional[int], t.Optional[int]]


def life_of(lifetime: float | None) -> float:
    """Seconds that a token is taken to live."""
    if lifetime is None or math.isnan(lifetime):
        return UNKNOWN_LIFETIME
    return min(max(lifetime, 0.0), LONGEST_LIFETIME)


def put(
    record: Record, seal: Seal, account: Account, token: Token, started: Stamp, *, replaces_refused: bool, margin: float, marks: t.Collection[Mark]
) -> None:
    """Keep a token that was asked for at `started`; forget the failures of these marks."""
    kept = record.reveal(seal, account)
    if record.token is not None and kept is not None and kept.value == token.value:
        # Masked anew, the same token would let a thief with both copies test guesses of the credential.
        salt, shape, text = (record.token[name] for name in ("salt", "shape", "text"))
    else:
        salt = os.urandom(16).hex()
        shape, text = mask.hide(token.value, seal.mask_key(account.credential, salt))
    life = life_of(token.lifetime)
    record.token = {
        "tag": seal.tag(account.credential),
        "salt": salt,
        "shape": shape,
        "text": text,
        "lifetime": token.lifetime,
        "expires_at": token.expires_at,
        "extra": dict(token.extra),
        "at": started._asdict(),
        "took": max(0.0, boot_seconds() - started.boot),
        "fresh": life - min(margin, life * MARGIN_SHARE),
        "refresh": life * random.uniform(REFRESH_FROM, REFRESH_TO),
        "replaced": replaces_refused,
    }
    record.refresh_failed = None
    record.failures = [one for one in record.failures if mark_of(one) not in marks]


def mark_of(failure: t.Mapping[str, t.Any]) -> Mark:
    return failure["tag"], failure["once"]


def note(record: Record, mark: Mark, error: AuthError, now: Stamp) -> float:
    """Remember a failed login: a definite one for a minute, doubling while it repeats; another for seconds. Returns for how long."""
    if error.definite:
        keep = min(KEEP_FIRST * 2 ** _repeated(record, mark, now), KEEP_MOST)
    else:
        keep = min(max(error.retry_after or 0.0, KEEP_TRANSIENT), KEEP_ASKED_MOST)
    told = {name: getattr(error, name) for name in ("kind", "text", "status", "code", "message", "retry_after")}
    entry = {"tag": mark[0], "once": mark[1], "definite": error.definite, "keep": keep, "at": now._asdict(), "error": told}
    entry["count"] = _repeated(record, mark, now) if error.definite else 0
    record.failures = [one for one in record.failures if mark_of(one) != mark][-MOST_FAILURES + 1 :] + [entry]
    return keep


def _repeated(record: Record, mark: Mark, now: Stamp) -> int:
    """How many definite refusals came right before this one."""
    for one in record.failures:
        age = Stamp(**one["at"]).age(now)
        if mark_of(one) == mark and one["definite"] and age is not None and age < 3 * one["keep"]:
            return min(int(one["count"]) + 1, 10)
    return 0


def failure(record: Record, marks: t.Collection[Mark], now: Stamp, since: Stamp | None = None) -> AuthError | None:
    """The remembered error that still stands for one of these marks, or that came up after `since`."""
    from ..errors import AuthError

    for one in record.failures:
        at = Stamp(**one["at"])
        age = at.age(now)
        if mark_of(one) not in marks or age is None:
            continue
        if age < one["keep"] or (since is not None and at.since(since)):
            told = dict(one["error"])
            if told["retry_after"] is not None:
                told["retry_after"] = max(0.0, round(told["retry_after"] - age, 3))
            return AuthError(**told)
    return None


def kept_until(record: Record) -> float:
    """Epoch seconds after which nothing in a record is of use."""
    # Three times as long as a failure stands: the next one of its kind counts as its repetition until then.
    ends = [one["at"]["wall"] + 3 * one["keep"] for one in record.failures]
    if record.token is not None:
        ends.append(record.token["at"]["wall"] + life_of(record.token["lifetime"]))
    return max(ends, default=0.0)


# -- among hosts -------------------------------------------------------------------------------------------------


def aged(record: Record, now: Stamp) -> dict[str, t.Any]:
    """A record for other hosts: with ages in place of moments, without what is true of this host alone."""

    def age(at: t.Mapping[str, t.Any]) -> float | None:
        return Stamp(**at).age(now)

    data = record.dump()
    data.update(clock_offset=0.0, refresh_failed=None)
    token = record.token
    if token is not None:
        ends = None if token["expires_at"] is None else token["expires_at"] - now.wall
        data["token"] = None if age(token["at"]) is None else {**token, "at": age(token["at"]), "expires_at": ends}
    data["failures"] = [{**one, "at": age(one["at"])} for one in record.failures if age(one["at"]) is not None]
    return data


def rebased(data: t.Mapping[str, t.Any], elapsed: float, now: Stamp) -> Record | None:
    """A record of another host by this host's clocks; `elapsed` seconds ago its ages were right."""

    def at(age: float) -> dict[str, t.Any]:
        return Stamp(now.wall - age - elapsed, now.boot - age - elapsed, now.boot_id)._asdict()

    token = data.get("token")
    if token is not None:
        ends = None if token["expires_at"] is None else token["expires_at"] + now.wall - elapsed
        token = {**token, "at": at(token["at"]), "expires_at": ends}
    return Record.load({**data, "token": token, "failures": [{**one, "at": at(one["at"])} for one in data["failures"]]})


def merged(mine: Record | None, theirs: Record | None, now: Stamp) -> Record | None:
    """The newer token and the newer failures of both, with what is true of this host alone."""
    if mine is None or theirs is None:
        return mine if theirs is None else theirs
    my_age, their_age = mine.age(now), theirs.age(now)
    same = mine.token is not None and theirs.token is not None and mine.token["salt"] == theirs.token["salt"]
    newer = not same and their_age is not None and (my_age is None or their_age < my_age)
    token = theirs.token if newer else mine.token
    failures = {mark_of(one): one for one in sorted(mine.failures + theirs.failures, key=lambda one: Stamp(**one["at"]).age(now) or 0.0, reverse=True)}
    refresh_failed = None if newer else mine.refresh_failed
    return Record(mine.provider, mine.api_url, mine.principal, mine.scope, token, list(failures.values()), mine.clock_offset, refresh_failed)
