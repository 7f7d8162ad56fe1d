"""A real log of 141,712 updates: any order, any slicing, twice, or through Kafka with two workers: the same tables."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from jobs import sources
from jobs.compare import Snapshot, differences, snapshot
from jobs.replay import Plan
from jobs.settings import Settings
from jobs.warehouse import open_warehouse
from pipeline.policy import DAY_MS, Policy
from tests.replay.warehouses import NOW_MS, tables
from tests.stream.support import ROOT, Bench, eventually

DATA = Path(os.environ.get("PERCEPTION_TEST_DATA", ROOT.parent / "shared" / "data"))
LOG = DATA / "uci_incident_event_log.csv.gz"
MAPPING = "uci_incident_event_log"
UPDATES = 141_712
PARTITIONS = 4
WHOLE_SPAN = Settings(policy=Policy(lateness_ms=400 * DAY_MS))
"""The file spans 354 days: no order of it is late."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not LOG.is_file(), reason=f"the real log is not here: {LOG.name} (PERCEPTION_TEST_DATA)"),
]


@pytest.fixture(scope="module")
def updates() -> list[bytes]:
    """The updates as events, in the order of arrival that the mapping gives."""
    return [value for chunk in sources.read([LOG], MAPPING) for value in chunk]


def replayed(path: Path, values: Sequence[bytes], batch: int) -> tuple[dict[str, int], Snapshot]:
    """Counts and tables of a replay."""
    totals, made = tables(path, values, plan=Plan(NOW_MS, PARTITIONS, batch), settings=WHOLE_SPAN)
    return dict(totals.counts), made


@pytest.fixture(scope="module")
def expected(updates: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    counts, made = replayed(tmp_path_factory.mktemp("expected") / "store", updates, 20_000)
    assert (counts["events"], counts["late"], counts["rejected"], counts["duplicates"]) == (UPDATES, 0, 0, 0)
    return made


def test_a_shuffle_of_it(updates: list[bytes], expected: Snapshot, tmp_path: Path) -> None:
    shuffled = random.Random(1).sample(updates, len(updates))
    counts, made = replayed(tmp_path / "store", shuffled, 20_000)
    assert counts["events"] == UPDATES
    assert differences(expected, made) == []


def test_the_same_input_twice_in_other_slices(updates: list[bytes], expected: Snapshot, tmp_path: Path) -> None:
    counts, made = replayed(tmp_path / "store", [*updates, *updates], 7_777)
    assert (counts["events"], counts["duplicates"]) == (UPDATES, UPDATES)
    assert differences(expected, made) == []


@pytest.fixture
def bench(kafka: Any, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(kafka.bootstrap, f"uci{uuid.uuid4().hex[:10]}", tmp_path, PARTITIONS)
    made.environment |= {"PERCEPTION_POLICY__LATENESS": "400d", "PERCEPTION_WORKER__FLUSH_RECORDS": "10000"}
    yield made
    made.close()


def command(bench: Bench, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jobs.cli", *arguments],
        cwd=ROOT,
        env=bench.inherited(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_kafka_and_two_workers(bench: Bench, expected: Snapshot, clickhouse_database: str) -> None:
    bench.environment["PERCEPTION_WAREHOUSE__URL"] = clickhouse_database
    for arguments in (("topics", "apply"), ("warehouse", "migrate"), ("produce", str(LOG), "--select", MAPPING)):
        done = command(bench, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    workers = [bench.worker(command=[sys.executable, "-m", "jobs.cli", "worker"]) for _ in range(2)]
    eventually(lambda: sum(bench.committed()) >= UPDATES, "all updates committed", 300)
    for worker in workers:
        worker.send(signal.SIGTERM)
    assert [worker.ended() for worker in workers] == [0, 0]
    warehouse = open_warehouse(clickhouse_database)
    try:
        assert differences(expected, snapshot(warehouse)) == []
    finally:
        warehouse.close()
