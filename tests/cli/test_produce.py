"""`perception produce`: every value once, in order per customer, keyed by customer."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from jobs.settings import KafkaSettings
from pipeline.partitioning import partition_of
from tests.cli.records import records
from tests.cli.run import run, run_json
from tests.replay.files import ORDERS, ORDERS_SQL, write

EVENTS = [json.dumps({"event_id": f"e{n}", "customer_id": f"c{n % 7}", "type": "call"}).encode() for n in range(500)]


def test_values_arrive_once_in_order_under_their_customer(broker: KafkaSettings, tmp_path: Path) -> None:
    run("topics", "apply")
    path = write(tmp_path / "events.ndjson", b"\n".join(EVENTS))
    summary = run_json("produce", str(path))
    assert summary["records"] == 500
    assert summary["topic"] == broker.topic
    assert summary["bytes"] == sum(map(len, EVENTS))
    got = records(broker, broker.topic)
    assert sorted(record.value for record in got) == sorted(EVENTS)
    for customer in {record.key for record in got}:
        mine = [record for record in got if record.key == customer]
        assert [record.value for record in mine] == [
            v for v in EVENTS if json.loads(v)["customer_id"].encode() == customer
        ]
        assert {record.partition for record in mine} == {partition_of(customer, 3)}


def test_bad_records_are_sent_as_they_are(broker: KafkaSettings, tmp_path: Path) -> None:
    run("topics", "apply")
    path = write(tmp_path / "bad.ndjson", b"not json\n" + EVENTS[0] + b"\n" + b"x" * 1_100_000)
    summary = run_json("produce", str(path))
    assert (summary["records"], summary["without_customer"], summary["too_large"]) == (2, 1, 1)
    assert {(record.key, record.value) for record in records(broker, broker.topic)} == {
        (None, b"not json"),
        (b"c0", EVENTS[0]),
    }


def test_rows_become_events_by_a_mapping(broker: KafkaSettings, tmp_path: Path) -> None:
    run("topics", "apply")
    mapping, table = write(tmp_path / "orders.sql", ORDERS_SQL), write(tmp_path / "orders.csv", ORDERS)
    assert "2 records" in run("produce", str(table), "--select", str(mapping)).output
    assert {record.key for record in records(broker, broker.topic)} == {b"c007", b"c008"}


def test_the_rate_is_kept(broker: KafkaSettings, tmp_path: Path) -> None:
    run("topics", "apply")
    path = write(tmp_path / "events.ndjson", b"\n".join(EVENTS[:100]))
    began = time.monotonic()
    assert run_json("produce", str(path), "--rate", "100")["records"] == 100
    assert time.monotonic() - began > 0.85


@pytest.mark.parametrize("arguments", [(), ("--topic", "nowhere")])
def test_a_missing_topic_is_named(broker: KafkaSettings, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    path = write(tmp_path / "events.ndjson", EVENTS[0])
    result = run("produce", str(path), *arguments, code=2)
    assert f"topic {(broker.topic, *arguments)[-1]} does not exist" in result.stderr
    assert "perception topics apply" in result.stderr
