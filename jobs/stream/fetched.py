"""A fetched batch of one partition: what the transport hands to the agent as one event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pipeline.batch import RawBatch


class Record(Protocol):
    """The part of aiokafka's ConsumerRecord that is used."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """Consecutive records of a partition; ``start`` links them to the batch before."""

    partition: int
    epoch: int
    """Counts the times that positions were set: batches of another epoch are stale."""
    start: int
    """Log position before the first record: equals the ``following`` of the batch before."""
    batch: RawBatch
    behind: bool = False
    """More records lay in the log when this batch was fetched."""

    @property
    def following(self) -> int:
        """Log position after the last record."""
        return int(self.batch.offsets[-1]) + 1

    @property
    def bytes(self) -> int:
        """Size of all values."""
        return sum(map(len, filter(None, self.batch.values)))


def pack(records: Sequence[Record]) -> RawBatch:
    """Records as columns; at least one record."""
    count = len(records)
    headers = [record.headers for record in records]
    return RawBatch(
        offsets=np.fromiter([record.offset for record in records], np.int64, count),
        timestamps=np.fromiter([record.timestamp for record in records], np.int64, count),
        keys=[record.key for record in records],
        values=[record.value for record in records],
        headers=headers if any(headers) else None,
    )
