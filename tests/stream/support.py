"""Handles for the integration tests: one application on the broker, its workers as processes, what they wrote."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.structs import OffsetAndMetadata

from pipeline.store import MARKER_KEY, unpack_marker
from tests.stream.counting import VALUE

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


def eventually(found: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """The first true answer; fails with ``what`` when none comes."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        answer = found()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"not within {patience_s:.0f} s: {what}")


class Worker:
    """One worker process."""

    def __init__(self, name: str, directory: Path, environment: Mapping[str, str], command: list[str]) -> None:
        self.log = directory / f"{name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **environment}, stdout=log, stderr=subprocess.STDOUT
            )

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def says(self, text: str) -> bool:
        return text in self.log.read_text(errors="replace")

    def wait_ready(self) -> None:
        eventually(lambda: self.says("Worker ready") or self.process.poll() is not None, f"ready: {self.log}")
        assert self.process.poll() is None, self.log.read_text()

    def ended(self, patience_s: float = PATIENCE_S) -> int:
        return self.process.wait(patience_s)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()


class Bench:
    """One application: topics of its own, workers, produced records."""

    def __init__(self, bootstrap: str, name: str, directory: Path, partitions: int = 4) -> None:
        self.bootstrap = bootstrap
        self.name = name
        self.directory = directory
        self.partitions = partitions
        self.topic = f"{name}-in"
        self.changelog = f"{name}-state-v1-changelog"
        self.rejected = f"{name}-rejected"
        self.rows_file = directory / "rows.jsonl"
        self.sent: Counter[str] = Counter()
        self.workers: list[Worker] = []
        self.environment = {
            "PERCEPTION_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
            "PERCEPTION_KAFKA__APPLICATION_ID": name,
            "PERCEPTION_KAFKA__TOPIC": self.topic,
            "PERCEPTION_KAFKA__REJECTED_TOPIC": self.rejected,
            "PERCEPTION_KAFKA__CELLS_TOPIC": f"{name}-cells",
            "PERCEPTION_KAFKA__ALERTS_TOPIC": f"{name}-alerts",
            "PERCEPTION_KAFKA__PARTITIONS": str(partitions),
            "PERCEPTION_WORKER__FLUSH_INTERVAL_S": "0.2",
            "PERCEPTION_WORKER__FLUSH_RECORDS": "500",
            "PERCEPTION_WORKER__TICK_INTERVAL_S": "0",
            "PERCEPTION_WORKER__SHUTDOWN_DEADLINE_S": "15",
            "PERCEPTION_WORKER__HEALTH_PORT": "0",
            "PERCEPTION_KAFKA__SESSION_TIMEOUT_S": "6",
            "ROWS": str(self.rows_file),
        }

    def inherited(self) -> dict[str, str]:
        """The environment of a child process."""
        return {**os.environ, **self.environment}

    def worker(self, *, command: list[str] | None = None, **environment: str) -> Worker:
        name = f"worker-{len(self.workers)}"
        worker = Worker(
            name,
            self.directory,
            {**self.environment, **environment},
            command or [sys.executable, "-m", "tests.stream.worker_main"],
        )
        self.workers.append(worker)
        return worker

    def close(self) -> None:
        for worker in self.workers:
            worker.end()

    def produce(self, keys: Iterable[str], value: bytes = b"{}") -> None:
        with KafkaProducer(bootstrap_servers=self.bootstrap, linger_ms=20) as producer:
            for key in keys:
                producer.send(self.topic, key=key.encode(), value=value)
                self.sent[key] += 1
            producer.flush()

    def rows(self, table: str) -> list[dict[str, Any]]:
        if not self.rows_file.exists():
            return []
        written = self.rows_file.read_text()
        lines = written[: written.rfind("\n") + 1].splitlines()  # a worker may be in the middle of the next one
        return [row for row in map(json.loads, lines) if row["table"] == table]

    def counted(self) -> Counter[str]:
        """The table ``counts`` as a ReplacingMergeTree shows it: the highest version of each key wins."""
        latest: dict[tuple[int, str], tuple[int, int]] = {}
        for row in self.rows("counts"):
            identity = (row["partition"], row["key"])
            latest[identity] = max(latest.get(identity, (-1, 0)), (row["version"], row["count"]))
        return sum((Counter({key: count}) for (_, key), (_, count) in latest.items()), Counter())

    def finished(self) -> None:
        """Wait until all produced records are counted and committed."""
        eventually(lambda: self.counted().total() >= self.sent.total() and self.lag() == 0, "all records counted")

    def finished_to(self, records: int) -> None:
        """Wait until so many records in total are committed."""
        eventually(lambda: sum(self.committed()) >= records, f"{records} records committed")

    def delete_records(self, before: Mapping[int, int]) -> None:
        """Delete records as retention does."""
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            admin.delete_records({TopicPartition(self.topic, number): offset for number, offset in before.items()})
        finally:
            admin.close()

    def recreate_topic(self) -> None:
        """Delete the input topic and create it again, empty."""
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            admin.delete_topics([self.topic])
            eventually(lambda: self.topic not in admin.list_topics(), "the topic is gone")
            admin.create_topics([NewTopic(self.topic, self.partitions, 1)])
        finally:
            admin.close()

    def commit(self, consumer: Any, partition: int, offset: int) -> None:
        """Commit an offset for the group from outside."""
        tp = TopicPartition(self.topic, partition)
        consumer.assign([tp])
        consumer.commit({tp: OffsetAndMetadata(offset, "", -1)})

    def ends(self) -> list[int]:
        """The next offset of each partition of the input topic."""
        with self.consumer() as consumer:
            tps = [TopicPartition(self.topic, number) for number in range(self.partitions)]
            ends = consumer.end_offsets(tps)
            return [ends[tp] for tp in tps]

    def lag(self) -> int:
        with self.consumer(group=self.name) as consumer:
            tps = [TopicPartition(self.topic, number) for number in range(self.partitions)]
            ends = consumer.end_offsets(tps)
            return sum(ends[tp] - (consumer.committed(tp) or 0) for tp in tps)

    def committed(self) -> list[int]:
        with self.consumer(group=self.name) as consumer:
            return [consumer.committed(TopicPartition(self.topic, n)) or 0 for n in range(self.partitions)]

    def consumer(self, group: str | None = None) -> Any:
        return KafkaConsumer(
            bootstrap_servers=self.bootstrap,
            group_id=group,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        )

    def read(self, topic: str) -> list[Any]:
        """All committed records of a topic, per partition in order."""
        found: list[Any] = []
        with self.consumer() as consumer:
            tps = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
            if not tps:
                return []
            consumer.assign(tps)
            consumer.seek_to_beginning(*tps)
            ends = consumer.end_offsets(tps)
            while any(consumer.position(tp) < end for tp, end in ends.items()):
                for records in consumer.poll(timeout_ms=300).values():
                    found.extend(records)
        return found

    def state(self) -> Counter[str]:
        """Counts per key as the changelog has them; checks its chains of markers on the way."""
        stored: dict[tuple[int, bytes], bytes] = {}
        last: dict[int, int] = {}
        for record in self.read(self.changelog):
            if record.key == MARKER_KEY:
                marker = unpack_marker(record.value)
                assert marker.previous == last.get(record.partition, -1)
                last[record.partition] = marker.offset
            else:
                stored[record.partition, record.key] = record.value
        counts: Counter[str] = Counter()
        for (_, key), value in stored.items():
            counts[key[1:].decode()] += VALUE.unpack(value)[0]
        return counts

    def check(self) -> None:
        """State and rows equal what was sent, and every record has its raw row."""
        assert self.state() == self.sent
        assert self.counted() == self.sent
        assert len(self.rows("raw")) >= self.sent.total()

    def create_topics(self, *more: str, partitions: int | None = None, replicas: int = 1) -> None:
        """The input and the rejected topic, and ``more``; as ``perception topics apply`` would."""
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        names = (self.topic, self.rejected, *more)
        try:
            admin.create_topics([NewTopic(name, partitions or self.partitions, replicas) for name in names])
        finally:
            admin.close()
