"""What fills memory, on a real worker: the worst of it here, all of it by ``python -m tests.faults.memory``."""

from __future__ import annotations

import json
import signal
import time

import pytest

from tests.decode.support import decoded
from tests.faults import hostile, memory
from tests.faults.test_health import ask, status
from tests.services.decide import Kafka
from tests.stream.support import Bench, Worker, eventually

ALLOWED_MB = 256
KEYS, KEY_BYTES = 8_000, 16_000


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_batches_that_expand_are_rejected_in_little_memory(kafka: Kafka) -> None:
    row = memory.run(memory.bombs, kafka.bootstrap, 0)
    assert row.rejected == row.records == len(hostile.KINDS)
    assert row.peak_mb < memory.CAP_MB


@pytest.mark.slow
def test_a_worker_takes_no_more_than_it_has_memory_for_and_another_relieves_it(bench: Bench) -> None:
    bench.create_topics()
    bench.environment["PERCEPTION_WORKER__MEMORY_BYTES"] = str(ALLOWED_MB << 20)
    worker = bench.worker()
    worker.wait_ready()
    bench.produce(f"{number}-{'x' * KEY_BYTES}" for number in range(KEYS))
    eventually(lambda: full(worker) and full(worker, after_s=3), "it is full, and stays so")
    assert worker.says("No more records are taken: ")
    assert worker.says("What to do: Start more workers")
    taken = sum(bench.committed())
    assert 0 < taken < KEYS
    time.sleep(3)
    assert sum(bench.committed()) == taken, "the rest waits in the log"
    assert memory.peak_mb(worker) < ALLOWED_MB
    assert status(worker, "/healthz") == 200, "a restart would mend nothing"
    for _ in range(3):
        bench.worker()
    bench.finished_to(KEYS)
    eventually(lambda: status(worker, "/readyz") == 200, "ready again")
    bench.check()


def full(worker: Worker, after_s: float = 0.0) -> bool:
    time.sleep(after_s)
    return any("no more records are taken" in reason for reason in ask(worker, "/readyz")[1])


def test_a_state_that_does_not_fit_is_not_restored(bench: Bench) -> None:
    bench.create_topics()
    bench.produce(f"{number}" for number in range(1_000))
    worker = bench.worker()
    bench.finished()
    worker.send(signal.SIGTERM)
    assert worker.ended() == 0
    refused = bench.worker(PERCEPTION_WORKER__MEMORY_BYTES=str(16 << 20))
    assert refused.ended() == 1
    assert refused.says("cannot be restored: ")
    assert refused.says("of 16 MiB of memory are in use\nWhat to do: Start more workers")
    bench.worker()
    bench.finished()
    bench.check()


def test_hostile_payloads_are_large_and_refused() -> None:
    values = [value for _, value in hostile.payloads(12)]
    assert min(map(len, values)) > hostile.PAYLOAD_BYTES // 2
    assert len(decoded(*values).rejected) == len(values)


def test_ordinary_events_are_taken() -> None:
    pairs = list(hostile.events(50, customers=7))
    assert len(decoded(*(value for _, value in pairs)).events) == 50
    assert {key for key, _ in pairs} == {json.loads(value)["customer_id"].encode() for _, value in pairs}


def test_every_case_has_a_title_and_the_table_shows_it() -> None:
    assert len({case.__doc__ for case in memory.CASES}) == len(memory.CASES)
    line = memory.rendered(memory.Row("many", 1_000, 2, 300.4, 5.0, "well"))
    assert line == "| many | 1,000 | 2 | 300 | 5 | well |"
