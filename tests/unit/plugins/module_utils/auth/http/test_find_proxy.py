# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proxy is used for an address, and which parts of its own address are secret."""

from __future__ import annotations

import pytest

from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.proxies import Proxy, find_proxy
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.http.session import proxy_secrets
from ansible_collections.apiauth.tokens.plugins.module_utils.auth.options import ConnectionSettings

PASSWORD = "Proxy-Word-1"


def test_a_proxy_shows_no_secret() -> None:
    proxy = Proxy(f"http://us%40er:{PASSWORD}@[::1]:3128", "the option proxy")
    assert repr(proxy) == "Proxy('http://[::1]:3128 (from the option proxy)')"
    assert proxy.credentials == ("us@er", PASSWORD)


@pytest.mark.parametrize(
    ("proxy", "secrets"),
    [
        ("http://proxy.example:3128", ()),
        ("proxy.example", ()),
        ("http://me@proxy.example", ()),
        ("http://me:word-1@proxy.example", ("word-1", "me:word-1")),
        ("me:word-1@proxy.example", ("word-1", "me:word-1")),
        ("http://m%40e:wo%2Frd@proxy.example", ("wo%2Frd", "wo/rd", "m%40e:wo%2Frd", "m@e:wo/rd")),
        # What cannot be used may be shown too.
        ("nonsense://me:w@r/d@proxy.example", ("w@r/d", "me:w@r/d")),
    ],
)  # fmt: skip
def test_what_a_proxy_must_not_have_shown(proxy: str, secrets: tuple[str, ...]) -> None:
    url = "https://api.example"
    assert proxy_secrets(url, ConnectionSettings(proxy=proxy), {}) == secrets
    assert proxy_secrets(url, ConnectionSettings(), {"https_proxy": proxy}) == secrets
    assert proxy_secrets(url, ConnectionSettings(), {"https_proxy": proxy, "no_proxy": "api.example"}) == ()


P = "http://p:1"


@pytest.mark.parametrize(
    ("url", "environ", "proxied"),
    [
        ("https://api.example.com/x", {"https_proxy": P}, True),
        ("https://api.example.com/x", {"HTTPS_PROXY": P}, True),
        ("https://api.example.com/x", {"all_proxy": P}, True),
        ("https://api.example.com/x", {"ALL_PROXY": P}, True),
        ("https://api.example.com/x", {"http_proxy": P, "HTTP_PROXY": P}, False),
        ("https://api.example.com/x", {"https_proxy": P, "HTTPS_PROXY": "http://other:1", "all_proxy": "http://other:1"}, True),
        ("https://api.example.com/x", {"https_proxy": "", "HTTPS_PROXY": P}, False),
        ("https://api.example.com/x", {"https_proxy": "", "all_proxy": P}, True),
        ("http://127.0.0.1/x", {"http_proxy": P}, True),
        ("http://127.0.0.1/x", {"HTTP_PROXY": P}, True),
        # https://httpoxy.org
        ("http://127.0.0.1/x", {"HTTP_PROXY": P, "REQUEST_METHOD": "GET"}, False),
        ("http://127.0.0.1/x", {"http_proxy": P, "REQUEST_METHOD": "GET"}, True),
        ("https://127.0.0.1/x", {"HTTPS_PROXY": P, "REQUEST_METHOD": "GET"}, True),
        ("https://api.example.com/x", {"https_proxy": P, "no_proxy": "api.example.com"}, False),
        ("https://api.example.com/x", {"https_proxy": P, "NO_PROXY": ".example.com"}, False),
        ("https://api.example.com/x", {"https_proxy": P, "no_proxy": "example.com"}, False),
        ("https://api.example.com./x", {"https_proxy": P, "no_proxy": "example.com"}, False),
        ("https://api.example.com/x", {"https_proxy": P, "no_proxy": "example.com."}, False),
        ("https://example.com/x", {"https_proxy": P, "no_proxy": ".example.com"}, False),
        ("https://api.example.com:8443/x", {"https_proxy": P, "no_proxy": "example.org,api.example.com:8443"}, False),
        ("https://api.example.com/x", {"https_proxy": P, "no_proxy": "example.com:443"}, False),
        ("https://api.example.com/x", {"https_proxy": P, "no_proxy": "api.example.com:8443"}, True),
        ("https://192.0.2.7/x", {"https_proxy": P, "no_proxy": "192.0.2.0/24"}, False),
        ("https://192.0.2.7/x", {"https_proxy": P, "no_proxy": "192.0.2.7"}, False),
        ("https://192.0.2.7:8443/x", {"https_proxy": P, "no_proxy": "192.0.2.7:8443"}, False),
        ("https://192.0.2.7/x", {"https_proxy": P, "no_proxy": "192.0.2.7:8443"}, True),
        ("https://192.0.2.7:8443/x", {"https_proxy": P, "no_proxy": "192.0.2.0/24:8443"}, False),
        ("https://192.0.2.7/x", {"https_proxy": P, "no_proxy": "192.0.2.0/24:8443"}, True),
        ("https://192.0.3.7/x", {"https_proxy": P, "no_proxy": "192.0.2.0/24,api.example.com/24"}, True),
        ("https://[2001:db8::7]/x", {"https_proxy": P, "no_proxy": "2001:db8::/32"}, False),
        ("https://[2001:db8::7]/x", {"https_proxy": P, "no_proxy": "2001:db8::7"}, False),
        ("https://[2001:db8::7]/x", {"https_proxy": P, "no_proxy": "2001:DB8:0::7"}, False),
        ("https://[2001:db8::7]/x", {"https_proxy": P, "no_proxy": "[2001:db8::7]"}, False),
        ("https://[2001:db8::7]/x", {"https_proxy": P, "no_proxy": "[2001:db8::7]:443"}, False),
        ("https://[2001:db8::7]/x", {"https_proxy": P, "no_proxy": "[2001:db8::7]:8443"}, True),
        ("https://[2001:db8::7]/x", {"https_proxy": P, "no_proxy": "[2001:db8::8]"}, True),
        ("https://API.Example.com/x", {"https_proxy": P, "no_proxy": " *.Example.com , "}, False),
        ("https://api.example.com/x", {"https_proxy": P, "no_proxy": "localhost api.example.com"}, False),
        ("https://notexample.com/x", {"https_proxy": P, "no_proxy": ".example.com,,example.com:8443"}, True),
        ("https://api.example.com/x", {"https_proxy": P, "no_proxy": "*"}, False),
        ("https://api.example.com/x", {"https_proxy": P, "no_proxy": "a, *"}, False),
        ("https://api.example.com/x", {"https_proxy": P, "no_proxy": "example.org"}, True),
        ("https://api.example.com/x", {"https_proxy": P, "no_proxy": "", "NO_PROXY": "example.com"}, False),
        ("https://api.example.com/x", {"https_proxy": " ", "no_proxy": ""}, False),
        ("https://api.example.com/x", {}, False),
    ],
)
def test_the_environment_of_a_task(url: str, environ: dict[str, str], proxied: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the task's, not the process'."""
    monkeypatch.setenv("https_proxy", "http://process:1")
    monkeypatch.setenv("no_proxy", "api.example.com" if proxied else "")
    found = find_proxy(url, ConnectionSettings(), environ)
    assert (found and found.url) == (P if proxied else None)
