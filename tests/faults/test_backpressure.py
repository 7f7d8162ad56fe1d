"""Without a warehouse a worker stops fetching: told by the bytes that leave the broker, and by its memory."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import pytest

from tests.faults import rig
from tests.faults.memory import resident_mb
from tests.faults.test_health import ask, status
from tests.stream.support import Bench, eventually
from tests.stream.test_end_to_end import keys

RECORDS = 10_000
VALUE = b'{"pad":"' + b"x" * 20_000 + b'"}'
MEBIBYTE = 1 << 20
FETCHED_MIB = 64
"""Of 190 MiB: for each of four partitions a flush in hand, the next one, and fetches of up to 4 MiB on their way."""
QUIET_S = 4.0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_cannot_be_written_is_not_fetched(kafka_behind_proxy: rig.Kafka, tmp_path: Path) -> None:
    bench = Bench(kafka_behind_proxy.bootstrap, f"b{uuid.uuid4().hex[:10]}", tmp_path)
    down = tmp_path / "down"
    down.touch()
    try:
        bench.create_topics()
        worker = bench.worker(
            FAULT=f"down:{down}",
            PERCEPTION_KAFKA__BOOTSTRAP_SERVERS=kafka_behind_proxy.address,
            PERCEPTION_WORKER__FLUSH_BYTES=str(MEBIBYTE),
            PERCEPTION_WORKER__FLUSH_RECORDS=str(RECORDS),
        )
        eventually(lambda: status(worker, "/readyz") == 200, "ready")
        empty_mb, before = resident_mb(worker), kafka_behind_proxy.proxy.replied
        bench.produce(keys(RECORDS), VALUE)
        eventually(lambda: status(worker, "/readyz") == 503, "not ready")
        assert ask(worker, "/readyz")[1] == ["the warehouse does not take rows"]
        fetched = eventually(lambda: quiet(kafka_behind_proxy), "it fetches nothing more") - before
        assert MEBIBYTE < fetched < FETCHED_MIB * MEBIBYTE < RECORDS * len(VALUE) / 2
        assert bench.lag() == RECORDS, "the records wait in the log"
        assert resident_mb(worker) - empty_mb < 3 * FETCHED_MIB
        assert status(worker, "/healthz") == 200, "a restart would not mend the warehouse"
        down.unlink()
        bench.finished()
        eventually(lambda: status(worker, "/readyz") == 200, "ready again")
        assert kafka_behind_proxy.proxy.replied - before > RECORDS * len(VALUE)
        bench.check()
    finally:
        bench.close()


def quiet(kafka: rig.Kafka) -> int:
    """Bytes that have left the broker, once hardly any more do; else 0. Heartbeats go on."""
    before = kafka.proxy.replied
    time.sleep(QUIET_S)
    return before if kafka.proxy.replied - before < MEBIBYTE // 64 else 0
