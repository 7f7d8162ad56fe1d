"""The real job, and a warehouse over the native protocol broken in mid-work: the tables are those of a replay."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from kafka import KafkaProducer

from jobs.warehouse import open_warehouse
from tests.core.harness import Event, random_events
from tests.faults.proxy import Proxy
from tests.services import clickhouse
from tests.services.clickhouse import Endpoint
from tests.services.process import listens
from tests.stream.support import ROOT, Bench, eventually

OURS = [sys.executable, "-c", "from jobs.cli import main; main()"]
LATENESS = {"PERCEPTION_POLICY__LATENESS": "500d"}
EVENTS = 6_000
BEFORE = 2_000
"""Events before the fault."""
SEED = 11
pytestmark = [
    pytest.mark.slow,
    # A connection that is cut in mid-flight leaves its transport to the collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@dataclass(frozen=True, slots=True)
class Broken:
    """A warehouse's process, and the proxy that the worker reaches it by."""

    endpoint: Endpoint
    proxy: Proxy

    @property
    def port(self) -> int:
        """The process's own."""
        return urlsplit(self.endpoint.url).port or 0

    @property
    def address(self) -> str:
        """Through the proxy."""
        return f"clickhouse://default@127.0.0.1:{self.proxy.port}/default"


@pytest.fixture
def warehouse() -> Iterator[Broken]:
    """A migrated warehouse of the test's own, behind a proxy."""
    with clickhouse.endpoint() as endpoint:
        store = open_warehouse(endpoint.url)
        store.migrate()
        store.close()
        with Proxy(("127.0.0.1", urlsplit(endpoint.url).port or 0)) as proxy:
            yield Broken(endpoint, proxy)


def killed(broken: Broken) -> None:
    """SIGKILL in mid-insert, away for three seconds, back on the same data"""
    broken.endpoint.process.kill()
    time.sleep(3)
    broken.endpoint.process.start()
    broken.endpoint.process.wait_ready(lambda: listens(broken.port), 60)


def swallowed(broken: Broken) -> None:
    """rows are taken, and nobody says so"""
    broken.proxy.mode = "swallow"
    time.sleep(6)
    broken.proxy.mode = "open"


def cut(broken: Broken) -> None:
    """connections are reset and refused"""
    broken.proxy.cut()
    time.sleep(3)
    broken.proxy.mode = "open"


def one_byte_a_second(broken: Broken) -> None:
    """a line so slow that every statement times out"""
    broken.proxy.mode, broken.proxy.rate = "throttle", 1
    time.sleep(6)
    broken.proxy.mode = "open"


@pytest.mark.parametrize("fault", [killed, swallowed, cut, one_byte_a_second], ids=lambda fault: fault.__name__)
def test_the_tables_are_those_of_a_replay(
    bench: Bench, warehouse: Broken, tmp_path: Path, fault: Callable[[Broken], None]
) -> None:
    events = random_events(EVENTS, seed=SEED, customers=150)
    random.Random(SEED).shuffle(events)
    replayed = replay(bench, events, tmp_path)
    bench.create_topics()
    settings = {
        **LATENESS,
        "PERCEPTION_WAREHOUSE__URL": warehouse.address,
        "PERCEPTION_WAREHOUSE__SEND_RECEIVE_TIMEOUT_S": "3",
        "PERCEPTION_WORKER__FLUSH_RECORDS": "200",
    }
    worker = bench.worker(command=[*OURS, "worker"], **settings)
    worker.wait_ready()
    produce(bench, events[:BEFORE])
    eventually(lambda: sum(bench.committed()) > 200, "the first flushes")
    with ThreadPoolExecutor(1) as thread:
        rest = thread.submit(produce, bench, events[BEFORE:])  # work to be broken, however fast the worker is
        fault(warehouse)
        rest.result()
    bench.finished_to(EVENTS)
    assert worker.says("Rows of "), "the fault was noticed"
    worker.end()
    compared = command(bench, "compare", replayed, warehouse.endpoint.url)
    assert compared.returncode == 0, compared.stdout + compared.stderr


def replay(bench: Bench, events: list[Event], folder: Path) -> str:
    """The tables of these events without any accident."""
    archive = folder / "events.ndjson"
    archive.write_text("".join(json.dumps(event) + "\n" for event in events))
    done = command(bench, "replay", str(archive), "--warehouse", f"chdb://{folder / 'replayed'}", "--quiet")
    assert done.returncode == 0, done.stderr
    return f"chdb://{folder / 'replayed'}"


def command(bench: Bench, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **bench.environment, **LATENESS}
    return subprocess.run(
        [*OURS, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def produce(bench: Bench, events: list[Event]) -> None:
    with KafkaProducer(bootstrap_servers=bench.bootstrap, linger_ms=20) as producer:
        for event in events:
            producer.send(bench.topic, key=event["customer_id"].encode(), value=json.dumps(event).encode())
        producer.flush()
