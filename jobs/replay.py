"""The pipeline over archives: what a topic with one worker does, without the topic and without the worker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Self

import numpy as np

from jobs.alerts.informed import Informed
from jobs.errors import NotEmptyError
from jobs.models import chosen_model
from jobs.settings import Settings
from jobs.sources.keys import key_of
from jobs.warehouse.parameters import model_parameters
from jobs.warehouse.protocol import Warehouse
from pipeline.batch import Flush, RawBatch
from pipeline.detection import DetectionPipeline
from pipeline.model import DEFAULT_MODEL, Model
from pipeline.partition import PartitionPipeline
from pipeline.partitioning import partition_of
from schemas.tables import TABLES

SOURCE: Final = "replay"
"""Stands for the topic in ``source_topic``."""

VIEWS: Final = (
    "events",
    "interactions",
    "journeys",
    "customers",
    "cells",
    "service_recovery",
    "expectations",
    "rejected",
    "late",
    "alerts",
    "customer_alerts",
)
"""What dashboards read: without rows that newer ones replaced or retracted."""

Progress = Callable[[int], None]
"""Called with the number of records that were just processed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How an archive becomes partitions, and what counts as now."""

    now_ms: int
    """Taken as the broker's append time of every record: judges events from the far future only."""
    partitions: int = 8
    batch: int = 20_000
    """Records of a partition in one flush."""


@dataclass(slots=True)
class Totals:
    """What a replay did."""

    records: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    """Sums of ``Flush.counts``."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Rejected records by reason."""

    def add(self, records: int, flush: Flush) -> None:
        """Count one flush."""
        self.records += records
        self.counts.update(flush.counts)
        self.rejected.update(str(rejected.reason) for rejected in flush.rejected)


class _Shard:
    """One partition: what was read and not yet processed, and the pipeline with its state."""

    def __init__(self, partition: int, settings: Settings, model: Model) -> None:
        self._pipeline = PartitionPipeline(
            SOURCE,
            partition,
            policy=settings.policy,
            model=model,
            limits=settings.limits,
            cells_source=SOURCE if settings.alerts.enabled else None,
        )
        self._next_offset = 0
        self.keys: list[bytes | None] = []
        self.values: list[bytes] = []

    def flush(self, now_ms: int) -> Flush:
        """Process what was read."""
        count = len(self.values)
        offsets = np.arange(self._next_offset, self._next_offset + count, dtype=np.int64)
        batch = RawBatch(offsets, np.full(count, now_ms, dtype=np.int64), self.keys, self.values)
        self._next_offset += count
        self.keys, self.values = [], []
        return self._pipeline.process([batch])


def replay(
    chunks: Iterable[list[bytes]],
    warehouse: Warehouse,
    settings: Settings,
    plan: Plan,
    progress: Progress = lambda _: None,
) -> Totals:
    """Run all records through the pipeline and write the rows. The warehouse must be migrated and empty.

    At the end detection runs over the cells of all partitions, as if each had been ticked to the newest event.
    """
    policy = settings.alerts.policy(settings.policy.cell_settling_ms)
    detection = DetectionPipeline(SOURCE, 0, policy=policy, state={})
    totals = Totals()
    with _Writer(warehouse) as writer:
        for count, flush in flushes(chunks, settings, plan, chosen_model(settings)):
            writer.write(flush)
            _watch(detection, flush, plan)
            totals.add(count, flush)
            progress(count)
    found = detection.finish()
    found = Informed(detection, lambda: warehouse).inform(found) if settings.alerts.look_up else found
    write_rows(warehouse, found)
    totals.counts.update(found.counts)
    return totals


def _watch(detection: DetectionPipeline, flush: Flush, plan: Plan) -> None:
    """Hand the cells that a flush changed to detection."""
    blocks = flush.messages.get("cells", ())
    if blocks:
        keys, values = zip(*blocks, strict=True)
        numbers = np.arange(len(blocks), dtype=np.int64)
        detection.gather(RawBatch(numbers, np.full(len(blocks), plan.now_ms), keys, values))


def flushes(chunks: Iterable[list[bytes]], settings: Settings, plan: Plan, model: Model) -> Iterator[tuple[int, Flush]]:
    """Run all records through the pipeline: each flush with its number of records."""
    shards = [_Shard(partition, settings, model) for partition in range(plan.partitions)]
    for chunk in chunks:
        _distribute(chunk, shards)
        for shard in shards:
            if len(shard.values) >= plan.batch:
                yield len(shard.values), shard.flush(plan.now_ms)
    for shard in shards:
        if shard.values:
            yield len(shard.values), shard.flush(plan.now_ms)


class _Writer:
    """Writes one flush while the next is made: the engine inserts without Python's lock."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="replay-rows")
        self._last: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with self._thread:
            if error[0] is None:
                self._wait()

    def write(self, flush: Flush) -> None:
        """Start writing; waits for the flush before, whose error it raises."""
        self._wait()
        self._last = self._thread.submit(write_rows, self._warehouse, flush)

    def _wait(self) -> None:
        if self._last is not None:
            self._last.result()


def _distribute(chunk: list[bytes], shards: list[_Shard]) -> None:
    partitions = len(shards)
    for value in chunk:
        key = key_of(value)
        shard = shards[_partition_of(key or value[:64], partitions)]
        shard.keys.append(key)
        shard.values.append(value)


@lru_cache(maxsize=1 << 18)
def _partition_of(key: bytes, partitions: int) -> int:
    return partition_of(key, partitions)


def write_rows(warehouse: Warehouse, flush: Flush) -> None:
    """All rows of a flush."""
    for table, columns in flush.rows.items():
        warehouse.insert(table, columns)


def prepare(warehouse: Warehouse, *, replace: bool, model: Model = DEFAULT_MODEL) -> None:
    """Migrate, and make sure that there are no rows: drop them with ``replace``, else raise NotEmptyError.

    The views calculate with ``model`` from then on; it is only changed where no rows are in the way.
    """
    warehouse.migrate()
    filled = [table.name for table in TABLES if _count(warehouse, table.name)]
    if filled and not replace:
        raise NotEmptyError(
            f"{warehouse.url} holds rows already ({', '.join(filled)})",
            action="Give --replace to delete them first, or another --warehouse: versions of a replay start anew.",
        )
    cluster = f" ON CLUSTER {warehouse.layout.cluster}" if warehouse.layout.cluster else ""
    for name in filled:
        warehouse.command(f"TRUNCATE TABLE {name}{cluster}")
    warehouse.migrate(model_parameters(model), model=model.version)


def rows(warehouse: Warehouse) -> Mapping[str, int]:
    """Rows per view."""
    return {view: _count(warehouse, view) for view in VIEWS}


def _count(warehouse: Warehouse, name: str) -> int:
    return int(warehouse.query(f"SELECT count() FROM {name}").value())  # noqa: S608 - a declared name
