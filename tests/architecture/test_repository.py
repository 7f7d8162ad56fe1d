"""What is tracked names no machine and no host, the locks fit, and generated files are in step."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture import locks
from tests.architecture.code import ROOT, modules, project_files

HOME_PATH = re.compile(rb"(?<![\w.])/(?:home|root|Users)/[\w.-]+|(?<![\w./}-])/work/\w+")
REGISTRY = re.compile(
    rb"pypi\.org|pythonhosted|registry\.npmjs|maven\.org|mvnrepository|crates\.io|index-url\s+\S|find-links",
    re.IGNORECASE,
)
LATER = re.compile(rb"\b(?:TODO|FIXME|XXX)\b")
SELF = Path(__file__)
BINARY = frozenset({".gz", ".parquet", ".png", ".bin", ".avro"})


def offenders(pattern: re.Pattern[bytes]) -> list[str]:
    """``file:line`` of every match in the project's text files."""
    files = [path for path in project_files() if path.suffix not in BINARY and path != SELF]
    return [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        for number, line in enumerate(path.read_bytes().splitlines(), start=1)
        if pattern.search(line)
    ]


@pytest.mark.parametrize(
    "pattern", [HOME_PATH, REGISTRY, LATER], ids=["a path of one machine", "a package registry", "work put off"]
)
def test_no_file_names(pattern: re.Pattern[bytes]) -> None:
    assert offenders(pattern) == []


@pytest.mark.parametrize("lock", locks.LOCKS, ids=lambda lock: lock.file)
def test_lock_is_current_and_hashed(lock: locks.Lock) -> None:
    text = (ROOT / lock.file).read_text()
    assert locks.problems(lock) == []
    assert "://" not in text
    entries = re.split(r"\n(?=[a-zA-Z0-9])", text)[1:]
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_a_change_of_the_dependencies_makes_a_lock_stale(tmp_path: Path) -> None:
    lock = locks.LOCKS[0]
    (tmp_path / lock.file).write_text((ROOT / lock.file).read_text())
    project = (ROOT / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(project.replace('"faust-streaming==0.15.3"', '"faust-streaming==0.15.4"'))
    assert any("out of date" in problem for problem in locks.problems(lock, tmp_path))
    assert any("faust-streaming==0.15.4 is not met" in problem for problem in locks.problems(lock, tmp_path))


def test_schemas_are_generated() -> None:
    command = [sys.executable, "-m", "schemas.generate", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_package_data_covers_every_file_beside_the_code() -> None:
    """A file that the code reads must be installed with it."""
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    suffixes = {Path(pattern).suffix for pattern in patterns["*"]} | {".py"}
    files = [path for path in project_files() if path.relative_to(ROOT).parts[0] in ("jobs", "pipeline", "schemas")]
    missed = [p for p in files if p.suffix not in suffixes and p.name != "py.typed" and "examples" not in p.parts]
    assert [str(path.relative_to(ROOT)) for path in missed] == []


def test_folders_with_modules_are_packages() -> None:
    """Packaging finds a folder by its ``__init__.py``."""
    without = {module.path.parent for module in modules() if not (module.path.parent / "__init__.py").is_file()}
    assert without == set()


def test_readme_starts_with_the_two_commands() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:40])
    assert "make demo" in first_screen
    assert "make test" in first_screen
