"""Health is asked of a real worker process: well, hung, without a warehouse, and well again."""

from __future__ import annotations

import asyncio
import json
import re
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from jobs.stream.health import pulse
from jobs.stream.signs import FAILURE_FRESH_S, Glimpse, Name, Signs
from tests.stream.support import Bench, Worker, eventually
from tests.stream.test_end_to_end import keys

RED_WITHIN_S = 30.0


def ask(worker: Worker, path: str) -> tuple[int, list[str]]:
    """Status and reasons; (0, []) while nobody answers."""
    found = re.search(r"Health at (http://127\.0\.0\.1:\d+)/", worker.log.read_text())
    if found is None:
        return 0, []
    try:
        with urllib.request.urlopen(found[1] + path, timeout=5) as answer:
            return answer.status, json.load(answer)["reasons"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["reasons"]
    except OSError:
        return 0, []


def status(worker: Worker, path: str) -> int:
    return ask(worker, path)[0]


def test_a_worker_is_healthy_then_red_without_a_warehouse_then_healthy(bench: Bench, tmp_path: Path) -> None:
    down = tmp_path / "down"
    bench.create_topics()
    worker = bench.worker(FAULT=f"down:{down}")
    eventually(lambda: status(worker, "/readyz") == 200, "ready")
    assert status(worker, "/healthz") == 200
    down.touch()
    bench.produce(keys(1_000))
    eventually(lambda: status(worker, "/readyz") == 503, "not ready")
    assert ask(worker, "/readyz")[1] == ["the warehouse does not take rows"]
    assert status(worker, "/healthz") == 200, "a restart would not mend the warehouse"
    down.unlink()
    eventually(lambda: status(worker, "/readyz") == 200, "ready again")
    bench.finished()
    bench.check()


def test_a_hung_loop_is_red_in_time_and_its_stacks_are_told_once(bench: Bench, tmp_path: Path) -> None:
    hung = tmp_path / "hung"
    bench.create_topics()
    worker = bench.worker(FAULT=f"loop:{hung}", PERCEPTION_WORKER__HANG_AFTER_S="8")
    eventually(lambda: status(worker, "/readyz") == 200, "ready")
    began = time.monotonic()
    hung.touch()
    eventually(lambda: status(worker, "/healthz") == 503, "red", RED_WITHIN_S)
    assert time.monotonic() - began < RED_WITHIN_S
    assert "the event loop has not run" in ask(worker, "/healthz")[1][0]
    eventually(lambda: worker.says("task "), "stacks of tasks")
    text = worker.log.read_text()
    assert text.count("The worker hangs: the event loop") == 1
    assert "thread MainThread:" in text
    assert "in block" in text, "the culprit"
    hung.unlink()
    eventually(lambda: status(worker, "/healthz") == 200, "green again")


def test_a_hung_flush_is_red_in_time(bench: Bench, tmp_path: Path) -> None:
    stuck = tmp_path / "stuck"
    bench.create_topics()
    worker = bench.worker(FAULT=f"stuck:{stuck}", PERCEPTION_WORKER__HANG_AFTER_S="5")
    eventually(lambda: status(worker, "/readyz") == 200, "ready")
    stuck.touch()
    bench.produce(keys(500))
    eventually(lambda: status(worker, "/healthz") == 503, "red", RED_WITHIN_S)
    assert "its flush has given no sign" in ask(worker, "/healthz")[1][0]
    stuck.unlink()
    eventually(lambda: status(worker, "/healthz") == 200, "green again")
    bench.finished()


def test_a_worker_does_not_die_of_being_looked_at() -> None:
    async def scenario() -> Signs:
        one = signs()
        looks = iter([ValueError("no"), None])

        def look() -> tuple[dict[Name, Glimpse], bool]:
            if error := next(looks):
                raise error
            raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await pulse(one, look)
        return one

    one = asyncio.run(scenario())
    assert one.beat_at > 0
    assert not one.restored


def signs(**changes: Any) -> Signs:
    made = Signs(hang_after_s=20, stall_after_s=60, beat_at=0)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


IDLE, BUSY, WAITING = (
    Glimpse(5, busy=busy, waiting=wait) for busy, wait in [(False, False), (True, True), (False, True)]
)


def test_silence_of_the_loop_is_a_hang() -> None:
    assert signs().hung(20) == []
    assert signs().hung(21) == ["the event loop has not run for 21 s"]


def test_a_flush_that_retries_is_no_hang_and_one_that_is_silent_is() -> None:
    one = signs()
    for now in range(100):
        one.calls += 1
        one.beat(now, {0: BUSY}, restored=True)
    assert one.hung(99) == []
    for now in range(100, 121):
        one.beat(now, {0: BUSY}, restored=True)
    assert one.hung(120) == ["partition 0: its flush has given no sign for 21 s"]


def test_an_idle_partition_is_ready_for_ever_and_a_waiting_one_is_not() -> None:
    one = signs()
    for now in range(200):
        one.beat(now, {0: IDLE, 1: WAITING}, restored=True)
    assert one.unready(199) == ["partition 1: no progress for 199 s while records wait"]


def test_partitions_that_are_not_restored_are_not_ready() -> None:
    one = signs()
    one.beat(1, {}, restored=False)
    assert one.unready(1) == ["partitions are being assigned or restored"]


def test_an_old_failure_of_the_warehouse_says_nothing() -> None:
    one = signs(failed_at=0.0)
    one.beat(FAILURE_FRESH_S, {}, restored=True)
    assert one.unready(FAILURE_FRESH_S) == []
    assert one.unready(FAILURE_FRESH_S - 1) == ["the warehouse does not take rows"]
