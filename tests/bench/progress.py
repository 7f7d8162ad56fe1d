"""What a worker has done, seen from the broker: committed offsets, and the changelog that it leaves."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer
from kafka import KafkaConsumer, TopicPartition

POLL_S = 0.2


class StalledError(Exception):
    """A worker ended or did not finish in time. Operator action: read its log, named in the message."""


def wait_committed(
    bootstrap: str, group: str, topic: str, ends: Sequence[int], *, alive: Callable[[], bool], timeout_s: float
) -> None:
    """Wait until ``group`` has committed ``ends[partition]`` records of every partition."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap.split(","), group_id=group, enable_auto_commit=False)
    deadline = time.monotonic() + timeout_s
    try:
        while True:
            done = [consumer.committed(TopicPartition(topic, partition)) or 0 for partition in range(len(ends))]
            if all(have >= end for have, end in zip(done, ends, strict=True)):
                return
            if not alive():
                raise StalledError(f"{group} ended at {sum(done)} of {sum(ends)} records")
            if time.monotonic() > deadline:
                raise StalledError(f"{group} did {sum(done)} of {sum(ends)} records in {timeout_s:.0f} s")
            time.sleep(POLL_S)
    finally:
        consumer.close(autocommit=False)


@dataclass(frozen=True, slots=True)
class State:
    """What a restarted worker reads: the last value of every key of the changelog."""

    entries: int
    key_bytes: int
    value_bytes: int


def changelog_state(bootstrap: str, topic: str) -> State:
    """Read the changelog to its end (committed records only), whatever codec it is written with."""
    latest = asyncio.run(_latest(bootstrap, topic))
    return State(len(latest), sum(len(key) for _, key in latest), sum(latest.values()))


async def _latest(bootstrap: str, topic: str) -> dict[tuple[int, bytes], int]:
    """Size of the last value of every (partition, key)."""
    latest: dict[tuple[int, bytes], int] = {}
    options = {"isolation_level": "read_committed", "enable_auto_commit": False, "auto_offset_reset": "earliest"}
    async with AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=None, **options) as consumer:
        partitions = list(consumer.assignment())
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for partition, records in (await consumer.getmany(timeout_ms=200)).items():
                _apply(latest, partition.partition, records)
    return latest


def _apply(latest: dict[tuple[int, bytes], int], partition: int, records: Sequence[object]) -> None:
    for record in records:
        key, value = getattr(record, "key", None) or b"", getattr(record, "value", None)
        if value is None:
            latest.pop((partition, key), None)
        else:
            latest[partition, key] = len(value)
