"""The instruments of the benchmark measure what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid

import pytest
from kafka import KafkaProducer

from tests.architecture.code import ROOT
from tests.bench import perceive, report
from tests.bench.measure import Sample
from tests.bench.meter import PeakMemory, cpu_seconds
from tests.bench.progress import StalledError, changelog_state, wait_committed
from tests.bench.workload import load, simulated
from tests.services.decide import KAFKA_VARIABLE, Kafka
from tests.services.topics import create_topic

BURN = """
import subprocess, sys, time
block = bytearray(64 << 20)
block[::4096] = b"x" * len(block[::4096])
subprocess.run([sys.executable, "-c", "import time\\nwhile time.process_time() < 0.4: pass"])
while time.process_time() < 0.3: pass
print("burnt", flush=True)
input()
"""


def test_the_meter_counts_a_tree_with_its_ended_children() -> None:
    with subprocess.Popen([sys.executable, "-c", BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        with PeakMemory(child.pid) as memory:
            assert child.stdout.readline() == b"burnt\n"
        assert 0.65 < cpu_seconds(child.pid) < 2.0
        assert memory.peak > 64 << 20
        child.communicate(b"\n")


def test_the_workload_is_reproducible_and_keeps_the_order_of_a_customer() -> None:
    workload = simulated(500, customers=50, seed=3)
    assert workload == simulated(500, customers=50, seed=3)
    logs = workload.per_partition(3)
    assert sum(map(len, logs)) == 500
    assert min(map(len, logs)) > 0
    customer = workload.records[0].key
    mine = [record for record in workload.records if record.key == customer]
    assert [record for log in logs for record in log if record.key == customer] == mine


def test_all_records_arrive_and_progress_is_seen(kafka: Kafka) -> None:
    topic = f"load-{uuid.uuid4().hex}"
    create_topic(kafka.bootstrap, topic, partitions=3)
    workload = simulated(3_000, customers=100, seed=1)
    ends = load(kafka.bootstrap, topic, workload, partitions=3)
    assert sum(ends) == 3_000
    with pytest.raises(StalledError, match="0 of 3000"):
        wait_committed(kafka.bootstrap, "nobody", topic, ends, alive=lambda: True, timeout_s=0.5)
    state = changelog_state(kafka.bootstrap, topic)
    assert state.entries == len(workload.customers)


def test_state_is_the_last_value_of_each_key(kafka: Kafka) -> None:
    topic = f"state-{uuid.uuid4().hex}"
    create_topic(kafka.bootstrap, topic, partitions=1)
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap.split(","))
    for key, value in [(b"a", b"12345"), (b"b", b"1"), (b"a", b"123"), (b"b", None), (b"cc", b"12")]:
        producer.send(topic, key=key, value=value)
    producer.close()
    state = changelog_state(kafka.bootstrap, topic)
    assert (state.entries, state.key_bytes, state.value_bytes) == (2, 3, 5)


def sample(events: int, cpu: float) -> Sample:
    return Sample(
        events=events, customers=10, seconds=2.0, cpu_seconds=cpu, engine_cpu_seconds=0.5, peak_bytes=2**20,
        state_entries=20, state_bytes=2_000, rows=None,
    )  # fmt: skip


def test_the_ratio_compares_medians() -> None:
    ours, plain = [sample(1_000, cpu) for cpu in (1.0, 2.0, 9.0)], [sample(100, cpu) for cpu in (3.0, 4.0, 5.0)]
    result = report.summary({"plain": plain, "perception": ours}, {"rounds": 3})
    assert result["ratio"] == pytest.approx(500 / 25)
    assert result["medians"]["perception"]["state_bytes_per_customer"] == 200
    assert len(result["rounds"]["plain"]) == 3


@pytest.mark.slow
def test_a_short_run_measures_both(kafka: Kafka) -> None:
    command = "-m tests.bench --events 3000 --plain-events 500 --customers 300 --partitions 2 --rounds 1 --json".split()
    environment = os.environ | {KAFKA_VARIABLE: kafka.bootstrap}
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    (plain,), (ours,) = result["rounds"]["plain"], result["rounds"]["perception"]
    assert result["ratio"] > 0
    # All of it was done: what is not a row is a duplicate or late.
    assert ours["rows"] > 0.95 * (3_000 + 2_000)
    assert ours["engine_cpu_seconds"] > 0
    assert 250 < plain["state_entries"] <= 300
    assert ours["state_entries"] > plain["state_entries"]


def test_the_perceive_stage_is_measured_whole() -> None:
    given = perceive.load(customers=40, days=4, seed=1)
    shown = perceive.perceive(given)
    assert shown.mean.shape == (len(given.customers), 3)
    assert ((shown.low <= shown.mean) & (shown.mean <= shown.high)).all()
    found = perceive.rates(given, rounds=3)
    assert len(found) == 3
    assert min(found) > 0
