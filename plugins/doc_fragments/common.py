# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  validate_certs:
    description: Whether the certificate of the server is checked. Turn it off for experiments only.
    type: bool
    default: true
  ca_path:
    description: A file or a directory with the certificates of the authorities to trust, in place of the system's own.
    type: path
  client_cert:
    description: A client certificate in PEM form, for servers that want one. The file may hold the key too.
    type: path
  client_key:
    description: The unencrypted key that belongs to O(client_cert).
    type: path
  proxy:
    description:
      - The HTTP proxy to use, such as V(http://proxy.example.com:3128). One that is itself reached over TLS or SOCKS cannot be used.
      - Without it, the environment variables E(https_proxy), E(http_proxy), E(all_proxy) and E(no_proxy) decide.
      - Is kept secret, because it may hold a password.
    type: str
  timeout:
    description:
      - How long to wait for a connection, and for each part of the reply, in seconds.
      - The default is 30 seconds, and 120 seconds for WHM.
    type: float
  retries:
    description:
      - How often a request is sent again after a connection error or one of the HTTP statuses 429, 502, 503 and 504.
      - A login, and a call that changes something, is repeated only where the server cannot have taken it.
      - Other refusals are never repeated.
    type: int
    default: 3
  max_wait:
    description:
      - The most that all waiting of one task may add up to, in seconds.
      - Waiting is done between tries, as long as the server asks for, and for another process that is logging in.
    type: float
    default: 60.0
  allow_http:
    description:
      - Whether an address that begins with V(http://) may be used. Secrets travel in clear text then.
      - To the machine itself, V(http://localhost) and V(http://127.0.0.1), it is always allowed.
    type: bool
    default: false
  cache:
    description:
      - Where tokens are kept between tasks, hosts and runs.
      - V(file) is a private directory on the controller, V(redis) a server that several controllers share.
      - With V(none) every task logs in for itself.
    type: str
    choices: [file, redis, none]
    default: file
  cache_dir:
    description: The directory of the file cache. The default is C(apiauth/cache) below E(ANSIBLE_HOME), that is C(~/.ansible/apiauth/cache).
    type: path
  cache_key:
    description:
      - The passphrase that seals the cache.
      - The default is a random one, made once and kept in C(apiauth/key) below E(ANSIBLE_HOME).
      - Required with O(cache=redis), and the same then on all controllers that share the cache.
    type: str
  cache_redis_url:
    description:
      - Where the Redis server is, such as V(rediss://user:password@redis.example.com:6379/0), V(redis://127.0.0.1) or V(unix:///run/redis.sock).
      - Required with O(cache=redis).
    type: str
  refresh:
    description: Whether a cached token is passed over and a new one is obtained and cached. Processes that ask at the same time share one login.
    type: bool
    default: false
"""

    # For lookups, together with the above: where else each option comes from, and what every lookup has.
    PLUGIN = r"""
options:
  output:
    description:
      - What the lookup returns.
      - V(token) is the token alone, ready to use.
      - V(headers) is a dictionary of HTTP headers, for P(ansible.builtin.uri#module) and others.
      - V(details) is a dictionary of all that is known about the token.
    type: str
    choices: [token, headers, details]
    default: token
  validate_certs:
    vars: [{name: apiauth_validate_certs}]
    env: [{name: APIAUTH_VALIDATE_CERTS}]
    ini: [{section: apiauth, key: apiauth_validate_certs}]
  ca_path:
    vars: [{name: apiauth_ca_path}]
    env: [{name: APIAUTH_CA_PATH}]
    ini: [{section: apiauth, key: apiauth_ca_path}]
  client_cert:
    vars: [{name: apiauth_client_cert}]
    env: [{name: APIAUTH_CLIENT_CERT}]
    ini: [{section: apiauth, key: apiauth_client_cert}]
  client_key:
    vars: [{name: apiauth_client_key}]
    env: [{name: APIAUTH_CLIENT_KEY}]
    ini: [{section: apiauth, key: apiauth_client_key}]
  proxy:
    vars: [{name: apiauth_proxy}]
    env: [{name: APIAUTH_PROXY}]
    ini: [{section: apiauth, key: apiauth_proxy}]
  timeout:
    vars: [{name: apiauth_timeout}]
    env: [{name: APIAUTH_TIMEOUT}]
    ini: [{section: apiauth, key: apiauth_timeout}]
  retries:
    vars: [{name: apiauth_retries}]
    env: [{name: APIAUTH_RETRIES}]
    ini: [{section: apiauth, key: apiauth_retries}]
  max_wait:
    vars: [{name: apiauth_max_wait}]
    env: [{name: APIAUTH_MAX_WAIT}]
    ini: [{section: apiauth, key: apiauth_max_wait}]
  allow_http:
    vars: [{name: apiauth_allow_http}]
    env: [{name: APIAUTH_ALLOW_HTTP}]
    ini: [{section: apiauth, key: apiauth_allow_http}]
  cache:
    vars: [{name: apiauth_cache}]
    env: [{name: APIAUTH_CACHE}]
    ini: [{section: apiauth, key: apiauth_cache}]
  cache_dir:
    vars: [{name: apiauth_cache_dir}]
    env: [{name: APIAUTH_CACHE_DIR}]
    ini: [{section: apiauth, key: apiauth_cache_dir}]
  cache_key:
    vars: [{name: apiauth_cache_key}]
    env: [{name: APIAUTH_CACHE_KEY}]
  cache_redis_url:
    vars: [{name: apiauth_cache_redis_url}]
    env: [{name: APIAUTH_CACHE_REDIS_URL}]
  refresh:
    vars: [{name: apiauth_refresh}]
    env: [{name: APIAUTH_REFRESH}]
    ini: [{section: apiauth, key: apiauth_refresh}]
notes:
  - This lookup takes no terms, only named options. An option that does not exist is refused.
  - An option that is not given is taken from a variable, the environment or C(ansible.cfg), in this order.
"""
