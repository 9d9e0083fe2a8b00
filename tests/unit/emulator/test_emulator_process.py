# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process: start, end, TLS, speed, many clients at once."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests
from emulator.accounts import ACCOUNTS, canaries, netosecret
from emulator.client import Emulator, wait_until

CLIENTS = 256
EMULATOR = Path(__file__).resolve().parents[2] / "emulator"


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        return True


def processor_time(pid: int) -> float:
    """Seconds that a process has worked, which other processes' load does not lengthen."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_starts_fast_and_stops_on_sigterm(tmp_path: Path) -> None:
    emulator = Emulator(directory=tmp_path).start()
    pid = emulator.info["pid"]
    assert processor_time(pid) < 3
    begin = time.monotonic()
    emulator.stop()
    # After 5 s it would have been killed.
    assert time.monotonic() - begin < 5
    assert gone(pid)


def test_ends_with_its_parent(tmp_path: Path) -> None:
    script = f"import sys; sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})\nfrom pathlib import Path\nfrom emulator.client import Emulator\n"
    script += f"import os\nprint(Emulator(directory=Path({str(tmp_path)!r})).start().info['pid'], flush=True)\nos.kill(os.getpid(), {int(signal.SIGKILL)})\n"
    pid = int(subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=False).stdout)
    try:
        assert wait_until(lambda: gone(pid))
    finally:
        if not gone(pid):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_certificate(http: requests.Session, emulator: Emulator, host: str) -> None:
    url = emulator.https.replace("127.0.0.1", host) + "/vss/v2/ping"
    assert http.get(url, verify=emulator.ca).status_code == 401
    assert emulator.log()[-1]["tls"] is True
    with pytest.raises(requests.exceptions.SSLError):
        http.get(url, verify=emulator.other_ca)


def test_client_certificates(emulator: Emulator) -> None:
    def status(cert: tuple[str, str] | None) -> int:
        context = ssl.create_default_context(cafile=emulator.ca)
        if cert:
            context.load_cert_chain(*cert)
        port = int(emulator.mtls.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), 5) as plain, context.wrap_socket(plain, server_hostname="localhost") as sock:
            sock.sendall(b"GET /vss/v2/ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = sock.recv(100)
            if not answer:
                raise ConnectionError("closed")
            return int(answer.split()[1])

    assert status(emulator.client_cert) == 401
    for cert in (None, emulator.other_client_cert):
        with pytest.raises(OSError):
            status(cert)


def test_head_and_body_leave_together(emulator: Emulator) -> None:
    """Otherwise the second part waits for the client's delayed acknowledgement, 40 ms."""
    port = int(emulator.http.rpartition(":")[2])
    seconds = []
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        for _turn in range(50):
            begin = time.perf_counter()
            sock.sendall(b"GET /vss/v2/ping HTTP/1.1\r\nHost: x\r\n\r\n")
            first = sock.recv(65536)
            seconds.append(time.perf_counter() - begin)
            assert first.endswith(b"}")
    assert statistics.median(seconds) < 0.01


def test_many_clients_at_once(emulator: Emulator) -> None:
    """All connect before anything is accepted; every one is answered, and nothing is lost in the log."""
    port = int(emulator.http.rpartition(":")[2])
    barrier, answers = threading.Barrier(CLIENTS), []

    def ask() -> None:
        barrier.wait()
        with socket.create_connection(("127.0.0.1", port), 10) as sock:
            sock.sendall(b"GET /vss/v2/ping HTTP/1.1\r\nHost: x\r\n\r\n")
            answers.append(sock.recv(100).split()[1])

    threads = [threading.Thread(target=ask) for _turn in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [b"401"] * CLIENTS
    assert emulator.counts()["vss"]["connections"] == CLIENTS
    assert [record["number"] for record in emulator.log()] == list(range(1, CLIENTS + 1))


def test_log_holds_what_was_really_sent(http: requests.Session, emulator: Emulator) -> None:
    headers = {"Authorization": "Bearer abc", "Cookie": "a=b"}
    http.post(emulator.url("rackcorp") + "/json.php?x=1", json={"cmd": "device.get", "id": "ü"}, headers=headers)
    record = emulator.log(system="rackcorp", function="device.get")[0]
    assert (record["headers"]["Authorization"], record["headers"]["Cookie"], record["query"]) == ("Bearer abc", "a=b", {"x": "1"})
    assert (record["method"], record["path"], record["peer"]) == ("POST", "api/rest/v2.9/json.php", "127.0.0.1")
    assert '"device.get"' in record["body"]
    assert abs(record["time"] - time.time()) < 5


def test_secrets_are_awkward_and_told_apart() -> None:
    secrets = canaries()
    assert len(secrets) == len(set(secrets)) == 16
    assert all("CANARY" in secret for secret in secrets)
    everything = "".join(secrets)
    assert all(sign in everything for sign in '"+/%& ü<\\:')
    assert netosecret("netography") != netosecret("netography_sub")
    assert set(ACCOUNTS) >= {"cpanel", "rackcorp", "rackcorp_2fa", "whm", "whm_reseller", "netography", "netography_sub", "vss", "vss_mfa", "vss_barred"}


def test_facts_for_other_processes(tmp_path: Path) -> None:
    """Fails when the file is readable by others, or does not hold what a process elsewhere needs to talk to the emulator."""
    path, own = tmp_path / "facts.json", tmp_path / "own.json"
    process = subprocess.Popen([sys.executable, str(EMULATOR), "--facts", str(path), "--parent-pid", str(os.getpid())], stdout=subprocess.DEVNULL)
    try:
        assert wait_until(path.exists, seconds=30)
        assert path.stat().st_mode & 0o777 == 0o600
        facts = json.loads(path.read_text())
        assert facts["accounts"] == ACCOUNTS
        assert facts["api_urls"]["vss"]["https"] == facts["emulator"]["https"] + "/vss"
        assert Path(facts["emulator"]["ca"]).is_file()
    finally:
        process.terminate()
        process.wait()
    attached = Emulator.attach(write(tmp_path / "ready.json", facts["emulator"]))
    assert attached.facts(own) == facts == json.loads(own.read_text())
    assert own.stat().st_mode & 0o777 == 0o600


def write(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value))
    return path


def test_a_missing_library_is_named(tmp_path: Path) -> None:
    """Fails when a plain checkout without the libraries shows a traceback instead of what to install."""
    (tmp_path / "aiohttp.py").write_text("raise ModuleNotFoundError(\"No module named 'aiohttp'\", name='aiohttp')\n")
    script = f"import runpy, sys; sys.path.insert(0, {str(tmp_path)!r}); sys.argv[1:] = []; runpy.run_path({str(EMULATOR)!r}, run_name='__main__')"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "the Python library aiohttp is missing" in ended.stderr
    assert "-m pip install aiohttp" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("entry", ["rackcorp", "whm", "cpanel", "netography", "vss"])
def test_every_entry_has_ports_of_its_own(http: requests.Session, emulator: Emulator, entry: str) -> None:
    """Fails when a path of the real host is not found below the address of a system's own port."""
    path = {"rackcorp": "api/v2.9/devices", "whm": "json-api/version", "cpanel": "execute/Email/list_pops", "netography": "api/v1/devices", "vss": "v2/ping"}
    system = "whm" if entry == "cpanel" else entry
    for tls in (False, True):
        refused = http.get(f"{emulator.root(entry, tls)}/{path[entry]}", verify=emulator.ca)
        assert refused.status_code in (200, 401, 403)
        assert not emulator.log(system=system)[-1]["ok"]
    assert http.get(f"{emulator.root('vss')}/{path['netography']}").status_code == 401
