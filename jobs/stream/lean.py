"""Records of the input topic by the batch, as aiokafka's parser makes them: its own path costs more than the fetch.

aiokafka takes every record through two generators and copies it into a frozen dataclass of eleven fields. Here a
producer's batch goes through as one :class:`Chunk`, whose columns are made while its records are fresh in the
processor's caches. What decides which batches count (checksums, aborted transactions, control batches, positions)
stays aiokafka's.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from aiokafka.consumer import fetcher
from aiokafka.record.memory_records import MemoryRecords

from jobs.stream.bounded import ExpandsError, bound
from jobs.stream.chunks import Chunk
from jobs.stream.lenient import records_of

log = logging.getLogger(__name__)

REFUSED: Final = "refused-batch"
"""Header of the record that stands for a batch which is not unpacked."""


@dataclass(slots=True)
class RefusedBatch:
    """Stands for all records of a batch that expands beyond the limit, at the offset of the last.

    Its value is the batch as it came, compressed: that is no event, so it is rejected, kept and counted like any other
    bad record.
    """

    offset: int
    timestamp: int
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    key: bytes | None = None


class _Whole:
    """A parsed batch that iterates as at most one chunk, and is itself in everything else."""

    __slots__ = ("_batch", "_fetched", "_number", "_place")

    def __init__(self, batch: Any, fetched: bytes, number: int, place: Any) -> None:
        self._batch = batch
        self._fetched = fetched
        self._number = number
        self._place = place

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Chunk]:
        try:
            records = list(self._batch)
        except UnicodeDecodeError:
            records = records_of(self._fetched, self._number)
        except ExpandsError as error:
            records = [self._refused(error)]
        return iter((Chunk(records),) if records else ())

    def _refused(self, error: ExpandsError) -> RefusedBatch:
        first, last = self._batch.base_offset, self._batch.next_offset - 1
        why = f"offsets {first} to {last}: {error}"
        log.error("%s: %s; it is rejected as one record", self._place, why)
        return RefusedBatch(last, self._batch.max_timestamp, error.payload, [(REFUSED, why.encode())])

    def __next__(self) -> Any:
        return next(self._batch)


class _Wholes:
    """Parsed batches of a fetched partition, each as :class:`_Whole`."""

    __slots__ = ("_number", "_place", "_records", "has_next")

    def __init__(self, records: KeptRecords, place: Any) -> None:
        self._records = records
        self._place = place
        self._number = -1
        self.has_next = records.has_next

    def next_batch(self) -> _Whole:
        """The next batch."""
        self._number += 1
        return _Whole(self._records.next_batch(), self._records.fetched, self._number, self._place)


class KeptRecords:
    """aiokafka's parser of a fetch, and the bytes that it was given."""

    __slots__ = ("fetched", "has_next", "next_batch", "size_in_bytes")

    def __init__(self, fetched: bytes) -> None:
        records = MemoryRecords(fetched)
        self.fetched = fetched
        self.has_next = records.has_next
        self.next_batch = records.next_batch
        self.size_in_bytes = records.size_in_bytes


class LeanRecords(fetcher.PartitionRecords):
    """Parsed records of a fetched partition; of ``topics`` they are handed over in chunks."""

    topics: ClassVar[set[str]] = set()

    def __init__(self, tp: Any, records: Any, *others: Any) -> None:
        super().__init__(tp, _Wholes(records, tp) if tp.topic in self.topics else records, *others)

    def _consumer_record(self, tp: Any, record: Any) -> Any:
        if tp.topic not in self.topics:
            return super()._consumer_record(tp, record)
        # A broker sends whole batches, of which retention may have deleted the head.
        return record if record.offsets[0] >= self.next_fetch_offset else record.part(self.next_fetch_offset)


def spare(topic: str, batch_bytes: int) -> None:
    """Hand the records of ``topic`` over in chunks, in every consumer of this process; none may have deserialisers.

    No batch of any topic is expanded beyond ``batch_bytes``.
    """
    bound(batch_bytes)
    LeanRecords.topics.add(topic)
    fetcher.PartitionRecords = LeanRecords
    fetcher.MemoryRecords = KeptRecords
