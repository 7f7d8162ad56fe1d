"""Features along journeys: each known value at the event that brought it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.batch import Texts
from pipeline.policy import Policy
from pipeline.predictor import Column, Levels, kinds_of

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
_RECENT_MS: Final = Policy().journey_gap_ms


@dataclass(frozen=True, slots=True)
class Track:
    """One feature: its value at the events ``rows`` (ascending) that know it; it holds until the next of them."""

    rows: Index
    values: Floats | Texts
    types: tuple[str, ...]
    """Event types that bring it."""

    def in_order(self, journey: Index, begun: Index) -> Track:
        """By the rule of ``pipeline.trail``: what an interaction says does not replace what one that began later said.

        ``journey`` and ``begun`` are over all events: ascending codes of journeys, and the place of the interaction.
        """
        place = journey[self.rows] * (int(begun.max()) + 1) + begun[self.rows]
        kept = np.flatnonzero(place == np.maximum.accumulate(place)) if len(place) else np.zeros(0, np.int64)
        values = self.values
        chosen = Texts(values.codes[kept], values.dictionary) if isinstance(values, Texts) else values[kept]
        return Track(self.rows[kept], chosen, self.types)

    def place(self, position: Index, begin: Index) -> Index:
        """Which of ``rows`` holds at events ``position`` (-1 = none) of journeys that begin at ``begin``; -1 = none."""
        place = np.searchsorted(self.rows, position, "right") - 1
        known = place >= 0
        known[known] = self.rows[place[known]] >= begin[known]
        return np.where(known, place, -1)

    def at(self, position: Index, begin: Index) -> Column:
        """The feature at events ``position`` (-1 = none) of journeys that begin at events ``begin``."""
        place = self.place(position, begin)
        known = place >= 0
        if isinstance(self.values, Texts):
            codes = np.zeros(len(position), np.int64)
            codes[known] = self.values.codes[place[known]] + 1
            return Texts(codes, np.concatenate((np.array([""], dtype=object), self.values.dictionary)))
        found = np.full(len(position), np.nan)
        found[known] = self.values[place[known]]
        return found


def _last_of(group: Index, at_ms: Index, asked: Index, asked_ms: Index) -> Index:
    """The last row of each group asked for (-1 = unknown) up to a moment; rows are in order of (group, time)."""
    start = min(int(at_ms.min()), int(asked_ms.min(initial=at_ms.min())))
    span = max(int(at_ms.max()), int(asked_ms.max(initial=at_ms.max()))) - start + 1
    found = np.searchsorted(group * span + (at_ms - start), asked * span + (asked_ms - start), "right") - 1
    return np.where((found >= 0) & (asked >= 0) & (group[found] == asked), found, -1)


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
    people: Mapping[str, int]
    """Customer id -> code."""
    person: Index
    """Code of the customer of each event, shape (e,)."""
    bits: NDArray[np.uint32]
    """The type of each event, as a bit."""

    @classmethod
    def of(
        cls,
        keys: Sequence[tuple[str, str]],
        at_ms: Index,
        tracks: Mapping[str, Track],
        bits: NDArray[np.uint32] | None = None,
    ) -> Journal:
        """Of events with these (customer id, journey key) in order; without ``bits`` they are of every type."""
        codes: dict[tuple[str, str], int] = {}
        people: dict[str, int] = {}
        journey = np.array([codes.setdefault(key, len(codes)) for key in keys], np.int64)
        person = np.array([people.setdefault(name, len(people)) for name, _ in keys], np.int64)
        kinds = np.full(len(keys), np.uint32(0xFFFFFFFF)) if bits is None else bits
        return cls(journey, codes, at_ms, tracks, people, person, kinds)

    def __len__(self) -> int:
        return len(self.journey)

    def before(self, journey: Index, person: Index, at_ms: Index) -> Index:
        """The last event of each journey up to a moment; -1 where there is none.

        An answer in a journey of its own is about what the customer did last, if that is not longer ago than a journey
        lasts. Codes are -1 where they are not known.
        """
        if not len(self):
            return np.full(len(journey), -1)
        own = _last_of(self.journey, self.at_ms, journey, at_ms)
        order = np.lexsort((self.at_ms, self.person))
        last = _last_of(self.person[order], self.at_ms[order], person, at_ms)
        last = np.where(last >= 0, order[last], -1)
        recent = (last >= 0) & (at_ms - self.at_ms[last] <= _RECENT_MS)
        return np.where(own >= 0, own, np.where(recent, last, -1))

    def last(self) -> Index:
        """The last event of every journey."""
        return np.flatnonzero(np.append(self.journey[1:] != self.journey[:-1], True)) if len(self) else self.journey

    def types(self) -> NDArray[np.uint32]:
        """Bits of all types of events of every journey."""
        first = np.flatnonzero(np.append(True, self.journey[1:] != self.journey[:-1])) if len(self) else self.journey
        return np.asarray(np.bitwise_or.reduceat(self.bits, first)) if len(self) else self.bits

    def columns(self, position: Index, wanted: Mapping[str, object] | None = None) -> dict[str, Column]:
        """Features at events, shape (len(position),) each; of ``wanted`` sources, else of all."""
        begin = self._begin(position)
        return {name: self._column(name, position, begin) for name in (self.tracks if wanted is None else wanted)}

    def sources(self, position: Index, name: str) -> Index:
        """The event that each value of a feature at events comes from, shape (len(position),); -1 = none."""
        if name not in self.tracks:
            return np.full(len(position), -1)
        track = self.tracks[name]
        place = track.place(position, self._begin(position))
        return np.where(place >= 0, track.rows[place], -1)

    def _begin(self, position: Index) -> Index:
        """The first event of the journey of each event; beyond the end for none."""
        begin = np.searchsorted(self.journey, self.journey[position]) if len(self) else np.zeros_like(position)
        return np.where(position >= 0, begin, len(self))

    def _column(self, name: str, position: Index, begin: Index) -> Column:
        if name in self.tracks:
            return self.tracks[name].at(position, begin)
        return Texts.constant("", len(position)) if Levels in kinds_of(name) else np.full(len(position), np.nan)
