# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies that are right, though not what the documentation of the system shows; and servers that ignore what they are asked for."""

from __future__ import annotations

import http.server
import json
import os
import re
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from e2e.cases import LOOKUPS
from e2e.rows import MODULE_WAYS, PYTHON_ERRORS, Played, Row, by_way, known_variables
from e2e.stage import CORE, REMOTE, Run, Stage
from e2e.whm import BY_PASSWORD, info, looked_up, token, tokens_of
from emulator.client import Emulator

SYSTEMS = tuple(LOOKUPS)


# A change and what reads, at a place that only a fault answers.
def change(system: str, place: str) -> dict[str, Any]:
    return {"function": f"set_{place}", "params": {"a": 1}} if system == "whm" else {"path": place, "method": "POST", "body": {"a": 1}}


def read(system: str, place: str) -> dict[str, Any]:
    return {"function": f"list_{place}"} if system == "whm" else {"path": place}


def answer(system: str, place: str, **reply: Any) -> dict[str, Any]:
    """A rule for the emulator."""
    return {"system": system, "action": "status", "status": 200, "match": {"path": f"(^|/|_){place}$"}, "times": None, **reply}


# -- no body -----------------------------------------------------------------------------------------------------

EMPTY = tuple(
    Row(f"{status} and an empty body", way, system, call=change(system, f"empty{status}"))
    for system in SYSTEMS
    for status in (200, 201, 202, 204)
    for way in MODULE_WAYS
)  # fmt: skip


@pytest.fixture(scope="module")
def empty(running: Emulator, new_stage: Callable[[str], Stage]) -> Played:
    running.reset()
    running.settings(vss={"rate_limit": 0})
    running.fault(*(answer(system, f"empty{status}", status=status, body="") for system in SYSTEMS for status in (200, 201, 202, 204)))
    run = new_stage("empty").tasks(*(row.task(running) for row in EMPTY), extra_vars=known_variables(running), timeout=300).good()
    return Played(run, running.log())


@pytest.mark.parametrize("row", EMPTY, ids=lambda row: row.title)
def test_a_change_may_be_answered_with_nothing(row: Row, empty: Played) -> None:
    empty.check(row)
    result = empty.run.result(row.title)
    result = result["results"][0] if row.way == "calls" else result
    assert (result["changed"], result["sent"], result["data"], result["status"]) == (True, True, None, int(row.name.split()[0]))


def test_what_reads_must_be_answered(emulator: Emulator, stage: Stage) -> None:
    """Nothing in place of a list is no empty list."""
    emulator.fault(*(answer(system, "empty", status=200, body="") for system in SYSTEMS))
    rows = [row for system in SYSTEMS for row in by_way(("here", "remote"), "empty", system, call=read(system, "empty"), kind="protocol", words=("empty",))]
    played = Played(stage.tasks(*(row.task(emulator) for row in rows), extra_vars=known_variables(emulator)).good(), emulator.log())
    for row in rows:
        played.check(row)


# -- WHM's older ways to fail ------------------------------------------------------------------------------------

OLD: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "a list of results": ({"result": [{"status": 0, "statusmsg": "No such account"}]}, ("No such account",)),
    "several results": ({"result": [{"status": 1, "statusmsg": "Done"}, {"status": 0, "statusmsg": "No such account"}]}, ("No such account",)),
    "one result": ({"result": {"status": 0, "statusmsg": "No such account"}}, ("No such account",)),
    "a text for a number": ({"result": [{"status": "0", "statusmsg": "No such account"}]}, ("No such account",)),
    "a status alone": ({"status": 0, "statusmsg": "No such account"}, ("No such account",)),
}  # fmt: skip


@pytest.mark.parametrize("name", OLD)
def test_failures_in_the_shape_of_api_0(name: str, emulator: Emulator, stage: Stage) -> None:
    body, words = OLD[name]
    emulator.fault(answer("whm", "old", json=body))
    rows = by_way(MODULE_WAYS, name, "whm", call=change("whm", "old"), kind="not_found|invalid_request", words=words)
    played = Played(stage.tasks(*(row.task(emulator) for row in rows), extra_vars=known_variables(emulator, "whm")).good(), emulator.log())
    for row in rows:
        played.check(row)
        assert played.error(row)["message"] == "No such account"


def test_successes_in_the_shape_of_api_0(emulator: Emulator, stage: Stage) -> None:
    emulator.fault(answer("whm", "old", json={"result": [{"status": 1, "statusmsg": "Done", "options": {"ip": "192.0.2.1"}}]}))
    rows = by_way(MODULE_WAYS, "success", "whm", call=change("whm", "old"))
    played = Played(stage.tasks(*(row.task(emulator) for row in rows), extra_vars=known_variables(emulator, "whm")).good(), emulator.log())
    for row in rows:
        played.check(row)


# -- WHM that ignores limits -------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["here", "remote"])
@pytest.mark.parametrize("ignored", ["expires_at", "whitelist_ip", "both"])
def test_limits_that_whm_ignores_are_named(ignored: str, way: str, emulator: Emulator, whm: Callable[..., Run]) -> None:
    """Older servers create a token that never expires, and one that works from everywhere. A warning says so and names the options."""
    names = ["expires_at", "whitelist_ip"] if ignored == "both" else [ignored]
    emulator.settings(whm={"ignored": names})
    wanted = {"acls": ["list-accts"], "expires_at": "+1h", "whitelist_ips": ["127.0.0.0/8"]}
    play: dict[str, Any] = {"vars": dict(REMOTE)} if way == "remote" else {}
    run = whm(token("created", name="limited", **wanted), token("fine", name="unlimited", acls=["list-accts"]), play=play).good()
    # Core 2.18 takes the warnings out of the result when it shows them.
    shown = " ".join(run.output.split())
    options = {"expires_at": "expires_at", "whitelist_ip": "whitelist_ips"}
    assert set(re.findall(r"did not carry out (\w+) for limited", shown)) == {options[name] for name in names}
    assert "for unlimited" not in shown


@pytest.mark.parametrize("updates", [True, False])
@pytest.mark.parametrize("ignored", ["expires_at", "whitelist_ip"])
def test_no_token_without_its_limits_is_minted(ignored: str, updates: bool, emulator: Emulator, whm: Callable[..., Run]) -> None:
    """An update may do what the creation did not. Where it does not either, the token is revoked and the lookup fails."""
    emulator.settings(whm={"ignored": [ignored], "ignored_by": ["api_token_create"] if updates else ["api_token_create", "api_token_update"]})
    arguments = "acls=['list-accts'], ttl=600" + (", whitelist_ips=['127.0.0.0/8']" if ignored == "whitelist_ip" else "")
    run = whm(looked_up("mint", arguments, ignore_errors=True), info(), whm=BY_PASSWORD).good()
    minted = [one for name, one in tokens_of(run).items() if name.startswith("apiauth-")]
    assert run.failed("mint") is not updates
    if updates:
        assert [bool(one["whitelist_ips"]) for one in minted] == [ignored == "whitelist_ip"]
        assert [abs((one["expires_at"] or 0) - time.time() - 600) < 60 for one in minted] == [True]
        assert abs(run.result("mint")["msg"]["expires_at"] - minted[0]["expires_at"]) <= 2
    else:
        assert minted == []
        assert ("ttl" if ignored == "expires_at" else "whitelist_ips") in run.result("mint")["msg"]


# -- what is no JSON ---------------------------------------------------------------------------------------------

TABLE = "name,size\nwéb,5\n"
REPORT = {"body": TABLE, "headers": {"Content-Type": "text/csv; charset=utf-8"}}


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_type_of_what_is_no_json_is_named(system: str, emulator: Emulator, stage: Stage) -> None:
    emulator.fault(answer(system, "report", **REPORT))
    words = ("text/csv", "as_text", "dest")
    rows = by_way(MODULE_WAYS, "csv", system, call=read(system, "report"), kind="protocol", words=words)
    played = Played(stage.tasks(*(row.task(emulator) for row in rows), extra_vars=known_variables(emulator, system)).good(), emulator.log())
    for row in rows:
        played.check(row)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_text_as_a_result(system: str, emulator: Emulator, stage: Stage) -> None:
    emulator.fault(answer(system, "report", **REPORT))
    rows = by_way(MODULE_WAYS, "csv", system, {}, call={**read(system, "report"), "as_text": True})
    played = Played(stage.tasks(*(row.task(emulator) for row in rows), extra_vars=known_variables(emulator, system)).good(), emulator.log())
    for row in rows:
        played.check(row)
        result = played.run.result(row.title)
        assert (result["results"][0] if row.way == "calls" else result)["data"] == TABLE


@pytest.mark.parametrize("way", ["here", "remote"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_a_file_as_a_result(system: str, way: str, emulator: Emulator, stage: Stage) -> None:
    """Bytes as they came, with the mode; written again only where it differs."""
    data = TABLE.encode()
    emulator.fault(answer(system, "report", **REPORT))
    place = stage.root / "report.csv"
    rows = [Row(name, way, system, {"dest": str(place), "mode": "0640"}, call=read(system, "report")) for name in ("first", "second")]
    tasks = [row.task(emulator) for row in rows]
    checked = {**Row("check", way, system, {"dest": str(stage.root / "none.csv")}, call=read(system, "report")).task(emulator), "check_mode": True}
    played = Played(stage.tasks(*tasks, checked, extra_vars=known_variables(emulator, system)).good(), emulator.log())
    for row in rows:
        played.check(row)
    assert place.read_bytes() == data
    assert stat.S_IMODE(place.stat().st_mode) == 0o640
    assert not (stage.root / "none.csv").exists()
    assert [played.run.result(row.title)["changed"] for row in rows] == [True, False]
    assert [path.name for path in stage.root.iterdir() if path.name.startswith((".report", "report"))] == ["report.csv"]


@pytest.mark.parametrize("way", ["here", "remote"])
def test_a_file_that_cannot_be_written(way: str, emulator: Emulator, stage: Stage) -> None:
    """Known before anything is sent; what was there is left alone."""
    emulator.fault(answer("vss", "report", **REPORT))
    places = {"no such directory": str(stage.root / "nowhere" / "report.csv"), "a directory": str(stage.root)}
    rows = [Row(name, way, "vss", {"dest": place}, call=read("vss", "report"), kind="configuration", words=("dest",)) for name, place in places.items()]
    played = Played(stage.tasks(*(row.task(emulator) for row in rows), extra_vars=known_variables(emulator, "vss")).good(), emulator.log())
    for row in rows:
        played.check(row)
    assert [record["path"] for record in emulator.log(login=False)] == []


def test_an_error_is_no_file(emulator: Emulator, stage: Stage) -> None:
    """A refusal leaves the file of the last good run."""
    place = stage.root / "report.csv"
    place.write_text("the last good run")
    emulator.fault(answer("vss", "report", status=500, body="oops"))
    rows = [Row("refused", way, "vss", {"dest": str(place)}, call=read("vss", "report"), kind="server") for way in ("here", "remote")]
    played = Played(stage.tasks(*(row.task(emulator) for row in rows), extra_vars=known_variables(emulator, "vss")).good(), emulator.log())
    for row in rows:
        played.check(row)
    assert place.read_text() == "the last good run"


# -- JSON that Ansible stumbles over -----------------------------------------------------------------------------

STUMBLES = {
    "a lone surrogate": '{"data": {"name": "a\\ud800b"}}',
    "__ansible_unsafe": '{"data": {"__ansible_unsafe": "text"}}',
    "__ansible_vault": '{"data": {"__ansible_vault": "text"}}',
    "a type tag": '{"data": {"__ansible_type": "TaggedStr", "value": "x", "tags": []}}',
    "_ansible_no_log": '{"data": {"_ansible_no_log": true, "name": "x"}}',
    "_ansible_parsed": '{"data": [{"_ansible_parsed": false}]}',
    "ansible_facts": '{"data": {"ansible_facts": {"vss_api_url": "http://127.0.0.1:9"}}}',
    "failed": '{"data": {"failed": true, "rc": 7, "changed": false}}',
    "a template": '{"data": {"name": "{{ 1 + 1 }}", "{{ 2 }}": 3}}',
    "big numbers": '{"data": {"id": 123456789012345678901234567890, "ratio": 1e400}}',
}
DATA_ROWS = tuple(Row(name, way, "vss", call={"path": f"odd{number}"}) for number, name in enumerate(STUMBLES) for way in MODULE_WAYS)


@pytest.fixture(scope="module")
def stumbles(running: Emulator, new_stage: Callable[[str], Stage]) -> Played:
    running.reset()
    running.settings(vss={"rate_limit": 0})
    running.fault(*(answer("vss", f"odd{number}", body=body, headers={"Content-Type": "application/json"}) for number, body in enumerate(STUMBLES.values())))
    run = new_stage("stumbles").tasks(*(row.task(running) for row in DATA_ROWS), extra_vars=known_variables(running, "vss"), timeout=300)
    return Played(run, running.log())


@pytest.mark.parametrize("name", STUMBLES)
def test_what_ansible_stumbles_over_is_the_same_everywhere(name: str, stumbles: Played) -> None:
    """The same data on the controller, in `calls` and on another host, or one clean error on all of them."""
    assert stumbles.run.rc == 0, stumbles.run.output[-2000:]
    rows = [row for row in DATA_ROWS if row.name == name]
    failed = {row.way: stumbles.run.failed(row.title) for row in rows}
    results = {row.way: stumbles.run.result(row.title) for row in rows}
    if any(failed.values()):
        assert failed == dict.fromkeys(MODULE_WAYS, True)
        assert {row.way: stumbles.error(row).get("kind") for row in rows} == dict.fromkeys(MODULE_WAYS, "protocol")
        messages = [stumbles.message(row) for row in rows]
        assert [word for word in PYTHON_ERRORS for message in messages if word in message] == []
        return
    data = {way: (result["results"][0] if way == "calls" else result).get("data") for way, result in results.items()}
    assert data["remote"] == data["here"] == data["calls"]
    # Before core 2.21, callbacks do not see members whose names begin so; a registered result has them.
    seen = not (CORE < (2, 21) and "_ansible" in name)
    if name not in ("a lone surrogate", "big numbers") and seen:
        assert data["here"] == json.loads(STUMBLES[name])["data"]
    assert not any(result.get("_ansible_no_log") or "censored" in result for result in results.values())


# -- the wrong port ----------------------------------------------------------------------------------------------


class _Cpanel(http.server.BaseHTTPRequestHandler):
    """What cpsrvd answers on a port of cPanel to a caller of WHM."""

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b"<html><body>Access denied</body></html>"
        self.send_response(403)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


for _method in ("GET", "POST"):
    setattr(_Cpanel, f"do_{_method}", _Cpanel.answer)


@pytest.fixture
def cpanel() -> Iterator[str]:
    """Its address, on a port that must be this one, at an address of this process' own."""
    number = os.getpid()
    host = f"127.{1 + number // 65536 % 250}.{number // 256 % 256}.{1 + number % 254}"
    with http.server.ThreadingHTTPServer((host, 2083), _Cpanel) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://{host}:2083"
        server.shutdown()


def test_the_port_of_cpanel_is_not_that_of_whm(cpanel: str, emulator: Emulator, stage: Stage) -> None:
    given = {"api_url": cpanel, "token": "CANARYGIVENTOKEN0123456789"}
    rows = by_way(("lookup", *MODULE_WAYS), "2083", "whm", given, call={"function": "listaccts"}, kind="credentials|forbidden", words=("2083", "2087"))
    played = Played(stage.tasks(*(row.task(emulator) for row in rows)).good(), [])
    for row in rows:
        played.check(row)


def test_files_are_whole_or_not_there(emulator: Emulator, stage: Stage) -> None:
    """A reply that is cut leaves no half of a file."""
    emulator.fault({"system": "vss", "action": "cut", "after": 120, "match": {"path": "v2/vm$"}, "times": None})
    place = Path(stage.root / "vms.json")
    rows = [Row("cut", way, "vss", {"dest": str(place)}, call={"path": "v2/vm"}, kind="network|protocol") for way in ("here", "remote")]
    played = Played(stage.tasks(*(row.task(emulator) for row in rows), extra_vars=known_variables(emulator, "vss")).good(), emulator.log())
    for row in rows:
        played.check(row)
    assert not place.exists()
