"""The steps of ``make test``. To add one: write a function with a docstring of one line here and name it in STEPS."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import counts
import emulator
import tree
from counts import Counts
from job import Job, StepFailed, python_directories

HERE = Path(__file__).resolve().parent
COLLECTION = "apiauth.tokens"
OLDEST_TARGET = (3, 8)
"""The oldest Python that the oldest supported ansible-core manages: for modules and module_utils."""


def python_code(job: Job) -> None:
    """ruff, mypy, and Python 3.8 syntax in what runs on managed hosts"""
    job.check("ruff", "check")
    job.check("ruff", "format", "--check")
    copy = job.sync()
    parts = [copy / part for part in ("plugins", "tests") if list(copy.glob(f"{part}/**/*.py"))]
    if parts:
        # Two bases: plugins have their names in the collection, tests/emulator is the package "emulator".
        top = tree.collections_path(copy)
        job.check("mypy", "--config-file", copy / "pyproject.toml", *parts, cwd=top, env={"MYPYPATH": f"{copy}/tests:{top}"})
    job.check("mypy", "--config-file", tree.ROOT / "pyproject.toml", *sorted(HERE.glob("*.py")), env={"MYPYPATH": str(HERE)})
    demo = copy / "demo"
    job.check("mypy", "--config-file", copy / "pyproject.toml", *sorted(demo.glob("**/*.py")), cwd=demo, env={"MYPYPATH": f"{demo}:{copy}/tests"})
    for part in ("plugins/module_utils", "plugins/modules"):
        for path in sorted(copy.glob(f"{part}/**/*.py")):
            try:
                ast.parse(path.read_text(), str(path), feature_version=OLDEST_TARGET)
                job.done += Counts(passed=1)
            except SyntaxError as error:
                job.say(f"{path.relative_to(copy)}:{error.lineno}: not Python {OLDEST_TARGET[0]}.{OLDEST_TARGET[1]}: {error.msg}")
                job.done += Counts(failed=1)


def content(job: Job) -> None:
    """ansible-lint (production), yamllint, shellcheck, documentation and changelog lint"""
    copy = job.sync()
    scripts = [path for path in tree.listed(copy, *tree.OTHERS) if is_shell_script(copy / path)]
    if shutil.which("shellcheck"):
        job.check("shellcheck", *scripts, cwd=copy)
    else:
        job.say("shellcheck is not installed")
        job.done += Counts(skipped=1)
    env = ansible_environment(copy)
    job.check("yamllint", "--strict", ".", cwd=copy)
    job.check("antsibull-changelog", "lint", cwd=copy)
    job.check("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--skip-rstcheck", ".", cwd=copy, env=env)
    job.check("ansible-lint", "--offline", "--strict", "--nocolor", cwd=copy, env=env)


def unit(job: Job) -> None:
    """unit tests with plain pytest"""
    run_pytest(job, "tests/unit")


def e2e(job: Job) -> None:
    """whole playbooks against the emulator"""
    # Short, because Ansible puts sockets below it, whose paths must be.
    with tempfile.TemporaryDirectory(prefix="e2e") as short:
        run_pytest(job, "tests/e2e", "--numprocesses", "2", "--dist", "worksteal", "--basetemp", f"{short}/t")


def cache(job: Job) -> None:
    """the guarantees of the token cache, with real processes"""
    run_pytest(job, "tests/cache")


def sanity(job: Job) -> None:
    """ansible-test sanity, all tests"""
    ansible_test(job, "sanity", counter=counts.sanity, other_pythons=True)


def units(job: Job) -> None:
    """ansible-test units"""
    require("tests/unit", "test_*.py")
    ansible_test(job, "units", "--python", "{}.{}".format(*sys.version_info[:2]), counter=counts.pytest)


def integration(job: Job) -> None:
    """ansible-test integration, against one emulator"""
    require("tests/integration/targets", "*/tasks/main.yml")
    copy = job.sync()
    # A cache of its own: what another emulator gave out is of no use here, and cannot be revoked.
    with emulator.running(copy, job) as facts, tempfile.TemporaryDirectory() as cache:
        settings = copy / "tests" / "integration" / "integration_config.yml"
        settings.write_text(json.dumps({**facts, "apiauth_cache_dir": cache}, indent=2) + "\n")
        ansible_test(job, "integration", "--python", "{}.{}".format(*sys.version_info[:2]), counter=counts.integration)


def molecule(job: Job) -> None:
    """molecule test --all, against one emulator"""
    require("extensions/molecule", "*/molecule.yml")
    copy = job.sync()
    with emulator.running(copy, job) as facts:
        settings = job.log.with_suffix(".json")
        settings.write_text(json.dumps(facts, indent=2) + "\n")
        env = {**ansible_environment(copy), "APIAUTH_EMULATOR": str(settings), "ANSIBLE_NOCOLOR": "1", "NO_COLOR": "1"}
        job.check("molecule", "test", "--all", *job.arguments, cwd=copy / "extensions", env=env, counter=counts.molecule)


def package(job: Job) -> None:
    """build from tracked files, install the tarball elsewhere, ansible-doc of every plugin"""
    copy = job.sync(tracked_only=True)
    place = fresh_directory(tree.BUILD / "package")
    job.must("ansible-galaxy", "collection", "build", copy, "--output-path", place)
    (tarball,) = place.glob("apiauth-tokens-*.tar.gz")
    listing = job.must("tar", "-tzf", tarball).split()
    unwanted = [name for name in listing if re.match(r"(\.|tools/|demo/|Makefile|requirements-|tests/(output|e2e|cache|emulator)/)", name)]
    if unwanted:
        raise StepFailed(f"the tarball holds what is for development only: {' '.join(unwanted[:5])}")
    job.done += Counts(passed=1)
    env = {"ANSIBLE_COLLECTIONS_PATH": str(place / "collections"), "ANSIBLE_HOME": str(place / "home")}
    job.must("ansible-galaxy", "collection", "install", "--offline", tarball, "-p", place / "collections", env=env, cwd=place)
    job.check("ansible-galaxy", "collection", "verify", "--offline", COLLECTION, env=env, cwd=place)
    for kind, files in (("module", "plugins/modules/*.py"), ("lookup", "plugins/lookup/*.py"), ("filter", ""), ("test", ""), ("role", "roles/*/")):
        names = json.loads(job.must("ansible-doc", "--json", "--list", "-t", kind, COLLECTION, env=env, cwd=place))
        there = {f"{COLLECTION}.{path.stem}" for path in copy.glob(files)} if files else set()
        if there - set(names):
            job.say(f"without documentation: {', '.join(sorted(there - set(names)))}")
            job.done += Counts(failed=1)
        for name in sorted(names):
            job.check("ansible-doc", "-t", kind, name, env=env, cwd=place)


def docs(job: Job) -> None:
    """the documentation site, warnings as errors"""
    copy = job.sync()
    site = fresh_directory(tree.BUILD / "docs", mode=0o755)
    env = ansible_environment(copy)
    job.must(sys.executable, HERE / "docs_site.py", site, env=env)
    job.check(site / "build.sh", cwd=site, env=env)
    if not (site / "build" / "html" / "index.html").is_file():
        raise StepFailed("no index.html was made")
    job.say(f"the site is at {site}/build/html/index.html")


def execution_environment(job: Job) -> None:
    """what ansible-builder reads from the collection"""
    copy = job.sync(tracked_only=True)
    output = job.must("ansible-builder", "introspect", "--sanitize", tree.collections_path(copy))
    for requirement in ("requests", "pyjwt"):
        found = requirement in output.lower()
        job.done += Counts(passed=1) if found else Counts(failed=1)
        if not found:
            job.say(f"{requirement} is not among them")


@dataclass(frozen=True)
class Step:
    name: str
    action: Callable[[Job], None]
    alone: bool = False
    """It measures time, so nothing else of ours runs beside it."""
    cores: bool = False
    """It is part of the matrix of ansible-cores too."""
    named: bool = False
    """It runs only when it is named, because another step checks the same."""

    @property
    def about(self) -> str:
        return (self.action.__doc__ or "").strip()


# The slow ones first: they decide how long the whole takes.
STEPS = [
    Step("e2e", e2e, cores=True),
    Step("sanity", sanity, cores=True),
    Step("units", units, cores=True),
    Step("integration", integration, cores=True),
    Step("content", content),
    Step("python", python_code),
    Step("molecule", molecule),
    Step("docs", docs),
    Step("package", package),
    Step("unit", unit, named=True),
    Step("ee", execution_environment),
    Step("cache", cache, alone=True),
]


def require(directory: str, pattern: str) -> None:
    if not list((tree.ROOT / directory).rglob(pattern)):
        raise StepFailed(f"{directory} is missing")


def is_shell_script(path: Path) -> bool:
    """ansible-test's own shellcheck looks at names that end in .sh alone."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.readline(80)
    return first.startswith(b"#!") and first.rstrip().endswith((b"bash", b"/sh"))


def ansible_environment(copy: Path) -> dict[str, str]:
    """Ansible finds the copy, and nothing of the user's own."""
    return {"ANSIBLE_COLLECTIONS_PATH": str(tree.collections_path(copy))}


def run_pytest(job: Job, directory: str, *options: str) -> None:
    require(directory, "test_*.py")
    copy = job.sync()
    env = {**ansible_environment(copy), "PYTHONPATH": str(tree.collections_path(copy))}
    narrowed = any((copy / argument.partition("::")[0]).exists() for argument in job.arguments)
    where = [] if narrowed else [directory]
    job.check(sys.executable, "-m", "pytest", *where, *options, *job.arguments, cwd=copy, env=env, counter=counts.pytest)


def ansible_test(job: Job, command: str, *options: str, counter: Callable[[str, int], Counts], other_pythons: bool = False) -> None:
    copy = job.sync()
    provide_pip(job)
    env = {}
    if other_pythons:
        here, *rest = os.environ["PATH"].split(os.pathsep)
        env["PATH"] = os.pathsep.join([here, *python_directories(), *rest])
    job.check("ansible-test", command, "--venv", "--color", "no", *options, *job.arguments, cwd=copy, env=env, counter=counter, minutes=30)


def provide_pip(job: Job) -> None:
    """ansible-test wants to download a script that installs pip. Where it has none, it gets ours."""
    output = job.must(sys.executable, "-c", "import ansible_test; print(ansible_test.__path__[0])").split()[-1]
    source = Path(output) / "_internal" / "python_requirements.py"
    versions = sorted(set(re.findall(r"\bpip='(\d+(?:\.\d+)+)'", source.read_text())))
    if not versions:
        raise StepFailed(f"cannot tell which pip this ansible-test wants: look in {source}")
    for version in versions:
        script = Path.home() / ".ansible" / "test" / "cache" / f"get_pip_{version.replace('.', '_')}.py"
        if not script.exists():
            script.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / "pip_bootstrap.py", script)


def fresh_directory(path: Path, mode: int = 0o755) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    path.chmod(mode)
    return path
