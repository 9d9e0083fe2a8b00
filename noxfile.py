# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The project's sessions: ``make help`` names the commands that run them, ``tools/with-venv nox --list`` lists them.

They run in one environment with pinned versions, created by tools/with-venv; APIAUTH_CORE selects the ansible-core.
Sessions of antsibull-nox, in antsibull-nox.toml, create their own, with the same versions.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).resolve().parent / "tests"))

from emulator.client import Emulator

ROOT = Path(__file__).resolve().parent
BUILD = ROOT / ".build"
CORE = os.environ.pop("APIAUTH_CORE", "") or "main"  # removed: the collection warns of variables that are like its options
COLLECTION = "apiauth.tokens"
PYTHON = "{}.{}".format(*sys.version_info[:2])
FIELD = [
    f"tests/e2e/test_{name}.py"
    for name in (
        "nearest_source",
        "odd_replies",
        "shown",
        "new_tokens",
        "examples",
        "rotate_plays",
        "rotate_store",
        "whm_rotate",
        "whm_tokens",
        "awx_setup",
        "preflight",
    )
]
"""The files of the session `field`: together they take as long as all others, so `make test` leaves them out."""
FOR_DEVELOPERS = re.compile(r"(\.|tools/|demo/|Makefile|noxfile|antsibull-nox|requirements-|tests/|pyproject|changelogs/fragments|extensions/(ee|molecule)/)")
"""What the tarball for users must not contain."""
PLUGINS = {"module": "plugins/modules/*.py", "role": "roles/*/"} | {kind: f"plugins/{kind}/[a-z]*.*" for kind in ("callback", "filter", "lookup", "test")}
"""The files of each kind of plugin, by the names that ansible-doc has for them."""

nox.options.envdir = str(BUILD / "nox")
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
os.environ["GALAXY_IMPORTER_RUN_ANSIBLE_LINT"] = "false"  # a session of its own runs it
if CORE == "main":
    import antsibull_nox

    antsibull_nox.load_antsibull_nox_toml()


def output(session: nox.Session, *command: str | Path, env: Mapping[str, str] | None = None) -> str:
    """Run a command and return what it wrote to standard output."""
    return str(session.run(*command, env=env, silent=True, stderr=None))


def copied(session: nox.Session, *options: str) -> Path:
    """Return the copy of the collection that a nox session works on, up to date, and change to it."""
    copy = Path(output(session, ROOT / "tools" / "copy-collection", *options, f"{CORE}/{session.name}").strip())
    session.chdir(copy)
    return copy


def ansible_environment(copy: Path) -> dict[str, str]:
    """Return the variables with which Ansible and Python find the copy."""
    return {"ANSIBLE_COLLECTIONS_PATH": str(copy.parents[2]), "PYTHONPATH": str(copy.parents[2])}


def run_each(session: nox.Session, *commands: list[str | Path], env: Mapping[str, str] | None = None) -> None:
    """Run all commands, also after one that failed; then fail if any did."""
    failed = []
    for command in commands:
        try:
            session.run(*command, env=env)
        except nox.command.CommandFailed:
            failed.append(Path(command[0]).name)
    if failed:
        session.error(f"failed: {', '.join(failed)}")


def is_shell_script(path: Path) -> bool:
    """Return whether a file is one by its first line: ansible-test checks names that end in .sh only."""
    return path.is_file() and path.open("rb").readline(80).rstrip().endswith((b"bash", b"/sh"))


def run_pytest(session: nox.Session, path: str | list[str], *options: str) -> None:
    """Run the tests of a path or of several, or those that the session's arguments name. Nothing is left in the temporary directory."""
    copy = copied(session)
    named = any((copy / argument.partition("::")[0]).exists() for argument in session.posargs)
    tests = [*([] if named else [path] if isinstance(path, str) else path), *session.posargs]
    with tempfile.TemporaryDirectory(prefix="t") as short:  # Ansible's sockets are below it, and their paths must be short
        session.run("python", "-m", "pytest", "--basetemp", f"{short}/t", *options, *tests, env=ansible_environment(copy))


def run_ansible_test(session: nox.Session, command: str, *options: str) -> None:
    """Run ansible-test in the copy of a nox session. HOME is below .build (tools/with-venv), so what it caches stays there."""
    for pip in ("24_2", "25_2"):  # the versions that ansible-test pins; with another one it stops and names the file that it needs
        script = Path.home() / ".ansible" / "test" / "cache" / f"get_pip_{pip}.py"
        script.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "tools" / "get_pip.py", script)
    session.run("ansible-test", command, "--venv", "--color", "no", *options, *session.posargs)


@contextlib.contextmanager
def emulator_facts() -> Iterator[dict[str, object]]:
    """Run one emulator, and give its addresses and accounts and a cache directory of its own."""
    with Emulator() as emulator, tempfile.TemporaryDirectory() as cache:
        yield {**emulator.facts(), "apiauth_cache_dir": cache}


@nox.session(python=False)
def unit(session: nox.Session) -> None:
    """Unit tests with plain pytest."""
    run_pytest(session, "tests/unit")


@nox.session(python=False)
def e2e(session: nox.Session) -> None:
    """Whole playbooks against the emulator."""
    # A table of inputs is one playbook for all tests of its file, so a file stays with one process.
    run_pytest(session, "tests/e2e", "--numprocesses", "2", "--dist", "loadfile", *(f"--ignore={file}" for file in FIELD))


@nox.session(python=False)
def field(session: nox.Session) -> None:
    """The long end-to-end tests: rotations, killed at every step, AWX, odd replies, sources of options, examples of the documentation."""
    run_pytest(session, FIELD, "--numprocesses", "2", "--dist", "loadfile")


@nox.session(python=False)
def fleet(session: nox.Session) -> None:
    """One login for a whole fleet: the part of e2e that runs on the oldest and the newest ansible-core every time."""
    run_pytest(session, "tests/e2e/test_fleet.py")


@nox.session(python=False)
def clients(session: nox.Session) -> None:
    """Clients that others wrote, at the emulator."""
    run_pytest(session, "tests/clients")


@nox.session(python=False)
def cache(session: nox.Session) -> None:
    """The guarantees of the token cache, with real processes."""
    run_pytest(session, "tests/cache")


@nox.session(python=False)
def sanity(session: nox.Session) -> None:
    """ansible-test sanity, on every Python that is installed."""
    copied(session)
    options = []
    if CORE == "2.22":
        print("SKIPPED: pylint, because ansible-core 2.22.0rc1 requires a package that is not on the package index", flush=True)
        options = ["--skip-test", "pylint"]
    run_ansible_test(session, "sanity", *options)


@nox.session(python=False)
def units(session: nox.Session) -> None:
    """ansible-test units."""
    copied(session)
    run_ansible_test(session, "units", "--python", PYTHON)


@nox.session(python=False)
def integration(session: nox.Session) -> None:
    """ansible-test integration, against one emulator."""
    directory = copied(session) / "tests" / "integration"
    # ansible-test passes no environment variables on: these two files are what its playbooks see.
    (directory / "integration.cfg").write_text(f"[defaults]\nremote_tmp = {os.environ['ANSIBLE_REMOTE_TMP']}\n")
    with emulator_facts() as facts:
        (directory / "integration_config.yml").write_text(json.dumps(facts, indent=2) + "\n")
        run_ansible_test(session, "integration", "--python", PYTHON)


@nox.session(python=False)
def molecule(session: nox.Session) -> None:
    """molecule test --all, against one emulator."""
    copy = copied(session)
    session.chdir(copy / "extensions")
    with emulator_facts() as facts:
        path = BUILD / "molecule.json"
        path.write_text(json.dumps(facts, indent=2) + "\n")
        env = {**ansible_environment(copy), "EMULATOR_FACTS": str(path), "ANSIBLE_NOCOLOR": "1", "NO_COLOR": "1"}
        session.run("molecule", "test", "--all", *session.posargs, env=env)


@nox.session(python=False)
def lint(session: nox.Session) -> None:
    """ruff, mypy, yamllint, shellcheck and the changelog."""
    copy = copied(session)
    top = copy.parents[2]
    mypy: list[str | Path] = ["env", "-C", top, "mypy", "--config-file", copy / "pyproject.toml"]
    run_each(
        session,
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        ["yamllint", "--strict", "."],
        ["antsibull-changelog", "lint"],
        # From the top, so that plugins are checked under the names by which they import each other.
        [*mypy, copy / "plugins", copy / "tests"],
        [*mypy, copy / "noxfile.py", *copy.glob("tools/*.py"), *copy.glob("demo/**/*.py")],
        env={"MYPYPATH": f"{copy}/demo:{copy}/tests:{top}"},
    )
    scripts = [name for name in output(session, "git", "ls-files").split() if is_shell_script(copy / name)]
    if shutil.which("shellcheck"):
        session.run("shellcheck", *scripts)
    else:
        print("SKIPPED: shellcheck is not installed", flush=True)


@nox.session(python=False)
def docs(session: nox.Session) -> None:
    """The documentation site, warnings as errors."""
    env = ansible_environment(copied(session))
    site = BUILD / "docs"
    shutil.rmtree(site, ignore_errors=True)
    site.mkdir(mode=0o755)
    look = ["--project", COLLECTION, "--title", COLLECTION, "--sphinx-theme", "sphinx_ansible_theme", "--index-rst-source", "docs/docsite/index.rst"]
    session.run("antsibull-docs", "sphinx-init", "--use-current", "--fail-on-error", *look, "--dest-dir", site, COLLECTION, env=env)
    session.run("python", ROOT / "tools" / "inventories.py", site)
    shutil.copy("docs/docsite/tables.css", site / "rst")
    configuration = site / "conf.py"
    text = configuration.read_text().replace("(None, '../", "('../")  # without trying to download them first
    configuration.write_text(f"{text}\nhtml_static_path = ['rst/tables.css']\nhtml_css_files = ['tables.css']\n")
    session.chdir(site)
    session.run("./build.sh", env=env)
    print(f"The site is at {site}/build/html/index.html", flush=True)


@nox.session(python=False)
def package(session: nox.Session) -> None:
    """Build the tarball from tracked files, install it, show every plugin's documentation."""
    copy = copied(session, "--tracked")
    place = BUILD / "package"
    shutil.rmtree(place, ignore_errors=True)
    session.run("ansible-galaxy", "collection", "build", "--output-path", place)
    (tarball,) = place.glob("apiauth-tokens-*.tar.gz")
    session.chdir(place)
    unwanted = [name for name in output(session, "tar", "-tzf", tarball).split() if FOR_DEVELOPERS.match(name)]
    if unwanted:
        session.error(f"the tarball contains files for developers: {' '.join(unwanted)}")
    env = {"ANSIBLE_COLLECTIONS_PATH": str(place / "collections")}
    session.run("ansible-galaxy", "collection", "install", "--offline", tarball, "-p", place / "collections", env=env)
    session.run("ansible-galaxy", "collection", "verify", "--offline", COLLECTION, env=env)
    for kind, files in PLUGINS.items():
        names = {f"{COLLECTION}.{path.stem}" for path in copy.glob(files)}
        if not names:
            continue
        documented = json.loads(output(session, "ansible-doc", "--json", "-t", kind, *sorted(names), env=env))
        if names - set(documented):
            session.error(f"no documentation of {kind} {', '.join(sorted(names - set(documented)))}")
        print(f"checked: documentation of {kind} {', '.join(sorted(names))}", flush=True)


@nox.session(python=False)
def ee(session: nox.Session) -> None:
    """What ansible-builder reads from the collection."""
    copy = copied(session, "--tracked")
    requirements = output(session, "ansible-builder", "introspect", "--sanitize", copy.parents[2])
    for requirement in ("requests", "pyjwt"):
        if requirement not in requirements.lower():
            session.error(f"{requirement} is not among the requirements:\n{requirements}")
        print(f"checked: {requirement} is among the requirements", flush=True)
