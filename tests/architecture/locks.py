"""The dependency locks: written by uv, checked without a network (``python -m tests.architecture.locks [--write]``).

A lock is current when its header names the digest of the dependencies that pyproject.toml declares, and when every
pin satisfies them. So an edit of pyproject.toml without ``make lock`` fails; a new release of a dependency does not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
DIGEST = "# declared: "
PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock file and the optional groups of pyproject.toml that it adds to the dependencies."""

    file: str
    extras: tuple[str, ...]


LOCKS = (Lock("requirements.txt", ("build",)), Lock("requirements-dev.txt", ("build", "dev")))


def declared(lock: Lock, root: Path = ROOT) -> list[str]:
    """Requirements that pyproject.toml declares for ``lock``."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    return [*project["dependencies"], *(line for extra in lock.extras for line in optional[extra])]


def digest(lock: Lock, root: Path = ROOT) -> str:
    """Short digest of what is declared; independent of order."""
    return hashlib.sha256(json.dumps(sorted(declared(lock, root))).encode()).hexdigest()[:16]


def problems(lock: Lock, root: Path = ROOT) -> list[str]:
    """Why the lock does not fit pyproject.toml; empty if it does."""
    path = root / lock.file
    if not path.is_file():
        return [f"{lock.file} is missing: run make lock"]
    text = path.read_text()
    found = [] if f"{DIGEST}{digest(lock, root)}" in text else [f"{lock.file} is out of date: run make lock"]
    pins: dict[str, list[str]] = {}
    for name, version in PIN.findall(text):
        pins.setdefault(canonicalize_name(name), []).append(version)
    for requirement in map(Requirement, declared(lock, root)):
        versions = pins.get(canonicalize_name(requirement.name), [])
        if not versions or not all(requirement.specifier.contains(version) for version in versions):
            found.append(f"{lock.file}: {requirement} is not met by {versions or 'any pin'}")
    return found


def write(lock: Lock, upgrade: bool, root: Path = ROOT) -> None:
    """Resolve for all platforms and Pythons with hashes; keep the pins that still fit unless ``upgrade``."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "-q", "--universal", "--generate-hashes"]
    command += ["--python-version", "3.11", "--no-emit-index-url", "--custom-compile-command", "make lock"]
    command += [word for extra in lock.extras for word in ("--extra", extra)]
    command += ["--upgrade"] if upgrade else []
    command += ["--constraint", LOCKS[0].file] if lock is not LOCKS[0] else []  # one version in both
    subprocess.run([*command, "-o", lock.file], cwd=root, check=True)
    path = root / lock.file
    path.write_text(f"{DIGEST}{digest(lock, root)}\n{path.read_text()}")


def main() -> int:
    """Write or check all locks; the exit code says whether they are current."""
    parser = argparse.ArgumentParser(prog="python -m tests.architecture.locks", description=__doc__)
    parser.add_argument("--write", action="store_true", help="resolve and write the locks")
    parser.add_argument("--upgrade", action="store_true", help="with --write: take the newest versions")
    arguments = parser.parse_args()
    if arguments.write:
        for lock in LOCKS:
            write(lock, arguments.upgrade)
    found = [problem for lock in LOCKS for problem in problems(lock)]
    print("\n".join(found) or f"{len(LOCKS)} locks are current")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
