"""What an interaction has from earlier ones of its journey, as notes: features, and the step that they come from.

A feature is a note named by its source; what was known just before the interaction beside features is one more note,
without a name: when something last happened, to whom, and which types of events could have brought what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.batch import Texts
from pipeline.predictor import Column, Flags, Floats, Levels, Predictor
from pipeline.records import NOTE, NOTE_CARRIED
from pipeline.signals._base import type_bits
from pipeline.strings import Strings

Records = NDArray[Any]
Index = NDArray[np.int64]
Codes = NDArray[np.int32]

ASKED: Final = type_bits("answer")
"""Bit of journeys that were asked about: what is not known of them then is missing."""
_STEP: Final = 0


@dataclass(frozen=True, slots=True)
class Carried:
    """What was known before each of some interactions, shape (n,) each."""

    end_ms: Floats
    """When something last happened; NaN = nothing did."""
    start_ms: Index
    """When the interaction began in which it happened."""
    segment: Codes
    bits: NDArray[np.uint32]
    """Types of the events that could have brought a feature, of interactions that were over, and :data:`ASKED`."""
    foreign: Flags
    """From another journey: that of what the customer did last."""
    values: dict[str, Floats | Codes]
    """By source: numbers (NaN = not known) or codes of texts (0 = not known)."""
    since_ms: dict[str, Index]
    """By source: when the interaction began that brought it."""

    @classmethod
    def nothing(cls, count: int, predictor: Predictor) -> Carried:
        """Nothing known of ``count`` interactions."""
        return cls(
            end_ms=np.full(count, np.nan),
            start_ms=np.zeros(count, np.int64),
            segment=np.zeros(count, np.int32),
            bits=np.zeros(count, np.uint32),
            foreign=np.zeros(count, np.bool_),
            values={
                source: np.zeros(count, np.int32) if isinstance(feature, Levels) else np.full(count, np.nan)
                for source, feature in predictor.features.items()
            },
            since_ms={source: np.zeros(count, np.int64) for source in predictor.features},
        )

    @property
    def happened(self) -> Flags:
        """Whether there was anything before, shape (n,)."""
        return ~np.isnan(self.end_ms)

    def put(self, rows: Flags, other: Carried) -> None:
        """Put the ``rows`` of ``other`` in place of these."""
        for mine, its in (
            *((getattr(self, name), getattr(other, name)) for name in _PLAIN),
            *((self.values[source], other.values[source]) for source in self.values),
            *((self.since_ms[source], other.since_ms[source]) for source in self.values),
        ):
            mine[rows] = its[rows]

    def columns(self, strings: Strings) -> dict[str, Column]:
        """Features as a predictor takes them."""
        return {source: as_column(values, strings) for source, values in self.values.items()}

    def missing(self, predictor: Predictor, bits: NDArray[np.uint32] | None = None) -> dict[str, Flags]:
        """Where a feature that is not known is known to be missing."""
        seen = self.bits if bits is None else bits
        return {
            source: (seen & (type_bits(*feature.types) | ASKED)) != 0 for source, feature in predictor.features.items()
        }


_PLAIN: Final = ("end_ms", "start_ms", "segment", "bits", "foreign")


def known(values: Floats | Codes) -> Flags:
    """Where a feature is known, shape (n,)."""
    return ~np.isnan(values) if values.dtype == np.float64 else np.asarray(values != 0)


def as_column(values: Floats | Codes, strings: Strings) -> Column:
    """Values, or codes of texts, as a column of a predictor."""
    return strings.texts(values.astype(np.int32)) if values.dtype == np.int32 else values.astype(np.float64, copy=False)


def plain(column: Column) -> Floats | Codes:
    """A column of a predictor as values, or as codes of texts."""
    return column.codes.astype(np.int32) if isinstance(column, Texts) else column


def read(notes: Records, row: Index, count: int, predictor: Predictor, strings: Strings) -> Carried:
    """From notes (dtype NOTE) to what they say of ``count`` rows; ``row`` (notes,) is -1 for those of no row."""
    found = Carried.nothing(count, predictor)
    chosen = np.flatnonzero((notes["kind"] == NOTE_CARRIED) & (row >= 0))
    own, row = notes[chosen], row[chosen]
    steps = own["name"] == _STEP
    at, step = row[steps], own[steps]
    found.end_ms[at], found.start_ms[at], found.segment[at] = step["value"], step["at_ms"], step["text"]
    found.bits[at], found.foreign[at] = step["low"].astype(np.uint32), step["high"] > 0
    for source, values in found.values.items():
        code = strings.get(source)
        named = np.flatnonzero(own["name"] == code) if code is not None else np.zeros(0, np.int64)
        values[row[named]] = own["value" if values.dtype == np.float64 else "text"][named]
        found.since_ms[source][row[named]] = own["at_ms"][named]
    return found


def write(found: Carried, rows: Index, strings: Strings) -> Records:
    """Notes (dtype NOTE) of the ``rows``, whose owners are the rows."""
    rows = rows[found.happened[rows] | (found.bits[rows] != 0)]
    steps = np.zeros(len(rows), NOTE)
    steps["owner"], steps["kind"], steps["name"] = rows, NOTE_CARRIED, _STEP
    steps["value"], steps["low"], steps["high"] = found.end_ms[rows], found.bits[rows], found.foreign[rows]
    steps["text"], steps["at_ms"] = found.segment[rows], found.start_ms[rows]
    parts = [steps]
    for source, values in found.values.items():
        own = rows[known(values[rows])]
        made = np.zeros(len(own), NOTE)
        made["owner"], made["kind"], made["name"] = own, NOTE_CARRIED, strings[source]
        made["value" if values.dtype == np.float64 else "text"] = values[own]
        made["at_ms"] = found.since_ms[source][own]
        parts.append(made)
    return np.concatenate(parts)
