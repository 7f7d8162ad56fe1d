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

from pipeline.batch import RawBatch, Rejected
from pipeline.decode_columns import event_array
from pipeline.decode_hash import content_hashes
from pipeline.decode_notes import note_array
from pipeline.decode_reader import reader
from pipeline.decode_sieve import Sieve
from pipeline.strings import Strings
from schemas.limits import Limits

TICK: Final = np.dtype([("offset", "i8"), ("append_ms", "i8"), ("occurred_ms", "i8")])
"""One control record that only moves the watermark."""


T = TypeVar("T")

_CHUNK: Final = 1024
"""Records decoded at a time: what is in hand stays in the processor's cache."""
_NO_MEASURES: Final[dict[str, float]] = {}
_NO_ATTRIBUTES: Final[dict[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a batch holds. Lists are parallel to ``events``; all is in order of offset."""

    events: NDArray[np.void]
    """EVENT records; late and duplicate ones are not judged here."""
    notes: NDArray[np.void]
    """NOTE records: answers, measures, attributes; ``owner`` is an index into ``events``."""
    event_ids: list[str]
    measures: list[dict[str, float]]
    """Per event; one shared empty dict where none: do not change them."""
    attributes: list[dict[str, str]]
    payloads: list[bytes]
    """Values as the broker has them, envelope included."""
    rejected: list[Rejected]
    ticks: NDArray[np.void]
    """TICK records."""


def decode(batch: RawBatch, strings: Strings, limits: Limits, far_future_ms: int) -> Decoded:
    """Decode one batch. ``far_future_ms``: an event later than this after its append time is rejected.

    New texts are interned into ``strings``. Raises nothing for any keys, values and headers.
    """
    starts = range(0, max(len(batch), 1), _CHUNK)
    parts = [_decode_chunk(_chunk(batch, start), strings, limits, far_future_ms) for start in starts]
    return parts[0] if len(parts) == 1 else _joined(parts)


def _chunk(batch: RawBatch, start: int) -> RawBatch:
    if len(batch) <= _CHUNK:
        return batch
    part = slice(start, start + _CHUNK)
    headers = batch.headers[part] if batch.headers is not None else None
    return RawBatch(batch.offsets[part], batch.timestamps[part], batch.keys[part], batch.values[part], headers)


def _decode_chunk(batch: RawBatch, strings: Strings, limits: Limits, far_future_ms: int) -> Decoded:
    sieve = Sieve(batch, reader(limits), far_future_ms)
    sieve.read()
    sieve.settle_doubts()
    sieve.compare_with_record()
    return _columns(sieve, strings)


def _columns(sieve: Sieve, strings: Strings) -> Decoded:
    cells = sieve.cells
    events = event_array(cells, sieve.occurred_ms, strings)
    events["offset"] = sieve.batch.offsets[sieve.positions]
    events["append_ms"] = sieve.batch.timestamps[sieve.positions]
    notes = note_array(cells, events, strings)
    events["content_hash"] = content_hashes(events, notes, strings)
    return Decoded(
        events=events,
        notes=notes,
        event_ids=list(cells["event_id"]),
        measures=[given or _NO_MEASURES for given in cells["measures"]],
        attributes=[given or _NO_ATTRIBUTES for given in cells["attributes"]],
        payloads=sieve.payloads,
        rejected=sorted(sieve.rejected, key=lambda rejected: rejected.offset),
        ticks=np.array(sieve.ticks, dtype=TICK),
    )


def _joined(parts: Sequence[Decoded]) -> Decoded:
    firsts = np.cumsum([0, *(len(part.events) for part in parts)])
    for part, first in zip(parts, firsts.tolist(), strict=False):
        part.notes["owner"] += first
    return Decoded(
        events=np.concatenate([part.events for part in parts]),
        notes=np.concatenate([part.notes for part in parts]),
        event_ids=_chained([part.event_ids for part in parts]),
        measures=_chained([part.measures for part in parts]),
        attributes=_chained([part.attributes for part in parts]),
        payloads=_chained([part.payloads for part in parts]),
        rejected=_chained([part.rejected for part in parts]),
        ticks=np.concatenate([part.ticks for part in parts]),
    )


def _chained(lists: list[list[T]]) -> list[T]:
    return list(chain.from_iterable(lists))
