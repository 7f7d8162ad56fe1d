"""What a fault cost. ``python -m tests.faults.verdict URL DIRECTORY``: the log against the tables, as one JSON object.

The pure pipeline over the log of each partition, in one piece, gives the tables that must be there; they are written
to an embedded store below DIRECTORY and compared with the warehouse at URL. Settings come from the environment, as
the worker's do.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition

from jobs.compare import PARTS, Snapshot, differences, snapshot
from jobs.models import chosen_model
from jobs.settings import Settings, load
from jobs.stream.chunks import chunks_of, joined
from jobs.warehouse import Warehouse, open_warehouse
from jobs.warehouse.parameters import model_parameters
from jobs.worker import pipeline_of
from pipeline.batch import RawBatch


@dataclass(frozen=True, slots=True)
class Loss:
    """Rows that should be there and are not, and the reverse; a row with other values is both."""

    lost: int
    doubled: int
    says: str = ""
    """The first differences, in words."""


def partition_log(settings: Settings, partition: int) -> RawBatch | None:
    """Everything in one partition of the input topic."""
    tp = TopicPartition(settings.kafka.topic, partition)
    found = []
    with KafkaConsumer(bootstrap_servers=settings.kafka.bootstrap_servers, enable_auto_commit=False) as consumer:
        consumer.assign([tp])
        consumer.seek_to_beginning(tp)
        end = consumer.end_offsets([tp])[tp]
        while consumer.position(tp) < end:
            found += consumer.poll(timeout_ms=300).get(tp, [])
    return joined(chunks_of(found, 0)) if found else None


def write_expected(settings: Settings, warehouse: Warehouse) -> None:
    """The tables as a function of the log alone: no crash, no batches, no takeover."""
    model = chosen_model(settings)
    warehouse.migrate(model_parameters(model), model=model.version)
    for partition in range(settings.kafka.partitions):
        batch = partition_log(settings, partition)
        if batch is not None:
            pipeline = pipeline_of(settings, model, settings.kafka.topic, partition, {})
            for table, columns in pipeline.process([batch]).rows.items():
                warehouse.insert(table, columns)


def judge(expected: Snapshot, found: Snapshot) -> Loss:
    """Rows by identity, then all values of all rows; late events too, as the order of arrival is the same."""
    lost = doubled = 0
    for part in PARTS:
        wanted, there = (Counter(tables[part.name].identities) for tables in (expected, found))
        lost += (wanted - there).total()
        doubled += (there - wanted).total()
    sentences = differences(expected, found, equal_order=True)
    changed = len(sentences) if not lost and not doubled else 0
    return Loss(lost + changed, doubled + changed, "; ".join(sentences)[:2_000])


def _snapshots(settings: Settings, url: str, directory: Path) -> Iterator[Snapshot]:
    embedded = open_warehouse(f"chdb://{directory / 'expected'}")
    write_expected(settings, embedded)
    for warehouse in (embedded, open_warehouse(url)):
        yield snapshot(warehouse)
        warehouse.close()


def main() -> None:
    """Print the verdict."""
    url, directory = sys.argv[1:]
    expected, found = _snapshots(load(), url, Path(directory))
    print(json.dumps(asdict(judge(expected, found))))


if __name__ == "__main__":
    main()
