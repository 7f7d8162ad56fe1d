"""Rows turned on their side, a chunk at a time; and the chunks as one EVENT array.

Most events give few of the many fields: those that every row is asked for are turned for all rows, the others only
for the rows that give any of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice, repeat
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from pipeline.decode_reader import FIELDS, Row
from pipeline.records import EVENT, STRING_FIELDS
from pipeline.strings import Strings
from schemas.event import CASE_STATUSES, DEFAULT_CHANNELS, EVENT_TYPES
from schemas.field_types import epoch_ms

TYPE_CODES: Final = {name: code for code, name in enumerate(EVENT_TYPES)}
STATUS_CODES: Final[dict[str | None, int]] = {None: -1} | {name: code for code, name in enumerate(CASE_STATUSES)}
SOURCES: Final = {name: f"{name}_id" if name in {"interaction", "journey"} else name for name in STRING_FIELDS}
"""String column of EVENT -> field of the row."""
USUAL: Final = FIELDS[: FIELDS.index("segment") + 1]
"""Fields that are turned for every row; the two bags of :data:`BAGS` are too."""
OTHERS: Final = FIELDS[len(USUAL) : FIELDS.index("measures")]
BAGS: Final = FIELDS[len(USUAL) + len(OTHERS) :]
USUAL_TEXTS: Final = ("customer_id", "channel", "touchpoint", "segment")
OTHER_TEXTS: Final = (*(name for name in SOURCES.values() if name in OTHERS), "scale")
FLOATS: Final = ("wait_s", "promised_s", "duration_s", "amount")
WHOLES: Final = ("severity", "visible", "resolved", "transfers")
NUMBERS: Final = ("sequence", *WHOLES, *FLOATS, "value", "scale_min", "scale_max")

_TURN_ROWS: Final = 64
"""Rows turned at a time: many more do not stay in the first cache, and take up to three times as long."""
_others: Final = itemgetter(slice(len(USUAL), len(USUAL) + len(OTHERS)))
_bags: Final = tuple(itemgetter(FIELDS.index(name)) for name in BAGS)
_NOTHING: Final = (None,) * len(OTHERS)
_code_of_type: Final = TYPE_CODES.__getitem__
_code_of_status: Final = STATUS_CODES.__getitem__


class Turned(NamedTuple):
    """The rows of a chunk, turned on their side; None where a field is not given."""

    usual: Mapping[str, Sequence[Any]]
    """Field of USUAL or BAGS -> its values over the rows."""
    rich: list[int]
    """Rows that give any of the OTHERS."""
    others: Mapping[str, Sequence[Any]]
    """Field of OTHERS -> its values over the rich rows."""


def turned(rows: Sequence[Row]) -> Turned:
    """``rows`` on their side."""
    usual: list[list[Any]] = [[] for _ in (*USUAL, *BAGS)]
    rich: list[int] = []
    others: list[tuple[Any, ...]] = []
    for start in range(0, len(rows), _TURN_ROWS):
        tuples = list(map(astuple, rows[start : start + _TURN_ROWS]))
        own = chain(islice(zip(*tuples, strict=True), len(USUAL)), (map(bag, tuples) for bag in _bags))
        for column, part in zip(usual, own, strict=True):
            column.extend(part)
        found = list(map(_others, tuples))
        places = [place for place, given in enumerate(found) if given != _NOTHING]
        rich += [start + place for place in places]
        others += [found[place] for place in places]
    columns: Iterable[Sequence[Any]] = zip(*others, strict=True) if others else repeat((), len(OTHERS))
    return Turned(dict(zip((*USUAL, *BAGS), usual, strict=True)), rich, dict(zip(OTHERS, columns, strict=True)))


def is_empty(cells: Sequence[Any]) -> bool:
    """Whether no row gives this field."""
    return cells.count(None) == len(cells)


def times(moments: Sequence[datetime | int]) -> NDArray[np.int64]:
    """Epoch milliseconds of the rows' ``occurred_at``; any year."""
    try:
        return np.fromiter(moments, np.int64, len(moments))
    except TypeError:  # not all are numbers
        known = [moment if moment.__class__ is int else epoch_ms(moment) for moment in moments]  # type: ignore[arg-type]
        return np.fromiter(known, np.int64, len(moments))


def type_codes(names: Sequence[str]) -> NDArray[np.int8]:
    """Indices into EVENT_TYPES."""
    return np.fromiter(map(_code_of_type, names), np.int8, len(names))


def string_codes(texts: Iterable[str | None], count: int, strings: Strings) -> NDArray[np.int32]:
    """Codes of ``count`` texts; 0 where None."""
    return np.fromiter(map(strings.__getitem__, texts), np.int32, count)


def numbers_of(values: Iterable[float | None], count: int) -> NDArray[np.float64]:
    """``count`` numbers or flags, NaN for None; never a negative zero."""
    return np.fromiter(values, np.float64, count) + 0.0


class Chunk(NamedTuple):
    """The fields of some rows as arrays; all but the last four hold a column per row, those per rich row."""

    occurred_ms: NDArray[np.int64]
    type: NDArray[np.int8]
    event_hash: NDArray[np.uint64]
    texts: NDArray[np.int32]
    """Shape (USUAL_TEXTS, rows)."""
    rich: NDArray[np.int64]
    other_texts: NDArray[np.int32]
    """Shape (OTHER_TEXTS, rich)."""
    status: NDArray[np.int8]
    numbers: NDArray[np.float64]
    """Shape (NUMBERS, rich), NaN = not given."""


def chunk_of(cells: Turned, occurred_ms: NDArray[np.int64], type_code: NDArray[np.int8], strings: Strings) -> Chunk:
    """The fields of a chunk whose times and types are known."""
    usual, others, rich = cells.usual, cells.others, cells.rich
    texts = chain(usual["customer_id"], _channels(usual), usual["touchpoint"], usual["segment"])
    return Chunk(
        occurred_ms,
        type_code,
        text_hashes(usual["event_id"]),
        string_codes(texts, len(USUAL_TEXTS) * len(type_code), strings).reshape(len(USUAL_TEXTS), -1),
        np.array(rich, np.int64),
        string_codes(_flat(others, OTHER_TEXTS), len(OTHER_TEXTS) * len(rich), strings).reshape(len(OTHER_TEXTS), -1),
        np.fromiter(map(_code_of_status, others["status"]), np.int8, len(rich)),
        numbers_of(_flat(others, NUMBERS), len(NUMBERS) * len(rich)).reshape(len(NUMBERS), -1),
    )


def _flat(cells: Mapping[str, Sequence[Any]], names: Sequence[str]) -> Iterable[Any]:
    return chain.from_iterable([cells[name] for name in names])


def _channels(cells: Mapping[str, Sequence[Any]]) -> Sequence[str]:
    channels = cells["channel"]
    if all(channels):
        return channels
    return [given or DEFAULT_CHANNELS[kind] for given, kind in zip(channels, cells["type"], strict=True)]


def merged(chunks: Sequence[Chunk]) -> Chunk:
    """Consecutive chunks as one."""
    if len(chunks) == 1:
        return chunks[0]
    firsts = np.cumsum([0, *(len(chunk.type) for chunk in chunks)]).tolist()
    rich = [chunk.rich + first for chunk, first in zip(chunks, firsts, strict=False)]
    columns = [np.concatenate(parts, axis=-1) for parts in zip(*chunks, strict=True)]
    return Chunk(*columns)._replace(rich=np.concatenate(rich))


def event_array(chunk: Chunk) -> NDArray[np.void]:
    """EVENT records of the rows; offset, append_ms and content_hash are left zero for the caller."""
    events = np.zeros(len(chunk.type), dtype=EVENT)
    for name in ("occurred_ms", "type", "event_hash"):
        events[name] = getattr(chunk, name)
    events["customer"] = chunk.texts[0]
    for place, name in enumerate(USUAL_TEXTS[1:], start=1):
        events[name] = chunk.texts[place]
    others = _other_columns(chunk)
    for name in (*WHOLES, *FLOATS, "status"):
        events[name] = np.nan if name in FLOATS else -1
    for name, values in others.items():
        events[name][chunk.rich] = values
    return events


def _other_columns(chunk: Chunk) -> dict[str, NDArray[Any]]:
    """Column of EVENT -> its values over the rich rows."""
    texts = dict(zip(OTHER_TEXTS, chunk.other_texts, strict=True))
    numbers = dict(zip(NUMBERS, chunk.numbers, strict=True))
    columns: dict[str, NDArray[Any]] = {name: numbers[name] for name in FLOATS}
    columns |= {name: texts[source] for name, source in SOURCES.items() if source in texts}
    columns |= {name: np.where(np.isnan(numbers[name]), -1, numbers[name]) for name in WHOLES}
    columns["sequence"] = np.nan_to_num(numbers["sequence"])
    columns["status"] = chunk.status
    return columns


def text_hashes(texts: Sequence[str]) -> NDArray[np.uint64]:
    """xxh3_64 of the UTF-8 bytes of each text."""
    return np.fromiter(map(xxh3_64_intdigest, map(str.encode, texts)), np.uint64, len(texts))
