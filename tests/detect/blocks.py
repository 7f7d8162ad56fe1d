"""Blocks of cells as a worker publishes them, made of series of known content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.aggregate import CELL, SCOPES
from pipeline.batch import Flush, RawBatch
from pipeline.cells import block_key, encode
from pipeline.detect.policy import Detection
from pipeline.detect.series import Scope, Series
from pipeline.detection import DetectionPipeline
from pipeline.policy import DAY_MS, HOUR_MS
from schemas.alert import AlertTransition

SOURCE = "perception"
FIRST_MS = 20_000 * DAY_MS
"""Start of the series: a day's."""
SETTLING_MS = 3 * DAY_MS
_SCOPE: dict[tuple[str, ...], str] = {labels: name for name, labels in SCOPES}

Record = tuple[bytes, bytes, int]
"""Key, value, log time."""


def key(scope: Scope, grain: str, bucket_ms: int) -> bytes:
    """State key of a cell."""
    used = tuple(name for name, label in zip(scope._fields, scope, strict=True) if label)
    return "\x1f".join((grain, _SCOPE[used], str(bucket_ms), *scope)).encode()


def totals_of(n: Any, mean: Any, deviation: float = 15.0) -> Any:
    """Totals (dtype CELL) of cells with ``n`` observations around ``mean`` on the first dimension."""
    cells = np.zeros(len(n), CELL)
    cells["interactions"] = cells["customers"] = n
    cells["n"][:, 0] = n
    cells["sum"][:, 0] = n * mean
    cells["sumsq"][:, 0] = n * mean**2 + np.maximum(n - 1, 0) * deviation**2
    return cells


def added(parts: Iterable[Any]) -> Any:
    """Sum of totals."""
    given = list(parts)
    total = given[0].copy()
    for name in CELL.names or ():
        total[name] = sum(part[name] for part in given)
    return total


class World:
    """Hourly cells of a series, split over source partitions; each hour one block of each partition."""

    def __init__(self, series: Series, partitions: int = 2) -> None:
        self.series, self.partitions = series, partitions
        share = np.full((partitions,), 1 / partitions)
        self.n = np.stack([np.floor(series.n[:, :, 0] * part) for part in share])
        self.n[0] += series.n[:, :, 0] - self.n.sum(axis=0)
        self.mean = series.total[:, :, 0] / np.maximum(series.n[:, :, 0], 1)

    @property
    def hours(self) -> int:
        """Buckets."""
        return self.series.shape[0]

    def records(self, hour: int, partition: int, *, scale: float = 1.0, shift: float = 0.0) -> list[Record]:
        """The blocks of an hour: its cells, and those of its day so far; ``scale`` of what will be known in the end."""
        at_ms = FIRST_MS + hour * HOUR_MS
        day = hour - hour % 24
        parts = [
            totals_of(self.n[partition, h], self.mean[h] - (shift if h == hour else 0.0)) for h in range(day, hour + 1)
        ]
        if scale < 1:
            parts[-1] = totals_of(np.floor(self.n[partition, hour] * scale), self.mean[hour] - shift)
        return self._blocks(hour, partition, {at_ms: parts[-1]}, {FIRST_MS + day * HOUR_MS: added(parts)})

    def _blocks(
        self, hour: int, partition: int, hours: Mapping[int, Any], days: Mapping[int, Any], version: int | None = None
    ) -> list[Record]:
        keys, rows = [], []
        for grain, buckets in (("hour", hours), ("day", days)):
            for bucket_ms, cells in buckets.items():
                keys += [key(scope, grain, bucket_ms) for scope in self.series.scopes]
                rows.append(cells)
        watermark_ms = FIRST_MS + (hour + 1) * HOUR_MS
        blocks = encode(keys, np.concatenate(rows), hour * 10 if version is None else version, watermark_ms)
        return [(block_key(SOURCE, partition), block, watermark_ms) for block in blocks]

    def correction(self, hour: int, partition: int, known: int, order: int) -> list[Record]:
        """What an hour is in the end, told when ``known`` hours are over."""
        day = hour - hour % 24
        last = min(day + 24, known + 1)
        parts = [totals_of(self.n[partition, h], self.mean[h]) for h in range(day, last)]
        hours = {FIRST_MS + hour * HOUR_MS: parts[hour - day]}
        return self._blocks(known, partition, hours, {FIRST_MS + day * HOUR_MS: added(parts)}, known * 10 + order)


class Log:
    """Feeds a detection pipeline records in batches and collects what it emits."""

    def __init__(self, state: dict[bytes, bytes] | None = None, **policy: Any) -> None:
        self.state: dict[bytes, bytes] = {} if state is None else state
        self.policy = Detection(**{"settling_ms": SETTLING_MS, "amend_ms": 0, "grace_ms": 0, **policy})
        self.pipeline = DetectionPipeline(SOURCE, 0, policy=self.policy, state=self.state)
        self.emitted: list[AlertTransition] = []
        self.flushes: list[Flush] = []

    def take(self, records: Sequence[Record]) -> list[AlertTransition]:
        """Process records as one batch."""
        first = self.pipeline.marker.offset + 1
        keys, values, times = zip(*records, strict=True)
        offsets = np.arange(first, first + len(records))
        return self._note(self.pipeline.process([RawBatch(offsets, np.array(times), keys, values)]))

    def finish(self) -> list[AlertTransition]:
        """The end of input."""
        return self._note(self.pipeline.finish())

    def _note(self, flush: Flush) -> list[AlertTransition]:
        self.flushes.append(flush)
        made = [AlertTransition.model_validate_json(value) for _, value in flush.messages.get("alerts", ())]
        self.emitted += made
        return made

    def states(self) -> dict[tuple[str, int], tuple[str, int, float, bool]]:
        """Where every alert that is not withdrawn stands: by what and when, state, time, size and whether it pages."""
        last = {one.alert_id: one for one in self.emitted}
        return {
            (one.fingerprint, one.since_ms): (one.state, one.at_ms, one.size, not one.parent)
            for one in last.values()
            if one.state != "withdrawn"
        }


def chunks(records: Sequence[Record], sizes: Iterable[int]) -> Iterable[Sequence[Record]]:
    """``records`` cut into batches of these sizes, over and over."""
    at = 0
    for size in sizes:
        if at >= len(records):
            return
        yield records[at : at + size]
        at += size
