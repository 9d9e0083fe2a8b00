# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cPanel account owns, and the functions on it: UAPI, API 2 and API 1, each with its own idea of failure."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Any

from ..served import Json, integer
from .keys import key_pair
from .params import Params, last_of


class UapiError(Exception):
    """A UAPI function answers with status 0 and this error."""


class EventFailed(Exception):
    """An API 1 function answers with ``event.result`` 0 and this reason."""


UapiFunction = Callable[[Params], Any]
Api2Function = Callable[[Params], list[Json]]
Api1Function = Callable[[Params], str]


class CpanelUser:
    """One account's mailboxes, cron jobs, zone, databases and dynamic DNS names."""

    def __init__(self, name: str, domain: str) -> None:
        self.name = name
        self.domain = domain
        self.mailboxes = [f"info@{domain}"]
        self.cron_jobs: dict[str, Json] = {}
        self.records: list[Json] = [{"line": 1, "type": "A", "name": f"{domain}.", "address": "192.0.2.80", "ttl": "14400"}]
        self.parked: list[str] = []
        self.databases: list[str] = []
        self.dynamic_names: dict[str, Json] = {}
        self.uapi: dict[tuple[str, str], UapiFunction] = {
            ("Email", "list_pops"): lambda _params: [{"email": box, "login": box} for box in self.mailboxes],
            ("Email", "add_pop"): self._add_pop,
            ("Email", "delete_pop"): self._delete_pop,
            ("SSL", "show_key"): self._show_key,
            ("SSL", "fetch_best_for_domain"): lambda _params: {"crt": self._pair.cert, "key": self._pair.key, "cab": None, "domain": self.domain},
            ("SSL", "start_autossl_check"): lambda _params: None,
            ("DomainInfo", "list_domains"): lambda _params: {"main_domain": domain, "sub_domains": [], "addon_domains": [], "parked_domains": self.parked},
            ("DNS", "parse_zone"): self._parse_zone,
            ("DynamicDNS", "list"): lambda _params: list(self.dynamic_names.values()),
            ("DynamicDNS", "create"): self._create_dynamic_name,
        }
        self.api2: dict[tuple[str, str], Api2Function] = {
            ("Cron", "listcron"): lambda _params: list(self.cron_jobs.values()),
            ("Cron", "add_line"): self._add_cron_job,
            ("Cron", "remove_line"): self._remove_cron_job,
            ("Email", "listpops"): lambda _params: [{"login": box, "email": box} for box in self.mailboxes],
            ("Email", "addpop"): self._add_pop_2,
            ("Park", "park"): self._park,
            ("Park", "unpark"): self._unpark,
            ("Park", "listparkeddomains"): lambda _params: [{"domain": name} for name in self.parked],
            ("SSL", "genkey"): lambda _params: [{"key": self._pair.key, "result": 1, "output": "Key generated!"}],
            ("ZoneEdit", "fetchzones"): lambda _params: [{"zones": {self.domain: [f"; Zone file for {self.domain}"]}, "status": 1}],
            ("ZoneEdit", "fetchzone_records"): self._fetch_records,
            ("ZoneEdit", "add_zone_record"): self._add_record,
            ("ZoneEdit", "remove_zone_record"): self._remove_record,
        }
        self.api1: dict[tuple[str, str], Api1Function] = {
            ("SSL", "showkey"): lambda _params: self._pair.key,
            ("Mysql", "adddb"): self._add_database,
            ("Mysql", "number_of_dbs"): lambda _params: str(len(self.databases)),
        }

    @property
    def _pair(self) -> Any:
        return key_pair(self.domain)

    # UAPI.

    def _add_pop(self, params: Params) -> str:
        local, domain = last_of(params, "email"), last_of(params, "domain") or self.domain
        if not local or not last_of(params, "password"):
            raise UapiError(f"The parameter \u201c{'password' if local else 'email'}\u201d is required.")
        box = local if "@" in local else f"{local}@{domain}"
        if box.rpartition("@")[2] != self.domain:
            raise UapiError(f"You do not own the domain \u201c{box.rpartition('@')[2]}\u201d.")
        if box in self.mailboxes:
            raise UapiError(f"The account {box} already exists!")
        self.mailboxes.append(box)
        return box.replace("@", "+")

    def _delete_pop(self, params: Params) -> None:
        local = last_of(params, "email")
        box = local if "@" in local else f"{local}@{last_of(params, 'domain') or self.domain}"
        if box not in self.mailboxes:
            raise UapiError(f"The account {box} does not exist.")
        self.mailboxes.remove(box)

    def _show_key(self, params: Params) -> Json:
        if not (last_of(params, "id") or last_of(params, "friendly_name")):
            raise UapiError("You must provide the \u201cid\u201d or the \u201cfriendly_name\u201d parameter.")
        identifier = hashlib.sha256(self._pair.key.encode()).hexdigest()[:16]
        return {"key": self._pair.key, "details": {"id": identifier, "modulus_length": 2048, "friendly_name": self.domain}}

    def _parse_zone(self, params: Params) -> list[Json]:
        if last_of(params, "zone") != self.domain:
            raise UapiError(f"You do not control a DNS zone named \u201c{last_of(params, 'zone')}\u201d.")
        return [{"line_index": row["line"], "type": "record", "record_type": row["type"], "ttl": integer(row["ttl"], 14400)} for row in self.records]

    def _create_dynamic_name(self, params: Params) -> Json:
        domain = last_of(params, "domain")
        if not domain.endswith(self.domain):
            raise UapiError(f"You do not control a DNS zone named \u201c{domain}\u201d.")
        identifier = secrets.token_hex(16)
        self.dynamic_names[identifier] = {"id": identifier, "domain": domain, "description": last_of(params, "description"), "created_time": 1700000000}
        return {"id": identifier, "created_time": 1700000000}

    # API 2: the event goes well, and the rows say whether the change did.

    def _add_cron_job(self, params: Params) -> list[Json]:
        job = {name: last_of(params, name) for name in ("minute", "hour", "day", "month", "weekday", "command")}
        key = hashlib.md5("|".join(job.values()).encode(), usedforsecurity=False).hexdigest()
        if key in self.cron_jobs:
            return [{"statusmsg": "This cron job already exists.", "status": 0, "linekey": key}]
        self.cron_jobs[key] = {"linekey": key, "count": len(self.cron_jobs) + 1, "command_htmlsafe": job["command"], **job}
        return [{"linekey": key, "status": 1, "statusmsg": "crontab installed"}]

    def _remove_cron_job(self, params: Params) -> list[Json]:
        if self.cron_jobs.pop(last_of(params, "linekey"), None) is None:
            return [{"statusmsg": "This cron job does not exist.", "status": 0}]
        return [{"statusmsg": "crontab installed", "status": 1}]

    def _add_pop_2(self, params: Params) -> list[Json]:
        try:
            self._add_pop(params)
        except UapiError as error:
            return [{"reason": str(error), "result": 0}]
        return [{"reason": "OK", "result": 1}]

    def _park(self, params: Params) -> list[Json]:
        domain = last_of(params, "domain")
        if domain in self.parked:
            return [{"reason": f"{domain} is already configured.\n", "result": 0}]
        self.parked.append(domain)
        return [{"reason": f"{domain} was successfully parked on top of {self.domain}", "result": 1}]

    def _unpark(self, params: Params) -> list[Json]:
        domain = last_of(params, "domain")
        if domain not in self.parked:
            return [{"reason": f"Sorry, you do not control the domain {domain}\n", "result": 0}]
        self.parked.remove(domain)
        return [{"reason": f"{domain} was successfully unparked", "result": 1}]

    def _fetch_records(self, params: Params) -> list[Json]:
        names = ("name", "type", "txtdata", "address", "ttl")
        expected = {name: last_of(params, name) for name in names if last_of(params, name)}
        return [row for row in self.records if all(str(row.get(name, "")) == value for name, value in expected.items())]

    def _add_record(self, params: Params) -> list[Json]:
        if last_of(params, "domain") != self.domain:
            return [{"result": {"status": 0, "statusmsg": f"You do not control a DNS zone named \u201c{last_of(params, 'domain')}\u201d."}}]
        line = max((row["line"] for row in self.records), default=0) + 1
        row = {name: last_of(params, name) for name in ("name", "type", "txtdata", "address", "ttl") if last_of(params, name)}
        name = row.get("name", "")
        self.records.append({**row, "line": line, "name": name if name.endswith(".") else f"{name}.{self.domain}."})
        return [{"result": {"status": 1, "statusmsg": "", "newserial": "2025010102"}}]

    def _remove_record(self, params: Params) -> list[Json]:
        line = integer(last_of(params, "line"), -1)
        kept = [row for row in self.records if row["line"] != line]
        found = len(kept) < len(self.records)
        self.records = [{**row, "line": number} for number, row in enumerate(kept, 1)] if found else self.records
        return [{"result": {"status": int(found), "statusmsg": "" if found else "There is no such line."}}]

    # API 1.

    def _add_database(self, params: Params) -> str:
        name = last_of(params, "arg")
        if not name:
            raise EventFailed("The database name is missing.")
        if name in self.databases:
            raise EventFailed(f"The database \u201c{name}\u201d already exists.")
        self.databases.append(name)
        return ""
