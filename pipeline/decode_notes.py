"""What an event brings any number of: notes of its answers, and its bags of measures and attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.decode_columns import NUMBERS, OTHER_TEXTS, Chunk, numbers_of, string_codes
from pipeline.records import NOTE, NOTE_ANSWER, pick
from pipeline.strings import Strings
from schemas.event import SCALES

_SCALE: Final = OTHER_TEXTS.index("scale")
_VALUE, _LOW, _HIGH = (NUMBERS.index(name) for name in ("value", "scale_min", "scale_max"))


class Bags(NamedTuple):
    """Entries of a field that holds small maps, one row after the other."""

    sizes: NDArray[np.int64]
    """Entries per row."""
    names: NDArray[np.int32]
    """Codes of the names."""
    values: NDArray[Any]
    """Numbers, or codes of texts."""


def note_array(chunk: Chunk, events: NDArray[np.void], strings: Strings) -> NDArray[np.void]:
    """NOTE records of answers in order of their owner, an index into ``events``, with the range of their scale."""
    scale = chunk.other_texts[_SCALE]
    answers = np.flatnonzero(scale)
    notes = np.zeros(len(answers), dtype=NOTE)
    notes["owner"], notes["kind"], notes["name"] = chunk.rich[answers], NOTE_ANSWER, scale[answers]
    notes["value"] = chunk.numbers[_VALUE, answers]
    low, high = chunk.numbers[_LOW, answers], chunk.numbers[_HIGH, answers]
    for name, usual in SCALES.items():
        if usual is not None:
            asked = notes["name"] == strings.get(name, -1)
            low[asked & np.isnan(low)], high[asked & np.isnan(high)] = usual
    notes["low"], notes["high"] = low, high
    owners = pick(events, notes["owner"])
    for column, source in (("at_ms", "occurred_ms"), ("sequence", "sequence"), ("event_hash", "event_hash")):
        notes[column] = owners[source]
    return notes


def measures(bags: Sequence[Mapping[str, float] | None], strings: Strings) -> Bags:
    """Measures of the rows."""
    given = list(filter(None, bags))
    sizes = _sizes(bags)
    count = int(sizes.sum())
    return Bags(sizes, _names(given, count, strings), numbers_of(_values(given), count))


def attributes(bags: Sequence[Mapping[str, str] | None], strings: Strings) -> Bags:
    """Attributes of the rows; their values are codes."""
    given = list(filter(None, bags))
    sizes = _sizes(bags)
    count = int(sizes.sum())
    return Bags(sizes, _names(given, count, strings), string_codes(_values(given), count, strings))


def _sizes(bags: Sequence[Mapping[str, Any] | None]) -> NDArray[np.int64]:
    return np.fromiter([len(bag) if bag else 0 for bag in bags], np.int64, len(bags))


def _names(given: Sequence[Mapping[str, Any]], count: int, strings: Strings) -> NDArray[np.int32]:
    return string_codes(chain.from_iterable(given), count, strings)


def _values(given: Sequence[Mapping[str, Any]]) -> chain[Any]:
    return chain.from_iterable(map(dict.values, given))  # type: ignore[arg-type]
