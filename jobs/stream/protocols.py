"""What the job needs from others: a pipeline per partition, and somewhere to put rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from pipeline.batch import Columns, Flush, Marker, RawBatch, Rejected

State = dict[bytes, bytes]
"""The key-value store of one partition; what its changelog holds."""


class Pipeline(Protocol):
    """The rules of one partition: a pure function of its log. Updates its state in place."""

    @property
    def marker(self) -> Marker:
        """Where the last flush ended; offset -1 before any."""

    def process(self, batches: Sequence[RawBatch], /) -> Flush:
        """Take records that follow ``marker.offset``; the effect is complete only once it is written."""

    def rewrite(self, committed: int, /) -> Mapping[str, Columns]:
        """Rows and retractions of flushes above the committed offset (the last record's, -1 = none)."""

    def reread(self, batches: Sequence[RawBatch], /) -> tuple[Mapping[str, Columns], Sequence[Rejected]]:
        """Raw, late and rejected rows of the last flush: all records after ``marker.previous`` to ``marker.offset``."""


PipelineFactory = Callable[[str, int, State], Pipeline]
"""Make the pipeline of (topic, partition) over a restored state."""


class Sink(Protocol):
    """Where rows go; safe to use from several threads."""

    def insert(self, table: str, columns: Columns, /) -> int:
        """Write rows; an error with a true attribute ``transient`` is worth another try."""

    def close(self) -> None:
        """Let go of the connection."""


SinkFactory = Callable[[], Sink]
