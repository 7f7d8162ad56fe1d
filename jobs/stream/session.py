"""One assigned partition: gathers fetched batches, has them processed, flushes, keeps the watermark moving."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from jobs.settings import WorkerSettings
from jobs.stream.chunks import Chunk, joined
from jobs.stream.crash import Reach, nowhere
from jobs.stream.errors import DeliveryError
from jobs.stream.fetched import Fetched
from jobs.stream.flush import Effects
from jobs.stream.guard import guarded
from jobs.stream.memory import Room
from jobs.stream.protocols import Pipeline, State
from jobs.stream.rejected import RejectedShare
from jobs.stream.signs import Glimpse
from pipeline.batch import Flush

log = logging.getLogger(__name__)

CATCH_UP_INTERVALS = 10
"""Flush intervals to wait for a full flush while more records lie in the log."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all sessions of a worker share."""

    settings: WorkerSettings
    executor: Executor
    """One thread: pipelines are CPU-bound, and the event loop must stay free for heartbeats and sends."""
    turn: asyncio.Lock
    """Held while a pipeline runs."""
    share: RejectedShare
    pause: Callable[[int], None]
    """Stop fetching a partition."""
    resume: Callable[[int], None]
    tick: Callable[[int], Awaitable[None]]
    """Append a tick record to a partition."""
    fail: Callable[[BaseException], Awaitable[None]]
    """Stop the worker."""
    room: Room
    """Memory for another flush, and for state to restore."""
    reach: Reach = nowhere


class Session:
    """Life: ``begin(epoch)`` - ``offer`` ... - ``suspend`` - ``begin`` again or ``close``.

    At most one flush is unconfirmed at any time. After a failed or abandoned flush the session is broken: its
    pipeline is ahead of what is confirmed, and only a new session restored from the changelog can go on.
    """

    def __init__(self, pipeline: Pipeline, state: State, effects: Effects, around: Surroundings) -> None:
        self._pipeline = pipeline
        self._state = state
        self._effects = effects
        self._around = around
        self._chunks: list[Chunk] = []
        self._records = 0
        self._bytes = 0
        self._expected = 0
        self._behind = False
        self._epoch = -1
        self._changed = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self.broken = False

    @property
    def position(self) -> int:
        """The next offset to read."""
        return self._pipeline.marker.offset + 1

    @property
    def glimpse(self) -> Glimpse:
        """How it looks from outside."""
        return Glimpse(self.position, busy=not self._idle.is_set(), waiting=bool(self._chunks))

    @property
    def open(self) -> bool:
        """Whether it takes batches."""
        return self._epoch >= 0 and not self.broken

    def begin(self, epoch: int, position: int) -> None:
        """Accept batches of this epoch that begin at this position."""
        self._epoch = epoch
        self._expected = position
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"partition-{self._effects.partition}")

    def offer(self, fetched: Fetched) -> None:
        """Take a batch; stale ones are ignored. Raises :class:`DeliveryError` if one is missing in between."""
        if fetched.epoch != self._epoch:
            return
        if fetched.start != self._expected:
            raise DeliveryError(
                f"partition {fetched.partition}: a batch begins at {fetched.start}, expected {self._expected}",
                action="Restart the worker; report it with the Faust version, this is a defect.",
            )
        self._expected = fetched.following
        self._chunks += fetched.chunks
        self._records += fetched.records
        self._bytes += fetched.bytes
        self._behind = fetched.behind
        if self._full:
            self._around.pause(fetched.partition)
        self._changed.set()

    async def suspend(self, deadline_s: float) -> None:
        """Accept nothing more, forget what was not processed, wait for the flush in progress.

        A flush that does not finish within the deadline is abandoned: the next owner writes its rows again.
        """
        self._epoch = -1
        self._forget()
        try:
            async with asyncio.timeout(deadline_s):
                await self._idle.wait()
        except TimeoutError:
            log.warning("Partition %d: flush abandoned after %.0f s", self._effects.partition, deadline_s)
            self.broken = True
            await self._cancel()

    async def close(self) -> None:
        """End the session and its producer."""
        self._epoch = -1
        await self._cancel()
        await self._effects.changelog.stop()

    async def _cancel(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    @property
    def _full(self) -> bool:
        settings = self._around.settings
        return self._records >= settings.flush_records or self._bytes >= settings.flush_bytes

    def _forget(self) -> list[Chunk]:
        chunks, self._chunks, self._records, self._bytes = self._chunks, [], 0, 0
        return chunks

    async def _run(self) -> None:
        try:
            while not self.broken:
                await self._gather()
                await self._flush()
        except Exception as error:  # noqa: BLE001  (whatever it is: after it, nothing may be confirmed)
            self.broken = True
            self._idle.set()
            await self._around.fail(error)

    async def _gather(self) -> None:
        """Wait for the first batch, then until there is enough or it is time.

        While the partition is behind its log, waiting costs no freshness: fuller flushes catch up sooner.
        """
        while not self._chunks:
            await self._next_batch()
        for _ in range(CATCH_UP_INTERVALS):
            await self._fill()
            if self._full or not self._chunks or not self._behind:
                return

    async def _fill(self) -> None:
        try:
            async with asyncio.timeout(self._around.settings.flush_interval_s):
                while not self._full and self._chunks:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass

    async def _next_batch(self) -> None:
        self._changed.clear()
        try:
            async with asyncio.timeout(self._around.settings.tick_interval_s or None):
                await self._changed.wait()
        except TimeoutError:
            if self._epoch >= 0 and len(self._state) > 1:
                await self._around.tick(self._effects.partition)

    async def _flush(self) -> None:
        flush = await self._process()
        if flush is None:
            return
        self.broken = not await self._effects.apply(flush)
        if self.broken:
            log.info("Partition %d: offset not committed, the group rebalances", self._effects.partition)
        self._idle.set()

    async def _process(self) -> Flush | None:
        """Take what there is, once it is this partition's turn; until then a suspension has nothing to wait for."""
        async with self._around.turn:
            await self._around.room.enough()
            chunks = self._forget()
            if not chunks:
                return None
            self._idle.clear()
            self._around.resume(self._effects.partition)
            loop = asyncio.get_running_loop()
            what = f"partition {self._effects.partition}, offsets {chunks[0].offsets[0]} to {chunks[-1].offset}"
            flush = await loop.run_in_executor(self._around.executor, guarded, what, self._taken, chunks)
        self._around.share.judge(sum(map(len, chunks)), flush.rejected)
        return flush

    def _taken(self, chunks: Sequence[Chunk]) -> Flush:
        return self._pipeline.process([joined(chunks)])
