# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The envelopes in which cPanel and WHM answer: whether a reply is a success, its payload, and why it is not.

The HTTP status says nothing about that. Sources: https://api.docs.cpanel.net/whm/introduction (WHM API 1), https://api.docs.cpanel.net/cpanel/introduction
(UAPI), and replies that were recorded on live servers for what the pages do not show (cPanel API 1 and 2, WHM API 0).
"""

from __future__ import annotations

import typing as t


class Envelope(t.NamedTuple):
    """What a body says: the payload, the rest of the envelope, whether it is a success, and if not, why."""

    data: t.Any
    meta: t.Mapping[str, t.Any] = {}
    success: bool = True
    reason: t.Any = None


def open_envelope(body: dict[str, t.Any]) -> Envelope:
    """Return the same from each of the envelopes; a body in none of them is the payload."""
    metadata, result, api_2 = body.get("metadata"), body.get("result"), body.get("cpanelresult")
    if isinstance(metadata, dict) and "result" in metadata:
        return _whm_api_1(body.get("data"), metadata)
    if isinstance(api_2, dict):
        return _cpanel_api_2(api_2)
    if isinstance(body.get("event"), dict) and "data" in body:
        return _cpanel_api_1(body)
    if isinstance(result, dict) and "status" in result and ("errors" in result or "data" in result):
        return _uapi(result, _without(body, "result"))
    if _is_uapi(body):
        # UAPI itself, as port 2083 answers it.
        return _uapi(body)
    return _no_envelope(body)


def unwrap_uapi(envelope: Envelope) -> Envelope:
    """Return UAPI's own envelope from that of `uapi_cpanel` or `cpanel`, for callers that asked for a UAPI function and not for its carrier."""
    inner = envelope.data.get("uapi") if isinstance(envelope.data, dict) else None
    return _uapi(inner, envelope.meta) if isinstance(inner, dict) else envelope


# -- each envelope ---------------------------------------------------------------------------------------------------


def _whm_api_1(data: t.Any, metadata: dict[str, t.Any]) -> Envelope:
    """`{"data": …, "metadata": {"result": 1, "reason": "OK", …}}`; the outer result is 1 even if what it carries failed."""
    if not _is_true(metadata["result"]):
        return Envelope(data, metadata, False, metadata.get("reason"))
    inner = _carried_failure(data)
    return inner._replace(data=data, meta=metadata) if inner else Envelope(data, metadata)


def _carried_failure(data: t.Any) -> Envelope | None:
    """Return the failure among the replies that `uapi_cpanel`, `cpanel` and `batch` carry; `None` if there is none."""
    if not isinstance(data, dict):
        return None
    uapi, batch = data.get("uapi"), data.get("result")
    if isinstance(uapi, dict):
        inner = _uapi(uapi)
        return None if inner.success else inner
    if isinstance(batch, list):
        for number, reply in enumerate(batch, 1):
            if isinstance(reply, dict) and isinstance(reply.get("metadata"), dict) and "result" in reply["metadata"]:
                inner = _whm_api_1(reply.get("data"), reply["metadata"])
                if not inner.success:
                    command = reply["metadata"].get("command") or f"command {number}"
                    return inner._replace(reason=f"{command}: {inner.reason or 'no reason was given'}")
    if isinstance(data.get("cpanelresult"), dict):
        inner = _cpanel_api_2(data["cpanelresult"])
        return None if inner.success else inner
    return None


def _cpanel_api_2(body: dict[str, t.Any]) -> Envelope:
    """`{"cpanelresult": {"event": {"result": 1}, "data": […]}}`; the rows may say that nothing was done although the event went well."""
    data, event, error = body.get("data"), body.get("event"), body.get("error")
    row = _failed_row(data)
    success = not (error or row or _is_refusal(data) or _is_refusal(event))
    return Envelope(data, _without(body, "data"), success, error or _reason(data) or _reason(event) or _reason(row))


def _cpanel_api_1(body: dict[str, t.Any]) -> Envelope:
    """`{"apiversion": "1", "data": {"result": …}, "event": {"result": 0, "reason": …}}`."""
    event = body["event"]
    return Envelope(body["data"], _without(body, "data"), not _is_refusal(event), _reason(event) or body.get("error"))


def _uapi(body: dict[str, t.Any], more: t.Mapping[str, t.Any] | None = None) -> Envelope:
    """`{"status": 1, "data": …, "errors": null, "messages": …, "warnings": …, "metadata": {…}}`."""
    errors = body.get("errors")
    reason = "; ".join(map(str, errors)) if isinstance(errors, list) else errors
    return Envelope(body.get("data"), {**(more or {}), **_without(body, "data")}, _is_true(body.get("status", 1)), reason)


def _is_uapi(body: dict[str, t.Any]) -> bool:
    """Return whether a body is UAPI's envelope. Without data only a failure is: otherwise its members may be a payload."""
    return "status" in body and "errors" in body and ("data" in body or (_is_false(body["status"]) and bool(body["errors"])))


def _no_envelope(body: dict[str, t.Any]) -> Envelope:
    """WHM API 0, which answers with the payload alone, and envelopes that lack what would make them a success."""
    if "error" in body and (_is_refusal(body.get("data")) or all(name in ("error", "status") for name in body)):
        return Envelope(body, {}, False, body["error"] or _reason(body.get("data")))
    if _is_false(body.get("status")) and body.get("statusmsg"):
        return Envelope(body, {}, False, body["statusmsg"])
    for value in body.values():
        # {"result": [{"status": 0, "statusmsg": …}]}, {"passwd": [{…}]}, {"result": {…}}
        row = _failed_row(value if isinstance(value, list) else [value])
        if row:
            return Envelope(body, {}, False, _reason(row))
    return Envelope(body, {}, "metadata" not in body or "errors" in body, _reason(body.get("metadata")))


# -- members ---------------------------------------------------------------------------------------------------------


def _failed_row(rows: t.Any) -> dict[str, t.Any] | None:
    """Return the first row which says that nothing was done: `status` 0 and words. A payload may have a `status` too, but no words beside it."""
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and _is_false(row.get("status")) and row.get("statusmsg"):
            return row
    return None


def _reason(part: t.Any) -> t.Any:
    return (part.get("reason") or part.get("statusmsg")) if isinstance(part, dict) else None


def _is_refusal(part: t.Any) -> bool:
    """Return whether a payload, or the `event` of API 1 and 2, says `result: 0`."""
    return isinstance(part, dict) and _is_false(part.get("result"))


def _is_true(value: t.Any) -> bool:
    return value is True or str(value) == "1"


def _is_false(value: t.Any) -> bool:
    return value is False or str(value) == "0"


def _without(members: t.Mapping[str, t.Any], name: str) -> dict[str, t.Any]:
    return {key: value for key, value in members.items() if key != name}
