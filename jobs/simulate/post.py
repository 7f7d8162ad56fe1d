"""The way from the producers to the log: most events at once, some late, some twice, some broken."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

import msgspec

from jobs.simulate.bad import Broken, broken
from jobs.simulate.scenario import Scenario
from pipeline.policy import DAY_MS, HOUR_MS, MINUTE_MS

_encode = msgspec.json.Encoder().encode
LONGEST_DELAY_MS = 20 * HOUR_MS
"""A delayed event stays within a day of lateness; a very late one does not."""


class Record(NamedTuple):
    """One record of the log; ``timestamp_ms`` is its arrival, epoch milliseconds."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    kind: str
    """What it is meant to be: ``event``, ``delayed``, ``late``, ``duplicate``, ``conflict``, ``bad:<what>``."""


class Post:
    """Takes events and hands out records in order of arrival."""

    def __init__(self, scenario: Scenario, rng: random.Random) -> None:
        self._scenario = scenario
        self._rng = rng
        self._waiting: list[tuple[int, int, Record]] = []
        self._count = 0

    def send(self, key: bytes, event: dict[str, Any], occurred_ms: int) -> None:
        """Send an event that happened at ``occurred_ms``."""
        value = _encode(event)
        kind, arrival = self._arrival(occurred_ms)
        self._deliver(Record(key, value, arrival, kind))
        scenario, luck = self._scenario, self._rng.random()
        if luck < scenario.duplicate_share:
            self._double(key, event, value, arrival)
        elif luck > 1.0 - scenario.bad_share:
            self._spoil(broken(self._rng, key, event), arrival)

    def collect(self, before_ms: int | None = None) -> list[Record]:
        """Records that arrive before ``before_ms`` (None: all that are left), in order of arrival."""
        self._waiting.sort()
        end = len(self._waiting)
        if before_ms is not None:
            end = next((i for i, item in enumerate(self._waiting) if item[0] >= before_ms), end)
        ready = [item[2] for item in self._waiting[:end]]
        del self._waiting[:end]
        return ready

    def _arrival(self, occurred_ms: int) -> tuple[str, int]:
        luck = self._rng.random()
        if luck < self._scenario.very_late_share:
            return "late", occurred_ms + int(self._rng.uniform(2 * DAY_MS, 6 * DAY_MS))
        if luck < self._scenario.very_late_share + self._scenario.delayed_share:
            delay = self._rng.lognormvariate(0.0, 1.4) * 30 * MINUTE_MS
            return "delayed", occurred_ms + min(LONGEST_DELAY_MS, int(delay))
        return "event", occurred_ms + int(luck * 3_000)

    def _deliver(self, record: Record) -> None:
        self._count += 1
        self._waiting.append((record.timestamp_ms, self._count, record))

    def _double(self, key: bytes, event: dict[str, Any], value: bytes, arrival: int) -> None:
        again = arrival + 500 + int(self._rng.lognormvariate(0.0, 1.5) * 20_000)
        if self._rng.random() < 0.03:
            retried = {**event, "attributes": {**event.get("attributes", {}), "retry": "1"}}
            self._deliver(Record(key, _encode(retried), again, "conflict"))
        else:
            self._deliver(Record(key, value, again, "duplicate"))

    def _spoil(self, bad: Broken, arrival: int) -> None:
        self._deliver(Record(bad.key, bad.value, arrival + 1, f"bad:{bad.kind}"))
