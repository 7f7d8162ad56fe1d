"""What a topic holds, and filling the rejected topic as the worker does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from jobs.settings import KafkaSettings


def records(kafka: KafkaSettings, topic: str) -> list[Any]:
    """All records of a topic, partition by partition."""
    client = KafkaConsumer(bootstrap_servers=kafka.bootstrap_servers, enable_auto_commit=False)
    try:
        partitions = [TopicPartition(topic, number) for number in sorted(client.partitions_for_topic(topic))]
        client.assign(partitions)
        client.seek_to_beginning(*partitions)
        ends = client.end_offsets(partitions)
        found: list[Any] = []
        while any(client.position(partition) < ends[partition] for partition in partitions):
            for batch in client.poll(timeout_ms=200).values():
                found.extend(batch)
        return sorted(found, key=lambda record: (record.partition, record.offset))
    finally:
        client.close()


Letter = tuple[str, bytes | None, bytes | None]
"""Reason, key and value."""


def reject(kafka: KafkaSettings, letters: Sequence[Letter]) -> None:
    """Put records into partition 1 of the rejected topic, in one transaction, compressed: as a worker would."""
    client = KafkaProducer(
        bootstrap_servers=kafka.bootstrap_servers, transactional_id=kafka.rejected_topic, compression_type="lz4"
    )
    try:
        client.init_transactions()
        client.begin_transaction()
        for offset, (reason, key, value) in enumerate(letters):
            added = {
                "reason": reason,
                "message": f"why {reason}",
                "topic": kafka.topic,
                "partition": "2",
                "offset": offset,
            }
            headers = [("ce_type", b"call"), *((name, str(text).encode()) for name, text in added.items())]
            client.send(kafka.rejected_topic, value, key=key, headers=headers, partition=1)
        client.commit_transaction()
    finally:
        client.close()
