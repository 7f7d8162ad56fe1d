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


def make() -> faust.App:
    """The application of this process."""
    name = os.environ[variables.APPLICATION]
    app = faust.App(
        name,
        broker=f"kafka://{os.environ[variables.BROKER]}",
        topic_partitions=int(os.environ[variables.PARTITIONS]),
        topic_replication_factor=1,
        broker_session_timeout=float(os.environ[variables.SESSION_TIMEOUT]),
        datadir=Path(os.environ[variables.DIRECTORY]) / name,
        web_enabled=False,
    )
    topic = app.topic(os.environ[variables.TOPIC], key_type=bytes, value_type=bytes)
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


if __name__ == "__main__":
    made = make()
    made.finalize()
    made.conf.Worker(made, loglevel="INFO").execute_from_commandline()
