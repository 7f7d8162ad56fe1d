"""The ClickHouse native protocol without a server: chDB behind tests.support.native_endpoint, as its own process."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.process import Process, free_port, listens

MODULE = "tests.support.native_endpoint"
ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A running endpoint: its address and its process, which is the engine's share of a measurement."""

    url: str
    process: Process


def missing() -> str:
    """Why the endpoint cannot run here; empty if it can."""
    return "" if importlib.util.find_spec(MODULE) else f"{MODULE} is not there"


@contextmanager
def endpoint(below: Path | None = None) -> Iterator[Endpoint]:
    """Start the endpoint over an empty store (``below`` a directory, if given); both are gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="perception-clickhouse-", dir=below))
    port = free_port()
    process = Process(
        [sys.executable, "-m", MODULE, "--port", str(port), "--path", str(directory / "store")],
        log=directory / "endpoint.log",
        cwd=ROOT,
        environment={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    process.start()
    try:
        process.wait_ready(lambda: listens(port), START_TIMEOUT_S)
        yield Endpoint(f"clickhouse://default@127.0.0.1:{port}/default", process)
    finally:
        process.kill()
        shutil.rmtree(directory, ignore_errors=True)
