"""The detection of one grain: one pass over the buckets of a series, all cells at once.

State is a function of the final series: a bucket that changes is answered by running again from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.detect.baseline import Baseline, Expected
from pipeline.detect.detectors import Seen, discover
from pipeline.detect.machine import FIRING, STATES, Alert, Customers, Machine, Transition
from pipeline.detect.policy import SHIFTS, Watch
from pipeline.detect.series import Flags, Floats, Series

SILENCE: Final = "silence"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found."""

    alerts: Sequence[Alert]
    transitions: Sequence[Transition]
    weight: Mapping[str, Floats]
    """Per detector (b, c, l): observations; for a surge the contacts that were expected."""
    distance: Mapping[str, Floats]
    """Per detector (b, c, l): points below the baseline times observations; for a surge the contacts."""
    contacts: Floats
    """Expected contacts (b, c)."""
    delay: Floats
    """Expected buckets until each of ``SHIFTS`` is found, shape (3, c), on the cell's best dimension."""
    watched: Flags
    """Cells that are watched themselves at the end (c,)."""
    states: Mapping[str, Sequence[str]]
    """State of each cell at the end, per detector."""


def run(series: Series, watch: Watch, thresholds: Floats, customers: Customers | None = None) -> Outcome:
    """Detect over a whole series.

    Args:
        series: final buckets, in order.
        watch: policy of their grain.
        thresholds: a-priori threshold of each cell, shape (c,), or of each bucket and cell, (b, c).
        customers: distinct customers over buckets; without it, those of the buckets are added, an upper bound.
    """
    baseline = Baseline(series, watch)
    people = customers or _adding(series)
    limits = np.broadcast_to(thresholds, series.contacts.shape)
    found = discover()
    # Silence first: where nothing comes, the others have nothing to judge.
    order = [name for name in found if name == SILENCE] + [name for name in found if name != SILENCE]
    machines = {name: Machine(found[name], watch, thresholds, series.shape) for name in order}
    usual = np.zeros(series.contacts.shape)
    live = np.zeros(series.n.shape[1:], bool)
    for bucket in range(series.shape[0]):
        expected = baseline.expect(bucket)
        usual[bucket] = expected.contacts
        for machine in machines.values():
            machine.thresholds = limits[bucket]
        live = expected.ready & ~_too_slow(baseline, watch, limits[bucket])
        _step(bucket, baseline, expected, live, machines, people)
    weight = {name: machine.weight for name, machine in machines.items()}
    distance = {name: machine.distance for name, machine in machines.items()}
    alerts = sorted((one for m in machines.values() for one in m.alerts), key=lambda a: (a.fired, a.cell, a.detector))
    moves = sorted((one for m in machines.values() for one in m.transitions), key=lambda t: (t.bucket, t.cell))
    states = {name: [STATES[state] for state in machine.state] for name, machine in machines.items()}
    delay = delays(baseline, limits[-1])
    return Outcome(alerts, moves, weight, distance, usual, delay, np.asarray(live.any(axis=1)), states)


def _adding(series: Series) -> Customers:
    summed = np.vstack([np.zeros((1, series.shape[1])), series.customers.cumsum(axis=0)])
    return lambda cell, first, last: int(summed[last + 1, cell] - summed[first, cell])


def delays(baseline: Baseline, thresholds: Floats) -> Floats:
    """Expected buckets until a fall is found, ``h·2v/δ²`` with the harmonic mean of v; shape (3, c)."""
    information = np.maximum(baseline.information().max(axis=1), 1e-12)
    return np.asarray(2 * thresholds / (np.array(SHIFTS)[:, None] ** 2 * information))


def _too_slow(baseline: Baseline, watch: Watch, thresholds: Floats) -> Flags:
    """Cells (c, 1) that have a parent and would need too long for the largest fall."""
    has_parent = baseline.parent != np.arange(len(baseline.parent))
    return np.asarray((has_parent & (delays(baseline, thresholds)[-1] > watch.slow))[:, None])


def _step(
    bucket: int, baseline: Baseline, expected: Expected, live: Flags, machines: dict[str, Machine], people: Customers
) -> None:
    series = baseline.series
    n = series.n[bucket]
    seen = Seen(n, series.total[bucket] / np.maximum(n, 1), series.contacts[bucket], series.customers[bucket])
    was, young = _frozen(machines), baseline.young(bucket)
    counted = expected.contacts_ready[:, None] & np.ones_like(live)
    for name, machine in machines.items():
        known = len(machine.alerts)
        lines = live & ~_silent(machines)[:, None] if name == "drop" else counted
        closed = machine.step(bucket, seen, expected, lines, _anyone(name, people))
        if name == SILENCE:
            continue
        for alert in machine.alerts[known:]:
            if not young[alert.cell]:
                baseline.forget(alert.cell, alert.since, bucket)
        for cell in closed:
            baseline.rebuild(int(cell))
    baseline.fold(bucket, expected, ((was | _frozen(machines)) & ~young) | _silent(machines))


def _silent(machines: dict[str, Machine]) -> Flags:
    return np.asarray(machines[SILENCE].state == FIRING)


def _anyone(name: str, people: Customers) -> Customers:
    """Silence has no customers to count."""
    return (lambda *_: 1 << 30) if name == SILENCE else people


def _frozen(machines: dict[str, Machine]) -> Flags:
    return np.asarray(np.any([m.alerting for name, m in machines.items() if name != SILENCE], axis=0))
