"""The control of the fault matrix: the plain way to count per key in Faust, at least once, with a row for every count.

It writes the same row file through the same sink as our worker of the tests (``ROWS``, ``FAULT``: see
:mod:`tests.stream.worker_main`), and tries an insert again as patiently. Run as ``python -m tests.faults.stock_agent``.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import faust

from tests.faults import stock_variables as variables
from tests.stream.worker_main import FileSink, WarehouseDownError

PAUSE_S = 0.2


def stock_app() -> faust.App:
    """An application with Faust's defaults, apart from where things are."""
    name = os.environ[variables.APPLICATION]
    return faust.App(
        name,
        broker=";".join(f"kafka://{address}" for address in os.environ[variables.BROKER].split(";")),
        topic_partitions=int(os.environ[variables.PARTITIONS]),
        topic_replication_factor=int(os.environ[variables.REPLICAS]),
        broker_session_timeout=float(os.environ[variables.SESSION_TIMEOUT]),
        datadir=Path(os.environ[variables.DIRECTORY]) / name,
        web_enabled=False,
    )


def make() -> faust.App:
    """The application of this process."""
    app = stock_app()
    topic = app.topic(os.environ[variables.TOPIC], key_type=bytes, value_serializer="json")
    counts = app.Table("counts", default=int, key_type=str)
    sink = FileSink()

    @app.agent(topic)  # type: ignore[untyped-decorator]
    async def count(stream: Any) -> None:
        async for event in stream.events():
            key, message = event.key.decode(), event.message
            counts[key] += 1
            row = {"key": key, "partition": message.partition, "count": counts[key], "version": message.offset}
            await insert(sink, "counts", row)
            await insert(sink, "raw", {"offset": message.offset})

    return app


async def insert(sink: FileSink, table: str, row: dict[str, Any]) -> None:
    """One row, in a thread as a driver would, until the warehouse has taken it."""
    columns = {name: [value] for name, value in row.items()}
    while True:
        try:
            await asyncio.to_thread(sink.insert, table, columns)
        except WarehouseDownError:
            await asyncio.sleep(PAUSE_S)
        else:
            return


def run(app: faust.App) -> None:
    """Be a worker of this application until told to stop."""
    app.finalize()
    app.conf.Worker(app, loglevel="INFO").execute_from_commandline()


if __name__ == "__main__":
    run(make())
