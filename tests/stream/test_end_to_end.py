"""The job on a real broker, with the counting pipeline: everything that was sent is counted once, whatever happens."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator

from tests.stream.support import Bench, eventually


def keys(count: int, seed: int = 1) -> Iterator[str]:
    rng = random.Random(seed)
    return (f"c{rng.randrange(200)}" for _ in range(count))


def test_records_become_state_rows_and_a_committed_offset(bench: Bench) -> None:
    bench.create_topics()
    bench.produce(keys(3_000))
    worker = bench.worker()
    bench.finished()
    worker.send(signal.SIGTERM)
    assert worker.ended() == 0
    bench.check()
    assert sorted(row["offset"] for row in bench.rows("raw")).count(0) == bench.partitions


def test_a_restarted_worker_goes_on_where_it_was(bench: Bench) -> None:
    bench.create_topics()
    for seed in (1, 2):
        bench.produce(keys(1_000, seed))
        worker = bench.worker()
        bench.finished()
        worker.send(signal.SIGTERM)
        assert worker.ended() == 0
    bench.check()
    assert len(bench.rows("raw")) == 2_000, "nothing was processed twice"


def test_killed_in_mid_run(bench: Bench) -> None:
    bench.create_topics()
    bench.worker().wait_ready()
    victim = bench.worker()
    victim.wait_ready()
    for seed in range(6):
        bench.produce(keys(1_500, seed))
        if seed == 2:
            eventually(lambda: bench.counted().total() > 0, "something counted")
            victim.send(signal.SIGKILL)
    bench.finished()
    bench.check()


def test_workers_join_and_leave_under_load(bench: Bench) -> None:
    bench.create_topics()
    first = bench.worker()
    first.wait_ready()
    bench.produce(keys(2_000, 1))
    second = bench.worker()
    bench.produce(keys(2_000, 2))
    second.wait_ready()
    bench.produce(keys(2_000, 3))
    first.send(signal.SIGTERM)
    bench.produce(keys(2_000, 4))
    assert first.ended() == 0
    bench.finished()
    bench.check()
    assert second.process.poll() is None


def test_frozen_worker_is_fenced(bench: Bench) -> None:
    bench.create_topics()
    frozen = bench.worker(FAULT="slow")
    frozen.wait_ready()
    bench.produce(keys(4_000, 1))
    eventually(lambda: bench.counted().total() > 0, "something counted")
    frozen.send(signal.SIGSTOP)
    bench.worker()
    bench.produce(keys(2_000, 2))
    bench.finished()
    heir_alone = bench.counted()
    frozen.send(signal.SIGCONT)
    bench.produce(keys(2_000, 3))
    bench.finished()
    time.sleep(2)
    bench.check()
    assert heir_alone.total() == 6_000


def test_a_worker_that_froze_while_idle_starts_anew_with_what_it_gets_back(bench: Bench) -> None:
    bench.create_topics()
    bench.produce(keys(1_000, 1))
    frozen = bench.worker()
    bench.finished()
    frozen.send(signal.SIGSTOP)
    heir = bench.worker()
    heir.wait_ready()
    frozen.send(signal.SIGCONT)
    eventually(lambda: frozen.log.read_text().count("goes on at offset") > bench.partitions, "its partitions again")
    bench.produce(keys(1_000, 2))
    bench.finished()
    bench.check()
    assert frozen.process.poll() is None, "its old producers were fenced, its new ones are not"


def test_a_static_member_restarts_without_waiting_for_its_session(bench: Bench) -> None:
    bench.create_topics()
    bench.environment["PERCEPTION_KAFKA__SESSION_TIMEOUT_S"] = "25"
    first = bench.worker(PERCEPTION_KAFKA__INSTANCE_ID="one")
    first.wait_ready()
    bench.worker(PERCEPTION_KAFKA__INSTANCE_ID="two").wait_ready()
    bench.produce(keys(2_000, 1))
    bench.finished()
    first.send(signal.SIGKILL)
    killed = time.monotonic()
    bench.worker(PERCEPTION_KAFKA__INSTANCE_ID="one")
    bench.produce(keys(2_000, 2))
    bench.finished()
    assert time.monotonic() - killed < 20
    bench.check()
