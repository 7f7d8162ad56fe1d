"""Logs as a broker has them, and the pipeline's rows of them in a warehouse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from jobs.replay import write_rows
from jobs.warehouse.protocol import Warehouse
from pipeline.batch import RawBatch
from pipeline.model import Model
from pipeline.partition import PartitionPipeline
from pipeline.partitioning import partition_of
from pipeline.policy import Policy
from schemas.limits import Limits


class Entry(NamedTuple):
    """One record of a log; times in epoch milliseconds."""

    key: bytes | None
    value: bytes | None
    appended_ms: int


class Written(NamedTuple):
    """What the pipeline says of a log that it wrote."""

    counts: Counter[str]
    watermarks: Mapping[int, int]
    """By partition."""


def write(
    entries: Iterable[Entry],
    warehouse: Warehouse,
    policy: Policy,
    model: Model,
    *,
    partitions: int = 2,
    flush: int = 500,
) -> Written:
    """Run a log through the pipeline; its records are hashed into ``partitions`` as Kafka would."""
    logs: list[list[Entry]] = [[] for _ in range(partitions)]
    for entry in entries:
        logs[partition_of(entry.key or b"", partitions)].append(entry)
    counts: Counter[str] = Counter()
    watermarks = {}
    for partition, log in enumerate(logs):
        pipeline = PartitionPipeline("oracle", partition, policy=policy, model=model, limits=Limits())
        for offset in range(0, len(log), flush):
            made = pipeline.process([_batch(log[offset : offset + flush], offset)])
            write_rows(warehouse, made)
            counts.update(made.counts)
        watermarks[partition] = pipeline.marker.watermark_ms
    return Written(counts, watermarks)


def _batch(entries: list[Entry], offset: int) -> RawBatch:
    return RawBatch(
        np.arange(offset, offset + len(entries)),
        np.array([entry.appended_ms for entry in entries], np.int64),
        [entry.key for entry in entries],
        [entry.value for entry in entries],
    )
