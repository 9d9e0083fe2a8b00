# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which members of a request or reply are secret because of their name."""

from __future__ import annotations

import re

# What a member's name says about its value, see `classify`.
PLAIN = 0
SECRET = 1
MESSAGES = 2

# How the name of a secret ends, without its punctuation and the digits and the "s" at its end, in lower case. These were seen in replies of the four
# systems: database_user_password, authpassword, mysqlpassword, consolePassword, rootpw, app_token, accountkey, integrationkey, key_data,
# deployMediaImageAccessSecret. A plain "key" is not among them, because it is usually public, or a name.
_SECRET = (
    *("password", "passwd", "passphrase", "pass", "pwd", "pw", "psk", "secret", "token", "credential", "jwt", "accesshash", "sessionid", "sessid"),
    *("passcode", "hmac", "cpsess", "snmpcommunity"),
    *(f"{word}{ending}" for word in ("password", "passwd") for ending in ("new", "old", "current", "confirm", "confirmation", "repeat", "again", "hash")),
    *(f"{kind}key" for kind in ("access", "account", "api", "app", "auth", "decryption", "encryption", "hmac", "integration", "master", "preshared")),
    *(f"{kind}key" for kind in ("license", "priv", "private", "secret", "session", "shared", "signing")),
    *("keydata", "keycontent", "recoverycode", "backupcode", "scratchcode", "otpseed"),
)
# Names that end so, and hold no secret: the marks of pages, public keys, ordinary words, the sessions of traffic, domains below .pw.
_NO_SECRET = re.compile(
    r".*(?:continuation|cursor|delta|next|page|pagination|paging|prev|previous|resume|scroll|skip|sync)(?:continuation|cursor|page|sync)?token"
    r"|.*public\w*key|.*(?:by|com|tres)pass|(?!(?:api|auth|jwt|login|php|user|web)*sess(?:ion)?id).*sess(?:ion)?id"
    r"|(?!(?:.*(?:root|user|admin|db|ftp|mysql|vnc|ipmi|console|mail|login|new|old|initial|temp|auth))?pw\Z).*pw"
)
_OF_DIGITS = re.compile(r"pass|pwd|(?:pw|psk|codes?)\d*\Z")
# Members below which a name says what a message or a link is about: {"errors": {"password": "must have 8 characters"}}.
_MESSAGES = ("link", "error", "fault", "warning", "problem", "validation", "message")
# Members of a description of a secret, such as {"token": {"name": "ci", "created_at": "2026-01-01"}}.
_METADATA = re.compile(
    r"\w*(?:name|type|description|status|url|uri|href|email|address)|(?:key|token|user|account|device|client|customer|app)?ids?"
    r"|kind|labels?|title|comments?|notes?|state|users?|owner|roles?|scopes?|permissions?|privileges?|acls?|algorithm|alg|fingerprint|prefix|length|format"
    r"|(?:last)?(?:created?|updated?|modified|changed|expires?|expired|expiry|expiration|issued|used|valid|revoked|login)"
    r"(?:at|on|by|in|from|until|to|ip|time|date)?"
    r"|date\w*|time|ip|host|port|method|provider|version|policy|message|msg|reason|code|count|iss|sub|aud|iat|nbf|exp|jti|otp"
)
_PUNCTUATION = str.maketrans("", "", "_-. :/[]()'\"\t")
# Only the end of a name matters, so a hostile one costs no more than any other.
_LONGEST_NAME = 80

# Flags, states and types, and the words that follow a name in a sentence: "password: must have 8 characters".
_NO_SECRETS = frozenset(
    (
        *("true", "false", "yes", "no", "on", "off", "y", "n", "t", "f", "none", "null", "nil", "undefined", "set", "unset", "empty", "unknown", "n/a", "na"),
        *("enabled", "disabled", "active", "inactive", "required", "optional", "hidden", "redacted", "masked", "default", "any", "all", "ok", "public"),
        *("private", "string", "text", "password", "passwd", "token", "secret", "key", "bearer", "basic", "jwt", "api"),
        *("a", "an", "and", "are", "as", "at", "be", "been", "by", "can", "cannot", "can't", "changed", "contains", "could", "did", "do", "does", "doesn't"),
        *("expired", "failed", "for", "from", "had", "has", "have", "if", "in", "incorrect", "invalid", "is", "isn't", "it", "may", "might", "mismatch"),
        *("missing", "must", "needs", "not", "of", "only", "or", "our", "please", "reset", "see", "shall", "should", "than", "that", "the", "these", "this"),
        *("to", "too", "was", "were", "will", "with", "would", "wrong", "your"),
    )
)
_SENTENCE = frozenset(
    (
        *("are", "be", "been", "can", "cannot", "can't", "contain", "contains", "does", "doesn't", "has", "have", "invalid", "is", "isn't", "may", "must"),
        *("not", "required", "should", "too", "was"),
    )
)
_MASKED = frozenset("*\u2022\u25cf.#-_xX ")
_NUMBER_OR_TIME = re.compile(r"[\d.,:+ -]+|\d{4}-\d\d-\d\d[T ][\w:.,+ -]{1,32}")
_PUBLIC_VALUE = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*(?:PUBLIC KEY|CERTIFICATE)|(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-\w+|sk-\S+) AAAA|[\w.-]+\s[^\n]*\bDNSKEY\b"
)


def is_secret_name(name: str) -> bool:
    """Return whether the value of a member of this name is usually a secret; case, punctuation and numbers at the end make no difference."""
    return classify(name) == SECRET


def classify(name: str) -> int:
    """Return `SECRET`, `MESSAGES` (the names below it say what a message is about) or `PLAIN`."""
    normal = _normalise(name).rstrip("0123456789")
    if normal.endswith("s") and not normal.endswith("ss"):
        normal = normal[:-1]
    if normal.endswith(_SECRET):
        return PLAIN if _NO_SECRET.fullmatch(normal) else SECRET
    return MESSAGES if normal.endswith(_MESSAGES) else PLAIN


def is_metadata(name: str) -> bool:
    """Return whether a member of this name describes the secret it stands beside, and is none itself."""
    return _METADATA.fullmatch(_normalise(name)) is not None


def is_secret_value(name: str, value: str) -> bool:
    """Return whether a text can be the secret that its name promises, and is not a flag, a counter, a time, a mask, a type or a public key.

    WHM lists the privilege `passwd` as "1". A password or a recovery code can consist of digits, any other secret of only digits would be too weak.
    """
    text = value.strip()
    if not text or text.lower() in _NO_SECRETS or _MASKED.issuperset(text):
        return False
    if _NUMBER_OR_TIME.fullmatch(text):
        return len(text) >= 4 and _OF_DIGITS.search(_normalise(name)) is not None
    if text.startswith("/") and _normalise(name) == "pwd":
        # The working directory.
        return False
    return _PUBLIC_VALUE.match(text) is None


def is_sentence(value: str) -> bool:
    """Return whether a text is a message about a secret, and not a passphrase."""
    words = value.lower().split(None, 40)
    return len(words) > 2 and not _SENTENCE.isdisjoint(words)


def _normalise(name: str) -> str:
    return name[-_LONGEST_NAME:].lower().translate(_PUNCTUATION)
