# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: summary
type: aggregate
short_description: Show how often a run logged in, used cached tokens and made calls
version_added: 1.0.0
description:
  - At the end of a run, shows a table with one line for each system and host that this collection talked to. In a run of several playbooks there is a table
    after each, which also counts those before it.
  - A line has the numbers of logins, cached tokens that were used, refreshes (logins ahead of a token's expiry), calls, failures and refusals,
    the seconds that tasks waited for a login of another task or because a server asked for it, and the slowest call.
  - Modules and token lookups are counted, on all hosts. A call with several pages counts once.
  - The summary holds no secret.
requirements:
  - Enable it by C(callbacks_enabled = apiauth.tokens.summary) in C(ansible.cfg) or C(ANSIBLE_CALLBACKS_ENABLED)
  - An ad hoc command also needs C(bin_ansible_callbacks = true), or C(ANSIBLE_LOAD_CALLBACK_PLUGINS)
options:
  file:
    description:
      - A file to write the summary to, as JSON, instead of showing the table. An existing file is replaced.
      - The document is a list of dictionaries with C(target), C(logins), C(failed_logins), C(cached_tokens), C(refreshes), C(calls), C(failed_calls),
        C(refused), C(waited) (seconds) and C(slowest_call) (C(null), or a dictionary with C(call) and C(seconds)).
    type: path
    env:
      - name: APIAUTH_SUMMARY_FILE
    ini:
      - section: apiauth_summary
        key: file
author:
  - apiauth.tokens contributors (@apiauth)
"""

import json
import os
import tempfile
import typing as t

from ansible import constants
from ansible.plugins.callback import CallbackBase

from ..plugin_utils._summary import EVENTS_FILE, as_table, read_summaries


class CallbackModule(CallbackBase):
    """Give all workers a file for their events, and sum them up at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "apiauth.tokens.summary"
    CALLBACK_NEEDS_ENABLED = True

    _events: str | None = None

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        if self._events is not None:
            # A run with several playbooks has one summary.
            return
        # Only this user can read it, and Ansible removes the directory when it ends.
        file, self._events = tempfile.mkstemp(prefix="apiauth-summary-", dir=constants.DEFAULT_LOCAL_TMP)
        os.close(file)
        # Workers are forked later, so they inherit it.
        os.environ[EVENTS_FILE] = self._events

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        if self._events is None:
            return
        try:
            summaries = read_summaries(self._events)
        except OSError as failure:
            self._display.warning(f"apiauth.tokens.summary: the events of this run cannot be read ({failure.strerror})")
            return
        path = self.get_option("file")
        if path:
            self._write(path, [summary.as_dict() for summary in summaries])
        elif summaries:
            self._display.banner("API TOKENS AND CALLS")
            self._display.display(as_table(summaries))

    def _write(self, path: str, document: t.Any) -> None:
        """Replace the file as a whole, so that nobody reads half of it."""
        temporary = None
        try:
            file, temporary = tempfile.mkstemp(prefix=".apiauth-summary-", dir=os.path.dirname(os.path.abspath(path)))
            with os.fdopen(file, "w", encoding="utf-8") as stream:
                json.dump(document, stream, indent=2)
                stream.write("\n")
            os.replace(temporary, path)
        except OSError as failure:
            self._display.warning(f"apiauth.tokens.summary: {path} cannot be written ({failure.strerror})")
            if temporary is not None and os.path.exists(temporary):
                os.unlink(temporary)
