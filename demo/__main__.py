# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make demo``: the collection as users install it, on 20 hosts, with all four systems. Checks what it shows."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from emulator.accounts import accounts, canaries, netosecret
from emulator.client import Emulator, EmulatorError
from report import BOLD, RED, Report
from stage import Played, Stage, StageError

TITLES = {"rackcorp": "RackCorp", "netography": "Netography", "vss": "VSS", "whm": "WHM"}
# A WHM token that the server no longer knows is answered with 403, which no login cures.
RENEWED = ("rackcorp", "netography", "vss")
HOSTS, FORKS = 20, 10
WRONG = "demo-wrong-password"


def credentials(emulator: Emulator) -> dict[str, str]:
    """The environment of a job: where the systems are, and who calls."""
    known = accounts()
    return {
        "APIAUTH_CA_PATH": emulator.ca,
        **{f"{system.upper()}_API_URL": emulator.url(system, tls=True) for system in TITLES},
        "RACKCORP_API_UUID": known["rackcorp"]["api_uuid"],
        "RACKCORP_API_SECRET": known["rackcorp"]["api_secret"],
        "NETOSECRET": netosecret(),
        "VSS_USER": known["vss"]["username"],
        "VSS_USER_PASS": known["vss"]["password"],
        "WHM_USERNAME": known["whm"]["username"],
        "WHM_PASSWORD": known["whm"]["password"],
    }


class Demo:
    """Three acts. What Ansible printed is kept, to look for secrets in it."""

    def __init__(self, stage: Stage, emulator: Emulator, report: Report, verbose: bool) -> None:
        self.stage, self.emulator, self.report, self.verbose = stage, emulator, report, verbose
        self.outputs: list[str] = []

    def play(self, *arguments: str, **environment: str) -> tuple[Played, list[dict[str, Any]]]:
        """Run the playbook; also what reached the systems meanwhile."""
        before = self.emulator.log()
        played = self.stage.play("--forks", str(FORKS), *arguments, environment={**credentials(self.emulator), **environment})
        self.outputs.append(played.output)
        if self.verbose:
            self.report.say(played.output)
        return played, self.emulator.log(since=before[-1]["number"] if before else 0)

    def one_login(self) -> None:
        report = self.report
        report.heading(
            f"1. One login for the whole fleet: {HOSTS} hosts, {FORKS} at a time",
            "Every host asks for a token of each system and calls it. The first to ask logs in, all others use what it got.",
        )
        played, log = self.play()
        rows, logins, cached, called = [], {}, {}, {}
        for system, title in TITLES.items():
            token, call = played.task(system, "token"), played.task(system, "call")
            requests = [one for one in log if one["system"] == system]
            logins[title] = sum(1 for one in requests if one["login"])
            answers = [host.get("from_cache") for host in token.hosts.values()] if token else []
            cached[title] = answers.count(True)
            called[title] = call.good if call else 0
            used = len(answers) + called[title]
            times = [f"{one.seconds:.2f} s" if one else "-" for one in (token, call)]
            rows.append((title, logins[title], used, used - logins[title], sum(1 for one in requests if not one["login"]), *times))
        report.table(("system", "logins", "tokens used", "from the cache", "requests", f"{HOSTS} lookups", f"{HOSTS} calls"), rows)
        report.expect("one login per system", dict.fromkeys(rows_of(rows), 1), logins)
        report.expect(f"{HOSTS - 1} of {HOSTS} hosts got a token from the cache", dict.fromkeys(rows_of(rows), HOSTS - 1), cached)
        report.expect("every call succeeded", dict.fromkeys(rows_of(rows), HOSTS), called)
        self.complain(played)

    def revoked(self) -> None:
        report = self.report
        report.heading(
            "2. The tokens are revoked at the server, and nobody told us",
            "Hosts find out when a call is refused. One of them logs in again, and every refused call is repeated once.",
        )
        for system in RENEWED:
            self.emulator.revoke(system)
        played, log = self.play("--tags", "call", "--skip-tags", "whm")
        rows, logins, called = [], {}, {}
        for system in RENEWED:
            title, call = TITLES[system], played.task(system, "call")
            requests = [one for one in log if one["system"] == system]
            logins[title] = sum(1 for one in requests if one["login"])
            called[title] = call.good if call else 0
            refused = sum(1 for one in requests if not one["login"] and not one["ok"])
            rows.append((title, refused, logins[title], called[title], f"{call.seconds:.2f} s" if call else "-"))
        report.table(("system", "calls refused", "new logins", "calls succeeded", f"{HOSTS} calls"), rows)
        report.expect("one new login per system", dict.fromkeys(rows_of(rows), 1), logins)
        report.expect("no host noticed", dict.fromkeys(rows_of(rows), HOSTS), called)
        self.complain(played)

    def wrong_password(self) -> None:
        report = self.report
        report.heading(
            f"3. A wrong password on {HOSTS} hosts",
            "It is tried once, and everybody gets that answer: no account is locked, no address is banned.",
        )
        played, log = self.play("--tags", "vss", "--skip-tags", "token", VSS_USER_PASS=WRONG)
        call = played.task("vss", "call")
        attempts = sum(1 for one in log if one["system"] == "vss" and one["login"])
        failed = len(call.hosts) - call.good if call else 0
        messages = call.messages if call else []
        report.table(("system", "login attempts", "hosts that failed", "different errors"), [("VSS", attempts, failed, len(messages))])
        for message in messages:
            report.quote(message)
        report.say()
        report.expect("one login attempt", 1, attempts)
        report.expect("every host was told the same", (HOSTS, 1), (failed, len(messages)))

    def secrets(self) -> None:
        """Nothing that Ansible printed may hold a credential or a token."""
        # `Bearer <token>`, `Basic <both>`, `whm <user>:<token>`
        sent = {one["headers"]["Authorization"].split()[-1].rpartition(":")[2] for one in self.emulator.log() if "Authorization" in one["headers"]}
        known = {*canaries(), netosecret(), WRONG, *sent}
        printed = "\n".join(self.outputs)
        self.report.say()
        self.report.expect(f"none of {len(known)} secrets and tokens was printed", 0, sum(1 for secret in known if secret in printed))

    def complain(self, played: Played) -> None:
        for task in played.tasks:
            for message in task.messages[:3]:
                self.report.quote(f"{task.name}: {message}")


def rows_of(rows: list[Any]) -> list[str]:
    return [row[0] for row in rows]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo")
    parser.add_argument("copy", type=Path, help="the collection's files")
    parser.add_argument("--verbose", action="store_true", help="show what Ansible printed too")
    arguments = parser.parse_args()
    # So that an end from outside ends what was started here too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started, report = time.monotonic(), Report()
    try:
        with Stage() as stage, Emulator() as emulator:
            report.say(f"{stage.install(arguments.copy)} is installed, and an emulator of four systems runs at {emulator.https}.")
            demo = Demo(stage, emulator, report, arguments.verbose)
            for act in (demo.one_login, demo.revoked, demo.wrong_password, demo.secrets):
                act()
    except (StageError, EmulatorError) as error:
        report.say(f"demo: {error}", RED)
        return 1
    except KeyboardInterrupt:
        return 130
    report.say()
    seconds = time.monotonic() - started
    if report.failures:
        report.say(f"{len(report.failures)} promises were not met, in {seconds:.0f} s.", RED)
        return 1
    report.say(f"All of this took {seconds:.0f} s.", BOLD)
    return 0


if __name__ == "__main__":
    sys.exit(main())
