"""From evidence to alerts: ok → pending → firing → recovering → resolved, and no_data beside them.

Resolving needs its own evidence (hysteresis), enough observations and buckets; a resolved cell cools down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from pipeline.detect.baseline import Expected
from pipeline.detect.detectors import Detector, Seen
from pipeline.detect.policy import CAP_ABOVE, Watch
from pipeline.detect.series import Flags, Floats, Index

STATES: Final = ("ok", "no_data", "pending", "firing", "recovering", "resolved")
OK, NO_DATA, PENDING, FIRING, RECOVERING, RESOLVED = range(len(STATES))

_HUGE: Final = 1e300
"""A threshold that nothing reaches may be infinite; a share of it is none."""

Customers = Callable[[int, int, int], int]
"""Distinct customers of a cell over its buckets ``first`` to ``last``."""


@dataclass(slots=True)
class Alert:
    """One alert of one cell; times are buckets of the series."""

    detector: str
    cell: int
    line: int
    since: int
    fired: int
    size: float
    """Points fallen, or how many times the usual contacts, from ``since`` to ``fired``."""
    evidence: float
    customers: int
    ended: int | None = None
    reason: str = ""
    escalated: list[tuple[int, float]] = field(default_factory=list)
    """Buckets in which it was found to be twice as bad, and its size from then on."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of a cell's state at the end of a bucket."""

    bucket: int
    cell: int
    detector: str
    before: str
    after: str
    since: int
    """Bucket from which the evidence grew."""
    line: int
    evidence: float


class Machine:
    """States of all cells (c,) for one detector; a pure function of the buckets that it was given."""

    def __init__(self, detector: Detector, watch: Watch, thresholds: Floats, shape: tuple[int, int, int]) -> None:
        buckets, cells, dimensions = shape
        self.name, self.watch, self.thresholds = detector.name, watch, thresholds
        self.evidence = detector.start(cells, dimensions)
        lines = self.evidence.level.shape[2]
        self.weight, self.distance = np.zeros((buckets, cells, lines)), np.zeros((buckets, cells, lines))
        self.state = np.full(cells, NO_DATA)
        self.alert: list[Alert | None] = [None] * cells
        self.line, self.size = np.zeros(cells, np.int64), np.ones(cells)
        self.returning = np.zeros((4, cells))  # evidence, observations, distance, buckets
        self.worsening, self.worse_since = np.zeros(cells), np.zeros(cells, np.int64)
        self.quiet_until = np.zeros(cells, np.int64)
        self.alerts: list[Alert] = []
        self.transitions: list[Transition] = []

    @property
    def alerting(self) -> Flags:
        """Cells with an open alert."""
        return np.asarray((self.state == FIRING) | (self.state == RECOVERING))

    def step(self, bucket: int, seen: Seen, expected: Expected, live: Flags, customers: Customers) -> Index:
        """Take a bucket; returns the cells whose alert was closed by it. ``live`` (c, d): what may count."""
        before = self.state.copy()
        self.weight[bucket], self.distance[bucket] = self.evidence.measure(seen, expected)
        some = np.asarray(live.any(axis=1))
        lines = live if self.evidence.level.shape[2] > 1 else some[:, None]
        self.evidence.update(bucket, seen, expected, lines, self.thresholds + CAP_ABOVE, self._most(seen))
        closed = self._follow(bucket, seen, expected)
        self._idle(bucket, some, customers)
        self._record(bucket, before)
        return closed

    def _most(self, seen: Seen) -> Floats | None:
        """What a bucket may add: of fewer customers than an alert needs, no more than their share of the threshold."""
        if seen.customers is None:
            return None
        share = seen.customers / self.watch.customers
        return np.where(share < 1, np.minimum(share, 1) * np.minimum(self.thresholds, _HUGE), np.inf)

    def _record(self, bucket: int, before: Index) -> None:
        changed = np.flatnonzero(before != self.state)
        if len(changed):
            strength, left, line = self.evidence.strongest()
            for cell in changed.tolist():
                was, now = STATES[before[cell]], STATES[self.state[cell]]
                since, on, found = int(left[cell]), int(line[cell]), float(strength[cell])
                self.transitions.append(Transition(bucket, cell, self.name, was, now, since, on, found))

    def _idle(self, bucket: int, live: Flags, customers: Customers) -> None:
        """Cells without an open alert: warm up, cool down, become suspicious, fire."""
        state, strength = self.state, self.evidence.strongest()[0]
        state[(state == RESOLVED) & (bucket >= self.quiet_until)] = OK
        state[((state == OK) | (state == PENDING)) & ~live] = NO_DATA
        state[(state == NO_DATA) & live] = OK
        state[(state == OK) & (strength >= self.thresholds / 2)] = PENDING
        state[(state == PENDING) & (strength < self.thresholds / 4)] = OK
        for cell in np.flatnonzero((state == PENDING) & (strength >= self.thresholds)):
            self._fire(bucket, int(cell), customers)

    def _fire(self, bucket: int, cell: int, customers: Customers) -> None:
        strength, left, line = (values[cell] for values in self.evidence.strongest())
        people = customers(cell, int(left), bucket)
        if people < self.watch.customers:
            return
        since = self._began(cell, int(line), int(left), bucket)
        people = customers(cell, since, bucket) if since > left else people
        size = self._size(cell, int(line), since, bucket)
        alert = Alert(self.name, cell, int(line), since, bucket, size, float(strength), people)
        self.state[cell], self.alert[cell] = FIRING, alert
        self.line[cell], self.size[cell] = line, size
        self.returning[:, cell], self.worsening[cell], self.worse_since[cell] = 0.0, 0.0, bucket + 1
        self.alerts.append(alert)

    def _began(self, cell: int, line: int, first: int, last: int) -> int:
        """The most likely beginning from bucket ``first`` on, whatever the size.

        Evidence for a small fall may have lingered since long before the large one that fires.
        """
        weight, distance = (
            part[first : last + 1, cell, line][::-1].cumsum()[::-1] for part in (self.weight, self.distance)
        )
        return first + int(self.evidence.likelihood(weight, distance).argmax())

    def _size(self, cell: int, line: int, first: int, last: int) -> float:
        part = slice(first, last + 1)
        weight = self.weight[part, cell, line].sum()
        return float(max(self.distance[part, cell, line].sum() / max(weight, 1e-9), self.evidence.smallest))

    def _follow(self, bucket: int, seen: Seen, expected: Expected) -> Index:
        """Open alerts: are they over, or worse?"""
        open_ = self.alerting
        if not open_.any():
            return np.zeros(0, np.int64)
        self._worsen(bucket, open_, self.evidence.further(seen, expected, self.size, self.line))
        over = self._return(bucket, open_, self.evidence.back(seen, expected, self.size, self.line))
        for cell in np.flatnonzero(open_):
            alert = self.alert[cell]
            stale = alert is not None and bucket - alert.fired >= self.watch.window
            if alert is not None and (over[cell] or stale):
                alert.ended, alert.reason = bucket, "back to usual" if over[cell] else "this is the new usual"
        closed = np.array([c for c in np.flatnonzero(open_) if (a := self.alert[c]) and a.ended is not None], np.int64)
        chosen = np.isin(np.arange(len(open_)), closed)
        self.state[chosen] = RESOLVED
        self.quiet_until[chosen] = bucket + self.watch.cooldown
        self.evidence.reset(chosen, bucket)
        return closed

    def _worsen(self, bucket: int, open_: Flags, step: Floats) -> None:
        self.worsening = np.where(open_, np.maximum(self.worsening + step, 0.0), 0.0)
        self.worse_since = np.where(self.worsening > 0, self.worse_since, bucket + 1)
        for cell in np.flatnonzero(open_ & (self.worsening >= self.thresholds)):
            if (alert := self.alert[cell]) is not None:
                size = self._size(int(cell), alert.line, int(self.worse_since[cell]), bucket)
                alert.escalated.append((bucket, size))
                self.size[cell], self.worsening[cell] = size, 0.0

    def _return(self, bucket: int, open_: Flags, step: Floats) -> Flags:
        """Evidence to be back; where it is complete."""
        cells = np.arange(len(open_))
        weight, distance = self.weight[bucket, cells, self.line], self.distance[bucket, cells, self.line]
        evidence = np.where(open_, np.maximum(self.returning[0] + step, 0.0), 0.0)
        more = np.stack([evidence, weight, distance, (weight > 0).astype(float)])
        grown = np.where(evidence > 0, self.returning + more, 0.0)
        grown[0] = evidence
        self.returning = grown
        near = self.evidence.restored(grown[2] / np.maximum(grown[1], 1e-9), self.size) & (evidence > 0)
        back = near & (evidence >= self.watch.recover_evidence / 2)
        still = np.where(evidence > 0, self.state, FIRING)
        self.state[open_] = np.where(back, RECOVERING, still)[open_]
        enough = (grown[1] >= self.evidence.observations) & (grown[3] >= self.watch.recover_buckets)
        return np.asarray(open_ & near & enough & (evidence >= self.watch.recover_evidence))
