"""The jars of a real Kafka broker, copied once by Maven into the user's cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.process import ServiceError

POM = Path(__file__).with_name("pom.xml")
MAVEN_TIMEOUT_S = 600


def missing_tools() -> list[str]:
    """Which of the programs that a local broker needs are not on the path."""
    return [tool for tool in ("java", "mvn") if shutil.which(tool) is None]


def classpath() -> str:
    """Java class path of the broker; fetches the jars when they are not in the cache yet."""
    directory = _cache() / f"kafka-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"
    with _locked(directory.with_suffix(".lock")):
        if not directory.is_dir():
            _fetch(directory)
    return f"{directory}/*"


def _cache() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = base / "customer-perception-tests"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _fetch(directory: Path) -> None:
    with tempfile.TemporaryDirectory(dir=directory.parent) as scratch:
        jars = Path(scratch) / "jars"
        command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={jars}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=MAVEN_TIMEOUT_S, check=False)
        if done.returncode or not jars.is_dir():
            raise ServiceError(f"Maven could not copy the broker's jars:\n{(done.stdout + done.stderr)[-2000:]}")
        jars.rename(directory)
