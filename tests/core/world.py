"""One partition and its owners with virtual time: a log, a changelog, rows and a committed offset, all in memory.

The owner does what the job does: changelog, rows, offset; whoever follows restores, writes unconfirmed rows again,
and commits. Every step can be the last one of an owner.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from jobs.stream.chain import Chain
from jobs.stream.restore import apply
from pipeline.batch import Flush, RawBatch
from pipeline.partition import PartitionPipeline
from pipeline.policy import DAY_MS, MINUTE_MS, Policy
from tests.core.harness import START_MS, Event, Sink, pipeline, random_events
from tests.stream.records import record

POLICY: Final = Policy(lateness_ms=DAY_MS, failure_retention_ms=5 * DAY_MS, cell_window_ms=2 * DAY_MS)
DAYS: Final = 2.0
TORN, CHANGELOG, ROWS_BEGUN, ROWS_DONE = range(4)
"""How far a flush comes before its owner is lost: not at all, or after one of its steps."""

Rows = Mapping[str, Mapping[str, Any]]


class World:
    """Everything that outlives an owner, and the owner."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.policy = policy
        self.now_ms = START_MS
        self.log: list[tuple[int, bytes, bytes]] = []
        """Append time, key and value."""
        self.changelog: list[tuple[bytes, bytes | None]] = []
        self.committed = 0
        """Next offset to read, as the group has it."""
        self.sink = Sink()
        self.zombies: list[Rows] = []
        """Rows that owners of before may still write."""
        self._events = 0
        self.owner = self._restored()

    def _restored(self) -> PartitionPipeline:
        """The pipeline over what the changelog says."""
        state: dict[bytes, bytes] = {}
        chain = Chain("changelog[0]")
        apply(state, chain, [record(offset, key, value) for offset, (key, value) in enumerate(self.changelog)])
        chain.finish()
        return pipeline(self.policy, state)

    def append(self, seed: int, count: int, customers: int) -> None:
        """New events, somewhat out of order, some of them too late."""
        for event in random_events(count, seed=seed, customers=customers, days=DAYS):
            self._events += 1
            occurred = event["occurred_at"] - START_MS + self.now_ms - round(DAYS * DAY_MS)
            self._append({**event, "event_id": f"e{self._events}", "occurred_at": max(occurred, START_MS)})

    def _append(self, event: Event) -> None:
        self.now_ms += MINUTE_MS
        self.log.append((self.now_ms, event.get("customer_id", "").encode(), json.dumps(event).encode()))

    def append_again(self, place: int) -> None:
        """A producer repeats itself."""
        if self.log:
            _, key, value = self.log[place % len(self.log)]
            self.log.append((self.now_ms, key, value))

    def append_junk(self) -> None:
        """What is no event."""
        self.log.append((self.now_ms, b"ann", b'{"customer_id": "ann"'))

    def wait(self, days: float) -> None:
        """Time passes, and a tick says so."""
        self.now_ms += round(days * DAY_MS)
        self._append({"type": "tick", "occurred_at": self.now_ms})

    def batch(self, first: int, end: int) -> RawBatch:
        """Records of the log."""
        times, keys, values = zip(*self.log[first:end], strict=True)
        return RawBatch(np.arange(first, end), np.array(times, np.int64), keys, values)

    def process(self, count: int) -> Flush | None:
        """The owner takes up to so many records; None if there are none."""
        first = self.owner.marker.offset + 1
        end = min(first + count, len(self.log))
        return self.owner.process([self.batch(first, end)]) if end > first else None

    def flush(self, count: int) -> None:
        """A flush that nothing disturbs."""
        flush = self.process(count)
        if flush is not None:
            self.write_changes(flush)
            self.sink.take(flush)
            self.committed = flush.marker.offset + 1

    def write_changes(self, flush: Flush) -> None:
        """One transaction; the marker comes last."""
        marker = b"m"
        self.changelog += [item for item in flush.changes.items() if item[0] != marker]
        self.changelog.append((marker, flush.changes[marker]))

    def lose_owner(self, count: int, step: int, *, frozen: bool) -> None:
        """A flush that comes no further than ``step``; a frozen owner writes its rows some other time."""
        flush = self.process(count)
        if flush is not None and step >= CHANGELOG:
            self.write_changes(flush)
            if step == ROWS_BEGUN:
                self.sink.write(half(flush.rows))
            elif step == ROWS_DONE:
                self.sink.write(flush.rows)
            if frozen:
                self.zombies.append(flush.rows)

    def take_over(self, *, crash: bool = False) -> None:
        """A new owner confirms what the one before left; with ``crash`` it is lost in the middle of that."""
        owner = self._restored()
        reached, last = owner.marker.offset, self.committed - 1
        if reached > last:
            rewritten = owner.rewrite(last)
            if crash:
                self.sink.write(half(rewritten))
                return
            self.sink.write(rewritten)
            rows, _ = owner.reread([self.batch(owner.marker.previous + 1, reached + 1)])
            self.sink.write(rows)
            self.committed = reached + 1
        self.owner = owner

    def zombie_writes(self, place: int) -> None:
        """An owner of before thaws and writes its rows; its changelog and its offset are refused by the broker."""
        if self.zombies:
            self.sink.write(self.zombies.pop(place % len(self.zombies)))

    def compact(self, keep: int) -> None:
        """The broker keeps the last value of each key; the newest ``keep`` records are not looked at yet."""
        edge = max(len(self.changelog) - keep, 0)
        last = {key: place for place, (key, _) in enumerate(self.changelog)}
        self.changelog = [
            (key, value) for place, (key, value) in enumerate(self.changelog) if place >= edge or last[key] == place
        ]

    def finish(self) -> None:
        """Process the rest."""
        self.flush(len(self.log))

    def clean_run(self) -> Sink:
        """What one owner makes of the log in one piece."""
        sink = Sink()
        if self.log:
            sink.take(pipeline(self.policy).process([self.batch(0, len(self.log))]))
        return sink


def half(rows: Rows) -> dict[str, dict[str, list[Any]]]:
    """The first half of the tables, and half the rows of the one after."""
    names = list(rows)
    cut = len(names) // 2
    kept = {name: {column: list(values) for column, values in rows[name].items()} for name in names[:cut]}
    for name in names[cut : cut + 1]:
        kept[name] = {column: list(values)[: len(values) // 2] for column, values in rows[name].items()}
    return kept
