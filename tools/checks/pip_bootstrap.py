"""Stands in for the pip bootstrap script that ansible-test would download: Python brings a pip along, which then installs the one asked for.

ansible-test starts this file with the arguments of ``pip install`` and with GET_PIP in the environment.
"""

from __future__ import annotations

import os
import subprocess
import sys

environment = {name: value for name, value in os.environ.items() if name != "GET_PIP"}
subprocess.run([sys.executable, "-m", "ensurepip", "--default-pip"], check=True, env=environment, stdout=subprocess.DEVNULL)
arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *arguments], check=False, env=environment).returncode)
