"""A worker process of the tests: the job over the counting pipeline, rows appended to a file.

Settings come from PERCEPTION_ variables. ``ROWS`` is the file of rows. ``FAULT`` = ``down:PATH``: the warehouse is
down while the file exists; ``refuses``: it refuses every row; ``slow``: every insert takes 0.3 s.
"""

from __future__ import annotations

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
        names = list(columns)
        rows = list(zip(*columns.values(), strict=True))
        lines = "".join(json.dumps({"table": table, **dict(zip(names, row, strict=True))}) + "\n" for row in rows)
        os.write(self._file, lines.encode())
        return len(rows)

    def close(self) -> None:
        os.close(self._file)


def make() -> App:
    return build_app(load(), CountingPipeline, FileSink)


if __name__ == "__main__":
    app = make()
    app.finalize()
    app.conf.Worker(app, loglevel="INFO").execute_from_commandline()
