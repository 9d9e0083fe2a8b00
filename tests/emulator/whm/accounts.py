# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WHM's accounts and the functions on them."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..accounts import ACCOUNTS
from ..served import Json
from .api_tokens import Caller
from .cpanel_user import CpanelUser
from .model import Failed, Outcome
from .params import Params, last_of

USER_NAME = re.compile(r"^[a-z][a-z0-9]{0,15}$")
# What the two parameters of ``listaccts`` look at: https://api.docs.cpanel.net/openapi/whm/operation/listaccts/
SEARCH_FIELDS = {"domain": "domain", "owner": "owner", "user": "user", "ip": "ip", "package": "plan"}
PACKAGES = ("default", "gold")
CREATION_LOG = """WWWAcct 12.6.0 (c) 2025 cPanel, L.L.C....

Dns Zone check is enabled.
+===================================+
| New Account Info                  |
+===================================+
| Domain: {domain}
| Ip: 192.0.2.80 (n)
| HasCgi: y
| UserName: {user}
| PassWord: {password}
| CpanelMod: jupiter
| HomeRoot: /home
| Quota: unlimited
| NameServer1: ns1.example.com
| NameServer2: ns2.example.com
| Contact Email: {contact}
| Package: {plan}
| Feature List: default
| Language: en
+===================================+
...Done
Account Creation Complete!!!...Account Creation Ok...Done
"""
REMOVAL_LOG = "Running pre removal script (/usr/local/cpanel/scripts/prekillacct)......Done\nUser: {user}\nDomain: {domain}\n...Done\n{user} account removed\n"


def account_row(number: int) -> Json:
    """Return one account; every fifth belongs to the reseller and has an address and a package of its own."""
    name = f"user{number:02d}"
    resold = number % 5 == 0
    return {
        "user": name,
        "domain": f"{name}.example.com",
        "email": "*unknown*",
        "owner": ACCOUNTS["whm_reseller"]["username"] if resold else "root",
        "ip": "192.0.2.81" if resold else "192.0.2.80",
        "plan": PACKAGES[1] if resold else PACKAGES[0],
        "theme": "jupiter",
        "shell": "/usr/local/cpanel/bin/jailshell",
        "partition": "home",
        "suspended": 0,
        "suspendtime": None,
        "suspendreason": "not suspended",
        "diskused": "12M",
        "disklimit": "unlimited",
        "maxpop": "unlimited",
        "maxftp": "unlimited",
        "maxsql": "unlimited",
        "maxaddons": "*unknown*",
        "startdate": "17 Jan 05 14:01",
        "unix_startdate": "1483625276",
    }


class Accounts:
    """The accounts of the server, those of resellers included."""

    def __init__(self, count: int) -> None:
        self.rows = {row["user"]: row for row in map(account_row, range(1, count + 1))}
        self._users: dict[str, CpanelUser] = {}
        self.functions: dict[str, Callable[[Caller, Params], Outcome]] = {
            "listaccts": self._list,
            "accountsummary": self._summary,
            "createacct": self._create,
            "removeacct": self._remove,
            "suspendacct": lambda caller, params: self._suspend(caller, params, True),
            "unsuspendacct": lambda caller, params: self._suspend(caller, params, False),
            "passwd": self._change_password,
            "listpkgs": lambda _caller, _params: Outcome({"pkg": [{"name": name, "QUOTA": "unlimited", "MAXPOP": "unlimited"} for name in PACKAGES]}),
        }

    def user(self, name: str) -> CpanelUser | None:
        """Return what the account owns."""
        if name not in self.rows:
            return None
        return self._users.setdefault(name, CpanelUser(name, self.rows[name]["domain"]))

    def visible(self, caller: Caller) -> list[Json]:
        """Return all accounts for root, and their own for resellers."""
        return [row for row in self.rows.values() if caller.user in ("root", row["owner"])]

    def find(self, caller: Caller, name: str) -> Json | None:
        return next((row for row in self.visible(caller) if row["user"] == name), None)

    def _list(self, caller: Caller, params: Params) -> Outcome:
        """List accounts. ``search`` is a regular expression for the field that ``searchtype`` names, and nothing without it."""
        rows, search, kind = self.visible(caller), last_of(params, "search"), last_of(params, "searchtype")
        if search and kind:
            if kind not in SEARCH_FIELDS:
                raise Failed(f"\u201c{kind}\u201d is not a valid search type.")
            rows = [row for row in rows if self._matches(str(row[SEARCH_FIELDS[kind]]), search, last_of(params, "searchmethod"))]
        return Outcome({"acct": rows})

    @staticmethod
    def _matches(value: str, search: str, method: str) -> bool:
        if method == "exact":
            return value == search
        try:
            return re.search(search, value) is not None
        except re.error as error:
            raise Failed(f"The search \u201c{search}\u201d is not a valid regular expression.") from error

    def _summary(self, caller: Caller, params: Params) -> Outcome:
        name, domain = last_of(params, "user"), last_of(params, "domain")
        found = [row for row in self.visible(caller) if row["user"] == name or (domain and row["domain"] == domain)]
        if not found:
            raise Failed("Account does not exist")
        return Outcome({"acct": found})

    def _create(self, caller: Caller, params: Params) -> Outcome:
        """Create an account. The text of the answer repeats its password."""
        name, domain = last_of(params, "username"), last_of(params, "domain")
        if not USER_NAME.match(name) or not domain:
            raise Failed(f"Sorry, \u201c{name}\u201d is not a valid username, or the domain is missing.")
        if name in self.rows:
            raise Failed("Sorry, a group for that username already exists.")
        plan = last_of(params, "plan") or "default"
        contact = last_of(params, "contactemail")
        owner = {"user": name, "domain": domain, "owner": caller.user, "plan": plan, "email": contact or "*unknown*"}
        self.rows[name] = {**account_row(1), **owner}
        data = {
            "ip": "192.0.2.80",
            "nameserver": "ns1.example.com",
            "nameserver2": "ns2.example.com",
            "nameserver3": None,
            "nameserver4": None,
            "nameservera": None,
            "nameserverentry": None,
            "package": plan,
        }
        text = CREATION_LOG.format(domain=domain, user=name, password=last_of(params, "password"), contact=contact, plan=plan)
        return Outcome(data, "Account Creation Ok", text)

    def _remove(self, caller: Caller, params: Params) -> Outcome:
        name = last_of(params, "user") or last_of(params, "username")
        row = self.find(caller, name)
        if row is None:
            raise Failed(f"System user {name} does not exist!")
        del self.rows[name]
        self._users.pop(name, None)
        return Outcome(None, f"{name} account removed", REMOVAL_LOG.format(user=name, domain=row["domain"]))

    def _suspend(self, caller: Caller, params: Params, suspended: bool) -> Outcome:
        name = last_of(params, "user")
        row = self.find(caller, name)
        verb = "suspendacct" if suspended else "unsuspendacct"
        if row is None:
            raise Failed(f"_{verb} called for a user that does not exist. ({name})")
        row.update(suspended=int(suspended), suspendreason=last_of(params, "reason") or "Unknown" if suspended else "not suspended")
        text = f"Changing Shell to /bin/false...Done\nLocking Password...Done\n{name}'s account has been suspended\n"
        return Outcome(None, "OK", text if suspended else f"Unlocking password for user {name}.\n{name}'s account is now active\n")

    def _change_password(self, caller: Caller, params: Params) -> Outcome:
        name = last_of(params, "user")
        if self.find(caller, name) is None:
            raise Failed(f"Sorry, the user {name} does not exist.")
        applications = [{"app": name} for name in ("system", "ftp", "mail", "mySQL")]
        text = f"Changing password for {name}\nPassword for {name} has been changed\n"
        return Outcome({"app": [row["app"] for row in applications]}, f"Password changed for user \u201c{name}\u201d.", text, {"services": applications})
