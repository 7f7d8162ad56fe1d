"""From pages of totals to the series that are watched: scores and answers apart, each cell once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.aggregate import CELL
from pipeline.detect.machine import Customers
from pipeline.detect.pages import Page, scope_of
from pipeline.detect.policy import Watch, threshold
from pipeline.detect.series import Flags, Floats, Index, Scope, Series, distinct, identity
from pipeline.policy import DAY_MS
from pipeline.records import joined, pick

KINDS: Final = ("scores", "answers")
_FIELDS: Final = {
    "scores": ("n", "sum", "sumsq", "interactions", "customers"),
    "answers": ("answers", "answer_sum", "answer_sumsq", "answers", "answer_customers"),
}
_LINES: Final = 3


@dataclass(frozen=True, slots=True)
class Watched:
    """A series of distinct cells, and the cell of every scope, also of those that are the same as another."""

    series: Series
    place: Mapping[Scope, int]

    def time_ms(self, bucket: int, watch: Watch) -> int:
        """Start of a bucket of the series, epoch milliseconds."""
        return (self.series.first + bucket) * watch.width_ms


def watched(series: Series, watch: Watch) -> Watched | None:
    """Without cells of fewer observations than a baseline needs, and each cell once; None if nothing is left."""
    enough = np.flatnonzero(series.n.sum(axis=0).max(axis=1) >= watch.warm_up_observations)
    if not len(enough):
        return None
    known = series.take(enough)
    kept = distinct(known)
    keys = [identity(known, at) for at in range(len(known.scopes))]
    cell = {keys[at]: place for place, at in enumerate(kept)}
    return Watched(known.take(kept), {scope: cell[keys[at]] for at, scope in enumerate(known.scopes)})


def thresholds(series: Series, watch: Watch, false_alarm_days: float, grains: int) -> Floats:
    """A-priori threshold of every bucket and cell (b, c): by the lines of its class that are known by then.

    Leaves (two labels) and their parents are classes of their own.
    """
    leaf = np.array([scope.depth > 1 for scope in series.scopes])
    known = (np.cumsum(series.n, axis=0) >= watch.warm_up_observations) & _differing(series)
    limits = np.zeros(series.contacts.shape)
    for kind in (False, True):
        lines = known[:, leaf == kind].sum(axis=(1, 2))
        of = {count: threshold(count, watch, false_alarm_days, grains) for count in np.unique(lines).tolist()}
        limits[:, leaf == kind] = np.array([of[count] for count in lines.tolist()])[:, None]
    return limits


def _differing(series: Series) -> Flags:
    """Where a dimension (b, c, d) has differed from the first by then: answers to one question are one line."""
    other = (series.n != series.n[:, :, :1]) | (series.total != series.total[:, :, :1])
    differing = np.logical_or.accumulate(other, axis=0)
    differing[:, :, 0] = True
    return differing


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals of many buckets as rows: bucket number, scope and totals (dtype CELL) of each."""

    bucket: Index
    scope: Index
    rows: NDArray[Any]
    scopes: Sequence[Scope]

    def between(self, first: int, end: int) -> Totals:
        """Those of the buckets ``first`` to ``end - 1``."""
        part = (self.bucket >= first) & (self.bucket < end)
        if part.all():
            return self
        return Totals(self.bucket[part], self.scope[part], pick(self.rows, part), self.scopes)

    def stretches(self, most_empty: int) -> Iterator[tuple[int, int]]:
        """First bucket and end of the stretches without ``most_empty`` buckets in a row that hold nothing."""
        used = np.unique(self.bucket)
        cuts = np.flatnonzero(np.diff(used) > most_empty) + 1
        for part in np.split(used, cuts):
            if len(part):
                yield int(part[0]), int(part[-1]) + 1


class Gatherer:
    """Collects pages into totals; remembers what a cell's name means."""

    def __init__(self) -> None:
        self._known: dict[bytes, int] = {}
        self._scopes: dict[Scope, int] = {}

    def gather(self, pages: Iterator[tuple[int, Page]]) -> Totals:
        """``pages``: number of the bucket, and a page."""
        buckets, places, rows = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, CELL)]
        for bucket, page in pages:
            place = np.array([self._place(name) for name in page.names], np.int64)
            totals = page.totals
            used = (place >= 0) & (totals["interactions"] > 0)
            places.append(place[used])
            rows.append(pick(totals, used))
            buckets.append(np.full(len(places[-1]), bucket, np.int64))
        return Totals(np.concatenate(buckets), np.concatenate(places), joined(rows), tuple(self._scopes))

    def _place(self, name: bytes) -> int:
        known = self._known.get(name)
        if known is None:
            scope = scope_of(name)
            known = -1 if scope is None else self._scopes.setdefault(scope, len(self._scopes))
            self._known[name] = known
        return known


def series_of(totals: Totals, kind: str, first: int, end: int) -> Series | None:
    """The series of the buckets ``first`` to ``end - 1``; None if no cell has anything of this kind."""
    part = totals.between(first, end)
    contacts = part.rows[_FIELDS[kind][3]].astype(np.float64)
    contacts = contacts.max(axis=1) if contacts.ndim > 1 else contacts
    used = np.unique(part.scope[contacts > 0])
    if not len(used):
        return None
    scopes = [totals.scopes[at] for at in used.tolist()]
    order = sorted(range(len(scopes)), key=lambda at: (scopes[at].depth, scopes[at]))
    place = np.full(len(totals.scopes), -1, np.int64)
    place[used[order]] = np.arange(len(order))
    shape = (end - first, len(order))
    at = (part.bucket - first) * shape[1] + place[part.scope]
    chosen = place[part.scope] >= 0
    flat = [_summed(values, at, chosen, shape) for values in (contacts, part.rows[_FIELDS[kind][4]])]
    cubes = [
        np.stack([_summed(part.rows[name][:, line], at, chosen, shape) for line in range(_LINES)], axis=2)
        for name in _FIELDS[kind][:3]
    ]
    inside = np.maximum(cubes[2] - cubes[1] ** 2 / np.maximum(cubes[0], 1), 0.0)
    inside[cubes[0] < 2] = 0.0
    return Series(first, tuple(scopes[one] for one in order), cubes[0], cubes[1], inside, *flat)


def _summed(values: NDArray[Any], at: Index, chosen: NDArray[np.bool_], shape: tuple[int, int]) -> Floats:
    if not chosen.all():
        at, values = at[chosen], values[chosen]
    return np.asarray(np.bincount(at, values, shape[0] * shape[1]).reshape(shape))


def bounded_customers(given: Watched, watch: Watch, days: Totals, kind: str) -> Customers:
    """At most so many distinct customers a cell had over buckets: theirs added, but within a day at most the day's own.

    ``days`` are totals of whole days, numbered from the epoch.
    """
    series = given.series
    per_day: dict[tuple[int, int], int] = {}
    values = days.rows[_FIELDS[kind][-1]]
    for day, scope, count in zip(days.bucket.tolist(), days.scope.tolist(), values.tolist(), strict=True):
        cell = given.place.get(days.scopes[scope])
        if cell is not None:
            per_day[cell, day] = per_day.get((cell, day), 0) + count
    summed = np.vstack([np.zeros((1, series.shape[1])), series.customers.cumsum(axis=0)])

    def bound(cell: int, first: int, last: int) -> int:
        people, bucket = 0, first
        while bucket <= last:
            day = given.time_ms(bucket, watch) // DAY_MS
            end = min((day + 1) * DAY_MS // watch.width_ms - series.first, last + 1)
            added = int(summed[end, cell] - summed[bucket, cell])
            people += min(added, per_day.get((cell, day), added))
            bucket = end
        return people

    return bound
