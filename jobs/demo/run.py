"""Simulate and replay at once: the simulator's records go straight into the pipeline, as a file of them would."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from jobs.models import chosen_model
from jobs.replay import Plan, Totals, prepare, replay
from jobs.settings import Settings
from jobs.simulate import Scenario, simulate
from jobs.simulate.truth import Levels, TruthLog
from jobs.simulate.world import Triple
from jobs.warehouse import Warehouse
from pipeline.policy import DAY_MS

CHUNK: Final = 2_000
"""Records between two looks at the clock."""
_FLUSHES: Final = 6
"""Of a partition, about: so that there is something to watch."""
_FOREIGN: Final = """
    SELECT countIf(NOT match(event_id, '^e[0-9a-f]{8}$') OR NOT match(customer_id, '^c-[0-9]{6}$')) FROM events
"""


class BrandTruth:
    """Keeps the newest true mean of all customers' relationship levels, by dimension."""

    def __init__(self) -> None:
        self.means: Sequence[float] = ()

    def day(self, at_ms: int, customers: Sequence[str], relationship: Levels, recent: Levels) -> None:
        """Remember."""
        self.means = np.asarray(relationship).mean(axis=0).tolist()

    def interaction(
        self, at_ms: int, customer: str, event_id: str, interaction_id: str, felt: Triple, shift: Triple
    ) -> None:
        """Forget."""


class Watcher(Protocol):
    """Who watches the run."""

    def simulated(self, until_ms: int) -> None:
        """Simulated time has come this far."""

    def written(self, records: int) -> None:
        """So many more records are in the warehouse."""


@dataclass(frozen=True, slots=True)
class Run:
    """What the run did."""

    totals: Totals
    seconds: float
    """From the first simulated event to the last written row."""
    truth: Sequence[float]
    """True mean of the customers' relationship levels on the last day, points by dimension."""


def run(scenario: Scenario, store: Warehouse, settings: Settings, watcher: Watcher, *, replace: bool = False) -> Run:
    """Fill ``store`` with the scenario. Rows of an earlier demonstration are replaced, others only with ``replace``.

    Raises :class:`jobs.errors.NotEmptyError` if the store holds rows of somebody else.
    """
    store.migrate()
    prepare(store, replace=replace or only_demo(store), model=chosen_model(settings))
    partitions = settings.kafka.partitions
    batch = max(500, scenario.customers * scenario.days * 3 // 2 // (partitions * _FLUSHES))
    plan = Plan(scenario.end_ms + DAY_MS, partitions, min(batch, 20_000))
    truth = BrandTruth()
    began = time.perf_counter()
    totals = replay(_chunks(scenario, truth, watcher), store, settings, plan, watcher.written)
    return Run(totals, time.perf_counter() - began, truth.means)


def only_demo(store: Warehouse) -> bool:
    """Whether all events in ``store`` have ids that the simulator gives."""
    return int(store.query(_FOREIGN).value()) == 0


def _chunks(scenario: Scenario, truth: TruthLog, watcher: Watcher) -> Iterator[list[bytes]]:
    values: list[bytes] = []
    for record in simulate(scenario, truth):
        values.append(b"null" if record.value is None else record.value)
        if len(values) == CHUNK:
            yield values
            values = []
            watcher.simulated(record.timestamp_ms)
    yield values
    watcher.simulated(scenario.end_ms)
