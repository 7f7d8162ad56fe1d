"""The topic of silences: whoever reads all of it knows them all; it works while the warehouse does not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from kafka import KafkaConsumer, TopicPartition

from jobs.broker import broker_errors, client_options
from jobs.errors import TopicError, WrongUseError
from jobs.notify.desk import Silenced
from jobs.notify.silences import Silence, decoded, encoded, silenced
from jobs.produce import producer
from jobs.settings import KafkaSettings
from schemas.alert import AlertTransition

_WAIT_MS: Final = 500


class SilenceLog:
    """Silences as they are now; :meth:`refresh` reads what was added."""

    def __init__(self, reader: KafkaConsumer, topic: str) -> None:
        self._reader = reader
        self._known: dict[bytes, Silence] = {}
        numbers = reader.partitions_for_topic(topic)
        if not numbers:
            reader.close()
            raise TopicError(f"topic {topic} does not exist", action="Run `perception topics apply`.")
        self._partitions = [TopicPartition(topic, number) for number in sorted(numbers)]
        reader.assign(self._partitions)
        reader.seek_to_beginning(*self._partitions)

    def refresh(self) -> None:
        """Read to the end."""
        ends = self._reader.end_offsets(self._partitions)
        while any(self._reader.position(one) < end for one, end in ends.items()):
            for records in self._reader.poll(timeout_ms=_WAIT_MS).values():
                for record in records:
                    self._take(record.key or b"", record.value)

    def _take(self, key: bytes, value: bytes | None) -> None:
        found = None if value is None else decoded(value)
        if found is None:
            self._known.pop(key, None)
        else:
            self._known[key] = found

    def all(self) -> list[Silence]:
        """All that are known, those that ended too, by their end."""
        return sorted(self._known.values(), key=lambda one: (one.end_ms, one.id))

    def at(self, now_s: float) -> Silenced:
        """Whether an alert is held back at a time."""
        return partial(_held_back, self.all(), round(now_s * 1_000))

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()


def _held_back(known: list[Silence], now_ms: int, alert: AlertTransition) -> bool:
    return silenced(alert, known, now_ms)


@contextmanager
def _opened(kafka: KafkaSettings) -> Iterator[SilenceLog]:
    with broker_errors(kafka):
        reader = KafkaConsumer(
            **client_options(kafka), group_id=None, enable_auto_commit=False, allow_auto_create_topics=False
        )
        opened = SilenceLog(reader, kafka.silences_topic)
        try:
            yield opened
        finally:
            opened.close()


def silences(kafka: KafkaSettings) -> list[Silence]:
    """All silences that the topic holds. Raises :class:`TopicError` if there is no such topic."""
    with _opened(kafka) as opened:
        opened.refresh()
        return opened.all()


def put(kafka: KafkaSettings, one: Silence) -> None:
    """Write a silence; returns once the broker has it."""
    with _opened(kafka), broker_errors(kafka):
        sender = producer(kafka)
        try:
            sent = sender.send(kafka.silences_topic, key=one.id.encode(), value=encoded(one))
            sent.get(timeout=kafka.request_timeout_s)
        finally:
            sender.close()


def end(kafka: KafkaSettings, silence_id: str) -> Silence:
    """End a silence now. Raises :class:`WrongUseError` for one that is not there or over."""
    now_ms = time.time_ns() // 1_000_000
    found = next((one for one in silences(kafka) if one.id == silence_id and one.end_ms > now_ms), None)
    if found is None:
        raise WrongUseError(f"no silence {silence_id} holds", action="See `perception alerts silence list`.")
    ended = Silence(found.id, found.labels, found.reason, min(found.start_ms, now_ms), now_ms, found.by)
    put(kafka, ended)
    return ended
