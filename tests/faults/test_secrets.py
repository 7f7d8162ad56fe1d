"""Planted secrets, customer ids and payloads: none of them may appear in what a worker or a command logs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer

from jobs.warehouse import open_warehouse
from tests.services.process import free_port
from tests.stream.support import ROOT, Bench, eventually

OURS = [sys.executable, "-c", "from jobs.cli import main; main()"]
PASSWORD, BROKER_PASSWORD = "hunter2-of-the-warehouse", "hunter2-of-the-broker"
CUSTOMER, TEXT, CALL = "zz-planted-customer", "zz-planted-text", "zz-planted-call"
PLANTED = (PASSWORD, BROKER_PASSWORD, CUSTOMER, TEXT, CALL, "zz-planted")
NOW_MS = time.time_ns() // 1_000_000


def records() -> Iterator[tuple[str, bytes]]:
    """Good, double, contradicting, late and bad records, all of them with something to hide."""
    for number in range(200):
        event = {
            "event_id": f"{TEXT}-{number}",
            "customer_id": f"{CUSTOMER}-{number % 7}",
            "occurred_at": NOW_MS - 1_000 * number,
            "type": "call",
            "interaction_id": CALL,
            "attributes": {"note": TEXT},
        }
        key = str(event["customer_id"])
        yield key, json.dumps(event).encode()
        if number % 10 == 0:
            yield key, json.dumps(event | {"type": "chat"}).encode()
            yield (
                key,
                json.dumps(event | {"occurred_at": NOW_MS - 86_400_000 * 30, "event_id": f"{TEXT}-l{number}"}).encode(),
            )
            yield key, json.dumps(event | {TEXT: TEXT}).encode()
            yield f"{CUSTOMER}-other", json.dumps(event).encode()
            yield key, f'{{"customer_id": "{CUSTOMER}'.encode()


def produce(bench: Bench, values: Iterator[tuple[str, bytes]]) -> int:
    with KafkaProducer(bootstrap_servers=bench.bootstrap) as producer:
        return sum(1 for key, value in values if producer.send(bench.topic, key=key.encode(), value=value))


def planted(url: str) -> str:
    """The address with a password (the server of the tests takes any)."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://default:{PASSWORD}@{rest.partition('@')[2] or rest}"


def said(bench: Bench, *arguments: str, **environment: str) -> str:
    """What a command writes to the error output, whether or not it succeeds."""
    settings = {**bench.inherited(), **environment}
    done = subprocess.run(
        [*OURS, *arguments], cwd=ROOT, env=settings, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stderr


def leaks(text: str) -> list[str]:
    """Lines that show what was planted."""
    return [line for line in text.splitlines() if any(secret in line for secret in PLANTED)]


@pytest.fixture
def secretive(bench: Bench, clickhouse_database: str) -> Bench:
    """An application with secrets in all of its settings."""
    address = planted(clickhouse_database)
    store = open_warehouse(address)
    store.migrate()
    store.close()
    bench.create_topics()
    bench.environment["PERCEPTION_WAREHOUSE__URL"] = address
    bench.environment["PERCEPTION_KAFKA__SECURITY__PASSWORD"] = BROKER_PASSWORD
    return bench


def test_a_worker_that_works_logs_nothing_of_them(secretive: Bench) -> None:
    sent = produce(secretive, records())
    worker = secretive.worker(command=[*OURS, "worker", "--loglevel", "info"])
    secretive.finished_to(sent)
    worker.send(signal.SIGTERM)
    assert worker.ended() == 0
    text = worker.log.read_text()
    assert "goes on at offset" in text, "the log is there to be searched"
    assert leaks(text) == []


def test_a_worker_that_stops_says_why_without_them(secretive: Bench) -> None:
    produce(secretive, ((f"{CUSTOMER}-{number}", f"{{{TEXT}".encode()) for number in range(2_000)))
    worker = secretive.worker(command=[*OURS, "worker"], PERCEPTION_WORKER__REJECTED_SHARE_RECORDS="100")
    assert worker.ended() == 1
    assert worker.says("The worker stops: ")
    assert leaks(worker.log.read_text()) == []


def test_a_worker_without_its_warehouse_says_so_without_them(secretive: Bench) -> None:
    produce(secretive, records())
    away = f"clickhouse://default:{PASSWORD}@127.0.0.1:{free_port()}/perception"
    worker = secretive.worker(command=[*OURS, "worker"], PERCEPTION_WAREHOUSE__URL=away)
    eventually(lambda: worker.says("cannot be opened yet"), "it says that the warehouse is away")
    eventually(lambda: worker.says("Rows of "), "rows wait")
    worker.send(signal.SIGKILL)
    worker.ended()
    assert leaks(worker.log.read_text()) == []


def test_commands_write_nothing_of_them_to_the_error_output(secretive: Bench, tmp_path: Path) -> None:
    archive = tmp_path / "events.ndjson"
    archive.write_bytes(b"".join(value + b"\n" for _, value in records()))
    replayed = f"chdb://{tmp_path / 'replayed'}"
    nowhere = f"127.0.0.1:{free_port()}"
    text = "\n".join(
        [
            said(secretive, "doctor"),
            said(secretive, "warehouse", "check"),
            said(secretive, "replay", str(archive), "--warehouse", replayed),
            said(secretive, "query", "SELECT nothing FROM nowhere"),
            said(secretive, "doctor", PERCEPTION_WAREHOUSE__URL=f"clickhouse://default:{PASSWORD}@db:port/x"),
            said(secretive, "doctor", PERCEPTION_KAFKA__BOOTSTRAP_SERVERS=nowhere),
            said(secretive, "doctor", PERCEPTION_KAFKA__SECURITY__PROTOCOL=BROKER_PASSWORD),
        ]
    )
    assert "PERCEPTION_KAFKA__SECURITY" in text
    assert leaks(text) == []


def test_what_is_planted_would_be_found() -> None:
    assert leaks(f"all is well\nuser {CUSTOMER}-3 called") == [f"user {CUSTOMER}-3 called"]
