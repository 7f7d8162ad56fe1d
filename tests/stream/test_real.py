"""The real job: two workers on Kafka, killed and rebalanced, leave the same tables as a replay without Kafka."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kafka import KafkaProducer

from jobs.warehouse import open_warehouse
from tests.core.harness import Event, random_events
from tests.stream.support import ROOT, Bench, eventually

OURS = [sys.executable, "-c", "from jobs.cli import main; main()"]
LATENESS = {"PERCEPTION_POLICY__LATENESS": "500d"}


def command(*arguments: str, bench: Bench) -> subprocess.CompletedProcess[str]:
    environment = {**bench.inherited(), **LATENESS}
    return subprocess.run(
        [*OURS, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def produce(bench: Bench, events: list[Event]) -> None:
    with KafkaProducer(bootstrap_servers=bench.bootstrap, linger_ms=20) as producer:
        for event in events:
            producer.send(bench.topic, key=event["customer_id"].encode(), value=json.dumps(event).encode())
        producer.flush()


@pytest.mark.parametrize("seed", [7])
def test_workers_that_die_leave_the_tables_of_a_replay(
    bench: Bench, clickhouse_database: str, tmp_path: Path, seed: int
) -> None:
    events = random_events(6_000, seed=seed, customers=150)
    random.Random(seed).shuffle(events)
    archive = tmp_path / "events.ndjson"
    archive.write_text("".join(json.dumps(event) + "\n" for event in events))
    replayed = f"chdb://{tmp_path / 'replayed'}"
    done = command("replay", str(archive), "--warehouse", replayed, "--quiet", bench=bench)
    assert done.returncode == 0, done.stderr

    warehouse = open_warehouse(clickhouse_database)
    warehouse.migrate()
    bench.create_topics()
    settings = {**LATENESS, "PERCEPTION_WAREHOUSE__URL": clickhouse_database}
    produce(bench, events[:3_000])
    workers = [bench.worker(command=[*OURS, "worker"], **settings) for _ in range(2)]
    eventually(lambda: sum(bench.committed()) > 500, "the first flushes")
    workers[0].send(signal.SIGKILL)
    produce(bench, events[3_000:])
    late_comer = bench.worker(command=[*OURS, "worker"], **settings)
    late_comer.wait_ready()
    workers[1].send(signal.SIGTERM)
    bench.finished_to(len(events))
    assert workers[1].ended() == 0
    late_comer.send(signal.SIGTERM)
    assert late_comer.ended() == 0
    assert warehouse.query("SELECT count() FROM events").value() == len({event["event_id"] for event in events})
    warehouse.close()
    compared = command("compare", replayed, clickhouse_database, bench=bench)
    assert compared.returncode == 0, compared.stdout + compared.stderr
