"""Features along journeys: each known value at the event that brought it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.batch import Texts
from pipeline.predictor import Column, Levels, kinds_of

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Track:
    """One feature: its value at the events ``rows`` (ascending) that know it; it holds until the next of them."""

    rows: Index
    values: Floats | Texts
    types: tuple[str, ...]
    """Event types that bring it."""

    def at(self, position: Index, begin: Index) -> Column:
        """The feature at events ``position`` (-1 = none) of journeys that begin at events ``begin``."""
        place = np.searchsorted(self.rows, position, "right") - 1
        known = place >= 0
        known[known] = self.rows[place[known]] >= begin[known]
        if isinstance(self.values, Texts):
            codes = np.zeros(len(position), np.int64)
            codes[known] = self.values.codes[place[known]] + 1
            return Texts(codes, np.concatenate((np.array([""], dtype=object), self.values.dictionary)))
        found = np.full(len(position), np.nan)
        found[known] = self.values[place[known]]
        return found


@dataclass(frozen=True, slots=True)
class Journal:
    """Events that are no answers, in order of (journey, time), shape (e,), and the features along them."""

    journey: Index
    """Ascending codes of journeys."""
    codes: Mapping[tuple[str, str], int]
    """(customer id, journey key) -> code."""
    at_ms: Index
    tracks: Mapping[str, Track]
    """By source, as in ``pipeline.predictor``."""

    def __len__(self) -> int:
        return len(self.journey)

    def before(self, journey: Index, at_ms: Index) -> Index:
        """The last event of each journey (-1 = unknown journey) up to a moment, -1 where there is none."""
        if not len(self):
            return np.full(len(journey), -1)
        start = min(int(self.at_ms.min()), int(at_ms.min(initial=self.at_ms.min())))
        span = max(int(self.at_ms.max()), int(at_ms.max(initial=self.at_ms.max()))) - start + 1
        place = np.searchsorted(self.journey * span + (self.at_ms - start), journey * span + (at_ms - start), "right")
        found = place - 1
        return np.where((found >= 0) & (journey >= 0) & (self.journey[found] == journey), found, -1)

    def last(self) -> Index:
        """The last event of every journey."""
        return np.flatnonzero(np.append(self.journey[1:] != self.journey[:-1], True)) if len(self) else self.journey

    def columns(self, position: Index, wanted: Mapping[str, object] | None = None) -> dict[str, Column]:
        """Features at events, shape (len(position),) each; of ``wanted`` sources, else of all."""
        begin = np.searchsorted(self.journey, self.journey[position]) if len(self) else np.zeros_like(position)
        begin = np.where(position >= 0, begin, len(self))
        return {name: self._column(name, position, begin) for name in (self.tracks if wanted is None else wanted)}

    def _column(self, name: str, position: Index, begin: Index) -> Column:
        if name in self.tracks:
            return self.tracks[name].at(position, begin)
        return Texts.constant("", len(position)) if Levels in kinds_of(name) else np.full(len(position), np.nan)
