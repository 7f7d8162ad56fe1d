"""The rejected topic: read what the worker refused, with its reason, and send it again."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition

from jobs.broker import broker_errors, client_options
from jobs.errors import TopicError, WrongUseError
from jobs.produce import producer
from jobs.settings import KafkaSettings

REASON: Final = "reason"
MESSAGE: Final = "message"
TOPIC: Final = "topic"
PARTITION: Final = "partition"
OFFSET: Final = "offset"
TRUNCATED: Final = "truncated"
"""Header of a record whose value was cut: its full size, bytes."""
REQUEUED: Final = "x-requeued"
"""Header of a record that was sent again: where it lay in the rejected topic."""
_OURS: Final = (TRUNCATED, REASON, MESSAGE, TOPIC, PARTITION, OFFSET, REQUEUED)

Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One record of the rejected topic."""

    partition: int
    """Of the rejected topic."""
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def id(self) -> str:
        """How commands name it: ``partition:offset``."""
        return f"{self.partition}:{self.offset}"

    def header(self, name: str) -> str:
        """Text of a header, empty if there is none; the worker's come after the producer's of the same name."""
        return next((value.decode(errors="replace") for key, value in reversed(self.headers) if key == name), "")

    @property
    def reason(self) -> str:
        """Reason code."""
        return self.header(REASON)

    @property
    def whole(self) -> bool:
        """Whether the value is all that was received: the worker cuts what would not fit into a record."""
        return not self.header(TRUNCATED)

    @property
    def original_headers(self) -> list[tuple[str, bytes]]:
        """What the producer sent, without what the worker and earlier requeues added."""
        kept = list(self.headers)
        for name in _OURS:
            last = next((index for index in range(len(kept) - 1, -1, -1) if kept[index][0] == name), None)
            if last is not None:
                del kept[last]
        return kept

    def as_dict(self) -> dict[str, Any]:
        """For JSON: bytes as text where they are UTF-8, always as base64."""
        return {
            "id": self.id,
            "reason": self.reason,
            "message": self.header(MESSAGE),
            "topic": self.header(TOPIC),
            "partition": self.header(PARTITION),
            "offset": self.header(OFFSET),
            "rejected_at_ms": self.timestamp_ms,
            "key": _text(self.key),
            "value": _text(self.value),
            "value_base64": None if self.value is None else base64.b64encode(self.value).decode(),
            "headers": {key: _text(value) for key, value in self.original_headers},
            "whole": self.whole,
            "requeued_from": self.header(REQUEUED) or None,
        }


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")


@contextmanager
def _consumer(kafka: KafkaSettings) -> Iterator[KafkaConsumer]:
    with broker_errors(kafka):
        client = KafkaConsumer(
            **client_options(kafka),
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            max_poll_records=5_000,
        )
        try:
            yield client
        finally:
            client.close()


def read(kafka: KafkaSettings) -> Iterator[DeadLetter]:
    """All records that the rejected topic holds now, partition by partition. Raises TopicError if there is none."""
    with _consumer(kafka) as client:
        for partition in _partitions(client, kafka.rejected_topic):
            client.assign([partition])
            client.seek_to_beginning(partition)
            yield from _until(client, partition, client.end_offsets([partition])[partition])


def find(kafka: KafkaSettings, ids: Iterable[str]) -> list[DeadLetter]:
    """The records of those ids. Raises :class:`WrongUseError` for one that is not (or no longer) there."""
    with _consumer(kafka) as client:
        known = {partition.partition: partition for partition in _partitions(client, kafka.rejected_topic)}
        return [_find_one(client, known, name) for name in ids]


def _find_one(client: KafkaConsumer, known: dict[int, TopicPartition], name: str) -> DeadLetter:
    number, _, offset = name.partition(":")
    partition = known.get(int(number)) if number.isdigit() and offset.isdigit() else None
    if partition is not None:
        client.assign([partition])
        first, end = client.beginning_offsets([partition])[partition], client.end_offsets([partition])[partition]
        if first <= int(offset) < end:
            client.seek(partition, int(offset))
            letter = next(_until(client, partition, int(offset) + 1), None)
            if letter is not None and letter.offset == int(offset):
                return letter
    raise WrongUseError(f"there is no rejected record {name}", action="See `perception dlq list` for ids.")


def _partitions(client: KafkaConsumer, topic: str) -> list[TopicPartition]:
    numbers = client.partitions_for_topic(topic)
    if not numbers:
        raise TopicError(f"topic {topic} does not exist", action="Run `perception topics apply`.")
    return [TopicPartition(topic, number) for number in sorted(numbers)]


def _until(client: KafkaConsumer, partition: TopicPartition, end: int) -> Iterator[DeadLetter]:
    """Records before ``end``; ends by position, since the last offset may be a transaction's control record."""
    while client.position(partition) < end:
        for records in client.poll(timeout_ms=500).values():
            for record in records:
                if record.offset < end:
                    yield _letter(record)


def _letter(record: Any) -> DeadLetter:
    return DeadLetter(
        record.partition, record.offset, record.timestamp, record.key, record.value, tuple(record.headers or ())
    )


def requeue(letters: Iterable[DeadLetter], kafka: KafkaSettings) -> int:
    """Send records to the interactions topic again, bytes and key as they were; returns how many.

    Those whose value was cut are left out: the whole of it is in the topic they came from. A header names the
    rejected record they come from. Harmless to repeat: events are known by their event_id.
    """
    with broker_errors(kafka):
        client = producer(kafka)
        try:
            futures = [
                client.send(
                    kafka.topic,
                    letter.value,
                    key=letter.key,
                    headers=[*letter.original_headers, (REQUEUED, letter.id.encode())],
                )
                for letter in letters
                if letter.whole
            ]
            client.flush()
            for future in futures:
                future.get(timeout=kafka.request_timeout_s)
        finally:
            client.close()
    return len(futures)
