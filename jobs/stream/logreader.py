"""Read a range of one partition, in batches, to an end given by position."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any, Self

from aiokafka import TopicPartition

from jobs.stream.chunks import Record, chunks_of, joined
from jobs.stream.connection import Connection
from pipeline.batch import RawBatch

POLL_MS = 500
POLL_RECORDS = 10_000


class LogReader:
    """Committed records of one partition; an async context manager."""

    def __init__(self, connection: Connection, topic: str, partition: int) -> None:
        self._consumer = connection.reader()
        self._tp = TopicPartition(topic, partition)
        self._consumer.assign([self._tp])

    async def __aenter__(self) -> Self:
        try:
            await self._consumer.start()
        except BaseException:
            await self._consumer.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    async def bounds(self) -> tuple[int, int]:
        """First offset kept, and the position after the last record that is decided."""
        first = await self._consumer.beginning_offsets([self._tp])
        end = await self._consumer.end_offsets([self._tp])
        return first[self._tp], end[self._tp]

    async def read(self, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        """Records with start <= offset < end, of a topic that is not handed over in chunks."""
        async for found in self._fetched(start, end):
            records = [record for record in found if record.offset < end]
            if records:
                yield records

    async def batches(self, start: int, end: int) -> AsyncIterator[RawBatch]:
        """Records with start <= offset < end, in columns."""
        async for found in self._fetched(start, end):
            chunks = chunks_of(found, start, end)
            if chunks:
                yield joined(chunks)

    async def _fetched(self, start: int, end: int) -> AsyncIterator[Sequence[Any]]:
        """What each fetch holds, from ``start`` until the position is ``end`` or beyond.

        The end is reached by position: the log may end in control records, or in records that were compacted away.
        """
        if start >= end:
            return
        self._consumer.seek(self._tp, start)
        while await self._consumer.position(self._tp) < end:
            found = await self._consumer.getmany(self._tp, timeout_ms=POLL_MS, max_records=POLL_RECORDS)
            yield found.get(self._tp, ())
