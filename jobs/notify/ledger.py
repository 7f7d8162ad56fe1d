"""Who was told what: a compacted topic, written after a delivery and before its offset is committed.

Partition p of the ledger belongs to partition p of the alerts topic, so whoever takes a partition over knows what was
told there. A crash between a delivery and its record repeats the delivery, with the same fingerprint.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from pydantic import ValidationError

from jobs.notify.desk import Desk, Entry, Told
from jobs.notify.receiver import Receiver
from schemas.alert import AlertTransition

_SEPARATOR: Final = b"\x1f"


class _Record(msgspec.Struct):
    told: str
    since_s: float
    alert: dict[str, Any]


class Ledger:
    """Writes records of the ledger, and restores desks from them."""

    def __init__(self, producer: KafkaProducer, topic: str, timeout_s: float) -> None:
        self._producer = producer
        self._topic = topic
        self._timeout_s = timeout_s

    def write(self, receivers: Iterable[Receiver]) -> None:
        """Make what has changed durable; returns once the broker has it."""
        sent = [future for receiver in receivers for future in self._write(receiver.name, receiver.desk)]
        for future in sent:
            future.get(timeout=self._timeout_s)

    def _write(self, name: str, desk: Desk) -> list[Any]:
        changed, desk.changed = desk.changed, {}
        return [
            self._producer.send(
                self._topic,
                key=name.encode() + _SEPARATOR + alert_id.encode(),
                value=_encoded(desk.entries.get(alert_id)),
                partition=partition,
            )
            for alert_id, partition in changed.items()
        ]

    def restore(self, reader: KafkaConsumer, partition: int, receivers: Iterable[Receiver]) -> None:
        """Give each desk what it had told of a partition."""
        named = {receiver.name: receiver.desk for receiver in receivers}
        for key, value in read_all(reader, TopicPartition(self._topic, partition)):
            name, _, alert_id = (key or b"").partition(_SEPARATOR)
            desk = named.get(name.decode())
            if desk is None:
                continue
            entry = _decoded(value, partition)
            if entry is None:
                desk.entries.pop(alert_id.decode(), None)
            else:
                desk.entries[alert_id.decode()] = entry


def read_all(reader: KafkaConsumer, partition: TopicPartition) -> Iterable[tuple[bytes | None, bytes | None]]:
    """All records of a partition as it is now; ends by position."""
    reader.assign([partition])
    reader.seek_to_beginning(partition)
    end = reader.end_offsets([partition])[partition]
    while reader.position(partition) < end:
        for records in reader.poll(timeout_ms=500).values():
            for record in records:
                yield record.key, record.value


def _encoded(entry: Entry | None) -> bytes | None:
    if entry is None or entry.told is Told.NO:
        return None
    return msgspec.json.encode(_Record(entry.told.value, entry.since_s, entry.last.model_dump(mode="json")))


def _decoded(value: bytes | None, partition: int) -> Entry | None:
    if value is None:
        return None
    try:
        record = msgspec.json.decode(value, type=_Record)
        alert = AlertTransition.model_validate(record.alert)
        return Entry(alert, partition, Told(record.told), news=False, since_s=record.since_s)
    except (msgspec.DecodeError, ValidationError, ValueError):
        return None
