"""The Faust application: settings, topic, table, agent. Built from our settings, nothing happens at import."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, Final

import faust
from aiokafka.errors import KafkaError
from faust.exceptions import ConsumerNotStarted, ProducerSendError
from faust.types import TP

from jobs.settings import KafkaSettings, Settings
from jobs.stream.codecs import forbid_executable_codecs
from jobs.stream.connection import Connection
from jobs.stream.crash import crash_point
from jobs.stream.health import Watchdog, pulse
from jobs.stream.memory import Room, available_bytes
from jobs.stream.observed import observed
from jobs.stream.options import faust_settings
from jobs.stream.protocols import PipelineFactory, SinkFactory
from jobs.stream.rejected import RejectedShare
from jobs.stream.rows import Rows
from jobs.stream.session import Surroundings
from jobs.stream.sessions import Sessions
from jobs.stream.signs import Glimpse, Name, Signs
from jobs.stream.store import StateTable
from jobs.stream.transport import BatchSchema, Transport
from jobs.topics import APPEND_TIME

log = logging.getLogger(__name__)

STATE_TABLE: Final = "state-v1"
DETECTION_TABLE: Final = "detect-state-v1"
QUEUED_BATCHES: Final = 4
TICK_TIMEOUT_S: Final = 10.0


class BootStrategy(faust.App.BootStrategy):
    """Decides from our settings whether the web server runs: ``faust worker`` would switch it on."""

    def _should_enable_web(self) -> bool:
        return bool(self.app.settings.worker.web)


class App(faust.App):
    """Faust's application with our transport and the sessions of the assigned partitions.

    Overrides of Faust 0.15.3, each with a contract test: ``BootStrategy``, ``_new_transport``,
    ``_create_directories``, ``on_start``, ``on_stop``.
    """

    BootStrategy = BootStrategy

    def __init__(
        self,
        settings: Settings,
        pipelines: PipelineFactory,
        sinks: SinkFactory,
        *,
        writers: int,
        detection: PipelineFactory | None,
    ) -> None:
        self.settings = settings
        kafka = settings.kafka
        self.input_topic_name = kafka.topic
        super().__init__(**faust_settings(settings))
        self.state_tables = {kafka.topic: self._table(STATE_TABLE, kafka.partitions)}
        self._pipelines = {kafka.topic: pipelines}
        if detection is not None:
            self.state_tables[kafka.cells_topic] = self._table(DETECTION_TABLE, kafka.detection.partitions)
            self._pipelines[kafka.cells_topic] = detection
        self.batch_topics = frozenset(self._pipelines)
        worker = settings.worker
        self._signs = Signs(worker.hang_after_s, worker.stall_after_s, time.monotonic())
        self._watchdog = Watchdog(self._signs, worker.health_host, worker.health_port) if worker.health else None
        self._room = Room(self._signs, worker.memory_bytes or available_bytes())
        self._reach = crash_point(os.environ)
        self._rows = Rows(observed(sinks, self._signs), writers, self._reach)
        self._groups: dict[str, Sessions] = {}
        self._announced = False

    def _table(self, name: str, partitions: int) -> StateTable:
        table = StateTable(self, name=name, partitions=partitions, key_type=bytes, value_type=bytes)
        self.tables.add(table)
        return table

    @property
    def state_table(self) -> StateTable:
        """The table of the input topic's state."""
        return self.state_tables[self.input_topic_name]

    def groups(self) -> dict[str, Sessions]:
        """The sessions of this worker by topic; made inside the running event loop."""
        if not self._groups:
            kafka = self.settings.kafka
            self._groups[kafka.topic] = self._sessions(kafka, self._surroundings(kafka.topic))
            if kafka.cells_topic in self.batch_topics:
                self._groups[kafka.cells_topic] = self._sessions(kafka.detection, self._around_detection())
        return self._groups

    def _sessions(self, kafka: KafkaSettings, around: Surroundings) -> Sessions:
        table = self.state_tables[kafka.topic]
        return Sessions(
            Connection(kafka),
            self._pipelines[kafka.topic],
            self._rows,
            around,
            commit=partial(self._commit_offset, kafka.topic),
            states=lambda: table.data.partitions,
        )

    async def suspend(self) -> None:
        """Finish the flushes in progress, within the shutdown deadline."""
        await asyncio.gather(*(sessions.suspend() for sessions in self.groups().values()))

    def _surroundings(self, topic: str) -> Surroundings:
        worker = self.settings.worker
        return Surroundings(
            settings=worker,
            executor=ThreadPoolExecutor(1, thread_name_prefix="perception-pipeline"),
            turn=asyncio.Lock(),
            share=RejectedShare(worker.rejected_share_limit, worker.rejected_share_records),
            pause=lambda partition: self.consumer.pause_partitions([TP(topic, partition)]),
            resume=lambda partition: self.consumer.resume_partitions([TP(topic, partition)]),
            tick=self._tick,
            fail=self._fail,
            room=self._room,
            reach=self._reach,
        )

    def _around_detection(self) -> Surroundings:
        """A thread and an interval of its own: flushes of the input do not wait while series are looked at."""
        interval_s = self.settings.alerts.interval_s
        worker = self.settings.worker.model_copy(update={"flush_interval_s": interval_s, "tick_interval_s": 0.0})
        return replace(self._surroundings(self.settings.kafka.cells_topic), settings=worker)

    async def _commit_offset(self, topic: str, partition: int, offset: int) -> bool:
        tp = TP(topic, partition)
        if tp not in self.consumer.assignment():
            return False
        return bool(await self.consumer._commit({tp: offset}))  # noqa: SLF001  (commit() knows Faust's own acks only)

    async def _tick(self, partition: int) -> None:
        value = json.dumps({"type": "tick", "occurred_at": time.time_ns() // 1_000_000}).encode()
        try:
            async with asyncio.timeout(TICK_TIMEOUT_S):
                await self.producer.send_and_wait(self.input_topic_name, b"", value, partition, None, None)
        except (KafkaError, ProducerSendError, TimeoutError) as error:
            log.warning("No tick for partition %d, the next one comes: %r", partition, error)

    async def _fail(self, error: BaseException) -> None:
        self.announce(error)
        await self.crash(error)

    def announce(self, error: BaseException) -> None:
        """Say once why the worker stops, and what to do about it."""
        if not self._announced:
            self._announced = True
            log.critical("The worker stops: %s", explain(error))

    def _new_transport(self) -> Transport:
        return Transport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """Nothing: the state is in memory and in Kafka."""

    async def on_start(self) -> None:
        """Open the warehouse before any partition is taken: a wrong address or schema is said at once."""
        await super().on_start()
        if self._watchdog is not None:
            self._signs.beat_at = time.monotonic()
            self._watchdog.start(asyncio.get_running_loop())
            self.add_future(pulse(self._signs, self._look))
        await self._rows.open()

    async def on_stop(self) -> None:
        """Flush what is in hand, give the partitions up, then end our own clients and threads."""
        await super().on_stop()
        await asyncio.gather(*(sessions.close() for sessions in self._groups.values()))
        await asyncio.to_thread(self._rows.close)
        if self._watchdog is not None:
            await asyncio.to_thread(self._watchdog.stop)

    def _look(self) -> tuple[dict[Name, Glimpse], bool]:
        if not self._groups:
            return {}, False
        found = {topic: sessions.glimpses() for topic, sessions in self._groups.items()}
        settled = all(sessions.settled for sessions in self._groups.values())
        glimpses: dict[Name, Glimpse] = {
            number if topic == self.input_topic_name else f"{number} of {topic}": glimpse
            for topic, partitions in found.items()
            for number, glimpse in partitions.items()
        }
        try:
            assigned = {(tp.topic, tp.partition) for tp in self.consumer.assignment() if tp.topic in found}
        except ConsumerNotStarted:
            return glimpses, False
        return glimpses, settled and assigned == {(topic, one) for topic, numbers in found.items() for one in numbers}


def explain(error: BaseException) -> str:
    """An error and what to do about it, in one text."""
    action = getattr(error, "action", "")
    text = str(error) or type(error).__name__
    return f"{text}\nWhat to do: {action}" if action and action not in text else text


def build_app(
    settings: Settings,
    pipelines: PipelineFactory,
    sinks: SinkFactory,
    *,
    writers: int = 1,
    detection: PipelineFactory | None = None,
) -> App:
    """The application over these pipelines and sinks; ``writers`` threads insert rows, each with a sink.

    With ``detection`` an agent of its own detects over the cells that flushes publish.
    """
    forbid_executable_codecs()
    app = App(settings, pipelines, sinks, writers=writers, detection=detection)
    kafka = settings.kafka
    common = {"partitions": kafka.partitions, "internal": kafka.topic_allow_declare}
    rejected = app.topic(kafka.rejected_topic, config=APPEND_TIME, **common)
    alerts = app.topic(kafka.alerts_topic, compacting=True, **common)
    _agent(app, "interactions", kafka.topic, kafka.partitions, writes=(rejected, alerts))
    if detection is not None:
        _agent(app, "detection", kafka.cells_topic, kafka.detection.partitions)
    return app


def _agent(app: App, name: str, source: str, partitions: int, *, writes: tuple[Any, ...] = ()) -> None:
    """An agent that hands fetched batches to the sessions of their topic; it makes topics it writes to, if it may."""
    own = app.settings.kafka.topic_allow_declare
    schema, common = BatchSchema(), {"partitions": partitions, "internal": own, "acks": False, "config": APPEND_TIME}
    # Not app.topic(): it drops maxsize.
    topic = app.conf.Topic(app, topics=[source], schema=schema, maxsize=QUEUED_BATCHES, **common)

    async def offer(stream: Any) -> None:
        for target in writes:
            await target.maybe_declare()
        async for fetched in stream.noack():
            app.groups()[source].offer(fetched)

    app.agent(topic, name=name)(offer)
