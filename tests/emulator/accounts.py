# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts. Their secrets hold characters that are awkward in URLs, JSON, base64 and HTML, and a word to search outputs for."""

from __future__ import annotations

import base64
import json

# Per account, the values under the option names that the collection uses.
ACCOUNTS: dict[str, dict[str, str]] = {
    "rackcorp": {
        "api_uuid": "5f0c9d1e-7a34-4b7c-9a55-0e1f2d3c4b5a",
        "api_secret": 'RcKey"+/%41 &=?CANARY-rackcorp-secret\\1',
        "username": "ops@example.com",
        "password": "RcPass+/% &\"<b>'CANARY-rackcorp-password",
    },
    "rackcorp_2fa": {
        "username": "secure@example.com",
        "password": "Rc2fa+/=%25&CANARY-rackcorp-2fa-password",
        "totp_secret": "JBSWY3DPEHPK3PXPCANARYRACKCORPAA",
    },
    "whm": {
        "username": "root",
        "token": "CANARYWHMROOTTOKEN0A1B2C3D4E5F6G",
        "password": 'WhmRoot:+/%&="CANARY whm-root-password',
    },
    "whm_reseller": {
        "username": "resell",
        "token": "CANARYWHMRESELLTOKEN9Z8Y7X6W5V4U",
        "password": 'WhmResell:+/%&="CANARY whm-reseller-password',
    },
    "cpanel": {
        "username": "user01",
        "token": "CANARYCPANELUSERTOKEN1A2B3C4D5E6F",
        "password": 'CpanelUser:+/%&="CANARY cpanel-user-password',
    },
    "netography": {
        "shortname": "acme",
        "appname": "automation",
        "appkey": 'NetoApp+/%&="CANARY-netography-appkey',
        "shared_secret": 'NetoShared+/%&="CANARY ~netography-sharedsecret?>',
    },
    "netography_sub": {
        "shortname": "acme-branch",
        "appname": "automation",
        "appkey": 'NetoApp+/%&="CANARY-netography-appkey',
        "shared_secret": 'NetoShared+/%&="CANARY ~netography-sharedsecret?>',
    },
    "vss": {
        "username": "vsskey1",
        "password": 'Vss:Pässwörd"+/% &üCANARY-vss-password',
    },
    "vss_mfa": {
        "username": "vsskey2",
        "password": 'VssMfa:Gruß+/%&"CANARY-vss-mfa-password',
        "totp_secret": "KRSXG5CTMVRXEZLUCANARYVSSTOTPAAA",
    },
    "vss_barred": {
        "username": "vsskey3",
        "password": "VssBarred+/%&CANARY-vss-barred-password",
    },
}

# Secrets that the systems show in answers, although nobody has sent them.
SECRETS_IN_ANSWERS: dict[str, str] = {
    "netography_accountkey": "CANARYnetographyAzureAccountKey0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ==",
    "netography_accesssecret": "CANARYnetographyAwsAccessSecret/0123456789+",
    "netography_bgp_authpassword": "CANARY-netography-bgp-password",
    "netography_webhook_authpassword": "CANARY-netography-webhook-password",
}

SECRET_OPTIONS = ("api_secret", "password", "totp_secret", "token", "appkey", "shared_secret")


def accounts() -> dict[str, dict[str, str]]:
    """Return a copy that a test may change."""
    return {name: dict(values) for name, values in ACCOUNTS.items()}


def netosecret(name: str = "netography", url: str = "https://api.netography.com/api/v1", padded: bool = False) -> str:
    """Return the one value that Netography's portal shows: base64 of a JSON object, without padding as in the vendor's sample."""
    account = ACCOUNTS[name]
    fields = {key.replace("_", ""): account[key] for key in ("shortname", "appname", "shared_secret", "appkey")}
    encoded = base64.b64encode(json.dumps({"url": url, **fields}).encode()).decode()
    return encoded if padded else encoded.rstrip("=")


def basic_header(account: dict[str, str]) -> dict[str, str]:
    """Return the header of an account's user name and password, in UTF-8."""
    pair = f"{account['username']}:{account['password']}".encode()
    return {"Authorization": "Basic " + base64.b64encode(pair).decode()}


def canaries() -> list[str]:
    """Return every secret of every account, each once."""
    found = [values[key] for values in ACCOUNTS.values() for key in SECRET_OPTIONS if key in values]
    return list(dict.fromkeys(found))
