"""Fetched records as columns: made per producer's batch, while its records are fresh in the processor's caches."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import chain
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.batch import Headers, RawBatch


class Record(Protocol):
    """The part of aiokafka's records that is used."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Chunk:
    """Records of one producer's batch as columns; ``offset`` is that of the last one, ``bytes`` the size of all values.

    Whoever holds many of them looks at the records themselves as seldom as possible: by then they are out of the
    caches, and each look costs more than all of the parsing did.
    """

    __slots__ = ("bytes", "headers", "keys", "offset", "offsets", "timestamps", "values")

    def __init__(self, records: Sequence[Record]) -> None:
        self.offsets = _offsets(records)
        self.timestamps = _timestamps(records)
        self.keys = [record.key for record in records]
        self.values = [record.value for record in records]
        headers = [record.headers for record in records]
        self.headers: list[Headers] | None = headers if any(headers) else None
        self.offset = self.offsets[-1]
        self.bytes = sum(map(len, filter(None, self.values)))

    def __len__(self) -> int:
        return len(self.offsets)

    def part(self, start: int, end: int | None = None) -> Chunk:
        """The records from offset ``start`` on, before offset ``end``; there may be none."""
        chosen = slice(bisect_left(self.offsets, start), None if end is None else bisect_left(self.offsets, end))
        part = object.__new__(Chunk)
        part.offsets, part.timestamps = self.offsets[chosen], self.timestamps[chosen]
        part.keys, part.values = self.keys[chosen], self.values[chosen]
        part.headers = None if self.headers is None else self.headers[chosen]
        part.offset = part.offsets[-1] if part.offsets else self.offset
        part.bytes = self.bytes  # at most
        return part


def _offsets(records: Sequence[Record]) -> Sequence[int]:
    """Offsets; where no record is missing between the first and the last, no number is made for each."""
    first, last = records[0].offset, records[-1].offset
    return range(first, last + 1) if last - first == len(records) - 1 else [record.offset for record in records]


def _timestamps(records: Sequence[Record]) -> Sequence[int]:
    """Timestamps; where the broker sets them all are the same, and one number serves."""
    times = [record.timestamp for record in records]
    return times[:1] * len(times) if times.count(times[0]) == len(times) else times


def chunks_of(found: Sequence[Any], start: int, end: int | None = None) -> list[Chunk]:
    """Fetched records, in chunks or not, with start <= offset < end; no chunk is empty.

    A chunk may begin before the position that was asked for.
    """
    chunks = [item if type(item) is Chunk else Chunk([item]) for item in found]
    if end is not None:
        chunks = [chunk.part(start, end) for chunk in chunks]
    elif chunks and chunks[0].offsets[0] < start:
        chunks = [chunk.part(start) for chunk in chunks]
    return list(filter(len, chunks))


def joined(chunks: Sequence[Chunk]) -> RawBatch:
    """Consecutive chunks, at least one record, as one batch."""
    count = sum(map(len, chunks))
    plain = all(chunk.headers is None for chunk in chunks)
    return RawBatch(
        offsets=_all_offsets(chunks, count),
        timestamps=np.fromiter(chain.from_iterable([chunk.timestamps for chunk in chunks]), np.int64, count),
        keys=list(chain.from_iterable([chunk.keys for chunk in chunks])),
        values=list(chain.from_iterable([chunk.values for chunk in chunks])),
        headers=None if plain else list(chain.from_iterable(map(_headers, chunks))),
    )


def _all_offsets(chunks: Sequence[Chunk], count: int) -> NDArray[np.int64]:
    first, last = chunks[0].offsets[0], chunks[-1].offset
    if last - first == count - 1:
        return np.arange(first, last + 1, dtype=np.int64)
    return np.fromiter(chain.from_iterable([chunk.offsets for chunk in chunks]), np.int64, count)


def _headers(chunk: Chunk) -> Sequence[Headers]:
    return [()] * len(chunk) if chunk.headers is None else chunk.headers
