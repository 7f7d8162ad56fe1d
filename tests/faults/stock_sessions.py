"""The control of the ``tables`` faults: a plain Faust agent that makes sessions and writes a row for every change.

An event that bridges two sessions or moves a start retracts the rows that are no more, then writes the one that is.
Inserts are tried again until the server takes them. ``STOCK_CRASH=POINT:PASSAGE`` ends the process at the same places
as our worker. Run as ``python -m tests.faults.stock_sessions``.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from typing import Any

import faust
from clickhouse_driver import Client
from clickhouse_driver.errors import Error

from tests.faults import stock_variables as variables
from tests.faults.sessions import COLUMNS, TABLE, key_of, merged
from tests.faults.stock_agent import run, stock_app

PAUSE_S = 0.2
TIMEOUT_S = 3
Row = tuple[str, int, int, int, int, int]


class Crash:
    """Ends the process at the given passage of a point."""

    def __init__(self, given: str) -> None:
        self._point, _, passage = given.partition(":")
        self._left = int(passage or 0)

    def reach(self, point: str) -> None:
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class Server:
    """The warehouse: one client, every insert until it is taken."""

    def __init__(self, port: int) -> None:
        self._client = Client("127.0.0.1", port=port, connect_timeout=TIMEOUT_S, send_receive_timeout=TIMEOUT_S)

    async def insert(self, row: Row) -> None:
        while True:
            try:
                await asyncio.to_thread(self._insert, row)
            except (Error, OSError, EOFError):
                self._client.disconnect()
                await asyncio.sleep(PAUSE_S)
            else:
                return

    def _insert(self, row: Row) -> None:
        self._client.execute(f"INSERT INTO {TABLE} ({COLUMNS}) VALUES", [row])


def make() -> faust.App:
    """The application of this process."""
    app = stock_app()
    topic = app.topic(os.environ[variables.TOPIC], key_type=bytes, value_serializer="json")
    table = app.Table("sessions", default=list, key_type=str)
    server = Server(int(os.environ[variables.WAREHOUSE_PORT]))
    crash = Crash(os.environ.get(variables.CRASH, ""))

    @app.agent(topic)  # type: ignore[untyped-decorator]
    async def sessionize(stream: Any) -> None:
        async for event in stream.events():
            one, offset = event.value, event.message.offset
            key = key_of(one)
            before: Sequence[Sequence[int]] = table[key]
            after = merged([(start, end, events) for start, end, events in before], one["occurred_at"])
            crash.reach("before-changelog")
            table[key] = [list(session) for session in after]
            crash.reach("after-changelog")
            for start, end, events in before:
                if start not in {session[0] for session in after}:
                    await server.insert((key, start, end, events, offset, 1))
            crash.reach("amid-rows")
            for start, end, events in after:
                if [start, end, events] not in [list(session) for session in before]:
                    await server.insert((key, start, end, events, offset, 0))
            crash.reach("after-rows")
            if os.environ.get(variables.CRASH, "").startswith("after-offset"):
                await app.consumer.commit()
                crash.reach("after-offset")

    return app


if __name__ == "__main__":
    run(make())
