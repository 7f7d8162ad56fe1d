"""The real worker detects on Kafka what a replay detects without it, and tells every transition once, if killed too."""

from __future__ import annotations

import json
import random
import signal
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer, TopicPartition

from jobs.warehouse import Warehouse, open_warehouse
from pipeline.policy import DAY_MS, HOUR_MS
from schemas.alert import AlertTransition
from tests.stream.support import Bench, eventually
from tests.stream.test_real import OURS, command, produce

FIRST_MS = 1_700_006_400_000
"""A day's start."""
DAYS, FALL, RATE = 12, 9, 12
"""Days, the day whose second hour begins a fall of half a day, and calls an hour."""
STATES = """SELECT fingerprint, toUnixTimestamp64Milli(since_at), state, toUnixTimestamp64Milli(at), parent = ''
FROM alerts WHERE state != 'withdrawn' ORDER BY ALL"""
PAGES = """SELECT scope, verdict, dimensions,
    JSONExtractArrayRaw(cause, 'signals'), JSONExtractArrayRaw(cause, 'examples')
FROM alert_transitions WHERE state = 'firing' AND parent = '' AND NOT amended AND detector = 'drop'"""

Event = dict[str, Any]


def calls(seed: int = 3) -> list[Event]:
    """Calls of two channels; those by phone are not resolved any more while it falls."""
    draw = random.Random(seed)
    made: list[Event] = []
    for hour in range(DAYS * 24):
        falls = FALL * 24 + 1 <= hour < FALL * 24 + 13
        for number in range(RATE):
            channel = "phone" if number % 2 else "chat"
            fine = 0.15 if falls and channel == "phone" else 0.85
            made.append(
                {
                    "event_id": f"e{hour}-{number}",
                    "customer_id": f"c{draw.randrange(600)}",
                    "interaction_id": f"i{hour}-{number}",
                    "occurred_at": FIRST_MS + hour * HOUR_MS + draw.randrange(HOUR_MS - 60_000),
                    "type": "call" if channel == "phone" else "chat",
                    "channel": channel,
                    "segment": draw.choice(["gold", "basic"]),
                    "resolved": draw.random() < fine,
                }
            )
    return sorted(made, key=lambda event: event["occurred_at"])


def tick(bench: Bench, at_ms: int) -> None:
    """Move the watermark of every partition, as workers do while nothing comes."""
    value = json.dumps({"type": "tick", "occurred_at": at_ms}).encode()
    with KafkaProducer(bootstrap_servers=bench.bootstrap) as producer:
        for number in range(bench.partitions):
            producer.send(bench.topic, key=b"", value=value, partition=number)
        producer.flush()


def judged(bench: Bench) -> bool:
    """Whether all blocks of cells are taken in; the log ends in control records of several producers."""
    blocks = bench.read(f"{bench.name}-cells")
    with bench.consumer(group=bench.name) as consumer:
        reached = consumer.committed(TopicPartition(f"{bench.name}-cells", 0)) or 0
    return bool(blocks) and reached > blocks[-1].offset


def transitions(bench: Bench) -> list[AlertTransition]:
    """Of cells; alerts about single customers share the topic."""
    told = (AlertTransition.model_validate_json(record.value) for record in bench.read(f"{bench.name}-alerts"))
    return [one for one in told if one.detector in {"drop", "surge", "no_data"}]


def check_once(bench: Bench, warehouse: Warehouse) -> None:
    """Topic and table hold the same transitions, each once, numbered without gap."""
    told = transitions(bench)
    counted = Counter((one.alert_id, one.sequence) for one in told)
    assert set(counted.values()) == {1}
    assert all((alert_id, number - 1) in counted for alert_id, number in counted if number > 1)
    rows = list(warehouse.query("SELECT alert_id, sequence, state FROM alert_rows FINAL ORDER BY ALL"))
    assert rows == sorted((one.alert_id, one.sequence, one.state) for one in told)


@pytest.fixture
def events() -> list[Event]:
    return calls()


@pytest.fixture
def replayed(bench: Bench, events: list[Event], tmp_path: Path) -> list[tuple[Any, ...]]:
    """Final states that a replay ends in; it pages the phone, with the signal that moved."""
    archive = tmp_path / "events.ndjson"
    archive.write_text("".join(json.dumps(event) + "\n" for event in events))
    url = f"chdb://{tmp_path / 'replayed'}"
    done = command("replay", str(archive), "--warehouse", url, "--quiet", bench=bench)
    assert done.returncode == 0, done.stderr
    with closing(open_warehouse(url, create=False, read_only=True)) as store:
        pages = list(store.query(PAGES))
        assert [json.loads(page[0]) for page in pages] == [{"channel": "phone"}]
        verdict, dimensions, signals, examples = pages[0][1:]
        assert verdict == "real fall"
        assert "meets_needs" in dimensions
        assert "resolved" in {json.loads(signal)["signal"] for signal in signals}
        assert examples
        return list(store.query(STATES))


@pytest.mark.parametrize("killed", [False, True], ids=["undisturbed", "killed"])
def test_a_worker_ends_where_a_replay_ends(
    bench: Bench, clickhouse_database: str, events: list[Event], replayed: list[tuple[Any, ...]], *, killed: bool
) -> None:
    warehouse = open_warehouse(clickhouse_database)
    warehouse.migrate()
    assert command("topics", "apply", bench=bench).returncode == 0
    settings = {
        "PERCEPTION_POLICY__LATENESS": "500d",
        "PERCEPTION_WAREHOUSE__URL": clickhouse_database,
        "PERCEPTION_ALERTS__INTERVAL_S": "0.3",
        "PERCEPTION_ALERTS__AMEND_INTERVAL_S": "0",
    }
    worker = bench.worker(command=[*OURS, "worker"], **settings)
    before = [event for event in events if event["occurred_at"] < FIRST_MS + FALL * DAY_MS]
    produce(bench, before)
    parts = 6 if killed else 2
    rest, size = events[len(before) :], (len(events) - len(before)) // parts + 1
    for part in range(parts):
        produce(bench, rest[part * size : (part + 1) * size])
        done = len(before) + min((part + 1) * size, len(rest))
        if killed:
            eventually(lambda done=done: sum(bench.committed()) >= done * 0.9, "almost all taken")  # type: ignore[misc]
            worker.send(signal.SIGKILL)
            worker = bench.worker(command=[*OURS, "worker"], **settings)
    tick(bench, events[-1]["occurred_at"])
    bench.finished_to(len(events) + bench.partitions)
    eventually(lambda: judged(bench), "all cells judged")
    worker.send(signal.SIGTERM)
    assert worker.ended() == 0
    with closing(warehouse):
        check_once(bench, warehouse)
        assert list(warehouse.query(STATES)) == replayed


def test_without_detection_there_are_no_cells(bench: Bench, clickhouse_database: str, events: list[Event]) -> None:
    with closing(open_warehouse(clickhouse_database)) as warehouse:
        warehouse.migrate()
    bench.create_topics()
    off = {"PERCEPTION_ALERTS__ENABLED": "false", "PERCEPTION_WAREHOUSE__URL": clickhouse_database}
    worker = bench.worker(command=[sys.executable, "-m", "jobs.cli", "worker"], **off)
    produce(bench, events[:300])
    bench.finished_to(300)
    worker.send(signal.SIGTERM)
    assert worker.ended() == 0
    assert bench.read(f"{bench.name}-cells") == []
