"""Decode: raw records to accepted events in columns, ticks, and rejections. No bytes make it raise.

Every record goes through the fast reader; one that it refuses, and one that it cannot judge alone (rules
between fields, escaped control characters, years), goes through the pydantic model, which has the last word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.batch import Maps, RawBatch, Rejected
from pipeline.decode_columns import Chunk, chunk_of, event_array, merged
from pipeline.decode_hash import content_hashes
from pipeline.decode_notes import Bags, attributes, measures, note_array
from pipeline.decode_reader import reader
from pipeline.decode_sieve import Sieve
from pipeline.strings import Strings
from schemas.limits import Limits

TICK: Final = np.dtype([("offset", "i8"), ("append_ms", "i8"), ("occurred_ms", "i8")])
"""One control record that only moves the watermark."""


T = TypeVar("T")

_CHUNK: Final = 192
"""Records decoded at a time: few enough that what is in hand stays in the processor's caches, even shared ones."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a batch holds. Lists and columns are parallel to ``events``; all is in order of offset."""

    events: NDArray[np.void]
    """EVENT records; late and duplicate ones are not judged here."""
    notes: NDArray[np.void]
    """NOTE records of answers; ``owner`` is an index into ``events``."""
    event_ids: list[str]
    measures: Maps
    attributes: Maps
    payloads: list[bytes]
    """Values as the broker has them, envelope included."""
    rejected: list[Rejected]
    ticks: NDArray[np.void]
    """TICK records."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A chunk, decoded but for what is cheaper over the whole batch."""

    chunk: Chunk
    offset: NDArray[np.int64]
    append_ms: NDArray[np.int64]
    event_ids: Sequence[str]
    measures: Bags
    attributes: Bags
    payloads: Sequence[bytes]
    rejected: list[Rejected]
    ticks: list[tuple[int, int, int]]


def decode(batch: RawBatch, strings: Strings, limits: Limits, far_future_ms: int) -> Decoded:
    """Decode one batch. ``far_future_ms``: an event later than this after its append time is rejected.

    New texts are interned into ``strings``. Raises nothing for any keys, values and headers.
    """
    starts = range(0, max(len(batch), 1), _CHUNK)
    return _joined([_part(_chunk(batch, start), strings, limits, far_future_ms) for start in starts], strings)


def _chunk(batch: RawBatch, start: int) -> RawBatch:
    if len(batch) <= _CHUNK:
        return batch
    part = slice(start, start + _CHUNK)
    headers = batch.headers[part] if batch.headers is not None else None
    return RawBatch(batch.offsets[part], batch.timestamps[part], batch.keys[part], batch.values[part], headers)


def _part(batch: RawBatch, strings: Strings, limits: Limits, far_future_ms: int) -> _Part:
    sieve = Sieve(batch, reader(limits), far_future_ms)
    sieve.read()
    sieve.settle_doubts()
    sieve.compare_with_record()
    usual = sieve.cells.usual
    return _Part(
        chunk=chunk_of(sieve.cells, sieve.occurred_ms, sieve.type_code, strings),
        offset=sieve.taken(batch.offsets),
        append_ms=sieve.taken(batch.timestamps),
        event_ids=usual["event_id"],
        measures=measures(usual["measures"], strings),
        attributes=attributes(usual["attributes"], strings),
        payloads=sieve.payloads,
        rejected=sorted(sieve.rejected, key=lambda rejected: rejected.offset),
        ticks=sieve.ticks,
    )


def _joined(parts: Sequence[_Part], strings: Strings) -> Decoded:
    chunk = merged([part.chunk for part in parts])
    events = event_array(chunk)
    events["offset"] = np.concatenate([part.offset for part in parts])
    events["append_ms"] = np.concatenate([part.append_ms for part in parts])
    notes = note_array(chunk, events, strings)
    numbers, texts = (_bags([part.measures for part in parts]), _bags([part.attributes for part in parts]))
    events["content_hash"] = content_hashes(chunk, notes, numbers, texts, strings)
    return Decoded(
        events=events,
        notes=notes,
        event_ids=_chained([part.event_ids for part in parts]),
        measures=Maps(numbers.sizes, strings.texts(numbers.names), numbers.values),
        attributes=Maps(texts.sizes, strings.texts(texts.names), strings.texts(texts.values)),
        payloads=_chained([part.payloads for part in parts]),
        rejected=_chained([part.rejected for part in parts]),
        ticks=np.array(_chained([part.ticks for part in parts]), dtype=TICK),
    )


def _bags(parts: Sequence[Bags]) -> Bags:
    return Bags(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _chained(lists: Sequence[Sequence[T]]) -> list[T]:
    return list(chain.from_iterable(lists))
