"""The yardstick: the plain way to count events per customer in Faust, with its defaults.

Decodes JSON, one table, at-least-once. Run as ``faust -A tests.bench.plain_agent worker``.
"""

from __future__ import annotations

import os
from typing import Any

import faust

from tests.bench.plain_variables import APPLICATION, BROKER, PARTITIONS, TOPIC

app = faust.App(
    os.environ.get(APPLICATION, "plain"),
    broker=f"kafka://{os.environ.get(BROKER, 'localhost:9092').replace(',', ';')}",
    topic_partitions=int(os.environ.get(PARTITIONS, "4")),
    topic_replication_factor=1,
)
events = app.topic(os.environ.get(TOPIC, "interactions-v1"), key_type=str, value_serializer="json")
counts = app.Table("counts", default=int)


@app.agent(events)  # type: ignore[untyped-decorator]
async def count(stream: Any) -> None:
    """One event at a time, one table write each."""
    async for event in stream:
        counts[event["customer_id"]] += 1
