"""Faust's Kafka transport, except that a fetched batch of a partition is one message (:class:`Fetched`).

Overrides of Faust 0.15.3, each with a contract test: ``Consumer.getmany``, ``perform_seek``, ``wait_empty``,
``_new_consumer_thread``; ``AIOKafkaConsumerThread._create_worker_consumer``; ``Producer._settings_extra``;
``Schema.compile``; of aiokafka, ``PartitionRecords`` (:mod:`jobs.stream.lean`). The topic is declared without acks:
Faust tracks and commits nothing for it, the flush does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

import faust
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message

from jobs.stream.chunks import Record, chunks_of
from jobs.stream.fetched import Fetched
from jobs.stream.lean import spare
from jobs.stream.positions import check_positions

Records = Mapping[TP, Sequence[Record]]

FETCH_MIN_BYTES: Final = 512 * 1024
"""Compressed, of all partitions of a broker: what a fetch waits for,"""
FETCH_WAIT_S: Final = 0.25
"""and for how long at most."""


class BatchSchema(faust.Schema):
    """The value of a message is the batch itself: nothing is decoded here."""

    def compile(self, app: Any, **_: Any) -> Callable[..., Awaitable[Any]]:
        """A decoder that wraps the message."""
        create_event = app.create_event

        async def decode(message: Message, *, propagate: bool = False) -> Any:
            return create_event(message.key, message.value, message.headers, message)

        return decode


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread; reads what producers have committed."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        for topic in self.app.batch_topics:
            spare(topic, self.app.settings.kafka.batch_bytes)
        consumer._isolation_level = "read_committed"  # noqa: SLF001  (Faust ties it to its own transactions)
        # A fetch costs as much as hundreds of records, so the broker gathers: for less than a flush waits anyhow.
        wait_s = min(FETCH_WAIT_S, self.app.settings.worker.flush_interval_s / 4)
        consumer._fetch_min_bytes = FETCH_MIN_BYTES  # noqa: SLF001  (Faust has no setting for either)
        consumer._fetch_max_wait_ms = int(wait_s * 1_000)  # noqa: SLF001
        return consumer


class Consumer(driver.Consumer):
    """Yields batches of the input topic and of the cells topic, and single messages of all other topics."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._positions: dict[TP, int] = {}
        self._epoch = 0

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def start_at(self, positions: Mapping[TP, int]) -> int:
        """Read the input partitions from these positions on; returns the epoch of the batches to come."""
        self._epoch += 1
        self._positions = dict(positions)
        await self._seek_to_positions()
        return self._epoch

    async def perform_seek(self) -> None:
        """As Faust's, but topics in batches go on where their last batch ended."""
        await super().perform_seek()
        await self._seek_to_positions()

    async def _seek_to_positions(self) -> None:
        assigned = self.assignment()
        wanted = {tp: offset for tp, offset in self._positions.items() if tp in assigned}
        if wanted:
            await self.seek_wait(wanted)

    async def wait_empty(self) -> None:
        """Let flushes in progress finish before partitions are given up, then as Faust."""
        await self.app.suspend()
        await super().wait_empty()

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109  (Faust's signature)
        """Fetch once; one message per partition of a topic in batches, one per record elsewhere."""
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if not records or self.should_stop:
            return
        for tp, message in self._messages(records):
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            if active is None or tp in active or tp in self._buffered_partitions:
                self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
                if isinstance(message.value, Fetched):
                    self._positions[tp] = message.value.following
                yield tp, message

    def _messages(self, records: Records) -> Sequence[tuple[TP, ConsumerMessage]]:
        topics = self.app.batch_topics
        batches = {tp: found for tp, found in records.items() if tp.topic in topics}
        others = {tp: found for tp, found in records.items() if tp.topic not in topics}
        messages = [(tp, self._to_message(tp, record)) for tp, record in self.scheduler.iterate(others)]
        for tp, found in batches.items():
            message = self._batch_message(tp, found)
            if message is not None:
                messages.append((tp, message))
        return messages

    def _batch_message(self, tp: TP, found: Sequence[Record]) -> ConsumerMessage | None:
        start = self._positions.get(tp)
        if start is None:
            return None
        chunks = chunks_of(found, start)
        if not chunks:
            # A fetch that was on its way while positions were set: all of it is known already. Or the log has begun
            # anew, which Kafka's clients pass over without a word.
            check_positions(tp.topic, {tp.partition: start}, {}, {tp.partition: self.highwater(tp) or start})
            return None
        behind = (self.highwater(tp) or 0) > chunks[-1].offset + 1
        fetched = Fetched(tp.partition, self._epoch, start, chunks, behind)
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            fetched.following - 1,
            chunks[-1].timestamps[-1] / 1_000,
            0,
            None,
            None,
            fetched,
            None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )


class Producer(driver.Producer):
    """Faust's producer (it sends ticks), idempotent."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class Transport(driver.Transport):
    """The transport of the job."""

    Consumer: ClassVar[type[Consumer]] = Consumer
    Producer: ClassVar[type[Producer]] = Producer
