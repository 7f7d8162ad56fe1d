"""Records through the whole core: decode, every stage behind it, and the blocks for the warehouse."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any, Final

import numpy as np

from jobs.warehouse.block import encode
from jobs.warehouse.tables import declared
from pipeline.batch import RawBatch
from pipeline.partition import PartitionPipeline
from schemas.examples import Example, examples, plain_events
from tests.core.harness import APPENDED_MS, FOREVER, pipeline, random_events
from tests.fuzz.mutation import mutated

BATCH: Final = 200
BATCHES_PER_STATE: Final = 10
LARGEST_SEED: Final = 8_192
CUSTOMERS: Final = 5
EDGES: Final[tuple[Any, ...]] = (
    None, True, "", "x" * 128, "x" * 129, "é", "\x00", "\ud800", "0", -1, 0, 1e15, -1e15, 1.1e15, 2**31, 2**63, 10**300,
    5e-324, 0.1, [], {}, [[]], {"a": None}, "1970-01-01T00:00:00Z", "2199-12-31T23:59:59.999999999Z", 100_000_000_000,
)  # fmt: skip

Record = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]
"""Key, value and headers."""


class Records:
    """The target; one state lives for a while, so that bad follows on good."""

    name = "records"
    about = "records of every wire format, through all stages to the warehouse's blocks"
    per_input = BATCH

    def __init__(self) -> None:
        self._examples = [one for one in examples() if one.value is not None and len(one.value) <= LARGEST_SEED]
        self._seeds = [one.value or b"" for one in self._examples]
        self._events = plain_events() + random_events(300, seed=1, customers=CUSTOMERS)
        self._pipeline: PartitionPipeline | None = None
        self._batches = 0

    def run(self, draw: random.Random) -> Counter[str]:
        """One batch; every record must end as event, duplicate, late, tick or rejection."""
        records = [self._record(draw) for _ in range(BATCH)]
        if self._pipeline is None or self._batches % BATCHES_PER_STATE == 0:
            self._pipeline = pipeline(FOREVER, {})
        self._batches += 1
        return settle(self._pipeline, records, draw)

    def _record(self, draw: random.Random) -> Record:
        if draw.random() < 0.4:
            return self._edged(draw)
        example = draw.choice(self._examples)
        value: bytes | None = example.value
        if value is not None and draw.random() < 0.9:
            value = mutated(value, draw, self._seeds)
        return self._key(draw, example), value, self._headers(draw, example)

    def _key(self, draw: random.Random, example: Example) -> bytes | None:
        return draw.choice((None, example.key, example.key, draw.randbytes(3)))

    def _headers(self, draw: random.Random, example: Example) -> tuple[tuple[str, bytes], ...]:
        if draw.random() < 0.6:
            return example.headers
        pairs = [*example.headers, *draw.choice(self._examples).headers, ("content-type", b"application/cloudevents")]
        return tuple((name, mutated(text, draw, self._seeds)) for name, text in pairs if draw.random() < 0.7)

    def _edged(self, draw: random.Random) -> Record:
        """A good event of a known customer, one of whose fields is at an edge, or is another event's."""
        event = {**draw.choice(self._events), "event_id": f"e{draw.randrange(2_000)}"}
        event["customer_id"] = f"c{draw.randrange(CUSTOMERS)}"
        if draw.random() < 0.5:
            event[draw.choice(list(draw.choice(self._events)))] = draw.choice(EDGES)
        if draw.random() < 0.1:
            event |= {name: text for name, text in draw.choice(self._events).items() if draw.random() < 0.3}
        return None, json.dumps(event).encode(), ()


def settle(worker: PartitionPipeline, records: list[Record], draw: random.Random) -> Counter[str]:
    """Process the records; what became of each."""
    first, count = worker.marker.offset + 1, len(records)
    keys, values, headers = zip(*records, strict=True)
    times = np.array([draw.choice((APPENDED_MS, APPENDED_MS, 0, -1, 2**62)) for _ in records], np.int64)
    flush = worker.process([RawBatch(np.arange(first, first + count), times, keys, values, headers)])
    for table, columns in flush.rows.items():
        encode(declared(table), columns).to_bytes()
    ended = Counter({name: flush.counts[name] for name in ("events", "duplicates", "late", "rejected", "ticks")})
    assert ended.total() == count, f"{count} records, but {dict(ended)}"
    return ended
