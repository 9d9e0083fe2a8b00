# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WHM's functions, and what each needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import parse_qsl, unquote

from ..issued import Clock
from ..served import Answer, Json, ServedRequest
from .accounts import Accounts
from .api_tokens import ApiTokens, Caller, acl_map
from .auth import first_tokens
from .cpanel import bad_user, through_cpanel, uapi_result, whm_answer
from .cpanel_user import CpanelUser
from .keys import key_pair
from .legacy import shape, unknown
from .model import Failed, Outcome, WhmSettings
from .paging import chunk, filtered
from .params import Params, last_of, values_of
from .sessions import COOKIES, Sessions

DENIED = "Access denied"
HOST_NAME = "whm.example.com"
NEEDED = {
    "version": "basic-system-info",
    "loadavg": "basic-system-info",
    "gethostname": "basic-system-info",
    "applist": "basic-whm-functions",
    "listaccts": "list-accts",
    "accountsummary": "acct-summary",
    "createacct": "create-acct",
    "removeacct": "kill-acct",
    "suspendacct": "suspend-acct",
    "unsuspendacct": "suspend-acct",
    "passwd": "passwd",
    "listpkgs": "list-pkgs",
    "generatessl": "ssl-gencrt",
    "resellerstats": "stats",
    "create_user_session": "create-user-session",
    "cpanel": "cpanel-api",
    "uapi_cpanel": "cpanel-api",
}
Function = Callable[[Caller, Params], Outcome]


def _outcome_of(function: Callable[[Caller, Params], Json | None], caller: Caller, params: Params) -> Outcome:
    return Outcome(function(caller, params))


class Functions:
    """All functions, by name. ``call`` answers in the shape of API 1 or API 0."""

    def __init__(self, clock: Clock, settings: Callable[[], WhmSettings], sessions: Sessions) -> None:
        self._settings = settings
        self._clock = clock
        self._sessions = sessions
        self.accounts = Accounts(settings().accounts)
        self.tokens = ApiTokens(clock, settings, first_tokens(clock.now()))
        tokens = {name: partial(_outcome_of, function) for name, function in self.tokens.functions.items()}
        self._functions: dict[str, Function] = {
            "myprivs": lambda caller, _params: Outcome({"privileges": [acl_map(sorted(caller.privileges), caller.user == "root")]}),
            "applist": lambda _caller, _params: Outcome({"app": self.names()}),
            "gethostname": lambda _caller, _params: Outcome({"hostname": HOST_NAME}),
            "generatessl": self._generate_ssl,
            "resellerstats": self._reseller_stats,
            "uapi_cpanel": self._uapi,
            **tokens,
        }
        # Answers that have no metadata of their own, or need more than the parameters.
        self._special = ("version", "loadavg", "cpanel", "create_user_session", "batch")

    def reset_accounts(self) -> None:
        self.accounts = Accounts(self._settings().accounts)

    def names(self) -> list[str]:
        """Return the functions, each once."""
        return sorted({*self._functions, *self.accounts.functions, *self._special})

    def _known(self, function: str) -> bool:
        if function == "api_token_get_details" and self._settings().version < 98:
            return False
        return function in self.names()

    @staticmethod
    def _needs(function: str) -> str:
        """Return the privilege without which a function is refused; ``myprivs`` and ``batch`` are for everybody."""
        return "manage-api-tokens" if function.startswith("api_token_") else NEEDED.get(function, "")

    def call(self, function: str, caller: Caller, params: Params, request: ServedRequest) -> Answer:
        version_one = last_of(params, "api.version") == "1"
        if not self._known(function):
            reason = f'Unknown app ("{function}") requested for this version (1) of the API.'
            return self._one(function, Outcome(None, reason), 0) if version_one else whm_answer(unknown(function), ok=False)
        needed = self._needs(function)
        if needed and not caller.may(needed):
            answer = self._answer(function, Outcome(None, DENIED), 0, version_one)
            answer.status = self._settings().acl_denial_status
            return answer
        if function in self._special:
            return self._call_special(function, caller, params, request, version_one)
        try:
            outcome = (self._functions.get(function) or self.accounts.functions[function])(caller, params)
        except Failed as failed:
            return self._answer(function, Outcome(None, str(failed)), 0, version_one)
        outcome.data, shown = chunk(filtered(outcome.data, params), params)
        return self._answer(function, outcome, 1, version_one, shown)

    def _answer(self, function: str, outcome: Outcome, result: int, version_one: bool, more: Json | None = None) -> Answer:
        return self._one(function, outcome, result, more) if version_one else whm_answer(shape(function, outcome, result), ok=result == 1)

    @staticmethod
    def _one(function: str, outcome: Outcome, result: int, more: Json | None = None) -> Answer:
        """API 1: ``data`` and ``metadata``, with ``output.raw`` where the function wrote a text."""
        metadata: Json = {"command": function, "reason": outcome.reason, "result": result, "version": 1, **(more or {})}
        if outcome.raw is not None:
            metadata["output"] = {"raw": outcome.raw}
        return whm_answer({"metadata": metadata} if outcome.data is None else {"data": outcome.data, "metadata": metadata}, ok=result == 1)

    def _call_special(self, function: str, caller: Caller, params: Params, request: ServedRequest, version_one: bool) -> Answer:
        if function == "version":
            return self._version(version_one)
        if function == "loadavg":
            return whm_answer({"one": "0.12", "five": "0.34", "fifteen": "0.56"})
        if function == "cpanel":
            found = self._own_user(caller, last_of(params, "cpanel_jsonapi_user"))
            return through_cpanel(found, params) if found is not None else bad_user()
        if function == "batch":
            return self._batch(caller, params, request)
        return self._user_session(caller, params, request, version_one)

    def _own_user(self, caller: Caller, name: str) -> CpanelUser | None:
        return self.accounts.user(name) if self.accounts.find(caller, name) is not None else None

    def _version(self, version_one: bool) -> Answer:
        version = f"11.{self._settings().version}.0.5"
        if not version_one:
            return whm_answer({"version": version})
        if self._settings().version_shape == "metadata":
            return self._one("version", Outcome({"version": version}), 1)
        return whm_answer({"cpanelresult": {"apiversion": "2", "data": {"version": version}, "type": "text"}})

    def _batch(self, caller: Caller, params: Params, request: ServedRequest) -> Answer:
        """Call several functions. Each inner reply has a ``metadata.result`` of its own under an outer 1."""
        commands = values_of(params, "command")
        if not commands:
            return self._one("batch", Outcome(None, "You must provide the \u201ccommand\u201d parameter."), 0)
        replies: list[Json] = []
        for command in commands:
            function, _mark, query = command.partition("?")
            inner = [*parse_qsl(query, keep_blank_values=True), ("api.version", "1")]
            replies.append(self.call(unquote(function), caller, inner, request).json())
            failed = replies[-1].get("metadata", {}).get("result", 1) != 1
            if failed and last_of(params, "abort_on_error") == "1":
                break
        return self._one("batch", Outcome({"result": replies}), 1)

    def _user_session(self, caller: Caller, params: Params, request: ServedRequest, version_one: bool) -> Answer:
        """Open a session for a user, and answer the address that sets its cookie."""
        user, service = last_of(params, "user"), last_of(params, "service")
        own = user == caller.user or self.accounts.find(caller, user) is not None
        if not own or service not in COOKIES or (service == "whostmgrd") != (user == caller.user):
            reason = f"The user \u201c{user}\u201d does not exist, or has no service \u201c{service}\u201d."
            return self._answer("create_user_session", Outcome(None, reason), 0, version_one)
        session = self._sessions.open(user, service)
        mount = request.mount if service == "whostmgrd" else request.mount.replace("/whm", "/cpanel")
        data = {
            "cp_security_token": f"/{session.path}",
            "service": service,
            "session": session.value,
            "expires": int(session.expires),
            "url": f"{request.origin}{mount}/{session.path}/login/?session={session.value}",
        }
        return self._answer("create_user_session", Outcome(data, "Created session"), 1, version_one)

    def _generate_ssl(self, _caller: Caller, params: Params) -> Outcome:
        """Generate a key, a certificate and a request for one; the answer holds the private key."""
        host = last_of(params, "domains") or last_of(params, "host")
        if not host:
            raise Failed("You must provide the \u201cdomains\u201d parameter.")
        pair = key_pair(host)
        data = {
            "key": pair.key,
            "cert": pair.cert,
            "csr": pair.csr,
            "keyfile": f"/var/cpanel/ssl/system/keys/{host}.key",
            "certfile": f"/var/cpanel/ssl/system/certs/{host}.crt",
            "csrfile": f"/var/cpanel/ssl/system/csrs/{host}.csr",
        }
        return Outcome(data, "Key, Certificate, and CSR generated OK")

    def _reseller_stats(self, caller: Caller, params: Params) -> Outcome:
        name = last_of(params, "reseller") or last_of(params, "user")
        if name not in {row["owner"] for row in self.accounts.rows.values()}:
            raise Failed("Reseller Does Not Exist")
        mine = [row for row in self.accounts.visible(caller) if row["owner"] == name]
        return Outcome({"reseller": name, "acct": [{"user": row["user"], "domain": row["domain"]} for row in mine]}, "Fetched Reseller Data OK")

    def _uapi(self, caller: Caller, params: Params) -> Outcome:
        """The outer result is 1 although the inner status may be 0."""
        found = self._own_user(caller, last_of(params, "cpanel.user"))
        if found is None:
            raise Failed("The \u201ccpanel.user\u201d parameter is not valid.")
        return Outcome({"uapi": uapi_result(found, last_of(params, "cpanel.module"), last_of(params, "cpanel.function"), params)})
