"""A worker process of the tests: the job over the counting pipeline, rows appended to a file.

Settings come from PERCEPTION_ variables. ``ROWS`` is the file of rows. ``FAULT`` = ``down:PATH``: the warehouse is
down while the file exists; ``half:PATH``: it takes half of the rows, then dies; ``swallow:PATH``: it takes all of them
and does not say so; ``stuck:PATH``: it does not answer; ``loop:PATH``: the event loop itself is blocked, while the file
exists; ``refuses``: it refuses every row; ``slow``: every insert takes 0.3 s.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

from jobs.settings import load
from jobs.stream.app import App, build_app
from tests.stream.counting import CountingPipeline


class WarehouseDownError(Exception):
    transient = True


class FileSink:
    def __init__(self) -> None:
        self._file = os.open(os.environ["ROWS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._fault, _, self._path = os.environ.get("FAULT", "").partition(":")

    def insert(self, table: str, columns: Any) -> int:
        if self._fault == "down" and Path(self._path).exists():
            raise WarehouseDownError("nobody answers")
        if self._fault == "refuses":
            raise ValueError("no such column")
        if self._fault == "slow":
            time.sleep(0.3)
        while self._fault == "stuck" and Path(self._path).exists():
            time.sleep(0.1)
        names = list(columns)
        rows = list(zip(*columns.values(), strict=True))
        lines = "".join(json.dumps({"table": table, **dict(zip(names, row, strict=True))}) + "\n" for row in rows)
        if self._fault == "half" and Path(self._path).exists():
            os.write(self._file, "".join(lines.splitlines(keepends=True)[: len(rows) // 2 or 1]).encode())
            raise WarehouseDownError("died in mid-insert")
        os.write(self._file, lines.encode())
        if self._fault == "swallow" and Path(self._path).exists():
            raise WarehouseDownError("no reply")
        return len(rows)

    def close(self) -> None:
        os.close(self._file)


def make() -> App:
    app = build_app(load(), CountingPipeline, FileSink)
    fault, _, path = os.environ.get("FAULT", "").partition(":")

    async def block() -> None:
        while True:
            await asyncio.sleep(0.1)
            while Path(path).exists():  # noqa: ASYNC240  (to block the loop is the point)
                time.sleep(0.1)  # noqa: ASYNC251

    if fault == "loop":
        app.task(block)
    return app


if __name__ == "__main__":
    app = make()
    app.finalize()
    app.conf.Worker(app, loglevel="INFO").execute_from_commandline()
