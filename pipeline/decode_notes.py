"""Notes of events: answers, measures and attributes, of which an event brings any number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.decode_columns import Cells, floats, string_codes
from pipeline.records import NOTE, NOTE_ANSWER, NOTE_ATTRIBUTE, NOTE_MEASURE
from pipeline.strings import Strings
from schemas.event import SCALES, scale_range


def note_array(cells: Cells, events: NDArray[np.void], strings: Strings) -> NDArray[np.void]:
    """NOTE records in order of their owner, an index into ``events``. Answers carry the range of their scale."""
    parts = (_answers(cells, strings), _measures(cells["measures"], strings), _attributes(cells["attributes"], strings))
    given = [part for part in parts if len(part)]
    if not given:
        return np.zeros(0, dtype=NOTE)
    notes = given[0] if len(given) == 1 else np.concatenate(given)
    notes = notes[np.argsort(notes["owner"], kind="stable")]
    owners = events[notes["owner"]]
    notes["at_ms"], notes["sequence"], notes["event_hash"] = (
        owners["occurred_ms"],
        owners["sequence"],
        owners["event_hash"],
    )
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


def _measures(bags: Sequence[Mapping[str, float] | None], strings: Strings) -> NDArray[np.void]:
    notes, names, values = _entries(bags, NOTE_MEASURE)
    notes["name"] = string_codes(names, strings)
    notes["value"] = floats(values)
    return notes


def _attributes(bags: Sequence[Mapping[str, str] | None], strings: Strings) -> NDArray[np.void]:
    notes, names, values = _entries(bags, NOTE_ATTRIBUTE)
    notes["name"] = string_codes(names, strings)
    notes["text"] = string_codes(values, strings)
    return notes


def _entries(bags: Sequence[Mapping[str, Any] | None], kind: int) -> tuple[NDArray[np.void], list[str], list[Any]]:
    owners: list[int] = []
    names: list[str] = []
    values: list[Any] = []
    if any(bags):
        for index, bag in enumerate(bags):
            if bag:
                owners += [index] * len(bag)
                names += bag.keys()
                values += bag.values()
    return _notes(owners, kind), names, values


def _notes(owners: Sequence[int], kind: int) -> NDArray[np.void]:
    notes = np.zeros(len(owners), dtype=NOTE)
    notes["owner"] = owners
    notes["kind"] = kind
    for column in ("value", "low", "high"):
        notes[column] = np.nan
    return notes
