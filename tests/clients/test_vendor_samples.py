# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The samples that the vendors print, run as they are but for the address and the credential.

What was mended in a sample (lost line breaks, quotes) is written in its head.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import jwt
import pytest
import requests
from emulator.accounts import basic_header
from emulator.client import Emulator

from .venvs import clean_environment, environment, skip_loudly

SAMPLES = Path(__file__).parent / "samples"
Accounts = dict[str, dict[str, str]]
Ended = subprocess.CompletedProcess[str]


def in_json_in_shell(value: str) -> str:
    """Spell a value for JSON within single quotes of a shell."""
    return json.dumps(value)[1:-1].replace("'", "'\\''")


def in_shell(value: str) -> str:
    """Spell a value for single quotes of a shell."""
    return value.replace("'", "'\\''")


def in_python(value: str) -> str:
    """Spell a value for quotes of Python, double or single."""
    return json.dumps(value)[1:-1].replace("'", "\\'")


def in_php(value: str) -> str:
    """Spell a value for single quotes of PHP or Perl."""
    return value.replace("\\", "\\\\").replace("'", "\\'")


SPELLINGS: dict[str, Callable[[str], str]] = {"py": in_python, "php": in_php, "pl": in_php, "sh": in_shell, "httpie": in_shell}
PROGRAMS = {"py": sys.executable, "php": "php", "pl": "perl", "sh": "bash", "httpie": "bash"}


@dataclass
class Sample:
    """Runs a sample in a home of its own."""

    emulator: Emulator
    home: Path
    values: dict[str, str]
    path: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, name: str) -> Ended:
        kind = name.rpartition(".")[2]
        program = shutil.which(PROGRAMS[kind])
        if program is None:
            skip_loudly(f"{PROGRAMS[kind]} is not installed, the sample {name} did not run")
            raise AssertionError
        script = self.home / name
        script.write_text(self.text(name, kind))
        env = {**clean_environment(self.home), **self.environment}
        return subprocess.run([program, str(script)], capture_output=True, text=True, check=False, env=env, cwd=self.home, timeout=60)

    def text(self, name: str, kind: str) -> str:
        text = (SAMPLES / f"{name}.sample").read_text()
        for address, root in ADDRESSES.items():
            text = text.replace(address, self.emulator.root(root))
        for placeholder, value in self.values.items():
            spell = in_json_in_shell if f'"{placeholder}"' in text and kind == "sh" else SPELLINGS[kind]
            text = text.replace(placeholder, spell(value))
        return text


ADDRESSES = {
    "https://api.rackcorp.net": "rackcorp",
    "https://127.0.0.1:2087": "whm",
    "https://api.netography.com": "netography",
    "https://vss-ws.eis.utoronto.ca:8001": "vss",
}


@pytest.fixture
def sample(emulator: Emulator, who: Accounts, tmp_path: Path) -> Sample:
    rackcorp, netography, vss = who["rackcorp"], who["netography"], who["vss"]
    values = {
        "your_api_uuid": rackcorp["api_uuid"],
        "your_api_secret": rackcorp["api_secret"],
        "your_username": rackcorp["username"],
        "your_password": rackcorp["password"],
        "MYAPITOKEN": who["whm"]["token"],
        "whm username:": "whm root:",
        "CHANGEME_APPNAME": netography["appname"],
        "CHANGEME_APPKEY": netography["appkey"],
        "CHANGEME_SHORTNAME": netography["shortname"],
        "CHANGEME_SHARED_SECRET": netography["shared_secret"],
        "<username>": f"{vss['username']}:{vss['password']}",
    }
    return Sample(emulator, tmp_path, values)


def claims(token: str) -> dict[str, object]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


@pytest.mark.parametrize("name", ["rackcorp_login.py", "rackcorp_login.php", "rackcorp_key.py"])
@pytest.mark.parametrize("place", ["token", "cookie"])
def test_rackcorp_prints_a_jwt(sample: Sample, name: str, place: str) -> None:
    sample.emulator.settings(rackcorp={"login_place": place})
    ended = sample.run(name)
    assert ended.stdout.startswith("JWT: "), ended
    assert claims(ended.stdout.removeprefix("JWT: ").strip())["exp"]
    assert sample.emulator.logins("rackcorp") == 1


@pytest.mark.parametrize("name", ["rackcorp_login.sh", "rackcorp_key_get.sh", "rackcorp_key_post.sh"])
def test_rackcorp_answers_curl_with_a_jwt(sample: Sample, name: str) -> None:
    body = json.loads(sample.run(name).stdout)
    assert body["code"] == "OK"
    assert claims(body["token"])["exp"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("rackcorp_direct_header.sh", "basic"),
        ("rackcorp_direct_header.py", "basic"),
        ("rackcorp_direct_body.sh", "body"),
        ("rackcorp_direct_body.py", "body"),
        ("rackcorp_session.sh", "session"),
        ("rackcorp_bearer.sh", "bearer"),
        ("rackcorp_bearer.py", "bearer"),
        ("rackcorp_cookie.sh", "cookie"),
    ],
)
def test_rackcorp_lists_load_balancers(sample: Sample, who: Accounts, name: str, kind: str) -> None:
    """Fails when ``loadbalancer.getall`` is not known, or a kind of credential is not accepted."""
    account = who["rackcorp"]
    url = sample.emulator.url("rackcorp") + "/json.php"
    login = {"cmd": "session.login", "username": account["username"], "password": account["password"]}
    sample.values["your_session_id"] = requests.post(url, json=login, timeout=10).json()["sessionId"]
    sample.values["YOUR_JWT_TOKEN"] = requests.post(url, json={**login, "jwt": 1}, timeout=10).json()["token"]
    ended = sample.run(name)
    assert "'code': 'OK'" in ended.stdout or '"code":"OK"' in ended.stdout, ended
    assert "loadbalancers" in ended.stdout
    assert sample.emulator.log(system="rackcorp")[-1]["kinds"] == [kind]


@pytest.mark.parametrize("name", ["rackcorp_login.py", "rackcorp_login.php"])
def test_rackcorp_refuses_a_wrong_password(sample: Sample, name: str) -> None:
    sample.values["your_password"] = "wrong"
    assert sample.run(name).stdout == "Login failed: Invalid username or password\n"


@pytest.mark.parametrize("name", ["whm_listaccts.pl", "whm_listaccts.php"])
def test_whm_prints_its_users(sample: Sample, name: str) -> None:
    ended = sample.run(name)
    assert ended.stdout.splitlines()[:3] == ["[+] Current cPanel users on the system:", "\tuser01", "\tuser02"], ended
    sample.values["MYAPITOKEN"] = "WRONG"
    assert sample.run(name).stdout.startswith("[!] Error: 403")


def test_whm_lists_its_functions(sample: Sample) -> None:
    names = json.loads(sample.run("whm_applist.sh").stdout)["data"]["app"]
    assert len(names) == len(set(names)) > 20


def test_netography_keeps_its_token_in_a_file(sample: Sample) -> None:
    """Fails when a numeric ``jti`` is refused."""
    assert sample.run("netography_login.py").stderr == ""
    kept = json.loads((sample.home / ".neto.token").read_text())
    assert kept["expires_in"] == 86400
    assert isinstance(json.loads(sample.emulator.log(system="netography")[0]["body"])["jwt"], str)
    sample.run("netography_login.py")
    assert sample.emulator.logins("netography") == 1
    (sample.home / ".neto.token").unlink()
    sample.values["CHANGEME_APPKEY"] = "wrong"
    assert sample.run("netography_login.py").stdout == "401 Unauthorized.  Verify your configuration parameters\n"


@pytest.mark.parametrize("name", ["vss_request_token.sh", "vss_request_token.httpie"])
def test_vss_gives_a_token(sample: Sample, who: Accounts, name: str) -> None:
    """Fails when the members of the answer, or the headers that the page prints, are others."""
    if name.endswith("httpie"):
        sample.environment["PATH"] = f"{environment('httpie')}:/usr/bin:/bin"
    sample.emulator.settings(vss={"shape": "2016"})
    body = json.loads(sample.run(name).stdout)
    assert (set(body), body["duration"], body["user"]) == ({"duration", "token", "user"}, 86400, who["vss"]["username"])
    reply = requests.post(sample.emulator.url("vss") + "/auth/request-token", headers=basic_header(who["vss"]), timeout=10)
    assert reply.headers["Allow"] == "POST, OPTIONS"
    assert (reply.headers["X-RateLimit-Limit"], reply.headers["X-RateLimit-Remaining"]) == ("5", "3")
    assert 0 < int(reply.headers["X-RateLimit-Reset"]) - time.time() <= 30
