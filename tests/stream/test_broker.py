"""The broker itself goes away for a while."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from tests.services.kafka import Cluster
from tests.stream.support import Bench, eventually
from tests.stream.test_end_to_end import keys


@pytest.mark.parametrize("graceful", [True, False])
def test_a_broker_that_restarts_costs_no_record_and_no_count(
    kafka_broker: Cluster, tmp_path: Path, graceful: bool
) -> None:
    bench = Bench(kafka_broker.bootstrap, f"t{uuid.uuid4().hex[:10]}", tmp_path)
    try:
        bench.create_topics()
        bench.worker(FAULT="slow").wait_ready()
        bench.produce(keys(3_000, 1))
        eventually(lambda: bench.counted().total() > 0, "something counted")
        kafka_broker.brokers[0].restart(graceful=graceful)
        bench.produce(keys(3_000, 2))
        if bench.workers[0].process.poll() is not None:
            bench.worker()
        bench.finished()
        bench.check()
    finally:
        bench.close()
