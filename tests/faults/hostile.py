"""What fills a worker's memory, if it lets it: many events, many customers, large records, batches that expand."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Iterator

from aiokafka import AIOKafkaProducer
from kafka import KafkaProducer

from tests.stream.support import Bench

KINDS = ("gzip", "lz4", "zstd")
"""Snappy makes no more than 21 bytes of one: a broker's limit of a batch is its limit, too."""
BOMB_BYTES = 200 << 20
PAYLOAD_BYTES = 250_000

Value = tuple[bytes | None, bytes]
"""Key and value."""


def events(count: int, *, customers: int, first: int = 0) -> Iterator[Value]:
    """Ordinary events of the last hour, spread over so many customers; ``first`` is the number of the first."""
    now_ms = time.time_ns() // 1_000_000
    for number in range(first, first + count):
        customer = f"customer-{first + number % customers}"
        event = {
            "event_id": f"e{number}",
            "customer_id": customer,
            "occurred_at": now_ms - 3_600_000 + (number - first) * 3_600_000 // count,
            "type": ("call", "browse", "purchase")[number % 3],
            "touchpoint": ("home", "billing", "hotline")[number % 3],
            "wait_s": number % 60,
        }
        yield customer.encode(), json.dumps(event).encode()


def payloads(count: int) -> Iterator[Value]:
    """Records that are large and none of them an event: deep, long, many digits."""
    kinds = (
        b"[" * PAYLOAD_BYTES,
        b'{"a":' * (PAYLOAD_BYTES // 5),
        b'{"event_id":"' + b"x" * PAYLOAD_BYTES + b'"}',
        b'{"amount":' + b"9" * PAYLOAD_BYTES + b"}",
        b'{"' + b'":1,"'.join(str(number).encode() for number in range(PAYLOAD_BYTES // 10)) + b'":1}',
        b'{"event_id":"' + b"\\u0000" * (PAYLOAD_BYTES // 6) + b'"}',
    )
    for number in range(count):
        yield None, kinds[number % len(kinds)]


def send(bench: Bench, values: Iterable[Value]) -> int:
    """Produce; how many were sent."""
    count = 0
    with KafkaProducer(bootstrap_servers=bench.bootstrap, linger_ms=50, batch_size=256 * 1024) as producer:
        for key, value in values:
            producer.send(bench.topic, key=key, value=value, partition=None if key else count % bench.partitions)
            count += 1
        producer.flush()
    return count


def send_bombs(bootstrap: str, topic: str, partition: int = 0) -> int:
    """A bomb of every kind, one record each; how many."""
    for kind in KINDS:
        asyncio.run(_send_bomb(bootstrap, topic, partition, kind))
    return len(KINDS)


async def _send_bomb(bootstrap: str, topic: str, partition: int, kind: str) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, compression_type=kind, max_batch_size=2 * BOMB_BYTES, request_timeout_ms=120_000
    )
    await producer.start()
    try:
        batch = producer.create_batch()
        batch.append(timestamp=None, key=None, value=bytes(BOMB_BYTES))
        batch.close()
        await (await producer.send_batch(batch, topic, partition=partition))
    finally:
        await producer.stop()
