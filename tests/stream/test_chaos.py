"""Seeded accidents to three workers while records arrive: whatever the order of events, the counts are right."""

from __future__ import annotations

import random
import signal
import time

import pytest

from tests.stream.support import Bench, Worker
from tests.stream.test_end_to_end import keys

ACCIDENTS = (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP)


@pytest.mark.parametrize("seed", [1])
def test_accidents_cost_no_record_and_no_count(bench: Bench, seed: int) -> None:
    rng = random.Random(seed)
    bench.create_topics()
    running = [bench.worker(FAULT=rng.choice(["", "slow"])) for _ in range(3)]
    for step in range(12):
        bench.produce(keys(800, seed * 100 + step))
        time.sleep(rng.random() * 2.5)
        victim = rng.choice(running)
        happen(victim, rng.choice(ACCIDENTS))
        running = [worker for worker in running if worker is not victim and worker.process.poll() is None]
        while len(running) < 3:
            running.append(bench.worker(FAULT=rng.choice(["", "slow"])))
    for worker in bench.workers:
        if worker.process.poll() is None:
            worker.send(signal.SIGCONT)
    bench.finished()
    bench.check()


def happen(victim: Worker, accident: signal.Signals) -> None:
    victim.send(accident)
    if accident is signal.SIGTERM:
        # A process that has not yet come to install its handler ends by the signal itself.
        assert victim.ended() in {0, -signal.SIGTERM}, victim.log.read_text()
