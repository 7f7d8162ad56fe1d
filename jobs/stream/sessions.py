"""The sessions of a worker: opened at assignment, kept over a rebalance where nobody else had the partition."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from jobs.stream.changelog import Changelog
from jobs.stream.connection import Connection
from jobs.stream.errors import RecoveryError, StreamError
from jobs.stream.fetched import Fetched
from jobs.stream.flush import Effects
from jobs.stream.guard import guarded
from jobs.stream.protocols import Pipeline, PipelineFactory, State
from jobs.stream.restore import restore
from jobs.stream.rows import Rows
from jobs.stream.session import Session, Surroundings
from jobs.stream.signs import Glimpse
from jobs.stream.takeover import take_over
from pipeline.batch import Marker

log = logging.getLogger(__name__)

OPENING_AT_ONCE = 4
MARGIN_S = 3.0
"""Part of the shutdown deadline that is left for leaving the group."""


class Sessions:
    """By partition of the input topic."""

    def __init__(
        self,
        connection: Connection,
        pipelines: PipelineFactory,
        rows: Rows,
        around: Surroundings,
        *,
        commit: Callable[[int, int], Awaitable[bool]],
        states: Callable[[], dict[int, State]],
    ) -> None:
        self._connection = connection
        self._pipelines = pipelines
        self._rows = rows
        self._around = around
        self._commit = commit
        self._states = states
        self._sessions: dict[int, Session] = {}
        self._lock = asyncio.Lock()
        self._generation = -1

    def offer(self, fetched: Fetched) -> None:
        """Hand a batch to its session; without one it is stale."""
        session = self._sessions.get(fetched.partition)
        if session is not None:
            session.offer(fetched)

    def positions(self) -> dict[int, int]:
        """The next offset to read, by partition."""
        return {partition: session.position for partition, session in self._sessions.items()}

    def glimpses(self) -> dict[int, Glimpse]:
        """The partitions that take batches, as they look now."""
        return {number: session.glimpse for number, session in self._sessions.items() if session.open}

    @property
    def settled(self) -> bool:
        """Whether the group has given this worker its partitions, and all of them take batches."""
        return self._generation >= 0 and all(session.open for session in self._sessions.values())

    def begin(self, epoch: int) -> None:
        """All sessions accept the batches of this epoch."""
        for session in self._sessions.values():
            session.begin(epoch, session.position)

    async def suspend(self) -> None:
        """Finish the flushes in progress, within the shutdown deadline."""
        deadline_s = max(self._around.settings.shutdown_deadline_s - MARGIN_S, 1.0)
        await asyncio.gather(*(session.suspend(deadline_s) for session in self._sessions.values()))

    async def close(self) -> None:
        """End all sessions and the pipelines' thread."""
        async with self._lock:
            await self._close(list(self._sessions))
        self._around.executor.shutdown(wait=False, cancel_futures=True)

    async def restore(self, committed: Mapping[int, int | None], generation: int) -> None:
        """Have a session for exactly these partitions, each confirmed up to its marker.

        ``committed`` gives the group's next offset. A session of before is kept if the group's offset is its own and
        this worker was in every generation of the group since: then nobody else can have had the partition.
        """
        async with self._lock:
            missed = generation > self._generation + 1
            self._generation = generation
            await self._close([p for p, s in self._sessions.items() if missed or not _continues(s, committed.get(p))])
            missing = [partition for partition in sorted(committed) if partition not in self._sessions]
            gate = asyncio.Semaphore(OPENING_AT_ONCE)
            try:
                async with asyncio.TaskGroup() as group:
                    for partition in missing:
                        group.create_task(self._open(partition, committed[partition], gate))
            except BaseExceptionGroup as errors:
                raise _first(errors) from errors

    async def _close(self, partitions: list[int]) -> None:
        closing = [self._sessions.pop(partition) for partition in partitions]
        for partition in partitions:
            self._states().pop(partition, None)
        await asyncio.gather(*(session.close() for session in closing))

    async def _open(self, partition: int, committed: int | None, gate: asyncio.Semaphore) -> None:
        kafka = self._connection.kafka
        changelog = Changelog(
            self._connection,
            f"{kafka.application_id}-{kafka.topic}-{partition}",
            topic=kafka.changelog_topic,
            partition=partition,
            rejected_topic=kafka.rejected_topic,
        )
        async with gate:
            try:
                # The order matters: first fence older owners, then read what they have left.
                await changelog.start()
                session = await self._restored(partition, committed, changelog)
            except BaseException:
                await changelog.stop()
                raise
        self._sessions[partition] = session
        log.info("Partition %d of %s goes on at offset %d", partition, kafka.topic, session.position)

    async def _restored(self, partition: int, committed: int | None, changelog: Changelog) -> Session:
        kafka = self._connection.kafka
        room = self._around.room
        state, marker, fragments = await restore(
            self._connection, kafka.changelog_topic, partition, room=room.restoring
        )
        self._states()[partition] = state
        pipeline = await self._pipeline(partition, state)
        _agree(partition, pipeline.marker, marker)
        effects = Effects(
            kafka.topic,
            partition,
            changelog,
            self._rows,
            commit=lambda offset: self._commit(partition, offset),
            streams=kafka.streams,
            fragments=fragments,
            reach=self._around.reach,
        )
        await take_over(pipeline, effects, self._connection, committed)
        return Session(pipeline, state, effects, self._around)

    async def _pipeline(self, partition: int, state: State) -> Pipeline:
        loop, topic = asyncio.get_running_loop(), self._connection.kafka.topic
        what = f"partition {partition}: the state cannot be read"
        return await loop.run_in_executor(
            self._around.executor, guarded, what, self._pipelines, topic, partition, state
        )


def _continues(session: Session, committed: int | None) -> bool:
    return not session.broken and committed is not None and max(committed, 0) == session.position


def _agree(partition: int, pipeline: Marker, changelog: Marker | None) -> None:
    if pipeline.offset != (-1 if changelog is None else changelog.offset):
        raise RecoveryError(
            f"partition {partition}: the pipeline restored offset {pipeline.offset}, its changelog ends at {changelog}",
            action="The state was written by an incompatible version: run that version, or rebuild the state.",
        )


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error to report: our own if there is one."""
    first = next((error for error in group.exceptions if isinstance(error, StreamError)), group.exceptions[0])
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
