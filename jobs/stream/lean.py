"""Records of the input topic by the batch, as aiokafka's parser makes them: its own path costs more than the fetch.

aiokafka takes every record through two generators and copies it into a frozen dataclass of eleven fields. Here a
producer's batch goes through as one :class:`Chunk` of the parser's own records. What decides which batches count
(checksums, aborted transactions, control batches, positions) stays aiokafka's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from aiokafka.consumer import fetcher

from jobs.stream.fetched import Record


class Chunk:
    """Records of one producer's batch; ``offset`` is that of the last one."""

    __slots__ = ("offset", "records")

    def __init__(self, records: list[Record]) -> None:
        self.records = records
        self.offset = records[-1].offset


class _Whole:
    """A parsed batch that iterates as at most one chunk, and is itself in everything else."""

    __slots__ = ("_batch",)

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Chunk]:
        records = list(self._batch)
        return iter((Chunk(records),) if records else ())

    def __next__(self) -> Any:
        return next(self._batch)


class _Wholes:
    """Parsed batches of a fetched partition, each as :class:`_Whole`."""

    __slots__ = ("_records", "has_next")

    def __init__(self, records: Any) -> None:
        self._records = records
        self.has_next = records.has_next

    def next_batch(self) -> _Whole:
        """The next batch."""
        return _Whole(self._records.next_batch())


class LeanRecords(fetcher.PartitionRecords):
    """Parsed records of a fetched partition; of ``topics`` they are handed over in chunks."""

    topics: ClassVar[set[str]] = set()

    def __init__(self, tp: Any, records: Any, *others: Any) -> None:
        super().__init__(tp, _Wholes(records) if tp.topic in self.topics else records, *others)

    def _consumer_record(self, tp: Any, record: Any) -> Any:
        return record if tp.topic in self.topics else super()._consumer_record(tp, record)


def spare(topic: str) -> None:
    """Hand the records of ``topic`` over in chunks, in every consumer of this process; none may have deserialisers."""
    LeanRecords.topics.add(topic)
    fetcher.PartitionRecords = LeanRecords


def flat(found: Sequence[Any], start: int) -> list[Record]:
    """Records, in chunks or not, from offset ``start`` on: a chunk may begin before the position that was asked for."""
    records: list[Record] = []
    for item in found:
        records.extend(item.records) if type(item) is Chunk else records.append(item)
    if records and records[0].offset < start:
        return [record for record in records if record.offset >= start]
    return records
