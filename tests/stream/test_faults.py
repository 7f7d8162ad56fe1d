"""What stops the worker, what it waits out, and what is left when it is gone."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path

import pytest
from kafka import KafkaProducer

from pipeline.batch import Marker
from pipeline.store import MARKER_KEY, pack_marker
from tests.stream.support import Bench, Worker, eventually
from tests.stream.test_end_to_end import keys


def stopped(bench: Bench, message: str) -> None:
    """A worker stops by itself, with this message for the operator."""
    told(bench.worker(), message)


def told(worker: Worker, message: str) -> None:
    """It ends by itself, and this is why."""
    assert worker.ended() == 1
    text = worker.log.read_text()
    reason = text.partition("The worker stops: ")[2]
    assert message in reason, text
    assert "What to do:" in reason


def test_a_warehouse_that_is_down_is_waited_for(bench: Bench, tmp_path: Path) -> None:
    down = tmp_path / "down"
    down.touch()
    bench.create_topics()
    bench.produce(keys(6_000))
    worker = bench.worker(FAULT=f"down:{down}")
    eventually(lambda: worker.says("nobody answers"), "the first refusal")
    time.sleep(2)
    assert sum(bench.committed()) == 0
    assert worker.process.poll() is None
    down.unlink()
    bench.finished()
    bench.check()
    assert len(bench.rows("raw")) == 6_000


def test_killed_between_changelog_and_rows(bench: Bench, tmp_path: Path) -> None:
    down = tmp_path / "down"
    down.touch()
    bench.create_topics()
    bench.produce(keys(3_000))
    victim = bench.worker(FAULT=f"down:{down}")
    eventually(lambda: bench.state().total() > 0, "state without rows")
    victim.send(signal.SIGKILL)
    victim.ended()
    assert bench.rows("raw") == []
    heir = bench.worker()
    bench.finished()
    assert heir.says("again")
    bench.check()
    assert len(bench.rows("raw")) == 3_000, "raw rows come from the log, once each"


def test_sigterm_is_obeyed_within_the_deadline_though_the_warehouse_hangs(bench: Bench, tmp_path: Path) -> None:
    down = tmp_path / "down"
    down.touch()
    bench.create_topics()
    bench.produce(keys(3_000))
    worker = bench.worker(FAULT=f"down:{down}", PERCEPTION_WORKER__SHUTDOWN_DEADLINE_S="6")
    eventually(lambda: worker.says("nobody answers"), "the first refusal")
    begun = time.monotonic()
    worker.send(signal.SIGTERM)
    worker.ended()
    assert time.monotonic() - begun < 8
    assert worker.says("flush abandoned")
    bench.worker()
    bench.finished()
    bench.check()


def test_a_terminal_error_stops_the_worker_and_nothing_is_lost(bench: Bench) -> None:
    bench.create_topics()
    bench.produce(keys(2_000))
    worker = bench.worker(FAULT="refuses")
    assert worker.ended() == 1
    assert worker.says("The worker stops: rows of counts cannot be written: ValueError in worker_main.py")
    assert worker.says("What to do: This is a defect")
    assert not worker.says("no such column"), "values of rows may be in it"
    assert sum(bench.committed()) == 0
    bench.worker()
    bench.finished()
    bench.check()


def test_a_broken_chain_stops_the_worker(bench: Bench) -> None:
    bench.create_topics(bench.changelog)
    with KafkaProducer(bootstrap_servers=bench.bootstrap) as producer:
        for marker in (Marker(4, -1, 0, 0), Marker(9, 6, 0, 0)):
            producer.send(bench.changelog, key=MARKER_KEY, value=pack_marker(marker), partition=2)
    stopped(bench, f"{bench.changelog}[2]: the flush that ends at offset 9 follows one that ended at 6")


def test_a_commit_beyond_the_state_stops_the_worker(bench: Bench) -> None:
    bench.create_topics(bench.changelog)
    bench.produce(keys(100))
    with bench.consumer(group=bench.name) as consumer:
        bench.commit(consumer, 0, 5)
    stopped(bench, f"{bench.topic}[0]: offset 4 is committed, but the state in the changelog ends at -1")


def test_topics_that_are_not_copartitioned_stop_the_worker(bench: Bench) -> None:
    bench.create_topics()
    bench.partitions, partitions = 2, bench.partitions
    bench.environment["PERCEPTION_KAFKA__PARTITIONS"] = "2"
    stopped(bench, f"{bench.topic} has {partitions}, {bench.changelog} has 2")


def finished_and_stopped(bench: Bench) -> None:
    worker = bench.worker()
    bench.finished()
    worker.send(signal.SIGTERM)
    assert worker.ended() == 0


def test_a_recreated_topic_is_not_taken_for_the_old_one(bench: Bench) -> None:
    bench.create_topics()
    bench.produce(keys(1_000))
    finished_and_stopped(bench)
    bench.recreate_topic()
    stopped(bench, "the topic was recreated or truncated")


@pytest.mark.parametrize("sees_it_gone", [True, False])
def test_a_topic_that_is_recreated_under_a_running_worker_is_not_skipped(bench: Bench, sees_it_gone: bool) -> None:
    bench.create_topics()
    bench.produce(keys(1_000))
    worker = bench.worker()
    bench.finished()
    if not sees_it_gone:
        worker.send(signal.SIGSTOP)
    bench.recreate_topic()
    with KafkaProducer(bootstrap_servers=bench.bootstrap) as producer:
        for number in range(bench.partitions):
            producer.send(bench.topic, key=b"a", value=b"{}", partition=number)
    worker.send(signal.SIGCONT)
    told(worker, "the topic was recreated or truncated")


def test_records_lost_to_retention_are_said_and_passed(bench: Bench) -> None:
    bench.create_topics()
    bench.produce(["a"] * 100)
    finished_and_stopped(bench)
    lost = bench.committed().index(100)
    bench.produce(["a"] * 50)
    bench.delete_records({lost: 120})
    worker = bench.worker()
    bench.finished_to(150)
    assert worker.says(f"{bench.topic}[{lost}]: offsets 100 to 119 were deleted by retention")
    assert bench.state()["a"] == 130


def test_a_rejected_flood_stops_the_worker_before_it_is_diverted(bench: Bench) -> None:
    bench.create_topics()
    bench.produce(keys(3_000), b"bad")
    bench.environment["PERCEPTION_WORKER__REJECTED_SHARE_RECORDS"] = "100"
    stopped(bench, "records were rejected, more than the limit of 50%")
    assert bench.read(bench.rejected) == []


def test_rejected_records_reach_their_topic_once(bench: Bench, tmp_path: Path) -> None:
    down = tmp_path / "down"
    bench.create_topics()
    bench.produce(keys(2_000))
    down.touch()
    victim = bench.worker(FAULT=f"down:{down}")
    with KafkaProducer(bootstrap_servers=bench.bootstrap) as producer:
        producer.send(bench.topic, key=b"a", value=b"bad one", headers=[("trace", b"7")], partition=1)
    eventually(lambda: victim.says("nobody answers"), "the first refusal")
    down.unlink()
    eventually(lambda: bench.read(bench.rejected), "the rejected record")
    down.touch()
    victim.send(signal.SIGKILL)
    bench.worker()
    bench.finished_to(bench.sent.total() + 1)
    found = bench.read(bench.rejected)
    assert [(record.key, record.value) for record in found] == [(b"a", b"bad one")]
    headers = dict(found[0].headers)
    assert headers["trace"] == b"7"
    assert (headers["reason"], headers["topic"], headers["partition"]) == (b"bad", bench.topic.encode(), b"1")


class Latin(str):
    """A header name of a producer that does not write UTF-8."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        return super().encode("latin-1")


def test_a_header_name_that_is_no_text_stops_nobody(bench: Bench) -> None:
    bench.create_topics()
    with KafkaProducer(bootstrap_servers=bench.bootstrap) as producer:
        for value in (b"{}", b"bad one"):
            producer.send(bench.topic, key=b"a", value=value, headers=[(Latin("größe"), b"7")], partition=1)
    bench.worker()
    bench.finished_to(2)
    assert bench.state() == {"a": 1}
    (letter,) = bench.read(bench.rejected)
    assert (letter.value, dict(letter.headers)["gr\ufffd\ufffde"]) == (b"bad one", b"7")


def test_idle_partitions_are_ticked(bench: Bench) -> None:
    bench.create_topics()
    bench.produce(["a"])
    bench.worker(PERCEPTION_WORKER__TICK_INTERVAL_S="1")

    def ticks() -> list[int]:
        return [record.partition for record in bench.read(bench.topic) if b"tick" in record.value]

    eventually(lambda: len(ticks()) >= 2, "two ticks")
    assert len(set(ticks())) == 1, "partitions without state are left alone"
    tick = next(json.loads(record.value) for record in bench.read(bench.topic) if b"tick" in record.value)
    assert tick["type"] == "tick"
    assert abs(tick["occurred_at"] - time.time() * 1_000) < 60_000
    eventually(lambda: bench.lag() == 0, "ticks are flushed too")
    assert bench.state() == bench.sent


def test_the_real_job_starts_by_fausts_own_command(bench: Bench, tmp_path: Path) -> None:
    bench.create_topics()
    faust = [str(Path(sys.executable).with_name("faust")), "-A", "jobs.worker", "worker", "-l", "info"]
    worker = bench.worker(command=faust, PERCEPTION_WAREHOUSE__URL=f"chdb://{tmp_path / 'data'}")
    worker.wait_ready()
    worker.send(signal.SIGTERM)
    assert worker.ended() == 0


def test_the_real_job_starts_by_our_command(bench: Bench, tmp_path: Path) -> None:
    bench.create_topics()
    ours = [sys.executable, "-c", "from jobs.cli import main; main()", "worker"]
    worker = bench.worker(command=ours, PERCEPTION_WAREHOUSE__URL=f"chdb://{tmp_path / 'data'}")
    worker.wait_ready()
    worker.send(signal.SIGTERM)
    assert worker.ended() == 0
