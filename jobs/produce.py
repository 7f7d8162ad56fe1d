"""Archives into Kafka: one record per event, keyed by customer, acknowledged by all replicas, each once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Self

from kafka import KafkaProducer
from kafka.codec import has_lz4

from jobs.broker import broker_errors, client_options
from jobs.errors import TopicError
from jobs.settings import KafkaSettings
from jobs.sources.keys import key_of
from jobs.topics import admin

_LINGER_MS: Final = 20
_BATCH_BYTES: Final = 256 * 1024
_LARGEST_RECORD: Final = 1_000_000
"""Kafka's own default limit of a batch, with room for its header: larger records are skipped and counted."""


@dataclass(slots=True)
class Produced:
    """What was sent."""

    records: int = 0
    bytes: int = 0
    without_customer: int = 0
    """Sent without a key: the worker will reject them."""
    too_large: int = 0
    """Not sent: larger than a broker takes."""


def producer(kafka: KafkaSettings) -> KafkaProducer:
    """An idempotent producer; lz4 where the library is there."""
    return KafkaProducer(
        **client_options(kafka),
        acks="all",
        enable_idempotence=True,
        allow_auto_create_topics=False,
        compression_type="lz4" if has_lz4() else None,
        linger_ms=_LINGER_MS,
        batch_size=_BATCH_BYTES,
        request_timeout_ms=round(kafka.request_timeout_s * 1_000),
        delivery_timeout_ms=round(kafka.request_timeout_s * 2_000),
    )


def produce(
    chunks: Iterable[list[bytes]],
    kafka: KafkaSettings,
    rate: float | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Produced:
    """Send all values to the interactions topic; returns once the brokers have them all.

    ``rate`` is the most records per second. Raises :class:`TopicError` if the topic does not exist and
    :class:`jobs.errors.BrokerError` if any record was not acknowledged.
    """
    total = Produced()
    pace = _Pace(rate)
    with admin(kafka) as client:
        if kafka.topic not in client.list_topics():
            raise TopicError(f"topic {kafka.topic} does not exist", action="Run `perception topics apply`.")
    with broker_errors(kafka), _Sending(producer(kafka), kafka.topic) as sending:
        for chunk in chunks:
            for part in pace.parts(chunk):
                _send(part, sending, total)
                progress(len(part))
            sending.check()
    return total


def _send(values: list[bytes], sending: _Sending, total: Produced) -> None:
    for value in values:
        if len(value) > _LARGEST_RECORD:
            total.too_large += 1
            continue
        key = key_of(value)
        total.without_customer += key is None
        sending.send(value, key)
        total.records += 1
        total.bytes += len(value)


class _Sending:
    """A producer and one topic: the first failed record stops the rest."""

    def __init__(self, client: KafkaProducer, topic: str) -> None:
        self._client = client
        self._topic = topic
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            if error[0] is None:
                self._client.flush()
                self.check()
        finally:
            self._client.close(timeout=None if error[0] is None else 0)

    def send(self, value: bytes, key: bytes | None) -> None:
        self._client.send(self._topic, value, key=key).add_errback(self._failed)

    def check(self) -> None:
        """Raise the first failure so far."""
        if self._failure is not None:
            raise self._failure

    def _failed(self, error: Any) -> None:
        self._failure = self._failure or error


class _Pace:
    """Slows a stream to so many records per second."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._began = time.monotonic()
        self._count = 0

    def parts(self, chunk: list[bytes]) -> Iterable[list[bytes]]:
        """The chunk in parts of about a tenth of a second, each when its time has come."""
        if self._rate is None:
            yield chunk
            return
        size = max(1, round(self._rate / 10))
        for start in range(0, len(chunk), size):
            time.sleep(max(0.0, self._began + self._count / self._rate - time.monotonic()))
            part = chunk[start : start + size]
            self._count += len(part)
            yield part
