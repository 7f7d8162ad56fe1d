"""A full run with faults, then a worker that cannot go on: neither logs, health nor errors show what was planted."""

from __future__ import annotations

import signal
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from kafka import KafkaProducer

from jobs.stream.errors import ProcessingError, UnreadableStateError
from jobs.stream.guard import guarded
from jobs.warehouse import open_warehouse
from pipeline.statechecks import StateError
from tests.faults.proxy import Proxy
from tests.faults.test_health import ask
from tests.faults.test_secrets import BROKER_PASSWORD, CUSTOMER, PASSWORD, leaks, produce, records
from tests.services.decide import Kafka
from tests.stream.support import Bench, Worker, eventually

OURS = [sys.executable, "-c", "from jobs.cli import main; main()"]
# A connection that is cut in mid-flight leaves its transport to the collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def bench(kafka: Kafka, tmp_path: Path) -> Iterator[Bench]:
    """An application of the test's own on the shared broker."""
    bench = Bench(kafka.bootstrap, f"r{uuid.uuid4().hex[:10]}", tmp_path)
    yield bench
    bench.close()


@pytest.fixture
def warehouse(clickhouse_database: str) -> Iterator[Proxy]:
    """A migrated warehouse behind a proxy."""
    store = open_warehouse(clickhouse_database)
    store.migrate()
    store.close()
    server = urlsplit(clickhouse_database)
    with Proxy((server.hostname or "", server.port or 0)) as proxy:
        yield proxy


def worker(bench: Bench, warehouse: Proxy, database: str) -> Worker:
    return bench.worker(
        command=[*OURS, "worker", "--loglevel", "info"],
        PERCEPTION_WAREHOUSE__URL=f"clickhouse://default@127.0.0.1:{warehouse.port}/{database}",
        PERCEPTION_WAREHOUSE__PASSWORD=PASSWORD,
        PERCEPTION_WAREHOUSE__SEND_RECEIVE_TIMEOUT_S="3",
        PERCEPTION_KAFKA__SECURITY__PASSWORD=BROKER_PASSWORD,
        PERCEPTION_WORKER__REJECTED_SHARE_LIMIT="1",
    )


def spoil(bench: Bench) -> None:
    """Something else writes a customer into the changelog."""
    with KafkaProducer(bootstrap_servers=bench.bootstrap) as producer:
        for partition in range(bench.partitions):
            key = f"k{CUSTOMER}".encode()
            producer.send(bench.changelog, key=key, value=CUSTOMER.encode(), partition=partition)


def test_a_run_with_faults_shows_nothing_of_them(bench: Bench, warehouse: Proxy, clickhouse_database: str) -> None:
    database = clickhouse_database.rpartition("/")[2]
    bench.create_topics()
    first = worker(bench, warehouse, database)
    first.wait_ready()
    sent = produce(bench, records())
    bench.finished_to(sent)
    warehouse.cut()
    sent += produce(bench, records())
    eventually(lambda: first.says("Rows of "), "rows wait")
    seen = [str(ask(first, "/readyz")), str(ask(first, "/healthz"))]
    first.send(signal.SIGKILL)
    first.ended()
    second = worker(bench, warehouse, database)
    eventually(lambda: second.says("cannot be opened yet"), "it says that the warehouse is away")
    warehouse.mode = "open"
    bench.finished_to(sent)
    second.send(signal.SIGTERM)
    assert second.ended() == 0
    spoil(bench)
    third = worker(bench, warehouse, database)
    assert third.ended() == 1
    assert third.says("The worker stops: ")
    logs = [one.log.read_text(errors="replace") for one in (first, second, third)]
    assert all("goes on at offset" in text for text in logs[:2]), "the logs are there to be searched"
    assert leaks("\n".join([*logs, *seen])) == []


def test_an_error_of_the_pipeline_is_told_without_its_data() -> None:
    def fails(customer: str) -> None:
        raise KeyError(customer)

    with pytest.raises(ProcessingError, match=r"partition 3: KeyError in test_run_logs\.py:\d+ fails") as caught:
        guarded("partition 3", fails, CUSTOMER)
    assert leaks(str(caught.value)) == []
    assert caught.value.__suppress_context__, "a traceback would print the original"


def test_a_state_that_is_none_is_told_with_what_to_do() -> None:
    def fails() -> None:
        raise StateError("no state")

    with pytest.raises(UnreadableStateError, match="partition 3: no state") as caught:
        guarded("partition 3", fails)
    assert "application id" in caught.value.action
