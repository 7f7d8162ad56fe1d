"""A connection to the embedded engine (chDB): statements in, bytes out, errors of our own tree."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from jobs.warehouse.errors import WarehouseBusyError, from_engine
from jobs.warehouse.sql import literal

SETTINGS: Final[Mapping[str, str | int]] = {"session_timezone": "UTC", "async_insert": 0}
"""Settings of every connection: times are UTC, a row is stored when the insert returns."""


class Engine:
    """One chDB connection. Its lock serialises statements; take one engine per concurrent use."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        from chdb.session import Session  # loads the engine: more than a second

        self._lock = threading.Lock()
        try:
            self._session: Any = Session(str(path))
        except RuntimeError as error:
            raise _opening_error(error) from error
        self._configure(read_only=read_only)

    def run(self, sql: str, format: str = "Null") -> bytes:
        """Run one statement and return its result in a ClickHouse format."""
        with self._lock, _translated():
            return bytes(self._session.query(sql, format).bytes())

    def insert(self, statement: str, native: bytes) -> None:
        """Run an INSERT with one Native block: it becomes one part, all rows or none.

        The block goes through a file, not through the engine's insert stream: chDB 4.4 reports a stream as written
        though the disk was full or a constraint refused the rows.
        """
        with self._lock, _translated(), _file(native) as path:
            self._session.query(f"{statement} FROM INFILE {literal(path)} FORMAT Native", "Null")

    def close(self) -> None:
        """Close the connection."""
        with self._lock, contextlib.suppress(RuntimeError):
            self._session.close()

    def _configure(self, *, read_only: bool) -> None:
        for name, value in {**SETTINGS, **({"readonly": 2} if read_only else {})}.items():
            self.run(f"SET {name} = {literal(value)}")


@contextlib.contextmanager
def _file(content: bytes) -> Iterator[str]:
    """The path of a file with this content, in memory where the system can do that."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("perception-block"), "wb", buffering=0) as file:
            file.write(content)
            yield f"/proc/self/fd/{file.fileno()}"
        return
    with tempfile.NamedTemporaryFile(prefix="perception-block-") as named:
        named.write(content)
        named.flush()
        yield named.name


def _opening_error(error: Exception) -> Exception:
    if "different path" in str(error):
        return WarehouseBusyError(
            f"this process has another embedded store open ({error})",
            action="Close the other one first: an embedded engine serves one store per process.",
        )
    return from_engine(str(error))


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """chDB's exceptions (RuntimeError and its own, which derives from Exception only) as errors of our tree."""
    from chdb import ChdbError

    try:
        yield
    except (ChdbError, RuntimeError) as error:
        raise from_engine(str(error)) from error
