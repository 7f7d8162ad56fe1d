"""Rows to the warehouse: in threads of their own, with patience for errors that pass."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from jobs.errors import PerceptionError
from jobs.stream.crash import Reach, nowhere
from jobs.stream.errors import ProcessingError
from jobs.stream.guard import places
from jobs.stream.protocols import Sink, SinkFactory
from pipeline.batch import Columns

log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 15.0


class Rows:
    """Inserts rows in ``threads`` threads over one sink, opened at its first use."""

    def __init__(self, sinks: SinkFactory, threads: int = 1, reach: Reach = nowhere) -> None:
        self._sinks = sinks
        self._reach = reach
        self._sink: Sink | None = None
        self._opening = threading.Lock()
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="perception-rows")

    async def open(self) -> None:
        """Open the sink now; an error that may pass is left to the first insert."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._executor, self._opened)
        except Exception as error:
            if not _transient(error):
                raise
            log.warning("The warehouse cannot be opened yet: %s", error)

    async def write(self, rows: Mapping[str, Columns]) -> None:
        """Insert the rows of all tables.

        A transient error (the warehouse is down or busy) is retried until it passes: the caller fetches nothing
        meanwhile. Any other error is raised; one that is not of our tree is a defect, and told as
        :class:`jobs.stream.errors.ProcessingError`, without the values that it may name.
        """
        for table, columns in rows.items():
            await self._insert(table, columns)
            self._reach("amid-rows")

    async def _insert(self, table: str, columns: Columns) -> None:
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE_S
        while True:
            try:
                await loop.run_in_executor(self._executor, lambda: self._opened().insert(table, columns))
            except Exception as error:  # noqa: BLE001  (what does not pass is raised, in other words)
                if not _transient(error):
                    raise _told(table, error) from None
                log.warning("Rows of %s wait %.1f s: %s", table, pause, error)
            else:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _opened(self) -> Sink:
        with self._opening:
            if self._sink is None:
                self._sink = self._sinks()
            return self._sink

    def close(self) -> None:
        """Close the sink; an insert in progress is waited for."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.close()


def _transient(error: Exception) -> bool:
    return bool(getattr(error, "transient", False))


def _told(table: str, error: Exception) -> Exception:
    """An error that will come again: as it is if it says what to do, else in words that hold no data."""
    if isinstance(error, PerceptionError):
        return error
    return ProcessingError(
        f"rows of {table} cannot be written: {type(error).__name__} in {places(error)}",
        action="This is a defect: report it with this message. State and offsets stay consistent; a release that mends "
        "it writes these rows.",
    )
