"""Rows of any file as events: a SQL SELECT over ``input``, run by the embedded engine in a process of its own.

Its own process because the engine allows one data directory per process and this one may hold the warehouse;
it is also a second core, and a pipe keeps what is read ahead small.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from jobs.errors import InputError
from jobs.sources.ndjson import CHUNK_BYTES

SHIPPED: Final = Path(__file__).parent.parent / "mappings"
_ROOT: Final = Path(__file__).parent.parent.parent

_COMMENT: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_ORDER_BY: Final = re.compile(r"\bORDER\s+BY\b", re.IGNORECASE)


def shipped() -> list[str]:
    """Names of the mappings that come with the project."""
    return sorted(path.stem for path in SHIPPED.glob("*.sql"))


def find(select: str) -> str:
    """SQL of a mapping given as a path or as the bare name of a shipped one."""
    named = SHIPPED / f"{select.removesuffix('.sql')}.sql"
    for path in (Path(select), *([named] if Path(select).name == select else [])):
        if path.is_file():
            return _read(path)
    raise InputError(
        f"there is no mapping {select}",
        action=f"Give the path of a SQL file, or the name of one that is shipped: {', '.join(shipped())}.",
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}", action="Name a SQL file in UTF-8.") from None


def is_ordered(sql: str) -> bool:
    """Whether a mapping says in which order its events arrive; without ORDER BY the engine keeps none."""
    return _ORDER_BY.search(_COMMENT.sub(" ", sql)) is not None


def read(files: Sequence[Path], sql: str, file_format: str | None = None) -> Iterator[list[bytes]]:
    """Events that ``sql`` makes of ``files``, as JSON; their order is that of its ORDER BY."""
    for path in files:
        if not path.is_file():
            raise InputError(f"{path} is not a file", action="Give the path of a file that the engine can read.")
    return _run({"files": [str(path.resolve()) for path in files], "format": file_format, "select": sql})


def _run(job: dict[str, object]) -> Iterator[list[bytes]]:
    with tempfile.TemporaryFile() as stderr, _start(stderr) as child:
        assert child.stdin and child.stdout
        try:
            with child.stdin as pipe:
                pipe.write(json.dumps(job).encode())
            while lines := child.stdout.readlines(CHUNK_BYTES):
                yield [line[:-1] for line in lines]
            if child.wait():
                raise InputError(_complaint(stderr), action="Correct the mapping; its SELECT reads from `input`.")
        finally:
            child.kill()  # no effect on one that has ended


def _start(stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-m", "jobs.sources.mapper"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )


def _complaint(stderr: IO[bytes]) -> str:
    stderr.seek(0)
    text = stderr.read().decode(errors="replace").strip()
    return f"the mapping cannot be run: {text[:2_000] or 'the engine ended without a message'}"
