"""The events of a measurement, made by the simulator and loaded faster than any worker reads them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from jobs.simulate import Record, Scenario, simulate
from pipeline.partitioning import partition_of

EVENTS_PER_CUSTOMER_AND_DAY = 1.0
"""Less than the simulator makes (about 2 to 4), so that it makes enough."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Good records in order of arrival, late and double ones among them."""

    records: Sequence[Record]

    @property
    def customers(self) -> set[bytes]:
        """Distinct keys."""
        return {record.key for record in self.records if record.key}

    def per_partition(self, partitions: int) -> list[list[Record]]:
        """The records as the log holds them, keyed by customer."""
        logs: list[list[Record]] = [[] for _ in range(partitions)]
        for record in self.records:
            logs[partition_of(record.key or b"", partitions)].append(record)
        return logs


def simulated(events: int, customers: int, seed: int) -> Workload:
    """The first ``events`` records of a simulated world; broken ones are left out (the plain agent dies of them)."""
    days = 1 + int(events / (customers * EVENTS_PER_CUSTOMER_AND_DAY))
    records = simulate(Scenario(customers=customers, days=days, seed=seed, bad_share=0.0))
    taken = list(itertools.islice(records, events))
    if len(taken) < events:
        raise ValueError(f"the simulator made {len(taken)} of {events} events: lower EVENTS_PER_CUSTOMER_AND_DAY")
    return Workload(taken)


def load(bootstrap: str, topic: str, workload: Workload, partitions: int) -> list[int]:
    """Send all records, batches built beforehand; returns the number of records per partition."""
    return asyncio.run(_load(bootstrap, topic, workload, partitions))


async def _load(bootstrap: str, topic: str, workload: Workload, partitions: int) -> list[int]:
    logs = workload.per_partition(partitions)
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, compression_type="lz4", acks="all") as producer:
        batches = [(partition, batch) for partition, log in enumerate(logs) for batch in _batches(producer, log)]
        pending = [await producer.send_batch(batch, topic, partition=partition) for partition, batch in batches]
        await asyncio.gather(*pending)
    return [len(log) for log in logs]


def _batches(producer: AIOKafkaProducer, log: Sequence[Record]) -> list[BatchBuilder]:
    batches: list[BatchBuilder] = []
    for record in log:
        timestamp = record.timestamp_ms
        if not batches or batches[-1].append(key=record.key, value=record.value, timestamp=timestamp) is None:
            batches.append(producer.create_batch())
            batches[-1].append(key=record.key, value=record.value, timestamp=timestamp)
    for batch in batches:
        batch.close()
    return batches
