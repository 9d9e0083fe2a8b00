# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How functions answer without ``api.version``: every one in a shape of its own, as servers were recorded.

Recordings: the cassettes of https://github.com/site5/lumberg.
"""

from __future__ import annotations

from ..served import Json
from .model import Outcome

# ``{"result":[{"status":…,"statusmsg":…,"rawout":…}]}``
IN_ROWS = ("createacct", "removeacct", "suspendacct", "unsuspendacct")
# ``{"result":{"status":…,"statusmsg":…}}``
IN_OBJECT = ("resellerstats",)
# The data alone.
BARE = ("applist", "gethostname", "loadavg", "version")


def shape(function: str, outcome: Outcome, status: int) -> Json:
    """Return the body of an answer by API 0."""
    head: Json = {"status": status, "statusmsg": outcome.reason}
    if function in IN_ROWS:
        options = {"options": outcome.data} if function == "createacct" else {}
        text = {} if function.endswith("suspendacct") else {"rawout": outcome.raw}
        spoken = {"statusmsg": outcome.raw} if function.endswith("suspendacct") and outcome.raw else {}
        return {"result": [{**head, **spoken, **text, **options}]}
    if function in IN_OBJECT:
        return {"result": {**(outcome.data or {}), **head}}
    if function == "passwd":
        return {"passwd": [{**head, "services": outcome.extra.get("services"), "rawout": outcome.raw}]}
    if function == "myprivs":
        return {"privs": (outcome.data or {}).get("privileges", [{}])[0]}
    if function == "listpkgs":
        return {"package": (outcome.data or {}).get("pkg", [])}
    if function == "generatessl":
        return {"results": {**(outcome.data or {}), **head, "message": outcome.reason}}
    if function in BARE:
        return outcome.data or {}
    if function in ("listaccts", "accountsummary"):
        return {**head, "statusmsg": "Ok" if status else outcome.reason, "acct": (outcome.data or {}).get("acct")}
    return {**(outcome.data or {}), **head}


def unknown(function: str) -> Json:
    return {"error": f"Unknown App Requested: {function}"}
