"""The changelog of one partition: one transaction per flush, by a producer that fences its predecessors."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from aiokafka.errors import InvalidProducerEpoch, KafkaError, MessageSizeTooLargeError, ProducerFenced

from jobs.stream.connection import Connection
from jobs.stream.errors import ChangelogError, FencedError
from jobs.stream.rejected import Letter
from pipeline.partitioning import partition_of
from pipeline.store import MARKER_KEY

STOP_TIMEOUT_S: Final = 5.0
_NO_HEADERS: Final[list[tuple[str, bytes]]] = []
Message = tuple[str, bytes, bytes]
"""Topic, key and value of a record that goes out with a flush."""
_Row = tuple[int | None, bytes | None, bytes | None, list[tuple[str, bytes]]]


class Changelog:
    """Writes the flushes of one partition. ``start`` first; unusable after an error."""

    def __init__(
        self, connection: Connection, transactional_id: str, *, topic: str, partition: int, rejected_topic: str
    ) -> None:
        self._producer = connection.transactional_producer(transactional_id)
        self._name = f"{topic}[{partition}]"
        self._topic = topic
        self._partition = partition
        self._rejected_topic = rejected_topic
        self._timeout_s = connection.kafka.request_timeout_s

    async def start(self) -> None:
        """Connect and fence: afterwards no other producer of the partition can commit anything."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._producer.start()
        except (KafkaError, TimeoutError) as error:
            await self.stop()
            raise self._failed(error) from error

    async def stop(self) -> None:
        """Close the connection; a transaction in progress is left to the next owner to abort."""
        with contextlib.suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._producer.stop()

    async def write(
        self, changes: Mapping[bytes, bytes | None], letters: Sequence[Letter] = (), messages: Sequence[Message] = ()
    ) -> None:
        """Write all changes, the marker last, rejected records and messages; all or nothing, whatever their number.

        Raises :class:`FencedError` if another worker has taken over, :class:`ChangelogError` otherwise.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._transaction(changes, letters, messages)
        except (KafkaError, TimeoutError) as error:
            raise self._failed(error) from error

    async def _transaction(
        self, changes: Mapping[bytes, bytes | None], letters: Sequence[Letter], messages: Sequence[Message]
    ) -> None:
        producer = self._producer
        await producer.begin_transaction()
        sent = await self._send(self._topic, self._partition, _state_rows(changes))
        if letters:
            partitions = await producer.partitions_for(self._rejected_topic)
            target = self._partition % len(partitions)
            rows = ((item.timestamp, item.key, item.value, item.headers) for item in letters)
            sent += await self._send(self._rejected_topic, target, rows)
        for (topic, number), records in (await self._by_partition(messages)).items():
            sent += await self._send(topic, number, records)
        await asyncio.gather(*sent)
        await producer.commit_transaction()

    async def _by_partition(self, messages: Sequence[Message]) -> dict[tuple[str, int], list[_Row]]:
        """Messages by topic and partition: equal keys share one, in order."""
        found: dict[tuple[str, int], list[_Row]] = {}
        for topic, key, value in messages:
            count = len(await self._producer.partitions_for(topic))
            found.setdefault((topic, partition_of(key, count)), []).append((None, key, value, _NO_HEADERS))
        return found

    async def _send(self, topic: str, partition: int, rows: Iterable[_Row]) -> list[asyncio.Future[Any]]:
        sent = []
        producer = self._producer
        batch = producer.create_batch()
        append = batch.append
        for timestamp, key, value, headers in rows:
            if append(timestamp=timestamp, key=key, value=value, headers=headers) is None:
                sent.append(await producer.send_batch(batch, topic, partition=partition))
                await asyncio.sleep(0)
                batch = producer.create_batch()
                append = batch.append
                append(timestamp=timestamp, key=key, value=value, headers=headers)
        if batch.record_count():
            batch.close()
            sent.append(await producer.send_batch(batch, topic, partition=partition))
        return sent

    def _failed(self, error: Exception) -> ChangelogError:
        if isinstance(error, (ProducerFenced, InvalidProducerEpoch)):
            return FencedError(
                f"another worker has taken {self._name} over",
                action="Nothing is lost. If it happens often, this process is frozen or starved for longer than the "
                "session timeout: give it more CPU.",
            )
        if isinstance(error, MessageSizeTooLargeError):
            return ChangelogError(
                f"a record for {self._name} is larger than the broker accepts",
                action="Raise max.message.bytes of the changelog topic.",
            )
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return ChangelogError(f"cannot write to {self._name}: {reason}", action="Check the broker, then restart.")


def _state_rows(changes: Mapping[bytes, bytes | None]) -> Iterable[_Row]:
    for key, value in changes.items():
        if key != MARKER_KEY:
            yield None, key, value, _NO_HEADERS
    yield None, MARKER_KEY, changes[MARKER_KEY], _NO_HEADERS
