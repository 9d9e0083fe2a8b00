"""Copies of the collection under the directory names that Ansible wants, .../ansible_collections/apiauth/tokens."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / ".build"
OTHERS = ("--others", "--exclude-standard")
"""What git does not track yet and does not ignore either."""


def listed(directory: Path, *options: str) -> list[str]:
    """What git knows in a directory; what is ignored stays out."""
    command = ["git", "-C", str(directory), "ls-files", "-z", "--cached", *options]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [name for name in output.split("\0") if name and os.path.lexists(directory / name)]


def sync(name: str, tracked_only: bool = False) -> Path:
    """Bring one copy up to date and return the collection's directory in it. Files that git ignores there, caches and results, are kept."""
    destination = BUILD / "trees" / name / "ansible_collections" / "apiauth" / "tokens"
    destination.mkdir(parents=True, exist_ok=True)
    if not (destination / ".git").exists():
        # The copy is ignored by the project's git. Without one of its own ansible-test would find no file to test, and be content.
        subprocess.run(["git", "init", "--quiet", str(destination)], check=True)
    wanted = listed(ROOT) if tracked_only else listed(ROOT, *OTHERS)
    for surplus in set(listed(destination, *OTHERS)) - set(wanted):
        (destination / surplus).unlink()
        remove_empty(destination, (destination / surplus).parent)
    for path in wanted:
        copy(ROOT / path, destination / path)
    return destination


def copy(source: Path, target: Path) -> None:
    """Copy a file unless it is there already."""
    if source.is_symlink():
        if target.is_symlink() and os.readlink(target) == os.readlink(source):
            return
        target.unlink(missing_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(os.readlink(source))
        return
    if target.exists():
        old, new = target.stat(), source.stat()
        if (old.st_size, old.st_mtime_ns, old.st_mode) == (new.st_size, new.st_mtime_ns, new.st_mode):
            return
    if target.is_dir():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.{os.getpid()}.new")
    shutil.copy2(source, fresh)
    fresh.replace(target)


def remove_empty(top: Path, directory: Path) -> None:
    while directory != top and not any(directory.iterdir()):
        directory.rmdir()
        directory = directory.parent


def collections_path(tree: Path) -> Path:
    """The directory that ANSIBLE_COLLECTIONS_PATH names for a copy."""
    return tree.parents[2]


if __name__ == "__main__":
    print(sync(sys.argv[1]))
