# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of guarantees, each with what was measured.

make guarantees                                          runs tests/cache and writes the page anew
python tests/cache/guarantees.py MEASURED.json PAGE.rst   writes the page from values that a run has left
"""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HEAD = """..
  Copyright (c) 2026, apiauth.tokens contributors
  GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
  SPDX-License-Identifier: GPL-3.0-or-later

.. _ansible_collections.apiauth.tokens.docsite.guide_cache_guarantees:

What the token cache guarantees
===============================

Each guarantee is tested in ``tests/cache`` with real processes, a real HTTP server that counts requests, and a real Redis server. ``make guarantees`` writes
this page; the values are from its last run, on {machine}. Times include whatever else that machine was doing.

.. list-table::
    :header-rows: 1
    :widths: 55 45

    * - Guarantee
      - Measured
"""


@dataclass(frozen=True)
class Promise:
    """``measured`` is a text with the names of values in braces; ``holds`` compares them with the promise."""

    text: str
    measured: str
    exact: tuple[tuple[str, Any], ...] = ()


PROMISES = (
    Promise(
        "64 processes without a cached token: one login",
        "{cold_64.logins} login, slowest process {cold_64.slowest_seconds} s with a login of 0.3 s",
        (("cold_64.logins", 1),),
    ),
    Promise("256 processes: one login", "{cold_256.logins} login, slowest process {cold_256.slowest_seconds} s", (("cold_256.logins", 1),)),
    Promise(
        "A wrong credential: one login for 64 processes, which all get the same error; none for a second wave within a minute",
        "{refused.logins} login; second wave {refused.logins_of_the_second_wave}",
        (("refused.logins", 1), ("refused.logins_of_the_second_wave", 0)),
    ),
    Promise(
        "While rejections continue, the minute doubles, up to a quarter of an hour",
        "seconds between attempts: {refused.seconds_between_attempts}",
        (("refused.seconds_between_attempts", [60, 120, 240, 480, 900, 900]),),
    ),
    Promise("A corrected credential is tried at once", "{refused.corrected_credential_logins} login", (("refused.corrected_credential_logins", 1),)),
    Promise(
        "No request before the time that a system asks for (``Retry-After``)",
        "{retry_after.requests_before_its_time} requests",
        (("retry_after.requests_before_its_time", 0),),
    ),
    Promise(
        "A system that hangs: one request, and all 64 processes fail within the time-out plus a second",
        "{hung.requests} request, slowest {hung.slowest_beyond_time_out_seconds} s after the time-out",
        (("hung.requests", 1),),
    ),
    Promise("32 tasks with ``refresh: true`` at once: one login", "{refresh.logins} login", (("refresh.logins", 1),)),
    Promise(
        "64 processes whose cached token is rejected with 401: one login, and each repeats its call once",
        "{refused_token.logins} login, {refused_token.calls_repeated_more_than_once} calls repeated more than once",
        (("refused_token.logins", 1), ("refused_token.calls_repeated_more_than_once", 0)),
    ),
    Promise(
        "A call that is rejected with any token: one login a minute",
        "{refused_for_good.logins_in_a_minute} login",
        (("refused_for_good.logins_in_a_minute", 1),),
    ),
    Promise(
        "After 75 to 85 % of the lifetime, one process refreshes the token; the others keep using the old one without waiting",
        "{ahead.logins} login, {ahead.processes_with_the_old_token} of 64 used the old token, the slowest of these after {ahead.slowest_of_these_seconds} s "
        "(the login takes 2 s); due between {ahead.earliest_share} and {ahead.latest_share} of the lifetime",
        (("ahead.logins", 1), ("ahead.processes_with_the_old_token", 63)),
    ),
    Promise(
        "A failed refresh is silent, and is retried once a minute at most",
        "{ahead.least_seconds_between_failing_tries} s between tries, no error, no warning",
        (("ahead.least_seconds_between_failing_tries", 60),),
    ),
    Promise(
        "``kill -9`` at random moments while writing: a hit or a miss, never an error",
        "{kill.random_kills} kills, {kill.hits_after_random_kills} hits after them, longest wait for the lock {kill.longest_wait_for_the_lock_seconds} s",
        (("kill.random_kills", 300), ("kill.hits_after_random_kills", 300)),
    ),
    Promise(
        "``kill -9`` at every system call, from creating the first directory to the last rename",
        "killed at each of {kill.system_calls} system calls, recovered every time",
    ),
    Promise(
        "A process is killed during its login: another one takes over at once",
        "{killed_leader.logins} logins in total; first result {killed_leader.seconds_until_the_next_login_began} s after the kill plus the time of a login",
        (("killed_leader.logins", 2),),
    ),
    Promise(
        "A process is stopped during its login: the others fail with a clear error after ``max_wait``, and do not log in",
        "{stopped_leader.logins} login, longest wait {stopped_leader.longest_wait_beyond_max_wait_seconds} s beyond ``max_wait``",
        (("stopped_leader.logins", 1),),
    ),
    Promise("Child processes that are forked while a lock is held neither keep nor release it", "{fork.children_of_a_holder} children"),
    Promise(
        "Lock files are deleted while others acquire them: never two holders",
        "{lock.overlaps} overlaps in {lock.entered_while_files_were_deleted} acquisitions",
        (("lock.overlaps", 0),),
    ),
    Promise("Any flipped bit, any truncation: a miss", "{damage.accepted} of {damage.flips_and_lengths} damaged entries accepted", (("damage.accepted", 0),)),
    Promise(
        "Swapped entries, links, pipes, directories, huge files, a wrong owner or mode: a miss, and the next login repairs the entry",
        "{damage.kinds_healed} kinds of damage",
    ),
    Promise(
        "64 processes that create the key at once end up with the same one", "{key.different_keys_of_64_racers} key", (("key.different_keys_of_64_racers", 1),)
    ),
    Promise("Directory 0700 and files 0600 whatever the umask", "{modes.directory}, {modes.entry}", (("modes.directory", "0o700"), ("modes.entry", "0o600"))),
    Promise(
        "No home directory, a full or read-only disk: the task works, with one warning",
        "{nowhere.warnings_of_a_process} warning",
        (("nowhere.warnings_of_a_process", 1),),
    ),
    Promise(
        "The cache directory alone reveals nothing",
        "{theft.words_found} of {theft.words_looked_for} forms of secrets, names and addresses found",
        (("theft.words_found", 0),),
    ),
    Promise(
        "With the key too: no more than 16 bits about a credential; wrong guesses yield well-formed tokens as well",
        "{theft.guesses_that_survive} of {theft.guesses} guesses survive ({theft.expected_survivors} expected), each with a well-formed token",
    ),
    Promise(
        "A caller with a different credential does not get the token", "{other_secret.tokens_handed_out} returned", (("other_secret.tokens_handed_out", 0),)
    ),
    Promise(
        "The controller's clock is changed by an hour: at most one more login",
        "{clock.more_logins_after_a_step_vss_+3600} forwards, {clock.more_logins_after_a_step_vss_-3600} backwards",
    ),
    Promise(
        "A system's clock is 10 minutes off: at most one more login",
        "signed request {clock.more_logins_with_a_server_+600_netography} and {clock.more_logins_with_a_server_-600_netography}, one-time code "
        "{clock.more_logins_with_a_server_+600_vss_mfa} and {clock.more_logins_with_a_server_-600_vss_mfa}, password "
        "{clock.more_logins_with_a_server_+600_vss} and {clock.more_logins_with_a_server_-600_vss}",
    ),
    Promise(
        "No one-time code is sent twice: 64 processes, two accounts with one key",
        "{totp.codes_sent_twice} in {totp.logins_of_two_identities} logins",
        (("totp.codes_sent_twice", 0), ("totp.logins_of_two_identities", 2)),
    ),
    Promise(
        "Redis: 4 hosts with 16 processes each: one login",
        "{redis.logins_of_4_hosts_with_16_processes} login, slowest process {redis.slowest_seconds} s",
        (("redis.logins_of_4_hosts_with_16_processes", 1),),
    ),
    Promise(
        "Redis: failures are shared",
        "rejected {redis.logins_refused}, unavailable {redis.logins_unavailable}, rate limited {redis.logins_rate limited} login",
        (("redis.logins_refused", 1), ("redis.logins_unavailable", 1), ("redis.logins_rate limited", 1)),
    ),
    Promise(
        "Redis: a rejected token, and a refresh: one login for all hosts",
        "{redis.logins_after_401} and {redis.logins_of_a_refresh}",
        (("redis.logins_after_401", 1), ("redis.logins_of_a_refresh", 1)),
    ),
    Promise(
        "Redis is down or hangs: one login and one warning for each host, at most 1.5 s of delay",
        "slowest of 64 processes: down {redis.dead_slowest_seconds} s, hanging {redis.frozen_slowest_seconds} s",
    ),
    Promise(
        "Redis: the process that logs in is killed or stalls: two logins in total, and no late write",
        "{redis.killed_leader_logins} and {redis.stalled_leader_logins}",
        (("redis.killed_leader_logins", 2), ("redis.stalled_leader_logins", 2)),
    ),
    Promise("Redis: no one-time code is sent by two hosts", "{redis.codes_sent_twice}", (("redis.codes_sent_twice", 0),)),
    Promise(
        "A hit takes 1 ms at most, however many entries there are",
        "{hit.milliseconds} ms; {hit.milliseconds_among_10000} ms among 10,000 entries",
    ),
    Promise(
        "A hit imports neither requests, nor PyJWT, nor redis",
        "{hit.unwanted_modules_store} such modules, with Redis configured {hit.unwanted_modules_redis}",
        (("hit.unwanted_modules_store", 0), ("hit.unwanted_modules_redis", 0)),
    ),
    Promise("Expired entries and leftovers of killed processes are removed automatically", "{purge.orphans_left} left", (("purge.orphans_left", 0),)),
)


class NotKept(Exception):
    """A measured value is not what is promised, or is missing."""


def filled(promise: Promise, values: dict[str, Any]) -> str:
    """The measured values in words."""
    text = promise.measured
    for name in [part.split("}")[0] for part in text.split("{")[1:]]:
        if name not in values:
            raise NotKept(f"no run has measured {name}")
        text = text.replace(f"{{{name}}}", str(values[name]))
    for name, expected in promise.exact:
        if values[name] != expected:
            raise NotKept(f"{promise.text}: {name} is {values[name]}, not {expected}")
    return text


def page(values: dict[str, Any], machine: str) -> str:
    rows = [f"    * - {promise.text}\n      - {filled(promise, values)}\n" for promise in PROMISES]
    return HEAD.format(machine=machine) + "".join(rows)


def main(measured: Path, target: Path) -> int:
    machine = f"{platform.system()} with {os.cpu_count()} processors and Python {platform.python_version()}"
    try:
        target.write_text(page(json.loads(measured.read_text()), machine))
    except NotKept as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
