"""A sink that tells the watchdog how its warehouse answers."""

from __future__ import annotations

import time

from jobs.stream.protocols import Sink, SinkFactory
from jobs.stream.signs import Signs
from pipeline.batch import Columns


class ObservedSink:
    """Passes everything on and notes each call, its end and its failure."""

    def __init__(self, sink: Sink, signs: Signs) -> None:
        self._sink = sink
        self._signs = signs

    def insert(self, table: str, columns: Columns, /) -> int:
        """Write rows; errors pass through."""
        self._signs.calls += 1
        try:
            rows = self._sink.insert(table, columns)
        except Exception:
            self._signs.failed_at = time.monotonic()
            raise
        finally:
            self._signs.calls += 1
        self._signs.failed_at = None
        return rows

    def close(self) -> None:
        """Let go of the connection."""
        self._sink.close()


def observed(sinks: SinkFactory, signs: Signs) -> SinkFactory:
    """The same sinks, watched; one that cannot be opened is a failure, too."""

    def opened() -> ObservedSink:
        try:
            return ObservedSink(sinks(), signs)
        except Exception:
            signs.calls += 1
            signs.failed_at = time.monotonic()
            raise

    return opened
