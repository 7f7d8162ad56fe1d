"""Features of interactions: what a predictor looks at, from facts and their notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline import carried
from pipeline.model import Model
from pipeline.predictor import (
    ATTRIBUTES,
    CAUSE,
    FIELDS,
    MEASURES,
    SIGNALS,
    Column,
    Flags,
    Floats,
    Prediction,
    Predictor,
)
from pipeline.records import NOTE, NOTE_ATTRIBUTE, NOTE_MEASURE, ONE_WAY
from pipeline.signals import Effect, discover
from pipeline.signals._base import has_type, type_bits
from pipeline.strings import Strings
from schemas.event import EVENT_TYPES

_ASKED_ONLY: Final = type_bits("answer")
_ANSWER: Final = EVENT_TYPES.index("answer")


def predict(
    facts: NDArray[Any],
    closed: Flags,
    notes: NDArray[Any],
    strings: Strings,
    predictor: Predictor,
    effects: Mapping[str, Effect],
) -> Prediction:
    """What the features of each interaction and its journey so far say (``facts`` of dtype PIECE, shape (n,)).

    Of journeys it is what ``notes`` carry from earlier interactions (``pipeline.trail``). Answers bring no features.
    What a feature's event types did not bring counts as missing once the interaction is ``closed``, and everything
    does that is not known of a journey that was asked about. ``effects`` are the model's signals; one counts before
    the interaction is closed where it is final.
    """
    columns = own_columns(facts, closed, notes, strings, predictor, effects)
    missing = {
        source: closed & has_type(facts, type_bits(*feature.types)) for source, feature in predictor.features.items()
    }
    some = acted(facts)
    if predictor.journey_wide:
        before = carried.read(notes, notes["owner"].astype(np.int64), len(facts), predictor, strings)
        late = before.missing(predictor, before.bits | facts["types"] & carried.ASKED)
        missing = {source: flags | late[source] for source, flags in missing.items()}
        columns = {source: _filled(column, before.values[source], strings) for source, column in columns.items()}
        some = some | before.happened
    said = predictor.predict(columns, missing)
    told = some[:, np.newaxis]
    return Prediction(np.where(told, said.shift, 0.0), said.explained * told)


def own_columns(
    facts: NDArray[Any],
    closed: Flags,
    notes: NDArray[Any],
    strings: Strings,
    predictor: Predictor,
    effects: Mapping[str, Effect],
) -> dict[str, Column]:
    """Features that each interaction brought itself; unknown of those that hold answers only."""
    silent = ~acted(facts)
    found: dict[str, Column] = {}
    for source in predictor.features:
        values = carried.plain(_column(source, facts, closed, notes, strings, effects)).copy()
        values[silent] = np.nan if values.dtype == np.float64 else 0
        found[source] = carried.as_column(values, strings)
    return found


def _filled(column: Column, before: NDArray[Any], strings: Strings) -> Column:
    """The feature, and where it is not known what it was ``before``."""
    values = carried.plain(column)
    return carried.as_column(np.where(carried.known(values), values, before), strings)


def acted(facts: NDArray[Any]) -> Flags:
    """Two-way interactions in which something else happened than answers, shape (n,)."""
    return np.asarray(((facts["types"] & ~_ASKED_ONLY) != 0) & (facts["grouping"] != ONE_WAY))


def _column(
    source: str,
    facts: NDArray[Any],
    closed: Flags,
    notes: NDArray[Any],
    strings: Strings,
    effects: Mapping[str, Effect],
) -> Column:
    """The feature of every fact, shape (n,)."""
    if source.startswith(SIGNALS):
        return _level(source.removeprefix(SIGNALS), facts, closed, effects)
    if source.startswith(MEASURES):
        measured: Floats = _noted(NOTE_MEASURE, source.removeprefix(MEASURES), facts, notes, strings)["value"]
        return measured
    if source.startswith(ATTRIBUTES):
        codes = _noted(NOTE_ATTRIBUTE, source.removeprefix(ATTRIBUTES), facts, notes, strings)["text"]
        return strings.texts(codes)
    if source in FIELDS:
        return strings.texts(facts[source])
    values: Floats = facts[source].astype(np.float64)
    return np.where(values < 0, np.nan, values) if source in {"severity", "transfers"} else values


def _level(name: str, facts: NDArray[Any], closed: Flags, effects: Mapping[str, Effect]) -> Floats:
    signal = discover()[name]
    level = signal.observed(facts)
    known = signal.applies(facts) & (closed | (effects[name].at_once(level) if name in effects else False))
    return np.where(known, level, np.nan)


def _noted(kind: int, name: str, facts: NDArray[Any], notes: NDArray[Any], strings: Strings) -> NDArray[Any]:
    """The last note of a name per fact, as NOTE records; value NaN and text 0 where there is none."""
    found = np.zeros(len(facts), dtype=NOTE)
    found["value"] = np.nan
    code = strings.get(name)
    if code is not None:
        rows = notes[(notes["kind"] == kind) & (notes["name"] == code)]
        rows = rows[np.lexsort((rows["event_hash"], rows["sequence"], rows["at_ms"]))]
        for column in ("value", "text"):
            found[column][rows["owner"]] = rows[column]
    return found


def cause_shift(facts: NDArray[Any], closed: Flags, notes: NDArray[Any], strings: Strings, model: Model) -> Floats:
    """What a predictor of causes adds to the score of each interaction alone, points, shape (n, 3)."""
    if model.predictor is None or model.predictor.role != CAUSE:
        return np.zeros((len(facts), 3))
    two_way = np.asarray(facts["grouping"] != ONE_WAY)
    return predict(facts, closed & two_way, notes, strings, model.predictor, model.effects).shift


def noted(decoded: Any, strings: Strings, predictor: Predictor) -> NDArray[Any]:
    """NOTE records of the measures and attributes of ``decoded`` that the predictor names; owner = its event."""
    parts = []
    for kind, prefix, bags in (
        (NOTE_MEASURE, MEASURES, decoded.measures),
        (NOTE_ATTRIBUTE, ATTRIBUTES, decoded.attributes),
    ):
        names = [one.removeprefix(prefix) for one in predictor.features if one.startswith(prefix)]
        wanted = [strings[name] for name in names if name in strings]
        brought = np.repeat(decoded.events["type"] != _ANSWER, bags.sizes)  # no answer explains itself
        rows = np.flatnonzero(np.isin(bags.keys.codes, wanted) & brought)
        found = np.zeros(len(rows), dtype=NOTE)
        found["owner"] = np.repeat(np.arange(len(bags.sizes)), bags.sizes)[rows]
        found["kind"], found["name"] = kind, bags.keys.codes[rows]
        found["value"], found["low"], found["high"] = np.nan, np.nan, np.nan
        if kind == NOTE_MEASURE:
            found["value"] = bags.values[rows]
        else:
            found["text"] = bags.values.codes[rows]
        parts.append(found)
    notes = np.concatenate(parts)
    events = decoded.events[notes["owner"]]
    for column, source in (("at_ms", "occurred_ms"), ("sequence", "sequence"), ("event_hash", "event_hash")):
        notes[column] = events[source]
    return notes
