"""The loop: follow the alerts topic, tell the receivers, remember, commit. At least once, whatever is killed when.

1. Poll; every desk takes the transitions. 2. Each receiver sends what is due. 3. The ledger has it. 4. Only then the
offset is committed, up to the first transition that somebody still has to hear of.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import CommitFailedError, RebalanceInProgressError
from kafka.structs import OffsetAndMetadata
from pydantic import ValidationError

from jobs.broker import broker_errors, client_options
from jobs.errors import TopicError
from jobs.notify.ledger import Ledger
from jobs.notify.receiver import Receiver
from jobs.notify.silence_log import SilenceLog
from jobs.produce import producer
from jobs.settings import KafkaSettings
from schemas.alert import AlertTransition

log = logging.getLogger(__name__)

POLL_MS: Final = 500
MESSAGES_PER_TURN: Final = 20
"""Messages of a receiver between two polls: with time-outs of seconds, the group never waits for long."""


class Notifier:
    """Follows the alerts topic as one member of its own consumer group."""

    def __init__(self, kafka: KafkaSettings, receivers: Sequence[Receiver]) -> None:
        self._kafka = kafka
        self._receivers = receivers
        self._committed: dict[TopicPartition, int] = {}
        self._catching_up: dict[TopicPartition, int] = {}
        """Partitions that this group has never read, with the end that they had: what ended before is history."""
        self._moves = _Moves()
        self._stop = threading.Event()

    def stop(self) -> None:
        """End :meth:`run` after the message in hand."""
        self._stop.set()

    def run(self) -> None:
        """Until :meth:`stop`. Raises :class:`jobs.errors.BrokerError`; what was not committed is done again then."""
        with broker_errors(self._kafka):
            consumer, reader, sender = self._consumer(), self._reader(), producer(self._kafka)
            try:
                ledger = Ledger(sender, self._kafka.notified_topic, self._kafka.request_timeout_s)
                silences = SilenceLog(self._reader(), self._kafka.silences_topic)
                try:
                    self._follow(consumer, reader, ledger, silences)
                finally:
                    silences.close()
            finally:
                sender.close()
                reader.close()
                consumer.close(autocommit=False)

    def _follow(self, consumer: KafkaConsumer, reader: KafkaConsumer, ledger: Ledger, silences: SilenceLog) -> None:
        if not reader.partitions_for_topic(self._kafka.alerts_topic):
            raise TopicError(
                f"topic {self._kafka.alerts_topic} does not exist", action="Run `perception topics apply`."
            )
        consumer.subscribe([self._kafka.alerts_topic], listener=self._moves)
        while not self._stop.is_set():
            polled = consumer.poll(timeout_ms=POLL_MS)
            self._rebalance(consumer, reader, ledger)
            self._take(polled, consumer)
            silences.refresh()
            for receiver in self._receivers:
                self._tell(receiver, silences, ledger)
            ledger.write(self._receivers)
            self._commit(consumer)

    def _take(self, polled: Mapping[TopicPartition, Sequence[Any]], consumer: KafkaConsumer) -> None:
        now = time.time()
        for partition, records in polled.items():
            for record in records:
                self._give(_alert(record), partition.partition, record.offset, now)
        for partition, end in list(self._catching_up.items()):
            if consumer.position(partition) >= end:
                del self._catching_up[partition]
                self._skip_history(partition)

    def _give(self, alert: AlertTransition | None, partition: int, offset: int, now: float) -> None:
        if alert is not None:
            for receiver in self._receivers:
                receiver.desk.take(alert, partition, offset, now)

    def _skip_history(self, partition: TopicPartition) -> None:
        skipped = sum(receiver.desk.skip_ended(partition.partition) for receiver in self._receivers)
        if skipped:
            log.info("First start: %d alerts of the past are not told", skipped)

    def _tell(self, receiver: Receiver, silences: SilenceLog, ledger: Ledger) -> None:
        if self._catching_up:
            return
        for _ in range(MESSAGES_PER_TURN):
            now = time.time()
            if self._stop.is_set() or not receiver.work(now, silences.at(now)):
                return
            ledger.write([receiver])

    def _commit(self, consumer: KafkaConsumer) -> None:
        done = {}
        for partition in consumer.assignment():
            open_offsets = [receiver.desk.unsettled(partition.partition) for receiver in self._receivers]
            offset = min([known for known in open_offsets if known is not None] + [consumer.position(partition)])
            if self._committed.get(partition) != offset and partition not in self._catching_up:
                done[partition] = OffsetAndMetadata(offset, "", -1)
                self._committed[partition] = offset
        if done:
            try:
                consumer.commit(done)
            except (CommitFailedError, RebalanceInProgressError):
                self._committed.clear()
                log.info("The group rebalances: offsets are committed after it")

    def _rebalance(self, consumer: KafkaConsumer, reader: KafkaConsumer, ledger: Ledger) -> None:
        """Forget partitions that went, and know what was told of those that came, before their records are taken."""
        moves = self._moves
        while moves.happened:
            came, partitions = moves.happened.popleft()
            for partition in partitions:
                self._forget(partition)
                if came and partition in consumer.assignment():
                    ledger.restore(reader, partition.partition, self._receivers)
                    if consumer.committed(partition) is None:
                        self._catching_up[partition] = consumer.end_offsets([partition])[partition]

    def _forget(self, partition: TopicPartition) -> None:
        self._catching_up.pop(partition, None)
        self._committed.pop(partition, None)
        for receiver in self._receivers:
            receiver.desk.drop(partition.partition)

    def _consumer(self) -> KafkaConsumer:
        return KafkaConsumer(
            **client_options(self._kafka),
            group_id=self._kafka.notify_group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            session_timeout_ms=round(self._kafka.session_timeout_s * 1_000),
        )

    def _reader(self) -> KafkaConsumer:
        return KafkaConsumer(
            **client_options(self._kafka),
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            allow_auto_create_topics=False,
        )


class _Moves(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Notes what a rebalance did: kafka-python calls it where nothing may block, and swallows its errors."""

    def __init__(self) -> None:
        self.happened: deque[tuple[bool, list[TopicPartition]]] = deque()

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Called before others get them."""
        self.happened.append((False, list(revoked)))

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Called before their records come."""
        self.happened.append((True, list(assigned)))


def _alert(record: Any) -> AlertTransition | None:
    """The transition of a record; one that cannot be read is said without its content, and passed over."""
    if record.value is None:
        return None
    try:
        return AlertTransition.model_validate_json(record.value)
    except ValidationError as error:
        where = f"{record.topic}[{record.partition}]@{record.offset}"
        log.error("%s is no alert transition (%d errors): passed over", where, error.error_count())  # noqa: TRY400
        return None
