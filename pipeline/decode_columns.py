"""Rows to the columns of an EVENT array. A column that no row gives is not looped over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
from msgspec.structs import astuple
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from pipeline.decode_reader import FIELDS, Row
from pipeline.records import EVENT, STRING_FIELDS
from pipeline.strings import Strings
from schemas.event import CASE_STATUSES, DEFAULT_CHANNELS, EVENT_TYPES
from schemas.field_types import epoch_ms

Cells = Mapping[str, Sequence[Any]]
"""Field name -> its values over the rows, None where not given."""

TYPE_CODES: Final = {name: code for code, name in enumerate(EVENT_TYPES)}
STATUS_CODES: Final[dict[str | None, int]] = {None: -1} | {name: code for code, name in enumerate(CASE_STATUSES)}
SOURCES: Final = {name: f"{name}_id" if name in {"interaction", "journey"} else name for name in STRING_FIELDS}
"""String column of EVENT -> field of the row."""
_TURN_ROWS: Final = 256
"""Rows turned at a time: more fall out of the processor's cache, and take three times as long."""
FLOATS: Final = ("wait_s", "promised_s", "duration_s", "amount")
WHOLES: Final = ("severity", "visible", "resolved", "transfers")


def cells_of(rows: Sequence[Row]) -> Cells:
    """The rows, turned on their side."""
    if not rows:
        return dict.fromkeys(FIELDS, ())
    cells: list[list[Any]] = [[] for _ in FIELDS]
    for start in range(0, len(rows), _TURN_ROWS):
        for column, part in zip(cells, zip(*map(astuple, rows[start : start + _TURN_ROWS]), strict=True), strict=True):
            column.extend(part)
    return dict(zip(FIELDS, cells, strict=True))


def is_empty(cells: Sequence[Any]) -> bool:
    """Whether no row gives this field."""
    return cells.count(None) == len(cells)


def times(moments: Sequence[datetime | int]) -> NDArray[np.int64]:
    """Epoch milliseconds of the rows' ``occurred_at``; any year."""
    for convert in (_numbers, _zoned):
        try:
            return convert(moments)
        except TypeError:  # the other kind is among them
            continue
    return _numbers([moment if isinstance(moment, int) else epoch_ms(moment) for moment in moments])


def _numbers(moments: Sequence[Any]) -> NDArray[np.int64]:
    return np.fromiter(moments, np.int64, len(moments))


def _zoned(moments: Sequence[Any]) -> NDArray[np.int64]:
    seconds = np.fromiter(map(datetime.timestamp, moments), np.float64, len(moments))
    return np.rint(seconds * 1e6).astype(np.int64) // 1000


def type_codes(names: Sequence[str]) -> NDArray[np.int8]:
    """Indices into EVENT_TYPES."""
    return np.fromiter(map(TYPE_CODES.__getitem__, names), np.int8, len(names))


def string_codes(texts: Sequence[str | None], strings: Strings) -> NDArray[np.int32]:
    """Codes of ``texts``; 0 where None."""
    if not any(texts):
        return np.zeros(len(texts), np.int32)
    return np.fromiter(map(strings.__getitem__, texts), np.int32, len(texts))


def floats(numbers: Sequence[float | None]) -> NDArray[np.float64]:
    """Numbers with NaN for None; never a negative zero."""
    if is_empty(numbers):
        return np.full(len(numbers), np.nan)
    return np.array(numbers, dtype=np.float64) + 0.0


def wholes(numbers: Sequence[int | None], default: int = -1) -> NDArray[np.int32]:
    """Whole numbers (or flags) with ``default`` for None."""
    if is_empty(numbers):
        return np.full(len(numbers), default, np.int32)
    return np.fromiter([default if number is None else number for number in numbers], np.int32, len(numbers))


def event_array(cells: Cells, occurred_ms: NDArray[np.int64], strings: Strings) -> NDArray[np.void]:
    """EVENT records of the rows; offset, append_ms and content_hash are left zero for the caller."""
    events = np.zeros(len(occurred_ms), dtype=EVENT)
    events["occurred_ms"] = occurred_ms
    events["sequence"] = wholes(cells["sequence"], default=0)
    events["event_hash"] = text_hashes(cells["event_id"])
    events["customer"] = string_codes(cells["customer_id"], strings)
    events["type"] = type_codes(cells["type"])
    events["status"] = np.fromiter(map(STATUS_CODES.__getitem__, cells["status"]), np.int8, len(events))
    for column, source in SOURCES.items():
        events[column] = string_codes(_channels(cells) if column == "channel" else cells[source], strings)
    for column in WHOLES:
        events[column] = wholes(cells[column])
    for column in FLOATS:
        events[column] = floats(cells[column])
    return events


def text_hashes(texts: Sequence[str]) -> NDArray[np.uint64]:
    """xxh3_64 of the UTF-8 bytes of each text."""
    return np.fromiter(map(xxh3_64_intdigest, map(str.encode, texts)), np.uint64, len(texts))


def _channels(cells: Cells) -> Sequence[str]:
    channels: Sequence[str | None] = cells["channel"]
    return [given or DEFAULT_CHANNELS[kind] for given, kind in zip(channels, cells["type"], strict=True)]
