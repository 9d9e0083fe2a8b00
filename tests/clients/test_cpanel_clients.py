# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of WHM and cPanel from PyPI against the emulator."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from emulator.client import Emulator

Accounts = dict[str, dict[str, str]]
Run = Callable[..., subprocess.CompletedProcess[str]]


def port(url: str) -> str:
    return str(urlsplit(url).port)


def test_cpanel_client_creates_suspends_and_terminates(run: Run, emulator: Emulator, who: Accounts) -> None:
    """cpanel-client reads ``metadata.output.raw`` of ``createacct``. Fails when that text is missing."""
    script = """
import json, sys
from cpanel import ServerAPI
user, password, url, port = sys.argv[1:]
api = ServerAPI(user, password, url, port)
made = api.create_account("me@example.com", "shop.example", "default")
print(json.dumps([made, api.suspend_account("shopexample"), api.terminate_account("shopexample"), api.terminate_account("shopexample")]))
"""
    account, url = who["whm"], emulator.root("whm")
    ended = run("cpanel", "python", "-c", script, account["username"], account["password"], url.rpartition(":")[0], port(url))
    made, suspended, removed, again = json.loads(ended.stdout)
    assert (made["success"], made["message"]) == (1, "Account Creation Ok")
    assert "| UserName: shopexample\n" in made["data"]
    assert (suspended["success"], removed["success"]) == (1, 1)
    assert again == {"success": 0, "message": "System user shopexample does not exist!"}
    calls = emulator.log(system="whm", function="createacct")
    assert calls[0]["query"]["password"] in made["data"]


def test_whambampy_opens_a_session_first(run: Run, emulator: Emulator, who: Accounts) -> None:
    """WhamBamPy asks ``create_user_session`` for the path below which it calls. Fails when that path is not served."""
    script = """
import json, sys
from whambampy import whm
user, token, port = sys.argv[1:]
client = whm("127.0.0.1", user, token, whm_port=port, whm_protocol="http://")
print(json.dumps([client.call("listaccts", search="user0[12]", searchtype="user"), client.call("gethostname")]))
"""
    account = who["whm"]
    ended = run("cpanel", "python", "-c", script, account["username"], account["token"], port(emulator.root("whm")))
    accounts, name = json.loads(ended.stdout)
    assert [row["user"] for row in accounts["data"]["acct"]] == ["user01", "user02"]
    assert name["data"]["hostname"] == "whm.example.com"
    assert emulator.log(system="whm")[-1]["path"].startswith("cpsess")


def test_pycpanel_speaks_without_a_version(run: Run, real_ports: str, emulator: Emulator, who: Accounts) -> None:
    """pycpanel calls API 0, API 1 and API 2. Fails when ``applist`` is wrapped, or API 1 is answered as API 2."""
    script = """
import json, sys
import pycpanel
host, user, token = sys.argv[1:]
server = pycpanel.conn(host, user, hash=token, ssl=False)
seen = [server.apilist, server.api("accountsummary", {"user": "nobody"}), server.api("listaccts", {"search": "user03", "searchtype": "user"})]
seen += [server.cpanel_api("Email", "listpops", "user01"), server.cpanel_api("SSL", "showkey", "user01", version=1)]
print(json.dumps(seen))
"""
    ended = run("cpanel", "python", "-c", script, real_ports, "root", who["whm"]["token"])
    names, summary, accounts, boxes, key = json.loads(ended.stdout)
    assert "createacct" in names
    assert summary == {"status": 0, "statusmsg": "Account does not exist", "acct": None}
    assert [row["user"] for row in accounts["acct"]] == ["user03"]
    assert boxes == [{"login": "info@user01.example.com", "email": "info@user01.example.com"}]
    assert key["result"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert "Access denied" in run("cpanel", "python", "-c", script, real_ports, "root", "WRONG", check=False).stderr


def test_cpanel_api_speaks_api_2_and_uapi(run: Run, emulator: Emulator, who: Accounts) -> None:
    script = """
import json, sys
from cpanel_api import CPanelApi
host_port, user, token, ca = sys.argv[1:]
api = CPanelApi("127.0.0.1", user, token, port=host_port, auth_type="utoken", verify=ca)
line = dict(minute="1", hour="1", day="1", month="1", weekday="1", command="true")
seen = [api.uapi.Email.list_pops(), api.uapi.Email.frobnicate(), api.cpanel2.Cron.add_line(line), api.cpanel2.Cron.add_line(line)]
print(json.dumps(seen))
"""
    url, account = emulator.root("cpanel", tls=True), who["cpanel"]
    ended = run("cpanel", "python", "-c", script, port(url), account["username"], account["token"], emulator.ca)
    boxes, unknown, first, second = json.loads(ended.stdout)
    assert boxes["data"][0]["email"] == "info@user01.example.com"
    assert (unknown["status"], unknown["errors"]) == (0, ["Could not find function 'frobnicate' in module 'Email'"])
    assert [reply["cpanelresult"]["data"][0]["status"] for reply in (first, second)] == [1, 0]


def test_aiocpanel_reads_a_certificate_and_keeps_a_dynamic_name(run: Run, emulator: Emulator, who: Accounts) -> None:
    script = """
import asyncio, json, ssl, sys
import aiohttp
from aiocpanel import CpanelAuthError, CpanelClient
port, user, token, ca = sys.argv[1:]

async def main():
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=ca))
    async with aiohttp.ClientSession(connector=connector) as session:
        client = CpanelClient(session, "127.0.0.1", user, token, int(port))
        certificate = await client.fetch_certificate(user)
        first = await client.ensure_dynamic_dns("home.user01.example.com", "home")
        second = await client.ensure_dynamic_dns("HOME.user01.example.com", "home")
        text = await client.call_webcall(first)
        try:
            await CpanelClient(session, "127.0.0.1", user, "WRONG", int(port)).list_dynamic_dns()
        except CpanelAuthError as error:
            print(json.dumps([certificate.key, first.id == second.id, text, str(error)]))

asyncio.run(main())
"""
    url, account = emulator.root("cpanel", tls=True), who["cpanel"]
    ended = run("cpanel", "python", "-c", script, port(url), account["username"], account["token"], emulator.ca)
    key, same, text, error = json.loads(ended.stdout)
    assert key.startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert (same, text, error) == (True, "OK", "cPanel returned HTTP 403")


def test_cpanel_cli_lists_what_an_account_owns(run: Run, real_ports: str, who: Accounts) -> None:
    """cpanel-cli has cPanel's port built in, and does not check certificates."""
    account = who["cpanel"]
    login = {"CPANEL_HOSTNAME": real_ports, "CPANEL_USERNAME": account["username"], "CPANEL_UTOKEN": account["token"]}
    listed = run("cpanel-cli", "cpanel", "list", "mail", "accounts", **login)
    assert json.loads(listed.stdout) == [{"email": "info@user01.example.com"}]
    domains = run("cpanel-cli", "cpanel", "list", "domains", **login)
    assert json.loads(domains.stdout)["main_domain"] == "user01.example.com"
    unknown = run("cpanel-cli", "cpanel", "count", "mail", "accounts", check=False, **login)
    assert "Could not find function 'count_pops' in module 'Email'" in unknown.stderr
    assert run("cpanel-cli", "cpanel", "list", "mail", "accounts", check=False, **{**login, "CPANEL_UTOKEN": "WRONG"}).returncode != 0


@pytest.mark.parametrize("kind", ["token", "password"])
def test_certbot_dns_cpanel_edits_a_zone(run: Run, emulator: Emulator, who: Accounts, kind: str) -> None:
    """certbot-dns-cpanel adds and removes a TXT record by API 2. Fails when lines are not those of ``fetchzone_records``."""
    script = """
import json, sys
from certbot import errors
from certbot_dns_cpanel.dns_cpanel import _CPanelClient
url, user, kind, secret = sys.argv[1:]
client = _CPanelClient(url, user, secret if kind == "password" else None, secret if kind == "token" else None)
name = "_acme-challenge.user01.example.com"
client.add_txt_record(name, "one")
client.add_txt_record(name, "two")
before = client._get_record_line("user01.example.com", name, "one", 60)
client.del_txt_record(name, "one")
after = client._get_record_line("user01.example.com", name, "one", 60), client._get_record_line("user01.example.com", name, "two", 60)
try:
    client.add_txt_record("_acme-challenge.example.net", "x")
except errors.PluginError as error:
    print(json.dumps([before, after, str(error)]))
"""
    account = who["cpanel"]
    ended = run("certbot", "python", "-W", "ignore", "-c", script, emulator.root("cpanel"), account["username"], kind, account[kind])
    before, after, error = json.loads(ended.stdout)
    assert (len(before), after[0], len(after[1])) == (1, [], 1)
    assert "Could not get the zone" in error
