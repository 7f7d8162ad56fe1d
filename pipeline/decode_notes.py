"""What an event brings any number of: notes of its answers, and its bags of measures and attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.decode_columns import Cells, floats, string_codes
from pipeline.records import NOTE, NOTE_ANSWER, pick
from pipeline.strings import Strings
from schemas.event import SCALES, scale_range


class Bags(NamedTuple):
    """Entries of a field that holds small maps, one row after the other."""

    sizes: NDArray[np.int64]
    """Entries per row."""
    names: NDArray[np.int32]
    """Codes of the names."""
    values: NDArray[Any]
    """Numbers, or codes of texts."""


def note_array(cells: Cells, events: NDArray[np.void], strings: Strings) -> NDArray[np.void]:
    """NOTE records of answers in order of their owner, an index into ``events``, with the range of their scale."""
    notes = _answers(cells, strings)
    owners = pick(events, notes["owner"])
    for column, source in (("at_ms", "occurred_ms"), ("sequence", "sequence"), ("event_hash", "event_hash")):
        notes[column] = owners[source]
    return notes


def _answers(cells: Cells, strings: Strings) -> NDArray[np.void]:
    scales = cells["scale"]
    owners = [index for index, scale in enumerate(scales) if scale] if any(scales) else []
    notes = _notes(owners, NOTE_ANSWER)
    if owners:
        ranges = [_range(cells, index) for index in owners]
        notes["name"] = string_codes([scales[index] for index in owners], strings)
        notes["value"] = floats([cells["value"][index] for index in owners])
        notes["low"] = floats([low for low, _ in ranges])
        notes["high"] = floats([high for _, high in ranges])
    return notes


def _range(cells: Cells, index: int) -> tuple[float | None, float | None]:
    low, high = cells["scale_min"][index], cells["scale_max"][index]
    usual = SCALES[cells["scale"][index]]
    return usual if low is None and high is None and usual else scale_range(cells["scale"][index], low, high)


def measures(bags: Sequence[Mapping[str, float] | None], strings: Strings) -> Bags:
    """Measures of the rows."""
    given = [bag for bag in bags if bag]
    return Bags(_sizes(bags), _names(given, strings), floats(_values(given)))


def attributes(bags: Sequence[Mapping[str, str] | None], strings: Strings) -> Bags:
    """Attributes of the rows; their values are codes."""
    given = [bag for bag in bags if bag]
    return Bags(_sizes(bags), _names(given, strings), _codes(_values(given), strings))


def _sizes(bags: Sequence[Mapping[str, Any] | None]) -> NDArray[np.int64]:
    return np.fromiter([len(bag) if bag else 0 for bag in bags], np.int64, len(bags))


def _names(given: Sequence[Mapping[str, Any]], strings: Strings) -> NDArray[np.int32]:
    return _codes(list(chain.from_iterable(given)), strings)


def _values(given: Sequence[Mapping[str, Any]]) -> list[Any]:
    return list(chain.from_iterable([bag.values() for bag in given]))


def _codes(texts: Sequence[str], strings: Strings) -> NDArray[np.int32]:
    return np.fromiter(map(strings.__getitem__, texts), np.int32, len(texts))


def _notes(owners: Sequence[int], kind: int) -> NDArray[np.void]:
    notes = np.zeros(len(owners), dtype=NOTE)
    notes["owner"] = owners
    notes["kind"] = kind
    for column in ("value", "low", "high"):
        notes[column] = np.nan
    return notes
