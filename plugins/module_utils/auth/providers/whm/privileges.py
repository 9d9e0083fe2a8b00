# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WHM's privileges (ACLs): how they are read, compared, and checked before a token is created with them.

Source: https://api.docs.cpanel.net/whm/guides/guide-to-whm-plugins-acl-reference-chart
"""

from __future__ import annotations

import re
import typing as t
from difflib import get_close_matches

from ...errors import ApiError, configuration_error

ALL = "all"
ACL = re.compile(r"[A-Za-z0-9_.:-]+")
EMPTY_ACLS = ("acls is empty, for which WHM would grant every privilege", "name at least one privilege")
# The privileges of the reference chart. Plugins add their own, so an unknown name is an error only if the server lists its names.
KNOWN_NAMES = """
    acct-summary add-pkg add-pkg-ip add-pkg-shell all allow-addoncreate allow-emaillimits-pkgs allow-parkedcreate allow-shell
    allow-unlimited-bw-pkgs allow-unlimited-disk-pkgs allow-unlimited-pkgs basic-system-info basic-whm-functions clustering
    connected-applications cors-proxy-get cpanel-api cpanel-integration create-acct create-dns create-user-session demo-setup digest-auth
    edit-account edit-dns edit-mx edit-pkg generate-email-config kill-acct kill-dns limit-bandwidth list-accts list-pkgs locale-edit mailcheck
    manage-api-tokens manage-dns-records manage-oidc manage-styles mysql-info news ns-config park-dns passwd quota rearrange-accts resftp restart
    show-bandwidth ssl ssl-buy ssl-gencrt ssl-info stats status suspend-acct thirdparty track-email upgrade-account viewglobalpackages
"""
KNOWN = frozenset(KNOWN_NAMES.split())
# With fewer names than this a server does not list what exists, but only what the account has.
COMPLETE_LIST = 20


def granted(acls: t.Any) -> frozenset[str]:
    """Return the privileges in any of WHM's forms: a list, or a map whose flags are 1, "1", true, or 0, "0", "", null."""
    if isinstance(acls, t.Mapping):
        return frozenset(str(name) for name, flag in acls.items() if str(flag).strip().lower() in ("1", "true"))
    return frozenset(map(str, acls)) if isinstance(acls, list) else frozenset()


def same_privileges(first: frozenset[str], second: frozenset[str]) -> bool:
    """Return whether two sets of privileges permit the same; `all` holds every other privilege, listed or not."""
    return ALL in first if ALL in second else first == second


def check_acls(acls: t.Sequence[t.Any] | None) -> frozenset[str] | None:
    """Return the privileges that a task names. Raises a configuration error for an empty list and for what cannot be a name."""
    if acls is None:
        return None
    names = frozenset(str(name).strip() for name in acls)
    if not names:
        raise configuration_error(*EMPTY_ACLS)
    wrong = sorted(name for name in names if not ACL.fullmatch(name))
    if wrong:
        raise configuration_error(f"acls must be names of privileges such as list-accts, and not {wrong[0][:60]!r}", "correct the list")
    return names


class OwnPrivileges(t.NamedTuple):
    """What an account may do, as `myprivs` lists it: the privileges that it has, and all names that the server knows of."""

    granted: frozenset[str]
    listed: frozenset[str]

    @classmethod
    def from_reply(cls, data: t.Any) -> OwnPrivileges:
        """Return the privileges of `{"privileges": [{name: flag}]}`."""
        rows = data.get("privileges") if isinstance(data, dict) else None
        row = rows[0] if isinstance(rows, list) and rows else rows
        names = row if isinstance(row, (dict, list)) else ()
        return cls(granted(row), frozenset(map(str, names)))

    def check(self, acls: t.Iterable[str]) -> list[str]:
        """Raise a configuration error for a privilege that this account may not grant; return those of which the server does not say."""
        unknown = []
        for name in sorted(set(acls) - self.granted):
            if name in KNOWN | self.listed and ALL in self.granted:
                continue
            if ALL in self.granted and not name.startswith("software-"):
                close = get_close_matches(name, sorted(KNOWN | self.listed), 1) or _without_marks(name, KNOWN | self.listed)
                if close or len(self.listed) >= COMPLETE_LIST:
                    raise _not_grantable(f"there is no privilege {name}", close)
            if ALL not in self.granted:
                misspelled = name not in KNOWN | self.listed
                close = (get_close_matches(name, sorted(self.granted), 1) or _without_marks(name, self.granted)) if misspelled else []
                raise _not_grantable(f"the account does not have the privilege {name} and cannot grant it", close)
            unknown.append(name)
        return unknown


def likely_slips(acls: t.Iterable[str]) -> list[str]:
    """Return a question for each name that the reference chart lacks and that resembles one of its names, such as `listaccts: did you mean list-accts?`."""
    unknown = sorted(set(acls) - KNOWN)
    close = {name: get_close_matches(name, sorted(KNOWN), 1) or _without_marks(name, KNOWN) for name in unknown}
    return [f"{name}: did you mean {found[0]}?" for name, found in close.items() if found]


def _without_marks(name: str, names: t.Iterable[str]) -> list[str]:
    plain = re.sub("[^a-z0-9]", "", name.lower())
    return [known for known in sorted(names) if re.sub("[^a-z0-9]", "", known.lower()) == plain][:1]


def _not_grantable(problem: str, close: t.Sequence[str]) -> ApiError:
    return configuration_error(problem, f"did you mean {close[0]}?" if close else "the account's privileges are listed by the function myprivs")
